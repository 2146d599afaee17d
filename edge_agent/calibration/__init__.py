"""What turns counts into trustworthy grams: diagnosis of a channel before anyone calibrates it."""

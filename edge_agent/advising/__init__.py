"""Before anything is installed: what a shelf's sensors will be able to tell, and what would help."""

"""Recordings: what the pipeline consumed, in its order, with what it knew at the start, as MCAP."""

"""The judge of ideal acts: drawn truths, what sensors could at best tell of them, how well a contestant does.

It shares no code and no parameter with estimation and identification; pyproject.toml's contracts hold it to that.
"""

VERSION = "judge-0"
"""Printed with every score. 0: not frozen yet; its numbers may still change without notice."""

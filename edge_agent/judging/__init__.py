"""The judge of ideal acts: drawn truths, what sensors could at best tell of them, how well a contestant does.

It shares no code and no parameter with estimation and identification; pyproject.toml's contracts hold it to that.
"""

VERSION = "judge-1"
"""Printed with every score. What it draws and what its oracle answers is pinned by a test; docs/judge.md says what it
is and how near its anchors are."""

"""The judge's second level: shelves in physics, boards that send bytes, the whole engine behind them.

Drawn shelves (judging) are stocked and visited (simulation); virtual boards answer as real ones do (firmware_bridge);
what the engine decides is matched with what happened. This room joins the others and is joined by none.
"""

BYTES_VERSION = "bytes-0"
"""Printed with every score of this level. 0: its physics is not complete and not frozen; see docs/judge.md."""

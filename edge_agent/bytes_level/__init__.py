"""The judge's second level: shelves in physics, boards that send bytes, the whole engine behind them.

Drawn shelves (judging) are stocked and visited (simulation); virtual boards answer as real ones do (firmware_bridge);
what the engine decides is matched with what happened. This room joins the others and is joined by none.
"""

BYTES_VERSION = "bytes-1"
"""Printed with every score of this level. What it draws is pinned by tests/unit/test_bytes_frozen.py; see docs/judge.md
for what its physics holds."""

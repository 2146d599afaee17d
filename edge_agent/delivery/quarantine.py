"""Originals of events that could not go out as they were, kept beside the outbox for a person to look at."""

import sqlite3
from typing import Final

from edge_agent.delivery.payload_codec import PLAIN, pack
from edge_agent.delivery.wire import MAX_MESSAGE_BYTES

QUARANTINE_ROWS: Final = 1000
"""Originals kept; the oldest go first (2026-11)."""


def keep_original(database: sqlite3.Connection, sequence: int, reason: str, payload: bytes) -> None:
    """Keep an event whole, as it was before its first stand-in; part of the caller's transaction."""
    # Reading expands nothing beyond a message's size, so what is larger is kept as it is.
    stored = pack(payload) if len(payload) <= MAX_MESSAGE_BYTES else PLAIN + payload
    database.execute("INSERT OR IGNORE INTO quarantine VALUES (?, ?, ?)", (sequence, reason, stored))
    database.execute(
        "DELETE FROM quarantine WHERE sequence <= "
        "(SELECT sequence FROM quarantine ORDER BY sequence DESC LIMIT 1 OFFSET ?)",
        (QUARANTINE_ROWS,),
    )


def make_way(database: sqlite3.Connection) -> None:
    """Renumber what is kept to below 1, in its order: a new stream is about to use the numbers from 1 on.

    Each payload names its own stream and sequence; the number here only keeps them apart and in order of age.
    """
    lowest, highest = database.execute("SELECT min(sequence), max(sequence) FROM quarantine").fetchone()
    if highest is not None and highest > 0:
        # By more than the whole span, so that no row lands where another still is.
        span = highest - min(lowest, 1) + 1
        database.execute("UPDATE quarantine SET sequence = sequence - ?", (span,))

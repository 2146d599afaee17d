"""What an outbox takes along into a new stream: after damage, and when the old stream went on without it."""

import sqlite3
from typing import Final

from edge_agent.delivery.envelope import Envelope
from edge_agent.delivery.identifiers import uuid7
from edge_agent.delivery.learned_rows import CONFIDENCE, WEIGHT
from edge_agent.delivery.payload_codec import pack, unpack
from edge_agent.delivery.quarantine import keep_original, make_way
from edge_agent.delivery.salvage import Salvage, moved_to
from edge_agent.delivery.saved_state import LANE, SHELF
from edge_agent.delivery.sendable import sendable
from edge_agent.delivery.wire import CloudEvent, WireError, decode, encode

BELIEF: Final = (LANE, SHELF, WEIGHT, CONFIDENCE)
"""State rows that are true of the shelves, whatever the stream."""
ROWS_AT_ONCE: Final = 256
"""About 0.5 MB of events in memory at a time (2026-11)."""


def first_rows(
    database: sqlite3.Connection, envelope: Envelope, stream_id: str, salvaged: Salvage | None
) -> dict[str, bytes]:
    """Insert salvaged events, ids kept, and return the state rows that a new database begins with."""
    rows = {"stream": stream_id.encode()}
    if salvaged is None:
        return rows
    rows |= {name: value for name, value in salvaged.state.items() if name.startswith(BELIEF)}
    rows |= {name: value for name, value in salvaged.state.items() if name == "session" and value.isdigit()}
    source = envelope.unit.source(stream_id)
    for sequence, event in enumerate(salvaged.events, 1):
        payload = pack(encode(moved_to(event, source, sequence)))
        database.execute("INSERT INTO event VALUES (?, ?)", (sequence, payload))
    return rows


def event_id_at(database: sqlite3.Connection, sequence: int) -> str | None:
    """Return the id of the event held at a place, None where there is none or it no longer reads."""
    row = database.execute("SELECT payload FROM event WHERE sequence = ?", (sequence,)).fetchone()
    try:
        return None if row is None else decode(unpack(row[0]), CloudEvent).id
    except (TypeError, ValueError, WireError):
        return None


def move_to_stream(
    database: sqlite3.Connection, envelope: Envelope, stream_id: str, watermark: int, utc_ns: int
) -> int:
    """Drop what is confirmed, number the rest from 1 in the new stream and return how many that is.

    In place and in constant memory; part of the caller's transaction. Events keep their id, so that a ledger counts
    each once; one that no longer reads goes as a review.
    """
    source = envelope.unit.source(stream_id)
    make_way(database)
    database.execute("DELETE FROM event WHERE sequence <= ?", (watermark,))
    moved, after = 0, watermark
    while True:
        rows = database.execute(
            "SELECT sequence, payload FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?", (after, ROWS_AT_ONCE)
        ).fetchall()
        if not rows:
            return moved
        for old_sequence, stored in rows:
            # Never above the old number, and everything below that has moved already: no two rows meet.
            moved += 1
            try:
                event = moved_to(decode(unpack(stored), CloudEvent), source, moved)
            except (TypeError, ValueError, WireError):
                keep_original(database, moved, "stored_event_unreadable", stored if isinstance(stored, bytes) else b"")
                event = envelope.unreadable(event_id=uuid7(utc_ns), stream_id=stream_id, sequence=moved)
            payload, refusal = sendable(event)
            if refusal is not None:
                keep_original(database, moved, refusal, encode(event))
            database.execute(
                "UPDATE event SET sequence = ?, payload = ? WHERE sequence = ?", (moved, pack(payload), old_sequence)
            )
        after = rows[-1][0]

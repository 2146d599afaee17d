"""What a damaged outbox still holds: set aside by name, read as far as it goes."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from edge_agent.delivery.payload_codec import unpack
from edge_agent.delivery.wire import CloudEvent, WireError, decode, padded_sequence

SIDE_FILES: Final = ("", "-wal", "-shm")
FROM_BOTH_ENDS: Final = (
    "SELECT sequence, payload FROM event ORDER BY sequence ASC",
    "SELECT sequence, payload FROM event ORDER BY sequence DESC",
)


@dataclass(frozen=True, slots=True)
class Salvage:
    """What was read from a damaged outbox.

    Attributes
    ----------
    kept_as : Path
        Where the damaged file now lies.
    events : tuple of CloudEvent
        Rows that read, in the order of their old stream; some may already be recorded by the ledger.
    state : dict name → value
        Belief rows (lanes and shelves) that read.
    """

    kept_as: Path
    events: tuple[CloudEvent, ...]
    state: dict[str, bytes]


def set_aside(path: Path, utc_stamp: str) -> Path:
    """Rename a damaged database with its WAL, so that nothing overwrites what may still be read."""
    aside = path.with_name(f"{path.name}.damaged-{utc_stamp}")
    for suffix in SIDE_FILES:
        piece = path.with_name(path.name + suffix)
        if piece.exists():
            piece.rename(aside.with_name(aside.name + suffix))
    return aside


def salvage(aside: Path) -> Salvage:
    """Read every event and belief row that the damage left readable; never raises on damage."""
    events: dict[int, CloudEvent] = {}
    state: dict[str, bytes] = {}
    try:
        connection = sqlite3.connect(aside, isolation_level=None)
    except sqlite3.Error:
        return Salvage(aside, (), {})
    try:
        # From both ends: a broken page in the middle hides only itself.
        for query in FROM_BOTH_ENDS:
            for sequence, stored in _rows(connection, query):
                event = _readable(stored)
                if event is not None and isinstance(sequence, int):
                    events.setdefault(sequence, event)
        state |= {
            name: value
            for name, value in _rows(connection, "SELECT name, value FROM state")
            if isinstance(name, str) and isinstance(value, bytes)
        }
    finally:
        connection.close()
    return Salvage(aside, tuple(event for _, event in sorted(events.items())), state)


def moved_to(event: CloudEvent, source: str, sequence: int) -> CloudEvent:
    """Return a salvaged event in a place of a new stream: its id stays, so that a ledger counts it once."""
    data = msgspec.structs.replace(event.data, historical=True)
    return msgspec.structs.replace(event, source=source, sequence=padded_sequence(sequence), data=data)


def _rows(connection: sqlite3.Connection, query: str) -> Iterator[tuple[object, object]]:
    """Yield rows until the damage."""
    try:
        yield from connection.execute(query)
    except sqlite3.Error:
        return


def _readable(stored: object) -> CloudEvent | None:
    if not isinstance(stored, bytes):
        return None
    try:
        return decode(unpack(stored), CloudEvent)
    except (ValueError, WireError):
        return None

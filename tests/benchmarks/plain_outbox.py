"""The usual outbox: one SQLite table with a state per row, default pages, an index on the state."""

import json
import sqlite3
from pathlib import Path

from edge_agent.model import Decision


class PlainOutbox:
    """WAL and synchronous=FULL as well: the same promise, kept the usual way."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA page_size = 4096")
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.executescript(
            "CREATE TABLE event (sequence INTEGER PRIMARY KEY AUTOINCREMENT, state TEXT, payload BLOB);"
            "CREATE INDEX by_state ON event (state);"
            "CREATE TABLE belief (id INTEGER PRIMARY KEY, stock TEXT, baselines BLOB);"
        )

    def commit(self, payload: bytes, decision: Decision) -> int:
        """Insert an event and the belief of its moment."""
        baselines = b"".join(each.level_g.tobytes() + each.sigma_g.tobytes() for each in decision.baselines)
        self._database.execute("BEGIN IMMEDIATE")
        cursor = self._database.execute("INSERT INTO event (state, payload) VALUES ('new', ?)", (payload,))
        self._database.execute(
            "INSERT OR REPLACE INTO belief VALUES (1, ?, ?)", (json.dumps(decision.stock), baselines)
        )
        self._database.execute("COMMIT")
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def acknowledged(self, sequence: int) -> None:
        """The broker has it."""
        self._database.execute("UPDATE event SET state = 'acked' WHERE sequence = ?", (sequence,))

    def confirmed(self, sequence: int) -> None:
        """The ledger has it."""
        self._database.execute("DELETE FROM event WHERE sequence = ?", (sequence,))

    def close(self) -> None:
        """Release the file."""
        self._database.close()

"""Disk space kept back, so that on a full disk confirmed events can still be deleted."""

import contextlib
import errno
import os
import sqlite3
from pathlib import Path
from typing import Final

from edge_agent.delivery.database import FILE_MODE

RESERVE_BYTES: Final = 256 * 1024
"""Room for the log pages of deleting some hundred confirmed rows and for folding the log away (2026-11)."""
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class Reserve:
    """A file that takes up space until the space is needed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ready(self) -> bool:
        """Return whether the space is kept back, taking it if it is not; False means that the disk is full."""
        if self._path.exists():
            return True
        try:
            with os.fdopen(os.open(self._path, os.O_CREAT | os.O_WRONLY, FILE_MODE), "wb") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
        except OSError as error:
            self.release()
            return error.errno not in _NO_SPACE  # what else is wrong with the disk, SQLite will say better
        return True

    def release(self) -> None:
        """Give the space to whoever needs it now."""
        with contextlib.suppress(OSError):
            self._path.unlink()

    def make_room(self, database: sqlite3.Connection) -> None:
        """Spend the space on folding the log into the database, so that deletions fit again."""
        self.release()
        with contextlib.suppress(sqlite3.Error):
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

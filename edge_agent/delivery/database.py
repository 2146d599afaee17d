"""The outbox's SQLite file: how it is opened, what makes it survive a power cut, and its errors by name."""

import contextlib
import fcntl
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

from edge_agent.errors import OutboxError, StateInUseError

log = logging.getLogger(__name__)

DIRECTORY_MODE: Final = 0o700
FILE_MODE: Final = 0o600
"""What was taken from which shelf when is nobody's business but the agent's."""
PAGE_BYTES: Final = 1024
"""A commit writes whole pages to the WAL: with events of about 0.4 kB at rest, small pages write least (2026-11)."""
CHECKPOINT_PAGES: Final = 4096
"""The WAL is folded into the database after about 4 MB, so that a page is rewritten there once for many commits."""
QUICK_CHECK_BYTES: Final = 32 * 2**20
"""Up to this size a start checks the whole file (0.05 s per 32 MB); above, only after an unclean stop (2026-11)."""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS event (sequence INTEGER PRIMARY KEY, payload BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quarantine (sequence INTEGER PRIMARY KEY, reason TEXT NOT NULL, payload BLOB NOT NULL);
"""

_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_MEANINGS: Final = {
    sqlite3.SQLITE_FULL: "the disk is full; free space on it",
    sqlite3.SQLITE_READONLY: "it is read-only; remount the disk or give the agent's user write access",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; create the state directory and give the agent's user write access",
    sqlite3.SQLITE_PERM: "access is denied; give the agent's user write access",
    sqlite3.SQLITE_BUSY: "another program holds it; end whatever has it open",
    sqlite3.SQLITE_IOERR: "the disk answers with errors or is full; check its space and `dmesg`, replace the card",
    sqlite3.SQLITE_CORRUPT: "it is damaged; restart the agent, which sets it aside and salvages what reads",
    sqlite3.SQLITE_NOTADB: "it is not a database; restart the agent, which sets it aside",
}


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code of an error (0 when it has none)."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether an error means that the file itself is broken."""
    return primary_code(error) in _DAMAGED


def is_full(error: sqlite3.Error) -> bool:
    """Return whether an error can mean that the disk is full: the log's writes report it as an I/O error."""
    return primary_code(error) in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


@contextlib.contextmanager
def transaction(
    database: sqlite3.Connection, path: Path, make_room: Callable[[sqlite3.Connection], None]
) -> Iterator[None]:
    """Commit on leaving, roll back on any error, and name SQLite's errors; a full disk is given room."""
    try:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("COMMIT")
    except BaseException as error:
        with contextlib.suppress(sqlite3.Error):  # a full disk has rolled back by itself
            if database.in_transaction:
                database.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error):
            if is_full(error):
                make_room(database)
            raise outbox_error(path, error) from error
        raise


def outbox_error(path: Path, error: sqlite3.Error) -> OutboxError:
    """Return the named error for what SQLite reported about ``path``: what is wrong and what mends it."""
    meaning = _MEANINGS.get(primary_code(error), "check the disk")
    return OutboxError(f"outbox {path}: {meaning} (SQLite: {error})")


def take_directory(state_dir: Path, lock_name: str) -> IO[bytes]:
    """Make the state directory this process's own until the returned file is closed or the process ends.

    Raises
    ------
    StateInUseError
        Another agent holds it.
    OutboxError
        It cannot be made or written.
    """
    lock_path = state_dir / lock_name
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=DIRECTORY_MODE)
        _close_to_others(state_dir)
        lock_file = os.fdopen(os.open(lock_path, os.O_CREAT | os.O_RDWR | os.O_APPEND, FILE_MODE), "ab")
    except OSError as error:
        raise OutboxError(
            f"state directory {state_dir}: {error.strerror}; create it and give the agent's user write access"
        ) from error
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock_file.close()
        raise StateInUseError(
            f"state directory {state_dir} is in use by another agent ({lock_path} is locked); "
            "end that one, or give this agent a state_dir of its own"
        ) from error
    return lock_file


def _close_to_others(state_dir: Path) -> None:
    """Leave the directory, and what an earlier version wrote in it, to its owner alone; warn where that is not ours."""
    files = [(each, FILE_MODE) for each in state_dir.glob("outbox*") if each.is_file()]
    for path, mode in [(state_dir, DIRECTORY_MODE), *files]:
        if path.stat().st_mode & 0o077 == 0:
            continue
        try:
            path.chmod(mode)
        except OSError as error:
            log.warning("others can read %s and it cannot be changed: %s; make it %o", path, error.strerror, mode)


def open_database(path: Path) -> sqlite3.Connection:
    """Open or create the database with the settings that make a returned commit survive a power cut.

    Raises
    ------
    sqlite3.Error
        With `is_damage` true when the file is broken.
    """
    wal = path.with_name(path.name + "-wal")
    unclean = wal.exists() and wal.stat().st_size > 0  # SQLite removes the WAL when it is closed properly
    small = not path.exists() or path.stat().st_size <= QUICK_CHECK_BYTES
    with contextlib.suppress(OSError):  # SQLite says better what is wrong; it gives the log beside it the same mode
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, FILE_MODE))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        # NORMAL would lose acknowledged rows in a power cut: the WAL is synced at checkpoints only.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        connection.executescript(SCHEMA)
        if small or unclean:
            _quick_check(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _quick_check(connection: sqlite3.Connection) -> None:
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        damage = sqlite3.DatabaseError(verdict)
        damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise damage

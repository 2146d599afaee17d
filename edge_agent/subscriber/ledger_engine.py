"""Opening the ledger's database from a file name or a URL, with errors by name."""

import sqlite3
from typing import Any, Final

from sqlalchemy import URL, Engine, create_engine, event, insert, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError

from edge_agent.errors import LedgerError
from edge_agent.subscriber.ledger_tables import LEDGER, METADATA, SCHEMA_VERSION

LOCK_WAIT_S: Final = 1.0
DIALECTS: Final = ("sqlite", "postgresql")


class LedgerUnavailableError(LedgerError):
    """The database does not answer just now (locked, disk full, server away): worth another attempt."""


def open_engine(database: str) -> Engine:
    """Open or create the ledger's database.

    Parameters
    ----------
    database : str
        A file name (SQLite) or an SQLAlchemy URL of SQLite or PostgreSQL.

    Raises
    ------
    LedgerError
        Naming the database (without its password), what is wrong and the fix.
    """
    url = _url(database)
    try:
        engine = create_engine(url, connect_args=_connect_arguments(url))
    except NoSuchModuleError as error:
        raise LedgerError(f"ledger {shown(url)}: use sqlite or postgresql") from error
    except ModuleNotFoundError as error:
        raise LedgerError(f"ledger {shown(url)}: its driver {error.name} is not installed; pip install it") from error
    if engine.dialect.name == "sqlite":
        _make_durable(engine)
    try:
        METADATA.create_all(engine)
        with engine.begin() as transaction:
            versions = list(transaction.scalars(select(LEDGER.c.schema_version)))
            if not versions:
                transaction.execute(insert(LEDGER).values(schema_version=SCHEMA_VERSION))
    except SQLAlchemyError as error:
        engine.dispose()
        raise named(url, error) from error
    if versions and versions != [SCHEMA_VERSION]:
        engine.dispose()
        raise LedgerError(
            f"ledger {shown(url)}: made by another version (schema {versions}, this program reads {SCHEMA_VERSION}); "
            "update this program"
        )
    return engine


def shown(url: URL) -> str:
    """Return how a database is named to its reader: the file, or the URL without its password."""
    return url.database or ":memory:" if url.drivername.startswith("sqlite") else url.render_as_string()


def named(url: URL, error: SQLAlchemyError) -> LedgerError:
    """Return the ledger's error for what the database reported."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    text = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
    kind = LedgerUnavailableError if isinstance(error, OperationalError) else LedgerError
    return kind(f"ledger {shown(url)}: {text}; {_fix(cause)}")


def _url(database: str) -> URL:
    if "://" not in database:
        url = URL.create("sqlite", database=database)
    else:
        try:
            url = make_url(database)
        except ArgumentError as error:
            raise LedgerError(f"ledger {database!r}: not a database URL; e.g. sqlite:///ledger.db") from error
    if url.get_backend_name() not in DIALECTS:
        raise LedgerError(f"ledger {shown(url)}: use sqlite or postgresql")
    if url.get_backend_name() == "sqlite" and (url.database or "").strip() in {"", ":memory:"}:
        # What it confirmed would be gone with the process, and deleted at the agents.
        raise LedgerError(f"ledger {database!r}: keeps nothing; name a file, e.g. /var/lib/edge-agent/ledger.db")
    return url


def _connect_arguments(url: URL) -> dict[str, Any]:
    return {"timeout": LOCK_WAIT_S} if url.get_backend_name() == "sqlite" else {"connect_timeout": 5}


def _make_durable(engine: Engine) -> None:
    """Let a commit survive a power cut, and let every transaction take the write lock first.

    The driver's own transaction handling begins late and would let two ledgers read the same watermark.
    """

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _fix(cause: BaseException) -> str:
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    return {
        sqlite3.SQLITE_BUSY: "another program holds it; end that one",
        sqlite3.SQLITE_FULL: "free space on its disk",
        sqlite3.SQLITE_READONLY: "give this user write access",
        sqlite3.SQLITE_CANTOPEN: "create its directory and give this user write access",
        sqlite3.SQLITE_NOTADB: "name another file, or restore this one from its backup",
        sqlite3.SQLITE_CORRUPT: "restore it from its backup",
    }.get(code, "check the database")

"""The ledger's tables, the same on SQLite and PostgreSQL."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

SCHEMA_VERSION: Final = 1
METADATA: Final = MetaData()

LEDGER: Final = Table("ledger", METADATA, Column("schema_version", Integer, primary_key=True, autoincrement=False))

STREAMS: Final = Table(
    "streams",
    METADATA,
    Column("source", Text, primary_key=True),
    Column("agent_id", Text, nullable=False),
    Column("watermark", BigInteger, nullable=False),  # every sequence up to here is recorded, or known to be lost
    Column("newest", BigInteger, nullable=False),
)

EVENTS: Final = Table(
    "events",
    METADATA,
    Column("source", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("agent_id", Text, nullable=False),
    Column("shelf", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("time", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    # False for the same event (same id) in a second place: a stream rescued from a damaged outbox repeats it.
    Column("first_time", Boolean, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("events_by_id", "id"),
)

CHANGES: Final = Table(
    "changes",
    METADATA,
    Column("source", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("shelf", Text, nullable=False),
    Column("lane", Text, nullable=False),  # empty where the event names none
    Column("sku", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    ForeignKeyConstraint(["source", "sequence"], ["events.source", "events.sequence"]),
)

STOCK: Final = Table(
    "stock",
    METADATA,
    Column("shelf", Text, primary_key=True),
    Column("lane", Text, primary_key=True),
    Column("sku", Text, primary_key=True),
    Column("quantity", BigInteger, nullable=False),
)

OPENINGS: Final = Table(
    "openings",
    METADATA,
    Column("shelf", Text, primary_key=True),
    Column("origin", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
)

GAPS: Final = Table(
    "gaps",
    METADATA,
    Column("source", Text, primary_key=True),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("recorded_at", Text, nullable=False),
)

REJECTS: Final = Table(
    "rejects",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("topic", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("recorded_at", Text, nullable=False),
)

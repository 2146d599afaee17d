"""The store's ledger: every event once, a contiguous watermark per stream, and the stock per lane that follows.

An event is counted by its id and placed by (source, sequence). The watermark is the only thing an agent may delete
by, so it is read from what is committed, never from what was received. Stock is an opening count per shelf plus the
signed quantities of every event that was settled automatically; what awaits review changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from edge_agent.delivery.wire import CloudEvent, StockBelief, encode
from edge_agent.subscriber.ledger_engine import named, open_engine, shown
from edge_agent.subscriber.ledger_tables import CHANGES, EVENTS, GAPS, OPENINGS, REJECTS, STOCK, STREAMS
from edge_agent.vocabulary import Verdict

REJECTS_KEPT: Final = 1000
REJECTED_BYTES: Final = 4096
IDS_A_QUERY: Final = 500

Opening = Literal["taken", "open already", "waits"]
"""What became of an agent's belief about a shelf."""
StockKey = tuple[str, str, str]
"""(shelf, lane, sku); lane is empty where an event names none."""


class Incoming(NamedTuple):
    """An event that passed the contract, with the agent whose topic it came by and the bytes it came as."""

    agent_id: str
    event: CloudEvent
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a commit changed: events seen for the first time, and each stream's watermark.

    ``conflicting`` are events in whose place another is on record, each named once. They and what follows them in
    that stream are not counted: their agent, told which event is on record, sends them again in a new stream.
    """

    new: tuple[Incoming, ...]
    watermarks: Mapping[str, int]
    duplicates: int
    conflicting: tuple[Incoming, ...] = ()


class Gap(NamedTuple):
    """Events that no agent holds any more and this ledger never saw."""

    source: str
    first: int
    last: int


class StockRow(NamedTuple):
    """A line of the stock table; ``opened`` is False while the shelf's opening count is unknown."""

    shelf: str
    lane: str
    sku: str
    quantity: int
    opened: bool


class Ledger:
    """Open ledger; used by one thread.

    Parameters
    ----------
    database : str
        File name or URL, as in `open_engine`.

    Raises
    ------
    LedgerError
        The database cannot be opened or, in any method, written; `LedgerUnavailableError` when it may be later.
    """

    def __init__(self, database: str) -> None:
        self._engine = open_engine(database)
        self._forked: set[str] = set()
        self._conflicting_ids: set[str] = set()
        self._upsert: Any = sqlite.insert if self._engine.dialect.name == "sqlite" else postgresql.insert

    @property
    def name(self) -> str:
        """Return the file, or the URL without its password."""
        return shown(self._engine.url)

    def record(self, incoming: Sequence[Incoming]) -> Recorded:
        """Commit events in one transaction; those already there change nothing."""
        new: list[Incoming] = []
        conflicting: list[Incoming] = []
        duplicates = 0
        watermarks: dict[str, int] = {}
        by_source: dict[str, list[Incoming]] = defaultdict(list)
        for each in incoming:
            by_source[each.event.source].append(each)
        with self._transaction() as transaction:
            for source, arrived in by_source.items():
                watermark = self._lock_stream(transaction, source, arrived[0].agent_id)
                fresh, again, other = self._sorted_out(transaction, source, arrived)
                if fresh:
                    self._insert(transaction, fresh)
                watermarks[source] = self._advance(transaction, source, watermark)
                new += fresh
                duplicates += again
                conflicting += other
            for agent_id, event, payload in conflicting:
                reason = f"agent {agent_id}: another event is on record at sequence {event.sequence_number}"
                self._keep_reject(transaction, event.source, payload or encode(event), reason)
        self._conflicting_ids |= {each.event.id for each in conflicting}
        return Recorded(tuple(new), watermarks, duplicates, tuple(conflicting))

    def event_at(self, source: str, sequence: int) -> str | None:
        """Return the id of the event on record at a place, None where there is none."""
        query = select(EVENTS.c.id).where(EVENTS.c.source == source, EVENTS.c.sequence == sequence)
        with self._transaction() as transaction:
            return transaction.scalar(query)

    def oldest_held(self, agent_id: str, source: str, oldest_sequence: int) -> tuple[int, Gap | None]:
        """Take an agent's word for the oldest event it holds; return the watermark, and a gap that nobody can fill.

        Everything below was deleted on a ledger's word. Where this ledger does not have it (it is new, or restored
        from an older state), waiting for it would fill the agent's outbox for nothing: the gap is kept on record.
        """
        with self._transaction() as transaction:
            watermark = self._lock_stream(transaction, source, agent_id)
            gap = None
            if oldest_sequence - 1 > watermark:
                first_stored = transaction.scalar(
                    select(func.min(EVENTS.c.sequence)).where(EVENTS.c.source == source, EVENTS.c.sequence > watermark)
                )
                last = oldest_sequence - 1 if first_stored is None else min(oldest_sequence - 1, first_stored - 1)
                gap = Gap(source, watermark + 1, last)
                values = {**gap._asdict(), "recorded_at": _now()}
                transaction.execute(self._upsert(GAPS).values(values).on_conflict_do_nothing())
                watermark = self._advance(transaction, source, last)
            return watermark, gap

    def open_shelf(self, shelf: str, counts: Mapping[str, Mapping[str, int]], origin: str) -> bool:
        """Set a shelf's opening counts (lane → {sku: count}) once; return whether they were taken."""
        with self._transaction() as transaction:
            return self._open(transaction, shelf, counts, origin)

    def open_shelf_from_belief(self, source: str, belief: StockBelief) -> Opening:
        """Set a shelf's opening so that opening + changes up to the belief's sequence equals the belief.

        It waits while an event up to that sequence is still missing here.
        """
        with self._transaction() as transaction:
            if transaction.scalar(select(OPENINGS.c.shelf).where(OPENINGS.c.shelf == belief.shelf)) is not None:
                return "open already"
            watermark = transaction.scalar(select(STREAMS.c.watermark).where(STREAMS.c.source == source)) or 0
            if watermark < belief.sequence:
                return "waits"
            since = Counter({(lane, sku): count for lane, skus in belief.lanes.items() for sku, count in skus.items()})
            changes = select(CHANGES.c.lane, CHANGES.c.sku, func.sum(CHANGES.c.quantity)).where(
                CHANGES.c.source == source, CHANGES.c.shelf == belief.shelf, CHANGES.c.sequence <= belief.sequence
            )
            for lane, sku, quantity in transaction.execute(changes.group_by(CHANGES.c.lane, CHANGES.c.sku)):
                since[lane, sku] -= int(quantity)
            counts: dict[str, dict[str, int]] = defaultdict(dict)
            for (lane, sku), count in since.items():
                counts[lane][sku] = count
            origin = f"agent belief after event {belief.sequence}"
            return "taken" if self._open(transaction, belief.shelf, counts, origin) else "open already"

    def reject(self, topic: str, payload: bytes, reason: str) -> None:
        """Keep a payload that breaks the contract for a person to look at; the oldest go first."""
        with self._transaction() as transaction:
            self._keep_reject(transaction, topic, payload[:REJECTED_BYTES], reason)

    def stock(self) -> tuple[StockRow, ...]:
        """Return what stands where, by shelf, lane and SKU; lines at zero of a closed shelf are left out."""
        opened = select(OPENINGS.c.shelf)
        query = select(STOCK).order_by(STOCK.c.shelf, STOCK.c.lane, STOCK.c.sku)
        with self._transaction() as transaction:
            shelves = set(transaction.scalars(opened))
            rows = transaction.execute(query).all()
        return tuple(
            StockRow(row.shelf, row.lane, row.sku, int(row.quantity), row.shelf in shelves)
            for row in rows
            if row.quantity != 0 or row.shelf in shelves
        )

    def watermarks(self) -> dict[str, tuple[str, int]]:
        """Return source → (agent id, watermark) of every stream."""
        with self._transaction() as transaction:
            return {row.source: (row.agent_id, int(row.watermark)) for row in transaction.execute(select(STREAMS))}

    def gaps(self) -> tuple[Gap, ...]:
        """Return every range of events that is lost to this ledger."""
        query = select(GAPS.c.source, GAPS.c.first, GAPS.c.last).order_by(GAPS.c.source, GAPS.c.first)
        with self._transaction() as transaction:
            return tuple(Gap(*row) for row in transaction.execute(query))

    def totals(self) -> dict[str, int]:
        """Return how many events are recorded, await review, and were rejected."""
        with self._transaction() as transaction:
            counted = select(func.count()).select_from(EVENTS).where(EVENTS.c.first_time)
            events = transaction.scalar(counted) or 0
            reviews = transaction.scalar(counted.where(EVENTS.c.verdict == Verdict.REVIEW.value)) or 0
            rejected = transaction.scalar(select(func.count()).select_from(REJECTS)) or 0
        return {"events": events, "reviews": reviews, "rejected": rejected}

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()

    # --- inside -------------------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as transaction:
                yield transaction
        except SQLAlchemyError as error:
            raise named(self._engine.url, error) from error

    def _lock_stream(self, transaction: Connection, source: str, agent_id: str) -> int:
        """Return the stream's watermark, held against any other ledger on this database until the commit."""
        row = {"source": source, "agent_id": agent_id, "watermark": 0, "newest": 0}
        transaction.execute(self._upsert(STREAMS).values(row).on_conflict_do_nothing())
        held = select(STREAMS.c.watermark).where(STREAMS.c.source == source).with_for_update()
        return int(transaction.execute(held).scalar_one())

    def _sorted_out(
        self, transaction: Connection, source: str, arrived: Sequence[Incoming]
    ) -> tuple[list[Incoming], int, list[Incoming]]:
        """Return (fresh, number of duplicates, conflicting) of one stream, by sequence.

        A stream in which a place is claimed twice was forked: nothing more of it is taken, so that its watermark stays
        at an event by which the agent sees that.
        """
        ordered = sorted(arrived, key=lambda each: each.event.sequence_number)
        first, last = ordered[0].event.sequence_number, ordered[-1].event.sequence_number
        stored = select(EVENTS.c.sequence, EVENTS.c.id).where(
            EVENTS.c.source == source, EVENTS.c.sequence.between(first, last)
        )
        held = {int(row.sequence): str(row.id) for row in transaction.execute(stored)}
        fresh: list[Incoming] = []
        conflicting: list[Incoming] = []
        duplicates = 0
        for each in ordered:
            event_id = each.event.id
            on_record = held.get(each.event.sequence_number)
            if on_record == event_id:
                duplicates += 1
            elif on_record is not None:
                self._forked.add(source)
                if event_id not in self._conflicting_ids:
                    conflicting.append(each)
            elif source not in self._forked:
                held[each.event.sequence_number] = event_id
                fresh.append(each)
        return fresh, duplicates, conflicting

    def _keep_reject(self, transaction: Connection, topic: str, payload: bytes, reason: str) -> None:
        transaction.execute(
            insert(REJECTS).values(topic=topic[:256], reason=reason[:1000], payload=payload, recorded_at=_now())
        )
        newest = transaction.scalar(select(func.max(REJECTS.c.number))) or 0
        transaction.execute(delete(REJECTS).where(REJECTS.c.number <= newest - REJECTS_KEPT))

    def _insert(self, transaction: Connection, fresh: Sequence[Incoming]) -> None:
        """Add events of one stream, by sequence, and what they move."""
        now = _now()
        counted_before: set[str] = set()
        for some in _slices([each.event.id for each in fresh]):
            counted_before |= set(transaction.scalars(select(EVENTS.c.id).where(EVENTS.c.id.in_(some))))
        rows: list[dict[str, Any]] = []
        changes: list[dict[str, Any]] = []
        for agent_id, event, payload in fresh:
            first_time = event.id not in counted_before
            counted_before.add(event.id)
            place = {"source": event.source, "sequence": event.sequence_number}
            rows.append(
                place
                | {
                    "id": event.id,
                    "agent_id": agent_id,
                    "shelf": event.subject,
                    "kind": event.data.kind.value,
                    "verdict": event.data.decision.verdict.value,
                    "confidence": event.data.confidence,
                    "time": event.time,
                    "recorded_at": now,
                    "first_time": first_time,
                    # As it came, with fields that a later minor version added; a rebuilt one is for callers without it.
                    "payload": payload or encode(event),
                }
            )
            if first_time and event.data.decision.verdict is Verdict.AUTO:
                changes += [
                    place
                    | {
                        "line": line,
                        "shelf": event.subject,
                        "lane": item.lane or "",
                        "sku": item.sku,
                        "quantity": item.quantity,
                    }
                    for line, item in enumerate(event.data.items)
                ]
        transaction.execute(insert(EVENTS), rows)
        transaction.execute(
            update(STREAMS)
            .where(STREAMS.c.source == fresh[-1].event.source, STREAMS.c.newest < rows[-1]["sequence"])
            .values(newest=rows[-1]["sequence"])
        )
        if changes:
            transaction.execute(insert(CHANGES), changes)
            moved: Counter[StockKey] = Counter()
            for change in changes:
                moved[change["shelf"], change["lane"], change["sku"]] += change["quantity"]
            self._move_stock(transaction, moved)

    def _move_stock(self, transaction: Connection, moved: Mapping[StockKey, int]) -> None:
        rows = [
            {"shelf": shelf, "lane": lane, "sku": sku, "quantity": quantity}
            for (shelf, lane, sku), quantity in sorted(moved.items())
        ]
        statement = self._upsert(STOCK)
        transaction.execute(
            statement.on_conflict_do_update(
                index_elements=[STOCK.c.shelf, STOCK.c.lane, STOCK.c.sku],
                set_={"quantity": STOCK.c.quantity + statement.excluded.quantity},
            ),
            rows,
        )

    def _advance(self, transaction: Connection, source: str, watermark: int) -> int:
        """Move the stream's watermark over what is stored without a gap, and return it."""
        stored = select(EVENTS.c.sequence).where(EVENTS.c.source == source, EVENTS.c.sequence > watermark)
        for sequence in transaction.scalars(stored.order_by(EVENTS.c.sequence)):
            if sequence != watermark + 1:
                break
            watermark = sequence
        transaction.execute(
            update(STREAMS)
            .where(STREAMS.c.source == source, STREAMS.c.watermark < watermark)
            .values(watermark=watermark)
        )
        return watermark

    def _open(self, transaction: Connection, shelf: str, counts: Mapping[str, Mapping[str, int]], origin: str) -> bool:
        row = {"shelf": shelf, "origin": origin, "recorded_at": _now()}
        opening = self._upsert(OPENINGS).values(row).on_conflict_do_nothing().returning(OPENINGS.c.shelf)
        if transaction.scalar(opening) is None:
            return False
        moved = {(shelf, lane, sku): int(count) for lane, skus in counts.items() for sku, count in skus.items()}
        if moved:
            self._move_stock(transaction, moved)
        return True


def _slices(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + IDS_A_QUERY] for start in range(0, len(ids), IDS_A_QUERY))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""The outbox: every final event on disk before it is sent, until the ledger's watermark says it is recorded.

One SQLite database, one owner. An event, its sequence, the stock belief and the resting weights become durable in
one transaction. There is no per-row state: a row is either above the watermark (keep, send) or not (delete), and
deleting waits for the next commit, whose pages it shares.
"""

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from edge_agent.clock import Clock, boot_id
from edge_agent.delivery.clock_quality import clock_report
from edge_agent.delivery.database import outbox_error, take_directory, transaction
from edge_agent.delivery.envelope import Envelope, is_stand_in, stand_in
from edge_agent.delivery.identifiers import uuid7
from edge_agent.delivery.learned_rows import learned_of, learned_rows, proposals_of
from edge_agent.delivery.new_stream import event_id_at, first_rows, move_to_stream
from edge_agent.delivery.opening import open_or_salvage
from edge_agent.delivery.payload_codec import pack, unpack
from edge_agent.delivery.quarantine import keep_original
from edge_agent.delivery.reserve import Reserve
from edge_agent.delivery.salvage import Salvage
from edge_agent.delivery.saved_state import SavedState, lanes_gone, saved_state_of, state_rows, stock_of
from edge_agent.delivery.sendable import sendable
from edge_agent.delivery.stream_position import Position, UnconfirmedRow
from edge_agent.delivery.unit import Unit
from edge_agent.delivery.wire import CloudEvent, decode, encode
from edge_agent.errors import OutboxError
from edge_agent.learned import Learned
from edge_agent.model import Baseline, Decision, Stock

log = logging.getLogger(__name__)

FILE_NAME: Final = "outbox.db"
LOCK_NAME: Final = "outbox.lock"
RESERVE_NAME: Final = "outbox.reserve"
SWEEP_ROWS: Final = 256
"""Confirmed rows that may wait for the next commit to be deleted with it; more are deleted at once (2026-11)."""


class Outbox:
    """The durable end of the pipeline, shared by the thread that commits and the one that sends.

    Parameters
    ----------
    state_dir : Path
        Directory of the database; made if missing.
    unit : Unit
        Whose events these are.
    max_rows : int
        Unconfirmed events it holds; at that depth `commit` refuses and the shelf must stop selling.
    clock : Clock
        Where UTC and monotonic time come from.

    Attributes
    ----------
    stream_id : str
        UUIDv7 made with the database: a new card is a new stream, never a collision. Changes in `begin_again` only.
    opening : HealthTransition | None
        What was wrong with the database when it was opened, and what was salvaged.
    refused_watermarks, quarantined : int
        Counters: acknowledgements that would have moved the watermark back or past the last event; events that
        went out as a stand-in.

    Raises
    ------
    StateInUseError
        Another agent holds the directory.
    OutboxError
        The directory or database cannot be written; names the path and the fix.
    """

    def __init__(self, state_dir: Path, unit: Unit, *, max_rows: int, clock: Clock) -> None:
        self.path: Final = state_dir / FILE_NAME
        self.max_rows: Final = max_rows
        self.envelope: Final = Envelope(unit, clock, boot_id())
        self._rows: dict[str, bytes] = {}
        self.refused_watermarks = 0
        self.quarantined = 0
        self._clock = clock
        self._lock = threading.RLock()
        self._lock_file = take_directory(state_dir, LOCK_NAME)
        self._reserve = Reserve(state_dir / RESERVE_NAME)
        try:
            opened = open_or_salvage(self.path, clock)
            self._database, self.opening = opened.database, opened.transition
            self._rows |= dict(self._database.execute("SELECT name, value FROM state").fetchall())
            if "stream" not in self._rows:
                self._begin_stream(opened.rescued)
            self.stream_id = self._rows["stream"].decode()
            self._watermark = self._swept = int(self._rows.get("watermark", b"0"))
            newest = self._database.execute("SELECT max(sequence) FROM event").fetchone()[0]
            self._last = max(self._watermark, newest or 0)
            self._keep({}, ())
        except sqlite3.Error as error:
            self._lock_file.close()
            raise outbox_error(self.path, error) from error
        except BaseException:
            self._lock_file.close()
            raise

    # --- what the pipeline does -----------------------------------------------------------------------------------

    def saved_state(self) -> SavedState | None:
        """Return stock and resting weights as of the last commit; None on a new database."""
        with self._lock:
            return saved_state_of(self._rows)

    def take_learned(self) -> Learned:
        """Return what was learned under the revisions in force; the rest is deleted. Raises like `checkpoint`."""
        with self._lock:
            learned, dropped = learned_of(self._rows, self.envelope.unit.revisions)
            if dropped:
                with self._transaction():
                    self._write_state({}, dropped)
            self._keep({}, dropped)
            return learned

    def commit(self, decision: Decision) -> int:
        """Make an event durable with its sequence, the stock belief and the resting weights; return the sequence.

        An event that its own contract refuses, or that is too large for the wire, goes out as a review that names
        the reason; the original stays in the table ``quarantine``.

        Raises
        ------
        OutboxError
            Nothing was committed: the outbox is full, or the disk refuses. The shelf must stop selling.
        """
        with self._lock:
            if self._last - self._watermark >= self.max_rows:
                raise OutboxError(
                    f"outbox {self.path}: full, {self.max_rows} events wait for the ledger; "
                    "start the ledger or mend the way to it (outbox_max_rows bounds this)"
                )
            if not self._reserve.ready():
                raise OutboxError(f"outbox {self.path}: the disk is full; free space on it")
            sequence = self._last + 1
            event = self.envelope.cloud_event(
                decision.event,
                event_id=uuid7(self._clock.utc_ns()),
                stream_id=self.stream_id,
                sequence=sequence,
                clock=clock_report(),
                evidence=decision.evidence,
            )
            payload, refusal = sendable(event)
            happened = self.envelope.utc(decision.event.t_end_ns)
            learned = learned_rows(decision.learned, self._rows, self.envelope.unit.revisions, happened)
            changed = self._changed([*state_rows(decision.stock, decision.baselines), *learned])
            gone = lanes_gone(self._rows, decision.stock)
            with self._transaction():
                self._database.execute("INSERT INTO event VALUES (?, ?)", (sequence, pack(payload)))
                if refusal is not None:
                    keep_original(self._database, sequence, refusal, encode(event))
                self._write_state(changed, gone)
                self._delete_confirmed()
            self._last = sequence
            self._swept = self._watermark
            self._keep(changed, gone)
        if refusal is not None:
            self.quarantined += 1
            log.error("event quarantined sequence=%d reason=%s", sequence, refusal)
        return sequence

    def checkpoint(self, baselines: Iterable[Baseline], stock: Stock | None = None) -> bool:
        """Store resting weights (and stock) that changed without an event; return whether anything was written.

        Raises
        ------
        OutboxError
            The disk refuses; what was stored before stands.
        """
        with self._lock:
            changed = self._changed(state_rows(stock, baselines))
            if not changed:
                return False
            with self._transaction():
                self._write_state(changed, ())
                self._delete_confirmed()
            self._swept = self._watermark
            self._keep(changed, ())
            return True

    # --- what the uplink does -------------------------------------------------------------------------------------

    def unconfirmed(self, after: int, limit: int) -> list[UnconfirmedRow]:
        """Return up to ``limit`` events with a sequence above ``after`` and the watermark, in order.

        A row that no longer reads (a worn card) is replaced by a review in its place, for good.

        Raises
        ------
        OutboxError
            The database cannot be read.
        """
        with self._lock:
            try:
                stored = self._database.execute(
                    "SELECT sequence, payload FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?",
                    (max(after, self._watermark), limit),
                ).fetchall()
            except sqlite3.Error as error:
                raise outbox_error(self.path, error) from error
        return [UnconfirmedRow(sequence, self._payload(sequence, blob)) for sequence, blob in stored]

    def confirm(self, watermark: int) -> bool:
        """Take the ledger's word that every event up to ``watermark`` is recorded; return whether it was taken.

        A watermark may only rise and never pass the last event: anything else is refused and counted. Where the
        disk refuses the deletion, the rows leave later: they are not sent again.
        """
        with self._lock:
            if not self._watermark <= watermark <= self._last:
                self.refused_watermarks += 1
                log.warning("watermark refused watermark=%d held=%d last=%d", watermark, self._watermark, self._last)
                return False
            self._watermark = watermark
            if watermark - self._swept >= SWEEP_ROWS:
                with contextlib.suppress(OutboxError):
                    self.sweep()
            return True

    def is_of_others(self, watermark: int, event_id: str | None) -> bool:
        """Return whether a ledger's word on our stream is about events that are not the ones held here.

        So it is when this outbox is a copy, or was restored from one: the stream went on without it. Raises
        `OutboxError` where the database cannot be read.
        """
        with self._lock:
            if watermark > self._last:
                return True
            if event_id is None or watermark <= self._watermark:
                return False
            try:
                return event_id_at(self._database, watermark) not in {event_id, None}
            except sqlite3.Error as error:
                raise outbox_error(self.path, error) from error

    def begin_again(self) -> int:
        """Move every unconfirmed event into a new stream, ids kept; return how many that is.

        Raises
        ------
        OutboxError
            The disk refuses; the stream stays.
        """
        with self._lock:
            now_ns = self._clock.utc_ns()
            stream_id = uuid7(now_ns)
            changed = {"stream": stream_id.encode(), "watermark": b"0"}
            with self._transaction():
                moved = move_to_stream(self._database, self.envelope, stream_id, self._watermark, now_ns)
                self._write_state(changed, ())
            self._rows.update(changed)
            self.stream_id = stream_id
            self._watermark = self._swept = 0
            self._last = moved
            return moved

    def sweep(self) -> None:
        """Delete confirmed rows now rather than with the next commit.

        Raises
        ------
        OutboxError
            The disk refuses.
        """
        with self._lock:
            if self._watermark > self._swept:
                with self._transaction():
                    self._delete_confirmed()
                self._swept = self._watermark

    def quarantine(self, sequence: int, reason: str) -> bool:
        """Replace an event that the broker keeps refusing by its stand-in; return whether that was done.

        Not for one that is a stand-in already: nothing is smaller.

        Raises
        ------
        OutboxError
            The disk refuses.
        """
        with self._lock:
            rows = self.unconfirmed(sequence - 1, 1)
            if not rows or rows[0].sequence != sequence:
                return False
            event = decode(rows[0].payload, CloudEvent)
            if is_stand_in(event):
                return False
            reduced = encode(stand_in(event, reason))
            with self._transaction():
                self._database.execute("UPDATE event SET payload = ? WHERE sequence = ?", (pack(reduced), sequence))
                keep_original(self._database, sequence, reason, rows[0].payload)
            self.quarantined += 1
            return True

    def next_session(self) -> int:
        """Return a number above every one returned before, over restarts too: a stale will is told by it.

        On a disk that refuses, it rises in memory only: the way to the ledger matters more, it is what frees space.
        """
        with self._lock:
            session = int(self._rows.get("session", b"0")) + 1
            self._rows["session"] = str(session).encode()
            with contextlib.suppress(OutboxError), self._transaction():
                self._write_state({"session": self._rows["session"]}, ())
            return session

    def position(self) -> Position:
        """Return where the stream stands, with the stock belief of the same moment."""
        with self._lock:
            return Position(self.stream_id, self._watermark, self._last, stock_of(self._rows), self._proposals)

    @property
    def last_sequence(self) -> int:
        """Return the sequence of the newest event (0 before the first)."""
        return self._last

    @property
    def watermark(self) -> int:
        """Return the sequence up to which the ledger has confirmed."""
        return self._watermark

    def depth(self) -> int:
        """Return how many events wait for the ledger."""
        with self._lock:
            return self._last - self._watermark

    def oldest(self) -> CloudEvent | None:
        """Return the event that waits longest, or None."""
        rows = self.unconfirmed(0, 1)
        return decode(rows[0].payload, CloudEvent) if rows else None

    def close(self) -> None:
        """Delete what is confirmed, fold the log into the database and release the directory."""
        with self._lock:
            with contextlib.suppress(OutboxError):  # confirmed rows are only sent once more
                self.sweep()
            self._database.close()
            self._lock_file.close()

    # --- inside ---------------------------------------------------------------------------------------------------

    def _begin_stream(self, salvaged: Salvage | None) -> None:
        """Give a new database its stream id; salvaged events keep their own id and get new places."""
        with self._transaction():
            rows = first_rows(self._database, self.envelope, uuid7(self._clock.utc_ns()), salvaged)
            self._write_state(rows, ())
        self._rows = rows

    def _transaction(self) -> contextlib.AbstractContextManager[None]:
        return transaction(self._database, self.path, self._reserve.make_room)

    def _payload(self, sequence: int, stored: object) -> bytes:
        blob = stored if isinstance(stored, bytes) else b""
        try:
            return unpack(blob)
        except ValueError as error:
            log.error("stored event unreadable sequence=%d error=%s", sequence, error)  # noqa: TRY400 - handled below
        stand_in_event = self.envelope.unreadable(
            event_id=uuid7(self._clock.utc_ns()), stream_id=self.stream_id, sequence=sequence
        )
        payload = encode(stand_in_event)
        with self._lock, self._transaction():
            self._database.execute("UPDATE event SET payload = ? WHERE sequence = ?", (pack(payload), sequence))
            keep_original(self._database, sequence, "stored_event_unreadable", blob)
        self.quarantined += 1
        return payload

    def _changed(self, rows: Iterable[tuple[str, bytes]]) -> dict[str, bytes]:
        return {name: value for name, value in rows if self._rows.get(name) != value}

    def _keep(self, changed: dict[str, bytes], gone: Iterable[str]) -> None:
        """Hold in memory what was written."""
        self._rows.update(changed)
        for name in gone:
            del self._rows[name]
        unit = self.envelope.unit
        self._proposals = proposals_of(self._rows, unit.revisions, unit.gtins)

    def _write_state(self, changed: dict[str, bytes], gone: Iterable[str]) -> None:
        self._database.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", changed.items())
        self._database.executemany("DELETE FROM state WHERE name = ?", [(name,) for name in gone])

    def _delete_confirmed(self) -> None:
        """Delete rows up to the watermark and store it; part of the caller's transaction."""
        if self._watermark <= self._swept:
            return
        self._database.execute("DELETE FROM event WHERE sequence <= ?", (self._watermark,))
        self._write_state({"watermark": str(self._watermark).encode()}, ())

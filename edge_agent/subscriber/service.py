"""The ledger at the broker: record, commit, and only then acknowledge and publish the watermark.

A persistent session lets the broker keep what arrives while the ledger is down; what it loses all the same, the
agents send again, since their rows wait for the watermark.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Final

from edge_agent.config import BrokerConfig
from edge_agent.delivery.backoff import Backoff
from edge_agent.delivery.connection import Connection
from edge_agent.delivery.happenings import (
    Connected,
    Happening,
    Lost,
    Published,
    Received,
    Subscribed,
    SubscriptionRefused,
)
from edge_agent.delivery.topics import EVERY_AGENT, Address, Topics, parse_topic, stream_source
from edge_agent.delivery.waker import Waker
from edge_agent.delivery.wire import Ack, CloudEvent, Mark, StockBelief, WireError, decode, encode
from edge_agent.errors import LedgerError
from edge_agent.subscriber.gap_watch import GapWatch
from edge_agent.subscriber.ledger import Gap, Incoming, Ledger, Recorded
from edge_agent.subscriber.ledger_engine import LedgerUnavailableError

log = logging.getLogger(__name__)

POLL_S: Final = 0.25
"""How long one look at the network may take; a stop ends it at once (2026-11)."""
SESSION_S: Final = 7 * 24 * 3600
"""How long the broker keeps the ledger's session while it is down, s (MQTT 5)."""
RECEIVE_MAXIMUM: Final = 1000
"""What the broker may have under way to it: one batch, one transaction (2026-11)."""
ACKS_IN_FLIGHT: Final = 20
"""Watermarks under way; newer ones replace those that wait (2026-11)."""
GAP_SAID_S: Final = 15.0
"""A gap is closed by the agent's next sending, 2 s later; one that stands this long is worth a word, s (2026-11)."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the person at the ledger should read; ``code`` is for programs."""

    code: str
    text: str


class LedgerService:
    """Runs a ledger at a broker until it is told to stop.

    Parameters
    ----------
    recorded : callable
        Told of every commit that recorded something new.
    notice : callable
        Told when the broker is reached or lost, a payload is rejected, events are lost, or the database fails.
    """

    def __init__(
        self,
        ledger: Ledger,
        broker: BrokerConfig,
        store_id: str,
        *,
        recorded: Callable[[Recorded], None],
        notice: Callable[[Notice], None],
        random: Random | None = None,
    ) -> None:
        self.duplicates = 0
        self.rejected = 0
        self._ledger = ledger
        self._broker = broker
        self._store_id = store_id
        self._recorded = recorded
        self._notice = notice
        self._backoff = Backoff(random or Random())  # noqa: S311 - jitter, no secret
        self._database_backoff = Backoff(random or Random(), longest_s=5.0)  # noqa: S311
        self._waker = Waker()
        self._stopping = threading.Event()
        self._connection: Connection | None = None
        self._unreachable_said = False
        self._held: list[Received] = []
        self._retry_at_s = 0.0
        self._beliefs: dict[str, tuple[str, StockBelief]] = {}
        self._open_already: set[str] = set()
        self._to_say: dict[str, tuple[str, int]] = {}
        self._acks_in_flight: set[int] = set()
        self._gaps = GapWatch()
        self._database_failure_said = False

    def stop(self) -> None:
        """End `run` soon; may be called from any thread or a signal handler."""
        self._stopping.set()
        self._waker.wake()

    def run(self) -> None:
        """Serve until `stop`; what was received but not committed stays with the broker."""
        attempt_at_s = 0.0
        while not self._stopping.is_set():
            if self._connection is not None:
                if not self._serve(self._connection):
                    attempt_at_s = time.monotonic() + self._backoff.next_s()
            elif time.monotonic() >= attempt_at_s:
                self._connection = Connection(
                    self._broker,
                    f"ledger-{self._store_id}",
                    self._waker,
                    session_expiry_s=SESSION_S,
                    manual_ack=True,
                    receive_maximum=RECEIVE_MAXIMUM,
                )
            else:
                self._waker.sleep(min(POLL_S, attempt_at_s - time.monotonic()))
        if self._connection is not None:
            self._connection.close()
        self._waker.close()

    # --- the broker -------------------------------------------------------------------------------------------------

    def _serve(self, connection: Connection) -> bool:
        """Take one turn; return whether the connection still stands."""
        for happening in connection.poll(POLL_S):
            if isinstance(happening, Lost):
                self._lost(happening.reason)
                return False
            self._note(connection, happening)
        if self._held and time.monotonic() >= self._retry_at_s:
            self._take_held(connection)
        if connection.connected:
            self._say_watermarks(connection)
        for source, watermark, newest in self._gaps.long_standing(time.monotonic(), GAP_SAID_S):
            self._notice(Notice("waiting", _waiting_words(source, watermark, newest)))
        return True

    def _note(self, connection: Connection, happening: Happening) -> None:
        match happening:
            case Connected():
                self._welcome(connection)
            case Subscribed():
                self._notice(Notice("connected", f"listening at {self._broker.host}:{self._broker.port}"))
            case SubscriptionRefused(reason_code):
                self._notice(Notice("refused", f"the broker refuses a subscription (0x{reason_code:02x})"))
            case Received():
                self._held.append(happening)
            case Published(mid):
                self._acks_in_flight.discard(mid)
            case Lost():
                return

    def _welcome(self, connection: Connection) -> None:
        self._backoff.reset()
        self._unreachable_said = False
        self._acks_in_flight.clear()
        every = Topics(self._store_id, EVERY_AGENT)
        connection.subscribe([(every.event, 1), (every.mark, 1), (every.stock("+"), 1)])
        with contextlib.suppress(LedgerUnavailableError):  # then the agents' marks and events bring it up
            # Agents that wait for a lost acknowledgement hear at once where this ledger stands.
            self._to_say.update(self._ledger.watermarks())

    def _lost(self, reason: str) -> None:
        if self._connection is not None:
            self._connection.close(0.0)
            self._connection = None
        self._held.clear()  # not acknowledged: the broker or the agents send it again
        if not self._unreachable_said:
            self._unreachable_said = True
            where = f"{self._broker.host}:{self._broker.port}"
            self._notice(Notice("unreachable", f"broker {where}: {reason}; trying again until it answers"))

    def _say_watermarks(self, connection: Connection) -> None:
        while self._to_say and len(self._acks_in_flight) < ACKS_IN_FLIGHT:
            source, (agent_id, watermark) = self._to_say.popitem()
            try:
                event_id = self._ledger.event_at(source, watermark)
            except LedgerUnavailableError:  # said later: without the event's id the word could be about another's
                self._to_say[source] = (agent_id, watermark)
                return
            now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            ack = Ack(source.rpartition("/")[2], watermark, now, event_id)
            topic = Topics(self._store_id, agent_id).ack
            self._acks_in_flight.add(connection.publish(topic, encode(ack), qos=1))

    # --- payloads -----------------------------------------------------------------------------------------------------

    def _take_held(self, connection: Connection) -> None:
        """Make everything received durable, then acknowledge it; all of it waits while the database does not answer."""
        try:
            self._take(self._held)
        except LedgerUnavailableError as error:
            self._retry_at_s = time.monotonic() + self._database_backoff.next_s()
            if not self._database_failure_said:
                self._database_failure_said = True
                self._notice(Notice("database", f"{error}; nothing is acknowledged meanwhile"))
            return
        self._database_backoff.reset()
        if self._database_failure_said:
            self._database_failure_said = False
            self._notice(Notice("database", "the database answers again"))
        for message in self._held:
            if message.qos and connection.connected:
                connection.acknowledge(message)
        self._held.clear()

    def _take(self, messages: Sequence[Received]) -> None:
        """Handle messages in the order they came: a mark speaks of the events before it."""
        events: list[tuple[Received, Incoming]] = []
        for message in messages:
            address = parse_topic(message.topic)
            if address is not None and address.leaf == "event":
                incoming = self._event(message, address)
                if incoming is not None:
                    events.append((message, incoming))
                continue
            self._record(events)
            events = []
            self._take_other(message, address)
        self._record(events)
        self._open_shelves()

    def _event(self, message: Received, address: Address) -> Incoming | None:
        try:
            event = decode(message.payload, CloudEvent)
            if event.source != stream_source(self._store_id, address.agent_id, event.stream):
                raise WireError(f"source {event.source!r} is not agent {address.agent_id}'s")  # noqa: TRY301
        except WireError as error:
            self._reject(message, str(error))
            return None
        return Incoming(address.agent_id, event, message.payload)

    def _record(self, events: Sequence[tuple[Received, Incoming]]) -> None:
        if not events:
            return
        try:
            recorded = self._ledger.record([incoming for _, incoming in events])
        except LedgerUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever one event does to the database must not hold up the rest
            if len(events) == 1:
                self._reject(events[0][0], _worded(error))
                return
            for each in events:
                self._record([each])
            return
        self.duplicates += recorded.duplicates
        self._to_say |= {source: (_agent(source), watermark) for source, watermark in recorded.watermarks.items()}
        self.rejected += len(recorded.conflicting)
        for incoming in recorded.conflicting:
            self._notice(Notice("conflict", _conflict_words(incoming)))
        for incoming in recorded.new:
            self._gaps.arrived(incoming.event.source, incoming.event.sequence_number)
        for source, watermark in recorded.watermarks.items():
            self._gaps.confirmed(source, watermark, time.monotonic())
        if recorded.new:
            self._recorded(recorded)

    def _take_other(self, message: Received, address: Address | None) -> None:
        try:
            if address is not None and address.leaf == "mark":
                self._mark(decode(message.payload, Mark), address)
            elif address is not None and address.leaf.startswith("stock/"):
                belief = decode(message.payload, StockBelief)
                if address.leaf != f"stock/{belief.shelf}":
                    raise WireError(f"shelf {belief.shelf!r} on the topic of another")  # noqa: TRY301
                if belief.shelf in self._open_already:
                    return
                source = stream_source(self._store_id, address.agent_id, belief.stream)
                self._beliefs[f"{address.agent_id}/{belief.shelf}"] = (source, belief)
        except LedgerUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - one message that nobody can store must not come again for ever
            self._reject(message, _worded(error))

    def _mark(self, mark: Mark, address: Address) -> None:
        source = stream_source(self._store_id, address.agent_id, mark.stream)
        watermark, gap = self._ledger.oldest_held(address.agent_id, source, mark.oldest_sequence)
        self._to_say[source] = (address.agent_id, watermark)
        self._gaps.confirmed(source, watermark, time.monotonic())
        if gap is not None:
            self._notice(Notice("gap", _gap_words(gap)))

    def _open_shelves(self) -> None:
        for key, (source, belief) in list(self._beliefs.items()):
            try:
                became = self._ledger.open_shelf_from_belief(source, belief)
            except LedgerUnavailableError:
                raise
            except LedgerError as error:  # something in it that the database cannot store
                self._notice(Notice("rejected", f"belief about shelf {belief.shelf!r} rejected: {error}"))
                del self._beliefs[key]
                continue
            if became == "waits":
                continue
            del self._beliefs[key]
            self._open_already.add(belief.shelf)
            if became == "taken":
                text = f"shelf {belief.shelf}: opening counts taken from its agent's belief"
                self._notice(Notice("opened", text))

    def _reject(self, message: Received, reason: str) -> None:
        self.rejected += 1
        try:
            self._ledger.reject(message.topic, message.payload, reason)
        except LedgerUnavailableError:
            raise
        except LedgerError as error:  # not even to look at: the notice is all that is left of it
            reason = f"{reason}; not kept: {error}"
        self._notice(Notice("rejected", f"payload on {message.topic!r} rejected: {reason}"))


def _worded(error: Exception) -> str:
    """Return an error of the ledger or the contract as it is, any other with its type."""
    return str(error) if isinstance(error, LedgerError | WireError) else f"{type(error).__name__}: {error}"


def _agent(source: str) -> str:
    return source.split("/")[2]


def _waiting_words(source: str, watermark: int, newest: int) -> str:
    return (
        f"events after {watermark} of {source} are missing while event {newest} is here; the agent keeps them and "
        "sends them again: see whether it is running and reaches the broker"
    )


def _conflict_words(incoming: Incoming) -> str:
    event = incoming.event
    return (
        f"event {event.sequence_number} of {event.source} is not the one on record there: agent {incoming.agent_id} "
        "runs on a restored or copied outbox; it is told so and sends its events again in a new stream, until then "
        "they are kept as rejected; see that no two agents share an outbox, then count the shelf"
    )


def _gap_words(gap: Gap) -> str:
    return (
        f"events {gap.first} to {gap.last} of {gap.source} are lost to this ledger: the agent deleted them on an "
        "earlier ledger's word; restore that ledger's database, or count the shelf"
    )

"""Follow a store's events from a program: ordered per agent, each once, gaps named.

::

    with EventStream(BrokerConfig(host="10.0.0.5"), "corner-shop", client_id="price-labels") as stream:
        for item in stream:
            if isinstance(item, Missed):
                ...  # read events item.first … item.last of item.source from the ledger
            else:
                handle(item)

An event counts as handled when the next one is asked for; one that was not comes again after a restart, one that
waited behind a gap included. The broker hears of it in the order of arrival, as MQTT demands: behind a gap it holds
back what it may have under way (mosquitto: 20 messages) until the gap is filled or named.
"""

import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping
from random import Random
from types import TracebackType
from typing import Final, Self

from edge_agent.config import BrokerConfig
from edge_agent.delivery.backoff import Backoff
from edge_agent.delivery.connection import Connection
from edge_agent.delivery.happenings import Connected, Lost, Received, Subscribed, SubscriptionRefused
from edge_agent.delivery.topics import EVERY_AGENT, Topics, parse_topic, stream_source
from edge_agent.delivery.waker import Waker
from edge_agent.delivery.wire import CloudEvent, WireError, decode
from edge_agent.errors import BrokerError
from edge_agent.subscriber.stream_order import Missed, StreamOrder

log = logging.getLogger(__name__)

POLL_S: Final = 0.25
"""How long one look at the network may take: a stop is felt within it (2026-11)."""
SESSION_S: Final = 24 * 3600
"""How long the broker keeps what comes while the program is down: a night and a day, s (MQTT 5; 2026-11)."""

Place = tuple[str, int]
"""(source, sequence) of an event."""


class EventStream:
    """A persistent session at the store's broker, as an iterator; used by one thread.

    Parameters
    ----------
    client_id : str
        Names the session: the same id finds what arrived meanwhile. Two programs need two.
    since : mapping source → sequence
        The last event of each stream that was handled before, if the subscriber keeps that itself.

    Attributes
    ----------
    invalid : int
        Payloads that break the contract; they are logged and skipped.
    subscribed : bool
        Whether the broker delivers just now; it changes inside `next`.
    """

    def __init__(
        self,
        broker: BrokerConfig,
        store_id: str,
        client_id: str,
        *,
        since: Mapping[str, int] | None = None,
        random: Random | None = None,
    ) -> None:
        self.invalid = 0
        self.subscribed = False
        self._broker = broker
        self._store_id = store_id
        self._client_id = client_id
        self._order = StreamOrder(since)
        self._backoff = Backoff(random or Random())  # noqa: S311 - jitter, no secret
        self._waker = Waker()
        self._connection: Connection | None = None
        self._attempt_at_s = 0.0
        self._unacknowledged: deque[tuple[Received, Place | None]] = deque()
        self._unhandled: set[Place] = set()
        self._handed_out: Place | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[CloudEvent | Missed]:
        while True:
            item = self.next(POLL_S)
            if item is not None:
                yield item

    def next(self, timeout_s: float) -> CloudEvent | Missed | None:
        """Return the next event or gap, or None after ``timeout_s`` without one.

        Raises
        ------
        BrokerError
            The broker denies the subscription: it would be silent for ever. Asking again tries again.
        """
        if self._handed_out is not None:  # the caller came back for more: it has handled that one
            self._unhandled.discard(self._handed_out)
            self._handed_out = None
            self._acknowledge()
        give_up_s = time.monotonic() + timeout_s
        while True:
            item = self._order.take()
            if isinstance(item, CloudEvent):
                self._handed_out = (item.source, item.sequence_number)
            if item is not None:
                return item
            now_s = time.monotonic()
            if now_s >= give_up_s:
                return None
            self._turn(min(POLL_S, give_up_s - now_s))
            self._order.pass_time(time.monotonic())

    def close(self) -> None:
        """Leave; the broker keeps the session for a day (MQTT 5)."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._waker.close()

    def _turn(self, timeout_s: float) -> None:
        if self._connection is None:
            now_s = time.monotonic()
            if now_s < self._attempt_at_s:
                self._waker.sleep(min(timeout_s, self._attempt_at_s - now_s))
                return
            self._connection = Connection(
                self._broker, self._client_id, self._waker, session_expiry_s=SESSION_S, manual_ack=True
            )
        for happening in self._connection.poll(timeout_s):
            match happening:
                case Connected():
                    self._backoff.reset()
                    self._connection.subscribe([(self._filter, 1)])
                case Subscribed():
                    self.subscribed = True
                case SubscriptionRefused(reason_code):
                    self._leave()
                    raise BrokerError(
                        f"broker {self._broker.host}:{self._broker.port} denies reading {self._filter} "
                        f"(0x{reason_code:02x}); allow this program's user to read it in the broker's access list"
                    )
                case Lost(reason):
                    log.warning("broker lost host=%s reason=%s", self._broker.host, reason)
                    self._leave()
                    return
                case Received():
                    self._receive(happening)

    @property
    def _filter(self) -> str:
        return Topics(self._store_id, EVERY_AGENT).event

    def _leave(self) -> None:
        """Let go of the connection until the next attempt; what was not acknowledged comes again."""
        self.subscribed = False
        if self._connection is not None:
            self._connection.close(0.0)
            self._connection = None
        self._unacknowledged.clear()
        self._attempt_at_s = time.monotonic() + self._backoff.next_s()

    def _receive(self, message: Received) -> None:
        place: Place | None = None
        address = parse_topic(message.topic)
        try:
            event = decode(message.payload, CloudEvent)
            agent_id = address.agent_id if address is not None else ""
            if event.source != stream_source(self._store_id, agent_id, event.stream):
                raise WireError(f"source {event.source!r} on topic {message.topic!r}")  # noqa: TRY301
            place = (event.source, event.sequence_number)
            if self._order.arrive(event, time.monotonic()):
                self._unhandled.add(place)
        except WireError as error:
            self.invalid += 1
            log.warning("payload skipped topic=%r error=%s", message.topic, error)
        self._unacknowledged.append((message, place))
        self._acknowledge()

    def _acknowledge(self) -> None:
        """Acknowledge what was handled or skipped, in the order in which it came."""
        while self._unacknowledged and self._unacknowledged[0][1] not in self._unhandled:
            message, _ = self._unacknowledged.popleft()
            if self._connection is not None and self._connection.connected and message.qos:
                self._connection.acknowledge(message)

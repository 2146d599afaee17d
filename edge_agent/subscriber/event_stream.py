"""Follow a store's events from a program: ordered per agent, each once, gaps named.

::

    with EventStream(BrokerConfig(host="10.0.0.5"), "corner-shop", client_id="price-labels") as stream:
        for item in stream:
            if isinstance(item, Missed):
                ...  # read events item.first … item.last of item.source from the ledger
            else:
                handle(item)

An event counts as handled when the next one is asked for; one that was not comes again after a restart.
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
from edge_agent.delivery.happenings import Connected, Lost, Received, Subscribed
from edge_agent.delivery.topics import EVERY_AGENT, Topics, parse_topic, stream_source
from edge_agent.delivery.waker import Waker
from edge_agent.delivery.wire import CloudEvent, WireError, decode
from edge_agent.subscriber.stream_order import Missed, StreamOrder

log = logging.getLogger(__name__)

POLL_S: Final = 0.25
SESSION_S: Final = 24 * 3600


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
        self._unacknowledged: deque[Received] = deque()

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
        """Return the next event or gap, or None after ``timeout_s`` without one."""
        give_up_s = time.monotonic() + timeout_s
        while True:
            item = self._order.take()
            if item is not None:
                return item
            # Everything given out before was handled by now: the caller came back for more.
            self._acknowledge()
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
                    self._connection.subscribe([(Topics(self._store_id, EVERY_AGENT).event, 1)])
                case Subscribed():
                    self.subscribed = True
                case Lost(reason):
                    self.subscribed = False
                    log.warning("broker lost host=%s reason=%s", self._broker.host, reason)
                    self._connection.close(0.0)
                    self._connection = None
                    self._unacknowledged.clear()
                    self._attempt_at_s = time.monotonic() + self._backoff.next_s()
                    return
                case Received():
                    self._receive(happening)

    def _receive(self, message: Received) -> None:
        self._unacknowledged.append(message)
        address = parse_topic(message.topic)
        try:
            event = decode(message.payload, CloudEvent)
            agent_id = address.agent_id if address is not None else ""
            if event.source != stream_source(self._store_id, agent_id, event.stream):
                raise WireError(f"source {event.source!r} on topic {message.topic!r}")  # noqa: TRY301
        except WireError as error:
            self.invalid += 1
            log.warning("payload skipped topic=%r error=%s", message.topic, error)
            return
        self._order.arrive(event, time.monotonic())

    def _acknowledge(self) -> None:
        """Acknowledge what was handed out or skipped; what waits behind a gap is handed out by this process too."""
        while self._unacknowledged:
            message = self._unacknowledged.popleft()
            if self._connection is not None and self._connection.connected and message.qos:
                self._connection.acknowledge(message)

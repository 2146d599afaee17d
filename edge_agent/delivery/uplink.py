"""The way to the store's broker: one thread that connects, sends, listens for the ledger and never gives up.

A decision is durable before this thread hears of it, and its row goes when the ledger's watermark passes it. The
agent sells on into the outbox while the broker is away.
"""

import logging
import threading
from collections.abc import Callable
from random import Random
from typing import Final

from edge_agent.clock import Clock, SystemClock
from edge_agent.config import BrokerConfig
from edge_agent.delivery import troubles
from edge_agent.delivery.announcer import Announcer, Counters, Message
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
    Will,
)
from edge_agent.delivery.outbox import Outbox
from edge_agent.delivery.stream_position import UnconfirmedRow
from edge_agent.delivery.troubles import Trouble
from edge_agent.delivery.waker import Waker
from edge_agent.delivery.window import SendWindow
from edge_agent.delivery.wire import Ack, WireError, decode
from edge_agent.errors import OutboxError
from edge_agent.model import Checkpoint, Decision, HealthTransition, Mark, Output, Provisional
from edge_agent.vocabulary import Severity

log = logging.getLogger(__name__)

IDLE_POLL_S: Final = 0.25
"""How long one look at the network may take; a wake-up ends it at once (2026-11)."""
READ_ROWS: Final = 20
"""Rows read at once: what may be under way together (2026-11)."""
READ_AGAIN_S: Final = 5.0
"""A disk that answers with errors, or an event that the broker has no room for, is tried again after this long, s:
rarely enough to wear nothing, soon enough for somebody who waits beside it (2026-11)."""
SILENT_LEDGER_S: Final = 60.0
"""Events sent but not confirmed for this long: the ledger is down, and somebody should know (2026-11)."""
PACKET_OVERHEAD_BYTES: Final = 10
"""Fixed header (5), topic length, packet id and an empty property list beside topic and payload (MQTT 5, 3.3)."""

Report = Callable[[HealthTransition], None]


def _ignore(_transition: HealthTransition) -> None:
    """Report to nobody."""


class MqttUplink:
    """Implements `edge_agent.ports.Uplink` over MQTT 5 or 3.1.1.

    Parameters
    ----------
    outbox : Outbox
        Where decisions become durable; the caller closes it after `stop`.
    broker : BrokerConfig
        Where to; certificates and password are read anew for every connection.
    clock : Clock
        Monotonic time of every time-out.
    random : Random
        Jitter of the back-off; a seed makes it repeatable.
    report : callable
        Told of every transition that is news, those that arise here (broker unreachable, ledger silent …) included;
        from the thread that found it.
    counters : callable
        Returns what `health` shall count beside the outbox's own figures; called about every ten seconds.
    """

    def __init__(
        self,
        outbox: Outbox,
        broker: BrokerConfig,
        *,
        clock: Clock | None = None,
        random: Random | None = None,
        report: Report = _ignore,
        counters: Counters = dict,
    ) -> None:
        self._outbox = outbox
        self._broker = broker
        self._unit = outbox.envelope.unit
        self._topics = self._unit.topics
        self._clock = clock or SystemClock()
        self._report = report
        self._backoff = Backoff(random or Random())  # noqa: S311 - jitter, no secret
        self._counters = counters
        self._announcer = Announcer(outbox, self._counted)
        self._under_way: dict[int, Message] = {}
        self._window = SendWindow()
        self._waker = Waker()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)
        self._connection: Connection | None = None
        self._attempt_at_s = 0.0
        self._read_again_at_s = 0.0
        self._progress_at_s = 0.0
        self._maximum_packet_bytes: int | None = None
        self._faults = 0
        self._alive_at_s = 0.0
        if outbox.opening is not None:
            self._transition(outbox.opening)

    # --- any thread -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect; returns at once, whether or not the broker is there."""
        self._thread.start()

    def stop(self, timeout_s: float = 1.0) -> None:
        """Say goodbye if connected and end within ``timeout_s``; what is unconfirmed stays in the outbox."""
        self._stopping.set()
        self._waker.wake()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        if not self._thread.is_alive():
            self._waker.close()

    def commit(self, decision: Decision) -> None:
        """Make a decision durable, then let it go out.

        Raises
        ------
        OutboxError
            Nothing was committed; `state.selling` says "no" until a commit succeeds.
        """
        try:
            self._outbox.commit(decision)
        except OutboxError as error:
            self._raise(troubles.outbox_refuses(error))
            raise
        self._clear("outbox", "outbox_refuses")
        self._announcer.decided(decision)
        self._waker.wake()

    def publish(self, output: Output) -> None:
        """Pass on what need not be durable at once; never raises. A decision goes through `commit`.

        A checkpoint is written here and now, so that it stands in order with the decisions around it: one per shelf in
        minutes. Where the disk refuses, the one before stands and an alarm is raised.
        """
        match output:
            case Provisional():
                self._announcer.provisional(output)
            case Mark():
                self._announcer.mark(output)
            case HealthTransition():
                self._transition(output)
            case Checkpoint():
                self._store(output)
            case Decision():
                return
        self._waker.wake()

    def _store(self, checkpoint: Checkpoint) -> None:
        try:
            if self._outbox.checkpoint(checkpoint.baselines) and self._outbox.depth() < self._outbox.max_rows:
                self._clear("outbox", "outbox_refuses")
        except OutboxError as error:
            self._raise(troubles.outbox_refuses(error))

    @property
    def connected(self) -> bool:
        """Return whether the broker is connected just now."""
        connection = self._connection
        return connection is not None and connection.connected

    @property
    def alive_at_s(self) -> float:
        """Return when the thread last went round (monotonic seconds): what a watchdog may feed on."""
        return self._alive_at_s

    # --- the uplink's thread --------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._progress_at_s = self._now_s()
        while not self._stopping.is_set():
            self._alive_at_s = self._now_s()
            try:
                self._turn()
            except Exception as error:
                # Nothing that a broker or a payload can do may end delivery: begin again with a fresh connection.
                log.exception("uplink fault")
                self._faults += 1
                self._recover(f"{type(error).__name__}: {error}")
        self._leave()

    def _recover(self, reason: str) -> None:
        try:
            self._disconnected(reason)
        except Exception:  # even saying so fails: the thread lives on, and tries again
            log.exception("uplink fault while disconnecting")
            self._faults += 1
            self._connection = None
            self._attempt_at_s = self._now_s() + READ_AGAIN_S
            self._stopping.wait(IDLE_POLL_S)

    def _counted(self) -> dict[str, float]:
        """Return what `health` counts beside the outbox's own figures."""
        window = self._window
        own = {"uplink_faults": self._faults, "resends": window.resends, "publishes_unheard": window.unheard}
        return {**self._counters(), **own}

    def _turn(self) -> None:
        now_s = self._now_s()
        if self._connection is None:
            if now_s >= self._attempt_at_s:
                self._connect()
            else:
                self._announcer.discard_live()
                self._waker.sleep(min(IDLE_POLL_S, self._attempt_at_s - now_s))
            return
        for happening in self._connection.poll(IDLE_POLL_S):
            self._take(happening)
        if self.connected:
            self._send()

    def _connect(self) -> None:
        will = self._announcer.will(self._outbox.next_session())
        self._connection = Connection(
            self._broker,
            f"shelf-{self._unit.store_id}-{self._unit.agent_id}",
            self._waker,
            will=Will(will.topic, will.payload),
        )

    def _take(self, happening: Happening) -> None:
        match happening:
            case Connected():
                self._welcome(happening)
            case Lost(reason):
                self._disconnected(reason)
            case Published(mid, reason_code):
                self._answered(mid, reason_code)
            case Received():
                if happening.topic == self._topics.ack:
                    self._acknowledged(happening.payload)
            case Subscribed():
                return
            case SubscriptionRefused(reason_code):
                self._raise(troubles.broker_refuses(self._broker, reason_code, f"reading {self._topics.ack}"))

    def _welcome(self, accepted: Connected) -> None:
        assert self._connection is not None  # noqa: S101 - the happening came from it
        self._backoff.reset()
        self._maximum_packet_bytes = accepted.maximum_packet_bytes
        self._window.connected(self._outbox.watermark, accepted.receive_maximum)
        self._under_way.clear()
        self._progress_at_s = self._now_s()
        self._clear("broker", "broker_unreachable")
        self._clear("broker", "broker_limit")
        self._read_again_at_s = 0.0
        self._announcer.reconnected()
        self._connection.subscribe([(self._topics.ack, 1)])
        log.info("broker connected host=%s port=%d", self._broker.host, self._broker.port)

    def _disconnected(self, reason: str) -> None:
        if self._connection is not None:
            self._connection.close(0.0)
            self._connection = None
        self._attempt_at_s = self._now_s() + self._backoff.next_s()
        self._raise(troubles.broker_unreachable(self._broker, reason))

    def _answered(self, mid: int, reason_code: int) -> None:
        now_s = self._now_s()
        give_up = self._window.answered(mid, reason_code, now_s)
        message = self._under_way.pop(mid, None)
        if message is not None:
            self._announcer.answered(message, reason_code, now_s)
        if reason_code >= 0x80:
            topic = self._topics.event if message is None else message.topic
            self._raise(troubles.broker_refuses(self._broker, reason_code, f"publishing to {topic}"))
        else:
            self._clear("broker", "broker_refuses")
        if give_up is not None:
            self._outbox.quarantine(give_up, f"broker_refused_0x{reason_code:02x}")

    def _acknowledged(self, payload: bytes) -> None:
        try:
            ack = decode(payload, Ack)
        except WireError as error:
            self._faults += 1
            log.warning("acknowledgement refused error=%s", error)
            return
        if ack.stream != self._outbox.stream_id:  # of the stream before a new card: not ours any more
            return
        if self._outbox.is_of_others(ack.watermark, ack.event_id):
            self._begin_again(ack.watermark)
            return
        before = self._outbox.watermark
        if not self._outbox.confirm(ack.watermark):
            return
        now_s = self._now_s()
        if ack.watermark > before:
            self._progress_at_s = now_s
            self._window.confirmed(ack.watermark, now_s)
            self._clear("ledger", "ledger_silent")
        else:
            self._window.ledger_spoke(now_s)

    def _begin_again(self, watermark: int) -> None:
        """Leave a stream that went on without this outbox, taking along what the ledger may not have."""
        held = self._outbox.last_sequence
        moved = self._outbox.begin_again()
        self._window.renumbered()
        self._announcer.renumbered()
        log.error("outbox restored or copied ledger_at=%d held=%d moved=%d", watermark, held, moved)
        self._raise(troubles.outbox_restored(self._outbox.path, ledger_at=watermark, held=held, moved=moved))

    def _send(self) -> None:
        now_s = self._now_s()
        if self._window.stuck(now_s):
            self._disconnected("no answer to a publish")
            return
        while self._window.room > 0 and (message := self._announcer.next_message(now_s)) is not None:
            self._publish(message, 0)
        self._send_live()
        self._send_events(now_s)
        depth = self._outbox.depth()
        if depth == 0:
            self._progress_at_s = now_s
        elif now_s - self._progress_at_s > SILENT_LEDGER_S:
            self._raise(troubles.ledger_silent(SILENT_LEDGER_S, self._outbox.max_rows))

    def _send_live(self) -> None:
        assert self._connection is not None  # noqa: S101 - called while connected
        if self._connection.congested:
            self._announcer.discard_live()
        while (message := self._announcer.next_live()) is not None:
            self._publish(message, 0)

    def _send_events(self, now_s: float) -> None:
        if now_s < self._read_again_at_s:
            return
        after, limit = self._window.due(self._outbox.watermark, self._outbox.last_sequence, now_s)
        if limit <= 0:
            return
        try:
            rows = self._outbox.unconfirmed(after, min(limit, READ_ROWS))
        except OutboxError as error:
            self._read_again_at_s = now_s + READ_AGAIN_S
            self._raise(troubles.outbox_unreadable(error))
            return
        self._clear("outbox", "outbox_unreadable")
        for row in rows:
            maximum = self._maximum_packet_bytes
            if maximum is not None and len(row.payload) + len(self._topics.event) + PACKET_OVERHEAD_BYTES > maximum:
                self._too_large(row, maximum, now_s)
                return
            self._publish(Message(self._topics.event, row.payload, 1, retain=False), row.sequence)

    def _too_large(self, row: UnconfirmedRow, maximum: int, now_s: float) -> None:
        """Send less in place of an event that this broker does not take; where even that is too much, wait."""
        if self._outbox.quarantine(row.sequence, f"broker_limit_{maximum}_bytes"):
            return
        self._read_again_at_s = now_s + READ_AGAIN_S
        self._raise(troubles.broker_limit(self._broker, maximum, row))

    def _publish(self, message: Message, sequence: int) -> None:
        assert self._connection is not None  # noqa: S101 - called while connected
        mid = self._connection.publish(message.topic, message.payload, qos=message.qos, retain=message.retain)
        if message.qos:
            self._window.sent(mid, sequence, self._now_s())
            if not sequence:
                self._under_way[mid] = message

    def _leave(self) -> None:
        try:
            if self._connection is not None:
                if self._connection.connected:
                    self._publish(self._announcer.goodbye(), 0)
                self._connection.close()
                self._connection = None
        except Exception:
            log.exception("uplink fault while leaving")

    # --- transitions ----------------------------------------------------------------------------------------------

    def _raise(self, trouble: Trouble) -> None:
        self._transition(HealthTransition(self._clock.monotonic_ns(), trouble[0], trouble[1], True, *trouble[2:]))

    def _clear(self, subject: str, code: str) -> None:
        self._transition(HealthTransition(self._clock.monotonic_ns(), subject, code, False, Severity.INFO, "", ""))

    def _transition(self, transition: HealthTransition) -> None:
        if self._announcer.transition(transition):
            self._report(transition)

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9

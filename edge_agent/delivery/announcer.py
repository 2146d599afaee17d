"""Everything an agent says beside its events: marks, state, info, health, alarms, stock belief, live results.

Holds the newest of each, so that a reconnect can say it all again; nothing here is queued without bound.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple

from edge_agent.delivery.clock_quality import clock_report
from edge_agent.delivery.outbox import Outbox
from edge_agent.delivery.stream_position import Position
from edge_agent.delivery.wire import (
    MAX_LEARNED,
    Alarm,
    Health,
    Info,
    LearnedWeight,
    Mark,
    State,
    StockBelief,
    encode,
)
from edge_agent.errors import OutboxError
from edge_agent.model import Decision, HealthTransition, Provisional
from edge_agent.model import Mark as PipelineMark
from edge_agent.vocabulary import Mode, Severity

MARK_EVERY_S: Final = 5.0
"""A lost acknowledgement is repeated on a mark, so it costs this at most, s (2026-11)."""
HEALTH_EVERY_S: Final = 10.0
"""Counters for a technician who watches: a change shows within a breath, s (2026-11)."""
REFUSED_AGAIN_S: Final = 10.0
"""What the broker refused (a full quota) is said again after this long, s: a queue may have drained (2026-11)."""
STOCK_EVERY_S: Final = 1.0
"""A shelf's belief goes out at most this often, s: it is retained, only the newest matters (2026-11)."""
WAITING_ALARMS: Final = 256
"""Several times the faults that a unit of a dozen shelves can have at once (2026-11)."""
WAITING_LIVE: Final = 64
"""Early results of one connection's hiccup; older ones are of no use to anybody (2026-11)."""

REFUSED_FROM: Final = 0x80
"""Reason codes from here on are refusals (MQTT 5, 2.4)."""

Counters = Callable[[], Mapping[str, float]]
Selling = Literal["yes", "degraded", "no"]


class Message(NamedTuple):
    """A publish to make."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    over: tuple[str, str] | None = None
    """Subject and code of the fault whose end it says."""


class Announcer:
    """Turns outputs into messages; filled by the pipeline's thread, emptied by the uplink's."""

    def __init__(self, outbox: Outbox, counters: Counters) -> None:
        self.dropped_live = 0
        self._outbox = outbox
        self._envelope = outbox.envelope
        self._unit = outbox.envelope.unit
        self._topics = self._unit.topics
        self._counters = counters
        self._lock = threading.Lock()
        self._mode = Mode.SELLING
        self._session = 0
        self._standing: dict[tuple[str, str], HealthTransition] = {}
        self._raised: set[tuple[str, str]] = set()
        self._over: dict[tuple[str, str], HealthTransition] = {}
        self._refused: set[str] = set()
        self._refused_again_at_s = 0.0
        self._alarms: deque[HealthTransition] = deque(maxlen=WAITING_ALARMS)
        self._live: deque[bytes] = deque(maxlen=WAITING_LIVE)
        self._mark: tuple[PipelineMark, int] | None = None
        self._said: tuple[Selling, tuple[str, ...]] | None = None
        self._info_said = False
        self._proposals_said: tuple[LearnedWeight, ...] = ()
        self._unsaid: set[str] = set()
        self._mark_at_s = self._health_at_s = self._stock_at_s = 0.0

    # --- filled by any thread -------------------------------------------------------------------------------------

    def provisional(self, provisional: Provisional) -> None:
        """Note an early result; when too many wait, the oldest goes."""
        live = self._envelope.live(provisional.event, stream_id=self._outbox.stream_id, clock=clock_report())
        with self._lock:
            self.dropped_live += len(self._live) == WAITING_LIVE
            self._live.append(encode(live))

    def decided(self, decision: Decision) -> None:
        """Note that a shelf's stock belief changed."""
        with self._lock:
            self._unsaid.add(decision.event.shelf_id)

    def mark(self, mark: PipelineMark) -> None:
        """Note how far the pipeline has decided, with the last sequence that holds for it."""
        with self._lock:
            self._mark = (mark, self._outbox.last_sequence)

    def transition(self, transition: HealthTransition) -> bool:
        """Note a fault or its end; return whether that is news."""
        key = (transition.subject, transition.code)
        with self._lock:
            if transition.raised:
                known = self._standing.get(key)
                self._standing[key] = transition
                self._over.pop(key, None)
                news = known is None or (known.severity, known.detail) != (transition.severity, transition.detail)
            else:
                news = self._standing.pop(key, None) is not None
                if news:
                    self._over[key] = transition
            if news:
                self._alarms.append(transition)
            return news

    def mode(self, mode: Mode) -> None:
        """Note what the shelf is for: it says "sell" in mode selling only."""
        with self._lock:
            self._mode = mode

    # --- emptied by the uplink's thread ---------------------------------------------------------------------------

    def will(self, session: int) -> Message:
        """Return what the broker shall say when this agent vanishes."""
        self._session = session
        return self._absent("offline")

    def goodbye(self) -> Message:
        """Return the last word of an agent that is stopped on purpose."""
        return self._absent("stopped")

    def reconnected(self) -> None:
        """Say everything again on this connection: state, info, stock, alarms that stand or ended unheard, mark."""
        with self._lock:
            self._refused.clear()
            self._said = None
            self._info_said = False
            self._unsaid = set(self._unit.shelves)
            self._queue_alarms()
            self._live.clear()
            self._mark_at_s = self._health_at_s = self._stock_at_s = 0.0

    def answered(self, message: Message, reason_code: int, now_s: float) -> None:
        """Take the broker's answer: a fault's end is said until it is taken, what is refused is said again later."""
        with self._lock:
            if reason_code >= REFUSED_FROM:
                self._refused.add(message.topic)
                self._refused_again_at_s = now_s + REFUSED_AGAIN_S
            elif message.over is not None and self._over.pop(message.over, None) is not None:
                self._raised.discard(message.over)

    def renumbered(self) -> None:
        """Say info, belief and mark again: the outbox has begun a new stream."""
        with self._lock:
            self._info_said = False
            self._unsaid = set(self._unit.shelves)
            self._mark_at_s = self._stock_at_s = 0.0
            if self._mark is not None:
                self._mark = (self._mark[0], self._outbox.last_sequence)

    def next_live(self) -> Message | None:
        """Return the next provisional result, or None."""
        with self._lock:
            return Message(self._topics.live, self._live.popleft(), 0, retain=False) if self._live else None

    def discard_live(self) -> None:
        """Drop early results that cannot go out now: late ones are worth nothing."""
        with self._lock:
            self.dropped_live += len(self._live)
            self._live.clear()

    def next_message(self, now_s: float) -> Message | None:
        """Return the most urgent message that is due (all but events and live), or None."""
        with self._lock:
            if self._refused and now_s >= self._refused_again_at_s:
                self._say_refused()
            urgent = self._state_due() or self._alarm_due()
        if urgent is not None:
            return urgent
        position = self._outbox.position()
        with self._lock:
            due = self._info_due(position) or self._stock_due(position, now_s) or self._mark_due(position, now_s)
        return due or self._health_due(position, now_s)

    # --- contents -------------------------------------------------------------------------------------------------

    def _state_due(self) -> Message | None:
        selling, reasons = self._selling()
        if self._said == (selling, reasons):
            return None
        self._said = (selling, reasons)
        state = State("online", self._session, selling, self._envelope.now(), reasons)
        return Message(self._topics.state, encode(state), 1, retain=True)

    def _selling(self) -> tuple[Selling, tuple[str, ...]]:
        faults = [each for each in self._standing.values() if each.severity is not Severity.INFO]
        reasons = [f"{each.code}:{each.subject}"[:128] for each in faults]
        if self._mode is not Mode.SELLING:
            reasons.append(f"mode:{self._mode}")
        stopped = self._mode is not Mode.SELLING or any(each.severity is Severity.ERROR for each in faults)
        return ("no" if stopped else "degraded" if reasons else "yes"), tuple(sorted(reasons)[:32])

    def _absent(self, status: Literal["stopped", "offline"]) -> Message:
        state = State(status, self._session, "no", self._envelope.now(), (f"agent_{status}",))
        return Message(self._topics.state, encode(state), 1, retain=True)

    def _say_refused(self) -> None:
        """Make due again what the broker refused; marks and health come again by themselves."""
        if self._topics.state in self._refused:
            self._said = None
        if self._topics.info in self._refused:
            self._info_said = False
        if self._topics.alarm in self._refused:
            self._queue_alarms()
        self._unsaid |= {shelf_id for shelf_id in self._unit.shelves if self._topics.stock(shelf_id) in self._refused}
        self._refused.clear()

    def _queue_alarms(self) -> None:
        """Say what has ended, if its beginning was said, and what stands."""
        self._over = {key: end for key, end in self._over.items() if key in self._raised}
        self._alarms.clear()
        self._alarms.extend([*self._over.values(), *self._standing.values()])

    def _alarm_due(self) -> Message | None:
        if not self._alarms:
            return None
        transition = self._alarms.popleft()
        key = (transition.subject, transition.code)
        if transition.raised:
            self._raised.add(key)
        over = None if transition.raised else key
        return Message(self._topics.alarm, encode(self._alarm(transition)), 1, retain=False, over=over)

    def _alarm(self, transition: HealthTransition) -> Alarm:
        return Alarm(
            raised=transition.raised,
            subject=transition.subject[:128],
            code=transition.code[:128],
            severity=transition.severity,
            detail=transition.detail[:600],
            remedy=transition.remedy[:600],
            since=self._envelope.utc(transition.t_ns),
        )

    def _info_due(self, position: Position) -> Message | None:
        if self._info_said and self._proposals_said == position.proposals:
            return None
        self._info_said = True
        self._proposals_said = position.proposals
        info = Info(
            stream=position.stream_id,
            oldest_sequence=position.watermark + 1,
            last_sequence=position.last_sequence,
            revisions=self._unit.revisions,
            shelves=tuple(self._unit.shelves),
            boot_id=self._envelope.boot_id,
            session=self._session,
            time=self._envelope.now(),
            learned=position.proposals[:MAX_LEARNED],
        )
        return Message(self._topics.info, encode(info), 1, retain=True)

    def _stock_due(self, position: Position, now_s: float) -> Message | None:
        if not self._unsaid or now_s < self._stock_at_s:
            return None
        shelf_id = self._unsaid.pop()
        if not self._unsaid:
            self._stock_at_s = now_s + STOCK_EVERY_S
        lanes = {
            lane: dict(position.stock[lane]) for lane in self._unit.shelves.get(shelf_id, ()) if lane in position.stock
        }
        if not lanes:  # nothing was committed yet: silence, not "empty"
            return None
        belief = StockBelief(shelf_id, position.stream_id, position.last_sequence, lanes, self._envelope.now())
        return Message(self._topics.stock(shelf_id), encode(belief), 1, retain=True)

    def _mark_due(self, position: Position, now_s: float) -> Message | None:
        if self._mark is None or now_s < self._mark_at_s:
            return None
        self._mark_at_s = now_s + MARK_EVERY_S
        mark, last_sequence = self._mark
        said = Mark(
            stream=position.stream_id,
            # Later events may be confirmed by now: the mark speaks of the moment it was made.
            oldest_sequence=min(position.watermark, last_sequence) + 1,
            last_sequence=last_sequence,
            complete_through=self._envelope.utc(mark.complete_through_ns),
            time=self._envelope.now(),
            clock=clock_report(),
        )
        return Message(self._topics.mark, encode(said), 1, retain=False)

    def _health_due(self, position: Position, now_s: float) -> Message | None:
        if now_s < self._health_at_s:
            return None
        self._health_at_s = now_s + HEALTH_EVERY_S
        counters = dict(self._counters())
        counters["live_dropped"] = self.dropped_live
        counters["watermarks_refused"] = self._outbox.refused_watermarks
        counters["events_quarantined"] = self._outbox.quarantined
        health = Health(
            stream=position.stream_id,
            last_sequence=position.last_sequence,
            watermark=position.watermark,
            outbox_depth=position.depth,
            outbox_capacity=self._outbox.max_rows,
            time=self._envelope.now(),
            outbox_age_s=self._outbox_age_s(),
            counters=counters,
        )
        return Message(self._topics.health, encode(health), 0, retain=False)

    def _outbox_age_s(self) -> float | None:
        try:
            oldest = self._outbox.oldest()
        except OutboxError:  # its own alarm stands; health goes on
            return None
        return None if oldest is None else self._envelope.age_s(oldest.recordedtime)

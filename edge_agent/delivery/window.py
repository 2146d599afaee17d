"""Which event goes out next: strictly in order, a bounded number under way, and again until the ledger confirms.

No clock and no socket inside: instants come in as seconds of any monotonic clock.
"""

from typing import Final

MAX_IN_FLIGHT: Final = 20
"""QoS 1 messages without the broker's answer; brokers' usual Receive Maximum (2026-11)."""
REACH: Final = 1000
"""Events sent beyond the ledger's watermark: what mosquitto queues for one absent subscriber by default
(max_queued_messages 1000); more would be dropped there, so the rest waits in the outbox (2026-11)."""
FIRST_RESEND_S: Final = 2.0
"""Well above a round trip with a disk's sync in it: without a word after this, something was lost, s (2026-11)."""
LONGEST_RESEND_S: Final = 30.0
"""While no ledger listens: often enough that one that comes back waits no longer, s (2026-11)."""
STUCK_S: Final = 30.0
"""Without an answer to a publish for this long the connection is given up (2026-11)."""
REFUSAL_PAUSE_S: Final = (5.0, 60.0)
"""After a refusal, s: first and longest; a person mends an access list in minutes, not in seconds (2026-11)."""
MAX_REFUSALS: Final = 5
"""Refusals of one event, over 75 s, before it is its own fault and not a passing state of the broker (2026-11)."""
NOBODY: Final = 0x10
"""No matching subscribers (MQTT 5, 3.4.2.1)."""
FAULT_OF_THE_ROW: Final = frozenset({0x80, 0x83, 0x90, 0x99})
"""Reason codes that can be one message's fault: unspecified, implementation specific, topic name, payload format.
Not so 0x87 (not authorised) and 0x97 (quota exceeded): those hold for every message, and are waited out."""


class SendWindow:
    """Go-back-N over the outbox: after a time-out everything above the watermark is sent again.

    Attributes
    ----------
    resends, unheard : int
        Counters: times it went back; publishes that no subscriber received.
    """

    def __init__(self) -> None:
        self.resends = 0
        self.unheard = 0
        self._limit = MAX_IN_FLIGHT
        self._in_flight: dict[int, tuple[int, float]] = {}
        self._cursor = 0
        self._interval_s = FIRST_RESEND_S
        self._resend_at_s: float | None = None
        self._resume_at_s = 0.0
        self._pause_s = REFUSAL_PAUSE_S[0]
        self._refusals: dict[int, int] = {}

    def connected(self, watermark: int, receive_maximum: int) -> None:
        """Begin a connection: nothing is under way, and everything unconfirmed is sent again."""
        self._limit = max(1, min(MAX_IN_FLIGHT, receive_maximum))
        self._in_flight.clear()
        self._cursor = watermark
        self._resend_at_s = None
        self._interval_s = FIRST_RESEND_S
        self._resume_at_s = 0.0
        self._pause_s = REFUSAL_PAUSE_S[0]

    def renumbered(self) -> None:
        """Begin a new stream on the same connection: what is under way is of no stream any more, all is to send."""
        self._in_flight = {mid: (0, sent_s) for mid, (_, sent_s) in self._in_flight.items()}
        self._cursor = 0
        self._resend_at_s = None
        self._interval_s = FIRST_RESEND_S
        self._refusals.clear()

    @property
    def room(self) -> int:
        """Return how many QoS 1 messages may be sent now."""
        return self._limit - len(self._in_flight)

    def due(self, watermark: int, last_sequence: int, now_s: float) -> tuple[int, int]:
        """Return (after, limit): which rows to read and send now; a limit of 0 means none."""
        if self._resend_at_s is not None and now_s >= self._resend_at_s and watermark < self._cursor:
            self._cursor = watermark
            self._interval_s = min(2 * self._interval_s, LONGEST_RESEND_S)
            self._resend_at_s = now_s + self._interval_s
            self.resends += 1
        self._cursor = max(self._cursor, watermark)
        reach = min(last_sequence, watermark + REACH)
        limit = 0 if now_s < self._resume_at_s else min(self.room, reach - self._cursor)
        return self._cursor, max(0, limit)

    def sent(self, mid: int, sequence: int, now_s: float) -> None:
        """Note a publish; ``sequence`` is 0 for a message that is no event."""
        self._in_flight[mid] = (sequence, now_s)
        if sequence:
            self._cursor = max(self._cursor, sequence)
            if self._resend_at_s is None:
                self._resend_at_s = now_s + self._interval_s

    def confirmed(self, watermark: int, now_s: float) -> None:
        """Note that the ledger moved on: the time-out starts anew, and short."""
        self._interval_s = FIRST_RESEND_S
        self._resend_at_s = now_s + self._interval_s if self._cursor > watermark else None
        self._refusals = {sequence: count for sequence, count in self._refusals.items() if sequence > watermark}

    def ledger_spoke(self, now_s: float) -> None:
        """Note a sign of life without progress: what it misses goes out again soon, not after a long wait."""
        if self._resend_at_s is not None:
            self._interval_s = FIRST_RESEND_S
            self._resend_at_s = min(self._resend_at_s, now_s + FIRST_RESEND_S)

    def answered(self, mid: int, reason_code: int, now_s: float) -> int | None:
        """Take the broker's answer to a publish; return the sequence of an event to give up on, or None.

        A refusal stops sending for a while and goes back to the refused event: nothing overtakes it.
        """
        sequence, _ = self._in_flight.pop(mid, (0, 0.0))
        if reason_code == NOBODY:
            self.unheard += 1
        if reason_code < 0x80:
            if sequence:
                self._pause_s = REFUSAL_PAUSE_S[0]
            return None
        if not sequence:
            return None
        self._cursor = min(self._cursor, sequence - 1)
        if now_s >= self._resume_at_s:  # the first refusal of a window counts; the others are its echo
            self._resume_at_s = now_s + self._pause_s
            self._pause_s = min(2 * self._pause_s, REFUSAL_PAUSE_S[1])
        if reason_code not in FAULT_OF_THE_ROW:
            return None
        self._refusals[sequence] = self._refusals.get(sequence, 0) + 1
        return sequence if self._refusals[sequence] >= MAX_REFUSALS else None

    def stuck(self, now_s: float) -> bool:
        """Return whether the broker has not answered a publish for too long."""
        return any(now_s - sent_s > STUCK_S for _, sent_s in self._in_flight.values())

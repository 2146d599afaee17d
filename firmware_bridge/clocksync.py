"""
Board ticks to host time.

`BoardClock` fits the board's tick counter against the host times at which clock queries were sent; with
`firmware_bridge.timeline` it dates every conversion on the host's monotonic clock without the jitter of the
serial line. Nothing here reads a clock: times are arguments.

`ForgettingLine` is the method of least squares with weights that fall by 1 - `FORGETTING` an observation, kept
as running means and central moments (West, "Updating mean and variance estimates", CACM 22(9), 1979).
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Final

NS_PER_S: Final = 1_000_000_000

FORGETTING: Final = 1.0 / 30.0
"""Weight of the newest observation: half a minute of queries, long against jitter, short against warming
of a ceramic resonator (2026-11)."""
BURST_QUERIES: Final = 8
BURST_INTERVAL_NS: Final = 50_000_000
STEADY_INTERVAL_NS: Final = 971_000_000
"""About a second, off the beat of 10 and 80 SPS and of the one-second AUX frame (2026-11)."""
UNANSWERED_LIMIT: Final = 4
TOO_LATE_LIMIT: Final = 30
"""Answers in a row that came after their query was given up: half a minute without the time (2026-11)."""
LATE_SIGMAS: Final = 5.0
LATE_NS: Final = 500_000
LATE_LIMIT_NS: Final = 1_500_000
"""However much the answers scatter, one later than this is not taken at its word: on a host at full load the
scatter would else admit its own delays and drag the times along (2026-11)."""
PROMPT_NS: Final = 1_000_000
"""Round trips of the first burst this much longer than its quickest still tell the time (2026-11)."""
DOUBT_NS: Final = 10_000_000
DOUBT_RATE: Final = 0.01
"""A tick this far outside the time its query was under way, and as much again for each second since the last
answer that fitted, is no error of the line any more: ten times what a burst's jitter makes of its slope
(2026-11)."""
RATE_PRIOR: Final = 0.002
"""Standard deviation of boards' tick rates about the nominal one: a ceramic resonator's worst is 0.5 %. Until the
answers span long enough to know better, the slope leans on it; after a burst with 3 ms of jitter the first stall
of 3 s would else misdate rows by 25 ms (2026-11)."""
DOUBT_LIMIT: Final = 4
"""Impossible ticks in a row that prove another clock: 0.2 s at the burst's pace (2026-11)."""
ROUND_TRIP_AGEING_NS: Final = 1_000
"""The smallest round trip is forgotten by 1 µs a query, so that a slower hub is noticed in time (2026-11)."""

_WRAP: Final = 1 << 32
_HALF_WRAP: Final = 1 << 31


def unwrap32(value: int, near: int) -> int:
    """Full-width value nearest to `near` whose low 32 bits are `value`."""
    return near + ((value - near + _HALF_WRAP) % _WRAP) - _HALF_WRAP


class ForgettingLine:
    """
    Least-squares line y(x) with exponential forgetting, exact for integers of any size.

    The origin is an integer moved along with the mean, so that nanoseconds and ticks keep their last digit
    after years.
    """

    __slots__ = ("_mean_x", "_mean_y", "_moment_xx", "_moment_xy", "_origin_x", "_origin_y", "count")

    def __init__(self) -> None:
        self.count = 0
        self._origin_x = self._origin_y = 0
        self._mean_x = self._mean_y = 0.0
        self._moment_xx = self._moment_xy = 0.0

    def add(self, x: int, y: int) -> None:
        """Take one observation."""
        if not self.count:
            self._origin_x, self._origin_y = x, y
        self.count += 1
        weight = max(FORGETTING, 1.0 / self.count)
        from_mean_x = x - self._origin_x - self._mean_x
        from_mean_y = y - self._origin_y - self._mean_y
        self._mean_x += weight * from_mean_x
        self._mean_y += weight * from_mean_y
        remaining = 1.0 - weight
        self._moment_xx = remaining * (self._moment_xx + weight * from_mean_x * from_mean_x)
        self._moment_xy = remaining * (self._moment_xy + weight * from_mean_x * from_mean_y)
        whole_x, whole_y = int(self._mean_x), int(self._mean_y)
        self._origin_x += whole_x
        self._origin_y += whole_y
        self._mean_x -= whole_x
        self._mean_y -= whole_y

    @property
    def slope(self) -> float:
        """Change of y for one of x; nan before two distinct x."""
        return self._moment_xy / self._moment_xx if self._moment_xx > 0.0 else math.nan

    def y_at(self, x: int, slope: float) -> tuple[int, float]:
        """Give y on the line through the mean with `slope`, as whole part and rest."""
        return self._origin_y, self._mean_y + slope * (x - self._origin_x - self._mean_x)

    def x_at(self, y: int, slope: float) -> tuple[int, float]:
        """Give the x at which the line through the mean with `slope` passes y, as whole part and rest."""
        return self._origin_x, self._mean_x + (y - self._origin_y - self._mean_y) / slope


class ClockAnswer(enum.Enum):
    """
    What became of one answer to a clock query.

    A late one was held up on its way and tells nothing. A doubtful one holds a tick that this clock cannot have
    shown while the query was under way; several in a row are a step.
    """

    ACCEPTED = "accepted"
    LATE = "late"
    DOUBTFUL = "doubtful"
    STEPPED = "stepped"


@dataclass(frozen=True, slots=True)
class _Exchange:
    sent_ns: int
    round_trip_ns: int
    tick: int


class BoardClock:
    """
    The board's tick counter as a function of host monotonic time.

    The one thing certain of an answer is that its tick was read after the query was sent and before the answer
    came. Delays on the host, the hub or the wire widen that span and never break it (Marzullo and Owicki,
    "Maintaining the time in a distributed system", 1983). So an answer that took long and fits is set aside, and
    only ticks from outside their span can prove that the counter is another one.

    Parameters
    ----------
    tick_rate_hz : int
        Nominal, from HELLO; the true rate is estimated.
    """

    def __init__(self, tick_rate_hz: int) -> None:
        self.tick_rate_hz = tick_rate_hz
        self.late = 0
        self.unanswered = 0
        self._unanswered_limit = UNANSWERED_LIMIT
        self._line = ForgettingLine()
        self._burst: list[_Exchange] = []
        self._last_tick = 0
        self._min_half_ns = math.inf
        self._variance_ns2 = 0.0
        self._doubts = 0
        self._first_sent_ns = self._last_sent_ns = 0
        self._burst_spread_ns = 0
        self._slope = tick_rate_hz / NS_PER_S

    @property
    def ready(self) -> bool:
        """Whether the first burst is complete, so that ticks can be dated."""
        return self._line.count > 0

    @property
    def dead(self) -> bool:
        """Whether four queries in a row went unanswered, or thirty were answered too late."""
        return self.unanswered >= self._unanswered_limit

    @property
    def doubted(self) -> bool:
        """Whether the last ticks could not be this clock's."""
        return self._doubts > 0

    @property
    def interval_ns(self) -> int:
        """Time from one query to the next; a doubt is settled at the pace of the first burst."""
        return STEADY_INTERVAL_NS if self.ready and not self._doubts else BURST_INTERVAL_NS

    @property
    def residual_sigma_ns(self) -> float:
        """Standard deviation of the answers about the line, in host time."""
        return math.sqrt(self._variance_ns2)

    @property
    def rate_hz(self) -> float:
        """Estimated ticks per second of host time; the nominal rate before `ready`."""
        return self._slope * NS_PER_S

    def missed(self) -> None:
        """Count a query that was not answered in time."""
        self.unanswered += 1

    def heard(self) -> None:
        """Take note that the board answers, if too late to tell the time: the wire carries commands."""
        self._unanswered_limit = min(self.unanswered + UNANSWERED_LIMIT, TOO_LATE_LIMIT)

    def answered(self, sent_ns: int, received_ns: int, tick32: int) -> ClockAnswer:
        """
        Take the answer to one query.

        Parameters
        ----------
        sent_ns, received_ns : int
            Host monotonic time just before the query was written and just after its answer was read.
        tick32 : int
            The board's tick counter when it had the query, modulo 2**32.

        Returns
        -------
        ClockAnswer
            `STEPPED` when the board's counter no longer fits: identify the board again and start over.
        """
        self.unanswered = 0
        self._unanswered_limit = UNANSWERED_LIMIT
        round_trip_ns = received_ns - sent_ns
        if not self.ready:
            self._collect(sent_ns, round_trip_ns, tick32)
            return ClockAnswer.ACCEPTED
        self._min_half_ns = min(self._min_half_ns + ROUND_TRIP_AGEING_NS, round_trip_ns / 2)
        expected_ns = self._line.x_at(self._last_tick, self._slope)
        near = self._last_tick + round((sent_ns - expected_ns[0] - expected_ns[1]) * self._slope)
        tick = unwrap32(tick32, near)
        whole_ns, rest_ns = self._line.x_at(tick, self._slope)
        residual_ns = whole_ns - sent_ns + rest_ns
        late_ns = min(max(LATE_NS, LATE_SIGMAS * self.residual_sigma_ns), LATE_LIMIT_NS)
        if residual_ns > late_ns:
            # The line runs through the moments of sending, half a round trip before the board had the query.
            excess_ns = round_trip_ns - 2 * self._min_half_ns
            outside_ns = residual_ns - excess_ns
            if outside_ns <= late_ns:
                self.late += 1
                return ClockAnswer.LATE
            # What the delay cannot explain is the line's own error: move it as far as is certain.
            sent_ns += round(excess_ns)
        else:
            outside_ns = -residual_ns
        if outside_ns > self.doubt_ns(sent_ns):
            self._doubts += 1
            return ClockAnswer.STEPPED if self._doubts >= DOUBT_LIMIT else ClockAnswer.DOUBTFUL
        self._doubts = 0
        self._variance_ns2 += FORGETTING * (outside_ns * outside_ns - self._variance_ns2)
        self._last_tick = tick
        self._last_sent_ns = sent_ns
        self._line.add(sent_ns, tick)
        self._learn_slope()
        return ClockAnswer.ACCEPTED

    def unwrap(self, tick32: int) -> int:
        """Full-width tick of a moment within half a wrap of the last answer."""
        return unwrap32(tick32, self._last_tick)

    def host_ns(self, tick: int) -> int:
        """Host monotonic time of a full-width tick; only when `ready`."""
        whole_ns, rest_ns = self._line.x_at(tick, self._slope)
        return whole_ns + round(rest_ns + self._min_half_ns)

    def doubt_ns(self, at_ns: int) -> int:
        """Most that an honest tick's date may be wrong at a host time; beyond it the tick is not this clock's."""
        # A line through few or slow answers may have a slope worse than a good burst's, until it has grown long.
        spread_ns = 2 * self._burst_spread_ns
        drift = max(DOUBT_RATE, spread_ns / max(1, self._last_sent_ns - self._first_sent_ns))
        return DOUBT_NS + spread_ns + round(drift * abs(at_ns - self._last_sent_ns))

    def _learn_slope(self) -> None:
        """Weigh the fitted rate against the nominal one by their variances."""
        nominal = self.tick_rate_hz / NS_PER_S
        fitted = self._line.slope
        if not fitted > 0.0:
            self._slope = nominal
            return
        noise = self._burst_spread_ns / max(1, self._last_sent_ns - self._first_sent_ns)
        self._slope = nominal + (fitted - nominal) * RATE_PRIOR**2 / (RATE_PRIOR**2 + noise**2)

    def _collect(self, sent_ns: int, round_trip_ns: int, tick32: int) -> None:
        tick = unwrap32(tick32, self._burst[-1].tick) if self._burst else tick32
        if self._burst and tick <= self._burst[-1].tick:
            self._burst.clear()
            tick = tick32
        self._burst.append(_Exchange(sent_ns, round_trip_ns, tick))
        # A query held up by the host's scheduler shows in its own round trip. Left in, one 10 ms hiccup would
        # bend the first line for half a minute. On a host so busy that few are prompt more are asked, and each
        # makes the measure of promptness less strict.
        beyond = len(self._burst) - BURST_QUERIES
        if beyond < 0:
            return
        quickest_ns = min(exchange.round_trip_ns for exchange in self._burst)
        used = [e for e in self._burst if e.round_trip_ns <= quickest_ns + PROMPT_NS * (1 + beyond)]
        if len(used) < BURST_QUERIES // 2:
            return
        for exchange in used:
            self._line.add(exchange.sent_ns, exchange.tick)
        self._min_half_ns = quickest_ns / 2
        self._last_tick = self._burst[-1].tick
        self._first_sent_ns, self._last_sent_ns = used[0].sent_ns, used[-1].sent_ns
        self._burst_spread_ns = max(e.round_trip_ns for e in used) - quickest_ns
        self._learn_slope()
        residuals = [(e.sent_ns - self.host_ns(e.tick) + quickest_ns / 2) for e in used]
        self._variance_ns2 = sum(r * r for r in residuals) / len(residuals)
        self._burst.clear()

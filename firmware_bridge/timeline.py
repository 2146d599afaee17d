"""
Sample indices to host time.

A second straight line beside the clock's: the ticks of data-ready against the sample index. It takes the jitter
of the board's own time-stamping out of the dates. Nothing here reads a clock: times are arguments.
"""

from __future__ import annotations

import enum

import numpy as np
import numpy.typing as npt

from firmware_bridge.clocksync import NS_PER_S, BoardClock, ForgettingLine

Int64Array = npt.NDArray[np.int64]


class Misdated(enum.Enum):
    """Why a frame's tick cannot be the moment of its last row."""

    AHEAD = "ahead"
    """It lies after the frame was read."""
    BEHIND = "behind"
    """It lies before rows that were converted earlier."""


class SampleTimeline:
    """
    Host times of sample indices, strictly increasing.

    Parameters
    ----------
    clock : BoardClock
        Dates the ticks.
    rate_hz : float
        Nominal rows a second, used until two frames have shown the real rate.
    after_ns : int
        Every time given is later than this: the last one of an earlier timeline of the same board.
    """

    def __init__(self, clock: BoardClock, rate_hz: float, after_ns: int | None = None) -> None:
        self._clock = clock
        self._line = ForgettingLine()
        self._nominal = clock.tick_rate_hz / rate_hz
        self._last_ns = after_ns
        self.restarts = 0

    @property
    def ticks_per_row(self) -> float:
        """Estimated ticks from one row to the next."""
        slope = self._line.slope
        return slope if slope > 0.0 else self._nominal

    @property
    def last_ns(self) -> int | None:
        """Time of the last row dated."""
        return self._last_ns

    def date(self, first_index: int, rows: int, last_tick32: int, read_ns: int) -> Int64Array | Misdated:
        """
        Take one frame's last data-ready tick and date all its rows.

        One broken frame in 65 536 passes its CRC, with a tick anywhere within half a wrap. Taken at its word it
        would put every later row behind it, for up to half an hour. So a tick that contradicts the time of
        reading, or the rows before, is refused and changes nothing here.

        Parameters
        ----------
        first_index : int
            Full-width sample index of the first row.
        rows : int
            Rows in the frame.
        last_tick32 : int
            Tick of the last row, modulo 2**32.
        read_ns : int
            Host monotonic time when the frame had been read: no row is dated later.

        Returns
        -------
        ndarray of int64, shape (rows,), or Misdated
            Host monotonic nanoseconds.
        """
        last_index = first_index + rows - 1
        tick = self._clock.unwrap(last_tick32)
        misdated = self._misdated(tick, read_ns)
        if misdated is not None:
            return misdated
        slope = self.ticks_per_row
        if self._line.count > 1:
            whole, rest = self._line.y_at(last_index, slope)
            # Half a period off is no jitter: the converters paused or changed their rate. Start afresh
            # rather than date rows by a line that no longer holds.
            if abs(tick - whole - rest) > 0.5 * slope:
                self._line = ForgettingLine()
                self.restarts += 1
        self._line.add(last_index, tick)
        slope = self.ticks_per_row
        whole, rest = self._line.y_at(last_index, slope)
        # What has been read has happened: the error that the lines may have is cut off on that side.
        last_ns = min(self._clock.host_ns(whole + round(rest)), read_ns)
        if rows == 1:
            if self._last_ns is not None and last_ns <= self._last_ns:
                last_ns = self._last_ns + 1
            self._last_ns = last_ns
            return np.array((last_ns,), dtype=np.int64)
        steps = np.arange(rows, dtype=np.int64)
        period_ns = slope / self._clock.rate_hz * NS_PER_S
        t_ns: Int64Array = last_ns + np.rint((steps - (rows - 1)) * period_ns).astype(np.int64)
        if self._last_ns is not None and t_ns[0] <= self._last_ns:
            # A correction of the lines may not turn time back: such rows follow one nanosecond apart.
            t_ns = np.maximum(t_ns, self._last_ns + 1 + steps)
        self._last_ns = int(t_ns[-1])
        return t_ns

    def _misdated(self, tick: int, read_ns: int) -> Misdated | None:
        # The bound is the clock's own: a tick further out would be doubted in a clock answer too, 10 ms when the
        # clock is known well. A tighter one would refuse good rows on a host so busy that its clock is worse.
        ready_ns = self._clock.host_ns(tick)
        doubt_ns = self._clock.doubt_ns(read_ns)
        if ready_ns > read_ns + doubt_ns:
            return Misdated.AHEAD
        # The line may have dated the row before up to half a period late, until it starts afresh.
        half_period_ns = 0.5 * self.ticks_per_row / self._clock.rate_hz * NS_PER_S
        if self._last_ns is not None and ready_ns < self._last_ns - doubt_ns - half_period_ns:
            return Misdated.BEHIND
        return None

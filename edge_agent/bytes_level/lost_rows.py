"""When a board loses readings: often a few, seldom a second of them, at the recordings' rates.

Recorded at ten readings a second (Cambridge, 2019, three recordings): 0.23-0.94 of them a second come late. A part by
less than two periods, a missed conversion; the others by four, which is how long a converter settles that was switched
off because its clock stood high for more than 60 µs (HX711 data sheet). Eight gaps in 1,892 s are longer than half a
second. Those of ten seconds are left out: a board that is silent so long is another story.

The rate is kept a second, not a reading: what disturbs a board comes in its own time. A reading it would be eight times
more at 80 readings a second, 2.4-11.3 % of them.
"""

import numpy as np

LATE_A_SECOND = (0.23, 0.94)
"""How many of a board's readings come late, log-uniform over what was recorded (2026-12)."""
RESTARTED_SHARE = 0.5
"""Of them after a restart of the converter: recorded 0.3, 0.3 and 0.9 (2026-12)."""
RESTARTED_ROWS = 3
"""Rows lost by it: the next one comes after four periods."""
LONG_GAP_EACH_S = 240.0
LONG_GAP_S = (0.5, 1.3)


class LostRows:
    """Draws when one board loses how many rows.

    Parameters
    ----------
    rng : numpy.random.Generator
        Its own.
    rate_hz : float
        Rows a second.
    """

    def __init__(self, rng: np.random.Generator, rate_hz: float) -> None:
        self._rng, self._rate_hz = rng, rate_hz
        self.late_a_second = float(np.exp(rng.uniform(*np.log(LATE_A_SECOND))))
        self._short_s = self._long_s = 0.0
        self._next_short(0.0)
        self._next_long(0.0)

    def due(self, t_s: float) -> int:
        """Return how many rows are lost from world time ``t_s`` on; ask at rising times."""
        rows = 0
        if t_s >= self._short_s:
            rows = RESTARTED_ROWS if self._rng.random() < RESTARTED_SHARE else 1
            self._next_short(t_s)
        if t_s >= self._long_s:
            rows = round(float(self._rng.uniform(*LONG_GAP_S)) * self._rate_hz)
            self._next_long(t_s)
        return rows

    def _next_short(self, t_s: float) -> None:
        self._short_s = t_s + float(self._rng.exponential(1 / self.late_a_second))

    def _next_long(self, t_s: float) -> None:
        self._long_s = t_s + float(self._rng.exponential(LONG_GAP_EACH_S))

"""Tells noise of the wires from movement on the plate, within a second.

What moves a plate is smooth or rings: the next reading follows from the last few. What a loose plug or a motor's cable
adds does not. So the part of the readings that an autoregression of the last four cannot foretell is noise of the
wires, whenever it is large; a blow is foretold as badly, but in few readings only, which a median passes over.

Found at once it is a word to the technician and no more: hard knocks in quick succession look the same. What lasts for
seconds, look after look and as loud, nobody does with his hands: such a cell is set aside, for a shelf that waits for
it to rest would wait for ever.
"""

from collections import deque

import numpy as np

from edge_agent.model import BoolArray, FloatArray, InstantArray

ORDER = 4
"""Readings that foretell the next: two ringing modes have four poles (rule, 2026-11)."""
WINDOW_ROWS = 40
"""Readings looked at: half a second at 80 Hz, ten for each coefficient (rule, 2026-11)."""
LONGEST_SPAN_NS = 800_000_000
"""Longest time that they may span, ns: 50 Hz and faster. A slower board's readings are too far apart to foretell each
other even while a hand moves, and are not judged (rule, 2026-11)."""
LOOK_NS = 100_000_000
LOOKS = 2
"""How often a moving shelf's readings are looked at, ns, and how many looks in succession decide. How late that is and
what it takes for noise is printed by tests/unit/test_estimation_electrical_noise.py (simulated, 2026-11)."""
UNFORETOLD_SHARE = 0.5
"""Of the variance, that makes noise (simulated, as above)."""
STEADY = 2.0
"""Factor within which noise of the wires stays from look to look, and hands do not (simulated, as above)."""
LOOKS_PAUSE_NS = 1_000_000_000
"""A pause between looks after which noise is followed anew, ns: the shelf was still (rule, 2026-12)."""
HELD_NS = 5_000_000_000
"""How long noise is remembered: a loose plug crackles on and off, and one alarm is enough (rule, 2026-11)."""
LASTING_LOOKS = 50
LASTING_SHARE = 0.8
LASTING_STEADY = 3.0
"""Looks, five seconds of them, of which this share must find noise of the wires, as loud within this factor, before its
cell is set aside (rule, 2026-12)."""
MAD_TO_SIGMA = 1.4826
"""σ of a normal from its median absolute deviation."""


class ElectricalWatch:
    """Looks at one board's cells while anything moves.

    Attributes
    ----------
    sigma_g : (cells,)
        What the latest look found, g; 0 where nothing but movement was seen.
    lasting : (cells,) bool
        Cells whose wires were noisy for `LASTING_LOOKS`, until `calm` says that it is over.
    """

    def __init__(self, cells: int, period_ns: int) -> None:
        self.sigma_g: FloatArray = np.zeros(cells)
        self._looks: deque[FloatArray] = deque(maxlen=LOOKS)
        self._found_ns: InstantArray = np.full(cells, -(2**62))
        self._looked_ns = 0
        self._latest_ns = -(2**62)
        self._heard: deque[FloatArray] = deque(maxlen=LASTING_LOOKS)
        self.lasting: BoolArray = np.zeros(cells, dtype=np.bool_)
        self._fast_enough = period_ns * WINDOW_ROWS <= LONGEST_SPAN_NS

    def due(self, now_ns: int) -> bool:
        """Return whether it is time for the next look."""
        return self._fast_enough and now_ns - self._looked_ns >= LOOK_NS

    def look(self, now_ns: int, readings: FloatArray, limit_g: FloatArray, lasting_g: FloatArray) -> None:
        """Judge the newest readings, (`WINDOW_ROWS`, cells).

        Parameters
        ----------
        limit_g, lasting_g : (cells,)
            σ of noise that is a fault at once, and, lower, of what is one where it lasts.
        """
        pause = now_ns - self._looked_ns
        self._looked_ns = now_ns
        heard_g = electrical(readings, lasting_g)
        self._follow(heard_g, interrupted=pause > LOOKS_PAUSE_NS)
        self.sigma_g = np.where(heard_g > limit_g, heard_g, 0.0)
        self._looks.append(self.sigma_g)
        if len(self._looks) == LOOKS:
            found = steady(np.array(self._looks))
            if found.any():
                self._found_ns[found] = self._latest_ns = now_ns

    def _follow(self, heard_g: FloatArray, *, interrupted: bool) -> None:
        if interrupted:
            self._heard.clear()
        self._heard.append(heard_g)
        if len(self._heard) < LASTING_LOOKS:
            return
        heard = np.array(self._heard)
        low, high = np.quantile(heard, (1 - LASTING_SHARE, 1 - (1 - LASTING_SHARE) / 2), axis=0)
        self.lasting |= (low > 0) & (high < LASTING_STEADY * low)

    def calm(self, cells: BoolArray) -> None:
        """Note which cells were quiet for an epoch, (cells,): nothing lasts there any more."""
        self.lasting &= ~cells

    def any_noisy(self, now_ns: int) -> bool:
        """Return whether any cell's wires were noisy lately."""
        return now_ns - self._latest_ns < HELD_NS

    def noisy(self, now_ns: int) -> BoolArray:
        """Return which cells' wires were noisy lately, (cells,)."""
        return now_ns - self._found_ns < HELD_NS


def electrical(readings: FloatArray, limit: FloatArray) -> FloatArray:
    """Return the noise of the wires in each column, as far as it is above its limit.

    Parameters
    ----------
    readings : (rows, columns)
        Successive readings, g.
    limit : (columns,)
        σ of noise that is a fault, g.

    Returns
    -------
    (columns,)
        σ, g; 0 where nothing but movement was seen. One look is no proof: see `steady`.
    """
    steps = np.abs(np.diff(readings, axis=0))
    loud = np.median(steps, axis=0) > limit  # the median step of white noise is 0.95 σ
    sigma = np.zeros(readings.shape[1])
    for column in loud.nonzero()[0].tolist():
        sigma[column] = _unforetold(readings[:, column], float(limit[column]))
    return sigma


def steady(looks: FloatArray) -> BoolArray:
    """Return which columns carried steady noise in all looks, (looks, columns) → (columns,)."""
    least: FloatArray = looks.min(axis=0)
    steadily: BoolArray = (least > 0) & (looks.max(axis=0) < STEADY * least)
    return steadily


def _unforetold(readings: FloatArray, limit: float) -> float:
    centred = readings - readings.mean()
    past = np.column_stack([centred[ORDER - lag - 1 : -lag - 1] for lag in range(ORDER)])
    present = centred[ORDER:]
    coefficients = np.linalg.lstsq(past, present, rcond=None)[0]
    sigma = MAD_TO_SIGMA * float(np.median(np.abs(present - past @ coefficients)))
    noise = sigma > limit and sigma**2 > UNFORETOLD_SHARE * float(present @ present) / present.size
    return sigma if noise else 0.0

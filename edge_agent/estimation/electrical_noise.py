"""Tells noise of the wires from movement on the plate, within half a second.

What moves a plate is smooth or rings: the next reading follows from the last few. What a loose plug or a motor's cable
adds does not. So the part of the readings that an autoregression of the last four cannot foretell is noise of the
wires, whenever it is large; a blow is foretold as badly, but in few readings only, which a median passes over.
"""

import numpy as np

from edge_agent.model import BoolArray, FloatArray

ORDER = 4
"""Readings that foretell the next: two ringing modes have four poles (rule, 2026-11)."""
WINDOW_ROWS = 40
"""Readings looked at: half a second at 80 Hz, ten for each coefficient (rule, 2026-11). A slower board's readings are
too far apart to foretell each other even while a hand moves, and are not judged."""
UNFORETOLD_SHARE = 0.5
"""Of the variance, that makes noise (simulated: tests/unit/test_estimation_electrical_noise.py prints what it finds and
what it takes for noise, 2026-11)."""
STEADY = 1.6
"""Factor between two looks in succession within which noise of the wires stays, hands do not (simulated, as above)."""
MAD_TO_SIGMA = 1.4826
"""σ of a normal from its median absolute deviation."""


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
        σ, g; 0 where nothing but movement was seen. One look is no proof: see `same_noise`.
    """
    steps = np.abs(np.diff(readings, axis=0))
    loud = np.median(steps, axis=0) > limit  # the median step of white noise is 0.95 σ
    sigma = np.zeros(readings.shape[1])
    for column in loud.nonzero()[0].tolist():
        sigma[column] = _unforetold(readings[:, column], float(limit[column]))
    return sigma


def same_noise(before: FloatArray, now: FloatArray) -> BoolArray:
    """Return which columns carried steady noise in two looks in succession, (columns,)."""
    both = np.minimum(before, now)
    return (both > 0) & (np.maximum(before, now) < STEADY * both)


def _unforetold(readings: FloatArray, limit: float) -> float:
    centred = readings - readings.mean()
    past = np.column_stack([centred[ORDER - lag - 1 : -lag - 1] for lag in range(ORDER)])
    present = centred[ORDER:]
    coefficients = np.linalg.lstsq(past, present, rcond=None)[0]
    sigma = MAD_TO_SIGMA * float(np.median(np.abs(present - past @ coefficients)))
    noise = sigma > limit and sigma**2 > UNFORETOLD_SHARE * float(present @ present) / present.size
    return sigma if noise else 0.0

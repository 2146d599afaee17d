"""Fits a plate that rings freely: a level, up to two damped oscillations and white noise, and nothing else.

A plate that nobody touches obeys, in rows t = 0 … n − 1 since the window's start::

    x(t) = L + Σₖ e^(−αₖ t) (Aₖ cos ωₖ t + Bₖ sin ωₖ t) + e(t),   e white, of the quiet cell's σ

Oscillations are added one by one, each where the periodogram of what is left peaks, and all are refined together by
Gauss–Newton steps (separable least squares; Golub & Pereyra 1973). A mode above half the sampling rate shows as a
lower one and is fitted as such. The level's variance is that of the whole fit, frequencies and dampings included.

What tells a hand from a plate: a hand's force wanders below 3 Hz, where no plate rings and where `misfit` and `bend`
see it, and what it does not hold still is larger than the noise of a quiet cell.
"""

import math
from dataclasses import dataclass

import numpy as np

from edge_agent.model import BoolArray, FloatArray

LOWEST_HZ = 4.0
"""Slower oscillation is a hand or a liquid and no plate (flexible brackets: 5–15 Hz; hands: below 3 Hz; 2026-11)."""
MOST_DECAY = 0.2
"""Fastest decay per row that is told from no ringing: gone within five rows; 25 Hz at ζ = 0.08 has 0.16 (rule,
2026-11)."""
LEAST_DECAY = 0.003
"""Slowest, per row, within two σ of the estimate: 8 Hz at ζ = 0.01 has 0.006; a hand's tremor does not fade (rule,
2026-11)."""
GROWTH = -0.05
"""Decay per row at which the search turns back (rule, 2026-11)."""
FIRST_DECAY = 0.03
"""Decay per row from which the search starts: 12 Hz at ζ = 0.03 and 80 Hz (rule, 2026-11)."""
ROUNDS = 6
"""Most Gauss–Newton steps; three do from a good start (simulated, 2026-11)."""
HOPEFUL = 30.0
"""Squares left above so many times what is wanted are refined only while a step takes a fifth away (rule, 2026-11)."""
RIDGE = 1e-10
"""Relative weight that keeps equal oscillations apart; 1e-16 of a gram squared in the result (rule, 2026-11)."""
TRANSFORM_ROWS = 256
"""Length of the padded periodogram: its grid is finer than a window resolves (rule, 2026-11)."""


@dataclass(frozen=True, slots=True)
class FreeDecay:
    """A fitted window.

    Attributes
    ----------
    level_g : float
    variance_factor : float
        The level's variance in units of one reading's.
    misfit : float
        Variance left over in units of the noise's; near 1 where the model holds.
    bend : float
        What a slope and a curvature would explain of the rest, χ² with two degrees of freedom.
    decays_per_row, angles_per_row : tuple of float
        α and ω of each oscillation found.
    """

    level_g: float
    variance_factor: float
    misfit: float
    bend: float
    decays_per_row: tuple[float, ...] = ()
    angles_per_row: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """The design of all parameters, (rows, 1 + 4 modes), the linear ones' values, and what is left, (rows,), g."""

    design: FloatArray
    coefficients: FloatArray
    left: FloatArray


def fit_free_decay(
    series_g: FloatArray, bad: BoolArray | None, sigma_g: float, least_angle: float, most_modes: int, most_misfit: float
) -> FreeDecay | None:
    """Fit as few oscillations as bring the misfit down to ``most_misfit``.

    Parameters
    ----------
    series_g : (rows,)
        Successive readings, g.
    bad : (rows,) or None
        Readings that were rejected.
    sigma_g : float
        σ of one reading at rest, g.
    least_angle : float
        Slowest oscillation allowed, radians per row.
    most_modes : int

    Returns
    -------
    FreeDecay or None
        None where no such fit is good enough.
    """
    rows = series_g.size
    weight = np.ones(rows) if bad is None else (~bad).astype(np.float64)
    count = int(weight.sum())
    middle_g = float(series_g @ weight) / count
    readings = (series_g - middle_g) * weight
    fitted = _Fitted(weight[:, np.newaxis], np.zeros(1), readings)
    decays: list[float] = []
    angles: list[float] = []
    for modes in range(most_modes + 1):
        freedom = count - 1 - 4 * modes
        if freedom < rows // 3:
            return None
        if modes:
            start = _loudest_angle(fitted.left, least_angle)
            if start is None:
                return None
            decays.append(FIRST_DECAY)
            angles.append(start)
            enough_g2 = most_misfit * freedom * sigma_g * sigma_g
            fitted = _refine(readings, weight, decays, angles, least_angle, enough_g2)
        misfit = float(fitted.left @ fitted.left) / (freedom * sigma_g * sigma_g)
        if misfit <= most_misfit:
            factors = np.diag(np.linalg.pinv(fitted.design.T @ fitted.design, hermitian=True))
            slowest = np.array(decays) + 2.0 * sigma_g * np.sqrt(np.maximum(factors[1 + 2 * modes :: 2], 0.0))
            if (slowest < LEAST_DECAY).any():
                return None
            return FreeDecay(
                level_g=middle_g + float(fitted.coefficients[0]),
                variance_factor=float(factors[0]),
                misfit=misfit,
                bend=_bend(fitted, weight) / (sigma_g * sigma_g),
                decays_per_row=tuple(decays),
                angles_per_row=tuple(angles),
            )
    return None


def straight_fit(departures_g: FloatArray, sigma_g: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return misfit and bend, each (columns,), of columns about their means, (rows, columns), without oscillation."""
    rows = departures_g.shape[0]
    unit = np.arange(rows) * (2.0 / (rows - 1)) - 1.0
    curve = np.square(unit)
    curve -= curve.mean()
    taken = np.square(unit @ departures_g) / (unit @ unit) + np.square(curve @ departures_g) / (curve @ curve)
    variance_g2 = np.square(sigma_g)
    misfit: FloatArray = np.square(departures_g).sum(axis=0) / ((rows - 1) * variance_g2)
    return misfit, taken / variance_g2


def _refine(
    readings: FloatArray,
    weight: FloatArray,
    decays: list[float],
    angles: list[float],
    least_angle: float,
    enough_g2: float,
) -> _Fitted:
    """Move decays and angles, in place, to the least squares; stop early where those stay far above ``enough_g2``."""
    modes, rows = len(decays), readings.size
    t = np.arange(rows, dtype=np.float64)
    linear = 1 + 2 * modes
    design = np.empty((rows, 1 + 4 * modes))
    design[:, 0] = weight
    before_g2 = math.inf
    turn = 0
    while True:
        for mode in range(modes):
            envelope = np.exp(-decays[mode] * t)
            envelope *= weight
            phase = angles[mode] * t
            np.multiply(envelope, np.cos(phase), out=design[:, 1 + 2 * mode])
            np.multiply(envelope, np.sin(phase), out=design[:, 2 + 2 * mode])
        coefficients = _least_squares(design[:, :linear], readings)
        left = readings - design[:, :linear] @ coefficients
        for mode in range(modes):
            cosine, sine = design[:, 1 + 2 * mode], design[:, 2 + 2 * mode]
            a, b = coefficients[1 + 2 * mode], coefficients[2 + 2 * mode]
            design[:, linear + 2 * mode] = -t * (a * cosine + b * sine)
            design[:, linear + 2 * mode + 1] = t * (b * cosine - a * sine)
        left_g2 = float(left @ left)
        turn += 1
        slow = 0.999 if left_g2 <= HOPEFUL * enough_g2 else 0.8
        if turn == ROUNDS or left_g2 > slow * before_g2:
            return _Fitted(design, coefficients, left)
        before_g2 = left_g2
        steps = _least_squares(design, left)[linear:].tolist()
        for mode in range(modes):
            decay_step, angle_step = (min(max(step, -0.1), 0.1) for step in steps[2 * mode : 2 * mode + 2])
            decays[mode] = min(max(decays[mode] + decay_step, GROWTH), MOST_DECAY)
            angles[mode] = min(max(angles[mode] + angle_step, least_angle), math.pi)


def _least_squares(design: FloatArray, target: FloatArray) -> FloatArray:
    """Return coefficients by the normal equations, a hair's breadth of ridge keeping them solvable."""
    normal = design.T @ design
    normal.flat[:: normal.shape[0] + 1] *= 1.0 + RIDGE
    normal.flat[:: normal.shape[0] + 1] += RIDGE
    return np.asarray(np.linalg.solve(normal, design.T @ target), dtype=np.float64)


def _loudest_angle(left: FloatArray, least_angle: float) -> float | None:
    """Return where the periodogram of what is left peaks, radians per row, no lower than ``least_angle``."""
    power = np.square(np.abs(np.fft.rfft(left, TRANSFORM_ROWS)))
    lowest = math.ceil(least_angle * TRANSFORM_ROWS / (2.0 * math.pi))
    if lowest >= power.size:
        return None
    return (lowest + int(power[lowest:].argmax())) * 2.0 * math.pi / TRANSFORM_ROWS


def _bend(fitted: _Fitted, weight: FloatArray) -> float:
    """Return how much of the squares left a slope and a curvature would take away, g²."""
    rows = weight.size
    unit = np.arange(rows) * (2.0 / (rows - 1)) - 1.0
    trend = np.column_stack((unit, np.square(unit))) * weight[:, np.newaxis]
    design = np.hstack((fitted.design, trend))
    left = fitted.left
    return float(left @ design @ _least_squares(design, left))

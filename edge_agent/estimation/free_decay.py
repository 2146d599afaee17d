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
MOST_DECAY = 0.4
"""Fastest decay per row that is told from no ringing: gone within three rows (rule, 2026-11)."""
LEAST_DECAY = -0.02
"""Slowest, per row: below zero by what noise does to an estimate (rule, 2026-11)."""
FIRST_DECAY = 0.03
"""Decay per row from which the search starts: 12 Hz at ζ = 0.03 and 80 Hz (rule, 2026-11)."""
ROUNDS = 6
"""Most Gauss–Newton steps; three do from a good start (simulated, 2026-11)."""
TRANSFORM_ROWS = 256
"""Length of the padded periodogram: its grid is finer than a window resolves (rule, 2026-11)."""
MOST_MODES = 2
"""Modes of a plate that are told apart in half a second (rule, 2026-11)."""


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
    middle = float(series_g[rows // 2])
    readings = series_g - middle
    good = None if bad is None or not bad.any() else ~bad
    t = np.arange(rows, dtype=np.float64)
    decays: list[float] = []
    angles: list[float] = []
    for modes in range(most_modes + 1):
        if modes:
            start = _loudest_angle(left, least_angle)
            if start is None:
                return None
            decays.append(FIRST_DECAY)
            angles.append(start)
        design, coefficients, left = _refine(readings, good, t, decays, angles, least_angle)
        count = rows if good is None else int(good.sum())
        freedom = count - design.shape[1]
        if freedom < rows // 3:
            return None
        misfit = float(left @ left) / (freedom * sigma_g * sigma_g)
        if misfit <= most_misfit:
            break
    else:
        return None
    inverse = np.linalg.pinv(design.T @ design, hermitian=True)
    return FreeDecay(
        level_g=middle + float(coefficients[0]),
        variance_factor=float(inverse[0, 0]),
        misfit=misfit,
        bend=_bend(left, design, good, t) / (sigma_g * sigma_g),
        decays_per_row=tuple(decays),
        angles_per_row=tuple(angles),
    )


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
    good: BoolArray | None,
    t: FloatArray,
    decays: list[float],
    angles: list[float],
    least_angle: float,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Move decays and angles to the least squares; return the design, its coefficients and what is left."""
    modes = len(decays)
    design = np.ones((t.size, 1 + 4 * modes))
    coefficients: FloatArray = np.zeros(1 + 2 * modes)
    left = readings
    before = math.inf
    for turn in range(ROUNDS if modes else 1):
        for mode in range(modes):
            envelope = np.exp(-decays[mode] * t)
            np.multiply(envelope, np.cos(angles[mode] * t), out=design[:, 1 + 2 * mode])
            np.multiply(envelope, np.sin(angles[mode] * t), out=design[:, 2 + 2 * mode])
        linear = design[:, : 1 + 2 * modes]
        usable = linear if good is None else linear * good[:, np.newaxis]
        coefficients = (
            np.linalg.lstsq(usable, readings, rcond=None)[0]
            if good is None
            else (np.linalg.lstsq(usable, readings * good, rcond=None)[0])
        )
        left = readings - linear @ coefficients
        if good is not None:
            left = left * good
        if not modes:
            break
        for mode in range(modes):
            cosine, sine = design[:, 1 + 2 * mode], design[:, 2 + 2 * mode]
            a, b = coefficients[1 + 2 * mode], coefficients[2 + 2 * mode]
            design[:, 1 + 2 * (modes + mode)] = -t * (a * cosine + b * sine)
            design[:, 2 + 2 * (modes + mode)] = t * (b * cosine - a * sine)
        size = float(left @ left)
        if turn == ROUNDS - 1 or size > 0.999 * before:
            break
        before = size
        masked = design if good is None else design * good[:, np.newaxis]
        step = np.linalg.lstsq(masked, left, rcond=1e-9)[0][1 + 2 * modes :]
        for mode in range(modes):
            decays[mode] = min(max(decays[mode] + float(np.clip(step[2 * mode], -0.1, 0.1)), LEAST_DECAY), MOST_DECAY)
            angle = angles[mode] + float(np.clip(step[2 * mode + 1], -0.1, 0.1))
            angles[mode] = min(max(angle, least_angle), math.pi)
    return (design if good is None else design * good[:, np.newaxis]), coefficients, left


def _loudest_angle(left: FloatArray, least_angle: float) -> float | None:
    """Return where the periodogram of what is left peaks, radians per row, no lower than ``least_angle``."""
    power = np.square(np.abs(np.fft.rfft(left, TRANSFORM_ROWS)))
    lowest = math.ceil(least_angle * TRANSFORM_ROWS / (2.0 * math.pi))
    if lowest >= power.size:
        return None
    return (lowest + int(power[lowest:].argmax())) * 2.0 * math.pi / TRANSFORM_ROWS


def _bend(left: FloatArray, design: FloatArray, good: BoolArray | None, t: FloatArray) -> float:
    """Return how much of the squares left a slope and a curvature would take away, g²."""
    unit = t * (2.0 / (t.size - 1)) - 1.0
    trend = np.column_stack((unit, np.square(unit)))
    if good is not None:
        trend = trend * good[:, np.newaxis]
    free = trend - design @ np.linalg.lstsq(design, trend, rcond=1e-9)[0]
    taken = free @ np.linalg.lstsq(free, left, rcond=1e-9)[0]
    return float(taken @ taken)

"""Takes a plate's ringing out of a window, so that a level is known before the plate is still.

A plate that was let go rings as a damped oscillation about its level L: x(t) = L + A rᵗ cos(ωt + φ). Such a series
obeys xₜ = c + a₁ xₜ₋₁ + a₂ xₜ₋₂ with a₁ = 2 r cos ω, a₂ = −r² and L = c / (1 − a₁ − a₂) (AR(2) with a constant; Box &
Jenkins 1970). Least squares gives a₁ and a₂; then yₜ = (xₜ − a₁ xₜ₋₁ − a₂ xₜ₋₂) / (1 − a₁ − a₂) is the series without
that oscillation. This is a notch filter with unit gain at rest, so slow movement, a hand's or a drift, stays in it.
"""

import math

import numpy as np

from edge_agent.model import FloatArray

LEAST_ROWS = 24
"""Fewest rows that three coefficients are fitted to (rule)."""
LOWEST_HZ = 4.0
"""Slower oscillation is a hand or a liquid and no plate (flexible brackets: 5–15 Hz; hands: below 3 Hz)."""
LEAST_RADIUS = 0.75
"""Fastest decay per row that is still ringing; faster ones are over by themselves (rule)."""
MOST_AMPLIFICATION = 8.0
"""Largest amplification of white noise by the notch that is worth it (rule: 1 s at 80 Hz averages by 9)."""


def find_ringing(series_g: FloatArray, period_s: float) -> tuple[float, float] | None:
    """Return a₁ and a₂ of the ringing in a series, (rows,), g, or None where there is none to take out."""
    if series_g.size < LEAST_ROWS:
        return None
    centred = series_g - series_g.mean()
    now, once, twice = centred[2:], centred[1:-1], centred[:-2]
    design = np.stack((np.ones(now.size), once, twice))
    normal = design @ design.T
    if abs(float(np.linalg.det(normal))) <= 1e-12 * float(np.prod(np.diag(normal))):
        return None
    _, a1, a2 = np.linalg.solve(normal, design @ now).tolist()
    radius_squared = -a2
    if a1 * a1 + 4.0 * a2 >= 0.0 or not LEAST_RADIUS**2 <= radius_squared <= 1.0:
        return None
    angle = math.acos(max(-1.0, min(1.0, a1 / (2.0 * math.sqrt(radius_squared)))))
    if angle / (2.0 * math.pi * period_s) < LOWEST_HZ:
        return None
    amplification = math.sqrt(1.0 + a1 * a1 + a2 * a2) / (1.0 - a1 - a2)
    return (a1, a2) if amplification <= MOST_AMPLIFICATION else None


def without_ringing(grams: FloatArray, a1: float, a2: float) -> FloatArray:
    """Return all columns, (rows, columns), through the notch: (rows − 2, columns)."""
    filtered: FloatArray = (grams[2:] - a1 * grams[1:-1] - a2 * grams[:-2]) / (1.0 - a1 - a2)
    return filtered

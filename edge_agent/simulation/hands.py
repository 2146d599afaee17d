"""The force of a hand among goods: seldom gentle, never twice the same."""

import numpy as np

from edge_agent.model import FloatArray

KNOT_S = 0.05
"""Spacing of the force's knots, s: hands change their force over about a tenth of a second (2026-11)."""
REACH_S = (0.3, 1.5)
"""Time in contact for one item, s (2026-11)."""
FURTHER_ITEM_S = (0.35, 0.8)
"""More for each further item, s (2026-11)."""
TOUCH_MEDIAN_G = 60.0
TOUCH_SPREAD = 0.8
"""Size of the force: log-normal, from tens of grams to about a kilogram (2026-11)."""
TOUCH_RANGE_G = (15.0, 900.0)
LIFT_S = (0.06, 0.2)
"""Time in which an item's weight leaves the shelf, s (2026-11)."""
LANDING_S = (0.005, 0.04)
"""Time in which it arrives, s: what is set down hard makes the plate ring (2026-11)."""
PRESS_S = (0.2, 0.6)
"""Length of a push, s (2026-11)."""


def reach_duration_s(rng: np.random.Generator, items: int) -> float:
    """Return how long a hand stays in contact to move ``items``."""
    return float(rng.uniform(*REACH_S) + rng.uniform(*FURTHER_ITEM_S, size=max(items - 1, 0)).sum())


def touch_knots_g(rng: np.random.Generator, duration_s: float, press_g: float = 0.0) -> FloatArray:
    """Return a hand's force over ``duration_s`` at evenly spaced knots, first and last zero.

    Parameters
    ----------
    press_g : float
        Peak of a push somewhere in between, on top of the fumbling.
    """
    count = max(int(duration_s / KNOT_S), 4) + 1
    progress = np.linspace(0.0, 1.0, count)
    size_g = float(np.clip(TOUCH_MEDIAN_G * np.exp(TOUCH_SPREAD * rng.standard_normal()), *TOUCH_RANGE_G))
    fumbling = np.convolve(rng.standard_normal(count + 2), [0.25, 0.5, 0.25], mode="valid") + rng.uniform(-0.3, 1.0)
    force_g = size_g * fumbling * np.sin(np.pi * progress)
    if press_g > 0:
        share = min(rng.uniform(*PRESS_S) / duration_s, 0.9)
        begin = rng.uniform(0.0, 1.0 - share)
        push = np.clip((progress - begin) / share, 0.0, 1.0)
        bump = np.sin(np.pi * push)
        force_g += press_g * bump / max(bump.max(), 1e-9)  # the knots may miss the bump's top
    force_g[0] = force_g[-1] = 0.0
    return np.asarray(force_g)


def item_instants_s(rng: np.random.Generator, start_s: float, duration_s: float, items: int) -> FloatArray:
    """Return the instants, (items,) rising, at which single items are completely on or off the shelf."""
    return start_s + duration_s * (np.arange(items) + rng.uniform(0.4, 0.8, size=items)) / max(items, 1)

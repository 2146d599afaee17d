"""The force of a hand among goods: seldom gentle, never twice the same."""

from dataclasses import dataclass

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
PRESS_EDGE_S = 0.3
"""A longer push comes and goes within this, s, and is held in between."""
SWAY = 0.15
"""How much of a held push comes and goes, at most (assumed, 2026-12)."""


@dataclass(frozen=True, slots=True)
class Hands:
    """How often hands are slow, and how slow; the defaults are the brisk hands of the constants above.

    Attributes
    ----------
    slow_lift_share, slow_landing_share, long_press_share : float
        Share of movements, and of pushes, that are.
    slow_lift_s, slow_landing_s : (float, float)
        Time in which each of such a movement's items leaves or arrives, s.
    long_press_s : (float, float)
        Length of such a push, s.
    """

    slow_lift_share: float = 0.0
    slow_lift_s: tuple[float, float] = (0.3, 1.0)
    slow_landing_share: float = 0.0
    slow_landing_s: tuple[float, float] = (0.1, 1.0)
    long_press_share: float = 0.0
    long_press_s: tuple[float, float] = (0.6, 6.0)

    def slow_ramps_s(self, rng: np.random.Generator, items: int, sign: int) -> FloatArray | None:
        """Return in what time each of a movement's items comes (+1) or goes (−1), (items,) s; None where brisk."""
        share, range_s = (
            (self.slow_landing_share, self.slow_landing_s) if sign > 0 else (self.slow_lift_share, self.slow_lift_s)
        )
        if share == 0 or rng.random() >= share:
            return None
        return rng.uniform(*range_s, size=items)

    def held_s(self, rng: np.random.Generator, press_g: float) -> float | None:
        """Return how long a push lasts; None where it is a short one, or none."""
        if press_g <= 0 or self.long_press_share == 0 or rng.random() >= self.long_press_share:
            return None
        return float(rng.uniform(*self.long_press_s))


BRISK = Hands()


def reach_duration_s(rng: np.random.Generator, items: int) -> float:
    """Return how long a hand stays in contact to move ``items``."""
    return float(rng.uniform(*REACH_S) + rng.uniform(*FURTHER_ITEM_S, size=max(items - 1, 0)).sum())


def touch_knots_g(
    rng: np.random.Generator, duration_s: float, press_g: float = 0.0, held_s: float | None = None
) -> FloatArray:
    """Return a hand's force over ``duration_s`` at evenly spaced knots, first and last zero.

    Parameters
    ----------
    press_g : float
        Peak of a push somewhere in between, on top of the fumbling.
    held_s : float, optional
        How long the push lasts; drawn where None.
    """
    count = max(int(duration_s / KNOT_S), 4) + 1
    progress = np.linspace(0.0, 1.0, count)
    size_g = float(np.clip(TOUCH_MEDIAN_G * np.exp(TOUCH_SPREAD * rng.standard_normal()), *TOUCH_RANGE_G))
    fumbling = np.convolve(rng.standard_normal(count + 2), [0.25, 0.5, 0.25], mode="valid") + rng.uniform(-0.3, 1.0)
    force_g = size_g * fumbling * np.sin(np.pi * progress)
    if press_g > 0:
        share = min((held_s or rng.uniform(*PRESS_S)) / duration_s, 0.9)
        begin = rng.uniform(0.0, 1.0 - share)
        push = np.clip((progress - begin) / share, 0.0, 1.0)
        bump = np.sin(np.pi * push) if held_s is None else _held(rng, push, share * duration_s)
        force_g += press_g * bump / max(bump.max(), 1e-9)  # the knots may miss the bump's top
    force_g[0] = force_g[-1] = 0.0
    return np.asarray(force_g)


def _held(rng: np.random.Generator, push: FloatArray, lasting_s: float) -> FloatArray:
    """Return the shape of a push that is held, for its progress from 0 to 1."""
    edge = min(PRESS_EDGE_S / lasting_s, 0.5)
    swings, phase = rng.uniform(0.2, 0.8) * lasting_s, rng.uniform(0, 2 * np.pi)
    bump = np.sin(np.pi / 2 * np.clip(np.minimum(push, 1 - push) / edge, 0.0, 1.0))
    return np.asarray(bump * (1 - SWAY * (0.5 + 0.5 * np.sin(2 * np.pi * swings * push + phase))))


def item_instants_s(rng: np.random.Generator, start_s: float, duration_s: float, items: int) -> FloatArray:
    """Return the instants, (items,) rising, at which single items are completely on or off the shelf."""
    return start_s + duration_s * (np.arange(items) + rng.uniform(0.4, 0.8, size=items)) / max(items, 1)

"""Where an item of each SKU may stand along the shelf, whether in its own lane or astray: one density a SKU.

With μ misplaced, lanes' middles cₗ and scatter σ, folded back at the ends as `hardware.on_the_shelf` folds:

    p_k(x) = (1 − μ) N(x; c_k, σ²) + μ / (lanes − 1) · Σ_{l ≠ k} N(x; cₗ, σ²)

So nobody need enumerate which item was in which lane, and any number of them may be astray.
"""

import numpy as np

from edge_agent.judging.habits import FloatArray, Habits, IntArray
from edge_agent.judging.hardware import FOOTPRINT_MM
from edge_agent.judging.suites import WIDTH_MM, Shelf

GRID_MM = 0.5
LEAST_DENSITY = 1e-30
"""Keeps logarithms finite where no item of a SKU ever stands, 1/mm."""
TEMPER = 0.3
"""Power of the density that starting places are drawn by: strays, which are rare, get some of the few starts
(2026-11)."""
QUANTILES = 65


class Standing:
    """The densities on a grid, and what parts of the shelf hold of them."""

    def __init__(self, shelf: Shelf, habits: Habits) -> None:
        self.low_mm, self.high_mm = FOOTPRINT_MM / 2, WIDTH_MM - FOOTPRINT_MM / 2
        self.x_mm: FloatArray = np.linspace(
            self.low_mm, self.high_mm, round((self.high_mm - self.low_mm) / GRID_MM) + 1
        )
        self.sigma_mm = habits.x_sigma_mm
        middles = shelf.middles_mm()[:, None]
        by_lane = sum(
            np.exp(-0.5 * ((image - middles) / self.sigma_mm) ** 2)
            for image in (self.x_mm, 2 * self.low_mm - self.x_mm, 2 * self.high_mm - self.x_mm)
        ) / (self.sigma_mm * np.sqrt(2 * np.pi))
        lanes = len(middles)
        stray = habits.misplaced_share / max(lanes - 1, 1)
        self.density: FloatArray = (1 - habits.misplaced_share - stray) * by_lane + stray * by_lane.sum(axis=0)
        self._log = np.log(self.density + LEAST_DENSITY)
        self._slope = np.gradient(self._log, GRID_MM, axis=1)

    def nats(self, sku: IntArray, x_mm: FloatArray) -> FloatArray:
        """Return log p_k(x), −inf off the shelf; ``sku`` and ``x_mm`` broadcast."""
        place = np.clip((x_mm - self.low_mm) / GRID_MM, 0, len(self.x_mm) - 1.001)
        left = place.astype(np.int64)
        part = place - left
        inside = (x_mm >= self.low_mm) & (x_mm <= self.high_mm)
        result: FloatArray = np.where(
            inside, self._log[sku, left] * (1 - part) + self._log[sku, left + 1] * part, -np.inf
        )
        return result

    def slope(self, sku: IntArray, x_mm: FloatArray) -> FloatArray:
        """Return d log p_k / dx at the nearest grid point, 1/mm."""
        nearest = np.clip(np.rint((x_mm - self.low_mm) / GRID_MM), 0, len(self.x_mm) - 1).astype(np.int64)
        slope: FloatArray = self._slope[sku, nearest]
        return slope

    def between(self, low_mm: float, high_mm: float) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return per SKU the probability to stand there, mean and variance of the place if so, and its quantiles.

        Returns
        -------
        share, mean_mm, variance_mm2 : (skus,)
        quantiles_mm : (skus, QUANTILES)
            Of the tempered density.
        """
        first, stop = np.searchsorted(self.x_mm, [low_mm - 1e-9, high_mm + 1e-9])
        x, density = self.x_mm[first:stop], self.density[:, first:stop] + LEAST_DENSITY
        mass = density.sum(axis=1)
        mean = density @ x / mass
        variance = density @ x**2 / mass - mean**2
        below = np.cumsum(density**TEMPER, axis=1)
        levels = np.linspace(0, 1, QUANTILES)
        quantiles = np.array([np.interp(levels, each / each[-1], x) for each in below])
        return mass * GRID_MM, mean, np.maximum(variance, GRID_MM**2), quantiles

"""The oracle for a cell per lane: every lane's change explained by what may have stood there, all lanes jointly.

Exact for any number of misplaced items. A bill's items choose their lanes apart from each other: its own with 1 − μ,
each other one with μ / (lanes − 1); c items of a SKU that fall on lanes as c₁ + c₂ + … do so in c! / (c₁! c₂! …) ways.
"""

import numpy as np

from edge_agent.judging.bills import MAX_ITEMS
from edge_agent.judging.habits import FACTORIAL, FloatArray, IntArray
from edge_agent.judging.hardware import EVENT_NOISE_G
from edge_agent.judging.joined_parts import joined
from edge_agent.judging.oracle import SCREEN_SIGMAS, Enumeration, Words
from edge_agent.judging.suites import Shelf

NEVER_NATS = -700.0
"""Stands for log 0 where no item is ever misplaced."""
LEAST_G = 7.0 * EVENT_NOISE_G
"""A lane whose change is smaller is taken as untouched: the lightest item weighs four times that (2026-11)."""


class LaneOracle:
    """Reads one change a lane."""

    def __init__(self, known: Enumeration, shelf: Shelf, *, per_item: bool) -> None:
        self.known, self.per_item = known, per_item
        counts, skus = known.bills.counts, known.bills.skus
        self._total_g = counts @ shelf.weight_g
        self._variance_g2 = counts @ shelf.sigma_g**2 + EVENT_NOISE_G**2
        self._order = np.argsort(self._total_g)
        self._sorted_g = self._total_g[self._order]
        self._reach_g = SCREEN_SIGMAS * float(np.sqrt(self._variance_g2.max()))
        self._ways = np.log(FACTORIAL[counts]).sum(axis=1)
        misplaced = known.habits.misplaced_share
        self._at_home = np.log(1 - misplaced)
        self._astray = np.log(misplaced / max(skus - 1, 1)) if misplaced > 0 else NEVER_NATS

    def posterior(self, delta_g: FloatArray, words: Words) -> FloatArray:
        """Return the probability of every bill from one change a lane, (lanes,) g."""
        lanes = np.flatnonzero(np.abs(delta_g) > LEAST_G)
        if not len(lanes):
            lanes = np.array([int(np.argmax(np.abs(delta_g)))])
        sign = np.copysign(1.0, delta_g[lanes].sum())
        most = max(MAX_ITEMS - len(lanes) + 1, 1)
        parts = (self._explain(sign * delta_g[lane], lane, most) for lane in lanes.tolist())
        return joined(self.known, parts, self._ways, words, per_item=self.per_item)

    def _explain(self, change_g: float, lane: int, most: int) -> tuple[IntArray, FloatArray]:
        """Return the sets of items that may have left a lane, and log p(its change | set) · p(set stands there)."""
        low, high = np.searchsorted(self._sorted_g, [change_g - self._reach_g, change_g + self._reach_g])
        near = self._order[low:high]
        scaled = (change_g - self._total_g[near]) ** 2 / self._variance_g2[near]
        fits = (scaled < SCREEN_SIGMAS**2) & (self.known.bills.number[near] <= most)
        rows = near[fits]
        at_home = self.known.bills.counts[rows, lane]
        astray = self.known.bills.number[rows] - at_home
        stand = at_home * self._at_home + astray * self._astray - self._ways[rows]
        return rows, stand - 0.5 * (scaled[fits] + np.log(self._variance_g2[rows]))

"""The oracle for plates narrower than an item: what stood together is explained together, apart from the rest.

Plates whose change stands out of the noise are grouped; a gap that no item can bridge parts two groups. Each group's
window is explained by every set of items that fits its total and centre of mass, weighed by `narrow_places`. The sets
of all groups are joined to bills as lanes are in `lane_oracle`: c items of a SKU that fall on groups as c₁ + c₂ + …
do so in c! / (c₁! c₂! …) ways. Any number of items may be astray.

Approximated are the integral over places (see there) and the screens below. Against 1,000 draws around
up to three times as many peaks a bill's probability is off by 0.0003 on average with variants and 0.001 in a store, by
0.03 and 0.14 at worst of 400 acts each, nearly all of it in acts of three and four items that share plates; against
brute force on a shelf of two light SKUs by 0.02 at most, which is the brute force's own scatter (2026-11).
"""

from collections.abc import Iterator

import numpy as np

from edge_agent.judging.bills import MAX_ITEMS
from edge_agent.judging.habits import FACTORIAL, FloatArray, IntArray
from edge_agent.judging.hardware import EVENT_NOISE_G, FOOTPRINT_MM, plate_edges_mm
from edge_agent.judging.joined_parts import joined
from edge_agent.judging.narrow_places import POINTS, Evidence, ItemSets, Window, evidence
from edge_agent.judging.oracle import SCREEN_SIGMAS, Enumeration, Words
from edge_agent.judging.standing import Standing
from edge_agent.judging.suites import Shelf

LEAST_G = 5.0 * EVENT_NOISE_G
"""A plate whose change is smaller is taken as untouched: the lightest item puts three times that on one (2026-11)."""
GAP = 2
"""Untouched plates between two groups, at most, that still make them one: each group's window takes one more plate on
either side, which a footprint's edge may have touched too lightly."""
KEPT_NATS = 11.0
"""Sets less likely by total and centre of mass than e⁻¹¹ of the best are not looked at (2026-11)."""
STRAY_NATS = 7.0
"""The centre of mass speaks against a set by no more: one item astray, which costs about as much, explains any."""
LEAST_DRAWS, MORE = 5.0, 16
"""A set whose draws are worth fewer is drawn again, with so many times the points (2026-11)."""
HOPED_NATS = 7.0
"""It is not where even its peak stays so far below the best set (2026-11)."""
UNEVEN_MM = 6.0
"""What the plates' middles, weighed by a footprint's shares, are off its own middle at most (by geometry)."""


class NarrowOracle:
    """Reads the changes of narrow plates."""

    def __init__(self, known: Enumeration, shelf: Shelf, *, per_item: bool, points: int = POINTS) -> None:
        self.known, self.per_item, self._points = known, per_item, points
        self._weight_g, self._sigma_g = shelf.weight_g, shelf.sigma_g
        self._standing = Standing(shelf, known.habits)
        counts = known.bills.counts
        self._total_g, self._variance_g2 = counts @ shelf.weight_g, counts @ shelf.sigma_g**2
        self._ways = np.log(FACTORIAL[counts]).sum(axis=1)
        self._edges_mm = plate_edges_mm()

    def posterior(self, delta_g: FloatArray, words: Words) -> FloatArray:
        """Return the probability of every bill from one change a plate, (plates,) g."""
        windows = list(_windows(delta_g))
        sign = np.copysign(1.0, sum(delta_g[each].sum() for each in windows))
        most = max(MAX_ITEMS - len(windows) + 1, 1)
        parts = (self._explain(sign * delta_g[each], each, most) for each in windows)
        return joined(self.known, parts, self._ways, words, per_item=self.per_item)

    def _explain(self, change_g: FloatArray, plates: slice, most: int) -> tuple[IntArray, FloatArray]:
        """Return the sets of items that may have stood on a window, and log p(its changes, they stand there) − ways."""
        edges = self._edges_mm[plates.start : plates.stop + 1]
        low = max(edges[0] + FOOTPRINT_MM / 2, self._standing.low_mm)
        high = min(edges[-1] - FOOTPRINT_MM / 2, self._standing.high_mm)
        share, mean_mm, variance_mm2, quantiles = self._standing.between(low, high)
        rows = self._fitting(change_g, edges, most, share, mean_mm, variance_mm2)
        window = Window(change_g, edges, low, high, quantiles)
        result = self._weighed(window, rows, self._points)
        prior = self.known.log_prior[rows]
        likely = result.hope + prior > (result.nats + prior).max() - HOPED_NATS
        again = np.flatnonzero(likely & (result.draws < LEAST_DRAWS))
        result.nats[again] = self._weighed(window, rows[again], MORE * self._points).nats
        return rows, result.nats - self._ways[rows]

    def _weighed(self, window: Window, rows: IntArray, points: int) -> Evidence:
        """Return how well bills explain a window, those of equally many items at a time."""
        nats, draws, hope = np.zeros((3, len(rows)))
        number = self.known.bills.number[rows]
        for n in np.unique(number).tolist():
            of_n = number == n
            sku = self.known.bills.items[rows[of_n], :n]
            sets = ItemSets(sku, self._weight_g[sku], self._sigma_g[sku])
            each = evidence(window, sets, self._standing, points)
            nats[of_n], draws[of_n], hope[of_n] = each.nats, each.draws, each.hope
        return Evidence(nats, draws, hope)

    def _fitting(
        self,
        change_g: FloatArray,
        edges_mm: FloatArray,
        most: int,
        share: FloatArray,
        mean_mm: FloatArray,
        variance_mm2: FloatArray,
    ) -> IntArray:
        """Return the bills' rows that total and centre of mass leave, being Gaussian to second moments."""
        counts = self.known.bills.counts
        noise = EVENT_NOISE_G**2 * len(change_g)
        miss = change_g.sum() - self._total_g
        scaled = miss**2 / (self._variance_g2 + noise)
        few = self.known.bills.number <= most
        rows = np.flatnonzero(few & (scaled < max(SCREEN_SIGMAS**2, scaled[few].min() + SCREEN_SIGMAS**2)))
        middle = (edges_mm[0] + edges_mm[-1]) / 2
        arms = (edges_mm[1:] + edges_mm[:-1]) / 2 - middle
        off = change_g @ arms - counts[rows] @ (self._weight_g * (mean_mm - middle))
        place = self._weight_g**2 * (variance_mm2 + UNEVEN_MM**2) + self._sigma_g**2 * (mean_mm - middle) ** 2
        moment = counts[rows] @ place + EVENT_NOISE_G**2 * (arms**2).sum()
        nats = self.known.log_prior[rows] + counts[rows] @ np.log(share)
        astray = np.minimum(0.5 * off**2 / moment, STRAY_NATS)
        nats -= astray + 0.5 * (scaled[rows] + np.log(self._variance_g2[rows] + noise) + np.log(moment))
        kept: IntArray = rows[nats > nats.max() - KEPT_NATS]
        return kept


def _windows(delta_g: FloatArray) -> Iterator[slice]:
    """Yield groups of touched plates, each with a plate more on either side where there is one."""
    touched = np.flatnonzero(np.abs(delta_g) > LEAST_G)
    if not len(touched):
        touched = np.array([int(np.argmax(np.abs(delta_g)))])
    for group in np.split(touched, np.flatnonzero(np.diff(touched) > GAP + 1) + 1):
        yield slice(max(int(group[0]) - 1, 0), min(int(group[-1]) + 2, len(delta_g)))

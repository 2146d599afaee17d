"""Plates narrower than an item: an item stands on two or three of them, and its place decides how it divides.

What an item of footprint b at x puts on the plates is its overlap with each over b: s(x), linear between kinks. Its
weight is known to its spread and its place to its lane, so a Gaussian over all places of a lane says little of several
plates. Instead every explanation is linearised where this very reading has its items stand (iterated extended Kalman
update, Bell and Cathey 1993, IEEE TAC 38, 294): with θ = (places, weights) ~ N(θ₀, P), readings h(θ) = Σ m s(x) and
noise R, Gauss–Newton steps find the most probable θ̂, and

    Δ ~ N(h(θ̂) + J (θ₀ − θ̂), J P Jᵀ + R)

is p(Δ | explanation) by Laplace's method. Several peaks are searched from several starts and added up; of items of one
SKU all orders are the same peak again, as far as they stand apart.
"""

import math

import numpy as np

from edge_agent.config import ShelfConfig
from edge_agent.config.assortment import ItemConfig, LaneConfig
from edge_agent.identification.gaussian import MIN_VARIANCE_G2, log_density
from edge_agent.identification.place_search import (
    LEAST_PLACE_MM,
    MOST_PLACED,
    NEAR_MM,
    Foretold,
    PlaceProblem,
    added_up,
    starts_of,
)
from edge_agent.model import BoolArray, FloatArray, IntArray

FOOTPRINT_SHARE = 0.8
"""Width of an item over that of its lane, where the catalogue does not tell: a lane leaves room for fingers (assumed,
2026-11)."""
LEAST_SPREAD_G = 0.05
"""No item is known to weigh better than this, g, standard deviation (2026-11)."""
TOUCHED_SIGMAS = 5.0
"""A plate whose change is smaller is taken as untouched (2026-11)."""
TOUCHED_SHARE = 0.3
"""The same as a share of the least event: what drifts while an act lasts (2026-11)."""
GAP = 2
"""Untouched plates between two groups, at most, that still make them one: each takes in one more plate on either side,
which a footprint's edge may have touched too lightly (by geometry)."""
THING_WIDTHS = (0.5, 1.0, 2.0)
"""Widths of things that the shelf does not sell, over its goods' (assumed, 2026-12)."""


def touched_windows(delta_g: FloatArray, sigma_g: FloatArray, least_g: float, seen: BoolArray) -> list[IntArray]:
    """Return groups of neighbouring plates that changed, with one plate more on either side of each.

    Parameters
    ----------
    delta_g, sigma_g, seen : (plates,)
    least_g : float
        The shelf's least event.
    """
    size = np.where(seen, np.abs(delta_g), 0.0)
    touched = np.flatnonzero(size > np.maximum(TOUCHED_SIGMAS * sigma_g, TOUCHED_SHARE * least_g))
    if not len(touched):
        touched = np.array([int(size.argmax())])
    read = np.flatnonzero(seen)
    windows: list[IntArray] = []
    for group in np.split(touched, np.flatnonzero(np.diff(touched) > GAP + 1) + 1):
        # The margin ends at a plate that can be read: what stands on a dead one may have an edge here.
        before, after = read[read < group[0]], read[read > group[-1]]
        first = int(before[-1]) if len(before) else 0
        last = int(after[0]) if len(after) else len(delta_g) - 1
        if windows and first <= windows[-1][-1] - 1:
            first = int(windows.pop()[0])
        windows.append(np.arange(first, last + 1, dtype=np.int32))
    return windows


def item_widths_mm(lanes: tuple[LaneConfig, ...], items: tuple[ItemConfig, ...]) -> FloatArray:
    """Return how wide every item stands, (items,) mm: as the catalogue says, else by its lane, or any lane."""
    by_sku = {lane.sku: FOOTPRINT_SHARE * (lane.x_mm[1] - lane.x_mm[0]) for lane in lanes}
    usual = float(np.mean(list(by_sku.values()))) if by_sku else 1.0
    return np.array(
        [by_sku.get(item.sku, usual) if item.size_mm is None else item.size_mm[0] for item in items], dtype=np.float64
    )


class StraddledPlates:
    """Where items may stand on one shelf of narrow plates.

    Parameters
    ----------
    shelf : ShelfConfig
    lanes : tuple of LaneConfig
    items : tuple of ItemConfig
        The SKUs that may occur.
    """

    def __init__(self, shelf: ShelfConfig, lanes: tuple[LaneConfig, ...], items: tuple[ItemConfig, ...]) -> None:
        self._edges_mm = np.array(shelf.plate_edges_mm())
        self._ends_mm = self._edges_mm.copy()
        self._plate_mm = (self._edges_mm[1:] + self._edges_mm[:-1]) / 2
        self._edges_mm[0], self._edges_mm[-1] = -np.inf, np.inf  # The outer plates bear what hangs over the ends.
        self._weight_g = np.array([item.unit_weight_g for item in items], dtype=np.float64)
        self._spread_g = np.maximum([item.unit_sigma_g for item in items], LEAST_SPREAD_G)
        spans = np.array([lane.x_mm for lane in lanes], dtype=np.float64).reshape(-1, 2)
        self._middle_mm = spans.mean(axis=1)
        self._place_mm = np.maximum(np.diff(spans, axis=1)[:, 0] / math.sqrt(12), LEAST_PLACE_MM)
        self._width_mm = item_widths_mm(lanes, items)

    def foretell(
        self,
        plates: IntArray,
        change_g: FloatArray,
        noise_g2: FloatArray,
        terms: tuple[IntArray, IntArray, IntArray],
        moments: tuple[FloatArray, FloatArray],
    ) -> Foretold:
        """Return the explanations linearised where this reading has their items stand.

        Parameters
        ----------
        plates : (channels,) int
            Which plates the reading is of.
        change_g, noise_g2 : (channels,), (channels, channels)
        terms : three arrays (explanations, terms) int
            SKU, lane and signed quantity.
        moments : (explanations, channels), (explanations, channels, channels)
            Mean and covariance over all places, kept for more than `MOST_PLACED` items.
        """
        sku, _, quantity = terms
        mean_g, covariance_g2 = (each.copy() for each in moments)
        log_more = np.zeros(len(sku))
        placed, misfit = np.zeros((2, len(sku)), dtype=np.bool_)
        order = np.argsort(-np.abs(quantity), axis=1, kind="stable")
        numbers = np.take_along_axis(np.abs(quantity), order, axis=1)
        for pattern in sorted({tuple(row[row > 0].tolist()) for row in numbers}):
            if not 0 < sum(pattern) <= MOST_PLACED:
                continue
            padded = np.pad(np.array(pattern), (0, numbers.shape[1] - len(pattern)))
            rows = np.flatnonzero((numbers == padded).all(axis=1))
            chosen = np.repeat(order[rows][:, : len(pattern)], pattern, axis=1)  # One column an item.
            at = tuple(np.take_along_axis(each[rows], chosen, axis=1) for each in terms)
            fit = self._fit(pattern, plates, change_g, noise_g2, (at[0], at[1], np.sign(at[2])))
            mean_g[rows], covariance_g2[rows], log_more[rows] = fit.mean_g, fit.covariance_g2, fit.log_more
            placed[rows], misfit[rows] = True, fit.misfit
        return Foretold(mean_g, covariance_g2, log_more, placed, misfit)

    def one_thing(
        self, plates: IntArray, change_g: FloatArray, noise_g2: FloatArray, spread_g: FloatArray, usual_mm: float
    ) -> Foretold:
        """Return a thing that the shelf does not sell, somewhere on the plates, once for each spread of its weight.

        Parameters
        ----------
        spread_g : (spreads,)
        usual_mm : float
            Width of the shelf's goods; things are tried from half to double of that.
        """
        widths = usual_mm * np.array(THING_WIDTHS)
        rows = len(spread_g) * len(widths)
        first, last = self._ends_mm[plates[0]], self._ends_mm[plates[-1] + 1]
        total_g = float(change_g.sum())
        size = np.abs(change_g)
        middle_mm = float(size @ self._plate_mm[plates]) / max(float(size.sum()), 1e-9)
        problem = self._problem(
            plates,
            change_g,
            noise_g2,
            sign=np.full((rows, 1), 1.0 if total_g > 0 else -1.0),
            width_mm=np.tile(widths, len(spread_g))[:, None],
            prior=np.tile([(first + last) / 2, 0.0], (rows, 1)),
            sigma=np.column_stack([np.full(rows, (last - first) / math.sqrt(12)), np.repeat(spread_g, len(widths))]),
        )
        peak = problem.solve(np.tile([middle_mm, abs(total_g)], (rows, 1)))
        nats = peak.log_evidence.reshape(len(spread_g), len(widths))
        best = nats.argmax(axis=1) + len(widths) * np.arange(len(spread_g))
        top = peak.log_evidence[best]
        whole = top + np.log(np.exp(nats - top[:, None]).mean(axis=1))
        mean, covariance = peak.mean_g[best], peak.covariance_g2[best]
        more = whole - log_density(change_g - mean, covariance + noise_g2)
        of_all = np.ones(len(spread_g), dtype=np.bool_)
        return Foretold(mean, covariance, more, of_all, ~of_all)

    def _problem(
        self,
        plates: IntArray,
        change_g: FloatArray,
        noise_g2: FloatArray,
        *,
        sign: FloatArray,
        width_mm: FloatArray,
        prior: FloatArray,
        sigma: FloatArray,
    ) -> "PlaceProblem":
        noise = noise_g2 + MIN_VARIANCE_G2 * np.eye(len(change_g))
        return PlaceProblem(
            plates=plates - plates[0],
            edges_mm=self._edges_mm[plates[0] : plates[-1] + 2],
            change_g=change_g,
            noise_g2=noise,
            precision=np.linalg.inv(noise).astype(np.float64),
            sign=sign,
            width_mm=width_mm,
            prior=prior,
            sigma=sigma,
        )

    def _fit(
        self,
        pattern: tuple[int, ...],
        plates: IntArray,
        change_g: FloatArray,
        noise_g2: FloatArray,
        items: tuple[IntArray, IntArray, IntArray],
    ) -> Foretold:
        sku, lane, sign = items
        number = sku.shape[1]
        starts = starts_of(number)
        size = np.abs(change_g)
        middle_mm = float(size @ self._plate_mm[plates]) / max(float(size.sum()), 1e-9)
        together = middle_mm + NEAR_MM * np.linspace(-1.0, 1.0, number)
        prior = np.concatenate([self._middle_mm[lane], self._weight_g[sku]], axis=1)
        sigma = np.concatenate([self._place_mm[lane], self._spread_g[sku]], axis=1)
        away = np.zeros((len(starts), *sigma.shape))
        away[:, :, :number] = starts[:, None, :] * sigma[:, :number]
        if number > 1:  # The last start is all together at the centre of mass.
            away[-1, :, :number] = together - prior[:, :number]
        times = (len(starts), 1)
        problem = self._problem(
            plates,
            change_g,
            noise_g2,
            sign=np.tile(sign.astype(np.float64), times),
            width_mm=np.tile(self._width_mm[sku], times),
            prior=np.tile(prior, times),
            sigma=np.tile(sigma, times),
        )
        peak = problem.solve((prior + away).reshape(-1, 2 * number))
        return added_up(peak, pattern, len(starts), change_g, noise_g2)

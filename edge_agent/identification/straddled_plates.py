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
from dataclasses import dataclass

import numpy as np

from edge_agent.config import ShelfConfig
from edge_agent.config.assortment import ItemConfig, LaneConfig
from edge_agent.identification.gaussian import MIN_VARIANCE_G2, log_density
from edge_agent.model import BoolArray, FloatArray, IntArray

MOST_PLACED = 5
"""Items of an explanation up to which each one's place is sought (2026-11)."""
STARTS = (0, 1, 6, 8, 12, 14)
"""Starts of the search by number of items: in a row, in the opposite one, at random, all together (2026-11)."""
NEAR_MM = 6.0
"""How far from the centre of mass the outermost items are tried when all are tried together (2026-12)."""
ROW_SIGMAS = 1.2
"""How far from its lane's middle the outermost item of a row is tried first, in σ of its place (2026-11)."""
STEPS = 10
LONGEST_STEP_MM = 20.0
SECANT_MM = (4.0, 2.0, 1.0, 0.5)
"""Half of the distance over which a slope is taken, per step: wide ones see past the kinks (2026-11)."""
APART_MM = 2.0
"""Peaks nearer than this are one (2026-11)."""
FOOTPRINT_SHARE = 0.8
"""Width of an item over that of its lane, where the catalogue does not tell: a lane leaves room for fingers (assumed,
2026-11)."""
LEAST_PLACE_MM = 2.0
"""A lane's item is never known to stand better than this, mm, standard deviation (2026-11)."""
LEAST_SPREAD_G = 0.05
"""Nor to weigh better than this, g (2026-11)."""
TOUCHED_SIGMAS = 5.0
"""A plate whose change is smaller is taken as untouched (2026-11)."""
TOUCHED_SHARE = 0.3
"""The same as a share of the least event: what drifts while an act lasts (2026-11)."""
GAP = 2
"""Untouched plates between two groups, at most, that still make them one: each takes in one more plate on either side,
which a footprint's edge may have touched too lightly (by geometry)."""
MISFIT_SIGMAS = 3.72
"""One in ten thousand of a standard normal is beyond."""
THING_WIDTHS = (0.5, 1.0, 2.0)
"""Widths of things that the shelf does not sell, over its goods' (assumed, 2026-12)."""
_DICE = np.random.default_rng(20261130).standard_normal((max(STARTS), MOST_PLACED))


@dataclass(frozen=True, slots=True, eq=False)
class Foretold:
    """What this reading foretells of explanations.

    Attributes
    ----------
    mean_g, covariance_g2 : (explanations, channels), (explanations, channels, channels)
        Moments of the prediction, without the measurement's own.
    log_more : (explanations,)
        What a Gaussian of these moments leaves out of log p(Δ | explanation), nats.
    placed : (explanations,) bool
        Whether each item's place was sought; else the moments are those over all places.
    misfit : (explanations,) bool
        Whether even the most probable places and weights leave more unexplained than chance: one in ten thousand of the
        true ones is.
    """

    mean_g: FloatArray
    covariance_g2: FloatArray
    log_more: FloatArray
    placed: BoolArray
    misfit: BoolArray


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


def overlaps(x_mm: FloatArray, width_mm: FloatArray, edges_mm: FloatArray) -> FloatArray:
    """Return what part of a footprint lies over each plate, (..., plates), for middles and widths (...)."""
    before = np.clip((edges_mm - x_mm[..., None]) / width_mm[..., None] + 0.5, 0.0, 1.0)
    parts: FloatArray = np.diff(before, axis=-1)
    return parts


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
    ) -> "_Problem":
        noise = noise_g2 + MIN_VARIANCE_G2 * np.eye(len(change_g))
        return _Problem(
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
        starts = _starts(number)
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
        return _added_up(peak, pattern, len(starts), change_g, noise_g2)


@dataclass(frozen=True, slots=True, eq=False)
class _Peak:
    """A most probable place and weight of every item, (rows, 2 · items), and what it makes of the reading."""

    theta: FloatArray
    information: FloatArray
    log_evidence: FloatArray
    mean_g: FloatArray
    covariance_g2: FloatArray
    cost: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """Explanations with equally many items each, (rows, items), beside one reading.

    ``edges_mm`` are those of the plates looked at, first to last; ``plates`` says which of these can be read.
    """

    plates: IntArray
    edges_mm: FloatArray
    change_g: FloatArray
    noise_g2: FloatArray
    precision: FloatArray
    sign: FloatArray
    width_mm: FloatArray
    prior: FloatArray
    sigma: FloatArray

    def solve(self, theta: FloatArray) -> _Peak:
        """Return the peak that Gauss–Newton steps reach from a start, (rows, 2 · items)."""
        items = self.sign.shape[1]
        inverse = self.sigma**-2.0
        best, least = theta, np.full(len(theta), np.inf)
        for step in range(STEPS):
            reading, slopes = self._reading(theta, SECANT_MM[min(step, len(SECANT_MM) - 1)])
            cost = self._cost(theta, reading)
            better = cost < least
            best, least = np.where(better[:, None], theta, best), np.minimum(cost, least)
            weighed = slopes.transpose(0, 2, 1) @ self.precision
            information = weighed @ slopes + _diagonal(inverse)
            miss = (weighed @ (self.change_g - reading)[:, :, None])[:, :, 0] + inverse * (self.prior - theta)
            move = np.linalg.solve(information, miss[:, :, None])[:, :, 0]
            longest = np.abs(move[:, :items]).max(axis=1, initial=0.0)
            onward = theta + move * np.minimum(1.0, LONGEST_STEP_MM / np.maximum(longest, 1e-9))[:, None]
            theta = np.where(better[:, None], onward, (theta + best) / 2)  # What led uphill is taken back by half.
        reading, _ = self._reading(theta, SECANT_MM[-1])
        theta = np.where((self._cost(theta, reading) < least)[:, None], theta, best)
        reading, slopes = self._reading(theta, SECANT_MM[-1])
        information = slopes.transpose(0, 2, 1) @ self.precision @ slopes + _diagonal(inverse)
        # Where the reading leaves a place open, the next kinks bound it: beyond them the slopes are others.
        cut = np.concatenate(
            [12 / self._between_kinks_mm(theta[:, :items]) ** 2, np.zeros_like(theta[:, items:])], axis=1
        )
        information += _diagonal(cut)
        cost = self._cost(theta, reading)
        log_evidence = -0.5 * (
            cost
            + len(self.change_g) * math.log(2 * math.pi)
            + np.linalg.slogdet(self.noise_g2)[1]
            + 2 * np.log(self.sigma).sum(axis=1)
            + np.linalg.slogdet(information)[1]
        )
        return _Peak(
            theta,
            information,
            log_evidence,
            reading + (slopes @ (self.prior - theta)[:, :, None])[:, :, 0],
            slopes @ _diagonal(self.sigma**2) @ slopes.transpose(0, 2, 1),
            cost,
        )

    def _cost(self, theta: FloatArray, reading: FloatArray) -> FloatArray:
        """Return squared deviations from reading and prior, in their σ, (rows,)."""
        off = self.change_g - reading
        far = (self.prior - theta) / self.sigma
        cost: FloatArray = ((off @ self.precision) * off).sum(axis=1) + (far**2).sum(axis=1)
        return cost

    def _between_kinks_mm(self, x_mm: FloatArray) -> FloatArray:
        """Return how far it is from the last kink of s(x) before a place to the next one, (rows, items)."""
        half = self.width_mm[:, :, None] / 2
        kinks = np.concatenate([self.edges_mm - half, self.edges_mm + half], axis=2)
        before = kinks <= x_mm[:, :, None]
        below = np.where(before, kinks, -np.inf).max(axis=2)
        above = np.where(before, np.inf, kinks).min(axis=2)
        between: FloatArray = np.clip(above - below, LEAST_PLACE_MM, 1e3)
        return between

    def _reading(self, theta: FloatArray, secant_mm: float) -> tuple[FloatArray, FloatArray]:
        """Return the changes, (rows, channels), and their slopes by places and weights, (…, 2 · items)."""
        items = self.sign.shape[1]
        x_mm, mass_g = theta[:, :items], self.sign * theta[:, items:]
        share, right, left = (
            overlaps(x_mm + away, self.width_mm, self.edges_mm)[..., self.plates]
            for away in (0.0, secant_mm, -secant_mm)
        )
        by_place = mass_g[:, :, None] * (right - left) / (2 * secant_mm)
        slopes = np.concatenate([by_place, self.sign[:, :, None] * share], axis=1)
        return (mass_g[:, :, None] * share).sum(axis=1), slopes.transpose(0, 2, 1)


def _added_up(
    peak: _Peak, pattern: tuple[int, ...], starts: int, change_g: FloatArray, noise_g2: FloatArray
) -> Foretold:
    """Return the highest peak of every explanation and, on top of it, all that differ from it and each other.

    Parameters
    ----------
    peak : _Peak
        (starts · explanations) of them, start by start.
    """
    items, channels = sum(pattern), len(change_g)
    ordered, orders = _in_order(peak, pattern)
    x_mm = ordered[:, :items].reshape(starts, -1, items)
    nats = (peak.log_evidence + orders).reshape(starts, -1)
    rows = np.arange(nats.shape[1])
    rank = np.argsort(-nats, axis=0, kind="stable")
    x_mm, nats = x_mm[rank, rows], nats[rank, rows]
    for later in range(1, starts):
        near = np.abs(x_mm[:later] - x_mm[later]).max(axis=2) < APART_MM
        nats[later, (near & np.isfinite(nats[:later])).any(axis=0)] = -np.inf
    whole = nats[0] + np.log(np.exp(nats - nats[0]).sum(axis=0))
    mean = peak.mean_g.reshape(starts, -1, channels)[rank[0], rows]
    covariance = peak.covariance_g2.reshape(starts, -1, channels, channels)[rank[0], rows]
    more = whole - log_density(change_g - mean, covariance + noise_g2)
    cost = peak.cost.reshape(starts, -1).min(axis=0)
    return Foretold(mean, covariance, more, np.ones(len(rows), dtype=np.bool_), cost > _chi_squared(channels))


def _in_order(peak: _Peak, pattern: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    """Return the peak with items of one SKU from left to right, and the log of how many orders are peaks too."""
    theta, orders = peak.theta.copy(), np.zeros(len(peak.theta))
    if max(pattern) < 2:
        return theta, orders
    loose = np.linalg.inv(peak.information)
    start = 0
    for number in pattern:
        group = slice(start, start + number)
        rank = start + np.argsort(theta[:, group], axis=1)
        theta[:, group] = np.take_along_axis(theta, rank, axis=1)
        for place in range(1, number):
            one, other = rank[:, place - 1], rank[:, place]
            row = np.arange(len(theta))
            variance = loose[row, one, one] + loose[row, other, other] - 2 * loose[row, one, other]
            apart = (theta[:, start + place] - theta[:, start + place - 1]) / np.sqrt(np.maximum(variance, 1e-9))
            # 1 where they are not told apart, place + 1 where they are: 2 Φ(apart) of two, by symmetry.
            orders += np.log1p(place * _central(apart))
        start += number
    return theta, orders


def _chi_squared(degrees: int) -> float:
    """Return what chi squared exceeds once in ten thousand times (Wilson and Hilferty 1931, PNAS 17, 684)."""
    return degrees * (1 - 2 / (9 * degrees) + MISFIT_SIGMAS * math.sqrt(2 / (9 * degrees))) ** 3


def _central(sigmas: FloatArray) -> FloatArray:
    """Return the chance of a standard normal to be within ± so many sigmas."""
    return np.array([math.erf(each / math.sqrt(2)) for each in sigmas.tolist()])


def _starts(number: int) -> FloatArray:
    """Return where items are tried first, (starts, items), in σ of each one's place."""
    row = np.linspace(-ROW_SIGMAS, ROW_SIGMAS, number) if number > 1 else np.zeros(number)
    starts: FloatArray = np.vstack([row, row[::-1], _DICE[:, :number]])[: STARTS[number]]
    return starts


def _diagonal(values: FloatArray) -> FloatArray:
    """Return diagonal matrices, (rows, n, n), of (rows, n)."""
    diagonal: FloatArray = values[:, :, None] * np.eye(values.shape[1])
    return diagonal

"""Where the items of an explanation stand on narrow plates, and how well it then explains them: a search for peaks."""

import math
from dataclasses import dataclass

import numpy as np

from edge_agent.identification.gaussian import log_density
from edge_agent.model import BoolArray, FloatArray, IntArray

MOST_PLACED = 5
"""Items of an explanation up to which each one's place is sought (2026-11)."""
LEAST_PLACE_MM = 2.0
"""A lane's item is never known to stand better than this, mm, standard deviation (2026-11)."""
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
MISFIT_SIGMAS = 3.72
"""One in ten thousand of a standard normal is beyond."""
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


def overlaps(x_mm: FloatArray, width_mm: FloatArray, edges_mm: FloatArray) -> FloatArray:
    """Return what part of a footprint lies over each plate, (..., plates), for middles and widths (...)."""
    before = np.clip((edges_mm - x_mm[..., None]) / width_mm[..., None] + 0.5, 0.0, 1.0)
    parts: FloatArray = np.diff(before, axis=-1)
    return parts


@dataclass(frozen=True, slots=True, eq=False)
class Peak:
    """A most probable place and weight of every item, (rows, 2 · items), and what it makes of the reading."""

    theta: FloatArray
    information: FloatArray
    log_evidence: FloatArray
    mean_g: FloatArray
    covariance_g2: FloatArray
    cost: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class PlaceProblem:
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

    def solve(self, theta: FloatArray) -> Peak:
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
        return Peak(
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


def added_up(peak: Peak, pattern: tuple[int, ...], starts: int, change_g: FloatArray, noise_g2: FloatArray) -> Foretold:
    """Return the highest peak of every explanation and, on top of it, all that differ from it and each other.

    Parameters
    ----------
    peak : Peak
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


def _in_order(peak: Peak, pattern: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
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


def starts_of(number: int) -> FloatArray:
    """Return where items are tried first, (starts, items), in σ of each one's place."""
    row = np.linspace(-ROW_SIGMAS, ROW_SIGMAS, number) if number > 1 else np.zeros(number)
    starts: FloatArray = np.vstack([row, row[::-1], _DICE[:, :number]])[: STARTS[number]]
    return starts


def _diagonal(values: FloatArray) -> FloatArray:
    """Return diagonal matrices, (rows, n, n), of (rows, n)."""
    diagonal: FloatArray = values[:, :, None] * np.eye(values.shape[1])
    return diagonal

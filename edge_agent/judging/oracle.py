"""The oracle: the posterior over bills by enumeration, given what was drawn from and Δ + N(0, Σ) with Σ stated.

It knows the planogram, the unit weights' distributions, the habits and the noise; not the truth. `CoarseOracle` reads a
scale's total, and the centre of mass if it may; `lane_oracle` reads a cell per lane, `platform_oracle` four corners.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from edge_agent.judging.bills import MAX_ITEMS, Bills
from edge_agent.judging.camera import SEEN_SHARE
from edge_agent.judging.habits import FloatArray, Habits, IntArray, log_prior
from edge_agent.judging.hardware import CELL_INSET_MM, EVENT_NOISE_G
from edge_agent.judging.placements import PlacedLoads, Placements, enumerate_placements, place_loads
from edge_agent.judging.suites import DEPTH_MM, WIDTH_MM, Shelf

SCREEN_SIGMAS = 7.0
"""Bills whose total misses by more are not looked at: under 3e-12 of acts (2026-11)."""
HALF_SPAN_MM = WIDTH_MM / 2 - CELL_INSET_MM
HALF_DEPTH_MM = DEPTH_MM / 2 - CELL_INSET_MM

Words = list[FloatArray]
"""A camera's words, each log p(descriptor | SKU), (skus,)."""


class Oracle(Protocol):
    """Who knows best."""

    def posterior(self, delta_g: FloatArray, words: Words) -> FloatArray:
        """Return the probability of every bill, (bills,), in the direction of the total's sign."""


@dataclass(frozen=True, eq=False)
class Enumeration:
    """What an oracle prepares once for all shelves with so many SKUs: bills, their prior, their placements."""

    bills: Bills
    habits: Habits
    log_prior: FloatArray
    placements: Placements


def enumeration(skus: int, habits: Habits) -> Enumeration:
    """Return the bills, priors and placements."""
    bills = Bills(skus)
    return Enumeration(bills, habits, log_prior(bills.counts, habits), enumerate_placements(bills, habits))


def normalised(log_joint: FloatArray) -> FloatArray:
    """Return probabilities from nats up to a constant."""
    weight: FloatArray = np.exp(log_joint - log_joint.max())
    probability: FloatArray = weight / weight.sum()
    return probability


def camera_nats(bills: Bills, rows: IntArray, words: Words, *, per_item: bool) -> FloatArray:
    """Return log p(words | bill) of some bills, (rows,).

    One word is on any one of the items, each as likely: log Σ (nₖ / n)·p(word | k). Where each item is seen with
    `camera.SEEN_SHARE`, k words stand for any k of n items in any order: the mean over all assignments, times the
    chance of so many.
    """
    items, number = bills.items[rows], bills.number[rows]
    if not per_item and not words:
        return np.zeros(len(rows))
    said = np.exp(np.array(words) - np.max(words, axis=1, keepdims=True)) if words else np.zeros((0, bills.skus))
    likelihood = np.zeros(len(rows))
    if not per_item:
        likelihood = (bills.counts[rows] / number[:, None]) @ said[0]
    else:
        seen = len(words)
        for n in range(max(seen, 1), MAX_ITEMS + 1):
            of_n = number == n
            each = [
                np.prod([said[word, items[of_n, place]] for word, place in enumerate(order)], axis=0)
                for order in itertools.permutations(range(n), seen)
            ]
            so_many = math.comb(n, seen) * SEEN_SHARE**seen * (1 - SEEN_SHARE) ** (n - seen)
            likelihood[of_n] = so_many * np.mean(each, axis=0)
    with np.errstate(divide="ignore"):
        nats: FloatArray = np.log(likelihood)
    return nats


class CoarseOracle:
    """Reads the total T of a shelf, and with ``centre`` its first moment U about the middle: the centre of mass.

    Both carry `EVENT_NOISE_G`, U as a load over the outer cells: what four corner cells of half that noise amount to.
    """

    def __init__(
        self, known: Enumeration, shelf: Shelf, evidence: Literal["weight", "centre"], *, per_item: bool
    ) -> None:
        self.known, self.per_item = known, per_item
        self.centre = evidence == "centre"
        u_sigma = known.habits.x_sigma_mm / HALF_SPAN_MM
        self.loads: PlacedLoads = place_loads(shelf, known.bills, known.placements, u_sigma, HALF_SPAN_MM)

    def posterior(self, delta_g: FloatArray, words: Words) -> FloatArray:
        """Return the posterior from (T, U), (2,) g, as `moments` makes them of four corners."""
        rows, nats = self.placed(delta_g * np.copysign(1.0, delta_g[0]))
        log_joint = nats.max(axis=1) + np.log(np.exp(nats - nats.max(axis=1, keepdims=True)).sum(axis=1))
        log_joint += camera_nats(self.known.bills, rows, words, per_item=self.per_item)
        result = np.zeros(len(self.known.bills))
        result[rows] = normalised(log_joint)
        return result

    def placed(self, reading_g: FloatArray) -> tuple[IntArray, FloatArray]:
        """Return the bills that fit the total, and log(prior · likelihood) of their placements, (rows, placements)."""
        loads = self.loads
        variance = loads.total_variance_g2 + EVENT_NOISE_G**2
        residual = reading_g[0] - loads.total_g
        scaled = residual**2 / variance
        rows = np.flatnonzero(scaled < max(SCREEN_SIGMAS**2, scaled.min() + SCREEN_SIGMAS**2))
        nats = self.known.log_prior[rows] - 0.5 * (scaled[rows] + np.log(variance[rows]))
        if not self.centre:
            return rows, nats[:, None]
        gain = loads.covariance_g2[rows] / variance[rows, None]
        left = loads.moment_variance_g2[rows] + EVENT_NOISE_G**2 - gain * loads.covariance_g2[rows]
        miss = reading_g[1] - loads.moment_g[rows] - gain * residual[rows, None]
        placed: FloatArray = (
            nats[:, None] + self.known.placements.log_prior[rows] - 0.5 * (miss**2 / left + np.log(left))
        )
        return rows, placed


MOMENTS = np.array([[1.0, 1.0, 1.0, 1.0], [-1.0, 1.0, -1.0, 1.0], [-1.0, -1.0, 1.0, 1.0], [1.0, -1.0, -1.0, 1.0]])
"""Four corners → total, moment across, moment along, mixed moment, each a load over the outer cells."""


def moments(delta_g: FloatArray) -> FloatArray:
    """Return (T, U, V, W) of the corner cells' changes, each with the same independent noise, (4,) g."""
    result: FloatArray = MOMENTS @ delta_g
    return result

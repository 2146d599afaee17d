"""Two rules of others, for scale: what shops start with, and what won a published competition.

Both look for one SKU an act, and rank their answers by a score that is no probability.
"""

from math import erf, sqrt

import numpy as np

from edge_agent.judging.bills import MAX_ITEMS
from edge_agent.judging.contestant import Answer, Evidence
from edge_agent.judging.habits import FloatArray
from edge_agent.judging.hardware import Hardware
from edge_agent.judging.suites import Shelf

LOCATION_SHARE, WEIGHT_SHARE = 0.8, 0.2
"""The weights of the winner of the AutoCheckout competition (as published; design record on fusion, 2026-11)."""


class NearestWeight:
    """The SKU and number whose nominal weight is nearest to the change's."""

    name = "nearest unit weight"
    calibrated = False

    def meet(self, shelf: Shelf, hardware: Hardware) -> None:
        """Learn the nominal weights."""
        del hardware
        self._nominal_g = np.arange(1, MAX_ITEMS + 1)[:, None] * shelf.weight_g

    def answer(self, evidence: Evidence) -> Answer:
        """Return n of one SKU; surer the smaller the miss is against the runner-up's."""
        total_g = float(evidence.delta_g.sum())
        sign = 1 if total_g > 0 else -1
        miss_g = np.abs(abs(total_g) - self._nominal_g)
        best = int(miss_g.argmin())
        nearest, second = np.partition(miss_g.ravel(), 1)[:2]
        number, sku = divmod(best, miss_g.shape[1])
        return Answer(((sku, sign * (number + 1)),), float(1 - nearest / max(second, 1e-9)))


class LocationAndWeight:
    """0.8 × location + 0.2 × overlap of weights, per SKU.

    Location is the part of the change that was felt in the SKU's lane: of the lanes' cells directly; on a platform the
    part of the centre of mass's Gaussian that lies over the lane, its scatter being an item's in a lane. Overlap is the
    common area of the densities of n items' weight and of the change, n being the number that comes nearest.
    """

    name = "0.8 location + 0.2 weight"
    calibrated = False

    def meet(self, shelf: Shelf, hardware: Hardware) -> None:
        """Learn weights, lanes and cells."""
        self._shelf, self._hardware = shelf, hardware
        self._noise_g = float(np.sqrt(hardware.covariance_g2.sum()))
        self._edges_mm = np.append(shelf.middles_mm() - shelf.lane_mm / 2, shelf.middles_mm()[-1] + shelf.lane_mm / 2)

    def answer(self, evidence: Evidence) -> Answer:
        """Return the number of one SKU with the highest score."""
        delta_g = evidence.delta_g
        total_g = float(delta_g.sum())
        sign = 1 if total_g > 0 else -1
        weight_g, sigma_g = self._shelf.weight_g, self._shelf.sigma_g
        number = np.clip(np.rint(abs(total_g) / weight_g), 1, MAX_ITEMS)
        overlap = _overlap(number * weight_g, np.sqrt(number) * sigma_g, abs(total_g), self._noise_g)
        score = LOCATION_SHARE * self._location(delta_g, total_g) + WEIGHT_SHARE * overlap
        sku = int(score.argmax())
        return Answer(((sku, sign * int(number[sku])),), float(score[sku]))

    def _location(self, delta_g: FloatArray, total_g: float) -> FloatArray:
        if self._hardware.kind == "lane_cells":
            felt = np.abs(delta_g)
            share: FloatArray = felt / felt.sum()
            return share
        x_mm = float(delta_g @ self._hardware.x_mm) / total_g if total_g else 0.0
        scatter_mm = self._shelf.lane_mm / sqrt(12)
        below = np.array([0.5 * (1 + erf((edge - x_mm) / (scatter_mm * sqrt(2)))) for edge in self._edges_mm])
        over: FloatArray = np.diff(below)
        return over


def _overlap(mean: FloatArray, sigma: FloatArray, at: float, noise: float) -> FloatArray:
    """Return the common area of N(mean, sigma²) and N(at, noise²), (skus,), by a sum over the narrower one."""
    steps = at + noise * np.linspace(-4, 4, 81)[:, None]
    own = np.exp(-0.5 * ((steps - mean) / sigma) ** 2) / sigma
    seen = np.exp(-0.5 * ((steps - at) / noise) ** 2) / noise
    area: FloatArray = np.minimum(own, seen).sum(axis=0) * (steps[1, 0] - steps[0, 0]) / sqrt(2 * np.pi)
    return area

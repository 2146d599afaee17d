"""The oracle for four corner cells: total, both moments, and the mixed moment that tells one place from several.

With masses mᵢ, levers uᵢ across and vᵢ along (Gaussian about the lane's middle, independent), the corners read

    T = Σ mᵢ,  U = Σ mᵢ uᵢ,  V = Σ mᵢ vᵢ,  W = Σ mᵢ uᵢ vᵢ,  each with the same noise.

(T, U) are Gaussian and screen the placements, as for the centre of mass. W is not: a product of two unknown places. So
for the placements that are left p(T) · p(V | T) · E[p(U, W | v)] is computed, the mean being taken over v given V.
Given v, U and W are linear in the levers and jointly Gaussian. The mean is a fixed quasi-random sum of `POINTS`, drawn
near the v that W speaks for and weighed for that (importance sampling).
Masses stand at their mean given T, and their spread about it enters U and W to first order.
"""

import numpy as np

from edge_agent.judging.bills import MAX_ITEMS
from edge_agent.judging.habits import FloatArray, IntArray
from edge_agent.judging.hardware import EVENT_NOISE_G
from edge_agent.judging.low_discrepancy import normal_points
from edge_agent.judging.oracle import (
    HALF_DEPTH_MM,
    HALF_SPAN_MM,
    CoarseOracle,
    Enumeration,
    Words,
    camera_nats,
    moments,
)
from edge_agent.judging.placements import lever
from edge_agent.judging.suites import Shelf

KEPT_NATS = 16.0
"""Placements less likely by (T, U) than e⁻¹⁶ of the best are not looked at: V and W speak for one over another by at
most some nats, unless none fits (2026-11)."""
POINTS = 128
"""Points of the sum. Against 4,096 of them a probability is off by 0.001 on average, by 0.09 at worst of 800 acts
(2026-11)."""


class PlatformOracle:
    """Reads the changes of four corner cells."""

    def __init__(self, known: Enumeration, shelf: Shelf, *, per_item: bool, points: int = POINTS) -> None:
        self.known, self.per_item = known, per_item
        self._across = CoarseOracle(known, shelf, "centre", per_item=per_item)
        self._weight_g, self._variance_g2 = shelf.weight_g, shelf.sigma_g**2
        self._u = lever(shelf.middles_mm(), HALF_SPAN_MM)
        self._u_sigma = known.habits.x_sigma_mm / HALF_SPAN_MM
        self._v_sigma = known.habits.y_sigma_mm / HALF_DEPTH_MM
        self._points = normal_points(points, MAX_ITEMS + 2)

    def posterior(self, delta_g: FloatArray, words: Words) -> FloatArray:
        """Return the probability of every bill from four corners' changes, (4,) g."""
        reading = moments(delta_g)
        reading *= np.copysign(1.0, reading[0])
        rows, nats = self._across.placed(reading)
        where, column = np.nonzero(nats > nats.max() - KEPT_NATS)
        kept = rows[where]
        log_joint = nats[where, column] + self._along(reading, kept, self.known.placements.lanes[kept, column])
        log_joint += camera_nats(self.known.bills, kept, words, per_item=self.per_item)
        result = np.zeros(len(self.known.bills))
        weight = np.exp(log_joint - log_joint.max())
        np.add.at(result, kept, weight / weight.sum())
        return result

    def _along(self, reading: FloatArray, rows: IntArray, lanes: IntArray) -> FloatArray:
        """Return log p(U, V, W | T, placement) − log p(U | T, placement), (rows,)."""
        total, moment_u, moment_v, moment_w = reading
        noise = EVENT_NOISE_G**2
        items = self.known.bills.items[rows]
        here = items >= 0
        mass = np.where(here, self._weight_g[items], 0.0)
        spread = np.where(here, self._variance_g2[items], 0.0)
        u = np.where(here, self._u[lanes], 0.0)
        known = spread.sum(axis=1) + noise
        mass = mass + spread * ((total - mass.sum(axis=1)) / known)[:, None]
        scatter = np.where(here, (mass**2 + spread) * self._u_sigma**2, 0.0)  # of each item's part of U
        prior = self._v_sigma**2

        # v given V, and W as far as it is linear in v: W ≈ Σ m ū v with what the levers' scatter adds as noise.
        arms = np.stack([mass, mass * u], axis=1)  # (rows, 2, items)
        blur = noise + 2 * scatter.sum(axis=1) * prior
        gram = prior * arms @ arms.transpose(0, 2, 1)
        gram[:, 0, 0] += noise
        gram[:, 1, 1] += blur
        drawn = self._points[:, :MAX_ITEMS] * self._v_sigma  # (points, items)
        noise_roots = np.stack([np.full_like(blur, np.sqrt(noise)), np.sqrt(blur)], axis=1)
        foretold = drawn @ arms.transpose(0, 2, 1) + self._points[:, MAX_ITEMS:] * noise_roots[:, None]
        missing = np.array([moment_v, moment_w]) - foretold  # (rows, points, 2)
        gain = prior * np.linalg.solve(gram, arms)  # (rows, 2, items)
        v = drawn + missing @ gain  # (rows, points, items): exact draws by Matheron's rule

        # Proposal: log p(V, W linear); target: log p(V) + log p(U, W | v); what the proposal used of W is taken back.
        seen = np.array([moment_v, moment_w])
        log_proposal = _log_normal_2(seen[0], seen[1], gram[:, 0, 0], gram[:, 0, 1], gram[:, 1, 1])
        mean_w = v @ arms[:, 1, :, None]
        used = -0.5 * ((moment_w - mean_w[:, :, 0]) ** 2 / blur[:, None] + np.log(blur)[:, None])
        share, share_v = spread * u, v * (spread * u)[:, None]  # of the masses' spread, as U and W feel it
        lost_u, lost_w = share.sum(1), share_v.sum(2)
        u_variance = scatter.sum(1) + noise + (share * u).sum(1) - lost_u**2 / known
        w_variance = (scatter[:, None] * v**2).sum(2) + noise
        w_variance += (share_v * u[:, None] * v).sum(2) - lost_w**2 / known[:, None]
        uw = (scatter[:, None] * v).sum(2) + (share_v * u[:, None]).sum(2) - lost_u[:, None] * lost_w / known[:, None]
        miss_u = (moment_u - arms[:, 1].sum(1))[:, None]
        log_target = _log_normal_2(miss_u, moment_w - mean_w[:, :, 0], u_variance[:, None], uw, w_variance)
        ratio = log_target - used
        top = ratio.max(axis=1)
        log_mean = top + np.log(np.exp(ratio - top[:, None]).mean(axis=1))
        log_u = -0.5 * (miss_u[:, 0] ** 2 / u_variance + np.log(u_variance))
        result: FloatArray = log_proposal + log_mean - log_u
        return result


def _log_normal_2(x: FloatArray, y: FloatArray, xx: FloatArray, xy: FloatArray, yy: FloatArray) -> FloatArray:
    """Return log N((x, y); 0, [[xx, xy], [xy, yy]]) up to a constant, element by element."""
    determinant = xx * yy - xy**2
    density: FloatArray = -0.5 * ((yy * x**2 - 2 * xy * x * y + xx * y**2) / determinant + np.log(determinant))
    return density

"""Where along the shelf an act happened: one Kalman state, measured by the centre of mass and by what a camera follows.

The state is a place that does not move, so the filter is the scalar one with gain K = P/(P + R). Each measurement must
pass a gate on its normalised innovation before it counts (Bar-Shalom, Li and Kirubarajan 2001, section 5.4): a hand
that reached elsewhere, or an act in two places, leaves the state as it is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.config import ShelfConfig
from edge_agent.model import NO_PLACE_MM, BoolArray, IntArray, VisionObservation, WeightStep

GATE_SIGMAS = 3.0
"""Innovations beyond this are of something else, in their own σ: one in 370 of what is true (rule, 2026-11)."""


@dataclass(frozen=True, slots=True)
class ActPosition:
    """Place along the shelf from its left edge and its standard deviation, mm."""

    x_mm: float
    sigma_mm: float

    def measured(self, x_mm: float, sigma_mm: float) -> "ActPosition":
        """Return the place after one more measurement; itself where that is outside the gate."""
        variance, noise = self.sigma_mm**2, sigma_mm**2
        innovation = x_mm - self.x_mm
        if innovation**2 > GATE_SIGMAS**2 * (variance + noise):
            return self
        gain = variance / max(variance + noise, 1e-9)
        return ActPosition(self.x_mm + gain * innovation, ((1 - gain) * variance) ** 0.5)


def followed(
    position: ActPosition | None, step: WeightStep, observations: Sequence[VisionObservation]
) -> ActPosition | None:
    """Return where the act was, as weight found it, after what a camera followed in its time, in order.

    Parameters
    ----------
    position : ActPosition or None
        By weight; where weight cannot tell, what the camera says first begins.
    """
    for each in sorted(observations, key=lambda seen: (seen.t_start_ns, seen.observation_id)):
        during = each.t_start_ns <= step.t_end_ns and each.t_end_ns >= step.t_start_ns
        # What an item looked like is cut out of the very change whose place ``lanes`` tells: not twice.
        usable = each.kind != "carried" and math.isfinite(each.x_mm) and 0 < each.x_sigma_mm < NO_PLACE_MM
        if each.shelf_id != step.shelf_id or not during or not usable:
            continue
        told = ActPosition(each.x_mm, each.x_sigma_mm)
        position = told if position is None else position.measured(told.x_mm, told.sigma_mm)
    return position


def locate(shelf: ShelfConfig, step: WeightStep, seen: BoolArray, changed: IntArray) -> ActPosition | None:
    """Return the centre of mass of a change, None where the channels cannot tell.

    ``platform``: x = Σ Δ·x / Σ Δ over the four cells, its variance by the first-order propagation of Δ's covariance.
    None with a dead corner, or where the change is so small, or so near to a swap, that sigma is wider than the shelf.
    ``lane_cells``: the plates' centres weighted by |Δ|; within a plate any place is as likely.

    Parameters
    ----------
    seen : (channels,) bool
        Channels that could be read.
    changed : (k,) int
        Channels that the act changed.
    """
    if shelf.kind == "platform":
        total_g = float(step.delta_g[seen].sum())
        if not seen.all() or abs(total_g) < 1e-3:
            return None
        xs = np.array([channel.x_mm for channel in shelf.channels])
        x_mm = float(step.delta_g @ xs) / total_g
        gradient = (xs - x_mm) / total_g
        sigma_mm = max(float(gradient @ step.covariance_g2 @ gradient), 0.0) ** 0.5
        return None if sigma_mm > shelf.width_mm else ActPosition(min(max(x_mm, 0.0), shelf.width_mm), sigma_mm)
    edges = np.array(shelf.plate_edges_mm())
    weight = np.abs(step.delta_g[changed])
    if not len(changed) or weight.sum() < 1e-3:
        return None
    share = weight / weight.sum()
    centre_mm = ((edges[1:] + edges[:-1]) / 2)[changed]
    width_mm = np.diff(edges)[changed]
    x_mm = float(share @ centre_mm)
    variance_mm2 = float(share @ ((centre_mm - x_mm) ** 2 + width_mm**2 / 12))
    return ActPosition(x_mm, float(np.sqrt(variance_mm2)))

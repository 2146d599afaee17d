"""Where hands were: log p(reaches | hypothesis), the reaches being points of a Poisson process along the shelf.

A hand visits the lanes that an act changed about once each, and now and then a place where it takes nothing. With K
lanes, of which lane l is reached at x with density f_l, the likelihood of reaches x_1 … x_n is that of an inhomogeneous
Poisson process of intensity λ(x) = Σ_l μ f_l(x) + κ/W (Gilholm and Salmond 2005, for extended targets):
exp(−K μ − κ) Π λ(x_i). The density f_l is even over the lane, blurred by the hand's own σ.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from edge_agent.identification.camera_front import lane_quantities
from edge_agent.model import FloatArray, VisionObservation
from edge_agent.ports import HypothesisTable

VISITS = 1.1
"""μ: reaches per lane that changed (assumed, 2026-12)."""
IDLE = 0.2
"""κ: reaches per act that change nothing (assumed, 2026-12)."""

SAME_PLACE_SIGMAS = 2.0
"""Reaches nearer to each other than this, in the σ of their distance, are one visit: what is said twice of one place is
no new evidence (rule, 2026-12)."""

FAR_SIGMAS = 6.0
"""A lane farther from a reach than this was not reached: less than a billionth (rule, 2026-12)."""


def words_on_reaches(
    hypotheses: HypothesisTable, observations: Sequence[VisionObservation], lanes_mm: Mapping[str, tuple[float, float]]
) -> FloatArray | None:
    """Return nats per hypothesis over what chance would say, (hypotheses,); None where no reach was seen.

    Chance is a hand that is anywhere. Something that the shelf does not sell is as likely anywhere.

    Parameters
    ----------
    lanes_mm : mapping lane_id → (left, right)
        The shelf's lanes.
    """
    reaches = [
        each
        for each in observations
        if each.kind == "reach" and math.isfinite(each.x_mm) and 0 < each.x_sigma_mm < math.inf
    ]
    if not reaches or not lanes_mm:
        return None
    width_mm = max(right for _, right in lanes_mm.values())
    reaches = _visits(reaches)
    density = np.array([[_density(each, *lanes_mm[lane_id]) for lane_id in lanes_mm] for each in reaches])
    visited = (lane_quantities(hypotheses, tuple(lanes_mm)) != 0).astype(np.float64)
    intensity = VISITS * visited @ density.T + IDLE / width_mm
    nats = np.log(intensity).sum(axis=1) - VISITS * visited.sum(axis=1) - IDLE
    by_chance = len(reaches) * math.log((VISITS + IDLE) / width_mm) - VISITS - IDLE
    return np.where(hypotheses.unknown | (visited.sum(axis=1) == 0), 0.0, nats - by_chance)


def _visits(reaches: Sequence[VisionObservation]) -> list[VisionObservation]:
    """Return the reaches without those at a place that was reached before: a dwell is easily cut in two."""
    visits: list[VisionObservation] = []
    for each in sorted(reaches, key=lambda reach: (reach.x_sigma_mm, reach.t_start_ns, reach.observation_id)):
        if all(abs(each.x_mm - other.x_mm) > SAME_PLACE_SIGMAS * _blur_mm(each, other) for other in visits):
            visits.append(each)
    return visits


def _blur_mm(one: VisionObservation, other: VisionObservation) -> float:
    return math.hypot(one.x_sigma_mm, other.x_sigma_mm)


def _density(reach: VisionObservation, left_mm: float, right_mm: float) -> float:
    if not left_mm - FAR_SIGMAS * reach.x_sigma_mm < reach.x_mm < right_mm + FAR_SIGMAS * reach.x_sigma_mm:
        return 0.0
    scale = math.sqrt(2) * reach.x_sigma_mm
    share = math.erf((right_mm - reach.x_mm) / scale) - math.erf((left_mm - reach.x_mm) / scale)
    return share / 2 / (right_mm - left_mm)

"""Where the items of a bill may have stood: all in their own lanes, or exactly one of them in another.

Two or more misplaced items in one act are left out; `left_out_share` says how often that happens.
"""

from dataclasses import dataclass

import numpy as np

from edge_agent.judging.bills import MAX_ITEMS, Bills
from edge_agent.judging.habits import FloatArray, Habits, IntArray
from edge_agent.judging.suites import WIDTH_MM, Shelf


@dataclass(frozen=True, eq=False)
class Placements:
    """Per bill its placements: the first with every item at home, then each of its SKUs once in each other lane.

    Attributes
    ----------
    lanes : (bills, placements, 4) int
        Lane of every item, 0 where the bill has none.
    log_prior : (bills, placements)
        Nats; −inf where a bill has fewer placements.
    """

    lanes: IntArray
    log_prior: FloatArray


def left_out_share(habits: Habits) -> float:
    """Return the share of acts with two or more misplaced items."""
    at_home = 1 - habits.misplaced_share
    numbers = np.arange(1, MAX_ITEMS + 1)
    covered = at_home**numbers + numbers * habits.misplaced_share * at_home ** (numbers - 1)
    return float(1 - np.array(habits.number_share) @ covered)


def enumerate_placements(bills: Bills, habits: Habits) -> Placements:
    """Return the placements of every bill of a shelf with one lane a SKU."""
    skus, items, here = bills.skus, bills.items, bills.items >= 0
    others = skus - 1
    home = np.where(here, items, 0)
    lanes = np.repeat(home[:, None, :], 1 + MAX_ITEMS * others, axis=1)
    log_prior = np.full(lanes.shape[:2], -np.inf)
    at_home = np.log(1 - habits.misplaced_share)
    log_prior[:, 0] = bills.number * at_home
    if habits.misplaced_share == 0 or others == 0:
        return Placements(lanes[:, :1], log_prior[:, :1])
    astray = np.log(habits.misplaced_share / others)
    for place in range(MAX_ITEMS):
        first = here[:, place] & (True if place == 0 else items[:, place] != items[:, place - 1])
        columns = slice(1 + place * others, 1 + (place + 1) * others)
        lanes[:, columns, place] = (home[:, place, None] + 1 + np.arange(others)) % skus
        alike = np.take_along_axis(bills.counts, home[:, place, None], axis=1)[:, 0]
        nats = np.log(np.maximum(alike, 1)) + astray + (bills.number - 1) * at_home
        log_prior[first, columns] = nats[first, None]
    return Placements(lanes, log_prior)


def lever(x_mm: FloatArray, half_span_mm: float) -> FloatArray:
    """Return a place along the shelf as the lever of its load: −1 over the left cells, 1 over the right ones."""
    arm: FloatArray = (x_mm - WIDTH_MM / 2) / half_span_mm
    return arm


@dataclass(frozen=True, eq=False)
class PlacedLoads:
    """What a scale would read of every placement on one shelf, to second moments.

    With T = Σ mᵢ and U = Σ mᵢ uᵢ, mᵢ ~ N(wᵢ, sᵢ²) and uᵢ ~ N(ūᵢ, σ_u²) apart from each other:
    E U = Σ wᵢ ūᵢ, Var U = Σ sᵢ² ūᵢ² + (wᵢ² + sᵢ²) σ_u², Cov(T, U) = Σ sᵢ² ūᵢ.

    Attributes
    ----------
    total_g, total_variance_g2 : (bills,)
    moment_g, moment_variance_g2, covariance_g2 : (bills, placements)
    """

    total_g: FloatArray
    total_variance_g2: FloatArray
    moment_g: FloatArray
    moment_variance_g2: FloatArray
    covariance_g2: FloatArray


def place_loads(shelf: Shelf, bills: Bills, placements: Placements, u_sigma: float, half_span_mm: float) -> PlacedLoads:
    """Return the moments of every placement, measurement noise apart."""
    here = bills.items >= 0
    weight_g = np.where(here, shelf.weight_g[bills.items], 0.0)
    variance_g2 = np.where(here, shelf.sigma_g[bills.items] ** 2, 0.0)
    u = lever(shelf.middles_mm(), half_span_mm)[placements.lanes]
    scatter = ((weight_g**2 + variance_g2) * u_sigma**2).sum(axis=1)
    return PlacedLoads(
        total_g=weight_g.sum(axis=1),
        total_variance_g2=variance_g2.sum(axis=1),
        moment_g=(u * weight_g[:, None, :]).sum(axis=2),
        moment_variance_g2=(u**2 * variance_g2[:, None, :]).sum(axis=2) + scatter[:, None],
        covariance_g2=(u * variance_g2[:, None, :]).sum(axis=2),
    )

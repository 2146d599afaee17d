"""Which products a shelf's sensors cannot tell apart, from weights, spreads and places alone."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from edge_agent.config import ShelfConfig, Site
from edge_agent.config.assortment import ItemConfig, LaneConfig
from edge_agent.config.checks import plates_under

ASSUMED_NOISE_G = 1.0
"""Standard deviation of a cell's resting level where none was measured: σ 0.7 g on four cells' sum in a real
recording, with margin for a noisier cell (2026-11)."""
SIGMAS = 2.0
"""Closer than this and one act in twenty or more would be read as the other product."""
MOST_TOGETHER = 3
"""Items taken in one act that are compared; more in one hand are rare."""


@dataclass(frozen=True, slots=True)
class Confusable:
    """Two lanes whose products may be taken for each other.

    Attributes
    ----------
    count, other_count : int
        The smallest numbers of each that weigh alike.
    apart_g : float
        Difference of the two weights.
    sigma_g : float
        Standard deviation with which the shelf sees that difference.
    """

    shelf_id: str
    lane: LaneConfig
    other: LaneConfig
    count: int
    other_count: int
    apart_g: float
    sigma_g: float


def confusable_neighbours(site: Site) -> list[Confusable]:
    """Return the pairs of lanes that neither weight nor place separates, shelf by shelf."""
    items = {item.sku: item for item in site.catalogue.items}
    return [
        found
        for shelf in site.shelves
        for lane, other in combinations(site.planogram.on_shelf(shelf.shelf_id), 2)
        if lane.sku != other.sku and lane.sku in items and other.sku in items
        for found in _alike(site, shelf, (lane, items[lane.sku]), (other, items[other.sku]))
    ]


def _alike(
    site: Site, shelf: ShelfConfig, first: tuple[LaneConfig, ItemConfig], second: tuple[LaneConfig, ItemConfig]
) -> Iterator[Confusable]:
    (lane, item), (other, other_item) = first, second
    noise_g = _step_noise_g(site, shelf)
    for count, other_count in _small_numbers(lane.capacity, other.capacity):
        mass_g, other_mass_g = count * item.unit_weight_g, other_count * other_item.unit_weight_g
        spread_g = math.hypot(math.sqrt(count) * item.unit_sigma_g, math.sqrt(other_count) * other_item.unit_sigma_g)
        sigma_g = math.hypot(spread_g, noise_g)
        apart_g = abs(mass_g - other_mass_g)
        if apart_g <= SIGMAS * sigma_g and not _place_separates(shelf, lane, other, min(mass_g, other_mass_g), noise_g):
            yield Confusable(shelf.shelf_id, lane, other, count, other_count, apart_g, sigma_g)
            return


def _small_numbers(capacity: int, other_capacity: int) -> list[tuple[int, int]]:
    pairs = [
        (count, other)
        for count in range(1, min(capacity, MOST_TOGETHER) + 1)
        for other in range(1, min(other_capacity, MOST_TOGETHER) + 1)
        if math.gcd(count, other) == 1
    ]
    return sorted(pairs, key=lambda pair: (sum(pair), pair))


def _step_noise_g(site: Site, shelf: ShelfConfig) -> float:
    """Return the standard deviation of a step seen by the cells that one act moves: a level before, one after."""
    variances = []
    for cell in shelf.channels:
        calibration = site.calibration(cell.board_uid)
        channel = calibration.channel(cell.index) if calibration else None
        noise_g = channel.noise_g if channel and channel.noise_g else ASSUMED_NOISE_G
        variances.append(2 * noise_g**2)
    return math.sqrt(sum(variances) if shelf.kind == "platform" else max(variances))


def _place_separates(shelf: ShelfConfig, lane: LaneConfig, other: LaneConfig, mass_g: float, noise_g: float) -> bool:
    if shelf.kind == "lane_cells":
        return plates_under(lane, shelf) != plates_under(other, shelf)
    # Centre of mass x = Σ Δᵢ·xᵢ / Σ Δᵢ: its error is the step's noise times the cells' half span over the mass.
    half_span_mm = (max(cell.x_mm for cell in shelf.channels) - min(cell.x_mm for cell in shelf.channels)) / 2
    sigma_mm = noise_g * half_span_mm / mass_g
    gap_mm = max(lane.x_mm[0], other.x_mm[0]) - min(lane.x_mm[1], other.x_mm[1])
    return gap_mm > SIGMAS * sigma_mm

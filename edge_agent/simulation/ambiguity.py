"""Which acts no scale could tell apart: the truth's own word on what may go to review.

A coarse rule, on purpose: it lists other everyday explanations of the same weight at about the same place. It is not an
oracle; it only keeps a scoreboard from blaming an agent for not knowing what cannot be known.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edge_agent.config import Site
from edge_agent.config.assortment import LaneConfig
from edge_agent.simulation.truth import ItemMove

MAX_QUANTITY = 4
SIGMAS = 4.0
"""Weights closer than this many standard deviations of their difference count as equal (2026-11)."""
READING_SIGMA_G = 1.5
"""How well a scale knows one change, g (2026-11)."""
REACH_MM = 150.0
"""A misplaced item stands about one lane away (2026-11)."""


@dataclass(frozen=True, slots=True)
class _Explanation:
    items: tuple[tuple[str, int], ...]
    mass_g: float
    variance_g2: float
    x_mm: tuple[float, float]


def confusable_with(site: Site, moved: Sequence[tuple[ItemMove, float]]) -> str | None:
    """Return what else an act could have been by weight and place, in words, or None.

    Parameters
    ----------
    site : Site
        Its shelves, lanes and catalogue.
    moved : sequence of (ItemMove, x_mm)
        What the act moved, and where each item stood.
    """
    lanes = {lane.lane_id: lane for lane in site.planogram.lanes}
    shelves = {shelf.shelf_id: shelf for shelf in site.shelves}
    groups: dict[str, list[tuple[ItemMove, float]]] = {}
    for move, x_mm in moved:
        lane = lanes[move.lane_id]
        separate = shelves[lane.shelf_id].kind == "lane_cells"
        groups.setdefault(lane.lane_id if separate else lane.shelf_id, []).append((move, x_mm))
    for group in groups.values():
        reason = _same_weight_nearby(site, lanes, group)
        if reason is not None:
            return reason
    return None


def _same_weight_nearby(site: Site, lanes: dict[str, LaneConfig], group: list[tuple[ItemMove, float]]) -> str | None:
    mass_g = sum(move.quantity * move.mass_g for move, _ in group)
    if mass_g == 0:
        return "the weights cancel"
    x_mm = sum(move.quantity * move.mass_g * x for move, x in group) / mass_g
    shelf_id = lanes[group[0][0].lane_id].shelf_id
    at_home = all(move.sku == lanes[move.lane_id].sku for move, _ in group)
    truth = _counted(group)
    for other in _explanations(site, shelf_id):
        if other.items == truth:
            continue
        near = not at_home or other.x_mm[0] - REACH_MM < x_mm < other.x_mm[1] + REACH_MM
        sigma_g = math.sqrt(2 * other.variance_g2 + READING_SIGMA_G**2)
        if near and abs(abs(mass_g) - other.mass_g) < SIGMAS * sigma_g:
            return "weighs like " + " + ".join(f"{count} × {sku}" for sku, count in other.items)
    return None


def _counted(group: list[tuple[ItemMove, float]]) -> tuple[tuple[str, int], ...]:
    counts: dict[str, int] = {}
    for move, _ in group:
        counts[move.sku or ""] = counts.get(move.sku or "", 0) + abs(move.quantity)
    return tuple(sorted(counts.items()))


def _explanations(site: Site, shelf_id: str) -> Iterator[_Explanation]:
    lanes = site.planogram.on_shelf(shelf_id)
    for lane in lanes:
        item = site.catalogue.item(lane.sku)
        for n in range(1, MAX_QUANTITY + 1):
            yield _Explanation(((lane.sku, n),), n * item.unit_weight_g, n * item.unit_sigma_g**2, lane.x_mm)
    if next(shelf for shelf in site.shelves if shelf.shelf_id == shelf_id).kind == "lane_cells":
        return  # two lanes would show on two cells
    for first, second in itertools.combinations(lanes, 2):
        one, two = site.catalogue.item(first.sku), site.catalogue.item(second.sku)
        mass_g = one.unit_weight_g + two.unit_weight_g
        share = one.unit_weight_g / mass_g
        middle = share * sum(first.x_mm) / 2 + (1 - share) * sum(second.x_mm) / 2
        items = tuple(sorted(((first.sku, 1), (second.sku, 1))))
        # The pair's centre of mass is known better than either item's place: no lane of its own to be anywhere in.
        yield _Explanation(items, mass_g, one.unit_sigma_g**2 + two.unit_sigma_g**2, (middle - 1.0, middle + 1.0))

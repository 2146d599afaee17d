"""The goods on the shelves: single items, each with a weight and a place of its own."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from edge_agent.config import ShelfConfig, Site
from edge_agent.config.assortment import LaneConfig
from edge_agent.model import FloatArray
from edge_agent.simulation.acts import Movement
from edge_agent.simulation.errors import ImpossibleActError
from edge_agent.simulation.influence import load_shares

FOREIGN_WIDTH_MM = 60.0
"""A telephone or a purse, mm (2026-11)."""


@dataclass(frozen=True, slots=True, eq=False)
class StandingItem:
    """One item (or, with ``sku`` None, one foreign object) on the shelf or in a shopper's hand."""

    sku: str | None
    mass_g: float
    width_mm: float
    x_mm: float = 0.0
    y_mm: float = 0.0


class Goods:
    """Every item in its lane, and what shoppers hold.

    Opening stock follows the planogram, each item's weight drawn from the catalogue's unit weight and spread unless
    ``true_weights_g`` states another mean: a catalogue may be stale. Ask `require` before moving anything.

    Items of which the catalogue tells no width are ``footprint_mm`` wide: their middles stand anywhere in their lane,
    so that they reach over its borders, but not over the shelf's ends.
    """

    def __init__(
        self, site: Site, rng: np.random.Generator, true_weights_g: Mapping[str, float], footprint_mm: float = 0.0
    ) -> None:
        self._site = site
        self._rng = rng
        self._true_weights_g = true_weights_g
        self._footprint_mm = footprint_mm
        self._shelves = {shelf.shelf_id: shelf for shelf in site.shelves}
        self._lanes = {lane.lane_id: lane for lane in site.planogram.lanes}
        self.held: list[StandingItem] = []
        self.standing: dict[str, list[StandingItem]] = {lane_id: [] for lane_id in self._lanes}
        for lane in site.planogram.lanes:
            for _ in range(lane.opening_count):
                self._stand(lane, self._new_item(lane.sku), None)

    def lane(self, lane_id: str) -> LaneConfig:
        """Return a lane of the planogram."""
        if lane_id not in self._lanes:
            raise ImpossibleActError(f"lane {lane_id!r} is not in the planogram: {', '.join(self._lanes)}")
        return self._lanes[lane_id]

    def shelf_of(self, lane_id: str) -> ShelfConfig:
        """Return the shelf that carries a lane."""
        return self._shelves[self.lane(lane_id).shelf_id]

    def stock(self) -> dict[str, dict[str, int]]:
        """Return lane_id → {sku: count} as it really is; foreign objects are not stock."""
        return {
            lane_id: dict(Counter(item.sku for item in items if item.sku is not None))
            for lane_id, items in self.standing.items()
        }

    def load_g(self, shelf_id: str) -> FloatArray:
        """Return the resting load on each cell of a shelf, (channels,)."""
        shelf = self._shelves[shelf_id]
        load_g = np.zeros(len(shelf.channels))
        for lane_id, items in self.standing.items():
            if self._lanes[lane_id].shelf_id == shelf_id:
                for item in items:
                    load_g += self.cell_load_g(shelf, item)
        return load_g

    def cell_load_g(self, shelf: ShelfConfig, item: StandingItem) -> FloatArray:
        """Return what one standing item puts on each cell, (channels,)."""
        return item.mass_g * load_shares(shelf, item.x_mm, item.y_mm, item.width_mm)

    def require(self, movements: Iterable[Movement]) -> None:
        """Refuse movements that the goods do not allow, before any of them is made."""
        standing = {
            (lane_id, sku): sum(item.sku == sku for item in items)
            for lane_id, items in self.standing.items()
            for sku in {item.sku for item in items}
        }
        held = Counter(item.sku for item in self.held)
        for movement in movements:
            place = (self.lane(movement.lane_id).lane_id, movement.sku)
            standing[place] = standing.get(place, 0) + movement.quantity
            held[movement.sku] -= movement.quantity
            if standing[place] < 0:
                raise ImpossibleActError(f"lane {place[0]}: no {movement.sku or 'foreign object'} stands there")
            if movement.sku is not None and held[movement.sku] < 0:
                raise ImpossibleActError(f"nobody holds a {movement.sku} to put into lane {place[0]}")

    def take(self, lane_id: str, sku: str | None) -> StandingItem:
        """Move the front-most item of a SKU from a lane to the shopper's hands."""
        here = [item for item in self.standing[lane_id] if item.sku == sku]
        item = min(here, key=lambda each: each.y_mm)
        self.standing[lane_id].remove(item)
        if sku is not None:
            self.held.append(item)
        return item

    def put_back(self, lane_id: str, sku: str, x_mm: float | None) -> StandingItem:
        """Move an item that a shopper holds into a lane, at ``x_mm`` or somewhere inside it."""
        item = next(each for each in self.held if each.sku == sku)
        self.held.remove(item)
        return self._stand(self.lane(lane_id), item, x_mm)

    def bring(self, sku: str, count: int = 1, factor: float = 1.0) -> None:
        """Bring new items to the shelf, to be put up: of ``factor`` times their SKU's mean weight."""
        for _ in range(count):
            item = self._new_item(sku)
            self.held.append(replace(item, mass_g=factor * item.mass_g))

    def use_up(self, sku: str, left: float) -> None:
        """Eat or drink of an item that a shopper holds until only the share ``left`` of its weight is."""
        place = next(place for place, each in enumerate(self.held) if each.sku == sku)
        self.held[place] = replace(self.held[place], mass_g=left * self.held[place].mass_g)

    def leave_foreign(self, lane_id: str, mass_g: float, x_mm: float | None) -> StandingItem:
        """Put a thing that the store does not sell into a lane."""
        return self._stand(self.lane(lane_id), StandingItem(None, mass_g, FOREIGN_WIDTH_MM), x_mm)

    def _new_item(self, sku: str) -> StandingItem:
        item = self._site.catalogue.item(sku)
        mean_g = self._true_weights_g.get(sku, item.unit_weight_g)
        mass_g = max(mean_g + item.unit_sigma_g * self._rng.standard_normal(), 0.1 * mean_g)
        width_mm = item.size_mm[0] if item.size_mm is not None else self._footprint_mm
        return StandingItem(sku, mass_g, width_mm)

    def _stand(self, lane: LaneConfig, item: StandingItem, x_mm: float | None) -> StandingItem:
        left, right = lane.x_mm
        loose = item.sku is not None and self._site.catalogue.item(item.sku).size_mm is None
        play_mm = max((right - left - (0.0 if loose else item.width_mm)) / 2, 0.0)
        sideways, deep = self._rng.uniform(-1, 1), self._rng.uniform(0.15, 0.85)
        x = (left + right) / 2 + sideways * play_mm if x_mm is None else x_mm
        shelf = self._shelves[lane.shelf_id]
        if loose and item.width_mm > 0 and x_mm is None:
            x = _turned_back(x, item.width_mm / 2, shelf.width_mm - item.width_mm / 2)
        placed = StandingItem(item.sku, item.mass_g, item.width_mm, x, deep * shelf.depth_mm)
        self.standing[lane.lane_id].append(placed)
        return placed


def _turned_back(x_mm: float, low_mm: float, high_mm: float) -> float:
    """Return a place as far within bounds as it was beyond them."""
    x_mm = low_mm + abs(x_mm - low_mm)
    return high_mm - abs(high_mm - x_mm)

"""An act in physics as the judge's ideal act: its true changes with stated noise, and the oracle that reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from edge_agent.config import ShelfConfig, Site
from edge_agent.judging.acts import IdealAct, MovedItem
from edge_agent.judging.bills import MAX_ITEMS, Bill
from edge_agent.judging.habits import FloatArray, Habits, IntArray
from edge_agent.judging.hardware import EVENT_NOISE_G, HARDWARE, Hardware, HardwareKind
from edge_agent.judging.lane_oracle import LaneOracle
from edge_agent.judging.narrow_oracle import NarrowOracle
from edge_agent.judging.oracle import Enumeration, Oracle, enumeration
from edge_agent.judging.platform_oracle import PlatformOracle
from edge_agent.judging.suites import DEPTH_MM, WIDTH_MM, Shelf
from edge_agent.model import Stock
from edge_agent.simulation.truth import ActTruth

X_SIGMA_MM, Y_SIGMA_MM = 17.0, 90.0
"""Scatter about the lane's middle by which the oracle's Gaussian fits physics best. There items stand uniformly over
the lane (75 mm: 21.7 mm, but never beyond its edges) and the front-most goes first. Least log loss of its posterior
over 60 platforms a suite, among six pairs (2026-11)."""
MISPLACED_SHARE = 0.01
"""Items found or put astray: 0.9 % of 4,152 moved by `shopper.visit` (2026-11)."""

ORACLES: Mapping[HardwareKind, type[LaneOracle | PlatformOracle | NarrowOracle]] = {
    "lane_cells": LaneOracle,
    "platform": PlatformOracle,
    "narrow_plates": NarrowOracle,
}

_known = cache(enumeration)


def felt_habits(habits: Habits) -> Habits:
    """Return the habits by which the oracle explains acts in physics."""
    return replace(habits, misplaced_share=MISPLACED_SHARE, x_sigma_mm=X_SIGMA_MM, y_sigma_mm=Y_SIGMA_MM)


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """A site's shelf as the judge knows shelves.

    Attributes
    ----------
    skus, lanes : mapping to rows
        Which row of ``shelf`` a SKU and a lane are.
    """

    shelf: Shelf
    hardware: Hardware
    skus: Mapping[str, int]
    lanes: Mapping[str, int]

    @staticmethod
    def of(site: Site, shelf_id: str) -> "Ground":
        """Return a shelf of a site: one SKU a lane, lanes of equal width.

        Raises
        ------
        ValueError
            The judge knows no such shelf.
        """
        config = next(each for each in site.shelves if each.shelf_id == shelf_id)
        lanes = sorted(site.planogram.on_shelf(shelf_id), key=lambda lane: lane.x_mm)
        items = [site.catalogue.item(lane.sku) for lane in lanes]
        skus = {item.sku: row for row, item in enumerate(items)}
        widths = [lane.x_mm[1] - lane.x_mm[0] for lane in lanes]
        if (config.width_mm, config.depth_mm) != (WIDTH_MM, DEPTH_MM) or len(skus) < len(lanes) or np.ptp(widths) > 1:
            raise ValueError(
                f"shelf {shelf_id!r}: the judge knows shelves of {WIDTH_MM:g} × {DEPTH_MM:g} mm, one SKU a lane"
            )
        shelf = Shelf(
            shelf_id,
            np.array([item.unit_weight_g for item in items]),
            np.array([item.unit_sigma_g for item in items]),
            np.arange(len(items)),
        )
        return Ground(shelf, _hardware(config, shelf), skus, {lane.lane_id: row for row, lane in enumerate(lanes)})

    def oracle(self, habits: Habits) -> "StockedOracle":
        """Return who knows best what was moved here."""
        known = _known(len(self.skus), habits)
        return StockedOracle(known, ORACLES[self.hardware.kind](known, self.shelf, per_item=False))

    def act(self, truth: ActTruth) -> IdealAct | None:
        """Return an act as the judge's; None where his oracle has no word for it.

        It knows acts of one to four of the shelf's items, all taken or all put.
        """
        signs = {move.quantity for move in truth.moves}
        known = all(move.sku in self.skus and move.lane_id in self.lanes for move in truth.moves)
        if len(signs) != 1 or not known or len(truth.moves) > MAX_ITEMS:
            return None
        items = tuple(
            MovedItem(self.skus[move.sku or ""], self.lanes[move.lane_id], move.mass_g, move.x_mm, move.y_mm)
            for move in truth.moves
        )
        return IdealAct(truth.act_index, signs.pop(), items)

    def standing(self, stock: Stock) -> IntArray:
        """Return how many of every SKU stand on the shelf, in whatever lane, (skus,)."""
        count = np.zeros(len(self.skus), dtype=np.int64)
        for lane_id in self.lanes:
            for sku, here in stock.get(lane_id, {}).items():
                count[self.skus[sku]] += here
        return count


def _hardware(config: ShelfConfig, shelf: Shelf) -> Hardware:
    """Return the judge's hardware of that kind; his platform's cells stand where his do, for his oracle's sake."""
    if config.kind != "lane_cells":
        return HARDWARE[config.kind]
    x_mm = shelf.middles_mm()
    return Hardware("lane_cells", x_mm, np.full_like(x_mm, DEPTH_MM / 2), np.eye(len(x_mm)) * EVENT_NOISE_G**2)


@dataclass(frozen=True, slots=True, eq=False)
class StockedOracle:
    """The judge's oracle, told besides how many of every SKU stand there."""

    known: Enumeration
    oracle: Oracle

    def posterior(self, delta_g: FloatArray, standing: IntArray) -> FloatArray:
        """Return the probability of every bill, (bills,), none of it for taking more than stands there.

        What shoppers hold is not asked: a shelf's sensors do not know it.

        Parameters
        ----------
        delta_g : (channels,)
            An ideal step; its total's sign says whether things were taken or put.
        standing : (skus,)
            How many of every SKU stand on the shelf before.
        """
        everything = self.oracle.posterior(delta_g, [])
        if delta_g.sum() > 0:
            return everything
        possible = np.where((self.known.bills.counts <= standing).all(axis=1), everything, 0.0)
        total = possible.sum()
        return possible / total if total > 0 else everything

    def choice(self, posterior: FloatArray, sign: int) -> tuple[Bill, float]:
        """Return the most probable bill and its probability."""
        best = int(posterior.argmax())
        return self.known.bills.bill(best, sign), float(posterior[best])

    def merit(self, posterior: FloatArray, bill: Bill, sign: int) -> float:
        """Return a bill's probability: 0 for what is empty, goes the other way or both, or is not among the bills."""
        items = [sku for sku, quantity in bill for _ in range(sign * quantity)]
        if not 0 < len(items) <= MAX_ITEMS or any(sign * quantity < 0 for _, quantity in bill):
            return 0.0
        return float(posterior[self.known.bills.row(items)])


def stocks_before(opening: Stock, truths: Sequence[ActTruth]) -> list[dict[str, dict[str, int]]]:
    """Return what stood where before each act, lane_id → {sku: count}."""
    stock = {lane_id: dict(here) for lane_id, here in opening.items()}
    before = []
    for truth in truths:
        before.append({lane_id: dict(here) for lane_id, here in stock.items()})
        for sku, quantity, lane_id in truth.items:
            stock[lane_id][sku] = stock[lane_id].get(sku, 0) + quantity
    return before

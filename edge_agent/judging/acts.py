"""One act as it really was: which items, what each weighs, where each stands."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from edge_agent.judging.bills import Bill
from edge_agent.judging.habits import Habits
from edge_agent.judging.suites import DEPTH_MM, SUITES, Shelf


@dataclass(frozen=True, slots=True)
class MovedItem:
    """One item: its SKU's and its lane's row, its own weight, the middle of its place."""

    sku: int
    lane: int
    mass_g: float
    x_mm: float
    y_mm: float


@dataclass(frozen=True, slots=True)
class IdealAct:
    """What happened: the items in the order in which they went, all off the shelf (sign −1) or onto it (+1)."""

    number: int
    sign: int
    items: tuple[MovedItem, ...]

    @property
    def bill(self) -> Bill:
        """Return the SKUs and signed quantities."""
        return tuple(
            (sku, self.sign * count) for sku, count in sorted(Counter(item.sku for item in self.items).items())
        )

    @property
    def misplaced(self) -> int:
        """Return how many of the items stood in another lane than their own."""
        return sum(item.sku != item.lane for item in self.items)


def act_rng(suite: str, seed: int, number: int, purpose: int) -> np.random.Generator:
    """Return fresh dice for one act and one purpose, so that no contestant's dice move another's."""
    return np.random.default_rng(np.random.SeedSequence([seed, list(SUITES).index(suite), number, purpose]))


def draw_act(shelf: Shelf, habits: Habits, seed: int, number: int) -> IdealAct:
    """Return an act; the same arguments give the same one, on whatever hardware it is then weighed."""
    rng = act_rng(shelf.suite, seed, number, 1)
    skus = len(shelf.weight_g)
    count = 1 + int(rng.choice(4, p=habits.number_share))
    first = int(rng.integers(skus))
    items = []
    for place in range(count):
        sku = first
        if place and rng.random() >= habits.same_share:
            sku = (first + 1 + int(rng.integers(skus - 1))) % skus
        lane = sku
        if rng.random() < habits.misplaced_share:
            lane = (sku + 1 + int(rng.integers(skus - 1))) % skus
        x_mm = shelf.middles_mm()[lane] + habits.x_sigma_mm * rng.standard_normal()
        y_mm = DEPTH_MM / 2 + habits.y_sigma_mm * rng.standard_normal()
        mass_g = shelf.weight_g[sku] + shelf.sigma_g[sku] * rng.standard_normal()
        items.append(MovedItem(sku, lane, float(mass_g), float(x_mm), float(y_mm)))
    sign = 1 if rng.random() < habits.put_share else -1
    return IdealAct(number, sign, tuple(items))

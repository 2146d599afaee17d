"""A scripted shopper: the everyday stories of a shelf in an order that a seed decides."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from edge_agent.config import Site
from edge_agent.config.assortment import LaneConfig
from edge_agent.simulation.acts import Movement, PlannedAct, Story

FIRST_ACT_S = 3.0
"""Quiet before the first act, s: the agent has to know the shelf at rest (2026-11)."""
PAUSE_S = (3.0, 5.0)
"""Quiet between one act's end and the next one's start, s (2026-11)."""
LONGEST_REACH_S = 1.5
FURTHER_ITEM_S = 0.8
PRESS_G = (300.0, 12_000.0)
FOREIGN_G = (60.0, 400.0)
"""From a glove to a drinking bottle, g (2026-11)."""
FREQUENT = (Story.TAKE_ONE, Story.TAKE_ONE, Story.TAKE_SEVERAL, Story.PUT_BACK)


def scripted_session(
    site: Site,
    seed: int,
    *,
    act_count: int | None = None,
    duration_s: float | None = None,
    first_act_s: float = FIRST_ACT_S,
    pause_s: tuple[float, float] = PAUSE_S,
) -> tuple[PlannedAct, ...]:
    """Return acts that follow one another without overlap: every story once (where the site allows it), then at random.

    Parameters
    ----------
    site : Site
        Whose planogram and opening stock the shopper finds.
    seed : int
        Same seed, same session.
    act_count, duration_s : int, float, optional
        Where the session ends: after so many acts, or before world time ``duration_s``; at least one is needed.
    first_act_s : float
        World time of the first act.
    pause_s : (float, float)
        Shortest and longest quiet between acts.

    Raises
    ------
    ValueError
        Neither ``act_count`` nor ``duration_s`` is given.
    """
    if act_count is None and duration_s is None:
        raise ValueError("scripted_session: give act_count, duration_s, or both")
    rng = np.random.default_rng(np.random.SeedSequence([seed, 1]))
    session: list[PlannedAct] = []
    t_s = first_act_s
    for story, movements, press in _Shopper(site, rng).stories():
        ends_s = t_s + _allowance_s(movements)
        if (act_count is not None and len(session) >= act_count) or (duration_s is not None and ends_s > duration_s):
            break
        lane_id, press_g = press or (None, 0.0)
        session.append(PlannedAct(t_s, story, movements, press_g, lane_id))
        t_s = ends_s + float(rng.uniform(*pause_s))
    return tuple(session)


def _allowance_s(movements: tuple[Movement, ...]) -> float:
    items = sum(abs(movement.quantity) for movement in movements)
    return LONGEST_REACH_S * max(len(movements), 1) + FURTHER_ITEM_S * max(items - 1, 0)


Told = tuple[Story, tuple[Movement, ...], tuple[str, float] | None]


class _Shopper:
    """Knows what stands where and what is in the hands; tells one possible story after the other."""

    def __init__(self, site: Site, rng: np.random.Generator) -> None:
        self._rng = rng
        self._site = site
        self._lanes = {lane.lane_id: lane for lane in site.planogram.lanes}
        self._stock = {lane_id: Counter(counts) for lane_id, counts in site.opening_stock().items()}
        self._held: Counter[str] = Counter()
        self._home = {lane.sku: lane for lane in site.planogram.lanes}
        self._foreign: str | None = None
        self._variants = [
            (left, right)
            for shelf in site.shelves
            if shelf.kind == "platform"
            for left, right in pairwise(site.planogram.on_shelf(shelf.shelf_id))
            if self._same_weight(left.sku, right.sku)
        ]

    def stories(self) -> Iterator[Told]:
        """Yield stories without end; stops where the shelves allow none any more."""
        tellers: dict[Story, Callable[[], Told | None]] = {
            Story.TAKE_ONE: lambda: self._take(Story.TAKE_ONE, 1),
            Story.TAKE_SEVERAL: lambda: self._take(Story.TAKE_SEVERAL, int(self._rng.integers(2, 4))),
            Story.TAKE_TWO_PRODUCTS: self._take_two,
            Story.PUT_BACK: self._put_back,
            Story.PUT_BACK_ELSEWHERE: self._put_back_elsewhere,
            Story.TAKE_MISPLACED: self._take_misplaced,
            Story.PRESS: self._press,
            Story.TAKE_VARIANT: self._take_variant,
            Story.PUT_BACK_BETWEEN: self._put_back_between,
            Story.LEAVE_FOREIGN: self._leave_foreign,
            Story.REMOVE_FOREIGN: self._remove_foreign,
        }
        untold = [Story.TAKE_ONE, Story.TAKE_SEVERAL, *self._shuffled(list(tellers))]
        while True:
            told = None
            for story in [*untold, *self._shuffled([*FREQUENT, *tellers])]:
                told = tellers[story]()
                if told is not None:
                    if story in untold:
                        untold.remove(story)
                    break
            if told is None:
                return
            yield told

    def _take(self, story: Story, quantity: int) -> Told | None:
        lane = self._pick([lane for lane in self._ordinary() if self._stock[lane.lane_id][lane.sku] >= quantity])
        return (story, (self._moved(lane, lane.sku, -quantity),), None) if lane else None

    def _take_two(self) -> Told | None:
        for shelf in sorted(self._site.shelves, key=lambda each: each.kind):  # separate lanes first: never ambiguous
            stocked = [lane for lane in self._ordinary(shelf.shelf_id) if self._stock[lane.lane_id][lane.sku] > 0]
            if len(stocked) >= 2:
                first, second = (stocked[place] for place in self._rng.choice(len(stocked), 2, replace=False))
                return (
                    Story.TAKE_TWO_PRODUCTS,
                    (self._moved(first, first.sku, -1), self._moved(second, second.sku, -1)),
                    None,
                )
        return None

    def _put_back(self) -> Told | None:
        lane = self._pick([lane for lane in self._ordinary() if self._held[lane.sku] and self._room(lane)])
        return (Story.PUT_BACK, (self._moved(lane, lane.sku, 1),), None) if lane else None

    def _put_back_elsewhere(self) -> Told | None:
        choices = [
            (sku, lane)
            for sku in self._held
            if self._held[sku] > 0 and self._home[sku] in self._ordinary()
            for lane in self._ordinary(self._home[sku].shelf_id)
            if lane.sku != sku and self._room(lane)
        ]
        if not choices:
            return None
        sku, lane = choices[self._rng.integers(len(choices))]
        return Story.PUT_BACK_ELSEWHERE, (self._moved(lane, sku, 1),), None

    def _take_misplaced(self) -> Told | None:
        strays = [
            (lane, sku)
            for lane in self._lanes.values()
            for sku, count in self._stock[lane.lane_id].items()
            if sku != lane.sku and count > 0
        ]
        if not strays:
            return None
        lane, sku = strays[self._rng.integers(len(strays))]
        return Story.TAKE_MISPLACED, (self._moved(lane, sku, -1),), None

    def _press(self) -> Told | None:
        lane = self._pick(list(self._lanes.values()))
        low, high = np.log(PRESS_G)
        return (Story.PRESS, (), (lane.lane_id, float(np.exp(self._rng.uniform(low, high))))) if lane else None

    def _take_variant(self) -> Told | None:
        pairs = [lane for pair in self._variants for lane in pair if self._stock[lane.lane_id][lane.sku] > 0]
        lane = self._pick(pairs)
        return (Story.TAKE_VARIANT, (self._moved(lane, lane.sku, -1),), None) if lane else None

    def _put_back_between(self) -> Told | None:
        held = [(pair, lane) for pair in self._variants for lane in pair if self._held[lane.sku] and self._room(lane)]
        if not held:
            return None
        (left, _), lane = held[self._rng.integers(len(held))]
        return Story.PUT_BACK_BETWEEN, (self._moved(lane, lane.sku, 1, x_mm=left.x_mm[1]),), None

    def _leave_foreign(self) -> Told | None:
        lane = self._pick(list(self._lanes.values()))
        if lane is None or self._foreign is not None:
            return None
        self._foreign = lane.lane_id
        mass_g = float(self._rng.uniform(*FOREIGN_G))
        return Story.LEAVE_FOREIGN, (Movement(lane.lane_id, 1, None, mass_g),), None

    def _remove_foreign(self) -> Told | None:
        if self._foreign is None:
            return None
        lane_id, self._foreign = self._foreign, None
        return Story.REMOVE_FOREIGN, (Movement(lane_id, -1, None),), None

    def _moved(self, lane: LaneConfig, sku: str, quantity: int, x_mm: float | None = None) -> Movement:
        self._stock[lane.lane_id][sku] += quantity
        self._held[sku] -= quantity
        return Movement(lane.lane_id, quantity, sku, x_mm=x_mm)

    def _ordinary(self, shelf_id: str | None = None) -> list[LaneConfig]:
        """Return lanes, of one shelf or all, whose SKU has no neighbour of the same weight."""
        variants = [lane for pair in self._variants for lane in pair]
        return [
            lane
            for lane in self._lanes.values()
            if lane not in variants and (shelf_id is None or lane.shelf_id == shelf_id)
        ]

    def _room(self, lane: LaneConfig) -> bool:
        return self._stock[lane.lane_id].total() < lane.capacity

    def _same_weight(self, left: str, right: str) -> bool:
        one, two = self._site.catalogue.item(left), self._site.catalogue.item(right)
        return abs(one.unit_weight_g - two.unit_weight_g) < one.unit_sigma_g + two.unit_sigma_g

    def _pick(self, lanes: list[LaneConfig]) -> LaneConfig | None:
        return lanes[self._rng.integers(len(lanes))] if lanes else None

    def _shuffled(self, stories: list[Story]) -> list[Story]:
        return [stories[place] for place in self._rng.permutation(len(stories))]

"""Acts on a stocked shelf by the judge's habits: takes and put-backs of one to four items, presses, strays."""

from dataclasses import replace

import numpy as np

from edge_agent.judging.habits import Habits
from edge_agent.judging.hardware import FOOTPRINT_MM
from edge_agent.simulation.acts import Movement, PlannedAct, Story
from edge_agent.simulation.goods import Goods
from edge_agent.simulation.truth import ActKind, ActTruth
from edge_agent.simulation.world import ShelfWorld

FIRST_ACT_S = 6.0
"""Boards are found, clocks fitted and the shelf seen at rest before, s."""
PAUSE_S = (2.5, 6.0)
"""Quiet between one release and the next touch, s (assumed, 2026-11)."""
ASTRAY_SHARE = 0.08
"""Put-backs that end in another lane: with one in ten acts a put-back, about as many as are found astray (2026-11)."""
LEANING_SHARE, PRESS_SHARE = 0.05, 0.03
"""Acts in which the hand leans on the goods, and touches that move nothing (assumed, 2026-11)."""
PRESS_G = (300.0, 12_000.0)
PAIR_SHARE = 0.05
"""Of the acts that put nothing: during those a second shopper takes or presses on the same shelf (assumed, 2026-12)."""
PAIR_BEGINS = (0.1, 0.9)
"""When the second one begins, as a share of the first one's act."""


def visit(world: ShelfWorld, habits: Habits, rng: np.random.Generator, acts: int) -> list[ActTruth]:
    """Perform acts on the world's one shelf and return what happened; fewer where the shelf runs empty.

    A second shopper's act at the same time does not count as one of ``acts``, but is returned as one of its own.
    """
    truths: list[ActTruth] = []
    t_s = FIRST_ACT_S
    for _ in range(acts):
        act = _next_act(world.goods, t_s, habits, rng)
        if act is None:
            break
        first = world.perform(act)
        truths.append(first)
        if first.kind in {ActKind.TAKE, ActKind.PRESS} and rng.random() < PAIR_SHARE:
            begins_s = first.t_start_s + float(rng.uniform(*PAIR_BEGINS)) * (first.t_release_s - first.t_start_s)
            other = _next_act(world.goods, begins_s, replace(habits, put_share=0.0), rng)
            truths += [world.perform(other)] if other is not None else []
        t_s = max(each.t_release_s for each in truths[-2:]) + float(rng.uniform(*PAUSE_S))
    return truths


def _next_act(goods: Goods, t_s: float, habits: Habits, rng: np.random.Generator) -> PlannedAct | None:
    lanes = list(goods.standing)
    press_g = float(np.exp(rng.uniform(*np.log(PRESS_G)))) if rng.random() < LEANING_SHARE else 0.0
    if rng.random() < PRESS_SHARE:
        push_g = float(np.exp(rng.uniform(*np.log(PRESS_G))))
        return PlannedAct(t_s, Story.PRESS, (), push_g, lanes[int(rng.integers(len(lanes)))])
    count = 1 + int(rng.choice(4, p=habits.number_share))
    puts = bool(goods.held) and rng.random() < habits.put_share
    movements = _put_back(goods, min(count, len(goods.held)), rng) if puts else ()
    story = Story.PUT_BACK
    if not movements:
        movements = _take(goods, count, habits, rng)
        story = Story.TAKE_ONE if count == 1 else Story.TAKE_SEVERAL if len(movements) == 1 else Story.TAKE_TWO_PRODUCTS
    return PlannedAct(t_s, story, movements, press_g) if movements else None


def _take(goods: Goods, count: int, habits: Habits, rng: np.random.Generator) -> tuple[Movement, ...]:
    standing = [(lane_id, item.sku) for lane_id, items in goods.standing.items() for item in items if item.sku]
    if not standing:
        return ()
    skus = sorted({sku for _, sku in standing})
    first = skus[int(rng.integers(len(skus)))]
    chosen: dict[tuple[str, str], int] = {}
    for place in range(count):
        sku = first
        if place and rng.random() >= habits.same_share:
            sku = skus[int(rng.integers(len(skus)))]
        here = [lane_id for lane_id, each in standing if each == sku]
        if not here:
            continue
        lane_id = here[int(rng.integers(len(here)))]
        standing.remove((lane_id, sku))
        chosen[lane_id, sku] = chosen.get((lane_id, sku), 0) + 1
    return tuple(Movement(lane_id, -number, sku) for (lane_id, sku), number in chosen.items())


def _put_back(goods: Goods, count: int, rng: np.random.Generator) -> tuple[Movement, ...]:
    """Return a put-back into a lane whose cell bears it; none where no lane's does."""
    held = [item.sku for item in goods.held if item.sku]
    sku = held[int(rng.integers(len(held)))]
    count = min(count, held.count(sku))
    added_g = sum([item.mass_g for item in goods.held if item.sku == sku][:count])
    roomy = [lane_id for lane_id in goods.standing if _bears(goods, lane_id, added_g)]
    home = next(lane_id for lane_id in goods.standing if goods.lane(lane_id).sku == sku)
    others = [lane_id for lane_id in roomy if lane_id != home]
    if others and (home not in roomy or rng.random() < ASTRAY_SHARE):
        return (Movement(others[int(rng.integers(len(others)))], count, sku),)
    return (Movement(home, count, sku),) if home in roomy else ()


def _bears(goods: Goods, lane_id: str, added_g: float) -> bool:
    """Return whether a lane's cells bear so much more; a platform's four bear what was taken from them.

    Of narrow plates each must, that an item in the lane may touch: as if all of it stood there.
    """
    shelf = goods.shelf_of(lane_id)
    if shelf.kind == "narrow_plates":
        left_mm, right_mm = goods.lane(lane_id).x_mm
        near = [left_mm - FOOTPRINT_MM / 2 < each.x_mm < right_mm + FOOTPRINT_MM / 2 for each in shelf.channels]
        return bool(goods.load_g(shelf.shelf_id)[near].max() + added_g <= shelf.limits.cell_max_g)
    load_g = sum(item.mass_g for item in goods.standing[lane_id])
    return shelf.kind == "platform" or load_g + added_g <= shelf.limits.cell_max_g

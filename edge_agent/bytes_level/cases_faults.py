"""Named cases of boards, cells and agents that fail: the rest goes on, and what nobody saw is told apart."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from edge_agent.bytes_level.course import Away, CellFault, Course, Gap
from edge_agent.bytes_level.scenario import (
    APART_S,
    FIRST_S,
    Rng,
    Scenario,
    any_lane,
    lanes_of,
    row_of_takes,
    two_lanes,
)
from edge_agent.config import ShelfConfig
from edge_agent.simulation.world import Air, ShelfWorld

GAP_S = 1.3
FAILS_S = 4.0
NOISE_SHARE = (0.001, 0.02)
"""A loose plug's noise over the cell's capacity, from just above a healthy cell's worst on (assumed, 2026-12)."""
NIGHT_S = 8 * 3600.0
RESTART_S = 12.0
HALF_AN_ORACLE = "its shelves are whole"
UNSEEN = "nobody saw the act"


def _gap(world: ShelfWorld, rng: Rng) -> Course:
    """Take one item while its board drops 1.3 s of readings."""
    lane = any_lane(world, rng)
    world.take(lane, FIRST_S)
    uid = world.goods.shelf_of(lane).channels[0].board_uid
    return Course(gaps=(Gap(uid, FIRST_S + float(rng.uniform(-1.0, 1.0)), GAP_S),))


def _broken_cell(world: ShelfWorld, rng: Rng, kind: Literal["stuck", "noisy", "silent"]) -> Course:
    """Let one cell of a shelf fail, then take five times from whatever does not rest on it alone."""
    shelf = world.site.shelves[int(rng.integers(len(world.site.shelves)))]
    place = int(rng.integers(len(shelf.channels)))
    lanes = [lane for lane in lanes_of(world) if not _rests_on(world, lane, shelf, place)]
    for number in range(5):
        world.take(lanes[int(rng.integers(len(lanes)))], FIRST_S + APART_S * number)
    channel = shelf.channels[place]
    noise_g = float(np.exp(rng.uniform(*np.log(NOISE_SHARE)))) * shelf.limits.cell_max_g
    return Course(cell_faults=(CellFault(channel.board_uid, channel.index, FAILS_S, kind, noise_g),))


def _rests_on(world: ShelfWorld, lane_id: str, shelf: ShelfConfig, place: int) -> bool:
    """Return whether a lane rests on one cell of a shelf alone."""
    lane = world.goods.lane(lane_id)
    alone = shelf.kind == "lane_cells" and lane.shelf_id == shelf.shelf_id
    return alone and lane.x_mm[0] < shelf.channels[place].x_mm < lane.x_mm[1]


def _stuck(world: ShelfWorld, rng: Rng) -> Course:
    return _broken_cell(world, rng, "stuck")


def _noisy(world: ShelfWorld, rng: Rng) -> Course:
    return _broken_cell(world, rng, "noisy")


def _lost_cell(world: ShelfWorld, rng: Rng) -> Course:
    return _broken_cell(world, rng, "silent")


def _lost_board(world: ShelfWorld, rng: Rng) -> Course:
    """Pull one board's cable and take from the other shelf."""
    gone, there = rng.permutation(len(world.site.shelves))
    row_of_takes(world, rng, shelf_id=world.site.shelves[there].shelf_id)
    return Course(lost_boards=((world.site.shelves[gone].channels[0].board_uid, FAILS_S),))


def _unseen_change(world: ShelfWorld, rng: Rng, away_from_s: float) -> None:
    """Take from one lane of a shelf, or from two, while nobody watches."""
    first, second = two_lanes(world, rng)
    world.take(first, away_from_s + 2.0)
    if rng.random() < 0.5:
        world.take(second, away_from_s + 6.0)


def _restart(world: ShelfWorld, rng: Rng) -> Course:
    """Take, let the agent restart while a shelf changes, take again."""
    row_of_takes(world, rng, 1)
    away = Away(FIRST_S + APART_S, FIRST_S + APART_S + RESTART_S, power_cut=False)
    _unseen_change(world, rng, away.from_s)
    row_of_takes(world, rng, 1, away.until_s + 2 * APART_S)
    return Course(away=away)


def _night(world: ShelfWorld, rng: Rng) -> Course:
    """Take, cut the power for a night in which a shelf changes, take again."""
    row_of_takes(world, rng, 1)
    away = Away(FIRST_S + APART_S, FIRST_S + APART_S + NIGHT_S, power_cut=True)
    _unseen_change(world, rng, away.from_s)
    row_of_takes(world, rng, 1, away.until_s + 2 * APART_S)
    return Course(away=away)


CASES: Mapping[str, Scenario] = {
    "glitch runs": Scenario("takes while 3 % of readings are wrong", row_of_takes, glitch_rate=0.03),
    "gap in the readings": Scenario(
        "a take of which 1.3 s of readings are missing", _gap, no_oracle="its readings are whole"
    ),
    "stuck cell": Scenario("takes elsewhere after one cell's reading froze", _stuck, no_oracle=HALF_AN_ORACLE),
    "noisy cell": Scenario(
        "takes elsewhere after one cell became noisy by 0.1-2 % of its capacity", _noisy, no_oracle=HALF_AN_ORACLE
    ),
    "lost cell": Scenario("takes elsewhere after one cell fell silent", _lost_cell, no_oracle=HALF_AN_ORACLE),
    "lost board": Scenario("takes from the other shelf after a board's cable was pulled", _lost_board),
    "agent restarted": Scenario(
        "one or two lanes of a shelf change while the agent is off for 12 s", _restart, no_oracle=UNSEEN
    ),
    "power back after a night": Scenario(
        "one or two lanes of a shelf change in eight hours without power",
        _night,
        air=Air(21.0, 3.0, 12 * 3600.0),
        no_oracle=UNSEEN,
    ),
}

"""Named cases of what surrounds a shelf: air, water, motors, and time."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from edge_agent.bytes_level.course import Course
from edge_agent.bytes_level.scenario import APART_S, FIRST_S, Rng, Scenario, any_lane, any_shelf, row_of_takes
from edge_agent.bytes_level.scenario_shops import half_full
from edge_agent.simulation.cell import CellPhysics
from edge_agent.simulation.hardware import BoardPhysics
from edge_agent.simulation.incidents import condense, run_compressor, wipe
from edge_agent.simulation.world import Air, ShelfWorld
from edge_agent.vocabulary import Mode

WATER_G = 30.0
WATER_S = 150.0
"""Water gathers some twenty times faster than in a fridge, so that a case ends."""
NIGHT_S = 240.0
"""Eight hours of drift in four minutes: the air's half swing and the cells' lag are both 120 times faster."""
STANDS_S = 150.0
RESTOCKED_LANES = 3
HEAVY = ("A2", "A4", "A6", "D1", "D2", "D4")
"""Lanes of the heavier goods."""
CAPACITIES_G = (5_000.0, 20_000.0)
"""Of the example shop's cells."""
CHILL = Air(-18.0, 0.5)


def _cells(lag_s: float, creep: float | None = None) -> Callable[[BoardPhysics], BoardPhysics]:
    """Return how to give a board's cells another lag behind the air, and another creep."""

    def changed(physics: BoardPhysics) -> BoardPhysics:
        cells = {each: replace(physics.cell(each), thermal_lag_s=lag_s) for each in CAPACITIES_G}
        if creep is not None:
            cells = {each: replace(cell, creep=creep) for each, cell in cells.items()}
        return replace(physics, cells=cells)

    return changed


def _long_after(world: ShelfWorld, rng: Rng) -> None:
    """Take something, and again after the night."""
    row_of_takes(world, rng, 1)
    row_of_takes(world, rng, 1, FIRST_S + NIGHT_S)


def _door_left_open(world: ShelfWorld, rng: Rng) -> None:
    """Take something every 45 s while it gets warm."""
    for number in range(5):
        row_of_takes(world, rng, 1, FIRST_S + 45.0 * number)


def _water(world: ShelfWorld, rng: Rng) -> None:
    """Let water gather in a lane, wipe it off, then take from there."""
    lane = any_lane(world, rng)
    condense(world, lane, FIRST_S, FIRST_S + WATER_S, WATER_G)
    wipe(world, rng, lane, FIRST_S + WATER_S + APART_S, WATER_G)
    world.take(lane, FIRST_S + WATER_S + 3 * APART_S)


def _compressor(world: ShelfWorld, rng: Rng) -> None:
    """Take four times from a shelf, the first three while a motor shakes it."""
    shelf_id = any_shelf(world, rng)
    run_compressor(world, rng, shelf_id, FIRST_S - 3.0, FIRST_S + 3 * APART_S - 1.5)
    row_of_takes(world, rng, 4, shelf_id=shelf_id)


def _creep(world: ShelfWorld, rng: Rng) -> Course:
    """Let staff put up the heavier goods, then leave the shelf alone, then take something."""
    for number, place in enumerate(rng.choice(len(HEAVY), RESTOCKED_LANES, replace=False)):
        lane = world.goods.lane(HEAVY[place])
        count = min(lane.capacity - len(world.goods.standing[lane.lane_id]), 5)
        world.goods.bring(lane.sku, count)
        world.put_back(lane.sku, lane.lane_id, FIRST_S + APART_S * number, count)
    selling_s = FIRST_S + APART_S * RESTOCKED_LANES + 2.0
    row_of_takes(world, rng, 1, selling_s + STANDS_S)
    return Course(modes=((FIRST_S - 3.0, Mode.STAFF), (selling_s, Mode.SELLING)))


CASES: Mapping[str, Scenario] = {
    "warming air": Scenario("takes while the air swings by 6 °C in four minutes", row_of_takes, air=Air(21, 3, 240)),
    "overnight drift": Scenario(
        "two takes, between them a night's 6 °C pressed into four minutes",
        _long_after,
        air=Air(21.0, 3.0, 2 * NIGHT_S),
        physics=_cells(CellPhysics(1.0).thermal_lag_s / 120),
    ),
    "freezer door left open": Scenario(
        "takes while the air rises from -18 to -3 °C in three minutes",
        _door_left_open,
        air=replace(CHILL, step_c=15.0, step_at_s=FIRST_S, step_s=180.0),
    ),
    "door opened": Scenario(
        "takes while the air jumps from -18 to -8 °C around cells that follow in a minute",
        row_of_takes,
        air=replace(CHILL, step_c=10.0, step_at_s=FIRST_S - 1.0, step_s=3.0),
        physics=_cells(60.0),
    ),
    "condensation": Scenario(
        "30 g of water gather in a lane and are wiped off, then an item is taken",
        _water,
        may_be_silent=True,
        no_oracle="water is not of the shelf",
    ),
    "compressor": Scenario("takes while a motor shakes the shelf, and after", _compressor),
    "creep after restock": Scenario(
        "staff put up heavy goods; nothing for minutes, then a take",
        _creep,
        judged_from=RESTOCKED_LANES,
        site=half_full,
        physics=_cells(CellPhysics(1.0).thermal_lag_s, creep=1e-3),
    ),
}

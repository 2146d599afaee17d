"""Named cases of hands: what is taken and put back, and how."""

from collections.abc import Callable, Mapping

from edge_agent.bytes_level.scenario import (
    APART_S,
    FIRST_S,
    Rng,
    Scenario,
    any_lane,
    any_shelf,
    row_of_takes,
    two_lanes,
)
from edge_agent.simulation.acts import Movement, PlannedAct, Story
from edge_agent.simulation.incidents import bump, lift_slowly
from edge_agent.simulation.world import ShelfWorld

EXCHANGES = "its acts go one way"
UNMOVED = "nothing moves"


def _single(world: ShelfWorld, rng: Rng) -> None:
    world.take(any_lane(world, rng), FIRST_S)


def _several(world: ShelfWorld, rng: Rng) -> None:
    world.take(any_lane(world, rng), FIRST_S, int(rng.integers(2, 5)))


def _several_skus(world: ShelfWorld, rng: Rng) -> None:
    first, second = two_lanes(world, rng)
    moved = tuple(Movement(lane, -int(rng.integers(1, 3)), world.goods.lane(lane).sku) for lane in (first, second))
    world.perform(PlannedAct(FIRST_S, Story.TAKE_TWO_PRODUCTS, moved))


def _put_back(world: ShelfWorld, rng: Rng) -> None:
    lane = any_lane(world, rng)
    world.take(lane, FIRST_S)
    world.put_back(world.goods.lane(lane).sku, lane, FIRST_S + APART_S)


def _astray(world: ShelfWorld, rng: Rng) -> None:
    """Take, put back in a wrong lane, take from there."""
    lane, wrong = two_lanes(world, rng)
    sku = world.goods.lane(lane).sku
    world.take(lane, FIRST_S)
    world.put_back(sku, wrong, FIRST_S + APART_S)
    world.take(wrong, FIRST_S + 2 * APART_S, sku=sku)


def _one_for_the_other(world: ShelfWorld, kept: str, wanted: str) -> None:
    """Take from one lane, then put that back and take from another within one reach."""
    world.take(kept, FIRST_S)
    moved = (
        Movement(kept, 1, world.goods.lane(kept).sku),
        Movement(wanted, -1, world.goods.lane(wanted).sku),
    )
    world.perform(PlannedAct(FIRST_S + APART_S, Story.TAKE_TWO_PRODUCTS, moved))


def _equal_swap(world: ShelfWorld, rng: Rng) -> None:
    """Put one of two equally heavy drinks back and take the other in one reach: the total does not change."""
    kept, wanted = ("D1", "D2") if rng.random() < 0.5 else ("D2", "D1")
    _one_for_the_other(world, kept, wanted)


def _exchange(world: ShelfWorld, rng: Rng) -> None:
    """Put one thing back and take another within one reach."""
    kept, wanted = two_lanes(world, rng)
    _one_for_the_other(world, kept, wanted)


def _two_hands(world: ShelfWorld, rng: Rng) -> None:
    """Two shoppers take from two lanes of one shelf, the second while the first is at it."""
    first, second = two_lanes(world, rng)
    world.take(first, FIRST_S)
    world.take(second, FIRST_S + float(rng.uniform(0.1, 0.5)))


def _take_beside_put_back(world: ShelfWorld, rng: Rng) -> None:
    """One shopper puts something back while another takes from another lane of the shelf, in either order."""
    returned, wanted = two_lanes(world, rng)
    sku = world.goods.lane(returned).sku
    world.take(returned, FIRST_S)
    first_s, later_s = FIRST_S + APART_S, FIRST_S + APART_S + float(rng.uniform(0.05, 0.4))
    if rng.random() < 0.5:
        world.put_back(sku, returned, first_s)
        world.take(wanted, later_s)
    else:
        world.take(wanted, first_s)
        world.put_back(sku, returned, later_s)


def _slow_lift(world: ShelfWorld, rng: Rng) -> None:
    lift_slowly(world, rng, any_lane(world, rng), FIRST_S, lift_s=float(rng.uniform(1.5, 5.0)))


def _long_hold(world: ShelfWorld, rng: Rng) -> None:
    lift_slowly(
        world,
        rng,
        any_lane(world, rng),
        FIRST_S,
        lift_s=float(rng.uniform(0.1, 0.5)),
        hold_s=float(rng.uniform(3.0, 8.0)),
        held_share=float(rng.uniform(0.2, 0.8)),
    )


def _press(heaviest_g: float) -> Callable[[ShelfWorld, Rng], None]:
    def stage(world: ShelfWorld, rng: Rng) -> None:
        world.take(any_lane(world, rng), FIRST_S, press_g=float(rng.uniform(0.6, 1.0)) * heaviest_g)

    return stage


def _press_only(world: ShelfWorld, rng: Rng) -> None:
    world.press(any_lane(world, rng), FIRST_S, float(rng.uniform(2_000, 12_000)))


def _bumps(world: ShelfWorld, rng: Rng) -> None:
    """Bump into a shelf three times, then take something."""
    shelf_id = any_shelf(world, rng)
    for number in range(3):
        bump(world, rng, shelf_id, FIRST_S + APART_S * number, float(rng.uniform(500, 6_000)))
    row_of_takes(world, rng, 1, FIRST_S + 3 * APART_S, shelf_id)


CASES: Mapping[str, Scenario] = {
    "single take": Scenario("one item", _single),
    "several of one": Scenario("two to four of one SKU", _several),
    "several SKUs": Scenario("two SKUs in one reach, one or two of each", _several_skus),
    "put back": Scenario("taken and put back in place", _put_back, judged_from=1),
    "put back astray": Scenario("put back in a wrong lane, then taken from there", _astray, judged_from=1),
    "equal swap": Scenario(
        "one equally heavy drink for the other: the total stays", _equal_swap, judged_from=1, no_oracle=EXCHANGES
    ),
    "exchange": Scenario("put back and take another within one reach", _exchange, judged_from=1, no_oracle=EXCHANGES),
    "two hands": Scenario("two shoppers at one shelf, overlapping in time", _two_hands, together=True),
    "take beside put-back": Scenario(
        "one shopper takes while another puts back, on one shelf",
        _take_beside_put_back,
        judged_from=1,
        together=True,
        no_oracle=EXCHANGES,
    ),
    "slow lift": Scenario("one item lifted off in 1.5-5 s", _slow_lift),
    "long hold": Scenario("a hand carries part of an item's weight for 3-8 s, then takes it", _long_hold),
    "leaning hand": Scenario("a take while a hand leans with up to 3 kg", _press(3_000.0)),
    "heavy press": Scenario("a take with a push of 7-12 kg", _press(12_000.0)),
    "press only": Scenario("a push of 2-12 kg, nothing taken", _press_only, no_oracle=UNMOVED),
    "child on the shelf": Scenario(
        "30 kg on the shelf during a take", _press(30_000.0), no_oracle="cells at their stops"
    ),
    "bumped shelf": Scenario("three bumps that move nothing, then a take", _bumps, no_oracle=UNMOVED),
}

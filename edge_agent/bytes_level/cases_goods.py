"""Named cases of goods: what stands on the shelf is not quite what the planogram and the catalogue say."""

from collections.abc import Mapping

from edge_agent.bytes_level.course import Course
from edge_agent.bytes_level.scenario import APART_S, FIRST_S, Rng, Scenario, any_lane
from edge_agent.bytes_level.scenario_shops import LANE_SHELF, half_full, narrow_plates, nearly_empty, packed
from edge_agent.simulation.world import ShelfWorld
from edge_agent.vocabulary import Mode

STAFF_FROM_S = 3.0
OTHER_PACK = 0.03
"""Old and new packs of one SKU differ by so much of their weight."""
SPACIOUS = ("A1", "A3", "A5", "D1", "D2", "D3", "D4", "D5", "D6")
"""Lanes whose cells bear more than the lane is meant to hold."""
MORE_THAN_ONE_WEIGHT = "it would be told the true weights"


def _foreign(world: ShelfWorld, rng: Rng) -> None:
    """Set an own thing down and take it along again."""
    lane = any_lane(world, rng)
    world.leave_foreign(lane, FIRST_S, float(rng.uniform(80, 2_500)))
    world.remove_foreign(lane, FIRST_S + APART_S)


def _swept(world: ShelfWorld, rng: Rng) -> None:
    lane = any_lane(world, rng)
    world.take(lane, FIRST_S, len(world.goods.standing[lane]))


def _last_one(world: ShelfWorld, rng: Rng) -> None:
    """Take a lane's only item, press on the empty lane, put the item back."""
    lane = any_lane(world, rng)
    world.take(lane, FIRST_S)
    world.press(lane, FIRST_S + APART_S, float(rng.uniform(300, 3_000)))
    world.put_back(world.goods.lane(lane).sku, lane, FIRST_S + 2 * APART_S)


def _overfull(world: ShelfWorld, rng: Rng) -> None:
    """Squeeze one more into a full lane, then take two."""
    lane = SPACIOUS[int(rng.integers(len(SPACIOUS)))]
    sku = world.goods.lane(lane).sku
    world.goods.bring(sku)
    world.put_back(sku, lane, FIRST_S)
    world.take(lane, FIRST_S + APART_S, 2)


def _same_weight(world: ShelfWorld, rng: Rng) -> None:
    world.take("D1" if rng.random() < 0.5 else "D2", FIRST_S)


def _on_the_border(world: ShelfWorld, rng: Rng) -> None:
    """Put a drink down on the border of its lane and the equally heavy one's."""
    world.take("D1", FIRST_S)
    border_mm = world.goods.lane("D1").x_mm[1]
    world.put_back(world.goods.lane("D1").sku, "D1", FIRST_S + APART_S, x_mm=border_mm + float(rng.uniform(-5, 5)))


def _straddling(world: ShelfWorld, rng: Rng) -> None:
    """Take from narrow plates, put back over the border of two of them, take again."""
    lane = any_lane(world, rng, LANE_SHELF)
    left, right = world.goods.lane(lane).x_mm
    world.take(lane, FIRST_S)
    over_mm = (left + right) / 2 + float(rng.uniform(-15, 15))
    world.put_back(world.goods.lane(lane).sku, lane, FIRST_S + APART_S, x_mm=over_mm)
    world.take(lane, FIRST_S + 2 * APART_S, int(rng.integers(1, 3)))


def _label(world: ShelfWorld, rng: Rng) -> None:
    """Hang a price label of a few grams on a loaded lane, then take from it."""
    lane = any_lane(world, rng, LANE_SHELF)
    world.leave_foreign(lane, FIRST_S, float(rng.uniform(1.0, 4.0)))
    world.take(lane, FIRST_S + APART_S)


def _half_consumed(world: ShelfWorld, rng: Rng) -> None:
    """Take an item, use part of it up, put it back."""
    lane = any_lane(world, rng)
    sku = world.goods.lane(lane).sku
    world.take(lane, FIRST_S)
    world.goods.use_up(sku, float(rng.uniform(0.3, 0.85)))
    world.put_back(sku, lane, FIRST_S + APART_S)


def _restock(world: ShelfWorld, rng: Rng) -> Course:
    """Let staff put up goods in two lanes and remove some of a third; then a shopper takes one."""
    for number in range(2):
        lane = any_lane(world, rng)
        count = int(rng.integers(1, 4))
        world.goods.bring(world.goods.lane(lane).sku, count)
        world.put_back(world.goods.lane(lane).sku, lane, FIRST_S + APART_S * number, count)
    world.take(any_lane(world, rng), FIRST_S + 2 * APART_S, int(rng.integers(1, 3)))
    selling_s = FIRST_S + 3 * APART_S
    world.take(any_lane(world, rng), selling_s + APART_S)
    return Course(modes=((STAFF_FROM_S, Mode.STAFF), (selling_s, Mode.SELLING)))


def _two_packs(world: ShelfWorld, rng: Rng) -> Course:
    """Let staff add new packs that weigh otherwise, then take three times from that lane."""
    lane = any_lane(world, rng)
    sku = world.goods.lane(lane).sku
    world.goods.bring(sku, 3, 1 + OTHER_PACK * (1 if rng.random() < 0.5 else -1))
    world.put_back(sku, lane, FIRST_S, 3)
    selling_s = FIRST_S + APART_S
    for number in range(3):
        world.take(lane, selling_s + APART_S * (1 + number))
    return Course(modes=((STAFF_FROM_S, Mode.STAFF), (selling_s, Mode.SELLING)))


CASES: Mapping[str, Scenario] = {
    "bag set down": Scenario("an own thing is set down and taken along", _foreign, no_oracle="not of the shelf"),
    "lane swept": Scenario("a lane is swept empty", _swept, no_oracle="more than four items"),
    "empty lane": Scenario(
        "a lane's only item is taken, the empty lane pressed, the item put back",
        _last_one,
        site=nearly_empty,
        no_oracle="a push moves nothing",
    ),
    "overfull lane": Scenario("one more is squeezed into a full lane, then two are taken", _overfull, site=packed),
    "same-weight neighbours": Scenario("one of two equally heavy drinks side by side", _same_weight),
    "on the border": Scenario("a drink put down on the border to an equally heavy one", _on_the_border, judged_from=1),
    "straddled plates": Scenario(
        "items that stand on two narrow plates are taken and put back",
        _straddling,
        site=narrow_plates,
        no_oracle="its plates bear an item each",
    ),
    "price label": Scenario("a label is added to a lane, then an item is taken", _label, judged_from=1),
    "half-consumed return": Scenario(
        "an item comes back with 30-85 % of its weight",
        _half_consumed,
        judged_from=1,
        never_billed=True,
        no_oracle="its items are whole",
    ),
    "restock": Scenario(
        "staff put up and remove goods, then a shopper takes one", _restock, site=half_full, no_oracle="not a shopper's"
    ),
    "stale weight": Scenario(
        "the drinks weigh 10 % more than the catalogue says",
        _same_weight,
        {"oat-drink-barista-1000": 1.1, "oat-drink-unsweetened-1000": 1.1},
        no_oracle=MORE_THAN_ONE_WEIGHT,
    ),
    "old and new packs": Scenario(
        "packs in one lane whose weights differ by 3 %",
        _two_packs,
        judged_from=1,
        site=half_full,
        no_oracle=MORE_THAN_ONE_WEIGHT,
    ),
}

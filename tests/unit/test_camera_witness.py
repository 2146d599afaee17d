"""What the camera's word does to a decision: it helps where it knows something, and nothing where it does not."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from camera_shop import (
    ALIKE_G,
    DISTINCT_G,
    Act,
    CameraShop,
    HonestCamera,
    Judged,
    Told,
    appearance,
    front,
    front_said,
    reach,
)

from edge_agent.identification import Identification
from edge_agent.model import LANE_CHANGES, FloatArray, ItemChange, ItemEvent, MonotonicNs, Stock, VisionObservation
from edge_agent.vocabulary import EventKind, Mode, StepCause, Verdict

ALIKE = CameraShop(ALIKE_G)


def take(shop: CameraShop, *skus: str, seed: int = 1) -> Act:
    return shop.act(0, {sku: -skus.count(sku) for sku in skus}, np.random.default_rng(seed))


def event_of(shop: CameraShop, act: Act, *said: VisionObservation, stock: Stock | None = None) -> ItemEvent:
    told = Identification(shop.site).resolve(act.step, stock or shop.stock, Mode.SELLING, said)
    assert told is not None
    return told


def bill(event: ItemEvent) -> dict[str, int]:
    return {each.sku: each.quantity for each in event.items}


def chance_of(event: ItemEvent, sku: str) -> float:
    return sum(each.probability for each in event.alternatives if [item.sku for item in each.items] == [sku])


def something_else(event: ItemEvent) -> float:
    return 1 - sum(each.probability for each in event.alternatives if each.items)


def lanes_of(shop: CameraShop, **changes: int) -> tuple[tuple[str, ...], FloatArray]:
    """Return a plain word on every lane; lanes that are not named did not change."""
    return front_said({sku.upper(): changes.get(sku, 0) for sku in shop.skus})


def word_for(shop: CameraShop, sku: str, nats: float = 6.0) -> FloatArray:
    return np.array([0.0 if each == sku else -nats for each in shop.skus])


# --- what it tells -------------------------------------------------------------------------------------------------


def test_a_front_tells_neighbours_of_one_weight_apart() -> None:
    act = take(ALIKE, "s04")
    assert event_of(ALIKE, act).verdict is Verdict.REVIEW
    event = event_of(ALIKE, act, front(act.step, *lanes_of(ALIKE, s04=-1)))
    assert (bill(event), event.verdict) == ({"s04": -1}, Verdict.AUTO)
    assert event.witnesses == ("weight", "position", "camera")
    assert event.witnesses_missing == ()


def test_a_reach_tells_them_apart_where_the_hand_is_known_well() -> None:
    act = take(ALIKE, "s04")
    event = event_of(ALIKE, act, reach(act.step, ALIKE.lane_x_mm("s04"), 12.0))
    assert bill(event) == {"s04": -1}
    assert chance_of(event, "s04") > chance_of(event_of(ALIKE, act), "s04")


def test_looks_tell_them_apart() -> None:
    act = take(ALIKE, "s04")
    event = event_of(ALIKE, act, appearance(act.step, ALIKE.skus, word_for(ALIKE, "s04")))
    assert (bill(event), event.verdict) == ({"s04": -1}, Verdict.AUTO)


def test_goods_that_stand_in_a_foreign_lane_are_taken_from_there() -> None:
    """One carton of s03 was left among the s09, which weigh more than twice as much."""
    stock = {lane: dict(held) for lane, held in ALIKE.stock.items()}
    stock["S09"]["s03"] = 1
    delta_g = take(ALIKE, "s09").step.delta_g * (ALIKE.weights_g["s03"] / ALIKE.weights_g["s09"])
    act = Act({"s03": -1}, replace(take(ALIKE, "s09").step, delta_g=delta_g))
    event = event_of(ALIKE, act, front(act.step, *lanes_of(ALIKE, s09=-1)), stock=stock)
    assert event.items == (ItemChange("s03", -1, "S09"),)


def test_a_lane_that_cannot_be_seen_is_where_it_happened_if_no_other_changed() -> None:
    act = take(ALIKE, "s04")
    lanes = {sku.upper(): 0 for sku in ALIKE.skus if sku != "s04"}
    event = event_of(ALIKE, act, front(act.step, *front_said(lanes)))
    assert bill(event) == {"s04": -1}
    assert chance_of(event, "s04") > 0.99


def test_a_hand_that_leaves_and_comes_back_shows_two_fronts_which_add_up() -> None:
    """Two cartons, one after the other, before the scale came to rest: each picture shows one of them gone."""
    act = take(ALIKE, "s03", "s05")
    middle_ns = MonotonicNs(act.step.t_start_ns + 400_000_000)
    first = replace(front(act.step, *lanes_of(ALIKE, s03=-1)), t_end_ns=middle_ns, observation_id="first")
    second = replace(front(act.step, *lanes_of(ALIKE, s05=-1)), t_start_ns=middle_ns, observation_id="second")
    assert bill(event_of(ALIKE, act, first, second)) == {"s03": -1, "s05": -1}
    assert bill(event_of(ALIKE, act, second, first)) == {"s03": -1, "s05": -1}


def test_the_later_of_two_pictures_of_the_same_time_counts() -> None:
    act = take(ALIKE, "s04")
    early = replace(front(act.step, *lanes_of(ALIKE, s03=-1)), t_end_ns=MonotonicNs(act.step.t_end_ns - 1))
    event = event_of(ALIKE, act, early, front(act.step, *lanes_of(ALIKE, s04=-1)))
    assert bill(event) == {"s04": -1}


def test_goods_on_a_border_that_show_in_the_next_lane_are_left_to_a_person() -> None:
    act = take(ALIKE, "s04")
    lane_ids, said = lanes_of(ALIKE, s05=-1)
    event = event_of(ALIKE, act, front(act.step, lane_ids, 2 * said))
    assert event.verdict is Verdict.REVIEW, "one lane aside is one error, however sure the two lanes' words"
    assert chance_of(event, "s04") > 0.05


def test_a_dwell_that_was_cut_in_two_is_no_new_evidence() -> None:
    act = take(ALIKE, "s04")
    one = reach(act.step, ALIKE.lane_x_mm("s04"), 30.0)
    more = [reach(act.step, one.x_mm + 5 * place, 31.0, track=place) for place in range(1, 6)]
    assert event_of(ALIKE, act, one, *more).confidence == pytest.approx(event_of(ALIKE, act, one).confidence)


def test_hands_are_counted_by_their_tracks() -> None:
    act = take(ALIKE, "s04")
    seen = [reach(act.step, 300.0, track=3), reach(act.step, 700.0, track=4), front(act.step, *lanes_of(ALIKE, s04=-1))]
    assert event_of(ALIKE, act, *seen).hands == 2
    assert event_of(ALIKE, act, seen[-1]).hands is None


# --- where it knows nothing, or contradicts ------------------------------------------------------------------------


Says = Callable[[Act], Sequence[VisionObservation]]

NOTHING: dict[str, Says] = {
    "nothing at all": lambda _: [],
    "looks alike": lambda act: [appearance(act.step, ALIKE.skus, np.zeros(12), none_of_them=0.0)],
    "a front in fog": lambda act: [front(act.step, [sku.upper() for sku in ALIKE.skus], np.zeros((12, 9)))],
    "a front of which no lane is seen": lambda act: [front(act.step, [], np.zeros((0, 9)))],
    "a hand with no place": lambda act: [reach(act.step, 300.0, math.inf)],
    "another shelf": lambda act: [replace(front(act.step, *lanes_of(ALIKE, s03=-1)), shelf_id="other")],
}


@pytest.mark.parametrize("case", NOTHING)
@pytest.mark.parametrize("skus", [("s04",), ("s01", "s07"), ("s10", "s10")])
def test_a_camera_that_knows_nothing_changes_nothing(case: str, skus: tuple[str, ...]) -> None:
    act = take(ALIKE, *skus)
    alone, told = event_of(ALIKE, act), event_of(ALIKE, act, *NOTHING[case](act))
    assert told.items == alone.items
    assert [each.probability for each in told.alternatives] == pytest.approx(
        [each.probability for each in alone.alternatives], abs=1e-12
    )


def test_who_did_not_speak_is_missing_in_the_event() -> None:
    act = take(ALIKE, "s04")
    event = event_of(ALIKE, act)
    assert event.witnesses == ("weight", "position")
    assert event.witnesses_missing == ("camera",)


def test_a_camera_that_never_saw_such_goods_speaks_for_something_else() -> None:
    """A bag of 777 g is laid down: no product weighs that, and the camera has seen none like it."""
    act = Act({}, replace(take(ALIKE, "s04").step, delta_g=take(ALIKE, "s04").step.delta_g * (-777 / 420)))
    unseen = appearance(act.step, ALIKE.skus, np.zeros(12), none_of_them=6.0)
    alone, event = event_of(ALIKE, act), event_of(ALIKE, act, unseen)
    assert event.kind is EventKind.UNKNOWN
    assert something_else(event) > something_else(alone)


def test_one_that_calls_everything_strange_does_not_unmake_a_plain_take() -> None:
    """However sure it is: a word that is mere chance has its share in what any camera says."""
    act = take(CameraShop(DISTINCT_G), "s04")
    strange = appearance(act.step, tuple(DISTINCT_G), np.zeros(12), none_of_them=500.0)
    assert bill(event_of(CameraShop(DISTINCT_G), act, strange)) == {"s04": -1}


def test_reaches_that_contradict_the_front_leave_it_to_a_person() -> None:
    act = take(ALIKE, "s04")
    reached = reach(act.step, ALIKE.lane_x_mm("s03"), 8.0)
    agreed = event_of(ALIKE, act, front(act.step, *lanes_of(ALIKE, s04=-1)))
    event = event_of(ALIKE, act, front(act.step, *lanes_of(ALIKE, s04=-1)), reached)
    assert event.confidence < agreed.confidence
    weak = front_said({"S03": 0, "S04": -1, "S05": 0}, nats=1.0)
    assert event_of(ALIKE, act, front(act.step, *weak), reached).verdict is Verdict.REVIEW


@pytest.mark.parametrize(
    "said",
    [
        lambda act: appearance(act.step, ALIKE.skus, np.where(np.arange(12) == 4, 0.0, -np.inf)),
        lambda act: replace(appearance(act.step, ALIKE.skus, np.zeros(12)), log_likelihood=np.full(13, -np.inf)),
        lambda act: front(act.step, *front_said({"S04": -1, "S05": 0}, nats=np.inf)),
        lambda act: front(act.step, ["S04"], np.full((1, len(LANE_CHANGES)), -np.inf)),
        lambda act: front(act.step, ["NOWHERE"], np.zeros((1, len(LANE_CHANGES)))),
        lambda act: appearance(act.step, ("unknown to the catalogue",), np.zeros(1)),
        lambda act: reach(act.step, -1e6, 1.0),
        lambda act: reach(act.step, 300.0, 1e-9),
    ],
)
def test_certainty_beyond_reason_is_cut_to_reason(said: Callable[[Act], VisionObservation]) -> None:
    act = take(ALIKE, "s04")
    event = event_of(ALIKE, act, said(act))
    assert math.isfinite(event.confidence)
    assert sum(each.probability for each in event.alternatives) <= 1 + 1e-9


def test_what_was_found_on_return_says_nothing_of_the_camera() -> None:
    """Nobody weighed for an hour: a front that fits no single act is no lie."""
    judged = Judged(ALIKE)
    act = take(ALIKE, "s04")
    found = Act(act.moved, replace(act.step, cause=StepCause.RECONCILED))
    wrong = front(act.step, *lanes_of(ALIKE, s10=4, s11=4))
    assert not any(judged.tell(found, [wrong]).alarms for _ in range(30))


def test_a_silenced_liar_is_missing_in_the_event() -> None:
    judged = Judged(ALIKE)
    act = take(ALIKE, "s04")
    wrong = front(act.step, *lanes_of(ALIKE, s10=-1))
    told = [judged.tell(act, [wrong]) for _ in range(12)]
    assert "camera" in told[0].event.witnesses
    assert told[-1].event.witnesses_missing == ("camera",)
    assert told[-1].event.confidence == pytest.approx(event_of(ALIKE, act).confidence)


# --- an honest word never harms ------------------------------------------------------------------------------------


ACTS = 150


@pytest.fixture(scope="module")
def by_weight() -> dict[str, list[Told]]:
    shops = {"distinct": CameraShop(DISTINCT_G), "alike": ALIKE}
    return {name: told_by(shop, shop.acts(ACTS, seed=21)) for name, shop in shops.items()}


def told_by(
    shop: CameraShop, acts: Sequence[Act], words: Sequence[list[VisionObservation]] | None = None
) -> list[Told]:
    judged = Judged(shop)
    return [judged.tell(act, words[place] if words else ()) for place, act in enumerate(acts)]


def score(told: Sequence[Told]) -> FloatArray:
    """Return the log score of each answer, nats; an explanation that was not told of counts as one in a million."""
    return np.log(np.maximum([each.truth_probability for each in told], 1e-6))


@pytest.mark.parametrize("part", ["reaches", "front", "look", "all"])
@pytest.mark.parametrize("suite", ["distinct", "alike"])
def test_an_honest_word_raises_the_expected_score(suite: str, part: str, by_weight: dict[str, list[Told]]) -> None:
    """Single acts may be misled, as by any witness; on the whole nothing is lost, and much is won on goods alike."""
    shop = CameraShop(DISTINCT_G) if suite == "distinct" else ALIKE
    alone = by_weight[suite]
    honest = HonestCamera(shop, seed=31, top1=0.8, lane_sigmas=3.0)
    parts: dict[str, Says] = {
        "reaches": honest.reaches,
        "front": lambda act: [honest.front(act)],
        "look": lambda act: [honest.look(act)],
        "all": honest,
    }
    acts = [each.act for each in alone]
    helped = told_by(shop, acts, [list(parts[part](act)) for act in acts])
    gain = score(helped) - score(alone)
    assert gain.mean() >= 0
    assert sum(each.right for each in helped) >= sum(each.right for each in alone)
    if suite == "alike":
        assert gain.mean() > 0.05

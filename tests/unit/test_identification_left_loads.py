"""What was set down and is taken away again: own things left on the shelf, and items put back."""

from dataclasses import replace

import numpy as np
import pytest
from identification_shop import HARDWARE, Kind, Shopping, bills

from edge_agent.identification import Identification
from edge_agent.identification.left_loads import MAX_REMEMBERED
from edge_agent.model import ItemChange, WeightStep
from edge_agent.vocabulary import EventKind, Verdict

TAKEN_ALONG = ("unknown_item", "foreign_removed")


def at(shop: Shopping, grams: float, x_mm: float, y_mm: float = 200.0) -> WeightStep:
    """Return the step of one load anywhere on a platform."""
    step = shop.step()
    step.delta_g[:] = grams * shop.influence(x_mm, y_mm)
    return step


def settle(shop: Shopping, step: WeightStep) -> None:
    shop.identification.remember(shop.resolve(step))


@pytest.mark.parametrize("kind", HARDWARE)
@pytest.mark.parametrize("grams", [137.0, 333.0, 812.0])
def test_an_own_thing_that_was_left_and_is_taken_along_bills_nobody_and_says_why(kind: Kind, grams: float) -> None:
    shop = Shopping(kind)
    left = shop.act(("SOUP", grams))
    assert (left.verdict, left.items) == (Verdict.REVIEW, ())
    assert "foreign_removed" not in left.reasons
    taken = shop.act(("SOUP", -grams + 0.3))
    assert (taken.kind, taken.verdict, taken.reasons) == (EventKind.UNKNOWN, Verdict.REVIEW, TAKEN_ALONG)
    assert taken.items == taken.alternatives[0].items == ()
    assert taken.confidence > 0.99
    assert shop.stock == shop.site.opening_stock()
    assert "foreign_removed" not in shop.act(("SOUP", -grams)).reasons, "it can leave only once"


def test_an_own_thing_that_looks_like_an_exchange_when_it_leaves_is_not_billed() -> None:
    shop = Shopping("platform")
    shop.act(("RICE", -511.0))
    grams = 1041.0 - 511.0  # as if the oat drink beside it were taken and the rice put back
    settle(shop, at(shop, grams, 236))
    stranger = Identification(shop.site).resolve(at(shop, -grams - 0.4, 236), shop.stock, shop.act().mode)
    assert stranger is not None
    assert bills(stranger)[0] == {"soy": -1, "rice": 1}, "what it would be taken for by an agent that saw it first now"
    taken = shop.resolve(at(shop, -grams - 0.4, 236))
    assert (taken.verdict, taken.items, taken.reasons) == (Verdict.REVIEW, (), TAKEN_ALONG)


def test_after_a_restart_a_thing_left_before_is_a_stranger() -> None:
    shop = Shopping("platform")
    shop.act(("SOUP", 137.0))
    shop.identification = Identification(shop.site)
    event = shop.act(("SOUP", -137.0))
    assert (event.verdict, event.reasons) == (Verdict.REVIEW, ("unknown_item",))


@pytest.mark.parametrize(
    ("what", "grams", "x_mm"), [("of another weight", -150.0, 300.0), ("from another place", -137.0, 500.0)]
)
def test_a_stranger_is_not_taken_for_the_thing_that_was_left(what: str, grams: float, x_mm: float) -> None:
    shop = Shopping("platform")
    settle(shop, at(shop, 137.0, 300))
    event = shop.resolve(at(shop, grams, x_mm))
    assert event.verdict is Verdict.REVIEW, what
    assert "foreign_removed" not in event.reasons
    shop.identification.remember(event)
    assert shop.resolve(at(shop, -137.0, 300)).reasons == TAKEN_ALONG, "the thing itself still stands there"


def test_a_thing_pushed_a_little_by_hands_beside_it_is_still_the_same() -> None:
    shop = Shopping("platform")
    settle(shop, at(shop, 364.0, 300, 200))
    assert shop.resolve(at(shop, -364.0, 306, 196)).reasons == TAKEN_ALONG


@pytest.mark.parametrize("kind", HARDWARE)
def test_an_early_word_changes_no_memory(kind: Kind) -> None:
    shop = Shopping(kind)
    settle(shop, replace(shop.step(("SOUP", 137.0)), final=False))
    assert shop.resolve(shop.step(("SOUP", -137.0))).reasons == ("unknown_item",)
    shop.act(("SOUP", 137.0))
    settle(shop, replace(shop.step(("SOUP", -137.0)), final=False))
    assert shop.resolve(shop.step(("SOUP", -137.0))).reasons == TAKEN_ALONG


@pytest.mark.parametrize("kind", HARDWARE)
@pytest.mark.parametrize("lane", ["SOUP", "RICE"])
def test_an_item_put_back_and_taken_again_from_the_same_spot_is_billed_as_before(kind: Kind, lane: str) -> None:
    shop = Shopping(kind)
    shop.act(("SOUP", -421.0))
    back = shop.act((lane, 421.0))
    again = shop.act((lane, -421.0))
    assert (back.verdict, again.verdict) == (Verdict.AUTO, Verdict.AUTO)
    assert again.items == (ItemChange("soup", -1, lane),)


def test_an_item_put_back_between_two_alike_is_as_unsure_when_it_leaves_from_there() -> None:
    shop = Shopping("platform")
    shop.act(("OAT", -1041.0))
    shop.act(("SOY", -1041.0))
    settle(shop, at(shop, 1041.0, 450))
    event = shop.resolve(at(shop, -1041.0, 450))
    assert event.verdict is Verdict.REVIEW
    assert bills(event)[:2] in ([{"oat": -1}, {"soy": -1}], [{"soy": -1}, {"oat": -1}])


def test_a_thing_taken_along_with_an_item_from_another_plate_is_recognised_beside_it() -> None:
    shop = Shopping("lane_cells")
    shop.act(("NUTS", 333.0))
    both = shop.act(("NUTS", -333.0), ("GUM", -60.0))
    assert (both.verdict, both.reasons) == (Verdict.REVIEW, TAKEN_ALONG)
    assert "foreign_removed" not in shop.act(("NUTS", -333.0)).reasons


def test_a_thing_left_while_an_item_was_put_back_elsewhere_is_remembered_alone() -> None:
    shop = Shopping("lane_cells")
    shop.act(("RICE", -511.0))
    shop.act(("NUTS", 333.0), ("RICE", 511.0))
    assert shop.act(("RICE", -511.0)).items == (ItemChange("rice", -1, "RICE"),)
    assert shop.act(("NUTS", -333.0)).reasons == TAKEN_ALONG


def test_the_memory_is_bounded_and_the_oldest_goes_first() -> None:
    shop = Shopping("platform")
    for number in range(MAX_REMEMBERED + 1):
        settle(shop, at(shop, 137.0, 100 + 80 * number))
    assert shop.resolve(at(shop, -137.0, 100)).reasons == ("unknown_item",)
    assert shop.resolve(at(shop, -137.0, 180)).reasons == TAKEN_ALONG


def test_a_thing_left_under_a_dead_corner_is_not_compared_with_four_that_live() -> None:
    shop = Shopping("platform")
    settle(shop, shop.step(("GUM", 33.0), valid=[True, False, True, True]))
    assert shop.resolve(shop.step(("GUM", -33.0))).reasons == ("unknown_item",)
    again = shop.resolve(shop.step(("GUM", -33.0), valid=[True, False, True, True]))
    assert {*TAKEN_ALONG, "channel_missing"} <= set(again.reasons), "three then and three now can be compared"


def test_things_left_do_not_make_an_ordinary_take_less_sure() -> None:
    shop = Shopping("platform")
    plain = shop.resolve(shop.step(("NUTS", -205.0))).confidence
    for number in range(MAX_REMEMBERED):
        settle(shop, at(shop, 137.0 + 20 * number, 100 + 80 * number))
    assert shop.resolve(shop.step(("NUTS", -205.0))).confidence == pytest.approx(plain, abs=1e-3)


def test_only_the_latest_event_can_be_remembered() -> None:
    shop = Shopping("platform")
    earlier = shop.resolve(shop.step(("SOUP", 137.0)))
    shop.resolve(shop.step(("SOUP", np.float64(-137.0))))
    with pytest.raises(ValueError, match="act-1: only the latest event"):
        shop.identification.remember(earlier)

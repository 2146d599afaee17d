"""What a shopper, a reviewer and the ledger see of acts at the shelf, on separate plates and on a platform."""

import dataclasses

import msgspec
import numpy as np
import pytest
from identification_shop import HARDWARE, WEIGHTS_G, Kind, Shopping, bills, site

from edge_agent.config import Site
from edge_agent.config.assortment import Catalogue, ItemConfig, Planogram
from edge_agent.identification import Identification, apply_event
from edge_agent.model import ItemChange, VisionObservation
from edge_agent.vocabulary import EventKind, Mode, StepCause, Verdict


@pytest.mark.parametrize("kind", HARDWARE)
@pytest.mark.parametrize("sku", WEIGHTS_G)
def test_a_single_take_from_the_middle_of_a_lane_is_billed(kind: Kind, sku: str) -> None:
    shop = Shopping(kind)
    event = shop.act((sku.upper(), -WEIGHTS_G[sku] - 0.4))
    assert (event.kind, event.verdict, event.reasons) == (EventKind.TAKE, Verdict.AUTO, ())
    assert event.items == (ItemChange(sku, -1, sku.upper()),)
    assert shop.stock[sku.upper()] == {sku: 7}
    assert (event.stock_before, event.stock_after) == ({sku.upper(): {sku: 8}}, {sku.upper(): {sku: 7}})
    assert event.position_mm == pytest.approx(75 + 150 * list(WEIGHTS_G).index(sku), abs=12)
    assert event.witnesses == ("weight", "position")
    assert event.witnesses_missing == ()
    assert (event.revisions.planogram, event.revisions.catalogue) == (3, 5)


@pytest.mark.parametrize("kind", HARDWARE)
def test_several_of_one_sku_are_counted_up_to_a_lane_swept_empty(kind: Kind) -> None:
    for number in (2, 3, 8):
        event = Shopping(kind).act(("RICE", -511.0 * number + 1.5))
        assert (event.verdict, event.items) == (Verdict.AUTO, (ItemChange("rice", -number, "RICE"),))


@pytest.mark.parametrize("kind", HARDWARE)
def test_an_item_put_back_in_place_is_credited(kind: Kind) -> None:
    shop = Shopping(kind)
    shop.act(("SOUP", -421.0))
    event = shop.act(("SOUP", 420.5))
    assert (event.kind, event.verdict) == (EventKind.PUT_BACK, Verdict.AUTO)
    assert event.items == (ItemChange("soup", 1, "SOUP"),)
    assert shop.stock["SOUP"] == {"soup": 8}


@pytest.mark.parametrize("kind", HARDWARE)
def test_an_item_left_in_the_wrong_lane_is_billed_right_when_taken_from_there(kind: Kind) -> None:
    shop = Shopping(kind)
    shop.act(("SOUP", -420.0))
    put_back = shop.act(("RICE", 420.0))
    assert (put_back.verdict, put_back.items) == (Verdict.AUTO, (ItemChange("soup", 1, "RICE"),))
    assert shop.stock["RICE"] == {"rice": 8, "soup": 1}
    taken = shop.act(("RICE", -420.0))
    assert (taken.verdict, taken.items) == (Verdict.AUTO, (ItemChange("soup", -1, "RICE"),))
    assert shop.stock["RICE"] == {"rice": 8, "soup": 0}


def test_neighbours_of_equal_weight_are_decided_by_their_plates() -> None:
    event = Shopping("lane_cells").act(("SOY", -1041.0))
    assert (event.verdict, event.items) == (Verdict.AUTO, (ItemChange("soy", -1, "SOY"),))


def test_an_item_taken_from_the_border_of_two_equal_lanes_is_reviewed_with_both_named() -> None:
    shop = Shopping("platform")
    step = shop.step()
    step.delta_g[:] = -1041.0 * shop.influence(450, 200)
    event = shop.resolve(step)
    assert (event.verdict, event.reasons) == (Verdict.REVIEW, ("low_confidence",))
    assert bills(event)[:2] == [{"oat": -1}, {"soy": -1}]
    assert [each.probability for each in event.alternatives[:2]] == pytest.approx([0.5, 0.5], abs=0.01)
    assert apply_event(shop.stock, event) is shop.stock


def test_an_items_known_width_tells_equal_neighbours_apart_nearer_to_their_border() -> None:
    shop = Shopping("platform")
    wide = tuple(msgspec.structs.replace(item, size_mm=(90.0, 70.0, 200.0)) for item in shop.site.catalogue.items)
    measured = msgspec.structs.replace(shop.site, catalogue=Catalogue(revision=6, items=wide))
    step = shop.step()
    step.delta_g[:] = -1041.0 * shop.influence(
        410, 200
    )  # 35 mm right of the oat lane's middle, 40 mm before its border
    assert shop.resolve(step).verdict is Verdict.REVIEW
    event = Identification(measured).resolve(step, shop.stock, Mode.SELLING)
    assert event is not None
    assert (event.verdict, event.items) == (Verdict.AUTO, (ItemChange("oat", -1, "OAT"),))


def test_a_camera_decides_between_equal_neighbours() -> None:
    shop = Shopping("platform")
    step = shop.step()
    step.delta_g[:] = -1041.0 * shop.influence(450, 200)
    seen = VisionObservation(
        "v1", "shelf", step.t_start_ns, step.t_end_ns, 450.0, 60.0, "hand", -1, 7, None, ("oat", "soy"),
        np.log([0.002, 0.99, 0.008]), "camera@2",
    )  # fmt: skip
    event = shop.identification.resolve(step, shop.stock, Mode.SELLING, [seen])
    assert event is not None
    assert (event.verdict, event.items) == (Verdict.AUTO, (ItemChange("soy", -1, "SOY"),))
    assert event.witnesses == ("weight", "position", "camera")
    assert event.hands == 1


@pytest.mark.parametrize("kind", HARDWARE)
@pytest.mark.parametrize("grams", [137.0, 3333.0, -137.0])
def test_what_the_shelf_does_not_sell_is_unknown_and_reviewed(kind: Kind, grams: float) -> None:
    event = Shopping(kind).act(("SOUP", grams))
    assert (event.kind, event.verdict) == (EventKind.UNKNOWN, Verdict.REVIEW)
    assert event.items == ()
    assert "unknown_item" in event.reasons
    assert event.alternatives[0].items == ()
    assert event.delta_g == pytest.approx(grams)


@pytest.mark.parametrize("kind", HARDWARE)
def test_a_take_from_a_lane_believed_empty_is_billed_and_the_contradiction_told(kind: Kind) -> None:
    stock = {sku.upper(): {sku: 0 if sku == "nuts" else 8} for sku in WEIGHTS_G}
    shop = Shopping(kind, stock)
    event = shop.act(("NUTS", -205.0))
    assert (event.verdict, event.reasons) == (Verdict.AUTO, ("stock_contradiction",))
    assert event.items == (ItemChange("nuts", -1, "NUTS"),)
    assert shop.stock["NUTS"] == {"nuts": 0}


@pytest.mark.parametrize("kind", HARDWARE)
def test_more_taken_than_believed_is_still_counted_right(kind: Kind) -> None:
    stock = {sku.upper(): {sku: 1} for sku in WEIGHTS_G}
    event = Shopping(kind, stock).act(("RICE", -1022.0))
    assert event.items == (ItemChange("rice", -2, "RICE"),)
    assert "stock_contradiction" in event.reasons


@pytest.mark.parametrize("kind", HARDWARE)
def test_two_lanes_taken_from_in_one_act_are_both_billed(kind: Kind) -> None:
    event = Shopping(kind).act(("GUM", -60.0), ("RICE", -511.0))
    assert bills(event)[0] == {"gum": -1, "rice": -1}
    assert event.kind is EventKind.TAKE
    if kind == "lane_cells":
        assert event.verdict is Verdict.AUTO


@pytest.mark.parametrize("kind", HARDWARE)
def test_a_take_and_a_put_back_in_one_act_are_an_exchange(kind: Kind) -> None:
    shop = Shopping(kind)
    shop.act(("RICE", -511.0))
    event = shop.act(("SOUP", -420.0), ("RICE", 511.0))
    assert event.kind is EventKind.EXCHANGE
    assert bills(event)[0] == {"soup": -1, "rice": 1}
    assert shop.stock["RICE"] == ({"rice": 8} if event.verdict is Verdict.AUTO else {"rice": 7})


def test_one_sku_swapped_for_another_on_one_plate_is_recognised() -> None:
    shop = Shopping("lane_cells")
    shop.act(("NUTS", -205.0))
    event = shop.act(("SOUP", -420.0 + 205.0))
    assert {"soup": -1, "nuts": 1} in bills(event)


def test_an_item_moved_to_another_lane_costs_nothing() -> None:
    shop = Shopping("lane_cells")
    shop.act(("SOUP", -420.0))
    shop.act(("SOUP", 420.0))
    event = shop.resolve(shop.step(("SOUP", -420.0), ("GUM", 420.0)))
    assert event.kind is EventKind.EXCHANGE
    assert event.items == (ItemChange("soup", -1, "SOUP"), ItemChange("soup", 1, "GUM"))


def test_a_mixed_take_on_a_platform_is_never_billed_as_something_else() -> None:
    shop = Shopping("platform")
    lanes = list(WEIGHTS_G)
    for first in lanes:
        for second in lanes:
            if first < second:
                event = shop.resolve(
                    shop.step((first.upper(), -WEIGHTS_G[first]), (second.upper(), -WEIGHTS_G[second]))
                )
                truth = {first: -1, second: -1}
                assert truth in bills(event), (first, second)
                if event.verdict is Verdict.AUTO:
                    assert bills(event)[0] == truth


@pytest.mark.parametrize("kind", HARDWARE)
def test_what_changed_while_nobody_looked_is_reconciled_and_always_reviewed(kind: Kind) -> None:
    shop = Shopping(kind)
    event = shop.resolve(shop.step(("SOUP", -840.0), cause=StepCause.RECONCILED))
    assert (event.kind, event.verdict, event.reasons) == (EventKind.RECONCILED, Verdict.REVIEW, ("reconciled",))
    assert bills(event)[0] == {"soup": -2}
    assert apply_event(shop.stock, event)["SOUP"] == {"soup": 6}, "the shelf did change, whoever did it"


@pytest.mark.parametrize("kind", HARDWARE)
def test_staff_restock_and_remove_move_the_belief_under_their_own_names(kind: Kind) -> None:
    shop = Shopping(kind, {sku.upper(): {sku: 2} for sku in WEIGHTS_G})
    assert shop.act(("RICE", 511.0 * 9), mode=Mode.STAFF).kind is EventKind.RESTOCK
    assert shop.stock["RICE"] == {"rice": 11}
    assert shop.act(("RICE", -511.0), mode=Mode.STAFF).kind is EventKind.REMOVE
    assert shop.stock["RICE"] == {"rice": 10}


@pytest.mark.parametrize("mode", [Mode.MAINTENANCE, Mode.CLOSED, Mode.WARMING_UP])
def test_test_weights_and_settling_shelves_make_no_event(mode: Mode) -> None:
    shop = Shopping("platform")
    assert shop.identification.resolve(shop.step(("SOUP", 500.0)), shop.stock, mode) is None


@pytest.mark.parametrize("kind", HARDWARE)
def test_a_take_under_a_press_that_may_have_harmed_the_cells_is_reviewed(kind: Kind) -> None:
    shop = Shopping(kind)
    event = shop.resolve(shop.step(("SOUP", -420.0), peak_g=65_000.0))
    assert (event.verdict, event.reasons) == (Verdict.REVIEW, ("press",))
    assert bills(event)[0] == {"soup": -1}
    bearable_g = 14_000.0 if kind == "lane_cells" else 56_000.0
    assert shop.resolve(shop.step(("SOUP", -420.0), peak_g=bearable_g)).verdict is Verdict.AUTO


def test_a_stray_from_another_shelf_is_billed_right_once_the_belief_knows_of_it() -> None:
    shop = Shopping("lane_cells")
    jam = ItemConfig(sku="jam", gtin="2000010010059", name="jam", unit_weight_g=549.0, unit_sigma_g=2.0)
    catalogue = msgspec.structs.replace(shop.site.catalogue, items=(*shop.site.catalogue.items, jam))
    shop.identification = Identification(msgspec.structs.replace(shop.site, catalogue=catalogue))
    assert shop.act(("NUTS", 549.0)).kind is EventKind.UNKNOWN
    shop.stock = {**shop.stock, "NUTS": {"nuts": 8, "jam": 1, "not in the catalogue": 1}}
    assert shop.act(("NUTS", -549.0)).items == (ItemChange("jam", -1, "NUTS"),)
    assert shop.act(("NUTS", -549.0)).kind is EventKind.UNKNOWN


def test_two_facings_of_one_sku_need_not_be_told_apart() -> None:
    shop = Shopping("platform")
    lanes = tuple(
        msgspec.structs.replace(lane, sku="oat") if lane.lane_id == "SOY" else lane
        for lane in shop.site.planogram.lanes
    )
    facings = msgspec.structs.replace(shop.site, planogram=Planogram(revision=4, lanes=lanes))
    step = shop.step()
    step.delta_g[:] = -1041.0 * shop.influence(450, 200)
    event = Identification(facings).resolve(step, facings.opening_stock(), Mode.SELLING)
    assert event is not None
    assert (event.verdict, bills(event)[0]) == (Verdict.AUTO, {"oat": -1})


def wide_lanes() -> tuple[Identification, Site]:
    """Return a shelf of six plates under three lanes of two plates each."""
    shop = site("lane_cells", {"oat": 1041.0, "gum": 60.0, "rice": 511.0})
    return Identification(shop), shop


def test_items_taken_from_both_plates_of_one_lane_are_one_bill() -> None:
    identification, shop = wide_lanes()
    act = Shopping("lane_cells").step(("NUTS", -511.0), ("RICE", -1022.0))
    event = identification.resolve(act, shop.opening_stock(), Mode.SELLING)
    assert event is not None
    assert (event.verdict, event.items) == (Verdict.AUTO, (ItemChange("rice", -3, "RICE"),))
    assert event.stock_after == {"RICE": {"rice": 5}}


def test_an_item_shifted_within_its_lane_bills_nobody() -> None:
    identification, shop = wide_lanes()
    act = Shopping("lane_cells").step(("NUTS", -511.0), ("RICE", 511.0))
    event = identification.resolve(act, shop.opening_stock(), Mode.SELLING)
    assert event is not None
    assert (event.verdict, event.items) == (Verdict.REVIEW, ())


def test_what_moves_on_a_plate_beyond_its_capacity_is_left_to_a_person_with_a_guess() -> None:
    shop = Shopping("lane_cells")
    step = shop.step(("RICE", -WEIGHTS_G["rice"] * 1.04))
    doubt = np.where(np.arange(6) == list(WEIGHTS_G).index("rice"), 50.0**2, 0.25)
    event = shop.resolve(dataclasses.replace(step, covariance_g2=np.diag(doubt), beyond_capacity=True))
    assert (event.verdict, "press" in event.reasons) == (Verdict.REVIEW, True)
    assert bills(event)[0] == {"rice": -1}

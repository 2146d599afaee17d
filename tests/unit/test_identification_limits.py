"""Identification at its limits: dead channels, empty shelves, sixty SKUs, steps that do not fit."""

import time
from statistics import median

import msgspec
import numpy as np
import pytest
from identification_shop import HARDWARE, WEIGHTS_G, Kind, Shopping, bills, site

from edge_agent.config.assortment import Planogram
from edge_agent.identification import Identification
from edge_agent.model import MonotonicNs, WeightStep
from edge_agent.vocabulary import EventKind, Mode, Verdict


@pytest.mark.parametrize("sku", WEIGHTS_G)
def test_a_platform_with_a_dead_corner_goes_on_with_three(sku: str) -> None:
    shop = Shopping("platform")
    event = shop.resolve(shop.step((sku.upper(), -WEIGHTS_G[sku]), valid=[True, False, True, True]))
    assert bills(event)[0] == {sku: -1}
    assert event.position_mm is None


def test_a_platform_with_two_dead_corners_reviews_and_says_why() -> None:
    shop = Shopping("platform")
    event = shop.resolve(shop.step(("OAT", -1041.0), valid=[True, False, True, False]))
    assert (event.verdict, event.reasons) == (Verdict.REVIEW, ("low_confidence", "channel_missing"))
    assert {"oat": -1} in bills(event)


@pytest.mark.parametrize("kind", HARDWARE)
def test_a_shelf_that_cannot_be_read_asks_for_review(kind: Kind) -> None:
    shop = Shopping(kind)
    event = shop.resolve(shop.step(("OAT", -1041.0), valid=[False] * len(shop.site.shelves[0].channels)))
    assert (event.kind, event.verdict) == (EventKind.UNKNOWN, Verdict.REVIEW)
    assert event.reasons == ("unknown_item", "channel_missing")
    assert event.witnesses_missing == ("weight",)


@pytest.mark.parametrize("kind", HARDWARE)
def test_a_shelf_without_lanes_knows_nothing_and_says_so(kind: Kind) -> None:
    shop = Shopping(kind)
    bare = msgspec.structs.replace(shop.site, planogram=Planogram(revision=1, lanes=()))
    event = Identification(bare).resolve(shop.step(("SOUP", -420.0)), {}, Mode.SELLING)
    assert event is not None
    assert (event.kind, event.verdict, event.items) == (EventKind.UNKNOWN, Verdict.REVIEW, ())


@pytest.mark.parametrize("kind", HARDWARE)
def test_sixty_skus_on_a_shelf_are_decided_within_twenty_milliseconds(kind: Kind) -> None:
    weights_g = {f"sku{i:02d}": 40.0 * 1.06**i for i in range(60)}
    shop = site(kind, weights_g, plates=60)
    identification = Identification(shop)
    channels = len(shop.shelves[0].channels)
    delta_g = np.full(channels, -weights_g["sku30"] / channels) if kind == "platform" else np.zeros(channels)
    if kind == "lane_cells":
        delta_g[30] = -weights_g["sku30"]
    act = WeightStep(
        "act",
        "shelf",
        MonotonicNs(0),
        MonotonicNs(1),
        delta_g,
        np.eye(channels),
        np.ones(channels, dtype=np.bool_),
        0.0,
    )
    costs_s = []
    for _ in range(7):
        started_s = time.process_time()
        event = identification.resolve(act, shop.opening_stock(), Mode.SELLING)
        costs_s.append(time.process_time() - started_s)
        assert event is not None
        assert {"sku30": -1} in bills(event)
    assert median(costs_s) <= 0.020


def test_sixty_plates_changed_at_once_stay_bounded_and_are_named_or_reviewed() -> None:
    shop = site("lane_cells", {f"sku{i:02d}": 40.0 * 1.06**i for i in range(60)}, plates=60)
    weights = np.array([item.unit_weight_g for item in shop.catalogue.items])
    act = WeightStep(
        "act", "shelf", MonotonicNs(0), MonotonicNs(1), -weights, np.eye(60), np.ones(60, dtype=np.bool_), 0.0
    )
    identification = Identification(shop)
    started_s = time.process_time()
    event = identification.resolve(act, shop.opening_stock(), Mode.SELLING)
    assert time.process_time() - started_s <= 0.2
    assert event is not None
    assert bills(event)[0] == {item.sku: -1 for item in shop.catalogue.items}


def test_a_step_of_another_shape_is_refused_with_both_sizes() -> None:
    shop = Shopping("platform")
    step = Shopping("lane_cells").step(("SOUP", -420.0))
    with pytest.raises(ValueError, match=r"act-1 of shelf shelf: \(6,\) channels, the shelf file has 4"):
        shop.identification.resolve(step, shop.stock, Mode.SELLING)

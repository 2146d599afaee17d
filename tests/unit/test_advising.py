"""What a forecast is made of: thresholds, drawn acts, plans that are compared."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_agent.advising.drawn_acts import ActSource
from edge_agent.advising.forecast import Draw, forecast
from edge_agent.advising.proposals import with_lane_cells, with_swap
from edge_agent.advising.thresholds import Standing, standing_at, threshold_for
from edge_agent.config import PolicyConfig, ShelfConfig, Site
from edge_agent.config.assortment import LaneConfig, Planogram
from edge_agent.config.files import load_site

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(CONFIG / "agent.toml")


def shelf_of(site: Site, shelf_id: str) -> ShelfConfig:
    return next(shelf for shelf in site.shelves if shelf.shelf_id == shelf_id)


def rounded(standing: Standing) -> tuple[float, float, float]:
    return standing.min_confidence, round(standing.reviewed, 6), round(standing.wrong, 6)


def test_the_threshold_bills_as_much_as_the_errors_allow_and_states_what_it_does_itself() -> None:
    confidences = (0.5, 0.9, 1.0, 1.0)
    assert rounded(threshold_for(confidences, 0.03)) == (0.5001, 0.25, 0.025)
    assert rounded(threshold_for(confidences, 0.01)) == (0.9001, 0.5, 0.0)
    assert rounded(threshold_for(confidences, 0.2)) == (0.5, 0.0, 0.15)


def test_acts_of_equal_confidence_are_billed_together_or_not_at_all() -> None:
    alike = (0.98,) * 4 + (1.0,) * 6
    assert rounded(threshold_for(alike, 0.007)) == (0.9801, 0.4, 0.0), "three of the four would do, but cannot be had"
    assert rounded(threshold_for(alike, 0.008001)) == (0.5, 0.0, 0.008)


@pytest.mark.parametrize("target", [0.01, 0.001, 1e-4, 1e-5, 1e-6])
def test_a_threshold_that_can_be_typed_keeps_every_target_and_never_reads_as_one(target: float) -> None:
    barely = tuple(1 - np.geomspace(1e-9, 0.4, 200))
    found = threshold_for(barely, target)
    assert found.wrong <= target
    assert found.min_confidence < 1
    typed = PolicyConfig(min_confidence=float(f"{found.min_confidence}"))
    assert standing_at(barely, typed.certain_from) == found


def test_what_is_reviewed_anyhow_is_never_counted_as_billed() -> None:
    assert standing_at((0.0, 0.0, 0.99), 0.5).reviewed == pytest.approx(2 / 3)


def test_more_put_backs_than_takes_go_astray_since_few_put_backs_strew_what_many_takes_find(site: Site) -> None:
    source = ActSource(site, shelf_of(site, "ambient-lanes"), noise_g=1.0)
    astray: dict[bool, list[bool]] = {True: [], False: []}
    for number in range(4000):
        act = source.draw(1, number)
        if sum(abs(quantity) for _, quantity in act.bill) == 1:
            put = act.bill[0][1] > 0
            astray[put].append(int(np.argmax(np.abs(act.step.delta_g))) != act.lead)
    assert np.mean(astray[False]) == pytest.approx(0.02, abs=0.01)
    assert np.mean(astray[True]) == pytest.approx(0.08, abs=0.025)


def test_two_plans_of_the_same_goods_see_the_same_hands(site: Site) -> None:
    shelf = shelf_of(site, "dairy-platform")
    lanes = site.planogram.on_shelf(shelf.shelf_id)
    as_it_is, swapped = ActSource(site, shelf, 1.0), ActSource(with_swap(site, lanes[1], lanes[4]), shelf, 1.0)
    for number in range(50):
        one, other = as_it_is.draw(7, number), swapped.draw(7, number)
        assert one.bill == other.bill
        assert one.step.delta_g.sum() == pytest.approx(other.step.delta_g.sum(), abs=1e-6), "the same items and noise"


def test_seventy_lanes_get_their_cells_from_nine_boards(site: Site) -> None:
    platform = msgspec.structs.replace(
        shelf_of(site, "dairy-platform"),
        width_mm=7000.0,
        channels=tuple(
            msgspec.structs.replace(channel, x_mm=6960.0 if channel.x_mm > 450 else 40.0)
            for channel in shelf_of(site, "dairy-platform").channels
        ),
    )
    skus = [item.sku for item in site.catalogue.items]
    lanes = tuple(
        LaneConfig(
            lane_id=f"L{place}",
            shelf_id=platform.shelf_id,
            x_mm=(100.0 * place, 100.0 * place + 100),
            sku=skus[place % len(skus)],
            capacity=8,
            opening_count=6,
        )
        for place in range(70)
    )
    wide = msgspec.structs.replace(site, shelves=(platform,), planogram=Planogram(1, lanes))
    changed = with_lane_cells(wide, platform)
    (shelf,) = changed.shelves
    assert len(shelf.channels) == 70
    assert len({channel.board_uid for channel in shelf.channels}) == 9
    assert forecast(changed, shelf, Draw(acts=4, seed=1, noise_g=1.0)).acts == 4


def test_goods_narrower_than_usual_stand_on_narrow_plates_as_wide_as_the_catalogue_says(site: Site) -> None:
    lanes = next(shelf for shelf in site.shelves if shelf.kind == "lane_cells")
    plates = 18
    cells = tuple(
        msgspec.structs.replace(lanes.channels[0], index=place, x_mm=lanes.width_mm * (place + 0.5) / plates)
        for place in range(plates)
    )
    narrow = msgspec.structs.replace(lanes, kind="narrow_plates", channels=cells)
    assert any(item.size_mm is not None for item in site.catalogue.items)
    shop = msgspec.structs.replace(site, shelves=(narrow,))
    found = forecast(shop, narrow, Draw(60, 1, 1.0))
    assert np.mean(np.array(found.confidences) < 0.99) <= 0.1

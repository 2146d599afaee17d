"""A scripted session is a day's variety of acts: each possible, none overlapping, honest about what is ambiguous."""

import math
from itertools import combinations, pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_agent.config import Site
from edge_agent.config.files import load_site
from edge_agent.simulation.acts import Movement, PlannedAct, Story
from edge_agent.simulation.influence import load_shares
from edge_agent.simulation.shopper import scripted_session
from edge_agent.simulation.truth import ActKind
from edge_agent.simulation.world import ShelfWorld


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(Path(__file__).parents[2] / "config" / "agent.toml")


@pytest.mark.parametrize("seed", range(8))
def test_a_session_tells_every_story_and_can_be_performed(site: Site, seed: int) -> None:
    session = scripted_session(site, seed, act_count=40)
    truths = ShelfWorld(site, seed).perform_all(session)
    assert len(truths) == 40
    incidents = {Story.BUMP, Story.WIPE, Story.CONDENSE, Story.LIFT_SLOWLY}  # Not what shoppers come for.
    assert {act.story for act in session} == set(Story) - incidents
    assert {truth.kind for truth in truths} == set(ActKind) - {ActKind.EXCHANGE}


@pytest.mark.parametrize("seed", range(8))
def test_the_shelf_is_quiet_between_acts(site: Site, seed: int) -> None:
    truths = ShelfWorld(site, seed).perform_all(scripted_session(site, seed, act_count=40))
    for before, after in pairwise(truths):
        assert after.t_start_s - before.t_release_s >= 3.0


def test_a_long_day_never_runs_into_an_impossible_act(site: Site) -> None:
    session = scripted_session(site, 1, act_count=600)
    world = ShelfWorld(site, 1)
    world.perform_all(session)
    assert len(session) == 600
    for lane in site.planogram.lanes:
        assert sum(world.goods.stock()[lane.lane_id].values()) <= lane.capacity


def test_a_session_ends_in_time_and_the_seed_decides_it(site: Site) -> None:
    session = scripted_session(site, 5, duration_s=120, first_act_s=10)
    assert session == scripted_session(site, 5, duration_s=120, first_act_s=10)
    assert session != scripted_session(site, 6, duration_s=120, first_act_s=10)
    assert session[0].t_s == 10
    assert ShelfWorld(site, 5).perform_all(session)[-1].t_release_s < 120
    with pytest.raises(ValueError, match="give act_count, duration_s, or both"):
        scripted_session(site, 5)


def test_where_everything_is_sold_out_the_shopper_only_touches(site: Site) -> None:
    empty = tuple(msgspec.structs.replace(lane, opening_count=0) for lane in site.planogram.lanes)
    bare = msgspec.structs.replace(site, planogram=msgspec.structs.replace(site.planogram, lanes=empty))
    stories = {act.story for act in scripted_session(bare, 1, act_count=30)}
    assert stories == {Story.PRESS, Story.LEAVE_FOREIGN, Story.REMOVE_FOREIGN}


def test_a_shop_without_lanes_has_no_session(site: Site) -> None:
    bare = msgspec.structs.replace(site, planogram=msgspec.structs.replace(site.planogram, lanes=()))
    assert scripted_session(bare, 1, act_count=30) == ()


def test_variants_of_one_weight_are_called_ambiguous_and_distinct_goods_are_not(site: Site) -> None:
    world = ShelfWorld(site, 2)
    variant = world.take("D1", 1.0)
    between = world.put_back("oat-drink-barista-1000", "D1", 6.0, x_mm=150)
    clear = [
        world.take("D3", 12.0),
        world.take("D4", 18.0, 2),
        world.take("A3", 24.0, 3),
        world.put_back("salted-butter-250", "D5", 30.0),
        world.take("D5", 36.0, sku="salted-butter-250"),
    ]
    assert variant.ambiguous == "weighs like 1 × oat-drink-unsweetened-1000"
    assert between.ambiguous == "weighs like 1 × oat-drink-unsweetened-1000"
    assert [truth.ambiguous for truth in clear] == [None] * 5


def test_a_foreign_object_that_weighs_like_goods_is_ambiguous_and_an_odd_one_is_not(site: Site) -> None:
    world = ShelfWorld(site, 3)
    assert world.leave_foreign("A2", 1.0, 262.5).ambiguous == "weighs like 1 × coffee-beans-250"
    assert world.leave_foreign("A2", 6.0, 77.0).ambiguous is None


def test_one_of_each_of_two_products_can_pass_for_two_of_what_stands_between(site: Site) -> None:
    heavier = tuple(
        msgspec.structs.replace(item, unit_weight_g=(254.0 + 537.0) / 2) if item.sku == "mature-cheddar-350" else item
        for item in site.catalogue.items
    )
    lanes = {"D3": (300.0, 400.0), "D5": (400.0, 500.0), "D4": (500.0, 600.0)}
    moved = tuple(
        msgspec.structs.replace(lane, x_mm=lanes.get(lane.lane_id, lane.x_mm)) for lane in site.planogram.lanes
    )
    world = ShelfWorld(
        msgspec.structs.replace(
            site,
            catalogue=msgspec.structs.replace(site.catalogue, items=heavier),
            planogram=msgspec.structs.replace(site.planogram, lanes=moved),
        ),
        4,
    )
    both = (Movement("D3", -1, "salted-butter-250"), Movement("D4", -1, "greek-yoghurt-500"))
    one_each = world.perform(PlannedAct(1.0, Story.TAKE_TWO_PRODUCTS, both))
    assert one_each.ambiguous == "weighs like 2 × mature-cheddar-350"
    two_alike = world.take("D5", 8.0, 2)
    assert two_alike.ambiguous == "weighs like 1 × greek-yoghurt-500 + 1 × salted-butter-250"


def test_an_exchange_of_like_for_like_is_ambiguous(site: Site) -> None:
    world = ShelfWorld(site, 5)
    swap = (Movement("A1", -1, "coffee-beans-250"), Movement("A1", 1, "coffee-beans-250"))
    assert world.perform(PlannedAct(1.0, Story.TAKE_ONE, swap)).ambiguous == "the weights cancel"


def test_the_seed_catalogue_has_one_pair_of_like_weights_and_they_are_neighbours(site: Site) -> None:
    """What the example teaches holds: up to four of one product never weigh like up to four of another."""
    alike = set()
    for shelf in site.shelves:
        items = [site.catalogue.item(lane.sku) for lane in site.planogram.on_shelf(shelf.shelf_id)]
        for one, two in combinations(items, 2):
            for n in range(1, 5):
                for m in range(1, 5):
                    sigma_g = math.sqrt(n * one.unit_sigma_g**2 + m * two.unit_sigma_g**2 + 1)
                    if abs(n * one.unit_weight_g - m * two.unit_weight_g) < 5 * sigma_g:
                        alike.add((one.sku, two.sku))
    assert alike == {("oat-drink-barista-1000", "oat-drink-unsweetened-1000")}


def test_the_seed_shelves_bear_their_full_lanes(site: Site) -> None:
    for shelf in site.shelves:
        full_g = sum(
            lane.capacity
            * site.catalogue.item(lane.sku).unit_weight_g
            * load_shares(shelf, sum(lane.x_mm) / 2, shelf.depth_mm / 2)
            for lane in site.planogram.on_shelf(shelf.shelf_id)
        )
        assert np.max(full_g) < shelf.limits.cell_max_g

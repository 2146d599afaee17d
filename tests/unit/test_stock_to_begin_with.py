"""What an agent believes to stand on its shelves when it starts: its own counts, by the planogram of today."""

import msgspec
import pytest

from edge_agent.app import stock_to_begin_with
from edge_agent.config import Site
from edge_agent.config.files import load_site
from edge_agent.demo.unit_files import seed_directory


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(seed_directory() / "agent.toml")


def test_a_new_unit_begins_with_the_planograms_counts(site: Site) -> None:
    assert stock_to_begin_with(site, {}) == site.opening_stock()


def test_a_restart_begins_with_what_was_counted_strays_included(site: Site) -> None:
    saved = site.opening_stock() | {"A1": {"coffee-beans-250": 3, "spaghetti-500": 1}, "A2": {"spaghetti-500": 0}}
    begun = stock_to_begin_with(site, saved)
    assert begun["A1"] == {"coffee-beans-250": 3, "spaghetti-500": 1}
    assert begun["A2"] == {"spaghetti-500": 0}, "an empty lane stays empty"


def test_a_lane_planned_for_another_product_begins_anew_and_a_removed_one_is_forgotten(site: Site) -> None:
    lanes = tuple(
        msgspec.structs.replace(lane, sku="mature-cheddar-350") if lane.lane_id == "A1" else lane
        for lane in site.planogram.lanes
        if lane.lane_id != "A6"
    )
    changed = msgspec.structs.replace(site, planogram=msgspec.structs.replace(site.planogram, lanes=lanes))
    begun = stock_to_begin_with(changed, site.opening_stock())
    assert begun["A1"] == {"mature-cheddar-350": 10}
    assert "A6" not in begun

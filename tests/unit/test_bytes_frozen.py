"""The level of bytes stays as it is: whoever changes its shelves, acts or physics changes its version with them."""

import hashlib

import numpy as np
import pytest

from edge_agent.bytes_level import BYTES_VERSION
from edge_agent.bytes_level.line import readings
from edge_agent.bytes_level.lost_rows import LostRows
from edge_agent.bytes_level.occasions import occasions
from edge_agent.bytes_level.shop import draw_physics, shop_of, world_of
from edge_agent.bytes_level.shopper import visit
from edge_agent.config.tree import PolicyConfig
from edge_agent.judging.habits import HABITS
from edge_agent.judging.hardware import HARDWARE, HardwareKind
from edge_agent.judging.suites import SUITES, draw_shelf

PINNED = {
    "distinct/lane_cells": ("f7c84e959599", "03b49da5f8c0"),
    "variants/lane_cells": ("00694f7c3100", "9bdbe714a527"),
    "store/lane_cells": ("bd7e97917415", "578b60c2eb73"),
    "distinct/platform": ("1158ee5dba7e", "e72d1c2e6faf"),
    "variants/platform": ("b59cbd393324", "82d930377bbf"),
    "store/platform": ("c6a65f77aa73", "a9f3d990a132"),
    "distinct/narrow_plates": ("7017d3332d31", "1259b0d42407"),
    "variants/narrow_plates": ("09b0cb56bb51", "6a4945bf158f"),
    "store/narrow_plates": ("ab54187c31b1", "eca709bd7f28"),
}
"""Digests of what happened, and of what the first board handed on in the first seconds."""


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("kind", HARDWARE)
def test_the_frozen_level_acts_and_weighs_as_it_always_did(suite: str, kind: HardwareKind) -> None:
    site = shop_of(draw_shelf(suite, 4, 0), HARDWARE[kind], PolicyConfig())
    rng = np.random.default_rng(4)
    world = world_of(site, int(rng.integers(2**31)))
    physics = draw_physics(rng)
    truths = occasions(visit(world, HABITS, rng, 16))
    t_s, mass_g = readings(site, world, physics, 20.0)
    acts = [
        (each.story, each.kind.value, each.items, round(each.t_start_s, 6), round(each.t_release_s, 6))
        for each in truths
    ]
    places = [
        (round(move.mass_g, 6), round(move.x_mm, 6), round(move.y_mm, 6)) for each in truths for move in each.moves
    ]
    apart = np.rint(np.diff(t_s) / np.median(np.diff(t_s))).astype(np.int64)
    seen = hashlib.sha256((np.round(mass_g, 2) + 0.0).tobytes() + apart.tobytes())
    digests = hashlib.sha256(repr((acts, places)).encode()).hexdigest()[:12], seen.hexdigest()[:12]
    name = f"{suite}/{kind}"
    assert (BYTES_VERSION, digests) == ("bytes-1", PINNED[name]), name


def test_frozen_boards_lose_readings_as_they_always_did() -> None:
    lost = LostRows(np.random.default_rng(4), 80.0)
    rows = [(place, each) for place in range(200_000) if (each := lost.due(place * 0.005))]
    digest = hashlib.sha256(repr(rows).encode()).hexdigest()[:12]
    assert (BYTES_VERSION, digest) == ("bytes-1", "7e055fae6d2b")

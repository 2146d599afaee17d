"""A virtual board carries the simulated shelf over the real protocol: what the cells feel arrives as grams."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from edge_agent.config.files import load_site
from edge_agent.simulation.board_source import BoardSource
from edge_agent.simulation.world import ShelfWorld
from firmware_bridge.board_model import BoardModel
from firmware_bridge.board_setup import BoardSetup, SampleSource
from firmware_bridge.decoder import FrameDecoder
from firmware_bridge.frames import Samples

LANE_BOARD = "8c1f64a0e2070001"


def test_an_item_taken_in_the_world_is_missing_in_the_bytes_of_the_board() -> None:
    site = load_site(Path(__file__).parents[2] / "config" / "agent.toml")
    world = ShelfWorld(site, 1)
    truth = world.take("A2", 2.0, 2)
    source: SampleSource = BoardSource(world, LANE_BOARD)
    board = BoardModel(BoardSetup(board_uid=LANE_BOARD, channels=6, rate_hz=80.0), source)
    decoder = FrameDecoder()
    frames = []
    for second in range(1, 9):
        frames += [frame for frame in decoder.feed(board.advance(board.ticks_at(second))) if isinstance(frame, Samples)]
    counts = np.concatenate([frame.counts for frame in frames])
    assert 620 <= len(counts) <= 640
    assert all(later.first_index == one.first_index + len(one.counts) for one, later in pairwise(frames))
    calibration = site.calibration(LANE_BOARD)
    assert calibration is not None
    change_g = (counts[-160:].mean(axis=0) - counts[:140].mean(axis=0)) / [
        channel.counts_per_g for channel in calibration.channels
    ]
    assert change_g[1] == pytest.approx(truth.delta_g, abs=1.0)
    assert np.abs(np.delete(change_g, 1)).max() < 0.5

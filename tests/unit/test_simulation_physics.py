"""The simulated hardware behaves as the data sheets and the laws of statics say."""

import itertools
import math
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.config import ChannelConfig, ShelfConfig
from edge_agent.model import FloatArray
from edge_agent.simulation.adc import (
    COUNTS_MAX,
    COUNTS_MIN,
    OVERSAMPLING,
    ConversionFilter,
    Noise,
    quantise,
    trailing_ones,
)
from edge_agent.simulation.cell import CellPhysics, Cells
from edge_agent.simulation.influence import load_shares
from edge_agent.simulation.plate import Plate, RingingMode

UID = "00000000000000aa"


def shelf(kind: Literal["lane_cells", "platform"], cells_mm: list[tuple[float, float]]) -> ShelfConfig:
    channels = tuple(ChannelConfig(board_uid=UID, index=i, x_mm=x, y_mm=y) for i, (x, y) in enumerate(cells_mm))
    return ShelfConfig(shelf_id="s", kind=kind, width_mm=900, depth_mm=400, channels=channels)


PLATFORM = shelf("platform", [(860, 40), (40, 360), (40, 40), (860, 360)])
LANES = shelf("lane_cells", [(75 + 150 * lane, 200) for lane in range(6)])


@given(st.floats(0, 900), st.floats(0, 400))
def test_a_platform_keeps_a_loads_mass_and_its_centre_in_both_directions(x_mm: float, y_mm: float) -> None:
    shares = load_shares(PLATFORM, x_mm, y_mm)
    assert shares.sum() == pytest.approx(1)
    assert shares @ [channel.x_mm for channel in PLATFORM.channels] == pytest.approx(x_mm, abs=1e-6)
    assert shares @ [channel.y_mm for channel in PLATFORM.channels] == pytest.approx(y_mm, abs=1e-6)


def test_a_load_beyond_the_corner_cells_lifts_the_far_corner() -> None:
    shares = load_shares(PLATFORM, 900, 400)
    assert shares[3] > 1
    assert min(shares) < 0


@given(st.floats(0, 900), st.floats(0, 200))
def test_separate_plates_never_lose_a_gram(x_mm: float, footprint_mm: float) -> None:
    shares = load_shares(LANES, x_mm, 200, footprint_mm)
    assert shares.sum() == pytest.approx(1)
    assert shares.min() >= 0


def test_an_item_on_the_border_presses_on_both_plates_and_one_inside_on_its_own() -> None:
    assert load_shares(LANES, 300, 200, 100) == pytest.approx([0, 0.5, 0.5, 0, 0, 0])
    assert load_shares(LANES, 225, 200, 100) == pytest.approx([0, 1, 0, 0, 0, 0])
    assert load_shares(LANES, 320, 200, 100) == pytest.approx([0, 0.3, 0.7, 0, 0, 0])


def ring(steps: int, step_s: float, damping: float = 0.04) -> FloatArray:
    plate = Plate((RingingMode(45.0, damping),), np.ones(1))
    plate.rest(np.zeros(1))
    return plate.respond(np.full((steps, 1), 1000.0), step_s)[:, 0]


def test_a_plate_overshoots_and_rings_at_its_frequency_as_its_damping_says() -> None:
    step_s = 1 / 5000
    response_g = ring(5000, step_s)
    assert response_g.max() == pytest.approx(1000 * (1 + math.exp(-math.pi * 0.04 / math.sqrt(1 - 0.04**2))), rel=1e-3)
    crossings = np.flatnonzero(np.diff(np.sign(response_g - 1000)[: round(0.4 / step_s)]))
    assert 1 / (2 * np.diff(crossings).mean() * step_s) == pytest.approx(45 * math.sqrt(1 - 0.04**2), rel=0.01)


def test_a_plate_comes_to_rest_within_its_time_constant() -> None:
    response_g = ring(320, 1 / 320)
    decay_per_s = 0.04 * 2 * math.pi * 45
    assert abs(response_g[-1] - 1000) < 1000 * math.exp(-decay_per_s * 1.0) * 1.1
    assert np.abs(response_g[:20] - 1000).max() > 500


def test_two_modes_share_the_deflection_and_end_at_the_same_weight() -> None:
    plate = Plate((RingingMode(12.0, 0.05, 0.7), RingingMode(60.0, 0.03, 0.3)), np.array([0.95, 1.05]))
    plate.rest(np.array([200.0, 300.0]))
    still_g = plate.respond(np.tile([200.0, 300.0], (10, 1)), 1 / 320)
    assert still_g == pytest.approx(np.tile([200.0, 300.0], (10, 1)))
    for _ in range(10):
        ended_g = plate.respond(np.tile([700.0, 0.0], (320, 1)), 1 / 320)[-1]
    assert ended_g == pytest.approx([700, 0], abs=1e-6)


def test_the_adc_filter_shows_a_step_completely_after_four_conversions_and_not_after_three() -> None:
    adc = ConversionFilter(1)
    adc.rest(np.array([100.0]))
    read_g = adc.convert(np.full((6 * OVERSAMPLING, 1), 1100.0))[:, 0]
    assert read_g[3:] == pytest.approx(1100)
    assert 100 < read_g[0] < read_g[1] < read_g[2] < 1099
    assert read_g[2] > 1050


def cell(**changed: float) -> Cells:
    ideal = {"nonlinearity": 0.0, "creep": 0.0, "zero_per_c": 0.0, "span_per_c": 0.0}
    return Cells((CellPhysics(5000.0, **(ideal | changed)),), np.ones((1, 4)))


def test_an_overloaded_cell_meets_its_stop() -> None:
    sensed_g = cell().sense(np.array([[4000.0], [12_000.0], [30_000.0]]), 0.01, 20.0)
    assert sensed_g[:, 0] == pytest.approx([4000, 7500, 7500])


def test_nonlinearity_bends_most_at_half_scale_and_not_at_the_ends() -> None:
    sensed_g = cell(nonlinearity=5e-4).sense(np.array([[0.0], [2500.0], [5000.0]]), 0.01, 20.0)[:, 0]
    assert sensed_g == pytest.approx([0, 2502.5, 5000])


def test_a_cell_creeps_under_load_for_half_an_hour_and_forgets_it_afterwards() -> None:
    crept = cell(creep=5e-4)
    crept.rest(np.zeros(1), 20.0)
    under_load_g = [float(crept.sense(np.full((64, 1), 4000.0), 1 / 80, 20.0)[-1, 0]) for _ in range(2250)]
    assert under_load_g[0] - 4000 < 0.02
    assert 1.2 < under_load_g[-1] - 4000 < 2.0
    assert under_load_g[1125] - 4000 > 0.5 * (under_load_g[-1] - 4000)
    freed_g = [float(crept.sense(np.zeros((64, 1)), 1 / 80, 20.0)[-1, 0]) for _ in range(9000)]
    assert 1.2 < freed_g[0] < 2.0
    assert freed_g[-1] < 0.1


def test_a_cell_follows_the_air_with_minutes_of_lag() -> None:
    warmed = cell(zero_per_c=5e-5)
    warmed.rest(np.zeros(1), 20.0)
    drift_g = [float(warmed.sense(np.zeros((80, 1)), 1 / 80, 30.0)[-1, 0]) for _ in range(1200)]
    assert drift_g[0] < 0.01
    assert drift_g[399] == pytest.approx(2.5 * (1 - math.exp(-1)), rel=0.02)
    assert drift_g[-1] == pytest.approx(2.5 * (1 - math.exp(-3)), rel=0.02)


def test_quiet_noise_is_as_strong_as_configured_and_stronger_in_slow_means_than_white_noise() -> None:
    noise = Noise(np.array([0.12, 0.5]), np.array([0.0, 0.2]), np.random.default_rng(1))
    drawn_g = np.concatenate([noise.draw(64, 1 / 80) for _ in range(2500)])
    assert drawn_g[:, 0].std() == pytest.approx(0.12, rel=0.02)
    assert drawn_g[:, 1].std() == pytest.approx(math.hypot(0.5, 0.2), rel=0.05)
    means_g = drawn_g.reshape(-1, 800, 2).mean(axis=1).std(axis=0)
    assert means_g[0] < 1.3 * 0.12 / math.sqrt(800)
    assert means_g[1] > 3 * 0.5 / math.sqrt(800)


def test_noise_does_not_depend_on_how_it_is_drawn() -> None:
    def noise() -> Noise:
        return Noise(np.array([0.1, 0.2, 0.3]), np.array([0.05, 0.05, 0.05]), np.random.default_rng(7))

    at_once, one_by_one = noise(), noise()
    rows_g = np.concatenate([one_by_one.draw(1, 1 / 80) for _ in range(64)])
    assert at_once.draw(64, 1 / 80) == pytest.approx(rows_g, abs=1e-9)


def test_counts_clamp_at_the_rails_on_both_sides() -> None:
    counts = quantise(np.array([[0.4, 1e6, -1e6, 1e6]]), np.zeros(4), np.array([430.0, 430.0, 430.0, -430.0]))
    assert counts.tolist() == [[172, COUNTS_MAX, COUNTS_MIN, COUNTS_MIN]]


def test_a_read_that_was_cut_short_ends_in_ones_and_keeps_its_upper_bits() -> None:
    good = np.array([[0b1010_0000, -4096, 77]], dtype=np.int32)
    read = trailing_ones(good, np.array([[True, True, False]]), np.array([[4, 12, 23]], dtype=np.int32))
    assert read.tolist() == [[0b1010_1111, -1, 77]]


def test_neighbouring_cells_do_not_ring_in_step() -> None:
    plate = Plate((RingingMode(45.0, 0.02),), np.array([0.95, 1.0, 1.05]))
    plate.rest(np.zeros(3))
    response_g = plate.respond(np.full((100, 3), 500.0), 1 / 320)
    for left, right in itertools.combinations(range(3), 2):
        assert np.abs(response_g[:, left] - response_g[:, right]).max() > 100

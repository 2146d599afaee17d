"""The shelf's influence on its channels, the density behind every decision, and the belief that follows from events."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.config import ChannelConfig, ShelfConfig
from edge_agent.config.assortment import LaneConfig
from edge_agent.identification import apply_event
from edge_agent.identification.gaussian import log_density, log_sum_exp
from edge_agent.identification.observation_model import ObservationModel
from edge_agent.model import ItemChange, ItemEvent, MonotonicNs, Revisions
from edge_agent.vocabulary import EventKind, Mode, Verdict

UID = "00000000000000aa"


def lane(lane_id: str, left_mm: float, right_mm: float) -> LaneConfig:
    return LaneConfig(lane_id=lane_id, shelf_id="shelf", x_mm=(left_mm, right_mm), sku=lane_id, capacity=6)


def platform() -> ShelfConfig:
    corners = [(40.0, 360.0), (860.0, 40.0), (860.0, 360.0), (40.0, 40.0)]
    channels = tuple(ChannelConfig(board_uid=UID, index=i, x_mm=x, y_mm=y) for i, (x, y) in enumerate(corners))
    return ShelfConfig(shelf_id="shelf", kind="platform", width_mm=900, depth_mm=400, channels=channels)


def plates(*xs_mm: float) -> ShelfConfig:
    channels = tuple(ChannelConfig(board_uid=UID, index=i, x_mm=x) for i, x in enumerate(xs_mm))
    return ShelfConfig(shelf_id="shelf", kind="lane_cells", width_mm=300, depth_mm=400, channels=channels)


def test_a_load_over_a_corner_cell_is_felt_by_that_cell_alone() -> None:
    model = ObservationModel(platform(), ())
    for index, cell in enumerate(platform().channels):
        assert model.influence(cell.x_mm, cell.y_mm) == pytest.approx(np.eye(4)[index])
    assert model.influence(450, 200) == pytest.approx(np.full(4, 0.25))


def test_a_platforms_cells_bear_every_load_in_full_and_balance_its_moment() -> None:
    model = ObservationModel(platform(), ())
    xs = np.array([cell.x_mm for cell in platform().channels])
    ys = np.array([cell.y_mm for cell in platform().channels])
    for x_mm, y_mm in ((0.0, 0.0), (123.0, 77.0), (900.0, 400.0)):
        influence = model.influence(x_mm, y_mm)
        assert influence.sum() == pytest.approx(1.0)
        assert (influence @ xs, influence @ ys) == pytest.approx((x_mm, y_mm))


def test_a_lanes_spread_on_a_platform_is_that_of_items_standing_anywhere_in_it() -> None:
    model = ObservationModel(platform(), (lane("A", 150, 300),))
    places = np.random.default_rng(1).uniform((150, 60), (300, 340), (20_000, 2))
    felt = np.array([model.influence(x, y) for x, y in places])
    (spot,) = model.regions[0].spots
    assert spot.influence == pytest.approx(felt.mean(axis=0), abs=0.005)
    assert spot.covariance == pytest.approx(np.cov(felt.T), abs=0.002)


def test_a_load_on_separate_plates_is_felt_by_the_plate_under_it() -> None:
    model = ObservationModel(plates(50, 150, 250), ())
    assert model.influence(99, 10) == pytest.approx([1, 0, 0])
    assert model.influence(101, 10) == pytest.approx([0, 1, 0])
    assert model.influence(300, 10) == pytest.approx([0, 0, 1])


def test_a_lane_over_two_plates_stands_on_each_by_its_share_and_a_drawing_error_counts_for_nothing() -> None:
    model = ObservationModel(plates(50, 150, 250), (lane("A", 0, 102), lane("B", 102, 225), lane("C", 225, 300)))
    on_plate = [{spot.lane_index: spot.share for spot in region.spots} for region in model.regions]
    assert on_plate[0] == {0: pytest.approx(1.0)}
    assert on_plate[1] == {1: pytest.approx(98 / 123)}
    assert on_plate[2] == {1: pytest.approx(25 / 123), 2: pytest.approx(1.0)}


@pytest.mark.parametrize("channels", [1, 4, 9])
def test_the_density_is_the_textbooks(channels: int) -> None:
    rng = np.random.default_rng(channels)
    root = rng.normal(size=(5, channels, channels))
    covariance = root @ root.transpose(0, 2, 1) + 0.1 * np.eye(channels)
    residual = rng.normal(size=(5, channels))
    expected = [
        -0.5 * (r @ np.linalg.solve(s, r) + np.linalg.slogdet(2 * np.pi * s)[1])
        for r, s in zip(residual, covariance, strict=True)
    ]
    assert log_density(residual, covariance) == pytest.approx(expected)


def test_a_covariance_stated_as_singular_gives_a_finite_density() -> None:
    assert np.isfinite(log_density(np.ones((2, 3)), np.ones((2, 3, 3)))).all()


def test_summing_nothing_or_impossibilities_stays_impossible() -> None:
    assert log_sum_exp(np.zeros(0)) == float("-inf")
    assert log_sum_exp(np.full(3, -np.inf)) == float("-inf")


EVENT = ItemEvent(
    act_id="act", shelf_id="shelf", kind=EventKind.TAKE, mode=Mode.SELLING, verdict=Verdict.AUTO, reasons=(),
    items=(ItemChange("oat", -3, "A"),), confidence=1.0, alternatives=(), delta_g=0.0, sigma_g=1.0, position_mm=None,
    position_sigma_mm=None, t_start_ns=MonotonicNs(0), t_end_ns=MonotonicNs(1), hands=None, witnesses=(),
    witnesses_missing=(), stock_before={}, stock_after={}, revisions=Revisions(1, 1, {}, "1"),
)  # fmt: skip


def test_an_automatic_event_moves_the_lanes_it_names_and_leaves_the_old_belief_alone() -> None:
    before = {"A": {"oat": 5}, "B": {"soy": 2}}
    assert apply_event(before, EVENT) == {"A": {"oat": 2}, "B": {"soy": 2}}
    assert before == {"A": {"oat": 5}, "B": {"soy": 2}}


def test_a_belief_never_falls_below_nothing() -> None:
    assert apply_event({"A": {"oat": 1}}, EVENT) == {"A": {"oat": 0}}
    assert apply_event({}, EVENT) == {"A": {"oat": 0}}


def test_a_stray_is_counted_where_it_was_put() -> None:
    stray = replace(EVENT, items=(ItemChange("soy", 1, "A"),))
    assert apply_event({"A": {"oat": 5}}, stray) == {"A": {"oat": 5, "soy": 1}}


def test_a_review_moves_the_belief_where_its_first_explanation_is_likelier_than_not() -> None:
    before = {"A": {"oat": 5}}
    likely = replace(EVENT, verdict=Verdict.REVIEW, confidence=0.97)
    assert apply_event(before, likely) == {"A": {"oat": 2}}
    assert apply_event(before, replace(likely, confidence=0.5)) is before
    assert apply_event(before, replace(likely, items=())) is before


def test_an_item_without_a_lane_moves_nothing() -> None:
    before = {"A": {"oat": 5}}
    assert apply_event(before, replace(EVENT, items=(ItemChange("oat", -1),))) == before

"""The oracle for plates narrower than an item, beside brute force and beside itself with many more draws."""

import numpy as np
import pytest

from edge_agent.judging.acts import act_rng, draw_act
from edge_agent.judging.habits import HABITS, FloatArray, Habits
from edge_agent.judging.hardware import HARDWARE, on_the_shelf, overlaps, plate_edges_mm
from edge_agent.judging.match import Terms, play
from edge_agent.judging.narrow_oracle import NarrowOracle
from edge_agent.judging.oracle import enumeration
from edge_agent.judging.suites import Shelf, draw_shelf

PLATES = HARDWARE["narrow_plates"]


def test_an_item_stands_on_two_or_three_plates_and_hides_nothing_of_its_weight() -> None:
    x_mm = np.linspace(30, 870, 500)
    shares = np.array([PLATES.shares(float(x), 200, 0) for x in x_mm])
    assert shares.sum(axis=1) == pytest.approx(1)
    assert set((shares > 1e-9).sum(axis=1)) == {2, 3}
    middles = (plate_edges_mm()[1:] + plate_edges_mm()[:-1]) / 2
    assert np.abs(shares @ middles - x_mm).max() < 6


def test_an_item_that_would_hang_over_an_end_stands_as_far_inside() -> None:
    assert on_the_shelf(10) == pytest.approx(50)
    assert on_the_shelf(895) == pytest.approx(845)
    assert on_the_shelf(400) == pytest.approx(400)
    assert PLATES.shares(10, 200, 0) == pytest.approx(PLATES.shares(50, 200, 0))


def brute_force(shelf: Shelf, habits: Habits, delta_g: FloatArray, draws: int) -> FloatArray:
    """Return the probability of every bill: masses, lanes and places drawn from the habits, readings by the physics."""
    known = enumeration(len(shelf.weight_g), habits)
    rng, edges = np.random.default_rng(5), plate_edges_mm()
    truth = np.zeros(len(known.bills))
    for row in range(len(known.bills)):
        load_g = np.zeros((draws, len(delta_g)))
        for sku in known.bills.items[row][known.bills.items[row] >= 0].tolist():
            away = 1 + rng.integers(len(shelf.weight_g) - 1, size=draws)
            lane = (sku + away * (rng.random(draws) < habits.misplaced_share)) % len(shelf.weight_g)
            x = shelf.middles_mm()[lane] + habits.x_sigma_mm * rng.standard_normal(draws)
            x = 870 - np.abs(870 - (30 + np.abs(x - 30)))
            mass = shelf.weight_g[sku] + shelf.sigma_g[sku] * rng.standard_normal(draws)
            load_g += mass[:, None] * overlaps(x, edges)
        scaled = ((load_g + delta_g) ** 2).sum(axis=1)
        truth[row] = np.exp(known.log_prior[row]) * np.exp(-0.5 * scaled).mean()
    shares: FloatArray = truth / truth.sum()
    return shares


@pytest.mark.parametrize(
    ("x_mm", "skus"),
    [((225, 240), (0, 0)), ((228,), (1,)), ((45, 660), (0, 0)), ((225, 215, 260), (0, 0, 0))],
    ids=["two alike on the same plates", "one that weighs as two", "one at the end and one astray", "three alike"],
)
def test_narrow_plates_are_read_as_by_brute_force(x_mm: tuple[float, ...], skus: tuple[int, ...]) -> None:
    """Items so light that a million places drawn blindly come near the right ones."""
    habits = Habits(number_share=(0.4, 0.35, 0.25, 0.0), same_share=0.5, misplaced_share=0.2, x_sigma_mm=70)
    shelf = Shelf("tiny", np.array([22.0, 42.0]), np.array([0.3, 0.6]), np.arange(2))
    noise = np.random.default_rng(1).standard_normal(24)
    delta_g = -sum(shelf.weight_g[sku] * PLATES.shares(x, 0, 0) for x, sku in zip(x_mm, skus, strict=True)) + noise
    told = NarrowOracle(enumeration(2, habits), shelf, per_item=False).posterior(delta_g, [])
    assert told == pytest.approx(brute_force(shelf, habits, delta_g, 400_000), abs=0.03)


@pytest.mark.parametrize("suite", ["distinct", "store"])
def test_more_draws_say_the_same(suite: str) -> None:
    known = enumeration(12, HABITS)
    apart = []
    for number in range(60):
        shelf = draw_shelf(suite, 9, number // 20)
        act = draw_act(shelf, HABITS, 9, number)
        delta_g = PLATES.weigh(act, act_rng(suite, 9, number, 2))
        few, many = (
            NarrowOracle(known, shelf, per_item=False, points=points).posterior(delta_g, []) for points in (24, 240)
        )
        apart.append(np.abs(few - many).max())
    assert np.mean(apart) < 0.005


@pytest.mark.parametrize("suite", ["distinct", "variants"])
def test_its_confidences_come_true(suite: str) -> None:
    """As many of its bills are wrong as its confidences foretell, within four standard deviations."""
    oracle = play(Terms(suite, "narrow_plates", 500, 5, HABITS, 0.99), []).players[0]
    foretold = 1 - oracle.confidence
    assert abs(oracle.wrong.sum() - foretold.sum()) < 4 * np.sqrt((foretold * oracle.confidence).sum())


def test_plates_narrower_than_items_tell_more_than_four_corners_and_less_than_a_cell_a_lane() -> None:
    """Where items are of one weight only their places tell them apart, and a footprint blurs those less than levers."""
    doubt = {
        kind: 1 - play(Terms("variants", kind, 250, 8, HABITS, 0.99), []).players[0].confidence.mean()
        for kind in HARDWARE
    }
    assert doubt["lane_cells"] < doubt["narrow_plates"] < doubt["platform"]

"""The oracle against what it stands for: brute force on a shelf so small that every way can be written down."""

import itertools
from math import comb, exp, log

import numpy as np
import pytest

from edge_agent.judging.acts import act_rng, draw_act
from edge_agent.judging.bills import Bills
from edge_agent.judging.camera import SEEN_SHARE, appearances, look, look_at, separation
from edge_agent.judging.habits import Habits, log_prior
from edge_agent.judging.hardware import HARDWARE
from edge_agent.judging.lane_oracle import LaneOracle
from edge_agent.judging.oracle import CoarseOracle, enumeration, moments
from edge_agent.judging.placements import left_out_share
from edge_agent.judging.platform_oracle import PlatformOracle
from edge_agent.judging.suites import SUITES, Shelf, draw_shelf

HABITS = Habits(number_share=(0.5, 0.3, 0.15, 0.05), same_share=0.6, misplaced_share=0.1)
WEIGHTS_G = np.array([100.0, 203.0, 305.0])
TINY = Shelf("tiny", WEIGHTS_G, 0.01 * WEIGHTS_G, np.arange(3))


def sequences(habits: Habits, skus: int) -> dict[tuple[int, ...], float]:
    """Return the probability of every ordered sequence of SKUs."""
    ways = {}
    for n, share in enumerate(habits.number_share, 1):
        for order in itertools.product(range(skus), repeat=n):
            further = [
                habits.same_share if sku == order[0] else (1 - habits.same_share) / (skus - 1) for sku in order[1:]
            ]
            ways[order] = share / skus * float(np.prod(further))
    return ways


def test_the_prior_of_bills_is_that_of_all_orders_in_which_they_could_be_taken() -> None:
    bills = Bills(3)
    ways = sequences(HABITS, 3)
    prior = np.exp(log_prior(bills.counts, HABITS))
    assert prior.sum() == pytest.approx(1)
    for row in range(len(bills)):
        items = tuple(int(sku) for sku in bills.items[row] if sku >= 0)
        assert prior[row] == pytest.approx(sum(p for order, p in ways.items() if tuple(sorted(order)) == items))


def test_twelve_products_make_1819_bills() -> None:
    bills = Bills(12)
    assert len(bills) == 1819
    assert (bills.rows_of(bills.keys) == np.arange(1819)).all()


@pytest.mark.parametrize(
    "change_g", [[-101.0, 0.3, -0.2], [0.4, -203.5, -306.0], [-305.0, 0.1, 0.2], [-304.0, -100.0, 0]]
)
def test_a_cell_per_lane_is_read_as_by_brute_force(change_g: list[float]) -> None:
    """Every order of SKUs in every choice of lanes, weighed one by one."""
    known = enumeration(3, HABITS)
    truth = np.zeros(len(known.bills))
    for order, p in sequences(HABITS, 3).items():
        row = known.bills.row(list(order))
        for lanes in itertools.product(range(3), repeat=len(order)):
            stand = [1 - 0.1 if sku == lane else 0.05 for sku, lane in zip(order, lanes, strict=True)]
            density = 1.0
            for lane in range(3):
                inside = [sku for sku, place in zip(order, lanes, strict=True) if place == lane]
                variance = 1 + sum(TINY.sigma_g[sku] ** 2 for sku in inside)
                miss = -change_g[lane] - sum(WEIGHTS_G[sku] for sku in inside)
                density *= exp(-0.5 * miss**2 / variance) / variance**0.5
            truth[row] += p * float(np.prod(stand)) * density
    told = LaneOracle(known, TINY, per_item=False).posterior(np.array(change_g), [])
    assert told == pytest.approx(truth / truth.sum(), abs=1e-6)


def test_four_corners_are_read_as_by_brute_force() -> None:
    """Masses and places drawn by the million beside the quadrature: the odds of one item against two."""
    habits = Habits(number_share=(0.5, 0.5, 0, 0), same_share=0.5, misplaced_share=0.0, x_sigma_mm=150, y_sigma_mm=120)
    shelf = Shelf("tiny", np.array([100.0, 200.0]), np.array([8.0, 8.0]), np.arange(2))
    known = enumeration(2, habits)
    reading = np.array([200.0, -60.0, 30.0, 5.0])
    corners = np.linalg.inv(np.array([[1, 1, 1, 1], [-1, 1, -1, 1], [-1, -1, 1, 1], [1, -1, -1, 1]])) @ reading
    told = PlatformOracle(known, shelf, per_item=False, points=4096).posterior(corners, [])
    rng = np.random.default_rng(3)
    draws, width = 700_000, np.array([6.0, 10.0, 10.0, 6.0])
    truth = np.zeros(len(known.bills))
    for row in range(len(known.bills)):
        sums = np.zeros((4, draws))
        for sku in known.bills.items[row][known.bills.items[row] >= 0].tolist():
            mass = shelf.weight_g[sku] + 8 * rng.standard_normal(draws)
            u = (shelf.middles_mm()[sku] - 450 + 150 * rng.standard_normal(draws)) / 420
            v = 120 * rng.standard_normal(draws) / 170
            sums += np.array([mass, mass * u, mass * v, mass * u * v])
        inside = (np.abs(sums + rng.standard_normal((4, draws)) - reading[:, None]) < width[:, None]).all(axis=0)
        truth[row] = exp(known.log_prior[row]) * inside.mean()
    assert told == pytest.approx(truth / truth.sum(), abs=0.05)


def test_a_camera_on_every_item_is_weighed_over_all_assignments() -> None:
    known = enumeration(3, HABITS)
    word = np.log(np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]))
    oracle = CoarseOracle(known, TINY, "weight", per_item=True)
    silent = CoarseOracle(known, TINY, "weight", per_item=False).posterior(np.array([-304.0, 0.0]), [])
    told = oracle.posterior(np.array([-304.0, 0.0]), list(word))
    one, pair, three = (known.bills.row(items) for items in ([2], [0, 1], [0, 0, 0]))
    assert told[one] == 0, "two items were seen, one SKU of 305 g is one item"
    said = np.exp(word)
    of_pair = (said[0, 0] * said[1, 1] + said[0, 1] * said[1, 0]) / 2
    of_three = comb(3, 2) * (1 - SEEN_SHARE) * said[0, 0] * said[1, 0]
    odds = log(silent[pair] / silent[three]) + log(of_pair / of_three)
    assert log(told[pair] / told[three]) == pytest.approx(odds)


@pytest.mark.parametrize("top1", [0.8, 0.9, 0.95])
def test_the_camera_is_as_skilled_as_stated(top1: float) -> None:
    rng = np.random.default_rng(1)
    means = appearances(np.arange(12), top1)
    right = np.mean([look(means, 3, rng).argmax() == 3 for _ in range(4000)])
    assert right == pytest.approx(top1, abs=0.02)
    assert separation(12, 0.8) < separation(12, 0.9)


def test_variants_of_one_product_look_alike() -> None:
    means = appearances(np.array([0, 0, 1]), 0.9)
    apart = np.linalg.norm(means[0] - means[1]), np.linalg.norm(means[0] - means[2])
    assert apart[0] < 0.6 * apart[1]


def test_an_act_that_several_sensors_saw_is_the_same_act() -> None:
    shelf = draw_shelf("variants", 4, 0)
    again = draw_act(shelf, HABITS, 4, 17)
    assert again == draw_act(shelf, HABITS, 4, 17)
    total = {kind: each.weigh(again, np.random.default_rng(0)).sum() for kind, each in HARDWARE.items()}
    mass = again.sign * sum(item.mass_g for item in again.items)
    assert total["platform"] == pytest.approx(mass, abs=5)
    assert total["lane_cells"] == pytest.approx(mass, abs=5 * 12**0.5)
    corners = moments(HARDWARE["platform"].weigh(again, np.random.default_rng(0)))
    centre_mm = sum(item.mass_g * item.x_mm for item in again.items) / abs(mass)
    assert corners[1] / corners[0] * 420 + 450 == pytest.approx(centre_mm, abs=420 * 5 / abs(mass))


def test_what_the_enumeration_leaves_out_is_stated() -> None:
    at_home = 0.9
    shares = {n: 1 - at_home**n - n * 0.1 * at_home ** (n - 1) for n in (1, 2, 3, 4)}
    assert left_out_share(HABITS) == pytest.approx(0.3 * shares[2] + 0.15 * shares[3] + 0.05 * shares[4])
    assert left_out_share(Habits(misplaced_share=0.0)) == pytest.approx(0)


@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_draws_twelve_saleable_goods(suite: str) -> None:
    for number in range(50):
        shelf = draw_shelf(suite, 1, number)
        assert len(shelf.weight_g) == len(shelf.sigma_g) == 12
        assert shelf.weight_g.min() >= 25
        assert ((shelf.sigma_g / shelf.weight_g) <= 0.015).all()
    rng = act_rng("distinct", 1, 2, 3)
    assert len(look_at(shelf, [1, 2], 0.9, rng, per_item=False)) == 1

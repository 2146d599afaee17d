"""What must hold for any act: probabilities are probabilities, evidence counts once, and confidence can be believed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from identification_shop import HARDWARE, Kind, site

from edge_agent.config import PolicyConfig, Site
from edge_agent.identification import Identification
from edge_agent.identification.bundles import MAX_ITEMS_AT_ONCE
from edge_agent.identification.gaussian import log_density
from edge_agent.identification.observation_model import ObservationModel
from edge_agent.identification.posterior import bill_of, combine, probabilities
from edge_agent.identification.prior import (
    COUNT_WRONG,
    EXCHANGE_SHARE,
    HANDFUL,
    HANDFUL_EXPONENT,
    SHOPPER,
    SWEEP_EXPONENT,
    SWEEP_SHARE,
    Belief,
)
from edge_agent.identification.region_units import unknown_spreads_g
from edge_agent.identification.shelf_hypotheses import ShelfHypotheses
from edge_agent.identification.witnesses import PositionWitness, WeightWitness
from edge_agent.model import FloatArray, ItemChange, MonotonicNs, WeightStep
from edge_agent.vocabulary import Mode, Verdict

OPENING = 5


def shop_of(kind: Kind, weights_g: Sequence[float], names: Sequence[str] = "abcdefgh", spread: float = 0.01) -> Site:
    """Return a shelf of one lane a weight, with a plate a lane where it has plates."""
    weights = dict(zip(names, weights_g, strict=False))
    return site(kind, weights, opening=OPENING, spread=spread, plates=len(weights), min_event_g=5.0)


def step(delta_g: FloatArray, covariance_g2: FloatArray) -> WeightStep:
    valid = np.ones(len(delta_g), dtype=np.bool_)
    return WeightStep("act", "shelf", MonotonicNs(0), MonotonicNs(1), delta_g, covariance_g2, valid, 0.0)


def noise(channels: int, seed: int) -> FloatArray:
    """Return a measurement covariance with correlations between the channels."""
    root = np.random.default_rng(seed).normal(size=(channels, channels))
    covariance: FloatArray = 0.2 * root @ root.T + 0.3 * np.eye(channels)
    return covariance


WEIGHTS = st.lists(st.floats(30, 1500), min_size=3, max_size=7)
DELTAS = st.lists(st.floats(-2000, 2000), min_size=7, max_size=7)


@settings(deadline=None, max_examples=60)
@given(kind=st.sampled_from(HARDWARE), weights_g=WEIGHTS, deltas_g=DELTAS, seed=st.integers(0, 1000))
def test_explanations_cut_off_ones_and_something_else_share_one_probability(
    kind: Kind, weights_g: list[float], deltas_g: list[float], seed: int
) -> None:
    shop = shop_of(kind, weights_g)
    lanes = shop.planogram.on_shelf("shelf")
    tables = ShelfHypotheses(ObservationModel(shop.shelves[0], lanes), shop.catalogue.items, PolicyConfig())
    channels = len(shop.shelves[0].channels)
    act = step(np.array(deltas_g[:channels]), noise(channels, seed))
    hypotheses = tables.explain(act, Belief(lanes, tables.skus, shop.opening_stock()), SHOPPER)
    assert hypotheses is not None
    testimonies = [each.log_likelihood(hypotheses, act, ()) for each in (WeightWitness(), PositionWitness())]
    kept, cut = probabilities(hypotheses, testimonies)
    assert kept.sum() + cut == pytest.approx(1.0)
    assert (kept >= 0).all()
    posterior = combine(hypotheses, kept)
    assert sum(bill.probability for bill in posterior.bills) + posterior.something_else == pytest.approx(1.0)
    names = [bill_of(bill.items) for bill in posterior.bills]
    assert len(set(names)) == len(names)


@settings(deadline=None, max_examples=40)
@given(kind=st.sampled_from(HARDWARE), weights_g=WEIGHTS, deltas_g=DELTAS, seed=st.integers(0, 1000))
def test_weight_and_position_together_are_the_joint_density_of_the_channels(
    kind: Kind, weights_g: list[float], deltas_g: list[float], seed: int
) -> None:
    shop = shop_of(kind, weights_g)
    lanes = shop.planogram.on_shelf("shelf")
    tables = ShelfHypotheses(ObservationModel(shop.shelves[0], lanes), shop.catalogue.items, PolicyConfig())
    channels = len(shop.shelves[0].channels)
    act = step(np.array(deltas_g[:channels]), noise(channels, seed))
    hypotheses = tables.explain(act, Belief(lanes, tables.skus, shop.opening_stock()), SHOPPER)
    assert hypotheses is not None
    weight = WeightWitness().log_likelihood(hypotheses, act, ()).log_likelihood
    position = PositionWitness().log_likelihood(hypotheses, act, ()).log_likelihood
    used = hypotheses.channels
    residual = act.delta_g[used] - hypotheses.mean_g
    covariance = hypotheses.covariance_g2 + act.covariance_g2[np.ix_(used, used)]
    assert weight + position == pytest.approx(log_density(residual, covariance), rel=1e-9, abs=1e-6)
    if len(used) > 1:
        # The textbook's conditional: the other channels given the total.
        share = covariance[:, :-1].sum(axis=2) / covariance.sum(axis=(1, 2))[:, None]
        total = residual.sum(axis=1)
        conditional = covariance[:, :-1, :-1] - share[:, :, None] * covariance[:, None, :-1].sum(axis=3)
        expected = log_density(residual[:, :-1] - share * total[:, None], conditional)
        assert position == pytest.approx(expected, rel=1e-6, abs=1e-4)


@settings(deadline=None, max_examples=30)
@given(
    kind=st.sampled_from(HARDWARE),
    weights_g=st.lists(st.floats(30, 1500), min_size=5, max_size=5),
    deltas_g=DELTAS,
    names=st.permutations(["a", "b", "c", "d", "e"]),
)
def test_a_decision_does_not_depend_on_what_the_skus_are_called(
    kind: Kind, weights_g: list[float], deltas_g: list[float], names: list[str]
) -> None:
    plain, renamed = shop_of(kind, weights_g, ["a", "b", "c", "d", "e"]), shop_of(kind, weights_g, names)
    channels = len(plain.shelves[0].channels)
    act = step(np.array(deltas_g[:channels]), noise(channels, 1))
    before = Identification(plain).resolve(act, plain.opening_stock(), Mode.SELLING)
    after = Identification(renamed).resolve(act, renamed.opening_stock(), Mode.SELLING)
    assert before is not None
    assert after is not None
    assert after.verdict is before.verdict
    assert after.confidence == pytest.approx(before.confidence, abs=1e-6)
    if before.verdict is Verdict.AUTO:
        called = dict(zip("abcde", names, strict=True))
        renaming = (
            ItemChange(called[item.sku], item.quantity, called[str(item.lane_id).lower()].upper())
            for item in before.items
        )
        assert after.items == tuple(sorted(renaming))


@settings(deadline=None, max_examples=60)
@given(
    kind=st.sampled_from(HARDWARE),
    deltas_g=st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=5, max_size=5),
    variances_g2=st.lists(st.sampled_from([0.0, 1e-12, 1.0, 1e6, 1e18, float("inf")]), min_size=5, max_size=5),
    valid=st.lists(st.booleans(), min_size=5, max_size=5),
    spread=st.sampled_from([1e-4, 0.01, 1.0]),
)
def test_any_step_whatever_becomes_an_event_with_sound_numbers(
    kind: Kind, deltas_g: list[float], variances_g2: list[float], valid: list[bool], spread: float
) -> None:
    shop = shop_of(kind, [50.0, 50.0, 120.0, 480.0, 1000.0], spread=spread)
    channels = len(shop.shelves[0].channels)
    act = replace(
        step(np.array(deltas_g[:channels]), np.diag(variances_g2[:channels])), valid=np.array(valid[:channels])
    )
    event = Identification(shop).resolve(act, shop.opening_stock(), Mode.SELLING)
    assert event is not None
    assert 0 <= event.confidence <= 1
    assert sum(each.probability for each in event.alternatives) <= 1 + 1e-9
    assert np.isfinite([event.delta_g, event.sigma_g]).all()
    assert event.verdict is Verdict.REVIEW or event.confidence >= PolicyConfig().certain_from


class Shoppers:
    """Draws acts as the prior states them in words, and gives them physical weights, places and noise of their own."""

    def __init__(self, shop: Site, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.shop = shop
        self.lanes = shop.planogram.on_shelf("shelf")
        self.model = ObservationModel(shop.shelves[0], self.lanes)
        self.policy = shop.agent.policy
        number = np.arange(1, MAX_ITEMS_AT_ONCE + 1, dtype=np.float64)
        few = number <= HANDFUL
        hands, swept = few * number**-HANDFUL_EXPONENT, ~few * number**-SWEEP_EXPONENT
        self.number_share = (1 - SWEEP_SHARE) * hands / hands.sum() + SWEEP_SHARE * swept / swept.sum()

    def act(self, noise_g: float) -> tuple[WeightStep, tuple[tuple[str, int], ...] | None]:
        """Return a step and its bill, None for something that the shelf does not sell."""
        shelf = self.shop.shelves[0]
        delta_g = self.rng.normal(0, noise_g, len(shelf.channels))
        known = self.rng.random() >= self.policy.unknown_prior
        moved = self._moved() if known else []
        for sign, sku, lane in moved:
            item = self.shop.catalogue.items[sku]
            mass_g = sign * self.rng.normal(item.unit_weight_g, item.unit_sigma_g)
            place = self.rng.uniform(*self.lanes[lane].x_mm), self.rng.uniform(*self.model.depth_range_mm())
            delta_g += mass_g * self.model.influence(*place)
        if not known:
            place = self.rng.uniform(0, shelf.width_mm), self.rng.uniform(0, shelf.depth_mm)
            cells = len(self.model.regions[0].channels)
            spread_g = self.rng.choice(unknown_spreads_g(shelf.limits, cells))
            delta_g += abs(self.rng.normal(0, spread_g)) * self.model.influence(*place)
        bill = bill_of([ItemChange(self.shop.catalogue.items[sku].sku, sign) for sign, sku, _ in moved])
        return step(delta_g, noise_g**2 * np.eye(len(delta_g))), bill if known else None

    def _moved(self) -> list[tuple[int, int, int]]:
        """Return (sign, SKU, lane) of every item; acts that the stock belief doubts are as rare as it says."""
        skus, misplaced = len(self.lanes), self.policy.misplaced_prior
        while True:
            way = self.rng.choice(3, p=(1 - SHOPPER.put_share - EXCHANGE_SHARE, SHOPPER.put_share, EXCHANGE_SHARE))
            moved: list[tuple[int, int, int]] = []
            for sign in ((-1,), (1,), (-1, 1))[way]:
                first = int(self.rng.integers(skus))
                for place in range(int(self.rng.choice(MAX_ITEMS_AT_ONCE, p=self.number_share)) + 1):
                    other = place and self.rng.random() >= SHOPPER.same_share
                    sku = int(self.rng.integers(skus)) if other else first
                    astray = self.rng.random() < misplaced
                    lane = (sku + int(self.rng.integers(1, skus))) % skus if astray else sku
                    moved.append((sign, sku, lane))
            if self.rng.random() < self._credible(moved):
                return moved

    def _credible(self, moved: list[tuple[int, int, int]]) -> float:
        chance = 1.0
        for (sign, sku, lane), number in Counter(moved).items():
            beyond = number - OPENING if sku == lane else 0
            if sign < 0 and beyond > 0:
                chance *= COUNT_WRONG * 0.5 ** (beyond - 1)
            if sign > 0:
                chance *= 0.5 ** (number - 1)  # Nobody took any, by the belief.
        return chance


@pytest.mark.parametrize(("kind", "heaviest_g", "spread"), [("lane_cells", 120.0, 0.15), ("platform", 400.0, 0.03)])
@pytest.mark.parametrize("seeds", [(11, 12, 13, 14)])
def test_confidence_is_what_it_says(kind: Kind, heaviest_g: float, spread: float, seeds: tuple[int, ...]) -> None:
    """Observed over expected errors stays within [0.67, 1.5], over all acts and among the automatic ones alone."""
    expected = {Verdict.AUTO: 0.0, Verdict.REVIEW: 0.0}
    observed = {Verdict.AUTO: 0, Verdict.REVIEW: 0}
    for seed in seeds:
        weights_g = np.random.default_rng(seed).uniform(heaviest_g / 5, heaviest_g, 8)
        shop = shop_of(kind, weights_g.tolist(), spread=spread)
        shoppers, identification = Shoppers(shop, seed), Identification(shop)
        for _ in range(1500):
            act, truth = shoppers.act(noise_g=1.0)
            event = identification.resolve(act, shop.opening_stock(), Mode.SELLING)
            assert event is not None
            expected[event.verdict] += 1 - event.confidence
            observed[event.verdict] += (bill_of(event.items) if event.items else None) != truth
    assert sum(expected.values()) > 90
    assert 0.67 <= sum(observed.values()) / sum(expected.values()) <= 1.5
    assert 0.67 <= observed[Verdict.AUTO] / expected[Verdict.AUTO] <= 1.5

"""A deployer states how much may be wrong and reviewed; which threshold follows, and when the agent cannot keep it."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from identification_shop import Shopping

from edge_agent.config.tree import PolicyConfig
from edge_agent.identification.policy import Circumstances, decide
from edge_agent.identification.posterior import Bill, Posterior
from edge_agent.identification.threshold import (
    ENOUGH_ACTS,
    REMEMBERED_ACTS,
    acts_seen,
    billed_from,
    share_below,
    threshold,
    with_act,
)
from edge_agent.learned import NONE_SEEN, UNIT, Confidences, Learned
from edge_agent.learning import Learning
from edge_agent.model import HealthTransition, ItemChange, ItemEvent
from edge_agent.vocabulary import Mode, StepCause, Verdict

ONE_IN_A_THOUSAND = PolicyConfig(tolerated_error=0.001)


def history(confidences: list[float]) -> Confidences:
    seen = NONE_SEEN
    for confidence in confidences:
        seen = with_act(seen, confidence)
    return seen


def shop_confidences(number: int, rng: np.random.Generator) -> list[float]:
    """Return confidences as a shelf gives them: most very sure, a few anywhere between even odds and certainty."""
    log_odds = np.where(rng.random(number) < 0.05, rng.uniform(0, 7, number), rng.uniform(7, 14, number))
    return [float(each) for each in 1 / (1 + np.exp(-log_odds))]


def test_without_targets_a_bill_needs_ninety_nine_percent() -> None:
    assert billed_from(PolicyConfig(), NONE_SEEN, 0.7) == 0.99


def test_a_fixed_threshold_stays_whatever_was_seen() -> None:
    assert billed_from(PolicyConfig(min_confidence=0.97), history([0.99999] * 500), 0.7) == 0.97


def test_before_enough_acts_no_bill_is_doubted_more_than_tolerated() -> None:
    seen = history([0.999999] * (ENOUGH_ACTS - 10))
    assert billed_from(ONE_IN_A_THOUSAND, seen, 0.99) == 0.999


def test_a_shelf_that_is_mostly_sure_bills_further_down_and_keeps_the_promise() -> None:
    rng = np.random.default_rng(5)
    seen, billed, wrong, reviewed, acts = NONE_SEEN, 0, 0, 0, 40_000
    for confidence in shop_confidences(acts, rng):
        if confidence >= billed_from(ONE_IN_A_THOUSAND, seen, confidence):
            billed += 1
            wrong += rng.random() > confidence
        else:
            reviewed += 1
        seen = with_act(seen, confidence)
    fixed = sum(each < 0.999 for each in shop_confidences(acts, np.random.default_rng(5)))
    assert threshold(ONE_IN_A_THOUSAND, seen) < 0.99
    assert wrong / billed < 0.001 + 2 * (0.001 / billed) ** 0.5
    assert reviewed < 0.7 * fixed


def test_the_threshold_is_the_lowest_that_the_mean_bears() -> None:
    seen = history([0.9999] * 450 + [0.99] * 50)
    assert threshold(PolicyConfig(tolerated_error=0.002), seen) == 0.5, "(450·0.0001 + 50·0.01) / 500 = 0.0011"
    strict = threshold(PolicyConfig(tolerated_error=0.0005), seen)
    assert 0.99 < strict <= 0.9995


def test_one_doubtful_act_is_not_billed_on_the_strength_of_a_few_sure_ones() -> None:
    seen = history([0.99999] * 300)
    assert billed_from(ONE_IN_A_THOUSAND, seen, 0.55) > 0.55
    assert billed_from(ONE_IN_A_THOUSAND, seen, 0.95) <= 0.95


def test_a_shelf_that_becomes_unsure_is_billed_less_within_its_memory() -> None:
    rng = np.random.default_rng(6)
    seen = history([0.999999] * REMEMBERED_ACTS)
    assert threshold(ONE_IN_A_THOUSAND, seen) == 0.5
    for each in rng.uniform(0.8, 1.0, 200):
        seen = with_act(seen, float(each))
    assert threshold(ONE_IN_A_THOUSAND, seen) > 0.95


def test_memory_is_of_about_two_thousand_acts() -> None:
    seen = history([0.6] * 3 * REMEMBERED_ACTS)
    assert 0.9 * REMEMBERED_ACTS < acts_seen(seen) < REMEMBERED_ACTS
    assert share_below(seen, 0.99) == pytest.approx(1.0)
    assert share_below(seen, 0.5) == 0.0


@pytest.mark.parametrize("confidence", [0.0, 0.49999, 0.5, 1 - 1e-15, 1.0])
def test_every_confidence_finds_its_step(confidence: float) -> None:
    assert acts_seen(with_act(NONE_SEEN, confidence)) == 1.0


def test_the_same_act_is_reviewed_before_and_billed_after_the_unit_has_shown_how_sure_it_is() -> None:
    bill = (ItemChange("soup", -1, "SOUP"),)
    posterior = Posterior((Bill(bill, 0.995),), 0.005)
    circumstances = Circumstances(Mode.SELLING, StepCause.ACT, False, False, {})
    first = decide(posterior, ONE_IN_A_THOUSAND, circumstances)
    later = decide(posterior, ONE_IN_A_THOUSAND, circumstances, history([0.99999] * 1000))
    assert (first.verdict, first.reasons[0]) == (Verdict.REVIEW, "low_confidence")
    assert (later.verdict, later.items) == (Verdict.AUTO, bill)


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"min_confidence": 0.99, "tolerated_error": 0.001}, "min_confidence.*tolerated_error.*one of the two"),
        ({"tolerated_error": 0.2}, "tolerated_error = 0.2: allowed"),
        ({"tolerated_review": 0.0}, "tolerated_review = 0.0: allowed"),
        ({"min_confidence": 0.3}, "min_confidence = 0.3: allowed"),
    ],
)
def test_contradicting_and_senseless_targets_are_refused_by_name(keys: dict[str, float], named: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=named):
        msgspec.convert(keys, PolicyConfig)


# --- what the store hears -----------------------------------------------------------------------------------------


def session(policy: PolicyConfig) -> tuple[Learning, ItemEvent]:
    shop = Shopping("lane_cells")
    shop.site = msgspec.structs.replace(shop.site, agent=msgspec.structs.replace(shop.site.agent, policy=policy))
    return Learning(shop.site, Learned()), shop.resolve(shop.step(("SOUP", -420.0)))


def told(learning: Learning, event: ItemEvent, confidences: list[float]) -> list[HealthTransition]:
    return [
        transition
        for confidence in confidences
        for transition in learning.learn(replace(event, confidence=confidence), None).transitions
    ]


def test_too_many_reviews_are_told_once_and_their_end_once() -> None:
    learning, event = session(PolicyConfig(tolerated_error=0.001, tolerated_review=0.01))
    transitions = told(learning, event, ([0.9] + [0.9999] * 19) * 60)
    (raised,) = transitions
    assert (raised.subject, raised.code, raised.raised) == ("shelf:shelf", "review_share", True)
    assert "% of its selling acts go to review, 1.00% are tolerated" in raised.detail
    assert "0.10% of wrong bills" in raised.detail
    assert "edge-agent lab advise" in raised.remedy
    (cleared,) = told(learning, event, [0.9999] * 6000)
    assert (cleared.subject, cleared.code, cleared.raised) == ("shelf:shelf", "review_share", False)


def test_reviews_within_the_target_or_too_few_acts_are_not_told() -> None:
    learning, event = session(PolicyConfig(tolerated_review=0.01))
    assert told(learning, event, [0.9] * 20) == []
    learning, event = session(PolicyConfig(tolerated_review=0.01))
    assert told(learning, event, ([0.9999] * 125 + [0.9]) * 60) == []


def test_reviews_are_told_at_a_fixed_threshold_too() -> None:
    learning, event = session(PolicyConfig(min_confidence=0.95, tolerated_review=0.01))
    (raised,) = told(learning, event, ([0.9] + [0.9999] * 19) * 20)
    assert raised.detail.endswith("billed is from 0.9500 sure")


def test_what_is_reviewed_in_any_case_is_no_confidence() -> None:
    learning, event = session(PolicyConfig(tolerated_error=0.001))
    for reasons in (("reconciled",), ("press", "low_confidence")):
        assert learning.learn(replace(event, reasons=reasons), None).learned == Learned()
    assert learning.learn(replace(event, mode=Mode.STAFF), None).learned == Learned()
    assert learning.confidences == NONE_SEEN


def test_a_thing_that_the_shelf_does_not_sell_is_no_sure_bill() -> None:
    learning, event = session(PolicyConfig(tolerated_error=0.001))
    lesson = learning.learn(replace(event, reasons=("unknown_item",), confidence=0.99999), None)
    assert lesson.learned.confidences.keys() == {UNIT, "shelf"}
    assert learning.confidences.acts[0] == 1.0


def test_without_targets_nothing_is_counted_or_stored() -> None:
    learning, event = session(PolicyConfig())
    assert learning.learn(event, None).learned == Learned()


def test_a_restart_goes_on_from_the_confidences_that_were_kept() -> None:
    learning, event = session(ONE_IN_A_THOUSAND)
    told(learning, event, [0.99999] * 400)
    kept = learning.learn(event, None).learned
    shop = Shopping("lane_cells")
    site = msgspec.structs.replace(shop.site, agent=msgspec.structs.replace(shop.site.agent, policy=ONE_IN_A_THOUSAND))
    assert Learning(site, kept).confidences == learning.confidences

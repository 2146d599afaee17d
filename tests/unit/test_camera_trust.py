"""Cameras that lie are found out soon and cost next to nothing; honest ones stay in good standing for years."""

import numpy as np
import pytest
from camera_shop import (
    ALIKE_G,
    DISTINCT_G,
    Act,
    Camera,
    CameraShop,
    HonestCamera,
    Judged,
    Told,
    blind,
    mirrored,
    of_yesterday,
)

from edge_agent.identification.camera_trust import CODE, DISTRUSTED, MOST, STEP_DOWN, CameraTrust
from edge_agent.model import FloatArray, HealthTransition, MonotonicNs
from edge_agent.vocabulary import Severity, Verdict

ACTS = 400
"""Of so many, 0.2 % is less than one: a single wrong answer more than by weight alone fails."""


@pytest.fixture(scope="module")
def by_weight_alone() -> list[Told]:
    shop = CameraShop(DISTINCT_G)
    return told_by(shop, shop.acts(ACTS, seed=3), None)


def told_by(shop: CameraShop, acts: list[Act], camera: Camera | None) -> list[Told]:
    judged = Judged(shop)
    return [judged.tell(act, [] if camera is None else camera(act)) for act in acts]


def lying(shop: CameraShop, name: str, seed: int) -> Camera:
    honest = HonestCamera(shop, seed)
    if name == "blind":
        return blind(shop, seed + 1, honest)
    return mirrored(honest) if name == "mirrored" else of_yesterday(shop, honest)


@pytest.mark.parametrize("name", ["blind", "mirrored", "yesterday"])
def test_a_lying_camera_is_found_out_within_ten_acts_and_costs_nothing(name: str, by_weight_alone: list[Told]) -> None:
    shop, alone = CameraShop(DISTINCT_G), by_weight_alone
    lied_to = told_by(shop, [each.act for each in alone], lying(shop, name, seed=5))
    (alarm,) = (alarm for each in lied_to for alarm in each.alarms)
    assert any(each.alarms for each in lied_to[:10])
    assert (alarm.code, alarm.raised, alarm.severity, alarm.subject) == (CODE, True, Severity.WARNING, "camera:eye")
    assert "camera check" in alarm.remedy
    wrong = sum(not each.right for each in lied_to) - sum(not each.right for each in alone)
    assert wrong <= 0.002 * ACTS
    billed_wrong = [not each.right and each.event.verdict is Verdict.AUTO for each in lied_to]
    assert not any(billed_wrong)
    assert lied_to[-1].event.witnesses_missing == ("camera",)
    assert lied_to[-1].event.confidence == alone[-1].event.confidence


@pytest.mark.parametrize("name", ["blind", "mirrored", "yesterday"])
def test_a_lie_right_after_years_of_truth_is_found_out_within_ten_acts(name: str) -> None:
    shop = CameraShop(DISTINCT_G)
    judged, honest, liar = Judged(shop), HonestCamera(shop, seed=7), lying(shop, name, seed=9)
    truth = [judged.tell(act, honest(act)) for act in shop.acts(40, seed=11)]
    lies = [judged.tell(act, liar(act)) for act in shop.acts(30, seed=13)]
    assert not any(each.alarms for each in truth)
    assert any(each.alarms for each in lies[:10])


def test_where_weight_tells_less_a_liar_is_still_found_out() -> None:
    """Three neighbours of each weight: the scale knows the third of the shelf, not the lane."""
    shop = CameraShop(ALIKE_G)
    acts = shop.acts(60, seed=3)
    lied_to = told_by(shop, acts, lying(shop, "blind", seed=5))
    assert any(each.alarms for each in lied_to[:10])


def test_a_mended_camera_is_believed_again() -> None:
    shop = CameraShop(DISTINCT_G)
    judged, liar, honest = Judged(shop), lying(shop, "mirrored", seed=5), HonestCamera(shop, seed=6)
    acts = shop.acts(80, seed=3)
    lied_to = [judged.tell(act, liar(act)) for act in acts[:50]]
    mended = [judged.tell(act, honest(act)) for act in acts[50:]]
    assert [alarm.raised for each in lied_to for alarm in each.alarms] == [True]
    (over,) = (alarm for each in mended[:12] for alarm in each.alarms)
    assert (over.raised, over.severity, over.remedy) == (False, Severity.INFO, "")
    assert "camera" in mended[-1].event.witnesses


def test_two_shelves_have_a_camera_each_and_a_reputation_each() -> None:
    trust = CameraTrust()
    contradicted, agreed = np.array([-9.0, 0.0]), np.array([2.0, 0.0])
    others = np.array([0.0, -30.0])
    for number in range(10):
        trust.judge(MonotonicNs(number), "left", "eye-left", others, contradicted)
        trust.judge(MonotonicNs(number), "right", "eye-right", others, agreed)
    assert trust.honest("left") == 0.0
    assert trust.honest("right") > 0.999


def test_the_alarm_is_told_once_however_long_the_lie_lasts() -> None:
    trust = CameraTrust()
    said: list[HealthTransition] = []
    for number in range(50):
        said += trust.judge(MonotonicNs(number), "shelf", "eye", np.array([0.0]), np.array([-9.0]))
    assert len(said) == 1
    assert said[0].t_ns < 10


def test_an_act_that_nothing_explains_judges_no_camera() -> None:
    trust = CameraTrust()
    before = trust.honest("shelf")
    assert trust.judge(MonotonicNs(1), "shelf", "eye", np.array([-np.inf, -np.inf]), np.array([1.0, -1.0])) == []
    assert trust.honest("shelf") == before


def test_the_best_standing_ends_within_ten_plain_contradictions() -> None:
    assert (MOST - DISTRUSTED) / -STEP_DOWN < 10


# --- honest for years: no scale in it, so that thousands of acts cost nothing ---------------------------------------


def word_of(skus: int, top1_apart: float, truth: int, dice: np.random.Generator) -> FloatArray:
    """Return a calibrated word of a camera on one of so many SKUs, nats over chance."""
    descriptor = top1_apart * np.eye(skus)[truth] + dice.standard_normal(skus)
    likelihood = np.exp(top1_apart * (descriptor - descriptor.max()))
    over_chance: FloatArray = np.log(likelihood / likelihood.mean())
    return over_chance


@pytest.mark.parametrize("seed", range(5))
def test_a_camera_that_is_right_four_times_in_five_is_never_doubted(seed: int) -> None:
    """2,000 acts each, of which the scale is sure; one guess in five is wrong, and it says how sure it is."""
    dice, trust, apart = np.random.default_rng(seed), CameraTrust(), 2.54
    said: list[HealthTransition] = []
    right = 0
    for number in range(2000):
        truth = int(dice.integers(12))
        others = np.where(np.arange(12) == truth, 0.0, -12.0)
        word = word_of(12, apart, truth, dice)
        right += int(word.argmax()) == truth
        said += trust.judge(MonotonicNs(number), "shelf", "eye", others, word)
    assert right / 2000 == pytest.approx(0.8, abs=0.03)
    assert said == []
    assert trust.honest("shelf") > 0.9


@pytest.mark.parametrize("seed", range(3))
def test_an_honest_camera_over_a_scale_is_never_doubted(seed: int) -> None:
    """The same through the whole identification: it names the right one of twelve SKUs four times in five."""
    shop = CameraShop(DISTINCT_G)
    honest = HonestCamera(shop, seed, top1=0.8)
    said = told_by(shop, shop.acts(150, seed + 40), lambda act: [honest.look(act)])
    assert not any(each.alarms for each in said)

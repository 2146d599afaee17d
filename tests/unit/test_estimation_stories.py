"""What a shopper does at a shelf, and the weight changes that come out of it."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from estimation_rig import (
    START_NS,
    A,
    B,
    Scene,
    board_up,
    calibration,
    corner_shares,
    lanes,
    platform,
    play,
    samples,
)

from edge_agent.estimation import Estimation
from edge_agent.model import MonotonicNs, TimePassed, WeightStep
from edge_agent.vocabulary import StepCause


def sigma_g(step: WeightStep, channel: int) -> float:
    return float(np.sqrt(step.covariance_g2[channel, channel]))


@pytest.mark.parametrize("mass_g", [20.0, 60.0, 330.0, 1000.0])
def test_an_item_taken_and_put_back_is_two_steps_of_its_weight(mass_g: float) -> None:
    estimation = Estimation([lanes(4)], [calibration()])
    scene = Scene(4, 16).resting(1500).lane(5, 2, -mass_g, press_g=300).lane(10, 2, +mass_g, press_g=1200)
    told = play(estimation, {A: scene})
    taken, returned = told.finals
    for step, change in ((taken, -mass_g), (returned, mass_g)):
        assert step.shelf_id == "s1"
        assert step.delta_g[2] == pytest.approx(change, abs=max(1.0, 4 * sigma_g(step, 2)))
        assert np.abs(np.delete(step.delta_g, 2)).max() < 1.0
        assert step.valid.all()
    assert abs(taken.peak_g) > 150, "the hand shows in the peak"
    assert 4.5 < (taken.t_start_ns - START_NS) * 1e-9 < 5.0 < (taken.t_end_ns - START_NS) * 1e-9 < 6.5
    assert told.health == []
    assert estimation.quiet()
    assert estimation.undecided_since_ns() is None


def test_two_acts_found_in_one_message_carry_each_its_own_weight_after() -> None:
    scene = Scene(2, 16).resting(1500).lane(5, 1, -300).lane(10, 1, -200)
    told = play(Estimation([lanes(2)], [calibration()]), {A: scene}, rows=16 * 80)
    levels = [float(step.baseline.level_g[1]) for step in told.finals if step.baseline is not None]
    assert levels == pytest.approx([1200, 1000], abs=1.5)
    assert all(step.baseline is None for step in told.provisionals)


def test_the_first_word_comes_before_the_last_and_both_name_the_same_act() -> None:
    estimation = Estimation([lanes(2)], [calibration()])
    t_ns, counts = Scene(2, 9).resting(800).lane(4, 0, -250).counts()
    estimation.step(board_up(channels=2))
    said: list[tuple[int, WeightStep]] = []
    for row in range(t_ns.size):
        for each in estimation.step(samples(t_ns[row : row + 1], counts[row : row + 1])):
            assert isinstance(each, WeightStep)
            said.append((int(t_ns[row]), each))
    (early_ns, early), (late_ns, late) = said[0], said[-1]
    assert not early.final
    assert late.final
    assert early.act_id == late.act_id
    assert early_ns < late_ns
    assert early.delta_g[0] == pytest.approx(-250, abs=10)
    assert (late_ns - START_NS) * 1e-9 < 4.3 + 2.0, "a step is final within two seconds of the hand's leaving"


def test_a_shelf_is_ready_within_a_second_and_a_half() -> None:
    t_ns, counts = Scene(8, 2).resting(700).counts()
    estimation = Estimation([lanes(8)], [calibration()])
    estimation.step(board_up(channels=8))
    assert not estimation.quiet()
    ready = [
        int(t_ns[row])
        for row in range(t_ns.size)
        if estimation.step(samples(t_ns[row : row + 1], counts[row : row + 1])) == [] and estimation.quiet()
    ]
    assert (ready[0] - START_NS) * 1e-9 <= 1.5


def test_a_slow_lift_over_four_seconds_is_one_take() -> None:
    scene = Scene(2, 14).resting(900).ramp(4, 8, np.array([1.0, 0.0]), -600)
    told = play(Estimation([lanes(2)], [calibration()]), {A: scene})
    (step,) = told.finals
    assert step.delta_g[0] == pytest.approx(-600, abs=1.5)


def test_hard_presses_and_a_leaning_arm_are_nobody_s_item() -> None:
    arm = np.array([0.0, 0.4, 0.6, 0.0])
    scene = Scene(4, 20).resting(1200).press(4, arm, 9000, 1.2).press(5.6, arm, 6000, 0.8).press(9, arm, 3000, 5.0)
    told = play(Estimation([lanes(4)], [calibration()]), {A: scene})
    assert told.finals == []


@pytest.mark.parametrize("seed", range(8))
def test_a_hand_that_holds_on_for_seconds_is_not_an_item(seed: int) -> None:
    """A held force trembles by a few per cent (6–12 Hz) and sways by more; the shelf below it is well stocked."""
    random = np.random.default_rng(seed)
    shares = corner_shares(random.uniform(60, 840), random.uniform(50, 350))
    scene = Scene(4, 14, seed=seed).resting(random.uniform(300, 1200))
    t_s, hold_s, force_g = scene.t_s, random.uniform(1, 6), random.uniform(50, 4000)
    touch = np.clip((t_s - 4) / 0.3, 0, 1) * np.clip((4 + hold_s - t_s) / 0.3, 0, 1)
    waver = np.ones_like(t_s)
    for low_hz, high_hz, share in ((6, 12, 0.01), (6, 12, 0.01), (0.2, 1.2, 0.04), (0.2, 1.2, 0.04), (0.2, 1.2, 0.04)):
        waver += share * np.sin(2 * np.pi * (random.uniform(low_hz, high_hz) * t_s + random.random()))
    scene.loads_g += np.outer(force_g * touch * waver, shares)
    told = play(Estimation([platform()], [calibration(channels=4)]), {A: scene})
    assert told.finals == []


def test_drift_of_five_grams_an_hour_is_followed_and_never_reported() -> None:
    estimation = Estimation([lanes(1)], [calibration(channels=1)])
    scene = Scene(1, 1800, rate_hz=10, noise_g=0.3, ringing_hz=0).resting(500).ramp(0, 1800, np.ones(1), 2.5)
    told = play(estimation, {A: scene}, rows=10)
    assert told.finals == []
    (baseline,) = estimation.baselines()
    assert baseline.level_g[0] == pytest.approx(502.5, abs=0.4), "zero tracking carries the baseline along"


def test_creep_after_a_restock_is_not_an_item() -> None:
    scene = Scene(1, 240, rate_hz=10, noise_g=0.2).resting(100).lane(5, 0, 4000, press_g=2000)
    scene.loads_g[:, 0] += np.where(scene.t_s > 5, 2.0 * (1 - np.exp(-(scene.t_s - 5) / 120)), 0.0)
    told = play(Estimation([lanes(1)], [calibration(channels=1)]), {A: scene})
    (restock,) = told.finals
    assert restock.delta_g[0] == pytest.approx(4000, abs=2)


def test_small_thefts_add_up_until_they_are_seen() -> None:
    estimation = Estimation([lanes(1, min_event_g=5)], [calibration(channels=1)])
    scene = Scene(1, 30, noise_g=0.1).resting(1000)
    for taken in range(8):
        scene.lane(4 + 3 * taken, 0, -2.0, press_g=30)
    told = play(estimation, {A: scene})
    assert told.finals, "eight thefts of 2 g are 16 g"
    (baseline,) = estimation.baselines()
    gone = sum(float(step.delta_g[0]) for step in told.finals)
    assert -16.5 < gone < -10, "what is left is less than an event"
    assert baseline.level_g[0] == pytest.approx(1000 + gone, abs=0.5), "and it is not forgotten either"


def test_an_item_on_a_platform_shows_where_it_stood() -> None:
    place = corner_shares(700, 100)
    scene = Scene(4, 12).resting(600).change(5, place, -480)
    told = play(Estimation([platform()], [calibration(channels=4)]), {A: scene})
    (step,) = told.finals
    total = step.delta_g.sum()
    assert total == pytest.approx(-480, abs=2)
    right = (step.delta_g[1] + step.delta_g[2]) / total
    assert 20 + 860 * right == pytest.approx(700, abs=10)
    assert np.sqrt(step.covariance_g2.sum()) < 2, "the total is known"
    assert sigma_g(step, 0) > 100, "a single corner is not: the plate may twist"


def test_a_twisting_plate_is_neither_weight_nor_place() -> None:
    scene = Scene(4, 14).resting(800)
    twist = np.array([1.0, -1.0, 1.0, -1.0])
    scene.ramp(5, 5.2, twist, 250).press(5, corner_shares(450, 200), 3000, 0.6)
    told = play(Estimation([platform()], [calibration(channels=4)]), {A: scene})
    assert told.finals == []


def test_an_item_moved_along_a_platform_is_seen_though_nothing_was_taken() -> None:
    scene = Scene(4, 14).resting(800)
    scene.change(5, corner_shares(200, 200), -400).change(5.4, corner_shares(700, 200), 400)
    told = play(Estimation([platform()], [calibration(channels=4)]), {A: scene})
    (step,) = told.finals
    assert step.delta_g.sum() == pytest.approx(0, abs=3)
    assert (step.delta_g[1] + step.delta_g[2]) == pytest.approx(400 * 500 / 860, abs=10)


def test_a_shelf_on_two_boards_gives_one_step_for_two_hands() -> None:
    shelf = lanes(4, boards=(A, B))
    estimation = Estimation([shelf], [calibration(A), calibration(B)])
    left = Scene(2, 12, seed=1).resting(900).lane(5, 1, -200)
    right = Scene(2, 12, seed=2, rate_hz=86, start_s=0.004).resting(900).lane(5.3, 0, -300)
    told = play(estimation, {A: left, B: right})
    (step,) = told.finals
    assert step.delta_g == pytest.approx([0, -200, -300, 0], abs=1.5)
    assert (step.covariance_g2[:2, 2:] == 0).all(), "the boards' noise is independent"


def played_late(estimation: Estimation, left: Scene, right: Scene, late_s: float) -> list[WeightStep]:
    """Play two boards' scenes row by row; the right one's rows arrive ``late_s`` after the left one's."""
    arrivals = []
    for uid, scene, delay_s in ((A, left, 0.0), (B, right, late_s)):
        t_ns, counts = scene.counts()
        estimation.step(board_up(uid, channels=scene.cells))
        arrivals += [
            (int(t_ns[row]) + round(delay_s * 1e9), samples(t_ns[row : row + 1], counts[row : row + 1], uid))
            for row in range(t_ns.size)
        ]
    found = [each for _, block in sorted(arrivals, key=lambda each: each[0]) for each in estimation.step(block)]
    return [each for each in found if isinstance(each, WeightStep) and each.final]


@pytest.mark.parametrize("pressed", ["left", "right"])
def test_a_hard_press_shows_in_the_peak_whichever_board_s_rows_come_first(pressed: str) -> None:
    left = Scene(2, 12, seed=1).resting(900).lane(5, 1, -200)
    right = Scene(2, 12, seed=2).resting(900)
    (left if pressed == "left" else right).press(4.9, np.array([1.0, 0.0]), 3000, 0.6)
    estimation = Estimation([lanes(4, boards=(A, B))], [calibration(A), calibration(B)])
    (step,) = played_late(estimation, left, right, 0.05)
    assert 2500 < step.peak_g < 4000


def test_a_board_whose_rows_come_late_does_not_split_an_item_in_two() -> None:
    """A press is followed by a take, and the right board's rows come 1.8 s late: one item, not two halves of it."""
    halves = np.array([0.5, 0.0])
    left = Scene(2, 14, seed=1).resting(900).press(4.5, halves, 800, 0.4).change(6.9, halves, -400)
    right = Scene(2, 14, seed=2).resting(900).press(4.5, halves, 800, 0.4).change(6.9, halves, -400)
    estimation = Estimation([lanes(4, boards=(A, B))], [calibration(A), calibration(B)])
    (step,) = played_late(estimation, left, right, 1.8)
    assert step.delta_g == pytest.approx([-200, 0, -200, 0], abs=1.5)


def test_an_agent_restarted_over_an_unchanged_shelf_is_silent() -> None:
    first = Estimation([lanes(3)], [calibration()])
    play(first, {A: Scene(3, 4).resting(700)})
    second = Estimation([lanes(3)], [calibration()], first.baselines())
    told = play(second, {A: Scene(3, 4, seed=9, start_s=3600).resting(701)})
    assert told.findings == []
    assert second.quiet()


def test_what_was_taken_while_the_agent_was_off_is_reconciled_once() -> None:
    first = Estimation([lanes(3)], [calibration()])
    play(first, {A: Scene(3, 4).resting(700)})
    second = Estimation([lanes(3)], [calibration()], first.baselines())
    changed = Scene(3, 6, seed=9, start_s=3600).resting(700)
    changed.loads_g += np.array([0.0, -250.0, 120.0])
    told = play(second, {A: changed})
    (step,) = told.finals
    assert step.cause is StepCause.RECONCILED
    assert step.delta_g == pytest.approx([0, -250, 120], abs=1.5)
    third = Estimation([lanes(3)], [calibration()], second.baselines())
    again = Scene(3, 4, seed=11, start_s=7200).resting(700)
    again.loads_g += np.array([0.0, -250.0, 120.0])
    assert play(third, {A: again}).findings == []


def test_leaving_staff_mode_takes_the_shelf_as_it_is() -> None:
    estimation = Estimation([lanes(2)], [calibration()])
    play(estimation, {A: Scene(2, 4).resting(500)})
    estimation.rebaseline()
    assert not estimation.quiet()
    restocked = Scene(2, 4, seed=5, start_s=4).resting(500)
    restocked.loads_g[:, 1] += 3000
    told = play(estimation, {A: restocked}, announce=False)
    assert told.findings == []
    assert estimation.baselines()[0].level_g == pytest.approx([500, 3500], abs=1)


def test_the_same_samples_give_the_same_steps_byte_for_byte() -> None:
    def run() -> list[bytes]:
        scene = Scene(4, 12).resting(600).change(5, corner_shares(700, 100), -480)
        told = play(Estimation([platform()], [calibration(channels=4)]), {A: scene})
        return [step.delta_g.tobytes() + step.covariance_g2.tobytes() for step in told.finals + told.provisionals]

    assert run() == run()
    assert run()


def test_rows_may_come_one_by_one_or_in_blocks() -> None:
    for rows in (1, 5, 40, 400):
        scene = Scene(4, 12).resting(600).lane(5, 1, -480)
        told = play(Estimation([lanes(4)], [calibration()]), {A: scene}, rows=rows)
        (step,) = told.finals
        assert step.delta_g == pytest.approx([0, -480, 0, 0], abs=1.5), rows


@pytest.mark.parametrize("seed", range(6))
def test_however_fast_shoppers_are_no_gram_is_lost(seed: int) -> None:
    """Acts that leave no second of rest between them come as one step; their sum is right all the same."""
    random = np.random.default_rng(seed)
    scene = Scene(3, 24, seed=seed, ringing_hz=random.uniform(8, 25), damping=0.04).resting(1500)
    truth = np.zeros(3)
    at_s = 3.0
    while at_s < 19:
        lane, mass_g = int(random.integers(0, 3)), float(random.uniform(20, 400)) * (1 if random.random() < 0.4 else -1)
        scene.lane(at_s, lane, mass_g, press_g=float(random.uniform(30, 2500)))
        truth[lane] += mass_g
        at_s += float(random.uniform(0.9, 4))
    estimation = Estimation([lanes(3)], [calibration()])
    told = play(estimation, {A: scene})
    assert sum((step.delta_g for step in told.finals), np.zeros(3)) == pytest.approx(truth, abs=2)
    assert estimation.quiet()
    ids = [step.act_id for step in told.finals]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("ringing_hz", "damping"), [(8.0, 0.012), (14.0, 0.01), (25.0, 0.03)])
def test_a_plate_that_rings_for_long_does_not_delay_the_result(ringing_hz: float, damping: float) -> None:
    estimation = Estimation([lanes(2)], [calibration()])
    t_ns, counts = Scene(2, 8, ringing_hz=ringing_hz, damping=damping).resting(900).lane(4, 0, -150).counts()
    estimation.step(board_up(channels=2))
    finals = [
        (int(t_ns[row]), each)
        for row in range(t_ns.size)
        for each in estimation.step(samples(t_ns[row : row + 1], counts[row : row + 1]))
        if isinstance(each, WeightStep) and each.final
    ]
    ((final_ns, step),) = finals
    assert step.delta_g[0] == pytest.approx(-150, abs=1)
    assert (final_ns - START_NS) * 1e-9 < 4.3 + 2.0, "the hand left at 4.3 s"


def test_what_is_not_decided_yet_is_said_to_be_undecided() -> None:
    estimation = Estimation([lanes(1)], [calibration(channels=1)])
    t_ns, counts = Scene(1, 5.2).resting(500).lane(5, 0, -100).counts()
    estimation.step(board_up(channels=1))
    for row in range(t_ns.size):
        estimation.step(samples(t_ns[row : row + 1], counts[row : row + 1]))
    since = estimation.undecided_since_ns()
    assert since is not None
    assert 4.6 < (since - START_NS) * 1e-9 < 4.9
    assert not estimation.quiet()
    assert estimation.step(TimePassed(MonotonicNs(int(t_ns[-1]) + 1))) == []

"""A hand lets go and the plate rings: what was taken is known before the plate is still, and no sooner."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from bench_release import scores
from estimation_rig import START_NS, A, Scene, board_up, calibration, corner_shares, lanes, platform, play, samples

from edge_agent.estimation import Estimation
from edge_agent.estimation.free_decay import fit_free_decay
from edge_agent.model import FloatArray, WeightStep


@pytest.mark.parametrize(("modes", "gate_over_ours"), [(1, 3.0), (2, 2.0)])
def test_a_step_is_known_long_before_the_plate_is_still(modes: int, gate_over_ours: float) -> None:
    """The full table, of more releases, is printed by the benchmarks; the wait for a rest shows in a third of them."""
    found = scores(modes, releases=150, waiting=50, seed=77)
    ours, gate, waiting = found["engine"], found["gate"], found["rest"]
    assert gate.delay_ms(0.5) >= gate_over_ours * ours.delay_ms(0.5)
    assert ours.delay_ms(0.95) < 0.5 * waiting.delay_ms(0.95)
    assert (ours.premature, ours.wrong, ours.missed) == (0, 0, 0)
    squares = float(np.square(ours.normalised).sum())
    assert squares < 150 + 4 * 300**0.5, "the errors are no larger than the σ that came with them (χ²)"
    assert squares > 0.4 * 150, "and not much smaller"


def heard(estimation: Estimation, scene: Scene) -> list[tuple[float, WeightStep]]:
    """When each step was said, s, and the step."""
    t_ns, counts = scene.counts()
    estimation.step(board_up(channels=scene.cells, rate_hz=scene.rate_hz))
    return [
        ((int(t_ns[row]) - START_NS) * 1e-9, each)
        for row in range(t_ns.size)
        for each in estimation.step(samples(t_ns[row : row + 1], counts[row : row + 1]))
        if isinstance(each, WeightStep)
    ]


def ring(scene: Scene, at_s: float, shares: FloatArray, mass_g: float) -> Scene:
    """Let a mass be taken or put at once."""
    scene.loads_g += np.outer(scene.t_s >= at_s, shares) * mass_g
    return scene


@pytest.mark.parametrize("ringing_hz", [8.0, 14.0, 25.0, 33.0, 62.0])
def test_a_lane_that_rings_for_seconds_is_billed_within_half_a_second(ringing_hz: float) -> None:
    """Modes above 40 Hz show as lower ones at 80 samples a second."""
    scene = ring(Scene(3, 7, ringing_hz=ringing_hz, damping=0.012).resting(900), 4.0, np.array([0.0, 1.0, 0.0]), -150)
    said = heard(Estimation([lanes(3)], [calibration()]), scene)
    ((final_s, step),) = [(at_s, each) for at_s, each in said if each.final]
    assert final_s < 4.55
    assert step.delta_g == pytest.approx([0, -150, 0], abs=0.5)
    assert np.sqrt(step.covariance_g2[1, 1]) < 0.3


def test_a_ringing_platform_knows_weight_and_place() -> None:
    scene = ring(Scene(4, 7, ringing_hz=11, damping=0.012).resting(900), 4.0, corner_shares(650, 120), -330)
    said = heard(Estimation([platform()], [calibration(channels=4)]), scene)
    ((final_s, step),) = [(at_s, each) for at_s, each in said if each.final]
    total = float(step.delta_g.sum())
    assert final_s < 4.6
    assert total == pytest.approx(-330, abs=0.8)
    assert 20 + 860 * float(step.delta_g[1] + step.delta_g[2]) / total == pytest.approx(650, abs=3)


def test_the_next_item_may_be_taken_while_the_plate_still_rings() -> None:
    scene = Scene(2, 9, ringing_hz=9, damping=0.012).resting(900)
    for number in range(3):
        ring(scene, 4.0 + 0.7 * number, np.array([1.0, 0.0]), -100.0 - 20 * number)
    said = heard(Estimation([lanes(2)], [calibration()]), scene)
    finals = [each for _, each in said if each.final]
    assert [float(each.delta_g[0]) for each in finals] == pytest.approx([-100, -120, -140], abs=1.0)
    starts = [(each.t_start_ns - START_NS) * 1e-9 for each in finals]
    assert starts == pytest.approx([4.0, 4.7, 5.4], abs=0.5)
    assert len({each.act_id for each in finals}) == 3


def test_a_slow_board_waits_for_its_rest_as_ever() -> None:
    scene = ring(Scene(1, 12, rate_hz=10, ringing_hz=0).resting(900), 5.0, np.ones(1), -150)
    said = heard(Estimation([lanes(1)], [calibration(channels=1)]), scene)
    ((final_s, step),) = [(at_s, each) for at_s, each in said if each.final]
    assert step.delta_g[0] == pytest.approx(-150, abs=0.5)
    assert 5.8 < final_s < 6.3


def test_a_plate_whose_ringing_does_not_fade_is_not_let_go_of() -> None:
    """A hand's tremor of 9 Hz looks like ringing, but for that."""
    t_s = np.arange(24) / 80
    noise = np.random.default_rng(1).normal(0, 0.2, 24)
    tremor = 500 + 24 * np.cos(2 * np.pi * 9 * t_s)
    fading = 500 + 24 * np.exp(-2 * np.pi * 9 * 0.02 * t_s) * np.cos(2 * np.pi * 9 * t_s)
    assert fit_free_decay(tremor + noise, None, 0.2, 0.5, 1, 1.6) is None
    fit = fit_free_decay(fading + noise, None, 0.2, 0.5, 1, 1.6)
    assert fit is not None
    assert fit.level_g == pytest.approx(500, abs=0.2)
    assert fit.angles_per_row[0] == pytest.approx(2 * np.pi * 9 / 80, abs=0.01)
    assert fit.decays_per_row[0] == pytest.approx(2 * np.pi * 9 * 0.02 / 80, abs=0.005)


def test_readings_that_the_gate_rejected_do_not_count() -> None:
    t_s = np.arange(32) / 80
    series = 500 + 30 * np.exp(-2 * t_s) * np.cos(2 * np.pi * 12 * t_s)
    series += np.random.default_rng(2).normal(0, 0.2, 32)
    bad = np.zeros(32, dtype=np.bool_)
    bad[[5, 6, 17, 30]] = True
    series[bad] = 510.0
    fit = fit_free_decay(series, bad, 0.2, 0.5, 1, 1.6)
    assert fit is not None
    assert fit.level_g == pytest.approx(500, abs=0.25)


@pytest.mark.parametrize("seed", range(6))
def test_two_presses_half_a_second_apart_with_their_tails_are_nobody_s_item(seed: int) -> None:
    """Pressed with over 10 kg, the plate comes back by an exponential of a quarter of a second, 0.05 % of the press."""
    random = np.random.default_rng(seed)
    scene = Scene(2, 12, seed=seed, ringing_hz=random.uniform(8, 25), damping=0.03).resting(1500)
    for start_s in (4.0, 5.2):
        force_g = random.uniform(2500, 3300)
        scene.press(start_s, np.array([1.0, 0.3]), force_g, 0.7)
        tail = np.where(scene.t_s > start_s + 0.7, np.exp(-(scene.t_s - start_s - 0.7) / 0.25), 0.0)
        scene.loads_g[:, 0] += 0.002 * force_g * tail
    told = play(Estimation([lanes(2)], [calibration()]), {A: scene})
    assert told.finals == []


def test_a_pot_that_sloshes_is_weighed_by_the_slower_rule() -> None:
    scene = Scene(1, 14, ringing_hz=18, damping=0.05, noise_g=0.15).resting(0)
    put = np.clip((scene.t_s - 4) / 0.1, 0, 1)
    slosh = 1 + 0.006 * np.exp(-np.maximum(scene.t_s - 4, 0) / 8) * np.sin(2 * np.pi * 2.1 * scene.t_s)
    scene.loads_g[:, 0] += 3400 * put * slosh
    told = play(Estimation([lanes(1)], [calibration(channels=1)]), {A: scene})
    assert sum(float(step.delta_g[0]) for step in told.finals) == pytest.approx(3400, abs=10)

"""Several items in one reach: where the weight paused between them, each has a share of its own."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from estimation_rig import START_NS, A, Scene, calibration, corner_shares, lanes, platform, play

from edge_agent.estimation import Estimation


def hand(scene: Scene, from_s: float, to_s: float, shares: np.ndarray, force_g: float, seed: int) -> Scene:
    """A hand that fumbles from one instant to another: its force changes every 60 ms."""
    knots = max(4, round((to_s - from_s) / 0.06))
    force = force_g * np.random.default_rng(seed).normal(0.4, 0.6, knots)
    force[[0, -1]] = 0.0
    scene.loads_g += np.outer(np.interp(scene.t_s, np.linspace(from_s, to_s, knots), force, 0.0, 0.0), shares)
    return scene


def leave(scene: Scene, at_s: float, shares: np.ndarray, mass_g: float) -> Scene:
    scene.loads_g -= np.outer(np.clip((scene.t_s - at_s) / 0.1, 0, 1), shares) * mass_g
    return scene


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ringing_hz", [12.0, 45.0])
def test_three_items_in_one_reach_are_told_apart(seed: int, ringing_hz: float) -> None:
    scene = Scene(4, 11, seed=seed, ringing_hz=ringing_hz).resting(900)
    masses = (250.0, 400.0, 330.0)
    for number, mass_g in enumerate(masses):
        leave(scene, 4.3 + 0.6 * number, corner_shares(200 + 250 * number, 150), mass_g)
    hand(scene, 4.0, 6.0, corner_shares(450, 200), 30.0, seed)
    (step,) = play(Estimation([platform()], [calibration(channels=4)]), {A: scene}).finals
    parts = step.sub_steps
    assert len(parts) == 3
    assert sum(each.delta_g for each in parts) == pytest.approx(step.delta_g, abs=1e-9)
    for number, (each, mass_g) in enumerate(zip(parts, masses, strict=True)):
        sigma_g = float(np.sqrt(each.covariance_g2.sum()))
        assert abs(float(each.delta_g.sum()) + mass_g) < 4 * sigma_g
        assert 10 < sigma_g < 150, "a hand pressed between them"
        if number < 2:  # the last one's is when the shelf was let go of
            assert (each.t_ns - START_NS) * 1e-9 == pytest.approx(4.4 + 0.6 * number, abs=0.25)
        np.linalg.cholesky(each.covariance_g2)


def test_a_pause_of_a_third_of_a_second_without_a_hand_is_sharp() -> None:
    scene = Scene(2, 10, ringing_hz=0).resting(900)
    leave(leave(scene, 4.0, np.array([1.0, 0.0]), 150), 4.45, np.array([1.0, 0.0]), 260)
    (step,) = play(Estimation([lanes(2)], [calibration()]), {A: scene}).finals
    assert [float(each.delta_g[0]) for each in step.sub_steps] == pytest.approx([-150, -260], abs=4)
    assert np.sqrt(step.sub_steps[0].covariance_g2[0, 0]) < 2


@pytest.mark.parametrize("seed", range(10))
def test_one_item_is_not_split(seed: int) -> None:
    scene = Scene(2, 10, seed=seed, ringing_hz=14).resting(900)
    hand(leave(scene, 4.6, np.array([0.0, 1.0]), 300), 4.0, 5.2, np.array([0.0, 1.0]), 50.0, seed)
    (step,) = play(Estimation([lanes(2)], [calibration()]), {A: scene}).finals
    assert step.sub_steps == ()

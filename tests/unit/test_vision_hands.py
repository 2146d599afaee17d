"""Stories of hands before a drawn shelf front: what the eye counts, where it says they reached, when it is silent."""

import numpy as np
import pytest
from drawn_front import FRAME_S, DrawnFront, Watched

from edge_agent.model import CameraProgress, MonotonicNs
from edge_agent.vision.hand_tracks import HandTracks
from edge_agent.vision.hands import Arm


def test_nobody_at_the_shelf_is_nobody_and_is_said_twice_a_second() -> None:
    watched = Watched(DrawnFront())
    watched.look(45)
    assert all(isinstance(each, CameraProgress) for each in watched.said)
    instants_s = np.array([each.t_ns * 1e-9 for each in watched.said if isinstance(each, CameraProgress)])
    assert np.diff(instants_s).max() <= 0.5
    assert set(watched.hands) == {0}


@pytest.mark.parametrize("x_mm", [75.0, 375.0, 820.0])
def test_a_hand_that_touches_goods_is_a_reach_where_it_was(x_mm: float) -> None:
    watched = Watched(DrawnFront())
    watched.look(10)
    watched.reach(x_mm)
    assert watched.hands[-1] == 1
    watched.leave()
    watched.look(15)
    (reach,) = watched.observations("reach")
    assert abs(reach.x_mm - x_mm) < 2.5 * reach.x_sigma_mm
    assert reach.x_sigma_mm < 60
    assert watched.hands[-1] == 0


def test_while_a_hand_is_there_the_progress_says_that_more_will_come_and_ends_it_when_all_was_said() -> None:
    watched = Watched(DrawnFront())
    watched.look(10)
    watched.reach(375.0, hold=10)
    open_ones = [each for each in watched.said if isinstance(each, CameraProgress) and each.hands]
    assert open_ones
    assert all(each.unsettled_since_ns is not None and each.unsettled_since_ns <= each.t_ns for each in open_ones)
    watched.leave()
    watched.look(20)
    last = [each for each in watched.said if isinstance(each, CameraProgress)][-1]
    assert last.unsettled_since_ns is None


def test_two_shoppers_at_once_are_two_hands_and_two_reaches() -> None:
    watched = Watched(DrawnFront())
    watched.look(10)
    watched.front.arms = [(150.0, 150.0, 100.0, 165), (700.0, 700.0, 110.0, 95)]
    watched.look(8)
    assert watched.hands[-1] == 2
    watched.leave()
    watched.look(10)
    first, second = sorted(watched.observations("reach"), key=lambda each: each.x_mm)
    assert first.track_id != second.track_id
    assert abs(first.x_mm - 150) < 60
    assert abs(second.x_mm - 700) < 60


def test_hands_that_meet_stay_two_while_they_touch() -> None:
    watched = Watched(DrawnFront())
    watched.look(10)
    watched.front.arms = [(350.0, 350.0, 120.0, 165), (600.0, 600.0, 110.0, 160)]
    watched.look(6)
    for x_mm in (550.0, 500.0, 450.0, 430.0, 430.0, 430.0):
        watched.front.arms[1] = (x_mm + 40, x_mm, 110.0, 160)
        watched.look(2)
    assert watched.hands[-10:] == [2] * 10
    watched.leave()
    watched.look(8)
    assert watched.hands[-1] == 0


@pytest.mark.parametrize(
    ("gain", "slope"), [(1.3, 0.0), (0.7, 0.0), (1.0, 0.4), (0.8, -0.4)], ids=["on", "off", "from the right", "dusk"]
)
def test_a_lamp_is_no_hand(gain: float, slope: float) -> None:
    watched = Watched(DrawnFront())
    watched.look(15)
    watched.front.gain, watched.front.slope = gain, slope
    watched.look(30)
    assert set(watched.hands) == {0}
    assert not watched.observations("reach")


def test_goods_that_fall_over_inside_are_no_hand() -> None:
    watched = Watched(DrawnFront())
    watched.look(15)
    watched.front.feet_mm[3] = [150.0]
    watched.look(30)
    assert set(watched.hands) == {0}
    assert watched.observations("lanes")


def test_a_hand_in_the_dark_half_of_a_shelf_under_flickering_light_is_still_one_hand() -> None:
    watched = Watched(DrawnFront())
    rng = np.random.default_rng(3)
    counted = []
    for number in range(90):
        watched.front.gain = 0.7 * (1 + 0.1 * np.sin(number * 2.1)) * (1 + 0.02 * rng.standard_normal())
        watched.front.arms = [(300.0, 300.0, 120.0, 150)] if 30 <= number < 60 else []
        watched.look()
        counted.append(watched.hands[-1])
    truth = [int(30 <= number < 60) for number in range(90)]
    wrong = [number for number in range(90) if counted[number] != truth[number]]
    assert all(min(abs(number - 30), abs(number - 60)) <= 2 for number in wrong)


def test_an_arm_that_only_passes_along_the_edge_does_not_cross_the_front() -> None:
    watched = Watched(DrawnFront())
    watched.look(10)
    watched.front.arms = [(300.0, 320.0, -62.0, 165)]
    watched.look(10)
    assert watched.hands[-1] == 0


def _arm(x_mm: float, z_mm: float) -> Arm:
    return Arm(x_mm, z_mm, z_mm + 40, x_mm, -40.0, crossing=True, width_mm=60.0)


def test_two_hands_that_cross_keep_their_numbers_by_their_way() -> None:
    tracks = HandTracks()
    for frame in range(20):
        left, right = 200.0 + 18 * frame, 600.0 - 18 * frame
        arms = [_arm(left, 100.0), _arm(right, 160.0)]
        tracks.step(arms if frame % 2 else arms[::-1], MonotonicNs(round(frame * FRAME_S * 1e9)))
    first, second = sorted(tracks.hands, key=lambda hand: hand.track_id)
    ends = {round(first.z_mm): first.x_mm, round(second.z_mm): second.x_mm}
    assert len(tracks.hands) == 2
    assert ends[100] == pytest.approx(200 + 18 * 19, abs=20)
    assert ends[160] == pytest.approx(600 - 18 * 19, abs=20)


def test_one_arm_with_two_stops_is_two_reaches_of_one_hand() -> None:
    watched = Watched(DrawnFront())
    watched.look(10)
    watched.reach(225.0)
    for x_mm in (300.0, 400.0, 500.0, 525.0):
        watched.front.arms = [(x_mm, x_mm, 120.0, 165)]
        watched.look()
    watched.look(6)
    watched.leave()
    watched.look(10)
    reaches = watched.observations("reach")
    assert [each.x_mm for each in reaches] == pytest.approx([225, 525], abs=45)
    assert len({each.track_id for each in reaches}) == 1


def test_the_same_frames_say_the_same_words() -> None:
    def heard() -> list[str]:
        watched = Watched(DrawnFront(seed=5))
        watched.look(10)
        watched.reach(375.0)
        watched.leave()
        watched.look(15)
        return [f"{each!r}" for each in watched.said]

    assert heard() == heard()

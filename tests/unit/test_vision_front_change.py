"""Stories of the shelf's front before and after: which lane the eye says changed, and when it says that nothing did."""

import numpy as np
import pytest
from drawn_front import CAMERA, LANES_OF_SHELF, WIDTH_MM, DrawnFront, Watched, shelf_view

from edge_agent.model import LANE_CHANGES, FloatArray, VisionObservation
from edge_agent.vision.eye import ShelfEye
from edge_agent.vision.upright import eye_mm

NONE, FEWER, MORE = LANE_CHANGES.index(0), LANE_CHANGES.index(-1), LANE_CHANGES.index(1)


def _changed(word: VisionObservation) -> FloatArray:
    nats = word.lane_log_likelihood
    others = np.delete(nats, NONE, axis=1)
    return np.asarray(others.max(axis=1) - nats[:, NONE])


@pytest.mark.parametrize("lane", range(6))
def test_the_lane_that_lost_its_foremost_item_is_named(lane: int) -> None:
    watched = Watched(DrawnFront(seed=lane))
    watched.look(15)
    watched.reach(150.0 * lane + 75)
    del watched.front.feet_mm[lane][0]
    watched.leave()
    watched.look(15)
    (word,) = watched.observations("lanes")
    changed = _changed(word)
    assert word.lane_ids[int(changed.argmax())] == f"L{lane}"
    assert changed.max() > 1
    assert np.delete(changed, lane).max() < -1
    assert word.lane_log_likelihood[lane, FEWER] > word.lane_log_likelihood[lane, MORE]


def test_a_put_back_is_more_and_not_fewer() -> None:
    watched = Watched(DrawnFront())
    watched.front.feet_mm[4] = [80.0, 150.0]
    watched.look(15)
    watched.reach(675.0)
    watched.front.feet_mm[4] = [10.0, 80.0, 150.0]
    watched.leave()
    watched.look(15)
    (word,) = watched.observations("lanes")
    assert word.lane_log_likelihood[4, MORE] > max(word.lane_log_likelihood[4, [NONE, FEWER]])


def test_the_last_item_deep_in_a_lane_is_told_though_it_stands_before_a_neighbour_to_an_eye_at_the_side() -> None:
    watched = Watched(DrawnFront())
    watched.front.feet_mm[1] = [330.0]
    watched.look(15)
    watched.reach(225.0)
    watched.front.feet_mm[1] = []
    watched.leave()
    watched.look(15)
    (word,) = watched.observations("lanes")
    assert word.lane_ids[int(_changed(word).argmax())] == "L1"


def test_a_hand_that_took_nothing_leaves_the_word_that_nothing_changed() -> None:
    watched = Watched(DrawnFront())
    watched.look(15)
    watched.reach(375.0)
    watched.leave()
    watched.look(15)
    (word,) = watched.observations("lanes")
    assert _changed(word).max() < -1


@pytest.mark.parametrize(("gain", "slope"), [(1.3, 0.0), (0.65, 0.0), (0.9, 0.4)])
def test_a_lamp_that_goes_on_or_off_during_a_reach_changes_no_lane(gain: float, slope: float) -> None:
    watched = Watched(DrawnFront())
    watched.look(15)
    watched.reach(375.0)
    watched.front.gain, watched.front.slope = gain, slope
    watched.leave()
    watched.look(20)
    (word,) = watched.observations("lanes")
    assert _changed(word).max() < -1


def test_two_lanes_that_changed_are_both_told() -> None:
    watched = Watched(DrawnFront())
    watched.look(15)
    watched.reach(75.0)
    del watched.front.feet_mm[0][0]
    watched.look(3)
    del watched.front.feet_mm[5][0]
    watched.leave()
    watched.look(15)
    (word,) = watched.observations("lanes")
    assert {word.lane_ids[i] for i in np.flatnonzero(_changed(word) > 1)} == {"L0", "L5"}


def test_the_next_act_is_compared_with_what_the_last_one_left() -> None:
    watched = Watched(DrawnFront())
    watched.look(15)
    for lane in (1, 4):
        watched.reach(150.0 * lane + 75)
        del watched.front.feet_mm[lane][0]
        watched.leave()
        watched.look(20)
    first, second = watched.observations("lanes")
    assert first.lane_ids[int(_changed(first).argmax())] == "L1"
    assert second.lane_ids[int(_changed(second).argmax())] == "L4"
    assert second.t_start_ns > first.t_end_ns


def test_a_lane_outside_the_picture_is_not_spoken_of() -> None:
    view = shelf_view()
    shifted = view.front_to_px.copy()
    shifted[0] -= 500.0 * shifted[2]  # the camera looks away to the right: the first lanes are out of view
    moved = type(view)(shifted, view.width_px, view.height_px, view.width_mm, view.opening_mm, "aside")
    front = DrawnFront()
    eye = ShelfEye(moved, LANES_OF_SHELF, CAMERA)
    watched = Watched(front, eye)
    watched.look(10)
    watched.front.feet_mm[5] = []
    watched.look(20)
    assert all("L0" not in each.lane_ids for each in watched.observations("lanes"))


def test_where_the_camera_hangs_follows_from_the_commissioned_view_alone() -> None:
    assert eye_mm(shelf_view()) == pytest.approx([560.0, -800.0, 560.0], abs=1.0)
    straight = shelf_view()
    scale = 1280 / (WIDTH_MM * 1.1)
    flat = np.array([[scale, 0, 70.0], [0, -scale, 640.0], [0, 0, 1.0]])
    x, y, z = eye_mm(type(straight)(flat, 1280, 960, WIDTH_MM, 300.0, "flat"))
    assert y < -500
    assert x == pytest.approx((639.5 - 70) / scale, abs=1)
    assert z == pytest.approx((640 - 479.5) / scale, abs=1)


def test_a_row_that_is_emptied_behind_its_neighbours_is_told_to_the_last_item() -> None:
    watched = Watched(DrawnFront())
    watched.front.feet_mm[1] = [10.0, 80.0, 150.0, 220.0, 290.0]
    watched.look(15)
    for _ in range(5):
        watched.reach(225.0)
        del watched.front.feet_mm[1][0]
        watched.leave()
        watched.look(15)
    words = watched.observations("lanes")
    assert len(words) == 5
    assert [word.lane_ids[int(_changed(word).argmax())] for word in words] == ["L1"] * 5


def test_a_label_that_swings_for_ever_does_not_keep_the_front_from_being_compared() -> None:
    watched = Watched(DrawnFront())
    watched.look(15)
    watched.reach(675.0)
    del watched.front.feet_mm[4][0]
    watched.leave()
    for swing in range(150):
        watched.front.feet_mm[0] = [10.0 if swing % 2 else 40.0, 80.0, 150.0]
        watched.look()
    words = watched.observations("lanes")
    assert words
    assert _changed(words[0])[4] > 1

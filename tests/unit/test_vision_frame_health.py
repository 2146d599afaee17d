"""Stories of cameras that cannot be believed: what the eye says of itself, and how it lowers its voice before."""

import numpy as np
import pytest
from drawn_front import DrawnFront, Watched


def _settled() -> Watched:
    watched = Watched(DrawnFront())
    watched.look(30)
    return watched


def test_a_good_camera_says_nothing_of_itself_through_an_ordinary_act() -> None:
    watched = _settled()
    watched.reach(375.0)
    del watched.front.feet_mm[2][0]
    watched.leave()
    watched.look(60)
    assert watched.conditions() == []
    assert watched.eye.health.weight == 1.0


def test_a_bag_over_the_lens_is_said_and_taken_back() -> None:
    watched = _settled()
    watched.front.cover = (-200.0, 1100.0)
    watched.look(3)
    assert watched.eye.health.weight < 0.2
    watched.look(90)
    assert ("camera_blocked", True) in watched.conditions()
    watched.front.cover = None
    watched.look(200)
    assert ("camera_blocked", False) in watched.conditions()
    assert watched.eye.health.weight == 1.0


def test_somebody_who_only_passes_raises_nothing() -> None:
    watched = _settled()
    for left in range(-400, 1000, 100):
        watched.front.cover = (left, left + 700)
        watched.look(2)
    watched.front.cover = None
    watched.look(30)
    assert watched.conditions() == []


def test_the_light_is_switched_off_and_on() -> None:
    watched = _settled()
    watched.front.gain = 0.02
    watched.look(1)
    assert watched.eye.health.weight < 0.2
    watched.look(40)
    watched.front.gain = 1.0
    watched.look(80)
    assert [each for each in watched.conditions() if each[0] == "camera_dark"] == [
        ("camera_dark", True),
        ("camera_dark", False),
    ]


def test_sun_in_the_lens() -> None:
    watched = _settled()
    watched.front.gain = 6.0
    watched.look(60)
    assert ("camera_overexposed", True) in watched.conditions()


def test_a_smeared_lens_is_noticed() -> None:
    watched = _settled()
    for step in range(1, 5):
        watched.front.blur_px = 0.9 * step
        watched.look(30)
    watched.look(120)
    assert ("camera_blurred", True) in watched.conditions()


def test_a_driver_that_delivers_one_picture_for_ever_is_noticed_within_two_seconds() -> None:
    watched = _settled()
    still = watched.front.grey()
    watched.look(8, grey=still)
    assert watched.eye.health.weight < 0.1
    watched.look(30, grey=still)
    assert watched.conditions() == [("camera_frozen", True)]


def test_a_camera_that_was_pushed_aside_is_noticed_and_believed_again_when_it_is_back() -> None:
    watched = _settled()
    watched.front.shift_px = (6.0, 2.0)
    watched.look(120)
    assert ("camera_moved", True) in watched.conditions()
    assert watched.eye.health.weight < 0.2
    watched.front.shift_px = (0.0, 0.0)
    watched.look(160)
    assert ("camera_moved", False) in watched.conditions()


def test_goods_that_sell_out_are_no_moved_camera() -> None:
    watched = _settled()
    for lane in range(6):
        watched.front.feet_mm[lane] = []
        watched.look(25)
    assert watched.conditions() == []


def test_pictures_that_come_late_lose_weight_first_and_are_named_then() -> None:
    watched = _settled()
    watched.look(3, late_s=1.5)
    assert 0.1 < watched.eye.health.weight < 0.6
    watched.look(60, late_s=2.5)
    assert watched.conditions() == [("camera_late", True)]


def test_pictures_that_never_come_are_counted() -> None:
    watched = _settled()
    watched.look(60, lost=2)
    assert ("camera_dropping", True) in watched.conditions()


@pytest.mark.parametrize("trouble", ["dark", "frozen"])
def test_a_camera_that_is_not_to_be_believed_says_nothing_of_lanes(trouble: str) -> None:
    watched = _settled()
    if trouble == "dark":
        watched.front.gain = 0.01
        watched.look(30)
    else:
        watched.look(30, grey=watched.front.grey())
    said = watched.observations("lanes")
    assert all(np.abs(each.lane_log_likelihood).max() < 0.5 for each in said)

"""Steps that wait for what a camera will say: only while it may say something, never for long, never out of order."""

from dataclasses import replace

import numpy as np
import pytest
from camera_shop import front, front_said, reach

from edge_agent.camera_word import AFTER_HANDS_NS, BLINDING, LATEST_NS, MOST_REMEMBERED, WAIT_NS, CameraWord
from edge_agent.estimation.hands_at_front import HOLD_NS, VISIT_NS, HandsAtFront
from edge_agent.model import CAMERA_CODES, CameraCondition, CameraProgress, MonotonicNs, VisionObservation, WeightStep

SECOND = 1_000_000_000


def at(seconds: float) -> MonotonicNs:
    return MonotonicNs(round(seconds * SECOND))


def step(begin_s: float, end_s: float, *, shelf: str = "shelf", final: bool = True, act: str = "a") -> WeightStep:
    """Return a take, felt from one instant and at rest since another."""
    return WeightStep(
        act, shelf, at(begin_s), at(end_s), np.zeros(4), np.eye(4), np.ones(4, np.bool_), 0.0, final=final
    )


def progress(t_s: float, hands: int, since_s: float | None = None, shelf: str = "shelf") -> CameraProgress:
    return CameraProgress(at(t_s), f"eye-{shelf}", shelf, hands, None if since_s is None else at(since_s))


def condition(t_s: float, code: str, *, raised: bool = True, shelf: str = "shelf") -> CameraCondition:
    return CameraCondition(at(t_s), f"eye-{shelf}", shelf, code, raised, "see there")


def seen(begin_s: float, end_s: float, *, track: int = 0, shelf: str = "shelf") -> VisionObservation:
    return replace(reach(step(begin_s, end_s, shelf=shelf), 100.0, track=track), observation_id=f"o{begin_s}-{track}")


def compared(begin_s: float, end_s: float) -> VisionObservation:
    return front(step(begin_s, end_s), *front_said({"A": -1}))


class Eye:
    """A word with a camera that saw a hand from 9.5 to 10.8 s; the act was felt at 10.0 and rests since 10.4 s."""

    def __init__(self) -> None:
        self.word = CameraWord()
        self.say(progress(9.0, 0), progress(9.5, 1, 9.5), progress(10.0, 1, 9.5), progress(10.5, 1, 9.5))
        self.say(progress(10.8, 0, 9.5))
        self.take = step(10.0, 10.4)

    def say(self, *messages: VisionObservation | CameraProgress | CameraCondition) -> None:
        for each in messages:
            self.word.note(each, at(each.t_ns / SECOND if not isinstance(each, VisionObservation) else 10))

    def waits(self, now_s: float, take: WeightStep | None = None) -> bool:
        return not self.word.due(take, at(now_s))


def test_a_take_waits_until_the_front_was_compared() -> None:
    eye = Eye()
    assert eye.waits(11.0, eye.take)
    eye.say(compared(9.5, 11.2), progress(11.2, 0))
    assert eye.word.due(None, at(11.2)) == [eye.take]
    assert [each.kind for each in eye.word.during(eye.take)] == ["lanes"]


def test_a_take_without_a_hand_in_sight_does_not_wait() -> None:
    word = CameraWord()
    word.note(progress(10.3, 0), at(10.3))
    assert word.due(step(10.0, 10.4), at(10.6))


def test_without_a_camera_nothing_waits() -> None:
    assert CameraWord().due(step(10.0, 10.4), at(10.5))


def test_a_provisional_never_waits() -> None:
    eye = Eye()
    assert not eye.waits(11.0, replace(eye.take, final=False))


def test_what_is_never_compared_is_waited_for_no_longer_than_said() -> None:
    eye = Eye()
    assert eye.waits(11.0, eye.take)
    eye.say(progress(11.5, 0, 9.5))
    end_s = max(10.4 + WAIT_NS / 1e9, 10.8 + AFTER_HANDS_NS / 1e9)
    assert eye.waits(end_s - 0.01)
    assert not eye.waits(end_s)


def test_a_hand_that_leaves_late_is_given_the_time_to_show_the_front() -> None:
    """The rest was held while the hand lay there: the receipt waits for the picture after it, not for longer."""
    word = CameraWord()
    for t_s in np.arange(9.0, 13.0, 0.4):
        word.note(progress(float(t_s), 1, 9.0), at(float(t_s)))
    word.note(progress(13.0, 0, 9.0), at(13.0))
    assert not word.due(step(10.0, 10.4), at(13.1))
    word.note(progress(13.4, 0, 9.0), at(13.4))
    assert not word.due(None, at(13.7))
    assert word.due(None, at(13.81))


def test_hands_that_come_and_go_while_a_step_waits_prolong_nothing() -> None:
    eye = Eye()
    assert eye.waits(11.0, eye.take)
    eye.say(progress(11.2, 1, 9.5), progress(11.5, 0, 9.5))
    assert not eye.waits(11.81)


def test_a_hand_that_was_given_up_on_is_not_waited_for_again() -> None:
    """It lay there for three seconds; the rest was believed in the end."""
    word = CameraWord()
    for t_s in np.arange(9.0, 13.5, 0.4):
        word.note(progress(float(t_s), 1, 9.0), at(float(t_s)))
    assert word.due(step(10.0, 10.4), at(13.4))


@pytest.mark.parametrize("leaves_s", [10.5, 11.5, 13.0, 99.0])
def test_no_camera_delays_a_final_beyond_the_limit(leaves_s: float) -> None:
    """The hand leaves soon, late or never, and the front is never compared; the rest was held for 3 s at most."""
    word, decided_s = CameraWord(), None
    found_s = min(max(11.4, leaves_s), 10.4 + HOLD_NS / 1e9)
    for t_s in np.arange(9.0, 20.0, 0.1).tolist():
        word.note(progress(t_s, int(t_s < leaves_s), 9.0), at(t_s))
        take = step(10.0, 10.4) if found_s <= t_s < found_s + 0.1 else None
        if word.due(take, at(t_s)):
            decided_s = t_s
            break
    assert decided_s is not None
    assert found_s <= decided_s <= 10.4 + LATEST_NS / 1e9


def test_a_camera_that_dies_while_a_step_waits_is_not_waited_for() -> None:
    eye = Eye()
    assert eye.waits(11.0, eye.take)
    eye.say(condition(11.1, "camera_down"))
    assert not eye.waits(11.1)


def test_a_camera_that_falls_silent_is_not_waited_for_either() -> None:
    """Nobody said that it is down: a second without its word is enough."""
    word = CameraWord()
    for t_s in (9.0, 9.5, 9.9):
        word.note(progress(t_s, 1, 9.0), at(t_s))
    assert word.due(step(10.0, 10.4), at(11.0))


@pytest.mark.parametrize("code", sorted(BLINDING))
def test_a_blinded_camera_delays_nothing(code: str) -> None:
    eye = Eye()
    eye.say(condition(10.9, code))
    assert not eye.word.believed("shelf")
    assert not eye.waits(11.0, eye.take)


def test_one_that_only_sees_badly_is_still_waited_for() -> None:
    assert set(CAMERA_CODES) >= BLINDING
    eye = Eye()
    eye.say(*(condition(10.9, code) for code in sorted(set(CAMERA_CODES) - BLINDING)))
    assert eye.waits(11.0, eye.take)


def test_a_camera_that_comes_back_has_forgotten_the_hand_it_saw_before() -> None:
    word = CameraWord()
    word.note(progress(5.0, 1, 5.0), at(5.0))
    word.note(condition(6.0, "camera_down"), at(6.0))
    word.note(condition(9.0, "camera_down", raised=False), at(9.0))
    assert not word.believed("shelf")  # until it speaks
    word.note(progress(10.3, 0), at(10.3))
    assert word.believed("shelf")
    assert word.due(step(10.0, 10.4), at(10.5))


@pytest.mark.parametrize("runs_off_s", [-3600.0, -5.0, 5.0, 3600.0])
def test_a_camera_whose_clock_is_wrong_delays_nothing_for_long(runs_off_s: float) -> None:
    word, take = CameraWord(), step(10.0, 10.4)
    for t_s in np.arange(9.0, 11.0, 0.4).tolist():
        word.note(progress(t_s + runs_off_s, 1, 9.0 + runs_off_s), at(t_s))
    waiting = not word.due(take, at(11.0))
    for t_s in np.arange(11.0, 10.4 + LATEST_NS / 1e9 + 0.1, 0.1).tolist():
        word.note(progress(t_s + runs_off_s, 1, 9.0 + runs_off_s), at(t_s))
        waiting = waiting and not word.due(None, at(t_s))
    assert not waiting


def test_a_camera_ahead_of_time_makes_no_other_shelf_forget() -> None:
    word = CameraWord()
    word.note(seen(9.8, 10.2), at(10.2))
    word.note(seen(5000.0, 5001.0, shelf="other"), at(10.3))
    assert len(word.during(step(10.0, 10.4))) == 1


def test_steps_of_one_shelf_leave_in_the_order_in_which_they_came() -> None:
    eye, second = Eye(), step(11.2, 11.6, act="b")
    assert eye.waits(11.0, eye.take)
    assert eye.word.due(second, at(12.6)) == [eye.take, second]


def test_an_early_word_on_the_next_act_lets_the_one_before_go() -> None:
    eye = Eye()
    assert eye.waits(11.0, eye.take)
    glance = step(11.1, 11.2, act="b", final=False)
    assert eye.word.due(glance, at(11.3)) == [eye.take, glance]


def test_another_shelf_is_not_held_up() -> None:
    eye, elsewhere = Eye(), step(10.0, 10.4, shelf="other")
    assert eye.waits(11.0, eye.take)
    assert eye.word.due(elsewhere, at(11.0)) == [elsewhere]
    assert eye.word.shelves == {"shelf"}


def test_nobody_vouches_for_the_time_of_a_waiting_step() -> None:
    eye = Eye()
    assert eye.waits(11.0, eye.take)
    assert eye.word.undecided_since_ns == at(10.0)
    assert eye.word.rest() == [eye.take]
    assert eye.word.undecided_since_ns is None


def test_a_hand_is_seen_before_it_is_felt_and_after() -> None:
    word = CameraWord()
    for begin_s, end_s in ((9.0, 9.2), (9.4, 9.6), (10.1, 10.2), (10.8, 11.0), (11.3, 11.4)):
        word.note(seen(begin_s, end_s), at(11.4))
    assert [each.t_start_ns / 1e9 for each in word.during(step(10.0, 10.4))] == [9.4, 10.1, 10.8]


def test_what_was_told_of_one_act_is_told_of_no_other() -> None:
    word, first, second = CameraWord(), step(10.0, 10.4, act="a"), step(11.0, 11.4, act="b")
    word.note(seen(10.6, 10.8), at(10.8))  # within reach of both
    assert len(word.during(first)) == 1
    word.decided(first)
    assert word.during(second) == []


def test_what_is_nearer_to_the_act_before_is_not_of_this_one() -> None:
    word, first, second = CameraWord(), step(10.0, 10.4, act="a"), step(11.2, 11.6, act="b")
    word.decided(first)
    word.note(seen(10.5, 10.7, track=0), at(11.5))
    word.note(seen(10.9, 11.1, track=1), at(11.5))
    assert [each.track_id for each in word.during(second)] == [1]


def test_a_front_that_changed_in_two_acts_speaks_of_neither() -> None:
    """The hand stayed: between the two takes the front was never free, so its word is of both together."""
    word, first, second = CameraWord(), step(10.0, 10.4, act="a"), step(12.0, 12.4, act="b")
    word.note(compared(9.5, 15.0), at(15.0))
    assert word.during(first) == []  # known already where the boards' rows came late
    word.decided(first)
    assert word.during(second) == []
    word.note(compared(11.5, 13.4), at(15.0))
    assert len(word.during(second)) == 1


def test_what_was_seen_while_boards_were_far_behind_is_kept_for_them() -> None:
    """The boards' rows wait in a full inbox for 20 s; the camera's word on the same act came long before them."""
    word = CameraWord()
    word.note(seen(10.0, 10.3), at(5.0))
    for t_s in range(12, 31):
        word.note(seen(float(t_s), t_s + 0.2), at(5.0 + (t_s - 10) * 0.3))
    assert len(word.during(step(10.0, 10.4))) == 1


def test_memory_is_bounded_whatever_a_camera_says() -> None:
    word = CameraWord()
    for number in range(3 * MOST_REMEMBERED):
        word.note(seen(10.0 + number * 1e-4, 10.3 + number * 1e-4), at(10.4), at(1.0))
    assert len(word.during(step(10.0, 10.4))) == MOST_REMEMBERED


# --- hands at the front of a still weight --------------------------------------------------------------------------


def hands(*said: tuple[float, int]) -> HandsAtFront:
    there = HandsAtFront()
    for t_s, count in said:
        there.note(at(t_s), count)
    return there


def test_a_still_weight_waits_for_the_hand_that_came_before_it() -> None:
    there = hands((9.5, 1), (10.5, 1))
    assert there.hold(at(10.6), at(10.2))
    there.note(at(10.8), 0)
    assert there.hold(at(10.7), at(10.2))  # rows of before it left, come late
    assert not there.hold(at(10.8), at(10.2))


def test_goods_that_were_still_before_the_hand_came_are_not_under_it() -> None:
    assert not hands((10.5, 1)).hold(at(10.6), at(10.2))


def test_no_hand_holds_for_longer_than_three_seconds() -> None:
    there = hands((9.5, 1), (13.3, 1))
    assert there.hold(at(10.2 + HOLD_NS / 1e9), at(10.2))
    assert not there.hold(at(10.21 + HOLD_NS / 1e9), at(10.2))


def test_a_stain_that_is_taken_for_a_hand_holds_nothing_after_half_a_minute() -> None:
    last_s = 9.5 + VISIT_NS / 1e9
    there = hands((9.5, 1), (last_s, 1))
    assert there.hold(at(last_s - 0.1), at(last_s - 0.5))
    assert not there.hold(at(last_s + 0.1), at(last_s - 0.5))


def test_a_camera_silent_for_a_second_holds_nothing() -> None:
    assert not hands((9.5, 1)).hold(at(10.6), at(10.2))


@pytest.mark.parametrize("runs_off_s", [-3600, -5, 5, 3600])
def test_a_wrong_clock_holds_nothing_for_longer_either(runs_off_s: float) -> None:
    there = HandsAtFront()
    held_s = 0.0
    for t_s in np.arange(9.5, 20.0, 0.1).tolist():
        there.note(at(t_s + runs_off_s), 1)
        held_s += 0.1 * there.hold(at(t_s), at(10.2))
    assert held_s <= HOLD_NS / 1e9 + 0.8

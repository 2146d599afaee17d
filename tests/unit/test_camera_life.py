"""When a camera's process is started, ended and spoken of: stories of instants."""

from random import Random

import numpy as np

from edge_agent.camera_process.camera_life import CameraLife, Due, Said
from edge_agent.camera_process.words import ClipKept, Heartbeat, LastWords
from edge_agent.config import CameraConfig
from edge_agent.model import CameraCondition, CameraProgress, MonotonicNs, VisionObservation

S = 1_000_000_000
CAMERA = CameraConfig(shelf_id="s1", driver="simulated")


def a_life() -> CameraLife:
    return CameraLife(CAMERA, Random(3))


def started(life: CameraLife, at_ns: int) -> None:
    assert life.due(at_ns)[0] is Due.START
    life.started(at_ns)


def conditions(said: list[Said]) -> list[tuple[str, bool]]:
    return [(each.code, each.raised) for each in said if isinstance(each, CameraCondition)]


def start_delay_s(life: CameraLife, at_ns: int) -> float:
    """Return after how long a start is due, to a tenth of a second."""
    return next(tenth / 10 for tenth in range(700) if life.due(at_ns + tenth * S // 10)[0] is Due.START)


def progress(t_ns: int) -> CameraProgress:
    return CameraProgress(MonotonicNs(t_ns), "camera0", "s1", 0)


def test_a_camera_that_is_absent_is_tried_more_and_more_rarely_but_once_a_minute_at_least() -> None:
    life, now_ns, delays_s = a_life(), 0, []
    for _ in range(12):
        started(life, now_ns)
        life.heard(LastWords("camera_down", "camera 0 not found"), now_ns)
        life.ended("its process ended with status 0", now_ns)
        delays_s.append(start_delay_s(life, now_ns))
        now_ns += round(delays_s[-1] * S)
    assert delays_s[0] <= 1.0
    assert max(delays_s) <= 60.0
    assert sum(delays_s[6:]) > 60.0, "not every second for ever"


def test_an_absent_camera_is_said_once_however_often_it_is_tried() -> None:
    life, now_ns, said = a_life(), 0, []
    for _ in range(5):
        started(life, now_ns)
        life.heard(LastWords("camera_down", "camera 0 not found"), now_ns)
        said += conditions(life.ended("its process ended with status 0", now_ns))
        now_ns += 61 * S
    assert said == [("camera_down", True)]


def test_a_camera_that_saw_for_a_while_is_back_within_a_second_however_often_it_failed_before() -> None:
    life, now_ns = a_life(), 0
    for _ in range(8):
        started(life, now_ns)
        life.ended("its process was killed by SIGKILL", now_ns)
        now_ns += 61 * S
    started(life, now_ns)
    life.heard(Heartbeat(now_ns, 1, 0), now_ns)
    life.ended("its process was killed by SIGKILL", now_ns + 6 * S)
    assert start_delay_s(life, now_ns + 6 * S) <= 1.0


def test_the_first_frame_clears_what_was_said() -> None:
    life = a_life()
    started(life, 0)
    assert conditions(life.ended("its process was killed by SIGKILL", S)) == [("camera_down", True)]
    started(life, 3 * S)
    assert conditions(life.heard(Heartbeat(4 * S, 0, 0), 4 * S)) == [], "alive, but blind"
    assert conditions(life.heard(Heartbeat(5 * S, 1, 0), 5 * S)) == [("camera_down", False)]


def test_an_uncommissioned_camera_becomes_a_broken_one() -> None:
    life = a_life()
    started(life, 0)
    life.heard(LastWords("camera_uncommissioned", "nobody has shown it where its shelf is"), 0)
    assert conditions(life.ended("status 0", S)) == [("camera_uncommissioned", True)]
    started(life, 10 * S)
    life.heard(LastWords("camera_down", "camera 0 not found"), 10 * S)
    assert conditions(life.ended("status 0", 11 * S)) == [("camera_uncommissioned", False), ("camera_down", True)]


def test_a_driver_without_frames_is_down_while_it_lives_and_its_process_is_ended_when_hope_is_gone() -> None:
    life, said = a_life(), []
    started(life, 0)
    life.heard(Heartbeat(S, 10, 0), S)
    killed_s = None
    for second in range(2, 60):
        life.heard(Heartbeat(second * S, 10, 0), second * S)
        due, now = life.due(second * S)
        said += [(second, *each) for each in conditions(now)]
        if due is Due.KILL:
            killed_s = second
            break
    assert said == [(5, "camera_down", True)]
    assert killed_s == 32
    assert "no picture for 30 s" in str(life.ended("its process was killed by SIGKILL", 33 * S)[0])


def test_a_driver_that_goes_again_by_itself_is_cleared_without_a_restart() -> None:
    life = a_life()
    started(life, 0)
    life.heard(Heartbeat(S, 10, 0), S)
    life.heard(Heartbeat(5 * S, 10, 0), 5 * S)
    assert conditions(life.due(5 * S)[1]) == [("camera_down", True)]
    assert conditions(life.heard(Heartbeat(6 * S, 11, 30), 6 * S)) == [("camera_down", False)]
    assert life.starts == 1


def test_a_process_that_never_speaks_gets_half_a_minute_to_load_its_libraries() -> None:
    life = a_life()
    started(life, 0)
    assert life.due(29 * S)[0] is Due.NOTHING
    assert life.due(31 * S)[0] is Due.KILL


def test_what_the_eye_had_raised_is_over_with_its_process() -> None:
    life = a_life()
    started(life, 0)
    dark = CameraCondition(MonotonicNs(S), "camera0", "s1", "camera_dark", True, "dark")
    assert conditions(life.heard(dark, S)) == [("camera_dark", True)]
    assert conditions(life.ended("its process was killed by SIGKILL", 2 * S)) == [
        ("camera_dark", False),
        ("camera_down", True),
    ]


def test_a_film_is_seen_once() -> None:
    life = a_life()
    started(life, 0)
    life.heard(LastWords("ended", "film.avi: seen to its end"), S)
    assert conditions(life.ended("status 0", S)) == [("camera_down", True)]
    assert life.due(1000 * S)[0] is Due.NOTHING


def test_progress_that_comes_too_thick_is_passed_over_and_observations_are_not() -> None:
    life = a_life()
    started(life, 0)
    passed = sum(len(life.heard(progress(S), S)) for _ in range(300))
    assert passed == 60
    seen = VisionObservation(
        "o1", "s1", MonotonicNs(1), MonotonicNs(2), 3.0, 4.0, "reach", 0, 1, None, (), np.zeros(0), "c"
    )
    assert life.heard(seen, S) == [seen]
    assert life.passed_over == 240


def test_a_process_that_floods_is_ended_and_said_to() -> None:
    life = a_life()
    started(life, 0)
    for _ in range(700):
        life.heard(progress(S), S)
    assert life.due(S)[0] is Due.KILL
    assert "more than 600 words a second" in str(life.ended("its process was killed by SIGKILL", S)[0])


def test_a_full_disk_is_a_condition_of_the_clips_alone() -> None:
    life = a_life()
    started(life, 0)
    life.heard(Heartbeat(S, 1, 0), S)
    said = life.heard(ClipKept("a-1", None, "clips: No space left on device", trouble=True), S)
    assert conditions(said) == [("camera_clips", True)]
    assert life.seeing
    assert conditions(life.heard(ClipKept("a-2", "00"), 2 * S)) == [("camera_clips", False)]

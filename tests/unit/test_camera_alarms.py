"""What a technician hears of a camera: each trouble once, what to do about it, and when it is over."""

import pytest

from edge_agent.camera_alarms import REMEDY, CameraAlarms
from edge_agent.config import CameraConfig
from edge_agent.model import CAMERA_CODES, CameraCondition, CameraProgress, MonotonicNs
from edge_agent.vocabulary import Severity

CAMERAS = (
    CameraConfig(shelf_id="left", driver="picamera2", camera_id="eye"),
    CameraConfig(shelf_id="right", driver="none", camera_id="unplanned"),
)


def said(
    code: str, *, raised: bool = True, detail: str = "a bag", camera: str = "eye", t_s: int = 1
) -> CameraCondition:
    return CameraCondition(MonotonicNs(t_s * 10**9), camera, "left", code, raised, detail)


@pytest.mark.parametrize("code", CAMERA_CODES)
def test_every_trouble_comes_with_what_to_do(code: str) -> None:
    (alarm,) = CameraAlarms(CAMERAS).step(said(code))
    assert (alarm.subject, alarm.code, alarm.raised, alarm.severity) == ("camera:eye", code, True, Severity.WARNING)
    assert alarm.detail == "a bag"
    assert alarm.remedy == REMEDY[code]


def test_a_trouble_is_told_once_and_again_with_every_new_detail() -> None:
    alarms = CameraAlarms(CAMERAS)
    details = ["", "", "a bag", "a bag", "a coat", ""]
    assert [len(alarms.step(said("camera_blocked", detail=each))) for each in details] == [1, 0, 1, 0, 1, 1]


def test_its_end_is_told_once() -> None:
    alarms = CameraAlarms(CAMERAS)
    assert alarms.step(said("camera_dark", raised=False)) == []
    alarms.step(said("camera_dark"))
    (over,) = alarms.step(said("camera_dark", raised=False, t_s=2))
    assert (over.raised, over.severity, over.remedy, over.t_ns) == (False, Severity.INFO, "", 2 * 10**9)
    assert alarms.step(said("camera_dark", raised=False)) == []
    assert len(alarms.step(said("camera_dark"))) == 1


def test_troubles_of_one_camera_are_told_apart() -> None:
    alarms = CameraAlarms(CAMERAS)
    assert len(alarms.step(said("camera_dark")) + alarms.step(said("camera_moved"))) == 2
    (over,) = alarms.step(said("camera_moved", raised=False))
    assert over.code == "camera_moved"


@pytest.mark.parametrize("camera", ["unplanned", "stranger"])
def test_of_a_camera_that_nobody_configured_nothing_is_told(camera: str) -> None:
    assert CameraAlarms(CAMERAS).step(said("camera_down", camera=camera)) == []


def test_progress_is_no_trouble() -> None:
    assert CameraAlarms(CAMERAS).step(CameraProgress(MonotonicNs(1), "eye", "left", 2)) == []

"""What only a Raspberry Pi with a camera can show: `pytest -m hardware tests/camera`; skipped by name elsewhere."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from edge_agent.adapters.cameras.open_frames import open_frames
from edge_agent.config import CameraConfig
from edge_agent.vision.frames import CameraFrame

pytestmark = pytest.mark.hardware

CAMERA = CameraConfig(shelf_id="A", driver="picamera2", source="0")
SECONDS = 20


@pytest.fixture(scope="module")
def frames() -> list[CameraFrame]:
    picamera2 = pytest.importorskip("picamera2", reason="needs a Raspberry Pi with a camera", exc_type=ImportError)
    if not picamera2.Picamera2.global_camera_info():
        pytest.skip("needs a Raspberry Pi with a camera: none is connected")
    source = open_frames(CAMERA)
    assert "YUV420" in source.start()
    taken = [source.take(2.0) for _ in range(round(SECONDS * CAMERA.rate_hz))]
    source.stop()
    return [frame for frame in taken[15:] if frame is not None]


def test_the_rate_is_the_configured_one(frames: list[CameraFrame]) -> None:
    periods_s = np.diff([frame.t_ns for frame in frames]) / 1e9
    assert abs(np.median(periods_s) * CAMERA.rate_hz - 1) < 0.02


def test_no_exposure_is_lost_by_a_reader_that_keeps_up(frames: list[CameraFrame]) -> None:
    assert all(later.sequence == earlier.sequence + 1 for earlier, later in pairwise(frames))


def test_exposures_have_a_length(frames: list[CameraFrame]) -> None:
    assert all(frame.exposure_us is not None and 10 < frame.exposure_us < 1e6 / CAMERA.rate_hz for frame in frames)


@pytest.mark.usefixtures("frames")
def test_another_process_finds_the_camera_busy() -> None:
    source = open_frames(CAMERA)
    source.start()
    script = (
        "from edge_agent.adapters.cameras.open_frames import open_frames; from edge_agent.config import CameraConfig;"
        "open_frames(CameraConfig(shelf_id='A', driver='picamera2', source='0')).start()"
    )
    second = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert "another program holds it" in second.stderr
    assert source.take(2.0) is not None
    source.stop()

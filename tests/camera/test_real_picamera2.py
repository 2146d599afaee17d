"""What only the real picamera2 can show. Runs in the chroot of `make test-camera`, elsewhere it is skipped."""

import inspect
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import fake_picamera2
import pytest

from edge_agent.adapters.cameras.bounded import finishes_within
from edge_agent.adapters.cameras.picamera2_frames import Picamera2Frames
from edge_agent.config import CameraConfig
from edge_agent.vision.frames import CameraFrame

virtual_camera: Any = pytest.importorskip(
    "virtual_camera", reason="the real picamera2 is tried by `make test-camera`", exc_type=ImportError
)

FRAMES = int(os.environ.get("SHELF_CAMERA_FRAMES", "5000"))
FLAT_MB = 2.0
"""By how much the peak of resident memory may grow over all frames: one large picture is 1.8 MB, so a leak of one in
ten thousand would show in a long run and one in a thousand in the short."""
FRONT = CameraConfig(shelf_id="A", driver="picamera2", source="shelf-front", rate_hz=60)
OTHER = CameraConfig(
    shelf_id="B", driver="picamera2", camera_id="camera1", source="1", width_px=640, height_px=480, rate_hz=60
)


@pytest.fixture
def opened() -> Iterator[Callable[[CameraConfig], Picamera2Frames]]:
    sources: list[Picamera2Frames] = []

    def open_camera(camera: CameraConfig) -> Picamera2Frames:
        sources.append(Picamera2Frames(camera, virtual_camera.LIBRARY))
        return sources[-1]

    yield open_camera
    for source in sources:
        source.stop()


def taken(source: Picamera2Frames) -> CameraFrame:
    frame = source.take(2.0)
    assert frame is not None
    return frame


def test_start_names_the_camera_and_the_versions(
    opened: Callable[[CameraConfig], Picamera2Frames], capsys: pytest.CaptureFixture[str]
) -> None:
    described = opened(FRONT).start()
    assert described.startswith(
        "shelf-front, main 1280x960 NV12 stride 1280, small 320x240 NV12 stride 320, picamera2 "
    )
    picamera2_version, libcamera_version = described.split(", ")[-2:]
    with capsys.disabled():
        print(f"\nversions: {libcamera_version}, {picamera2_version}")


def test_the_fake_has_the_signatures_of_the_real_library() -> None:
    real = sys.modules["picamera2"]
    pairs = [
        *((getattr(fake_picamera2.Picamera2, name), getattr(real.Picamera2, name)) for name in USED),
        (fake_picamera2.MappedArray.__init__, real.MappedArray.__init__),
        (fake_picamera2.CompletedRequest.get_metadata, real.CompletedRequest.get_metadata),
        (fake_picamera2.CompletedRequest.release, real.CompletedRequest.release),
        (fake_picamera2.Job.get_result, sys.modules["picamera2.job"].Job.get_result),
    ]
    for fake, genuine in pairs:
        known = inspect.signature(genuine).parameters
        unknown = [name for name in inspect.signature(fake).parameters if name not in known]
        assert not unknown, f"{genuine.__qualname__} has no {unknown}"


USED = (
    "__init__",
    "global_camera_info",
    "create_video_configuration",
    "configure",
    "camera_configuration",
    "start",
    "stop",
    "capture_request",
    "cancel_all_and_flush",
    "close",
)
"""Methods of picamera2's that the driver calls."""


def test_two_cameras_run_side_by_side_and_a_small_stream_that_is_too_large_is_scaled(
    opened: Callable[[CameraConfig], Picamera2Frames],
) -> None:
    front, other = opened(FRONT), opened(OTHER)
    front.start()
    assert "small 640x480" in other.start(), "this camera has one size"
    for _ in range(20):
        seen, beside = taken(front), taken(other)
        assert seen.grey.shape == beside.grey.shape == (240, 320)
        assert seen.colour().shape == (960, 1280, 3)
        assert beside.colour().shape == (480, 640, 3)
    front.stop()
    assert taken(other), "one camera's end does not end the other"


def test_stop_waits_for_ever_behind_a_job_until_that_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    # The reason for the driver's order, and what the fake calls WouldHangError.
    monkeypatch.setattr(virtual_camera.VirtualCamera, "stalled", True)
    camera = virtual_camera.VirtualCamera(0)
    camera.start(camera.create_video_configuration())
    job = camera.capture_request(wait=False)
    with pytest.raises(TimeoutError):
        job.get_result(timeout=0.3)
    assert not finishes_within(1.0, camera.stop)
    camera.cancel_all_and_flush()
    assert finishes_within(2.0, camera.close)


def test_a_process_that_forgets_a_stalled_camera_still_ends() -> None:
    begun_s = time.monotonic()
    script = (
        "import virtual_camera as v; from edge_agent.config import CameraConfig;"
        "from edge_agent.adapters.cameras.picamera2_frames import Picamera2Frames as P;"
        "s = P(CameraConfig(shelf_id='A', driver='picamera2', source='0'), v.LIBRARY);"
        "s.start(); s.take(1.0); v.VirtualCamera.stalled = True; s.take(0.1); s.take(0.1); print('ends')"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    ended = subprocess.run(
        [sys.executable, "-c", script], timeout=30, check=True, capture_output=True, text=True, env=environment
    )
    assert "ends" in ended.stdout
    assert time.monotonic() - begun_s < 15


@pytest.mark.timeout(120 + FRAMES // 100)
def test_thousands_of_frames_leave_memory_flat(
    opened: Callable[[CameraConfig], Picamera2Frames], capsys: pytest.CaptureFixture[str]
) -> None:
    source = opened(FRONT)
    source.start()
    for _ in range(1000):
        taken(source).colour()
    before_mb, begun_s, cpu_s = peak_mb(), time.monotonic(), 0.0
    for number in range(FRAMES):
        cpu_s -= time.thread_time()
        frame = taken(source)
        cpu_s += time.thread_time()
        if number % 50 == 0:
            frame.colour()
    after_mb, seconds = peak_mb(), time.monotonic() - begun_s
    cost_ms = cpu_s / FRAMES * 1e3
    with capsys.disabled():
        print(
            f"\n{FRAMES} frames of the real picamera2 in {seconds:.1f} s: {cost_ms:.3f} ms of CPU a take, "
            f"peak memory {before_mb:.1f} → {after_mb:.1f} MB"
        )
    assert after_mb - before_mb <= FLAT_MB


def peak_mb() -> float:
    """Return the greatest resident memory of this process so far; needs no /proc."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

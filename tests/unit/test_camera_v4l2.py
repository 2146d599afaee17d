"""A USB camera's kernel device beneath the real linuxpy: formats, rates, damage, and how its absence is told."""

import errno
import inspect
import os

import msgspec
import numpy as np
import pytest
from fake_v4l2 import PATH, FakeV4l2
from linuxpy.video import device as linuxpy_video

from edge_agent.adapters.cameras.v4l2_frames import V4l2Frames, wait_readable
from edge_agent.clock import ManualClock
from edge_agent.config import CameraConfig
from edge_agent.errors import CameraError
from edge_agent.vision.frames import CameraFrame

CAMERA = CameraConfig(shelf_id="A", driver="v4l2", source=PATH)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> FakeV4l2:
    device = FakeV4l2(ManualClock(now_ns=10**12))
    device.install(monkeypatch)
    return device


def opened(device: FakeV4l2, camera: CameraConfig = CAMERA) -> V4l2Frames:
    return V4l2Frames(camera, device.io, device.wait, device.clock.monotonic_ns)


def taken(source: V4l2Frames) -> CameraFrame:
    frame = source.take(1.0)
    assert frame is not None
    return frame


@pytest.mark.parametrize("pixels", ["YUYV", "NV12", "MJPG"])
@pytest.mark.parametrize("padding", [0, 64])
def test_each_format_shows_the_scene(device: FakeV4l2, pixels: str, padding: int) -> None:
    device.formats, device.padding = {pixels: ((1280, 960, 30),)}, padding
    source = opened(device)
    assert f"Shelf Cam, 1280x960 {pixels} at 15 Hz" in source.start()
    frame = taken(source)
    colour = frame.colour()
    # The ramp is in video's limited range, but a JPEG's is full.
    ramp = np.linspace(60, 180, 1280) if pixels == "MJPG" else (np.linspace(60, 180, 1280) - 16) * 255 / 219
    assert np.abs(colour[500, 8:-8, 0].astype(int) - ramp[8:-8]).max() <= 4
    assert np.abs(frame.grey[100, 2:-2].astype(int) - ramp.reshape(320, 4).mean(1)[2:-2]).max() <= 4
    source.stop()


def test_an_uncompressed_format_that_is_too_slow_gives_way_to_jpeg(device: FakeV4l2) -> None:
    device.formats = {"YUYV": ((1280, 960, 8),), "MJPG": ((1280, 960, 30),)}
    assert "MJPG" in opened(device).start()


def test_a_camera_without_a_rate_so_low_is_thinned_evenly(device: FakeV4l2) -> None:
    device.slowest_hz = 30
    source = opened(device)
    assert "at 30 Hz, each 2th taken" in source.start()
    frames = [taken(source) for _ in range(5)]
    assert [frame.sequence for frame in frames] == [0, 1, 2, 3, 4]
    assert np.allclose(np.diff([frame.t_ns for frame in frames]) / 1e9, 1 / 15, atol=1e-4)


def test_a_damaged_jpeg_costs_one_frame(device: FakeV4l2) -> None:
    device.formats, device.damaged = {"MJPG": ((1280, 960, 30),)}, frozenset({1, 2})
    source = opened(device)
    source.start()
    assert [taken(source).sequence for _ in range(3)] == [0, 3, 4]


def test_a_format_that_nobody_reads_is_refused_by_its_name(device: FakeV4l2) -> None:
    device.formats = {"H264": ((1280, 960, 30),)}
    with pytest.raises(CameraError, match="delivers H264, and the agent reads NV12, YUYV, MJPG"):
        opened(device).start()
    assert device.owner is None


def test_a_size_that_it_has_not_names_the_one_that_it_has(device: FakeV4l2) -> None:
    with pytest.raises(CameraError, match="set width_px = 640 and height_px = 480"):
        opened(device, msgspec.structs.replace(CAMERA, width_px=800, height_px=600)).start()


def test_a_camera_that_is_pulled_out_between_two_frames_is_told_at_once(device: FakeV4l2) -> None:
    source = opened(device)
    source.start()
    taken(source)
    device.gone = True
    with pytest.raises(CameraError, match="was unplugged"):
        source.take(0.4)
    source.stop()


def test_stamps_that_are_not_monotonic_are_replaced_by_the_arrival_and_told_once(
    device: FakeV4l2, caplog: pytest.LogCaptureFixture
) -> None:
    device.flags = 0
    source = opened(device)
    source.start()
    for _ in range(3):
        assert taken(source).t_ns == device.clock.now_ns
    assert caplog.text.count("dated as they arrive") == 1


def test_what_is_no_video_device_or_forbidden_is_told_so(device: FakeV4l2, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, words in (
        (errno.ENOTTY, "is no camera"),
        (errno.EBUSY, "another program holds it"),
        (errno.EACCES, "group video"),
    ):

        def refuse(*_: object, number: int = number) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(linuxpy_video, "ioctl", refuse)
        with pytest.raises(CameraError, match=words):
            opened(device).start()


def test_the_wait_for_a_frame_ends_with_and_without_one() -> None:
    reading, writing = os.pipe()
    try:
        assert not wait_readable(reading, 0.0)
        os.write(writing, b"x")
        assert wait_readable(reading, 5.0)
    finally:
        os.close(reading)
        os.close(writing)


def test_linuxpy_has_what_the_driver_calls() -> None:
    capture = inspect.signature(linuxpy_video.VideoCapture.__init__).parameters
    assert "size" in capture
    assert list(inspect.signature(linuxpy_video.VideoCapture.set_format).parameters) == [
        "self",
        "width",
        "height",
        "pixel_format",
    ]
    assert "fps" in inspect.signature(linuxpy_video.VideoCapture.set_fps).parameters
    assert "io" in inspect.signature(linuxpy_video.Device.__init__).parameters
    assert "into" in inspect.signature(linuxpy_video.MemoryMap.raw_read).parameters
    assert "buffer_type" in capture
    assert {"frame_nb", "buff", "data"} <= set(dir(linuxpy_video.Frame))

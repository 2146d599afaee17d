"""What picamera2 does, and what becomes of it: instants, formats, cameras that are told apart, frames that cross."""

import sys
from typing import Any

import msgspec
import numpy as np
import pytest
from fake_picamera2 import EXPOSURE_US, PERIOD_NS, FakeShop, fake_picamera2

from edge_agent.adapters.cameras.picamera2_frames import Picamera2Frames
from edge_agent.adapters.cameras.sensor_clock import SensorClock, UnknownClockError
from edge_agent.clock import ManualClock
from edge_agent.config import CameraConfig
from edge_agent.errors import CameraError
from edge_agent.vision.frames import CameraFrame

CAMERA = CameraConfig(shelf_id="A", driver="picamera2", source="imx219")
SLEPT_NS = 3_600 * 10**9


@pytest.fixture
def shop() -> FakeShop:
    return FakeShop(ManualClock(now_ns=10**12))


def opened(shop: FakeShop, camera: CameraConfig = CAMERA, slept_ns: int = 0) -> Picamera2Frames:
    now_ns = shop.clock.monotonic_ns
    clock = SensorClock(camera.camera_id, now_ns, lambda: now_ns() + slept_ns)
    return Picamera2Frames(camera, fake_picamera2(shop), clock, now_ns)


def taken(source: Picamera2Frames) -> CameraFrame:
    frame = source.take(1.0)
    assert frame is not None
    return frame


def test_a_frame_is_dated_by_the_middle_of_its_exposure(shop: FakeShop) -> None:
    source = opened(shop)
    source.start()
    begun_ns = shop.clock.now_ns + PERIOD_NS
    frame = taken(source)
    assert frame.t_ns == begun_ns - EXPOSURE_US * 1000 // 2
    assert frame.exposure_us == EXPOSURE_US


def test_a_unit_that_has_slept_dates_frames_right_whichever_clock_the_camera_uses(shop: FakeShop) -> None:
    for ahead_ns in (0, SLEPT_NS):
        shop.stamped_ahead_ns = ahead_ns
        source = opened(shop, slept_ns=SLEPT_NS)
        source.start()
        assert abs(taken(source).t_ns - shop.clock.now_ns) < 10**7
        source.stop()


def test_a_camera_on_wall_time_is_refused(shop: FakeShop) -> None:
    shop.stamped_ahead_ns = 10**18
    source = opened(shop, slept_ns=SLEPT_NS)
    source.start()
    with pytest.raises(CameraError, match="ahead of the monotonic clock"):
        source.take(1.0)
    source.stop()


def test_which_clock_a_camera_uses_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    clock = SensorClock("left", lambda: 10**12, lambda: 10**12 + SLEPT_NS)
    assert clock.to_monotonic(10**12 + SLEPT_NS - 5) == 10**12 - 5
    assert clock.to_monotonic(10**12 + SLEPT_NS) == 10**12
    assert [record.getMessage() for record in caplog.records] == [
        "camera=left clock=boottime boottime_ahead_ms=3600000.000"
    ]
    with pytest.raises(UnknownClockError):
        clock.to_monotonic(10**12 + 2 * SLEPT_NS)


@pytest.mark.parametrize("pixels", ["NV12", "YUV420"])
def test_both_formats_show_the_scene_without_the_rows_padding(shop: FakeShop, pixels: str) -> None:
    shop.pixels = pixels
    source = opened(shop)
    assert f"main 1280x960 {pixels} stride 1344" in source.start()
    frame = taken(source)
    expected = np.linspace(40, 200, 320).astype(np.uint8)
    assert np.array_equal(frame.grey[100], expected)
    colour = frame.colour()
    assert np.abs(colour[500, :, 0].astype(int) - np.linspace(40, 200, 1280)).max() <= 2
    assert np.ptp(colour, axis=2).max() <= 2, "a grey scene has no colour"


def test_a_format_that_the_pipeline_puts_in_its_place_is_refused_by_its_name(shop: FakeShop) -> None:
    shop.pixels = "MJPEG"
    source = opened(shop)
    with pytest.raises(CameraError, match="main stream as MJPEG, and the agent reads NV12 and YUV420"):
        source.start()
    assert not shop.held, "and the camera is free again"


def test_a_camera_is_found_by_its_number_or_its_model(shop: FakeShop) -> None:
    for name, model in (("1", "imx219"), ("imx708_wide", "imx708_wide")):
        source = opened(shop, msgspec.structs.replace(CAMERA, source=name))
        assert source.start().startswith(model)
        source.stop()


def test_a_wrong_number_lists_what_is_connected(shop: FakeShop) -> None:
    with pytest.raises(CameraError, match=r"no such camera; connected: 0 \(imx708_wide\), 1 \(imx219\)"):
        opened(shop, msgspec.structs.replace(CAMERA, source="2")).start()


def test_two_cameras_of_a_model_are_told_apart_by_number_only(shop: FakeShop) -> None:
    shop.models = ("imx219", "imx219")
    with pytest.raises(CameraError, match="several of that model"):
        opened(shop).start()


def test_no_camera_at_all_names_the_cable(shop: FakeShop) -> None:
    shop.models = ()
    with pytest.raises(CameraError, match="no camera is connected: check its cable"):
        opened(shop).start()


def test_a_library_that_is_not_installed_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(CameraError, match="apt install --no-install-recommends python3-picamera2"):
        Picamera2Frames(CAMERA).start()


def test_a_frame_that_crosses_the_end_of_the_wait_is_taken_and_no_buffer_is_lost(shop: FakeShop) -> None:
    shop.crosses = True
    source = opened(shop)
    source.start()
    frames = [source.take(0.01) for _ in range(20)]
    assert None not in frames
    assert len(shop.opened[0].out) == 1, "only the newest is held"


def test_exposures_that_nobody_took_leave_a_gap_in_the_numbers(shop: FakeShop) -> None:
    source = opened(shop)
    source.start()
    first = taken(source)
    shop.clock.advance(1.0)
    assert taken(source).sequence - first.sequence >= 14


def test_the_rate_is_asked_for_within_what_the_sensor_can(shop: FakeShop) -> None:
    for rate_hz, period_us in ((15.0, 66_667), (1.0, 100_000)):
        source = opened(shop, msgspec.structs.replace(CAMERA, rate_hz=rate_hz))
        source.start()
        controls: dict[str, Any] = shop.opened[-1].config["controls"]
        assert controls["FrameDurationLimits"] == (period_us, period_us)
        assert shop.opened[-1].buffers <= 5
        source.stop()


def test_a_driver_that_hangs_when_it_is_closed_does_not_hold_up_stop(
    shop: FakeShop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    source = opened(shop)
    source.start()
    monkeypatch.setattr("edge_agent.adapters.cameras.picamera2_frames.finishes_within", lambda _limit_s, _action: False)
    source.stop()
    assert "does not close: its process must end" in caplog.text

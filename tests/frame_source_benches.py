"""What the contract of frame sources is tried on: every driver with a device behind it that does as it is told.

`SHELF_CAMERA_BENCHES` names the benches to use, separated by commas; without it all but the real camera.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import pytest
from fake_picamera2 import FakeShop, fake_picamera2

from edge_agent.clock import ManualClock
from edge_agent.config import CameraConfig
from edge_agent.ports import FrameSource

NAMES: Final = tuple(os.environ.get("SHELF_CAMERA_BENCHES", "picamera2,v4l2,video,folder,simulated").split(","))
PICTURES: Final = 12


class Bench(Protocol):
    """A device, and sources that read it."""

    camera: CameraConfig
    absent: str
    """A source that is not there."""

    def source(self, camera: CameraConfig | None = None) -> FrameSource:
        """Return a source of the bench's camera or of another configuration."""

    def now_s(self) -> float:
        """Return the time that the source lives in."""

    def linger(self, seconds: float) -> None:
        """Let time pass with nobody reading."""

    def stall(self, *, mended_by_start: bool) -> None:
        """Let no frame come any more, or none until the camera is started again."""

    def unplug(self) -> None:
        """Take the camera away."""


@dataclass
class FakeTime:
    """Time that passes where a source waits."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(now_ns=10**12))

    def now_s(self) -> float:
        return self.clock.now_ns / 1e9

    def linger(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def stall(self, *, mended_by_start: bool) -> None:
        raise NotImplementedError

    def unplug(self) -> None:
        raise NotImplementedError


class FakePicamera2Bench(FakeTime):
    camera = CameraConfig(shelf_id="A", driver="picamera2", source="0")
    absent = "7"

    def __init__(self) -> None:
        super().__init__()
        self.shop = FakeShop(self.clock)

    def source(self, camera: CameraConfig | None = None) -> FrameSource:
        from edge_agent.adapters.cameras.picamera2_frames import Picamera2Frames  # noqa: PLC0415
        from edge_agent.adapters.cameras.sensor_clock import SensorClock  # noqa: PLC0415

        clock = SensorClock("camera0", self.clock.monotonic_ns, self.clock.monotonic_ns)
        return Picamera2Frames(camera or self.camera, fake_picamera2(self.shop), clock, self.clock.monotonic_ns)

    def stall(self, *, mended_by_start: bool) -> None:
        self.shop.stalled, self.shop.mended_by_start = True, mended_by_start

    def unplug(self) -> None:
        self.shop.stalled = self.shop.gone = True


class FakeV4l2Bench(FakeTime):
    absent = "/dev/video9"

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        super().__init__()
        from fake_v4l2 import PATH, FakeV4l2  # noqa: PLC0415 - linuxpy is not where the real picamera2 is tried

        self.camera = CameraConfig(shelf_id="A", driver="v4l2", source=PATH)
        self.device = FakeV4l2(self.clock)
        self.device.install(patch)

    def source(self, camera: CameraConfig | None = None) -> FrameSource:
        from edge_agent.adapters.cameras.v4l2_frames import V4l2Frames  # noqa: PLC0415

        return V4l2Frames(camera or self.camera, self.device.io, self.device.wait, self.clock.monotonic_ns)

    def stall(self, *, mended_by_start: bool) -> None:
        self.device.stalled, self.device.mended_by_start = True, mended_by_start

    def unplug(self) -> None:
        self.device.gone = True


class FileBench(FakeTime):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.camera = CameraConfig(shelf_id="A", driver="file", source=str(path))
        self.absent = str(path) + "-that-is-not-there"

    def source(self, camera: CameraConfig | None = None) -> FrameSource:
        from edge_agent.adapters.cameras.exposure_pace import Clockwork  # noqa: PLC0415
        from edge_agent.adapters.cameras.file_frames import FileFrames  # noqa: PLC0415

        return FileFrames(camera or self.camera, Clockwork(self.clock.monotonic_ns, self.linger))


class SimulatedBench(FakeTime):
    camera = CameraConfig(shelf_id="A", driver="simulated")
    absent = ""

    def source(self, camera: CameraConfig | None = None) -> FrameSource:
        from edge_agent.adapters.cameras.exposure_pace import Clockwork  # noqa: PLC0415
        from edge_agent.adapters.cameras.simulated_frames import SimulatedFrames  # noqa: PLC0415

        return SimulatedFrames(camera or self.camera, None, Clockwork(self.clock.monotonic_ns, self.linger))


class RealPicamera2Bench:
    """The real picamera2 on libcamera's virtual pipeline; see tests/camera."""

    camera = CameraConfig(shelf_id="A", driver="picamera2", source="shelf-front", rate_hz=60)
    absent = "7"

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        virtual_camera = importlib.import_module("virtual_camera")  # of tests/camera, in its chroot only

        self.virtual: Any = virtual_camera
        patch.setattr(virtual_camera.VirtualCamera, "pace_s", 0.01)
        patch.setattr(virtual_camera.VirtualCamera, "stalled", False)
        patch.setattr(virtual_camera.VirtualCamera, "mended_by_start", False)
        patch.setattr(virtual_camera.VirtualCamera, "gone", False)

    def source(self, camera: CameraConfig | None = None) -> FrameSource:
        from edge_agent.adapters.cameras.picamera2_frames import Picamera2Frames  # noqa: PLC0415

        return Picamera2Frames(camera or self.camera, self.virtual.LIBRARY)

    def now_s(self) -> float:
        return time.monotonic()

    def linger(self, seconds: float) -> None:
        time.sleep(seconds)

    def stall(self, *, mended_by_start: bool) -> None:
        self.virtual.VirtualCamera.mended_by_start = mended_by_start
        self.virtual.VirtualCamera.stalled = True

    def unplug(self) -> None:
        self.virtual.VirtualCamera.stalled = self.virtual.VirtualCamera.gone = True


def picture(number: int, width: int = 1280, height: int = 960) -> Any:
    """Return a recorded picture: a ramp that grows lighter from one to the next."""
    ramp = np.linspace(20, 180, width) + 3 * number
    return np.broadcast_to(ramp[None, :, None], (height, width, 3)).astype(np.uint8)


def record_folder(folder: Path, pictures: int = PICTURES) -> Path:
    """Write pictures as files."""
    import cv2  # noqa: PLC0415

    folder.mkdir()
    for number in range(pictures):
        cv2.imwrite(str(folder / f"{number:04d}.bmp"), picture(number))
    return folder


def record_video(file: Path, pictures: int = PICTURES, rate_hz: float = 15) -> Path:
    """Write pictures as a video."""
    import cv2  # noqa: PLC0415

    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), rate_hz, (1280, 960))
    for number in range(pictures):
        writer.write(picture(number))
    writer.release()
    return file


def open_bench(name: str, tmp_path: Path, patch: pytest.MonkeyPatch) -> Bench:
    """Return the bench of that name."""
    makers: dict[str, Callable[[], Bench]] = {
        "picamera2": FakePicamera2Bench,
        "v4l2": lambda: FakeV4l2Bench(patch),
        "video": lambda: FileBench(record_video(tmp_path / "front.avi")),
        "folder": lambda: FileBench(record_folder(tmp_path / "pictures")),
        "simulated": SimulatedBench,
        "real picamera2": lambda: RealPicamera2Bench(patch),
    }
    return makers[name]()

"""A unit with a camera at its snacks shelf, and a camera that takes painted pictures instead of a real one."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from camera_pictures import SIZE_PX, Picture, grey_of

from edge_agent.config import CameraConfig
from edge_agent.errors import CameraError
from edge_agent.model import MonotonicNs
from edge_agent.vision.frames import CameraFrame

CAMERA = f"""
[[cameras]]
shelf_id = "snacks"
driver = "v4l2"
source = "/dev/v4l/by-id/usb-shelf-camera"
width_px = {SIZE_PX[0]}
height_px = {SIZE_PX[1]}
"""


def with_camera(unit_files: Path, text: str = CAMERA) -> Path:
    """Add the camera to the unit's configuration; return agent.toml."""
    agent = unit_files / "agent.toml"
    agent.write_text(agent.read_text() + text)
    return agent


def written(path: Path, picture: Picture) -> Path:
    """Write a picture as a technician's file."""
    cv2.imwrite(str(path), picture[:, :, ::-1])
    return path


class PaintedCamera:
    """A `FrameSource` of painted pictures, one a frame until it is stopped."""

    def __init__(self, camera: CameraConfig, pictures: Iterator[Picture], rate_hz: float, lost_each: int) -> None:
        self._camera = camera
        self._pictures = pictures
        self._rate_hz = rate_hz
        self._step = 1 + lost_each
        self._frame = 0
        self.stopped = False
        self.ended = False

    def start(self) -> str:
        """Open it."""
        return f"painted camera, {self._camera.width_px} × {self._camera.height_px} px"

    def take(self, timeout_s: float) -> CameraFrame | None:  # noqa: ARG002 - a painted picture is never waited for
        """Return the next painted frame."""
        picture = next(self._pictures, None)
        if picture is None:
            return None
        self._frame += 1
        size = (self._camera.lores_width_px, self._camera.lores_height_px)
        small = np.asarray(cv2.resize(grey_of(picture), size, interpolation=cv2.INTER_AREA), np.uint8)
        t_ns = MonotonicNs(round(self._frame * 1e9 / self._rate_hz))
        return CameraFrame(self._frame * self._step, t_ns, small, lambda: picture)

    def stop(self) -> None:
        """Close it."""
        self.stopped = True


class Drivers:
    """Stands in for the drivers: hands out a painted camera, or the error that opening one raises."""

    def __init__(self) -> None:
        self.pictures: Callable[[], Iterator[Picture]] = lambda: iter(())
        self.error: CameraError | None = None
        self.rate_hz = 15.0
        self.lost_each = 0
        self.ends = False
        self.opened: list[PaintedCamera] = []

    def open_frames(self, camera: CameraConfig) -> PaintedCamera:
        """Open a camera."""
        if self.error is not None:
            raise self.error
        source = PaintedCamera(camera, self.pictures(), self.rate_hz, self.lost_each)
        source.ended = self.ends
        self.opened.append(source)
        return source


@pytest.fixture
def drivers(monkeypatch: pytest.MonkeyPatch) -> Drivers:
    """The painted camera in place of every driver."""
    found = Drivers()
    module = ModuleType("edge_agent.adapters.cameras.open_frames")
    module.open_frames = found.open_frames  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "edge_agent.adapters.cameras.open_frames", module)
    return found

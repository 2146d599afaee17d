"""A camera's process with a stand-in for its camera and eye, which behave as ``source`` of the configuration says.

As a program it is what the supervisor starts in place of ``edge_agent.camera_process.child``; everything but the
driver and the eye is the real thing.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from edge_agent.camera_process.child import end, main
from edge_agent.camera_process.wiring import Outlook, Wiring
from edge_agent.camera_process.words import Setup
from edge_agent.config import CameraConfig
from edge_agent.errors import CameraError
from edge_agent.model import CameraCondition, CameraProgress, MonotonicNs, VisionObservation
from edge_agent.vision.frames import CameraFrame, ColourPicture, MaskedFrame
from edge_agent.vision.geometry import ShelfView

COMMAND = (sys.executable, str(Path(__file__).resolve()))
SENTINEL = (255, 0, 200)
"""A magenta that no shelf shows, painted wherever the mask shall black."""
GOODS = (90, 140, 60)
PROGRESS_NS = 400_000_000


def shelf_view(camera: CameraConfig) -> ShelfView:
    """Return a view in which the shelf fills the middle of the picture, 1000 mm by 300 mm."""
    scale = camera.width_px * 0.5 / 1000.0
    left, board = camera.width_px * 0.25, camera.height_px * 0.7
    front_to_px = np.array([[scale, 0.0, left], [0.0, -scale, board], [0.0, 0.0, 1.0]])
    return ShelfView(front_to_px, camera.width_px, camera.height_px, 1000.0, 300.0, "stand-in-1")


def painted(camera: CameraConfig) -> ColourPicture:
    """Return a picture of the sentinel with goods where the mask keeps it."""
    picture = np.empty((camera.height_px, camera.width_px, 3), np.uint8)
    picture[:] = SENTINEL
    picture[shelf_view(camera).kept(camera.width_px, camera.height_px)] = GOODS
    return picture


class StandInSource:
    """A camera in words: its ``source`` says what goes wrong."""

    def __init__(self, camera: CameraConfig) -> None:
        self._camera = camera
        self._picture = painted(camera)
        self._grey = np.full((camera.lores_height_px, camera.lores_width_px), 120, np.uint8)
        self._sequence = 0

    def start(self) -> str:
        if self._camera.source == "absent":
            raise CameraError(f"camera {self._camera.source} not found; set driver = 'none' to run by weight alone")
        if self._camera.source == "noisy":
            os.write(1, b"a library prints to the standard output\n")
        return f"stand-in {self._camera.width_px}x{self._camera.height_px}"

    def take(self, timeout_s: float) -> CameraFrame | None:
        fault = self._camera.source
        self._sequence += 1
        if self._sequence > 3:
            if fault == "hangs":
                threading.Event().wait()  # for ever, as a driver does
            if fault == "crashes":
                os.kill(os.getpid(), signal.SIGSEGV)
            if fault == "unplugged":
                raise CameraError("camera0: unplugged; plug it in again")
            if fault == "babbles":
                raise_on_pipe()
        if self.ended:
            return None
        if fault == "dark":
            time.sleep(timeout_s)
            return None
        time.sleep(1.0 / self._camera.rate_hz)
        return CameraFrame(self._sequence, MonotonicNs(time.monotonic_ns()), self._grey.copy(), self._picture.copy)

    @property
    def ended(self) -> bool:
        return self._camera.source == "film" and self._sequence > 3

    def stop(self) -> None:
        if self._camera.source == "stuck":
            threading.Event().wait()


class StandInEye:
    """Sees hands never and says so."""

    def __init__(self, camera: CameraConfig) -> None:
        self._camera = camera
        self._said_ns = 0

    def step(
        self, frame: MaskedFrame, arrived_ns: MonotonicNs | None = None
    ) -> Sequence[VisionObservation | CameraProgress | CameraCondition]:
        assert arrived_ns is not None
        if frame.t_ns - self._said_ns < PROGRESS_NS:
            return []
        self._said_ns = frame.t_ns
        return [CameraProgress(frame.t_ns, self._camera.camera_id, self._camera.shelf_id, 0)]


def raise_on_pipe() -> None:
    """Write what is no word to every open pipe: one of them leads to the agent."""
    for descriptor in range(3, 32):
        try:
            os.write(descriptor, b"\xff" * 64)
        except OSError:
            continue


def stand_in_wiring(
    source: Callable[[CameraConfig], StandInSource] = StandInSource,
) -> Wiring:
    def outlook(setup: Setup) -> Outlook | None:
        return None if setup.camera.source == "uncommissioned" else Outlook(shelf_view(setup.camera))

    return Wiring(outlook=outlook, source=source, eye=lambda setup, _outlook: StandInEye(setup.camera))


if __name__ == "__main__":
    end(main(stand_in_wiring()))

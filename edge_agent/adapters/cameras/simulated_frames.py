"""A camera that looks at a scene: a function of time that somebody renders, or a shelf front with nobody before it."""

import logging
from collections.abc import Callable

import cv2
import numpy as np

from edge_agent.adapters.cameras.camera_fault import camera_fault
from edge_agent.adapters.cameras.drawn_shelf import drawn_shelf
from edge_agent.adapters.cameras.exposure_pace import Clockwork, ExposurePace
from edge_agent.adapters.cameras.large_picture import LargePicture
from edge_agent.config import CameraConfig
from edge_agent.vision.frames import CameraFrame, ColourPicture

Scene = Callable[[float], ColourPicture]
"""``(t_s) -> (height, width, 3)``: what is seen so long after the camera's start."""

log = logging.getLogger(__name__)


class SimulatedFrames:
    """Exposures of a scene at `rate_hz`.

    Parameters
    ----------
    scene : callable or None
        None draws a shelf front with nothing happening.
    clockwork : Clockwork
        What the instants are on.
    paced : bool
        Whether frames come at their instants, a late reader's being lost, or as fast as they are taken, every one.
    """

    def __init__(
        self,
        camera: CameraConfig,
        scene: Scene | None = None,
        clockwork: Clockwork | None = None,
        *,
        paced: bool = True,
    ) -> None:
        self._camera = camera
        self._scene = scene
        self._pace = ExposurePace(camera.rate_hz, clockwork or Clockwork(), paced=paced)
        self._started = False
        self._large: LargePicture | None = None

    @property
    def ended(self) -> bool:
        """Return False: a scene goes on."""
        return False

    def start(self) -> str:
        """Begin to expose; see `FrameSource`."""
        camera = self._camera
        drawn = self._scene is None
        if self._scene is None:
            self._scene = drawn_shelf(camera.width_px, camera.height_px)
        shown = self._scene(0.0).shape
        if shown != (camera.height_px, camera.width_px, 3):
            raise camera_fault(
                camera,
                f"its scene shows pictures of {shown}, not of {(camera.height_px, camera.width_px, 3)}",
                "render the scene at width_px and height_px",
            )
        self._pace.start()
        self._started = True
        described = (
            f"{'a drawn shelf' if drawn else 'a scene'}, {camera.width_px}x{camera.height_px} at {camera.rate_hz:g} Hz"
        )
        log.info("camera=%s driver=simulated delivers=%s", camera.camera_id, described)
        return described

    def take(self, timeout_s: float) -> CameraFrame | None:
        """Return the next exposure, or None when none is due; see `FrameSource`."""
        if self._scene is None or not self._started:
            raise RuntimeError("take before start")
        self._expire()
        number = self._pace.due(timeout_s)
        if number is None:
            return None
        seen = self._scene(number / self._camera.rate_hz)
        luma = cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY)
        size = (self._camera.lores_width_px, self._camera.lores_height_px)
        grey = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        self._large = LargePicture(seen.copy)
        return CameraFrame(number, self._pace.instant_ns(number), grey, self._large)

    def stop(self) -> None:
        """End; see `FrameSource`."""
        self._expire()
        self._started = False

    def _expire(self) -> None:
        if self._large is not None:
            self._large.expire()
            self._large = None

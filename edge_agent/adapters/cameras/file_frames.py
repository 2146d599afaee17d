"""A recorded camera: a video file, or a folder of pictures sorted by name."""

import logging
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from edge_agent.adapters.cameras.camera_fault import camera_fault
from edge_agent.adapters.cameras.exposure_pace import Clockwork, ExposurePace
from edge_agent.adapters.cameras.large_picture import LargePicture
from edge_agent.adapters.cameras.stored_pictures import NoPictureError, StoredPictures, stored_pictures
from edge_agent.config import CameraConfig
from edge_agent.vision.frames import CameraFrame, ColourPicture, GreyPicture

SAME_SHAPE: Final = 0.01
"""By how much, relative, a picture's ratio of width to height may differ from the configured one: rounding to even
sizes, beyond which lanes would be drawn beside the goods (2026-12)."""

log = logging.getLogger(__name__)


class FileFrames:
    """Pictures of a file, each dated as the exposure that it would have been.

    A folder's pictures are exposures at `rate_hz`. A video keeps its own time; of one recorded faster than `rate_hz`
    only so many frames are taken, evenly. Pictures are scaled to the configured size.

    Parameters
    ----------
    clockwork : Clockwork
        What the instants are on.
    paced : bool
        Whether frames come at their instants, a late reader's being lost, as from a camera; otherwise as fast as they
        are taken, every one.
    """

    def __init__(self, camera: CameraConfig, clockwork: Clockwork | None = None, *, paced: bool = True) -> None:
        self._camera = camera
        self._clockwork = clockwork or Clockwork()
        self._paced = paced
        self._size = (camera.width_px, camera.height_px)
        self._small = (camera.lores_width_px, camera.lores_height_px)
        self._stored: StoredPictures | None = None
        self._pace = ExposurePace(camera.rate_hz, self._clockwork, paced=paced)
        self._stride = 1.0
        self._passed = 0
        self._ended = False
        self._large: LargePicture | None = None

    @property
    def ended(self) -> bool:
        """Return whether every picture has been taken."""
        return self._ended

    def start(self) -> str:
        """Open the file and look at its first picture; see `FrameSource`."""
        camera = self._camera
        path = Path(camera.source)
        try:
            stored = stored_pictures(path)
            height, width = stored.first().shape[:2]
        except (NoPictureError, OSError) as error:
            raise camera_fault(camera, str(error), "set source to a video or a folder of pictures") from error
        if not self._fits(width, height):
            stored.close()
            raise camera_fault(
                camera,
                f"{path}: its pictures are {width} × {height}, not of the shape {self._size[0]} × {self._size[1]}",
                "set width_px and height_px to their shape",
            )
        recorded_hz = stored.rate_hz or camera.rate_hz
        self._stride = max(1.0, recorded_hz / camera.rate_hz)
        self._stored, self._passed, self._ended = stored, 0, False
        self._pace = ExposurePace(recorded_hz / self._stride, self._clockwork, paced=self._paced)
        self._pace.start()
        kind = "video" if stored.rate_hz is not None else "folder"
        described = f"{kind} {path}, {width}x{height} at {recorded_hz:g} Hz, read at {recorded_hz / self._stride:g} Hz"
        log.info("camera=%s driver=file delivers=%s", camera.camera_id, described)
        return described

    def take(self, timeout_s: float) -> CameraFrame | None:
        """Return the next picture, or None when none is due or all have been taken; see `FrameSource`."""
        stored = self._stored
        if stored is None:
            raise RuntimeError("take before start")
        self._expire()
        if self._ended or (number := self._pace.due(timeout_s)) is None:
            return None
        try:
            while (picture := self._picture(stored, number)) is None:
                if (later := self._pace.due(timeout_s)) is None:
                    return None
                number = later
        except EOFError:
            self._ended = True
            return None
        whole = picture
        self._large = LargePicture(lambda: self._scaled(whole).copy())
        return CameraFrame(number, self._pace.instant_ns(number), self._grey(whole), self._large)

    def stop(self) -> None:
        """Close the file; see `FrameSource`."""
        self._expire()
        if self._stored is not None:
            self._stored.close()
            self._stored = None

    def _picture(self, stored: StoredPictures, number: int) -> ColourPicture | None:
        """Return the picture of an exposure, passing over those before it; None for one that cannot be used."""
        wanted = int(number * self._stride)
        while self._passed < wanted:
            stored.skip()
            self._passed += 1
        self._passed += 1
        picture = stored.read()
        if picture is not None and not self._fits(picture.shape[1], picture.shape[0]):
            log.warning("camera=%s exposure=%d of another shape, skipped", self._camera.camera_id, number)
            return None
        return picture

    def _fits(self, width: int, height: int) -> bool:
        return abs(width / height * self._size[1] / self._size[0] - 1) <= SAME_SHAPE

    def _scaled(self, picture: ColourPicture) -> ColourPicture:
        return np.asarray(cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def _grey(self, picture: ColourPicture) -> GreyPicture:
        luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        return np.asarray(cv2.resize(luma, self._small, interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def _expire(self) -> None:
        if self._large is not None:
            self._large.expire()
            self._large = None

"""The last seconds of masked pictures, in memory, for a clip that a review may ask for."""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from edge_agent.vision.frames import ColourPicture, MaskedFrame, PixelMask

HELD_S: Final = 20.0
"""Longer than all but a few acts with the wait for their final (assumed, 2026-12)."""
MAX_BYTES: Final = 6_000_000
"""20 s of four pictures a second at 60 kB take 4.8 MB (measured on photographs of packed shelves, 2026-12)."""
BUSY_S: Final = 0.25
"""Between two pictures while something is at the front: a reach lasts 0.8 s and more (assumed, 2026-12)."""
QUIET_S: Final = 1.0
"""Between two pictures else: one from before the act is enough."""
WIDTH_PX: Final = 640
"""At most: a reviewer tells one product from another by its front, not by its small print (assumed, 2026-12)."""
JPEG_QUALITY: Final = 80


@dataclass(frozen=True, slots=True)
class Picture:
    """One masked picture, cropped to the shelf, as JPEG."""

    t_ns: int
    jpeg: bytes


class PictureRing:
    """Bounded in time and in bytes. One thread adds, another cuts.

    Parameters
    ----------
    keep : (height, width) bool
        What the mask keeps of the large picture; pictures are cropped to the rectangle around it.
    """

    def __init__(self, keep: PixelMask, max_bytes: int = MAX_BYTES) -> None:
        rows, columns = np.flatnonzero(keep.any(axis=1)), np.flatnonzero(keep.any(axis=0))
        self._rows = slice(int(rows[0]), int(rows[-1]) + 1) if rows.size else slice(0, 0)
        self._columns = slice(int(columns[0]), int(columns[-1]) + 1) if columns.size else slice(0, 0)
        self._max_bytes = max_bytes
        self._pictures: deque[Picture] = deque()
        self._bytes = 0
        self._lock = threading.Lock()
        self._last_ns: int | None = None

    @property
    def held_bytes(self) -> int:
        """Return how much memory the pictures take."""
        return self._bytes

    def see(self, frame: MaskedFrame, *, busy: bool) -> None:
        """Keep a frame if it is time for one; ``busy`` while something is at the shelf's front."""
        period_s = BUSY_S if busy else QUIET_S
        if self._last_ns is not None and frame.t_ns - self._last_ns < period_s * 1e9:
            return
        self._last_ns = frame.t_ns
        jpeg = _jpeg(frame.colour()[self._rows, self._columns])
        if jpeg is None:
            return
        with self._lock:
            self._pictures.append(Picture(frame.t_ns, jpeg))
            self._bytes += len(jpeg)
            while self._pictures and (
                self._bytes > self._max_bytes or frame.t_ns - self._pictures[0].t_ns > HELD_S * 1e9
            ):
                self._bytes -= len(self._pictures.popleft().jpeg)

    def cut(self, begin_ns: int, end_ns: int, most: int) -> list[Picture]:
        """Return the pictures between two instants and the last one before, evenly thinned to ``most``."""
        with self._lock:
            within = [each for each in self._pictures if begin_ns <= each.t_ns <= end_ns]
            before = [each for each in self._pictures if each.t_ns < begin_ns][-1:]
        if not within:
            return []
        found = before + within
        if len(found) <= most:
            return found
        return [found[round(place)] for place in np.linspace(0, len(found) - 1, most)]


def _jpeg(picture: ColourPicture) -> bytes | None:
    height, width = picture.shape[:2]
    if not height or not width:
        return None
    if width > WIDTH_PX:
        size = (WIDTH_PX, max(1, round(height * WIDTH_PX / width)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    done, encoded = cv2.imencode(".jpg", picture[:, :, ::-1], (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))
    return encoded.tobytes() if done else None

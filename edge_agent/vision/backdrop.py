"""The shelf's front without anybody before it, and what in a picture is not explained by it and by light.

Light changes a picture smoothly and by a factor; what comes in between changes its structure. So two questions are
asked of a frame, the cheap one first:

1. Is it the backdrop under one gain and one offset, down to the camera's noise? Pictures of blocks of 4 × 4 pixels
   answer it in microseconds, and that is all that a quiet frame costs.
2. Where does no local gain explain it? `structure.compare` answers that, at half size.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from edge_agent.model import FloatArray
from edge_agent.vision.frames import GreyPicture, PixelMask
from edge_agent.vision.structure import GAIN_RANGE, RealPicture, compare, opened

HALF, QUARTER = 2, 4
WINDOW_PX = 5
"""Side of the window of structure in the picture of half size: some 30 mm of the shelf (rule, 2026-12)."""
QUIET_SIGMAS = 6.0
QUIET_FLOOR_GREY = 2.5
"""A block of 4 × 4 differs when it is off by both: 16 pixels' noise is a grey level or less (rule, 2026-12)."""
QUIET_BLOCKS = 3
"""So many blocks may differ in a quiet frame: some 12 mm square each, a hand has forty (rule, 2026-12)."""
LEARNING_RATE = 0.05
"""Share of a quiet frame in the backdrop, which so follows daylight within two seconds."""
RELIT_RATE = 0.25
"""Share where the light changed unevenly but no structure did."""
NOISE_EVERY, NOISE_RATE = 8, 0.1
"""Noise is heard in two frames of so many, and followed within seconds."""
NOISE_RANGE_GREY = (0.5, 8.0)


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """What a frame shows beyond the backdrop.

    Attributes
    ----------
    half : (half height, half width) float32
        The frame at half size.
    whole : (height, width)
        The frame.
    foreground : (half height, half width) uint8 or None
        1 where something is before the backdrop, None for a quiet frame.
    """

    half: RealPicture
    whole: GreyPicture
    foreground: GreyPicture | None


class Backdrop:
    """The slowly learnt picture of the front without anybody before it.

    Parameters
    ----------
    kept_half : (half height, half width) bool
        Which pixels of the picture of half size the mask keeps.
    """

    def __init__(self, kept_half: PixelMask) -> None:
        rows, columns = kept_half.shape
        self._size = (columns, rows)
        self._kept_half = kept_half
        quarter = cv2.resize(kept_half.astype(np.uint8), (columns // 2, rows // 2), interpolation=cv2.INTER_AREA)
        self._quarter_size = (columns // 2, rows // 2)
        self._kept_quarter: FloatArray = np.asarray(
            cv2.erode(quarter, np.ones((3, 3), np.uint8), borderValue=0), dtype=np.float64
        )
        self._count = max(float(self._kept_quarter.sum()), 1.0)
        self.whole: RealPicture | None = None
        self._half: RealPicture = np.zeros(kept_half.shape, np.float32)
        self.noise_grey = 2.0
        self._quarter: FloatArray = np.zeros((rows // 2, columns // 2))
        self._last_quarter: FloatArray | None = None
        self._looked = 0

    def look(self, grey: GreyPicture, *, learn: bool = True) -> Difference:
        """Return what a small picture shows beyond the backdrop; the first one becomes it.

        Parameters
        ----------
        learn : bool
            Whether a quiet frame is taken in: not while the front may have changed and was not yet compared.
        """
        half = cv2.resize(grey, self._size, interpolation=cv2.INTER_AREA)
        quarter = cv2.resize(half, self._quarter_size, interpolation=cv2.INTER_AREA) * self._kept_quarter
        real: RealPicture = half.astype(np.float32)
        if self.whole is None:
            self.absorb(grey.astype(np.float32))
        self._looked += 1
        if self._looked % NOISE_EVERY < 2:  # two frames in a row, to compare
            self._hear_noise(quarter)
        if self._is_quiet(quarter):
            if learn:
                self._learn(grey, LEARNING_RATE)
            return Difference(real, grey, None)
        foreground = self._unexplained(real)
        if not foreground.any():
            if learn:
                self._learn(grey, RELIT_RATE)
            return Difference(real, grey, None)
        return Difference(real, grey, foreground)

    def absorb(self, picture: RealPicture) -> None:
        """Take a picture, (height, width), as it is: what stands there now is the front."""
        self.whole = picture.copy()
        self._reduce()

    def overlook(self, half: RealPicture, where: PixelMask) -> None:
        """Take what stands there for no foreground from now on; `whole`, which is to be compared, stays as it is."""
        kept = self._kept_half[::4, ::4]
        light = float(np.median(half[::4, ::4][kept] / np.maximum(self._half[::4, ::4][kept], 1.0)))
        self._half[where] = half[where] / max(
            light, 0.05
        )  # in the backdrop's light, or the patch itself has an outline
        quarter = cv2.resize(self._half, self._quarter_size, interpolation=cv2.INTER_AREA)
        self._quarter = quarter * self._kept_quarter

    def _learn(self, grey: GreyPicture, rate: float) -> None:
        if self.whole is not None:
            cv2.accumulateWeighted(grey, self.whole, rate)
            self._reduce()

    def _reduce(self) -> None:
        if self.whole is not None:
            self._half = np.asarray(cv2.resize(self.whole, self._size, interpolation=cv2.INTER_AREA), np.float32)
            quarter = cv2.resize(self._half, self._quarter_size, interpolation=cv2.INTER_AREA)
            self._quarter = quarter * self._kept_quarter

    def _hear_noise(self, quarter: FloatArray) -> None:
        # The middle of the differences of two frames is noise even while a hand passes elsewhere; a quarter-size block
        # averages 16 pixels, so its noise is that of a half-size one divided by two.
        if self._last_quarter is not None and self._looked % NOISE_EVERY == 1:
            last, now = self._few(self._last_quarter), self._few(quarter)
            if last.size:
                flicker = float(last @ now) / max(float(last @ last), 1.0)
                level = 2.0 * float(np.median(np.abs(now - flicker * last))) / (0.6745 * 2**0.5)
                self.noise_grey += NOISE_RATE * (
                    min(max(level, NOISE_RANGE_GREY[0]), NOISE_RANGE_GREY[1]) - self.noise_grey
                )
        self._last_quarter = quarter

    def _few(self, quarter: FloatArray) -> FloatArray:
        few: FloatArray = quarter[::3, ::3][self._kept_quarter[::3, ::3] > 0]
        return few

    def _is_quiet(self, quarter: FloatArray) -> bool:
        limit = max(QUIET_SIGMAS * self.noise_grey / 2, QUIET_FLOOR_GREY)
        backdrop, kept, count = self._quarter, self._kept_quarter, self._count
        mean_b, mean_s = float(backdrop.sum()) / count, float(quarter.sum()) / count
        level_b = (backdrop - mean_b) * kept
        gain = float(np.vdot(level_b, quarter)) / max(float(np.vdot(level_b, level_b)), 1e-9)
        gain = min(max(gain, GAIN_RANGE[0]), GAIN_RANGE[1])
        residual = ((quarter - mean_s) - gain * level_b) * kept
        if np.count_nonzero(np.abs(residual) > limit) <= QUIET_BLOCKS:
            return True
        # Mains flicker under a rolling shutter: every row has a level of its own, by the middle of its columns.
        ratio = np.median(residual, axis=1, keepdims=True)
        return bool(np.count_nonzero(np.abs(residual - ratio) * kept > limit) <= QUIET_BLOCKS)

    def _unexplained(self, half: RealPicture) -> GreyPicture:
        compared = compare(half, self._half, self._kept_half, WINDOW_PX)
        return opened(compared.is_something(self.noise_grey), self._kept_half)

"""How much of one picture's structure no gain of another one explains: the measure behind hands and changes alike.

Over a window, with means m, variances v and the covariance c of picture s and backdrop b, the part of s that no
multiple α of b explains is, by least squares of s − m_s on b − m_b::

    e = v_s − 2 α c + α² v_b,   α = c / v_b, held within what light can do

Shadow and lamp leave e at noise. It is symmetric in what matters: structure that came and structure that is gone.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.vision.frames import GreyPicture, PixelMask

GAIN_RANGE = (0.35, 1.6)
"""What a shadow or a lamp does to a place, over what it does to the whole picture (assumed, 2026-12)."""
STRUCTURE_SIGMAS2 = 8.0
"""Unexplained variance counts above so many variances of a pixel's noise (rule, 2026-12)."""
STRUCTURE_SHARE = 0.055
"""... and above this share of the window's mean, squared: sensor gain, lens and pixel steps leave less."""
BRIGHTER, DARKER, OFF_GREY = 1.45, 0.3, 14.0
"""A window without structure is something else beyond these factors and so many grey levels (assumed, 2026-12)."""

RealPicture = npt.NDArray[np.float32]
"""(height, width), grey."""


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """Two pictures compared, all (height, width) float32.

    Attributes
    ----------
    picture_variance, backdrop_variance : within the window, grey²
    mean : of the picture
    expected : mean of the backdrop under the gain of the whole picture
    rest : unexplained variance, grey²
    """

    picture_variance: RealPicture
    backdrop_variance: RealPicture
    mean: RealPicture
    expected: RealPicture
    rest: RealPicture

    def is_something(self, noise_grey: float, least_share: float = STRUCTURE_SHARE) -> PixelMask:
        """Return where light cannot be the cause, given the noise of a pixel and what lens and sensor leave."""
        bound = np.maximum(STRUCTURE_SIGMAS2 * noise_grey**2, (least_share * self.mean) ** 2)
        off = np.abs(self.mean - self.expected) > OFF_GREY
        beyond = (self.mean > BRIGHTER * self.expected) | (self.mean < DARKER * self.expected)
        something: PixelMask = (self.rest > bound) | (off & beyond)
        return something


def compare(picture: RealPicture, backdrop: RealPicture, kept: PixelMask, window_px: int) -> Structure:
    """Return how a picture's structure differs from a backdrop's.

    Parameters
    ----------
    kept : (height, width) bool
        Pixels that the overall gain is taken from: the median of the ratios of means.
    """
    mean_s, mean_b = averaged(picture, window_px), averaged(backdrop, window_px)
    var_s = np.maximum(averaged(picture * picture, window_px) - mean_s * mean_s, 0.0)
    var_b = np.maximum(averaged(backdrop * backdrop, window_px) - mean_b * mean_b, 1e-2)
    common = averaged(picture * backdrop, window_px) - mean_s * mean_b
    ratio = mean_s[kept][::7] / np.maximum(mean_b[kept][::7], 1.0)
    overall = float(np.median(ratio)) if ratio.size else 1.0
    alpha = np.clip(common / var_b, np.float32(GAIN_RANGE[0] * overall), np.float32(GAIN_RANGE[1] * overall))
    rest = np.asarray(var_s - 2 * alpha * common + alpha * alpha * var_b, dtype=np.float32)
    return Structure(var_s, var_b, mean_s, np.float32(overall) * mean_b, rest)


def averaged(picture: RealPicture, window_px: int) -> RealPicture:
    """Return the mean over a square window around every pixel."""
    return np.asarray(cv2.boxFilter(picture, -1, (window_px, window_px)), dtype=np.float32)


def opened(found: PixelMask, kept: PixelMask) -> GreyPicture:
    """Return patches, 0 and 1, with their gaps closed, their specks gone and less of the window's reach around them.

    What is not kept counts as found meanwhile, so that nothing is worn away at the mask's border.
    """
    square = np.ones((3, 3), np.uint8)
    closed = cv2.morphologyEx((found & kept).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    patches = np.asarray(cv2.morphologyEx(closed, cv2.MORPH_OPEN, square), dtype=np.uint8)
    worn = np.asarray(cv2.erode((patches | ~kept).astype(np.uint8), square), dtype=np.uint8)
    return worn * kept.astype(np.uint8)

"""Local features of a picture: where something stands out, what its surroundings look like, and in which colours.

SIFT (Lowe 2004) finds and describes; its histograms are compared by Hellinger's distance (RootSIFT, Arandjelovic and
Zisserman 2012). The 4 × 4 × 8 histogram is carried over into frequencies, a cosine transform over its cells and a
Fourier transform over its directions, and the low ones are kept: half the numbers, with 90 % of the variance on
photographs of packages (2026-12). No basis learned from pictures is needed for that. Five colours around the keypoint,
each in two chromaticities, follow: packages of one brand differ in nothing else.
"""

import functools
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.vision.frames import ColourPicture

Numbers = npt.NDArray[Any]
"""Of 8 bits, of single or of double precision, as the shapes in the docstrings say."""

DESCRIPTOR_VERSION = 1
"""Changes with everything in this module that changes what a template's numbers mean."""
SIDE_PX = 348
"""A picture's geometric mean side while it is looked at; larger ones are reduced (size of phone pictures on which
accuracy was measured, 2026-12)."""
SMALL_SIDE_PX = 240
"""Smaller pictures are enlarged up to this, three times at most: packages 80 px high show SIFT little (2026-12)."""
MOST_ENLARGED = 3.0
MOST_KEYPOINTS = 400
"""Of a picture, the strongest first (2026-12)."""
CONTRAST = 0.02
"""SIFT's threshold; half of the usual one finds the large plain shapes of packages (2026-12)."""
SHAPE_NUMBERS = 64
COLOUR_NUMBERS = 10
NUMBERS = SHAPE_NUMBERS + COLOUR_NUMBERS
STEP = 1 / 200
"""Of the 8-bit descriptor: ±0.63 in units where a whole RootSIFT has length 1."""
COLOUR_WEIGHT = 1.5
"""Of the chromaticities, against the shape's numbers (2026-12)."""
MEAN_SHAPE = 0.7
"""Taken off the constant frequency, which is about that for every keypoint."""
CENTRE_SHARE = np.array([0.4, 0.7])
"""Standard deviation of where a product lies in its picture, half sides: packages are held upright in the middle."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What stands out in one picture.

    Attributes
    ----------
    xy_px : (n, 2) float32
        In the picture as it was looked at.
    centrality : (n,) float32
        1 in the middle, towards 0 at the rim.
    descriptors : (n, NUMBERS) int8
        In units of `STEP`.
    """

    xy_px: Numbers
    centrality: Numbers
    descriptors: Numbers

    def __len__(self) -> int:
        return len(self.xy_px)


def features(picture: ColourPicture) -> Features:
    """Return the features of a picture, strongest first; none for a picture without contrast.

    Parameters
    ----------
    picture : (height, width, 3) uint8
        Red, green, blue.
    """
    seen = looked_at(picture)
    sift = cv2.SIFT.create(nfeatures=MOST_KEYPOINTS, contrastThreshold=CONTRAST)
    keypoints, histograms = sift.detectAndCompute(cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY), None)
    if not keypoints:
        none = np.zeros((0, 2), np.float32)
        return Features(none, none[:, 0], np.zeros((0, NUMBERS), np.int8))
    strongest = np.argsort([-each.response for each in keypoints], kind="stable")[:MOST_KEYPOINTS]
    spots = np.array([(*each.pt, each.size / 2, each.angle) for each in keypoints], np.float32)[strongest]
    shape = _shape(histograms[strongest])
    colour = _colour(seen, spots) * COLOUR_WEIGHT
    whole = np.rint(np.concatenate([shape, colour], axis=1) / STEP)
    half = np.array([seen.shape[1], seen.shape[0]], np.float32) / 2
    off = (spots[:, :2] / half - 1) / CENTRE_SHARE
    centrality = np.exp(-(off**2).sum(axis=1) / 2)
    return Features(spots[:, :2], centrality, np.clip(whole, -127, 127).astype(np.int8))


def looked_at(picture: ColourPicture) -> ColourPicture:
    """Return a picture in the size in which it is looked at."""
    side = float(np.sqrt(picture.shape[0] * picture.shape[1]))
    factor = SIDE_PX / side if side > SIDE_PX else min(max(SMALL_SIDE_PX / side, 1.0), MOST_ENLARGED)
    if factor == 1:
        return np.ascontiguousarray(picture)
    size = (max(round(picture.shape[1] * factor), 8), max(round(picture.shape[0] * factor), 8))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=how), dtype=np.uint8)


@functools.cache
def _low_frequencies() -> Numbers:
    """Return the rows that carry a SIFT histogram over into its low frequencies, (SHAPE_NUMBERS, 128) float32.

    Rows are orthonormal: distances among kept frequencies are distances among histograms smoothed.
    """
    cell = np.arange(4)
    cosine = np.cos(np.pi * (cell + 0.5) * cell[:, None] / 4) / np.sqrt(2)
    cosine[0] /= np.sqrt(2)
    turn = 2 * np.pi * np.arange(8) / 8
    waves = [np.ones(8) / np.sqrt(8)]
    for order in (1, 2, 3):
        waves += [np.cos(order * turn) / 2, np.sin(order * turn) / 2]
    waves.append(np.cos(4 * turn) / np.sqrt(8))
    rows = np.einsum("ai,bj,ck->abcijk", cosine, cosine, np.array(waves)).reshape(128, 128)
    of_direction = np.array([0, 1, 1, 2, 2, 3, 3, 4])
    frequency = (cell[:, None, None] + cell[None, :, None] + of_direction).ravel()
    lowest = np.argsort(frequency, kind="stable")[:SHAPE_NUMBERS]
    return np.ascontiguousarray(rows[lowest], dtype=np.float32)


def _shape(histograms: Numbers) -> Numbers:
    """Return low frequencies of RootSIFT, (n, SHAPE_NUMBERS)."""
    share = histograms / np.maximum(histograms.sum(axis=1, keepdims=True), 1e-6)
    shape: Numbers = np.sqrt(share) @ _low_frequencies().T
    shape[:, 0] -= MEAN_SHAPE
    return shape


def _colour(picture: ColourPicture, spots: Numbers) -> Numbers:
    """Return chromaticities at a keypoint's middle and at its four sides, turned with it, (n, COLOUR_NUMBERS).

    Parameters
    ----------
    spots : (n, 4)
        x, y, scale in px and direction in degrees.
    """
    x, y, scale, degrees = spots.T
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    steps = np.array([(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1)], np.float32)
    reach = 1.5 * scale[:, None]
    at_x = x[:, None] + reach * (steps[:, 0] * cosine[:, None] - steps[:, 1] * sine[:, None])
    at_y = y[:, None] + reach * (steps[:, 0] * sine[:, None] + steps[:, 1] * cosine[:, None])
    level = np.clip(np.rint(np.log2(np.maximum(scale * 0.6, 1))), 0, 5).astype(int)
    smoothed: Numbers = picture.astype(np.float32)
    rgb = np.zeros((*at_x.shape, 3), np.float32)
    for octave in range(6):
        if (mine := level == octave).any():
            here_x, here_y = (np.ascontiguousarray(at[mine] / 2**octave, np.float32) for at in (at_x, at_y))
            rgb[mine] = cv2.remap(smoothed, here_x, here_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        smoothed = cv2.pyrDown(smoothed)
    red, green, blue = np.moveaxis(rgb, -1, 0)
    light = red + green + blue + 30  # 30: so that noise in the dark is no colour
    chromaticity = np.stack([(red - green) / light, 0.6 * (red + green - 2 * blue) / light], axis=-1)
    return chromaticity.reshape(len(spots), COLOUR_NUMBERS)

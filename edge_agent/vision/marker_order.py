"""Which marker hangs where: found from the picture alone, so that swapped or turned ones can be named.

Four middles lie on some homography in whatever order they are taken, so middles alone tell nothing. But each order
predicts how the four squares themselves look; only the true one predicts them square, upright and of one size.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from edge_agent.model import FloatArray
from edge_agent.vision.markers import PLACES, marker_corners_mm

CLEARLY_BETTER = 0.5
"""Another order is believed when it leaves less than this share of the own order's misfit (rule, 2026-12)."""
DRAW = 1.1
"""Misfits within this ratio are a draw."""


@dataclass(frozen=True, slots=True)
class Hanging:
    """Where a marker hangs: at which place, and by how many quarters it is turned clockwise."""

    marker_id: int
    place: int
    quarters: int


def hanging_of(
    corners_px: Mapping[int, FloatArray], width_mm: float, opening_mm: float, marker_mm: float
) -> tuple[Hanging, ...]:
    """Return where each seen marker hangs; each at its own place and upright when nothing explains them better.

    Parameters
    ----------
    corners_px : mapping
        Marker → its corners, (4, 2); three or four markers.
    """
    at = {place: marker_corners_mm(place, width_mm, opening_mm, marker_mm) for place in range(len(PLACES))}
    numbers = sorted(corners_px)
    own, own_misfit = _hung(corners_px, numbers, tuple(numbers), at)
    orders = itertools.permutations(range(len(PLACES)), len(numbers))
    others = [_hung(corners_px, numbers, places, at) for places in orders]
    least = min(misfit for _, misfit in others)
    # A shelf turned by half a turn explains the same picture: of equals the one with the fewest changes, and rather
    # exchanged than turned: who sticks a marker sees which way up it is.
    equals = [found for found, misfit in others if misfit <= DRAW * least]
    if CLEARLY_BETTER * own_misfit <= least:
        equals.insert(0, own)
    return min(
        equals, key=lambda found: sum((each.place != each.marker_id) + 1.01 * (each.quarters != 0) for each in found)
    )


def _hung(
    corners_px: Mapping[int, FloatArray], numbers: list[int], places: tuple[int, ...], at: Mapping[int, FloatArray]
) -> tuple[tuple[Hanging, ...], float]:
    """Return each marker's turn if they hung at these places, and the misfit, px squared; upright wins a draw."""
    front = np.array([at[place].mean(axis=0) for place in places])
    picture = np.array([corners_px[number].mean(axis=0) for number in numbers])
    mapped_by = _through(front, picture)
    if mapped_by is None:
        return (), np.inf
    hanging, total = [], 0.0
    for number, place in zip(numbers, places, strict=True):
        shown = cv2.perspectiveTransform(at[place][None], mapped_by)[0]
        misfits = [float(((np.roll(corners_px[number], turn, axis=0) - shown) ** 2).sum()) for turn in range(4)]
        turned = int(np.argmin(misfits))
        hanging.append(Hanging(number, place, turned))
        total += misfits[turned]
    return tuple(hanging), total


def _through(front: FloatArray, picture: FloatArray) -> FloatArray | None:
    """Return the homography through four middles, or the affine map through three."""
    if len(front) == 3:
        affine = cv2.getAffineTransform(front.astype(np.float32), picture.astype(np.float32))
        through: FloatArray = np.vstack([affine, [0.0, 0.0, 1.0]])
    else:
        through = cv2.getPerspectiveTransform(front.astype(np.float32), picture.astype(np.float32)).astype(np.float64)
        depth = np.column_stack([front, np.ones(len(front))]) @ through[2]
        if depth.min() <= 0 <= depth.max():  # the four would not all lie before the camera
            return None
    return through if np.isfinite(through).all() and abs(np.linalg.det(through)) > 1e-12 else None

"""A marker's corners to a fraction of a pixel: the four sides of its square as lines, crossed.

A corner itself is a few pixels, the first to be rounded by blur; a side is dozens. Across each side the step from
black to white is placed at the middle of its slope, which a symmetric blur does not move; a line is fitted through
those places and neighbouring lines are crossed. On painted scenes this leaves 0.04 px rms where
OpenCV's own refinement of corners leaves 0.42, and 0.11 against 0.81 with twice the blur and noise (20-40 px a side,
2026-12).
"""

import cv2
import numpy as np

from edge_agent.model import FloatArray
from edge_agent.vision.frames import GreyPicture

ENDS = 0.12
"""Of a side at each end that is left out: there the neighbouring side rounds it."""
REACH_CELLS = 0.8
"""How far to each side of an edge it is sought: beyond lie the code's own white cells (2026-12)."""
STEPS_PER_PX = 4
PASSES = 3
"""Each begins where the last one ended, so that the slope lies in the middle of what is looked at."""
FARTHEST_CELLS = 1.2
"""A corner that moves farther was no corner of this square: it stays as it was found."""


def refined_corners(grey: GreyPicture, corners_px: FloatArray, cells: int) -> FloatArray:
    """Return a marker's corners, (4, 2) px, found again from its sides.

    Parameters
    ----------
    corners_px : (4, 2)
        As detected, within a pixel or two, clockwise.
    cells : int
        Along a side, the black border counted.
    """
    cell_px = float(np.linalg.norm(np.roll(corners_px, -1, axis=0) - corners_px, axis=1).min()) / cells
    corners = corners_px
    for _ in range(PASSES):
        lines = [_side(grey, corners[i], corners[(i + 1) % 4], REACH_CELLS * cell_px) for i in range(4)]
        crossed = np.array([_crossing(lines[i - 1], lines[i]) for i in range(4)])
        if not np.isfinite(crossed).all():
            return corners_px
        corners = crossed
    return corners if np.abs(corners - corners_px).max() <= FARTHEST_CELLS * cell_px else corners_px


def _side(grey: GreyPicture, begin: FloatArray, end: FloatArray, reach_px: float) -> tuple[FloatArray, FloatArray]:
    """Return a point and the direction of the line of one side; the square lies to the right of begin → end."""
    along = end - begin
    length = float(np.linalg.norm(along))
    outward = np.array([along[1], -along[0]]) / length
    places = begin + np.linspace(ENDS, 1 - ENDS, max(int(2 * length), 8))[:, None] * along
    offsets = np.linspace(-reach_px, reach_px, 2 * max(int(reach_px * STEPS_PER_PX), 2) + 1)
    at = (places[:, None, :] + offsets[:, None] * outward).astype(np.float32)
    levels = cv2.remap(
        grey.astype(np.float32), at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    slope = np.maximum(np.diff(levels, axis=1), 0.0)
    middles = (offsets[1:] + offsets[:-1]) / 2
    total = slope.sum(axis=1)
    clear = total > 0.3 * np.median(total)
    if np.count_nonzero(clear) < 4:
        return begin, along
    found = places[clear] + ((slope[clear] @ middles) / total[clear])[:, None] * outward
    return _line(found)


def _line(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the line of least squared distances, once more without the points that lie off it."""
    kept = points
    for _ in range(2):
        middle = kept.mean(axis=0)
        direction = np.linalg.svd(kept - middle)[2][0]
        off = np.abs((points - middle) @ np.array([direction[1], -direction[0]]))
        kept = points[off <= max(3 * float(np.median(off)), 0.05)]
        if len(kept) < 4:
            break
    return middle, direction


def _crossing(one: tuple[FloatArray, FloatArray], other: tuple[FloatArray, FloatArray]) -> FloatArray:
    both = np.column_stack([one[1], -other[1]])
    if abs(np.linalg.det(both)) < 1e-6 * float(np.linalg.norm(one[1]) * np.linalg.norm(other[1])):
        return np.full(2, np.nan)
    crossing: FloatArray = one[0] + np.linalg.solve(both, other[0] - one[0])[0] * one[1]
    return crossing

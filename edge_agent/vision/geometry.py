"""Where the shelf is in a camera's picture: one homography of the plane of its front.

The plane is spanned by x, mm from the shelf's left edge along its front, and z, mm above its board; goods stand right
behind it and hands cross it. A homography maps it to the large picture: s·(u, v, 1)ᵀ = H·(x, z, 1)ᵀ (Hartley and
Zisserman 2004, section 2.3). Pixels are counted from the middle of the upper left one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.config.assortment import LaneConfig
from edge_agent.model import FloatArray
from edge_agent.vision.frames import PixelMask

AROUND_MM = 40.0
"""How far around the opening the picture is kept: hands are seen coming, faces are not (2026-12)."""


@dataclass(frozen=True, slots=True, eq=False)
class ShelfView:
    """One shelf's front in one camera's picture.

    Attributes
    ----------
    front_to_px : (3, 3)
        Homography from (x, z) mm to pixels of the large picture.
    width_px, height_px : int
        Of the large picture.
    width_mm, opening_mm : float
        Of the shelf's opening.
    revision : str
        Names the commissioning that it comes from.
    """

    front_to_px: FloatArray
    width_px: int
    height_px: int
    width_mm: float
    opening_mm: float
    revision: str

    def to_px(self, front_mm: FloatArray) -> FloatArray:
        """Return where points of the front, (n, 2) mm, are in the large picture, (n, 2) px."""
        return _mapped(self.front_to_px, front_mm)

    def to_front_mm(self, picture_px: FloatArray) -> FloatArray:
        """Return which points of the front pixels of the large picture show, (n, 2) px to (n, 2) mm."""
        back: FloatArray = np.linalg.inv(self.front_to_px).astype(np.float64)
        return _mapped(back, picture_px)

    def front_of_grid(self, width: int, height: int) -> tuple[FloatArray, FloatArray]:
        """Return x and z, mm, that each pixel of a picture of another size shows, both (height, width)."""
        u = (np.arange(width) + 0.5) * self.width_px / width - 0.5
        v = (np.arange(height) + 0.5) * self.height_px / height - 0.5
        grid = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
        front = self.to_front_mm(grid)
        return front[:, 0].reshape(height, width), front[:, 1].reshape(height, width)

    def kept(self, width: int, height: int, around_mm: float = AROUND_MM) -> PixelMask:
        """Return which pixels of a picture of that size show the opening or what is near around it."""
        x, z = self.front_of_grid(width, height)
        inside: PixelMask = (
            (x >= -around_mm)
            & (x <= self.width_mm + around_mm)
            & (z >= -around_mm)
            & (z <= self.opening_mm + around_mm)
        )
        return inside

    def lane_corners_px(self, lane: LaneConfig) -> FloatArray:
        """Return a lane's corners in the large picture, (4, 2): lower left, lower right, upper right, upper left."""
        return self.to_px(front_rectangle_mm(lane.x_mm, self.opening_mm))


def front_rectangle_mm(x_mm: Sequence[float], opening_mm: float) -> FloatArray:
    """Return the corners of a part of the opening, (4, 2) mm, in the order of `ShelfView.lane_corners_px`."""
    left, right = x_mm
    return np.array([[left, 0.0], [right, 0.0], [right, opening_mm], [left, opening_mm]])


def _mapped(homography: FloatArray, points: FloatArray) -> FloatArray:
    lifted = np.column_stack([points, np.ones(len(points))]) @ homography.T
    mapped: FloatArray = lifted[:, :2] / lifted[:, 2:]
    return mapped

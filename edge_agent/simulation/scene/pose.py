"""Where the camera hangs and what its lens makes of a point: a pinhole in front of the shelf, above and to the side.

Shelf coordinates are x, mm from the left edge along the front, y, mm behind the front (negative before it, where people
are), and z, mm above the board. A projection P (3, 4) maps them to pixels, s·(u, v, 1)ᵀ = P·(x, y, z, 1)ᵀ (Hartley and
Zisserman 2004, section 6.1); its columns for x, z and 1 are the homography of the front's plane.
"""

from dataclasses import dataclass, replace

import numpy as np

from edge_agent.model import FloatArray

FIT_MARGIN = 1.14
"""The picture is so much wider than the front, or higher, in it (2026-12)."""
FIT_STEPS = 12
NEAREST_MM = 150.0
"""What is nearer to the lens, or behind it, is drawn no larger than here."""


@dataclass(frozen=True, slots=True, eq=False)
class ScenePose:
    """A camera before a shelf.

    Attributes
    ----------
    projection : (3, 4)
        Shelf coordinates, mm, to pixels of the picture, counted from the middle of the upper left one.
    width_px, height_px : int
        Of the picture.
    eye_mm : (3,)
        Where the camera hangs.
    """

    projection: FloatArray
    width_px: int
    height_px: int
    eye_mm: FloatArray

    @classmethod
    def before(
        cls,
        width_mm: float,
        opening_mm: float,
        *,
        down_deg: float = 30.0,
        side_deg: float = 15.0,
        roll_deg: float = 1.0,
        view_deg: float = 66.0,
        distance_mm: float | None = None,
        width_px: int = 1280,
        height_px: int = 960,
    ) -> "ScenePose":
        """Hang a camera so that a shelf's opening is in the middle of its picture.

        Parameters
        ----------
        width_mm, opening_mm : float
            Of the shelf's opening.
        down_deg, side_deg, roll_deg : float
            How far down it looks, from how far right of the middle, and how crooked it hangs.
        view_deg : float
            How wide its lens sees.
        distance_mm : float, optional
            From the opening; where None, so far that the whole front is in view.
        width_px, height_px : int
            Of the picture.
        """
        middle = np.array([width_mm / 2, 0.0, opening_mm / 2])
        down, side, roll = np.radians([down_deg, side_deg, roll_deg])
        ahead = np.array([-np.sin(side) * np.cos(down), np.cos(side) * np.cos(down), -np.sin(down)])
        focal_px = width_px / 2 / np.tan(np.radians(view_deg) / 2)
        right = np.cross(ahead, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        below = np.cross(ahead, right)
        axes = np.stack(
            [np.cos(roll) * right + np.sin(roll) * below, np.cos(roll) * below - np.sin(roll) * right, ahead]
        )
        lens = np.array([[focal_px, 0.0, (width_px - 1) / 2], [0.0, focal_px, (height_px - 1) / 2], [0.0, 0.0, 1.0]])
        corners = np.array([[x, 0.0, z] for x in (0.0, width_mm) for z in (0.0, opening_mm)])
        half = np.array([width_px, height_px]) / 2 / focal_px
        away_mm = distance_mm or width_mm
        eye = middle - away_mm * ahead
        for _ in range(FIT_STEPS):
            seen = (corners - eye) @ axes.T
            slopes = seen[:, :2] / seen[:, 2:]
            eye = eye + away_mm * (slopes.max(axis=0) + slopes.min(axis=0)) / 2 @ axes[:2]
            if distance_mm is None:
                nearer = float((np.ptp(slopes, axis=0) / 2 / half).max()) * FIT_MARGIN
                eye = eye + (1 - nearer) * away_mm * ahead
                away_mm *= nearer
        projection = lens @ np.column_stack([axes, -axes @ eye])
        return cls(projection, width_px, height_px, eye)

    @property
    def front_to_px(self) -> FloatArray:
        """Return the homography from (x, z) mm of the front to pixels, (3, 3)."""
        return np.ascontiguousarray(self.projection[:, [0, 2, 3]])

    def to_px(self, points_mm: FloatArray) -> FloatArray:
        """Return where points, (n, 3) mm, are in the picture, (n, 2) px."""
        seen = points_mm @ self.projection[:, :3].T + self.projection[:, 3]
        pixels: FloatArray = seen[:, :2] / np.maximum(seen[:, 2:], 1.0)
        return pixels

    def px_per_mm(self, points_mm: FloatArray) -> FloatArray:
        """Return how large a millimetre across the line of sight is at points, (n, 3) mm to (n,) px."""
        away_mm = np.maximum(points_mm @ self.projection[2, :3] + self.projection[2, 3], NEAREST_MM)
        focal_px = np.linalg.norm(self.projection[0, :3] - self.projection[2, :3] * (self.width_px - 1) / 2)
        scale: FloatArray = focal_px / away_mm
        return scale

    def upright_to_px(self, y_mm: float) -> FloatArray:
        """Return the homography from (x, z) mm of an upright plane ``y_mm`` behind the front, (3, 3)."""
        columns = self.projection[:, [0, 2, 3]].copy()
        columns[:, 2] += y_mm * self.projection[:, 1]
        return columns

    def seen_on_front(self, points_mm: FloatArray) -> FloatArray:
        """Return before which places of the front, (n, 2) mm x and z, points (n, 3) mm appear to the camera."""
        away = self.eye_mm - points_mm
        along = points_mm[:, 1] / -away[:, 1]
        crossing = points_mm + along[:, None] * away
        places: FloatArray = crossing[:, [0, 2]]
        return places

    def resized(self, width_px: int, height_px: int) -> "ScenePose":
        """Return the same camera with a picture of another size."""
        across, down = width_px / self.width_px, height_px / self.height_px
        scaled = np.array([[across, 0.0, across / 2 - 0.5], [0.0, down, down / 2 - 0.5], [0.0, 0.0, 1.0]])
        return replace(self, projection=scaled @ self.projection, width_px=width_px, height_px=height_px)

    def turned(self, right_px: float, down_px: float, roll_deg: float = 0.0) -> "ScenePose":
        """Return the camera turned a little, so that its picture shifts by pixels and turns about its middle."""
        turn = np.radians(roll_deg)
        u, v = (self.width_px - 1) / 2, (self.height_px - 1) / 2
        c, s = np.cos(turn), np.sin(turn)
        shift = np.array([[c, -s, u - c * u + s * v + right_px], [s, c, v - s * u - c * v + down_px], [0.0, 0.0, 1.0]])
        return replace(self, projection=shift @ self.projection)

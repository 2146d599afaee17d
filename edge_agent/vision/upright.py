"""The front as if seen straight on: goods upright, and how deep their foot stands behind it.

Seen through the camera's eye E = (e_x, −D, e_z), a point (x, y, z) behind the front appears before the front's place
E + t·(point − E), t = D / (D + y). Uprights stay upright there, and a foot on the board (z = 0) appears at height
e_z·(1 − t): the height of a foot tells its depth, and the depth its true x.

The homography alone has E in it: with H = K·[r₁ r₃ t] and a lens K whose middle is the picture's and whose pixels are
square, r₁·r₃ = 0 gives the focal length, and E = −Rᵀt (Hartley and Zisserman 2004, section 8.8; Zhang 2000).
"""

import cv2
import numpy as np

from edge_agent.model import FloatArray
from edge_agent.vision.frames import PixelMask
from edge_agent.vision.geometry import AROUND_MM, ShelfView
from edge_agent.vision.structure import RealPicture

MM_PER_PX = 3.0
USUAL_VIEW_RAD = 1.15
"""How wide a lens sees (66 degrees: a Camera Module 3) where the homography does not tell, looking straight on."""
VIEW_RANGE_RAD = (0.5, 2.1)


def eye_mm(view: ShelfView) -> FloatArray:
    """Return where the camera's eye is, (3,) mm: x, y (negative before the front) and z."""
    middle = np.array([[1, 0, -(view.width_px - 1) / 2], [0, 1, -(view.height_px - 1) / 2], [0, 0, 1]])
    centred = middle @ view.front_to_px
    along, up = centred[:, 0], centred[:, 1]
    focal = view.width_px / 2 / np.tan(USUAL_VIEW_RAD / 2)
    bottom = along[2] * up[2]
    if abs(bottom) > 1e-12:
        square = -(along[0] * up[0] + along[1] * up[1]) / bottom
        limits = [view.width_px / 2 / np.tan(each / 2) for each in VIEW_RANGE_RAD]
        if square > 0 and limits[1] <= square**0.5 <= limits[0]:
            focal = square**0.5
    scaled = np.diag([1 / focal, 1 / focal, 1.0]) @ centred
    scaled /= (np.linalg.norm(scaled[:, 0]) * np.linalg.norm(scaled[:, 1])) ** 0.5
    if scaled[2] @ np.array([view.width_mm / 2, view.opening_mm / 2, 1.0]) < 0:
        scaled = -scaled
    first, third = scaled[:, 0], scaled[:, 1]
    turn = np.column_stack([first, np.cross(third, first), third])
    left, _, right = np.linalg.svd(turn)
    eye: FloatArray = -(left @ right).T @ scaled[:, 2]
    return eye if eye[1] < 0 else eye * np.array([1.0, -1.0, 1.0])


class UprightFront:
    """The front, `MM_PER_PX` a pixel, its first row `AROUND_MM` below the board.

    Parameters
    ----------
    view : ShelfView
    kept : (height, width) bool
        What the mask keeps of the small picture.
    """

    def __init__(self, view: ShelfView, kept: PixelMask) -> None:
        self.eye_mm = eye_mm(view)
        self.x_mm: FloatArray = np.arange(-AROUND_MM, view.width_mm + AROUND_MM, MM_PER_PX) + MM_PER_PX / 2
        self.z_mm: FloatArray = np.arange(-AROUND_MM, view.opening_mm + AROUND_MM, MM_PER_PX) + MM_PER_PX / 2
        rows, columns = kept.shape
        grid = np.stack(np.meshgrid(self.x_mm, self.z_mm), axis=-1).reshape(-1, 2)
        seen = view.to_px(grid).astype(np.float32).reshape(len(self.z_mm), len(self.x_mm), 2)
        self._u = (seen[..., 0] + 0.5) * np.float32(columns / view.width_px) - np.float32(0.5)
        self._v = (seen[..., 1] + 0.5) * np.float32(rows / view.height_px) - np.float32(0.5)
        self.kept: PixelMask = self.of(kept.astype(np.float32)) > 0.99

    def of(self, picture: RealPicture) -> RealPicture:
        """Return the front of a small picture, (rows from below, columns) float32."""
        front = cv2.remap(picture, self._u, self._v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return np.asarray(front, dtype=np.float32)

    def depth_mm(self, foot_z_mm: float) -> float:
        """Return how far behind the front something stands whose foot appears at this height."""
        height, away = float(self.eye_mm[2]), -float(self.eye_mm[1])
        if height < 50.0:  # an eye at the board's height sees no depth
            return 0.0
        shown = 1.0 - min(max(foot_z_mm, 0.0), 0.8 * height) / height
        return away / shown - away

    def depth_by_top_mm(self, top_z_mm: float, height_mm: float) -> float:
        """Return how far behind the front something of this height stands whose top appears at ``top_z_mm``."""
        eye_z, away = float(self.eye_mm[2]), -float(self.eye_mm[1])
        if eye_z < height_mm + 50.0:
            return 0.0
        shown = min(max((eye_z - top_z_mm) / (eye_z - height_mm), 0.2), 1.0)
        return away / shown - away

    def true_x_mm(self, x_mm: float, depth_mm: float) -> float:
        """Return where along the shelf something is that appears at ``x_mm`` and is so deep behind the front."""
        eye_x_mm, away_mm = float(self.eye_mm[0]), -float(self.eye_mm[1])
        return eye_x_mm + (x_mm - eye_x_mm) * (1.0 + depth_mm / away_mm)

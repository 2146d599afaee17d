"""What crosses the shelf's front in one frame: pieces of foreground that come in from the region's edge.

Arms come from outside; goods that were moved inside do not. A piece that touches the rim of what the mask keeps is one
arm for every separate stretch of rim that it touches, and the arm's tip is what lies deepest: farthest from that
stretch. Where two arms meet inside, their piece is divided between their two stretches.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from edge_agent.model import IntArray
from edge_agent.vision.backdrop import HALF
from edge_agent.vision.frames import GreyPicture, PixelMask
from edge_agent.vision.geometry import AROUND_MM, ShelfView

RIM_MM = 16.0
"""Width of the rim, from the border of what the mask keeps: goods at the opening must not reach it (rule, 2026-12)."""
LEAST_ARM_MM2 = 2500.0
"""Smaller pieces are no hand: fingers seen to the knuckles have more (rule, 2026-12)."""
LEAST_STRETCH_MM = 25.0
"""An arm crosses the rim over at least this, half a wrist (rule, 2026-12)."""
JOIN_PX = 9
"""Gaps up to this, half-size pixels, are skin before something as bright: some 50 mm (rule, 2026-12)."""
APART_PX = 17
"""A piece's stretches of rim nearer to each other than this, some 100 mm, are one arm's: what it carries has its own
edge (rule, 2026-12)."""
WIDEST_RIM_MM = 300.0
WIDEST_ARM_MM = 190.0
"""What crosses the rim over more than the first, or is wider than the second on the whole, is a body: an arm with a
package in its hand is 130 mm wide (rule, 2026-12)."""
CROSSING_MM2 = 600.0
"""An arm of which more than this is before the opening crosses the front: two fingers' ends (rule, 2026-12)."""
TIP_SHARE = 0.06
"""The tip is the mean of the deepest pixels, this share of the piece."""
BODY_SHARE = 0.45
"""What covers more of the front is a body before it, and hands cannot be told (rule, 2026-12)."""


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """One arm in one frame.

    Attributes
    ----------
    x_mm, z_mm : float
        Where on the front its tip is seen.
    depth_mm : float
        How far the tip is from where the arm comes in.
    enters_x_mm, enters_z_mm : float
        Where it comes in.
    crossing : bool
        Whether it reaches before the opening.
    width_mm : float
        Length of the stretch of rim that it crosses.
    wide : bool
        Whether it is too wide for one arm: a body, or hands that meet.
    """

    x_mm: float
    z_mm: float
    depth_mm: float
    enters_x_mm: float
    enters_z_mm: float
    crossing: bool
    width_mm: float
    wide: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class FrontScene:
    """What one frame shows before the backdrop.

    Attributes
    ----------
    arms : tuple of Arm
    inside : (half height, half width) bool
        Foreground that does not touch the rim.
    arms_mask : (half height, half width) bool
        Foreground of arms and bodies.
    covered_share : float
        Of the opening, by foreground of any kind.
    body : bool
        Whether so much is covered that hands cannot be told.
    """

    arms: tuple[Arm, ...]
    inside: PixelMask
    arms_mask: PixelMask
    covered_share: float
    body: bool


class ArmFinder:
    """Finds arms in foreground of half size.

    Parameters
    ----------
    view : ShelfView
    kept_half : (half height, half width) bool
        What the mask keeps.
    """

    def __init__(self, view: ShelfView, kept_half: PixelMask) -> None:
        rows, columns = kept_half.shape
        self._opening_mm = view.opening_mm
        x_mm, z_mm = view.front_of_grid(columns, rows)
        self._x_mm, self._z_mm = x_mm.astype(np.float32), z_mm.astype(np.float32)
        self.opening: PixelMask = (x_mm >= 0) & (x_mm <= view.width_mm) & (z_mm >= 0) & (z_mm <= view.opening_mm)
        self._opening_px = max(int(self.opening.sum()), 1)
        # Millimetres of the front that one pixel shows, by the differences to its neighbours.
        self._px_mm2 = np.abs(
            np.gradient(x_mm, axis=1) * np.gradient(z_mm, axis=0)
            - np.gradient(x_mm, axis=0) * np.gradient(z_mm, axis=1)
        ).astype(np.float32)
        kept = kept_half.astype(np.uint8)
        # The mask's border, and the picture's where it cuts the shelf.
        within = cv2.erode(kept, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
        far = AROUND_MM - RIM_MM
        outside = (x_mm < -far) | (x_mm > view.width_mm + far) | (z_mm < -far) | (z_mm > view.opening_mm + far)
        self._rim: PixelMask = kept_half & (outside | (within == 0))
        self._half_shape = (rows, columns)

    def find(self, foreground: GreyPicture) -> FrontScene:
        """Return the arms in foreground, (half height, half width) of 0 and 1."""
        joined = cv2.morphologyEx(foreground, cv2.MORPH_CLOSE, np.ones((JOIN_PX, JOIN_PX), np.uint8))
        outlines, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(joined, outlines, -1, color=(1,), thickness=cv2.FILLED)
        _, numbered = cv2.connectedComponents(joined, connectivity=8)
        label: IntArray = np.asarray(numbered, dtype=np.int32)
        touching = np.unique(label[self._rim & (joined > 0)])
        arms_mask: PixelMask = np.isin(label, touching) & (joined > 0)
        inside: PixelMask = (joined > 0) & ~arms_mask
        covered = np.count_nonzero(joined[self.opening]) / self._opening_px
        arms, wide = self._arms(arms_mask, label) if touching.size else ((), False)
        return FrontScene(arms, inside, arms_mask, float(covered), bool(wide or covered > BODY_SHARE))

    def _arms(self, arms_mask: PixelMask, label: IntArray) -> tuple[tuple[Arm, ...], bool]:
        """Return one arm for every stretch of rim of every piece, and whether one is too wide for an arm."""
        arms = [
            arm for piece in np.unique(label[arms_mask]).tolist() for arm in self._arms_of(arms_mask & (label == piece))
        ]
        return tuple(arms), any(arm.wide for arm in arms)

    def _arms_of(self, piece: PixelMask) -> list[Arm]:
        area = self._px_mm2[piece]
        if float(area.sum()) < LEAST_ARM_MM2:
            return []
        stretches = self._stretches(piece & self._rim)
        if not stretches:
            return []
        x, z, inside = self._x_mm[piece], self._z_mm[piece], self.opening[piece]
        far = np.stack([np.hypot(x - enters_x, z - enters_z) for enters_x, enters_z, _ in stretches])
        nearest = far.argmin(axis=0)
        arms = []
        for index, (enters_x, enters_z, length) in enumerate(stretches):
            own = nearest == index
            area_mm2 = float(area[own].sum())
            if area_mm2 < LEAST_ARM_MM2:
                continue
            depth = far[index][own]
            wide = length > WIDEST_RIM_MM or area_mm2 > WIDEST_ARM_MM * max(float(depth.max()), WIDEST_ARM_MM / 2)
            tip = depth >= np.quantile(depth, 1.0 - TIP_SHARE)
            tip_x, tip_z = float(x[own][tip].mean()), float(z[own][tip].mean())
            crossing = float((area * inside)[own].sum()) >= CROSSING_MM2
            arms.append(Arm(tip_x, tip_z, float(depth[tip].mean()), enters_x, enters_z, crossing, length, wide=wide))
        return arms

    def _stretches(self, rim: PixelMask) -> list[tuple[float, float, float]]:
        """Return (x, z, length), mm, of each stretch of rim that a piece touches.

        What is lifted out touches the rim above, too: that stretch is no arm's where another one is.
        """
        near = cv2.dilate(rim.astype(np.uint8), np.ones((APART_PX, APART_PX), np.uint8))
        count, number = cv2.connectedComponents(near, connectivity=8)
        of_rim, x, z = number[rim], self._x_mm[rim], self._z_mm[rim]
        found = []
        for each in range(1, count):
            own = of_rim == each
            length = float(np.hypot(np.ptp(x[own]), np.ptp(z[own])))
            if length >= LEAST_STRETCH_MM:
                found.append((float(x[own].mean()), float(z[own].mean()), length))
        below = [each for each in found if each[1] <= self._opening_mm]
        return below or found


def half_of(kept: PixelMask) -> PixelMask:
    """Return which pixels of half size are kept: those all of whose pixels are."""
    rows, columns = kept.shape[0] // HALF, kept.shape[1] // HALF
    cut = kept[: rows * HALF, : columns * HALF].reshape(rows, HALF, columns, HALF)
    return np.asarray(cut.min(axis=(1, 3)), dtype=np.bool_)

"""What crosses the shelf's front in one frame: pieces of foreground that come in from the region's edge.

Arms come from outside; goods that were moved inside do not. A piece that touches the rim of what the mask keeps is one
arm for every separate stretch of rim that it touches, and the arm's tip is what lies deepest: farthest from that
stretch. Where two arms meet inside, their piece is divided between their two stretches.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from edge_agent.vision.backdrop import HALF
from edge_agent.vision.frames import GreyPicture, PixelMask
from edge_agent.vision.geometry import AROUND_MM, ShelfView

RIM_MM = 16.0
"""Width of the rim, from the border of what the mask keeps: goods at the opening must not reach it (rule, 2026-12)."""
LEAST_ARM_MM2 = 2500.0
"""Smaller pieces are no hand: fingers seen to the knuckles have more (rule, 2026-12)."""
LEAST_STRETCH_MM = 25.0
"""An arm crosses the rim over at least this, half a wrist (rule, 2026-12)."""
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
        Whether the tip is inside the opening.
    width_mm : float
        Length of the stretch of rim that it crosses.
    piece : int
        Arms of one piece touch each other.
    """

    x_mm: float
    z_mm: float
    depth_mm: float
    enters_x_mm: float
    enters_z_mm: float
    crossing: bool
    width_mm: float
    piece: int


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
        self._width_mm, self._opening_mm = view.width_mm, view.opening_mm
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
        count, label, stats, _ = cv2.connectedComponentsWithStats(foreground, connectivity=8)
        covered = np.count_nonzero(foreground[self.opening]) / self._opening_px
        inside, arms_mask = np.zeros(self._half_shape, np.bool_), np.zeros(self._half_shape, np.bool_)
        arms: list[Arm] = []
        body = covered > BODY_SHARE
        for piece in range(1, count):
            left, top, width, height = (int(each) for each in stats[piece, :4])
            box = np.s_[top : top + height, left : left + width]
            here = label[box] == piece
            rim = here & self._rim[box]
            stretches = self._stretches(rim, box) if rim.any() else []
            if not stretches:
                inside[box] |= here
                continue
            arms_mask[box] |= here
            if float(self._px_mm2[box][here].sum()) < LEAST_ARM_MM2:
                continue
            if np.count_nonzero(here & self.opening[box]) > BODY_SHARE * self._opening_px:
                body = True
                continue
            arms += self._arms_of(here, stretches, box, piece)
        return FrontScene(tuple(arms), inside, arms_mask, float(covered), body)

    def _stretches(self, rim: PixelMask, box: tuple[slice, slice]) -> list[tuple[float, float, float]]:
        """Return (x mm, z mm, length mm) of each stretch of rim that a piece touches."""
        joined = cv2.dilate(rim.astype(np.uint8), np.ones((5, 5), np.uint8))
        count, label = cv2.connectedComponents(joined, connectivity=8)
        found = []
        for stretch in range(1, count):
            here = rim & (label == stretch)
            x, z = self._x_mm[box][here], self._z_mm[box][here]
            length = float(np.hypot(np.ptp(x), np.ptp(z)))
            if length >= LEAST_STRETCH_MM:
                found.append((float(x.mean()), float(z.mean()), length))
        return found

    def _arms_of(
        self, here: PixelMask, stretches: list[tuple[float, float, float]], box: tuple[slice, slice], piece: int
    ) -> list[Arm]:
        x, z = self._x_mm[box][here], self._z_mm[box][here]
        far = np.stack([np.hypot(x - enters_x, z - enters_z) for enters_x, enters_z, _ in stretches])
        nearest = far.argmin(axis=0)
        arms = []
        for index, (enters_x, enters_z, length) in enumerate(stretches):
            own = nearest == index
            if np.count_nonzero(own) < 8:
                continue
            depth = far[index][own]
            deepest = depth >= np.quantile(depth, 1.0 - TIP_SHARE)
            tip_x, tip_z = float(x[own][deepest].mean()), float(z[own][deepest].mean())
            arms.append(
                Arm(
                    tip_x,
                    tip_z,
                    float(depth[deepest].mean()),
                    enters_x,
                    enters_z,
                    self._is_inside(tip_x, tip_z),
                    length,
                    piece,
                )
            )
        return arms

    def _is_inside(self, x_mm: float, z_mm: float) -> bool:
        return 0.0 <= x_mm <= self._width_mm and 0.0 <= z_mm <= self._opening_mm


def half_of(kept: PixelMask) -> PixelMask:
    """Return which pixels of half size are kept: those all of whose pixels are."""
    rows, columns = kept.shape[0] // HALF, kept.shape[1] // HALF
    cut = kept[: rows * HALF, : columns * HALF].reshape(rows, HALF, columns, HALF)
    return np.asarray(cut.min(axis=(1, 3)), dtype=np.bool_)

"""The shelf's front before and after, nothing in the way of either: which lanes changed, to fewer or to more.

Both pictures are laid out upright (upright.py) and compared by structure, so that light and shadow drop out. What
changed falls into columns; the lowest change of a column is the foot of the foremost thing that came or went, and its
height tells how deep and so at which true x it stood: goods deep in a lane appear before its neighbour to an eye that looks
from the side. Two scores a lane come of it: the *width* that changed, mm, and the *lean*, how much more structure the
lower half of it had after than before: a bare board has little, packages have much.

What the scores say is a likelihood under "nothing changed", "fewer" and "more" of this lane, as counted on rendered
scenes (change_calibration.py), never more certain than that count.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge_agent.config.assortment import LaneConfig
from edge_agent.model import LANE_CHANGES, FloatArray
from edge_agent.vision.change_calibration import lane_nats
from edge_agent.vision.frames import GreyPicture, PixelMask
from edge_agent.vision.geometry import ShelfView
from edge_agent.vision.structure import RealPicture, averaged, compare, opened
from edge_agent.vision.upright import MM_PER_PX, UprightFront

WINDOW_PX = 5
"""Side of the window of structure on the upright front: 25 mm (rule, 2026-12)."""
LEAST_PATCH_MM2 = 500.0
"""Smaller changes are swaying labels and outlines (rule, 2026-12)."""
AVERAGED_NOISE = 0.5
"""Noise of what is compared, over that of one half-size pixel: both are means of several frames."""
FOOT_SHARE = 0.15
"""The lowest tenth or so of a patch's columns is its foot."""
NEVER_SEEN_SHARE = 0.7
"""A lane of which less of the front is kept is not spoken of."""


@dataclass(frozen=True, slots=True, eq=False)
class LaneScores:
    """What changed, per lane.

    Attributes
    ----------
    changed_mm : (lanes,)
        Width of the lane's part that changed.
    lean : (lanes,)
        ln of structure after over before in the lower half of what changed; positive for more.
    extent_mm : (lanes,)
        Height of what changed.
    patches : tuple of Patch
    """

    changed_mm: FloatArray
    lean: FloatArray
    extent_mm: FloatArray
    patches: "tuple[Patch, ...]"


@dataclass(frozen=True, slots=True)
class Patch:
    """One connected change of the front, as it appears there, mm."""

    left_mm: float
    right_mm: float
    bottom_mm: float
    top_mm: float
    x_mm: float
    """Where along the shelf it truly is."""
    lean: float


class FrontChange:
    """Compares the front of one shelf.

    Parameters
    ----------
    view : ShelfView
    lanes : sequence of LaneConfig
        Of this shelf.
    kept_half : (half height, half width) bool
    """

    def __init__(self, view: ShelfView, lanes: Sequence[LaneConfig], kept_half: PixelMask) -> None:
        self._front = UprightFront(view, kept_half)
        self._lanes = tuple(lanes)
        self._edges: FloatArray = np.array([lane.x_mm for lane in lanes], dtype=np.float64).reshape(-1, 2)
        inside = (self._front.z_mm >= 0) & (self._front.z_mm <= view.opening_mm)
        seen = self._front.kept[inside].mean(axis=0)
        self.visible = tuple(
            bool(seen[(self._front.x_mm >= left) & (self._front.x_mm <= right)].mean() >= NEVER_SEEN_SHARE)
            for left, right in self._edges
        )

    @property
    def lane_ids(self) -> tuple[str, ...]:
        """Return the lanes that can be spoken of."""
        return tuple(lane.lane_id for lane, seen in zip(self._lanes, self.visible, strict=True) if seen)

    def scores(self, before: RealPicture, after: RealPicture, noise_grey: float) -> LaneScores:
        """Return what changed between two pictures of half size without anybody in them."""
        first, second = self._front.of(before), self._front.of(after)
        compared = compare(second, first, self._front.kept, WINDOW_PX)
        changed = opened(compared.is_something(AVERAGED_NOISE * noise_grey), self._front.kept)
        gain = compared.expected / np.maximum(averaged(first, WINDOW_PX), 1.0)
        noise = noise_grey**2
        lean: RealPicture = np.log(
            (compared.picture_variance + noise) / (compared.backdrop_variance * gain * gain + noise)
        )
        lanes = len(self._lanes)
        width, leaning, extent = np.zeros(lanes), np.zeros(lanes), np.zeros(lanes)
        count, label, stats, _ = cv2.connectedComponentsWithStats(changed, connectivity=8)
        patches = [
            self._weigh(label == each, lean, width, leaning, extent)
            for each in range(1, count)
            if stats[each, cv2.CC_STAT_AREA] * MM_PER_PX**2 >= LEAST_PATCH_MM2
        ]
        with np.errstate(invalid="ignore"):
            mean_lean = np.where(width > 0, leaning / np.maximum(width, 1e-9), 0.0)
        return LaneScores(width, mean_lean, extent, tuple(patches))

    def log_likelihood(self, scores: LaneScores, weight: float = 1.0) -> FloatArray:
        """Return (visible lanes, 9) nats over `LANE_CHANGES`, tempered by how much the frames are to be believed."""
        each = np.array(
            [
                lane_nats(
                    float(scores.changed_mm[i] / (right - left)), float(scores.lean[i]), float(scores.extent_mm[i])
                )
                for i, (left, right) in enumerate(self._edges)
                if self.visible[i]
            ]
        ).reshape(-1, len(LANE_CHANGES))
        tempered: FloatArray = weight * each
        return tempered

    def _weigh(
        self, here: PixelMask, lean: RealPicture, width: FloatArray, leaning: FloatArray, extent: FloatArray
    ) -> Patch:
        """Add a patch's columns to the lanes that they truly belong to."""
        columns = np.flatnonzero(here.any(axis=0))
        part = here[:, columns]
        low = part.argmax(axis=0)
        high = part.shape[0] - 1 - part[::-1].argmax(axis=0)
        half = WINDOW_PX // 2
        foot_row = float(np.quantile(low, FOOT_SHARE)) + half
        own_foot = np.where(low - foot_row < 8, foot_row, low)  # a column far above the others stands farther back
        depth = self._front.depth_mm(self._front.z_mm[0] + MM_PER_PX * own_foot)
        true_x = self._front.true_x_mm(self._front.x_mm[columns], depth)
        rows = np.arange(part.shape[0])[:, None]
        lower = part & (rows <= (low + high)[None, :] / 2)
        column_lean = (lean[:, columns] * lower).sum(axis=0) / np.maximum(lower.sum(axis=0), 1)
        for lane, (left, right) in enumerate(self._edges):
            own = (true_x >= left) & (true_x < right)
            if own.any():
                share_mm = MM_PER_PX * float(np.count_nonzero(own))
                width[lane] += share_mm
                leaning[lane] += share_mm * float(column_lean[own].mean())
                extent[lane] = max(extent[lane], MM_PER_PX * float(np.median((high - low)[own]) + 1))
        z0 = float(self._front.z_mm[0])
        return Patch(
            float(self._front.x_mm[columns[0]]),
            float(self._front.x_mm[columns[-1]]),
            z0 + MM_PER_PX * float(low.min()),
            z0 + MM_PER_PX * float(high.max()),
            float(np.median(true_x)),
            float(column_lean.mean()),
        )


def mean_picture(pictures: Sequence[RealPicture]) -> RealPicture:
    """Return the mean of pictures of one size."""
    mean: RealPicture = np.mean(np.stack(pictures), axis=0, dtype=np.float32)
    return mean


def grey_front(picture: RealPicture) -> GreyPicture:
    """Return a picture as bytes, for a landmark or a crop."""
    return np.clip(picture, 0, 255).astype(np.uint8)

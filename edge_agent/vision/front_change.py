"""The shelf's front before and after, nothing in the way of either: which lanes changed, to fewer or to more.

Both pictures are laid out upright (upright.py) and compared by structure, so that light and shadow drop out. What
changed falls into patches. The lowest edge of a patch is the foot of the foremost thing that came or went, and its
height tells how deep and so at which true x it stood; its edge on the side away from the eye is its front's, the other
one its back's, for the eye sees a package's side. A lane's *share* of a patch is its part of the patch's middle half.

What share, size and *lean* (how much more structure there is right above its foot after than before: a bare board has
little, packages have much) say is a likelihood under "nothing changed", "fewer" and "more" of a lane, as counted on
rendered scenes (change_calibration.py), never more certain than that count.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.config.assortment import LaneConfig
from edge_agent.model import LANE_CHANGES, FloatArray
from edge_agent.vision.change_calibration import lane_nats
from edge_agent.vision.frames import GreyPicture, PixelMask
from edge_agent.vision.geometry import ShelfView
from edge_agent.vision.package_heights import PackageHeights
from edge_agent.vision.structure import RealPicture, averaged, compare, opened
from edge_agent.vision.upright import MM_PER_PX, UprightFront

WINDOW_PX = 7
"""Side of the window of structure on the upright front: 21 mm (rule, 2026-12)."""
LEAST_SHARE = 0.05
"""What lens and sensor leave of a window's structure unexplained, over its mean (rule, 2026-12)."""
LEAST_PATCH_MM2 = 500.0
"""Smaller changes are swaying labels and outlines (rule, 2026-12)."""
AVERAGED_NOISE = 0.5
"""Noise of what is compared, over that of one half-size pixel: both are means of several frames."""
FOOT_SHARE = 0.2
"""The lowest fifth of a patch's columns is its foot: goods before it hide the rest (rule, 2026-12)."""
LEAST_COLUMN_MM = 12.0
"""Columns of a patch with less in them are its outline."""
LOWER_MM = 45.0
"""Above the foot of a patch: where a package was, the board is seen now, before the next one's foot (rule, 2026-12)."""
PACKAGE_DEPTH_MM = 60.0
"""Of a package whose side is seen (31 pictures of packages, 2026-12)."""
HIDDEN_BELOW_MM = 80.0
"""No package is so low: the foot of a lower patch is hidden by goods before it, and its top tells its depth."""
USUAL_HEIGHT_MM = 190.0
"""Of a package whose foot is hidden (31 pictures of packages at 60 mm width, 2026-12)."""
HIGH_FOOT_MM, HIGH_FOOT_SHARE = 100.0, 0.4
"""A foot that appears higher than this may be hidden: the patch counts as so much smaller (of 36 such patches 15 were
misplaced by over 20 mm, of 164 others 5; rendered seeds 1-10, 2026-12)."""
BELOW_BOARD_MM = -25.0
"""Goods stand on the board; what reaches farther below it is an arm that was taken for a part of the front."""
MAYBE_HIDDEN_MM = 80.0
"""A foot that appears higher than this may be hidden by goods before it, and is checked by the top."""
SEEN_IN_FULL_MM2 = 6000.0
"""A patch of this size with a foot below that is a package seen in full (rule, 2026-12)."""
ONE_PACKAGE = 1.5
"""A patch wider than so many lanes is of several packages beside each other (rule, 2026-12)."""
SAME_COLUMNS = 0.5
"""Patches one above the other are of one thing when they share this much of the narrower one's width."""
NEVER_SEEN_SHARE = 0.7
"""A lane of which less of the front is kept is not spoken of."""


@dataclass(frozen=True, slots=True)
class Patch:
    """One connected change of the front.

    Attributes
    ----------
    left_mm, right_mm, bottom_mm, top_mm : float
        Where it appears on the front.
    x_mm, width_mm, depth_mm : float
        Where along the shelf its middle truly is, how wide it is, how deep its foot stands behind the front.
    area_mm2 : float
        Of the front as it appears.
    lean : float
        ln of structure after over before right above its foot; positive for more.
    """

    left_mm: float
    right_mm: float
    bottom_mm: float
    top_mm: float
    x_mm: float
    width_mm: float
    depth_mm: float
    area_mm2: float
    lean: float


@dataclass(frozen=True, slots=True, eq=False)
class LaneScores:
    """What changed, per lane.

    Attributes
    ----------
    share : (lanes,)
        Of the patches that are a lane's, the largest one's share.
    clear_mm2, lean, extent_mm : (lanes,)
        Of that patch: area, discounted where its foot is likely hidden; lean; height.
    patches : tuple of Patch
    """

    share: FloatArray
    clear_mm2: FloatArray
    lean: FloatArray
    extent_mm: FloatArray
    patches: tuple[Patch, ...]

    def by_lane(self) -> dict[str, FloatArray]:
        """Return the scores that a calibration is fitted on."""
        return {"share": self.share, "clear_mm2": self.clear_mm2, "lean": self.lean, "extent_mm": self.extent_mm}


class FrontChange:
    """Compares the front of one shelf.

    Parameters
    ----------
    view : ShelfView
    lanes : sequence of LaneConfig
        Of this shelf.
    kept : (height, width) bool
        What the mask keeps of the small picture.
    """

    def __init__(self, view: ShelfView, lanes: Sequence[LaneConfig], kept: PixelMask) -> None:
        self._front = UprightFront(view, kept)
        self._lanes = tuple(lanes)
        self._edges: FloatArray = np.array([lane.x_mm for lane in lanes], dtype=np.float64).reshape(-1, 2)
        self._heights = PackageHeights(self._front, self._edges)
        inside = (self._front.z_mm >= 0) & (self._front.z_mm <= view.opening_mm)
        seen = self._front.kept[inside].mean(axis=0)
        self.visible = tuple(
            bool(seen[(self._front.x_mm >= left) & (self._front.x_mm <= right)].mean() >= NEVER_SEEN_SHARE)
            for left, right in self._edges
        )

    def true_x_mm(self, x_mm: float, depth_mm: float) -> float:
        """Return where along the shelf something is that appears at ``x_mm`` and is so deep behind the front."""
        return self._front.true_x_mm(x_mm, depth_mm)

    @property
    def lane_ids(self) -> tuple[str, ...]:
        """Return the lanes that can be spoken of."""
        return tuple(lane.lane_id for lane, seen in zip(self._lanes, self.visible, strict=True) if seen)

    def scores(self, before: RealPicture, after: RealPicture, noise_grey: float) -> LaneScores:
        """Return what changed between two small pictures without anybody in them."""
        first, second = self._front.of(before), self._front.of(after)
        compared = compare(second, first, self._front.kept, WINDOW_PX)
        changed = opened(compared.is_something(AVERAGED_NOISE * noise_grey, LEAST_SHARE), self._front.kept)
        gain = compared.expected / np.maximum(averaged(first, WINDOW_PX), 1.0)
        noise = noise_grey**2
        lean: RealPicture = np.log(
            (compared.picture_variance + noise) / (compared.backdrop_variance * gain * gain + noise)
        )
        patches = tuple(
            patch
            for part in _parts(changed)
            for patch in self._packages(part, np.asarray(lean, np.float32))
            if patch.bottom_mm > BELOW_BOARD_MM
        )
        for patch in patches:
            if patch.bottom_mm < MAYBE_HIDDEN_MM and patch.area_mm2 >= SEEN_IN_FULL_MM2:
                self._heights.learn(patch.x_mm, patch.depth_mm, patch.top_mm - MM_PER_PX * (WINDOW_PX // 2 - 1))
        return self._by_lane(patches)

    def _by_lane(self, patches: tuple[Patch, ...]) -> LaneScores:
        lanes = len(self._lanes)
        share, clear, lean, extent = np.zeros(lanes), np.zeros(lanes), np.zeros(lanes), np.zeros(lanes)
        for patch in patches:
            core_left, core_width = patch.x_mm - patch.width_mm / 4, max(patch.width_mm / 2, 1.0)
            within = np.minimum(self._edges[:, 1], core_left + core_width) - np.maximum(self._edges[:, 0], core_left)
            own = np.clip(within / core_width, 0.0, 1.0)
            clear_mm2 = patch.area_mm2 * (HIGH_FOOT_SHARE if patch.bottom_mm > HIGH_FOOT_MM else 1.0)
            better = own * clear_mm2 > share * clear
            share[better], clear[better] = own[better], clear_mm2
            lean[better], extent[better] = patch.lean, patch.top_mm - patch.bottom_mm
        return LaneScores(share, clear, lean, extent, patches)

    def log_likelihood(self, scores: LaneScores, weight: float = 1.0) -> FloatArray:
        """Return (visible lanes, 9) nats over `LANE_CHANGES`, tempered by how much the frames are to be believed."""
        each = np.array(
            [
                lane_nats(*(float(score[i]) for score in scores.by_lane().values()))
                for i, seen in enumerate(self.visible)
                if seen
            ]
        ).reshape(-1, len(LANE_CHANGES))
        tempered: FloatArray = weight * each
        return tempered

    def _packages(self, part: PixelMask, lean: RealPicture) -> list[Patch]:
        """Return the packages that a patch is of: one, or several side by side where it is too wide for one."""
        columns = np.flatnonzero(part.sum(axis=0) * MM_PER_PX >= LEAST_COLUMN_MM)
        if not columns.size:
            return []
        whole = self._package(part, columns, lean)
        usual_mm = float(np.median(np.diff(self._edges, axis=1)))
        if whole.width_mm <= ONE_PACKAGE * usual_mm:
            return [whole]
        count = max(round(whole.width_mm / usual_mm), 2)
        pieces = np.array_split(columns, count)
        return [self._package(part, piece, lean) for piece in pieces if piece.size]

    def _span(self, left_mm: float, right_mm: float, depth_mm: float) -> tuple[float, float]:
        """Return (x, width), mm, of a package that stands so deep and appears between two places of the front."""
        eye_x_mm, back_mm = float(self._front.eye_mm[0]), depth_mm + PACKAGE_DEPTH_MM
        left = self._front.true_x_mm(left_mm, back_mm if left_mm > eye_x_mm else depth_mm)
        right = self._front.true_x_mm(right_mm, back_mm if right_mm < eye_x_mm else depth_mm)
        return (left + right) / 2, max(right - left, MM_PER_PX)

    def _package(self, part: PixelMask, columns: npt.NDArray[np.integer], lean: RealPicture) -> Patch:
        here = part[:, columns]
        low, high = here.argmax(axis=0), here.shape[0] - 1 - here[::-1].argmax(axis=0)
        z0, reach_mm = float(self._front.z_mm[0]), MM_PER_PX * (WINDOW_PX // 2 - 1)
        foot_mm = z0 + MM_PER_PX * float(np.quantile(low, FOOT_SHARE)) + reach_mm
        top_mm = z0 + MM_PER_PX * float(high.max()) - reach_mm
        left_mm = float(self._front.x_mm[columns[0]]) + reach_mm
        right_mm = float(self._front.x_mm[columns[-1]]) - reach_mm
        depth_mm = self._front.depth_mm(foot_mm)
        if top_mm - foot_mm < HIDDEN_BELOW_MM * (1.0 - max(foot_mm, 0.0) / max(float(self._front.eye_mm[2]), 1.0)):
            depth_mm = min(depth_mm, self._front.depth_by_top_mm(top_mm, USUAL_HEIGHT_MM))
        if foot_mm > MAYBE_HIDDEN_MM:
            depth_mm = self._heights.depth_mm(depth_mm, top_mm, lambda depth: self._span(left_mm, right_mm, depth)[0])
        x_mm, width_mm = self._span(left_mm, right_mm, depth_mm)
        above_foot = np.arange(here.shape[0])[:, None] - low[None, :]
        lower = here & (above_foot >= WINDOW_PX // 2) & (above_foot <= LOWER_MM / MM_PER_PX)
        leaning = lean[:, columns][lower]
        return Patch(
            left_mm,
            right_mm,
            z0 + MM_PER_PX * float(low.min()),
            z0 + MM_PER_PX * float(high.max()),
            x_mm,
            width_mm,
            depth_mm,
            float(here.sum()) * MM_PER_PX**2,
            float(leaning.mean()) if leaning.size else 0.0,
        )


def _parts(changed: GreyPicture) -> list[PixelMask]:
    """Return connected changes, those one above the other joined."""
    count, label, stats, _ = cv2.connectedComponentsWithStats(changed, connectivity=8)
    joined: list[tuple[int, int, PixelMask]] = []
    large = [each for each in range(1, count) if stats[each, cv2.CC_STAT_AREA] * MM_PER_PX**2 >= LEAST_PATCH_MM2]
    for each in sorted(large, key=lambda i: -int(stats[i, cv2.CC_STAT_AREA])):
        left, right = int(stats[each, 0]), int(stats[each, 0] + stats[each, 2])
        part: PixelMask = label == each
        for index, (other_left, other_right, other) in enumerate(joined):
            common = min(right, other_right) - max(left, other_left)
            if common >= SAME_COLUMNS * min(right - left, other_right - other_left):
                joined[index] = (min(left, other_left), max(right, other_right), other | part)
                break
        else:
            joined.append((left, right, part))
    return [part for _, _, part in joined]

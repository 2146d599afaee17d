"""A shelf's front drawn with rectangles, for stories about the camera's eye: goods with print, arms, light, noise."""

from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np

from edge_agent.config.assortment import LaneConfig
from edge_agent.config.camera import CameraConfig
from edge_agent.model import CameraCondition, CameraProgress, FloatArray, MonotonicNs, VisionObservation
from edge_agent.vision.eye import ShelfEye
from edge_agent.vision.frames import CameraFrame, ColourPicture, GreyPicture
from edge_agent.vision.geometry import ShelfView
from edge_agent.vision.mask import PrivacyMask

WIDTH_MM, OPENING_MM, LANES = 900.0, 300.0, 6
FRAME_S = 1 / 15
EYE_MM = np.array([560.0, -800.0, 560.0])
CAMERA = CameraConfig(shelf_id="shelf-1", driver="simulated", opening_mm=OPENING_MM)
LANES_OF_SHELF = tuple(
    LaneConfig(f"L{i}", "shelf-1", (150.0 * i, 150.0 * (i + 1)), f"sku-{i}", capacity=6) for i in range(LANES)
)
Said = VisionObservation | CameraProgress | CameraCondition


def shelf_view() -> ShelfView:
    """Return a view from above and the right: a pinhole at `EYE_MM` that looks at the middle of the opening."""
    ahead = np.array([WIDTH_MM / 2, 0.0, OPENING_MM / 2]) - EYE_MM
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(ahead, right), ahead])
    lens = np.array([[920.0, 0.0, 639.5], [0.0, 920.0, 479.5], [0.0, 0.0, 1.0]])
    projection = lens @ np.column_stack([axes, -axes @ EYE_MM])
    return ShelfView(projection[:, [0, 2, 3]], 1280, 960, WIDTH_MM, OPENING_MM, "drawn")


@lru_cache
def _mask() -> PrivacyMask:
    view = shelf_view()
    return PrivacyMask(view.kept(1280, 960), view.kept(320, 240))


@dataclass
class DrawnFront:
    """A front that is drawn anew for every frame.

    Attributes
    ----------
    feet_mm : list of list of float
        Per lane the depths at which its items' fronts stand.
    arms : list of (enters x, tip x, tip z, grey)
    gain : float
        Of the light; ``slope`` more of it from left to right.
    """

    seed: int = 1
    noise_grey: float = 2.0
    gain: float = 1.0
    slope: float = 0.0
    feet_mm: list[list[float]] = field(default_factory=lambda: [[10.0, 80.0, 150.0] for _ in range(LANES)])
    arms: list[tuple[float, float, float, int]] = field(default_factory=list)
    cover: tuple[float, float] | None = None
    blur_px: float = 0.0
    shift_px: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        self.view = shelf_view()
        self._rng = np.random.default_rng(self.seed)
        print_rng = np.random.default_rng(77)
        self._prints = [
            cv2.resize(
                print_rng.integers(40, 230, (9, 5)).astype(np.uint8), (110, 190), interpolation=cv2.INTER_NEAREST
            )
            for _ in range(LANES)
        ]
        ground = print_rng.integers(60, 130, (240, 320)).astype(np.uint8)
        self._behind: GreyPicture = np.asarray(cv2.GaussianBlur(ground, (0, 0), 3), np.uint8)
        self._drawn: dict[tuple[tuple[float, ...], ...], GreyPicture] = {}
        self.mask = _mask()

    def grey(self) -> GreyPicture:
        """Return the small picture as it is now."""
        key = tuple(tuple(feet) for feet in self.feet_mm)
        if key not in self._drawn:
            self._drawn[key] = self._goods()
        picture = self._drawn[key].copy()
        for enters, tip_x, tip_z, shade in self.arms:
            corners = [[enters - 35, -60], [enters + 35, -60], [tip_x + 35, tip_z - 10], [tip_x - 35, tip_z - 10]]
            cv2.fillConvexPoly(picture, self._px(np.array(corners, dtype=np.float64)), shade)
            middle = self._px(np.array([[tip_x, tip_z - 15]], dtype=np.float64))[0]
            cv2.circle(picture, (int(middle[0]), int(middle[1])), 12, max(shade - 15, 0), -1)
        if self.cover is not None:
            self._fill(picture, [self.cover[0], self.cover[1], -200, 500], 90)
        if self.shift_px != (0.0, 0.0):
            move = np.array([[1, 0, self.shift_px[0]], [0, 1, self.shift_px[1]]], dtype=np.float64)
            picture = np.asarray(cv2.warpAffine(picture, move, (320, 240), borderMode=cv2.BORDER_REPLICATE), np.uint8)
        real = picture.astype(np.float64)
        if self.blur_px:
            real = np.asarray(cv2.GaussianBlur(real, (0, 0), self.blur_px), np.float64)
        light = self.gain * (1 + self.slope * np.linspace(-0.5, 0.5, 320))[None, :]
        return np.clip(real * light + self._rng.normal(0, self.noise_grey, real.shape), 0, 255).astype(np.uint8)

    def _goods(self) -> GreyPicture:
        picture = self._behind.copy()
        for side in ([-30, 0, 5, 300], [890, 930, 5, 300]):  # the shelf's posts
            self._fill(picture, side, 30)
        self._fill(picture, [-40, 940, -38, -2], 190)
        for x in range(0, 900, 60):
            self._fill(picture, [x, x + 25, -30, -12], 60)
        for lane in range(LANES):
            for depth in sorted(self.feet_mm[lane], reverse=True):
                self._stand(picture, lane, depth)
        return picture

    def colour(self) -> ColourPicture:
        """Return the large picture: the small one enlarged, of one colour."""
        large = cv2.resize(self.grey(), (1280, 960), interpolation=cv2.INTER_LINEAR)
        return np.repeat(np.asarray(large, np.uint8)[:, :, None], 3, axis=2)

    def _px(self, front_mm: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
        return np.round((self.view.to_px(front_mm) + 0.5) / 4 - 0.5).astype(np.int32)

    def _fill(self, picture: GreyPicture, box_mm: list[float] | list[int], shade: int) -> None:
        left, right, low, high = box_mm
        corners = np.array([[left, low], [right, low], [right, high], [left, high]], dtype=np.float64)
        cv2.fillConvexPoly(picture, self._px(corners), shade)

    def _stand(self, picture: GreyPicture, lane: int, depth_mm: float) -> None:
        t = -EYE_MM[1] / (depth_mm - EYE_MM[1])
        middle, print_ = 150.0 * lane + 75.0, self._prints[lane]
        corners = [[middle - 50, 190.0], [middle + 50, 190.0], [middle + 50, 0.0], [middle - 50, 0.0]]
        shown = np.array([[EYE_MM[0] + t * (x - EYE_MM[0]), EYE_MM[2] + t * (z - EYE_MM[2])] for x, z in corners])
        target = ((self.view.to_px(shown) + 0.5) / 4 - 0.5).astype(np.float32)
        source = np.array([[0, 0], [109, 0], [109, 189], [0, 189]], dtype=np.float32)
        turn = cv2.getPerspectiveTransform(source, target)
        drawn = cv2.warpPerspective(print_, turn, (320, 240), flags=cv2.INTER_AREA)
        there = cv2.warpPerspective(np.full_like(print_, 255), turn, (320, 240)) > 127
        picture[there] = np.asarray(drawn, np.uint8)[there]


class Watched:
    """A drawn front before an eye, frame by frame."""

    def __init__(self, front: DrawnFront, eye: ShelfEye | None = None) -> None:
        self.front = front
        self.eye = eye or ShelfEye(front.view, LANES_OF_SHELF, CAMERA)
        self.said: list[Said] = []
        self.hands: list[int] = []
        self.t_s = 1000.0
        self.sequence = 0

    def look(
        self, frames: int = 1, *, late_s: float | None = None, lost: int = 0, grey: GreyPicture | None = None
    ) -> None:
        """Show the front as it is for some frames."""
        for _ in range(frames):
            self.t_s += FRAME_S * (1 + lost)
            self.sequence += 1 + lost
            t_ns = MonotonicNs(round(self.t_s * 1e9))
            picture = self.front.grey() if grey is None else grey.copy()
            frame = self.front.mask.apply(CameraFrame(self.sequence, t_ns, picture, self.front.colour))
            arrived = None if late_s is None else MonotonicNs(t_ns + round(late_s * 1e9))
            heard = self.eye.step(frame, arrived)
            self.said += heard
            progress = [each.hands for each in heard if isinstance(each, CameraProgress)]
            self.hands.append(progress[-1] if progress else self.hands[-1] if self.hands else 0)

    def reach(self, x_mm: float, *, enters_mm: float | None = None, tip_mm: float = 120.0, hold: int = 6) -> None:
        """Let an arm come in, hold and stop short of leaving; `leave` ends it."""
        enters = x_mm if enters_mm is None else enters_mm
        for step in range(1, 6):
            share = step / 5
            self.front.arms = [(enters, enters + share * (x_mm - enters), -40 + share * (tip_mm + 40), 165)]
            self.look()
        self.look(hold)

    def leave(self) -> None:
        """Let all arms go back to where they came from."""
        for step in range(4, 0, -1):
            share = step / 5
            moved = [(e, e + share * (x - e), -40 + share * (z + 40), grey) for e, x, z, grey in self.front.arms]
            kept, self.front.arms = self.front.arms, moved
            self.look()
            self.front.arms = kept
        self.front.arms = []
        self.look()

    def observations(self, kind: str) -> list[VisionObservation]:
        """Return what was said of one kind."""
        return [each for each in self.said if isinstance(each, VisionObservation) and each.kind == kind]

    def conditions(self) -> list[tuple[str, bool]]:
        """Return the conditions that were raised and cleared, in order."""
        return [(each.code, each.raised) for each in self.said if isinstance(each, CameraCondition)]

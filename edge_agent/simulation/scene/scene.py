"""The rendered shelf: what its camera sees at any instant, and what is true of it then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.config import Site
from edge_agent.model import FloatArray
from edge_agent.simulation.goods import StandingItem
from edge_agent.simulation.scene.arm_drawing import Limb, draw_limb
from edge_agent.simulation.scene.compositing import Rgb, pixels
from edge_agent.simulation.scene.look import FULL_WIDTH_PX, SceneLook, SceneTrouble, Troubles
from edge_agent.simulation.scene.packages import Package
from edge_agent.simulation.scene.passers import body_outlines, draw_body
from edge_agent.simulation.scene.pose import ScenePose
from edge_agent.simulation.scene.rows import Rows, SeenItem, standing_before
from edge_agent.simulation.scene.sensor import Sensor
from edge_agent.simulation.scene.still import StillShelf
from edge_agent.simulation.scene.visits import Visits, mirrored
from edge_agent.simulation.truth import ActTruth
from edge_agent.simulation.world import ShelfWorld

Grey = npt.NDArray[np.uint8]

OPENING_MM = 300.0
DARK_GAIN, OVEREXPOSED_GAIN = 0.004, 14.0
BLUR_PX = 7.0
AT_FRONT_MM = 20.0
LUMINANCE = (0.299, 0.587, 0.114)
"""Grey of red, green and blue (ITU-R BT.601)."""


@dataclass(frozen=True, slots=True)
class HandTruth:
    """One hand at one instant.

    Attributes
    ----------
    act_index : int
        Whose act it is; negative for a hand that touches nothing.
    x_mm, y_mm, z_mm : float
        Fingertips; y is how far behind the front, negative before it.
    carrying : tuple of SKU
        What it holds, None for a foreign object.
    touching : bool
        Between the truth's first touch and its release.
    hidden : bool
        Somebody is between it and the camera.
    seen_x_mm, seen_z_mm : float
        Before which place of the front the camera sees the fingertips.
    """

    act_index: int
    x_mm: float
    y_mm: float
    z_mm: float
    carrying: tuple[str | None, ...]
    touching: bool
    hidden: bool
    seen_x_mm: float
    seen_z_mm: float

    @property
    def across(self) -> bool:
        """Return whether it is at the shelf's front or over the shelf: what stands foremost is touched there."""
        return self.y_mm > -AT_FRONT_MM


class Scene:
    """One shelf before one camera.

    Pictures depend on the arguments and the instant alone, not on which instants were asked for before.

    Parameters
    ----------
    site : Site
    shelf_id : str
    standing : mapping lane_id → items
        What stands on the shelf before the first act.
    truths : sequence of ActTruth
        May grow while the scene is in use, if its acts have not begun yet.
    packages : mapping sku → Package
        See `packages_for`.
    seed : int
        Decides people, motions, light, noise.
    look : SceneLook
    pose : ScenePose
    opening_mm : float
    troubles : sequence of SceneTrouble
    """

    def __init__(
        self,
        site: Site,
        shelf_id: str,
        standing: Mapping[str, Sequence[StandingItem]],
        truths: Sequence[ActTruth],
        packages: Mapping[str | None, Package],
        *,
        seed: int,
        look: SceneLook,
        pose: ScenePose,
        opening_mm: float = OPENING_MM,
        troubles: Sequence[SceneTrouble] = (),
    ) -> None:
        self.pose, self.look, self.opening_mm = pose, look, opening_mm
        self.shelf = next(shelf for shelf in site.shelves if shelf.shelf_id == shelf_id)
        self.lanes = site.planogram.on_shelf(shelf_id)
        self._troubles, self._truths, self._known = tuple(troubles), truths, 0
        self._rows = Rows(site, shelf_id, standing, {sku: each.size_mm for sku, each in packages.items()})
        self._visits = Visits(self.lanes, self.shelf.width_mm, packages, look, seed)
        self._still = StillShelf(self.shelf, self.lanes, self._rows, packages, pose, look, opening_mm, seed)
        self._sensor = Sensor(look, seed)
        self._outside: dict[tuple[int, int], npt.NDArray[np.bool_]] = {}
        self._follow()

    @classmethod
    def of_world(
        cls,
        world: ShelfWorld,
        packages: Mapping[str | None, Package],
        *,
        seed: int,
        shelf_id: str | None = None,
        look: SceneLook | None = None,
        pose: ScenePose | None = None,
        opening_mm: float = OPENING_MM,
        troubles: Sequence[SceneTrouble] = (),
    ) -> "Scene":
        """Return the scene of a world's shelf (of its first one), with its acts, also those to come."""
        site = world.site
        shelf = next(each for each in site.shelves if shelf_id in {None, each.shelf_id})
        return cls(
            site,
            shelf.shelf_id,
            standing_before(world.goods.standing, world.truths),
            world.truths,
            packages,
            seed=seed,
            look=look or SceneLook(),
            pose=pose or ScenePose.before(shelf.width_mm, opening_mm),
            opening_mm=opening_mm,
            troubles=troubles,
        )

    def picture(self, t_s: float, width_px: int | None = None, height_px: int | None = None) -> Rgb:
        """Return the colour picture at an instant, (height, width, 3): red, green, blue."""
        return self._taken(t_s, width_px or self.pose.width_px, height_px or self.pose.height_px, colour=True)

    def grey(self, t_s: float, width_px: int = 320, height_px: int = 240) -> Grey:
        """Return a small grey picture at an instant, (height, width)."""
        return self._taken(t_s, width_px, height_px, colour=False)

    def hands_at(self, t_s: float) -> tuple[HandTruth, ...]:
        """Return every hand that is on its way to, at or from the shelf."""
        self._follow()
        bodies = [
            body_outlines(self.pose, each.head_mm(t_s), each.person.breadth) for each in self._visits.passing(t_s)
        ]
        hands = []
        for limb in self._visits.limbs(t_s, 0.0):
            pixel = self.pose.to_px(limb.tips_mm[None])[0]
            seen = self.pose.seen_on_front(limb.tips_mm[None])[0]
            hands.append(
                HandTruth(
                    limb.reach.act_index,
                    x_mm=float(limb.tips_mm[0]),
                    y_mm=float(limb.tips_mm[1]),
                    z_mm=float(limb.tips_mm[2]),
                    carrying=tuple(item.sku for item in limb.carried),
                    touching=limb.reach.act_index >= 0 and limb.reach.touches_s[0] <= t_s <= limb.reach.touches_s[1],
                    hidden=any(_covers(outline, pixel) for body in bodies for outline in body),
                    seen_x_mm=float(seen[0]),
                    seen_z_mm=float(seen[1]),
                )
            )
        return tuple(sorted(hands, key=lambda hand: hand.act_index))

    def hands_across(self, t_s: float) -> int:
        """Return how many hands are at the shelf's front or over the shelf."""
        return sum(hand.across for hand in self.hands_at(t_s))

    def lanes_changed(self, from_s: float, until_s: float) -> frozenset[str]:
        """Return the lanes whose goods are not the same at both instants."""
        self._follow()
        return self._rows.changed(from_s, until_s)

    def standing_at(self, t_s: float) -> tuple[SeenItem, ...]:
        """Return what stands on the shelf and where it is seen to stand."""
        self._follow()
        return self._rows.items(self._rows.state_at(t_s))

    def bodies_at(self, t_s: float) -> int:
        """Return how many people pass between camera and shelf."""
        return len(self._visits.passing(t_s))

    def _follow(self) -> None:
        """Take up acts that were scheduled since."""
        if self._known == len(self._truths):
            return
        moves = self._rows.follow(self._truths)
        for truth in self._truths[self._known :]:
            if truth.shelf_id == self.shelf.shelf_id:
                self._visits.follow(truth, [each for each in moves if each.act_index == truth.act_index])
        self._known = len(self._truths)

    def _taken(self, t_s: float, width_px: int, height_px: int, *, colour: bool) -> npt.NDArray[np.uint8]:
        self._follow()
        frozen = [each for each in self._troubles if each.kind == "frozen" and each.at(t_s)]
        t_s = min((each.from_s for each in frozen), default=t_s)
        troubles: Troubles = {each.kind: each.strength for each in self._troubles if each.at(t_s)}
        picture = self._lit(t_s, width_px, height_px, troubles)
        if "blocked" in troubles:
            _block(picture, troubles["blocked"])
        if "blurred" in troubles:
            blur_px = BLUR_PX * troubles["blurred"] * width_px / FULL_WIDTH_PX
            picture = pixels(cv2.GaussianBlur(picture, (0, 0), blur_px))
        if not colour:
            picture = pixels(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
        gain = (DARK_GAIN if "dark" in troubles else 1.0) * (OVEREXPOSED_GAIN if "overexposed" in troubles else 1.0)
        picture = self._sensor.add_noise(self._sensor.expose(picture, t_s, gain), t_s)
        if self.look.outside_rgb is not None:
            grey = round(float(np.dot(self.look.outside_rgb, LUMINANCE)))
            picture[self._far_outside(width_px, height_px)] = self.look.outside_rgb if colour else grey
        return picture

    def _lit(self, t_s: float, width_px: int, height_px: int, troubles: Troubles) -> Rgb:
        """Return everything that is in view, before the camera has made pixels of it."""
        picture = self._still.at(t_s, width_px, height_px, troubles).copy()
        pose, packages = self._still.pose(troubles).resized(width_px, height_px), self._still.packages(troubles)
        defocus_px = self.look.defocus_px * width_px / FULL_WIDTH_PX
        for limb in self._visits.limbs(t_s, self.look.exposure_s):
            seen = mirrored(limb, self.shelf.width_mm) if "mirrored" in troubles else limb
            draw_body(picture, pose, _head_mm(seen), seen.person, np.zeros(2), defocus_px, shadow=False)
            draw_limb(picture, pose, seen, packages, defocus_px)
        for passer in self._visits.passing(t_s):
            head = passer.head_mm(t_s)
            ends = pose.to_px(np.stack([head, passer.head_mm(t_s + self.look.exposure_s)]))
            draw_body(picture, pose, head, passer.person, ends[1] - ends[0], defocus_px, shadow=True)
        return picture

    def _far_outside(self, width_px: int, height_px: int) -> npt.NDArray[np.bool_]:
        """Return what is farther from the opening than the look's distance, (height, width)."""
        if (width_px, height_px) not in self._outside:
            margin = self.look.outside_mm
            low, right, top = -margin, self.shelf.width_mm + margin, self.opening_mm + margin
            corners = np.array([[low, 0.0, low], [right, 0.0, low], [right, 0.0, top], [low, 0.0, top]])
            near = np.zeros((height_px, width_px), np.uint8)
            outline = self.pose.resized(width_px, height_px).to_px(corners)
            cv2.fillConvexPoly(near, np.rint(outline * 16).astype(np.int32), (1,), cv2.LINE_8, 4)
            self._outside[width_px, height_px] = near == 0
        return self._outside[width_px, height_px]


def _head_mm(limb: Limb) -> FloatArray:
    """Return where the head is of whom an arm belongs to, bent forward as far as the arm reaches, (3,)."""
    lean = min(max((float(limb.tips_mm[1]) + 300.0) / 450.0, 0.0), 1.0)
    aside = 150.0 if limb.person.left else -150.0
    head: FloatArray = limb.reach.shoulder_mm + np.array([aside, 40.0 + 120.0 * lean, 130.0 + 70.0 * lean])
    return head


def _block(picture: Rgb, share: float) -> None:
    """Hang something before the camera that covers a share of the picture from its left."""
    width = round(min(share, 1.0) * picture.shape[1])
    rows = np.linspace(0.75, 1.1, picture.shape[0])[:, None, None]
    picture[:, :width] = (np.array([64.0, 48.0, 42.0]) * rows).astype(np.uint8)


def _covers(outline: FloatArray, pixel: FloatArray) -> bool:
    point = (float(pixel[0]), float(pixel[1]))
    return cv2.pointPolygonTest(outline.astype(np.float32), point, measureDist=False) >= 0

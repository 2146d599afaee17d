"""The rendered shelf: what its camera sees at any instant, and what is true of it then."""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.config import Site
from edge_agent.model import FloatArray
from edge_agent.simulation.acts import Story
from edge_agent.simulation.goods import StandingItem
from edge_agent.simulation.scene.arm_drawing import Limb, draw_limb, limbs_of
from edge_agent.simulation.scene.compositing import Rgb, pixels
from edge_agent.simulation.scene.look import SceneLook, SceneTrouble, TroubleKind
from edge_agent.simulation.scene.markers import draw_markers
from edge_agent.simulation.scene.packages import Package
from edge_agent.simulation.scene.passers import MINUTE_S, Passer, body_outlines, draw_body, draw_passers
from edge_agent.simulation.scene.people import Person, draw_person
from edge_agent.simulation.scene.pose import ScenePose
from edge_agent.simulation.scene.reaches import Reach, reach_of
from edge_agent.simulation.scene.rows import Rows, SeenItem, standing_before
from edge_agent.simulation.scene.sensor import Sensor
from edge_agent.simulation.scene.shelf_layer import ShelfLayer
from edge_agent.simulation.scene.surroundings import surroundings
from edge_agent.simulation.truth import ActTruth
from edge_agent.simulation.world import ShelfWorld

Grey = npt.NDArray[np.uint8]

Troubles = Mapping[TroubleKind, float]
"""What is wrong with the camera at an instant, and how much."""

OPENING_MM = 300.0
NO_HAND = frozenset({Story.BUMP.value, Story.CONDENSE.value})
"""Acts of the truth in which no hand comes over the shelf's front."""
KEPT_LAYERS = 4
"""Drawn states of the shelf that are kept: 4 MB each."""
LONGEST_PASS_S = 6.0
MOVED_PX, MOVED_DEG = (12.0, 7.0), 0.35
DARK_GAIN, OVEREXPOSED_GAIN = 0.004, 14.0
BLUR_PX = 7.0


@dataclass(frozen=True, slots=True)
class HandTruth:
    """One hand at one instant.

    Attributes
    ----------
    act_index : int
        Whose act it is.
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
        """Return whether it is over the shelf, behind its front."""
        return self.y_mm > 0


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
        self._packages, self._seed, self._troubles = dict(packages), seed, tuple(troubles)
        self._rows = Rows(site, shelf_id, standing, {sku: each.size_mm for sku, each in packages.items()})
        self._truths, self._known = truths, 0
        self._reaches: list[tuple[Reach, Person]] = []
        self._contact: dict[int, tuple[float, float]] = {}
        self._sensor = Sensor(look, seed)
        self._layers: OrderedDict[tuple[object, ...], Rgb] = OrderedDict()
        self._around: dict[tuple[float, ...], Rgb] = {}
        self._passers: dict[int, list[Passer]] = {}
        self._goods_colours = _colours_of(packages)
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
        bodies = [body_outlines(self.pose, each.head_mm(t_s), each.person.breadth) for each in self._passing(t_s)]
        hands = []
        for limb in limbs_of(self._reaches, t_s, 0.0):
            pixel = self.pose.to_px(limb.tips_mm[None])[0]
            seen = self.pose.seen_on_front(limb.tips_mm[None])[0]
            start_s, end_s = self._contact[limb.reach.act_index]
            hands.append(
                HandTruth(
                    limb.reach.act_index,
                    x_mm=float(limb.tips_mm[0]),
                    y_mm=float(limb.tips_mm[1]),
                    z_mm=float(limb.tips_mm[2]),
                    carrying=tuple(item.sku for item in limb.carried),
                    touching=start_s <= t_s <= end_s,
                    hidden=any(_covers(outline, pixel) for body in bodies for outline in body),
                    seen_x_mm=float(seen[0]),
                    seen_z_mm=float(seen[1]),
                )
            )
        return tuple(sorted(hands, key=lambda hand: hand.act_index))

    def hands_across(self, t_s: float) -> int:
        """Return how many hands are over the shelf, behind its front."""
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
        return len(self._passing(t_s))

    def _follow(self) -> None:
        """Take up acts that were scheduled since."""
        if self._known == len(self._truths):
            return
        moves = self._rows.follow(self._truths)
        for truth in self._truths[self._known :]:
            if truth.shelf_id != self.shelf.shelf_id or truth.story in NO_HAND:
                continue
            rng = np.random.default_rng(np.random.SeedSequence([self._seed, 67, truth.act_index]))
            own = [each for each in moves if each.act_index == truth.act_index]
            lane_x_mm = self._pressed_mm(truth, rng)
            person = draw_person(rng, self._goods_colours)
            reach = reach_of(truth, own, self._packages, lane_x_mm, self.look.hands_hide, rng)
            self._reaches.append((reach, person))
            self._contact[truth.act_index] = truth.t_start_s, truth.t_release_s
        self._reaches.sort(key=lambda each: each[0].from_s)
        self._known = len(self._truths)

    def _pressed_mm(self, truth: ActTruth, rng: np.random.Generator) -> float:
        """Return where a hand touches that moves nothing."""
        lane_id = truth.moves[0].lane_id if truth.moves else truth.pressed_lane_id
        lane = next((each for each in self.lanes if each.lane_id == lane_id), None)
        left, right = lane.x_mm if lane is not None else (0.0, self.shelf.width_mm)
        return float(left + rng.uniform(0.25, 0.75) * (right - left))

    def _taken(self, t_s: float, width_px: int, height_px: int, *, colour: bool) -> npt.NDArray[np.uint8]:
        self._follow()
        frozen = [each for each in self._troubles if each.kind == "frozen" and each.at(t_s)]
        t_s = min((each.from_s for each in frozen), default=t_s)
        troubles: Troubles = {each.kind: each.strength for each in self._troubles if each.at(t_s)}
        pose = self._pose(troubles).resized(width_px, height_px)
        picture = self._lit(t_s, pose, troubles)
        if "mirrored" in troubles:
            picture = np.ascontiguousarray(picture[:, ::-1])
        if "blocked" in troubles:
            _block(picture, troubles["blocked"])
        if "blurred" in troubles:
            picture = pixels(cv2.GaussianBlur(picture, (0, 0), BLUR_PX * troubles["blurred"] * width_px / 1280))
        if not colour:
            picture = pixels(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
        gain = (DARK_GAIN if "dark" in troubles else 1.0) * (OVEREXPOSED_GAIN if "overexposed" in troubles else 1.0)
        picture = self._sensor.add_noise(self._sensor.expose(picture, t_s, gain), t_s)
        if self.look.outside_rgb is not None:
            red, green, blue = self.look.outside_rgb
            grey = round(0.299 * red + 0.587 * green + 0.114 * blue)
            picture[self._far_outside(width_px, height_px)] = self.look.outside_rgb if colour else grey
        return picture

    def _lit(self, t_s: float, pose: ScenePose, troubles: Troubles) -> Rgb:
        """Return everything that is in view, before the camera has made pixels of it."""
        picture = self._still(t_s, pose, troubles).copy()
        defocus_px = self.look.defocus_px * pose.width_px / 1280
        packages = self._wrong_packages() if "lying" in troubles else self._packages
        for limb in limbs_of(self._near(t_s), t_s, self.look.exposure_s):
            self._head(picture, pose, limb, defocus_px)
            draw_limb(picture, pose, limb, packages, defocus_px)
        for passer in sorted(self._passing(t_s), key=lambda each: each.before_mm):
            head = passer.head_mm(t_s)
            ends = pose.to_px(np.stack([head, passer.head_mm(t_s + self.look.exposure_s)]))
            draw_body(picture, pose, head, passer.person, ends[1] - ends[0], defocus_px)
        return picture

    def _head(self, picture: Rgb, pose: ScenePose, limb: Limb, defocus_px: float) -> None:
        """Draw whose arm it is, bent forward as far as the arm reaches."""
        lean = min(max((float(limb.tips_mm[1]) + 300.0) / 450.0, 0.0), 1.0)
        side = -150.0 if limb.person.left else 150.0
        head = limb.reach.shoulder_mm + np.array([-side, 40.0 + 70.0 * lean, 120.0 - 30.0 * (1 - lean)])
        draw_body(picture, pose, head, limb.person, np.zeros(2), defocus_px)

    def _near(self, t_s: float) -> list[tuple[Reach, Person]]:
        """Return the reaches that may last at an instant."""
        after = bisect_left(self._reaches, t_s, key=lambda each: each[0].from_s)
        return [each for each in self._reaches[max(after - 24, 0) : after] if each[0].until_s > t_s]

    def _still(self, t_s: float, pose: ScenePose, troubles: Troubles) -> Rgb:
        """Return the shelf with its goods and nobody before it; large ones are drawn, small ones made of them."""
        state = self._rows.state_at(t_s)
        lying = "lying" in troubles
        key = (state, lying, pose.width_px, pose.height_px, *pose.projection[0].tolist())
        if key in self._layers:
            self._layers.move_to_end(key)
            return self._layers[key]
        if (pose.width_px, pose.height_px) != (self.pose.width_px, self.pose.height_px):
            large = self._still(t_s, self._pose(troubles), troubles)
            drawn = pixels(cv2.resize(large, (pose.width_px, pose.height_px), interpolation=cv2.INTER_AREA))
        else:
            packages = self._wrong_packages() if lying else self._packages
            layer = ShelfLayer(self.shelf, self.lanes, self.opening_mm, packages, pose, self._beside(pose))
            drawn = layer.draw(self._rows.items(state))
            if self.look.markers:
                draw_markers(drawn, pose, self.shelf.width_mm, self.opening_mm)
            if self.look.defocus_px > 0.3:
                drawn = pixels(cv2.GaussianBlur(drawn, (0, 0), self.look.defocus_px * pose.width_px / 1280))
        self._layers[key] = drawn
        while len(self._layers) > 2 * KEPT_LAYERS:
            self._layers.popitem(last=False)
        return drawn

    def _beside(self, pose: ScenePose) -> Rgb:
        key = tuple(pose.projection[0].tolist())
        if key not in self._around:
            self._around[key] = surroundings(pose, self.shelf.width_mm, self.opening_mm, self.lanes, self._seed)
        return self._around[key]

    def _pose(self, troubles: Troubles) -> ScenePose:
        far = troubles.get("moved")
        if far is None:
            return self.pose
        share = far * self.pose.width_px / 1280
        return self.pose.turned(MOVED_PX[0] * share, MOVED_PX[1] * share, MOVED_DEG * far)

    def _wrong_packages(self) -> dict[str | None, Package]:
        """Return every SKU in another one's package."""
        skus = [lane.sku for lane in self.lanes]
        skus = list(dict.fromkeys(skus))
        # Not the neighbour's: variants stand side by side.
        turned = skus[len(skus) // 2 :] + skus[: len(skus) // 2]
        return self._packages | {
            sku: Package(self._packages[other].front, self._packages[sku].size_mm)
            for sku, other in zip(skus, turned, strict=True)
        }

    def _passing(self, t_s: float) -> list[Passer]:
        if self.look.bodies_per_minute == 0:
            return []
        minutes = range(int((t_s - LONGEST_PASS_S) // MINUTE_S), int(t_s // MINUTE_S) + 1)
        here = []
        for minute in minutes:
            if minute not in self._passers:
                self._passers[minute] = draw_passers(
                    minute, self._seed, self.look.bodies_per_minute, self.shelf.width_mm, self._goods_colours
                )
            here += [each for each in self._passers[minute] if each.from_s < t_s < each.until_s]
        return here

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


def _block(picture: Rgb, share: float) -> None:
    """Hang something before the camera that covers a share of the picture from its left."""
    width = round(min(share, 1.0) * picture.shape[1])
    rows = np.linspace(0.75, 1.1, picture.shape[0])[:, None, None]
    picture[:, :width] = (np.array([64.0, 48.0, 42.0]) * rows).astype(np.uint8)


def _covers(outline: FloatArray, pixel: FloatArray) -> bool:
    point = (float(pixel[0]), float(pixel[1]))
    return cv2.pointPolygonTest(outline.astype(np.float32), point, measureDist=False) >= 0


def _colours_of(packages: Mapping[str | None, Package]) -> FloatArray:
    """Return each package's mean colour, (n, 3)."""
    means = [
        package.front[:, :, :3].reshape(-1, 3).sum(axis=0) / max(float(package.front[:, :, 3].sum()) / 255, 1.0)
        for sku, package in packages.items()
        if sku is not None
    ]
    return np.array(means) if means else np.full((1, 3), 128.0)

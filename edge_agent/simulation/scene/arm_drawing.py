"""An arm in the picture: sleeve, hand, and what the hand carries, from shoulder to fingertips."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edge_agent.model import FloatArray
from edge_agent.simulation.scene.compositing import Colour, Layer, Rgb, warped
from edge_agent.simulation.scene.packages import Package
from edge_agent.simulation.scene.people import Person, shaded
from edge_agent.simulation.scene.pose import ScenePose
from edge_agent.simulation.scene.reaches import Reach, touch_mm
from edge_agent.simulation.scene.rows import SeenItem
from edge_agent.simulation.scene.shelf_layer import brightness, package_to_mm

ARM_RADII_MM = (62.0, 50.0, 42.0, 30.0)
"""Half the breadth of a clothed arm at shoulder, elbow, forearm and wrist."""
BARE_SHARE = 0.84
HAND_BREADTH_MM = 84.0
FLANK_MM = np.array([0.0, -70.0, -330.0])
"""The sleeve goes on so far from the shoulder: along the body, out of the picture."""
SHADOW_SHARE, SHADOW_MM = 0.32, np.array([14.0, 34.0])
"""How dark an arm's shadow is, and how far right and down of it the lamps throw it (assumed, 2026-12)."""
FINGERS = ((-0.36, 0.90), (-0.13, 1.0), (0.11, 0.97), (0.34, 0.82))
"""Of each finger: where across the palm it begins, over the palm's breadth, and its length over the longest."""
PALM_SHARE = 0.54
TURNED_WITHIN_MM = 200.0
"""A carried item has turned to its final angle so far from where it stood."""


@dataclass(frozen=True, slots=True, eq=False)
class Limb:
    """One arm at one instant."""

    reach: Reach
    person: Person
    tips_mm: FloatArray
    carried: tuple[SeenItem, ...]
    moved_mm: FloatArray
    """How far it moves during the exposure, (3,)."""


def draw_limb(
    picture: Rgb, pose: ScenePose, limb: Limb, packages: Mapping[str | None, Package], defocus_px: float
) -> None:
    """Draw an arm with its shadow over a picture."""
    joints_mm = _joints(limb)
    joints = pose.to_px(joints_mm)
    scale = pose.px_per_mm(joints_mm)
    tips = pose.to_px(limb.tips_mm[None])[0]
    around = np.concatenate([joints, tips[None]])
    motion = pose.to_px((limb.tips_mm + limb.moved_mm)[None])[0] - tips
    pad = float(scale.max()) * 75 + np.abs(motion).max() + 4
    layer = Layer.around(around, pad, pose.width_px, pose.height_px)
    if layer is None:
        return
    _sleeve(layer, limb.person, joints, scale * limb.person.breadth)
    light = brightness(float(limb.tips_mm[1]))
    palm = _Palm(limb.person, joints[-1], tips, float(scale[-1]), light)
    palm.draw_back(layer)
    items = [_carried(pose, limb, packages[item.sku], item, place) for place, item in enumerate(limb.carried)]
    fingers = Layer(np.zeros_like(layer.rgba), layer.left, layer.top)
    palm.draw_fingers(fingers, curled=bool(limb.carried))
    shadow_px = SHADOW_MM * float(scale[-1])
    layer.shade(picture, shadow_px, 16.0 * float(scale[-1]), SHADOW_SHARE)
    for item in items:
        if item is not None:
            item.shade(picture, shadow_px, 16.0 * float(scale[-1]), SHADOW_SHARE)
    for each in (layer, *items, fingers):
        if each is not None:
            each.blur(motion, defocus_px).lay_over(picture)


def _joints(limb: Limb) -> FloatArray:
    """Return points along the arm from shoulder to wrist, (n, 3) mm: a bow that hangs a little."""
    shoulder, tips = limb.reach.shoulder_mm, limb.tips_mm
    lean = np.array([0.25, 0.3, 0.25]) * (tips - shoulder)
    shoulder = shoulder + np.minimum(np.maximum(lean, -160.0), 160.0)
    towards = tips - shoulder
    towards = towards / max(float(np.linalg.norm(towards)), 1.0)
    pointing = towards + np.array([0.0, 0.6, 0.1])
    pointing /= np.linalg.norm(pointing)
    wrist = tips - limb.person.hand_mm * pointing
    aside = 70.0 if not limb.person.left else -70.0
    elbow = (shoulder + wrist) / 2 + np.array([aside, 10.0, -75.0])
    share = np.linspace(0.0, 1.0, 12)[:, None]
    bow: FloatArray = (1 - share) ** 2 * shoulder + 2 * share * (1 - share) * elbow + share**2 * wrist
    return np.concatenate([(shoulder + FLANK_MM)[None], bow])


def _sleeve(layer: Layer, person: Person, joints: FloatArray, scale: FloatArray) -> None:
    share = np.linspace(0.0, 1.0, len(joints))
    radii = np.interp(share, np.linspace(0, 1, len(ARM_RADII_MM)), ARM_RADII_MM) * scale
    along = np.gradient(joints, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.maximum(np.linalg.norm(along, axis=1), 1e-6)[:, None]
    _tube(layer, joints, across, BARE_SHARE * radii, person.skin)
    dressed = share <= person.sleeve_share + 1e-9
    ends = int(dressed.sum())
    _tube(layer, joints[:ends], across[:ends], radii[:ends], person.sleeve)
    if person.cloth == "striped":
        for place in np.arange(0.0, ends - 1, 0.55):
            _ring(layer, joints, across, radii, place, person.stripe, 0.16)
    for place in np.arange(1.3, ends - 1.5, 2.3):
        _ring(layer, joints, across, radii, place, shaded(person.sleeve, 0.86), 0.05)
    if person.sleeve_share < 1.0 or person.cloth != "plain":
        _ring(layer, joints, across, radii, ends - 1.1, shaded(person.sleeve, 0.78), 0.08)


def _tube(layer: Layer, joints: FloatArray, across: FloatArray, radii: FloatArray, colour: Colour) -> None:
    """Draw a limb with a lit and a dark side."""
    for low, high, gain in ((-1.0, 1.0, 0.8), (-1.0, 0.55, 0.93), (-0.9, 0.2, 1.02)):
        left, right = joints + low * radii[:, None] * across, joints + high * radii[:, None] * across
        layer.polygon(np.concatenate([left, right[::-1]]), shaded(colour, gain))


def _ring(
    layer: Layer, joints: FloatArray, across: FloatArray, radii: FloatArray, place: float, colour: Colour, wide: float
) -> None:
    places = np.array([place, place + wide])
    every = np.arange(len(joints))
    middle = np.stack([np.interp(places, every, joints[:, axis]) for axis in (0, 1)], axis=1)
    side = np.stack([np.interp(places, every, across[:, axis]) for axis in (0, 1)], axis=1)
    half = np.interp(places, every, radii)[:, None] * side
    layer.polygon(np.concatenate([middle - half, (middle + half)[::-1]]), colour)


class _Palm:
    """A hand seen from its back, in the picture's plane."""

    def __init__(self, person: Person, wrist: FloatArray, tips: FloatArray, scale: float, light: float) -> None:
        self._wrist = wrist
        reach = tips - wrist
        length = float(np.linalg.norm(reach))
        # A hand that points at the camera or away from it is foreshortened, but never to nothing.
        self._length = max(length, 0.6 * person.hand_mm * scale)
        self._along = reach / max(length, 1e-6)
        self._across = np.array([-self._along[1], self._along[0]]) * (-1.0 if person.left else 1.0)
        self._breadth = HAND_BREADTH_MM * person.breadth * scale
        self._skin = shaded(person.skin, light)
        self._tips = tips

    def _at(self, along: float, across: float) -> FloatArray:
        """Return a point of the hand: along it from the fingertips' end at 1 to the wrist at 0."""
        place: FloatArray = (
            self._tips + (along - 1.0) * self._length * self._along + across * self._breadth * self._across
        )
        return place

    def draw_back(self, layer: Layer) -> None:
        """Draw the back of the hand and the wrist."""
        outline = ((-0.12, -0.34), (0.15, -0.44), (0.42, -0.5), (0.56, -0.46), (0.6, 0.0), (0.55, 0.44), (0.4, 0.5),
                   (0.15, 0.42), (-0.12, 0.34))  # fmt: skip
        layer.polygon(np.array([self._at(*each) for each in outline]), self._skin)
        shade = ((0.0, 0.2), (0.5, 0.3), (0.55, 0.45), (0.4, 0.5), (0.15, 0.42), (-0.1, 0.33))
        layer.polygon(np.array([self._at(*each) for each in shade]), shaded(self._skin, 0.88))

    def draw_fingers(self, layer: Layer, *, curled: bool) -> None:
        """Draw fingers and thumb; around a carried item they are bent and apart."""
        thick = 0.205 * self._breadth
        spread = 1.12 if curled else 1.0
        thumb = [self._at(0.16, -0.4), self._at(0.42, -0.66), self._at(0.74, -0.62 if curled else -0.56)]
        layer.stroke(np.array(thumb), shaded(self._skin, 0.82), thick * 1.3)
        layer.stroke(np.array(thumb) - 0.03 * self._breadth * self._along, self._skin, thick * 1.05)
        for across, long in FINGERS:
            tip = PALM_SHARE + (1.0 - PALM_SHARE) * long
            line = [self._at(PALM_SHARE - 0.06, across), self._at((PALM_SHARE + tip) / 2, across * 1.04 * spread),
                    self._at(tip - 0.05, across * spread)]  # fmt: skip
            layer.stroke(np.array(line), shaded(self._skin, 0.72), thick * 1.18)
            layer.stroke(np.array(line), self._skin, thick * 0.96)
            layer.disc(self._at(tip - 0.04, across * spread), 0.28 * thick, shaded(self._skin, 1.13))


def _carried(pose: ScenePose, limb: Limb, package: Package, item: SeenItem, place: int) -> Layer | None:
    """Return the picture of an item in the hand: as it stands while it is touched there, turned when it is carried."""
    away_mm = float(np.linalg.norm(limb.tips_mm - touch_mm(item, package, limb.reach.grasp)))
    gone = min(away_mm / TURNED_WITHIN_MM, 1.0)
    turned = limb.reach.tilt_deg * gone
    held = limb.reach.grasp + gone * (limb.reach.cover - limb.reach.grasp)
    turn = np.radians(turned)
    aside = (place - 0.5 * (len(limb.carried) - 1)) * 0.8 * package.size_mm[0]
    up = (0.5 - held) * package.size_mm[2]
    x_mm = limb.tips_mm[0] + aside - up * np.sin(turn)
    z_mm = limb.tips_mm[2] + up * np.cos(turn)
    y_mm = float(limb.tips_mm[1]) + 2.0
    to_px = pose.upright_to_px(y_mm) @ package_to_mm(package, x_mm, z_mm, turned)
    return warped(package.front, to_px, brightness(y_mm), pose.width_px, pose.height_px)

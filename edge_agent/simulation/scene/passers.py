"""People before the shelf: those who pass between it and the camera, and the heads of those who reach."""

from dataclasses import dataclass

import numpy as np

from edge_agent.model import FloatArray
from edge_agent.simulation.scene.compositing import Layer, Rgb
from edge_agent.simulation.scene.people import Person, draw_person, shaded
from edge_agent.simulation.scene.pose import ScenePose

WALK_MM_S = (700.0, 1500.0)
HEAD_MM, NECK_MM, SHOULDERS_MM = 98.0, 150.0, 185.0
BEFORE_MM = (260.0, 420.0)
"""How far before the front people pass."""
HEAD_Z_MM = (-60.0, 420.0)
"""Where their heads are above the board: children and tall people (assumed, 2026-12)."""
SHADOW_UP_MM, SHADOW_BLUR_MM, SHADOW_SHARE = 90.0, 70.0, 0.22
"""The aisle's lamps throw a body's soft shadow on the shelf above and around it (assumed, 2026-12)."""
NEAREST_SHARE = 0.65
"""People stay behind this share of the camera's distance from the front."""
BEYOND_MM = 900.0
MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Passer:
    """Somebody who walks by, in a straight line."""

    from_s: float
    until_s: float
    from_x_mm: float
    to_x_mm: float
    before_mm: float
    head_z_mm: float
    person: Person

    def head_mm(self, t_s: float) -> FloatArray:
        """Return where the head's middle is, (3,)."""
        share = (t_s - self.from_s) / (self.until_s - self.from_s)
        x = self.from_x_mm + share * (self.to_x_mm - self.from_x_mm)
        bob = 14.0 * np.sin(2 * np.pi * 1.9 * t_s)
        return np.array([x, -self.before_mm, self.head_z_mm + bob])


def draw_passers(minute: int, seed: int, per_minute: float, width_mm: float, goods: FloatArray) -> list[Passer]:
    """Return who sets out in a minute of world time; the same arguments give the same people."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 43, minute + 1_000_000]))
    passers = []
    for _ in range(int(rng.poisson(per_minute))):
        from_s = (minute + rng.random()) * MINUTE_S
        length_mm = width_mm + 2 * BEYOND_MM
        lasts_s = length_mm / rng.uniform(*WALK_MM_S)
        ends = (-BEYOND_MM, width_mm + BEYOND_MM)
        start, end = ends if rng.random() < 0.5 else ends[::-1]
        before_mm, head_z_mm = rng.uniform(*BEFORE_MM), rng.uniform(*HEAD_Z_MM)
        passers.append(
            Passer(from_s, from_s + lasts_s, start, end, float(before_mm), float(head_z_mm), draw_person(rng, goods))
        )
    return passers


def body_outlines(pose: ScenePose, head_mm: FloatArray, breadth: float) -> tuple[FloatArray, FloatArray]:
    """Return the outlines of head and trunk in the picture, each (n, 2) px: nobody walks into the camera."""
    head_mm = np.maximum(head_mm, [-np.inf, NEAREST_SHARE * pose.eye_mm[1], -np.inf])
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    head = head_mm + HEAD_MM * np.stack([np.cos(angle) * 0.86, np.zeros_like(angle), np.sin(angle) * 1.12], axis=1)
    half = SHOULDERS_MM * breadth
    trunk = np.array(
        [[-0.3, -NECK_MM * 0.6], [-0.85, -NECK_MM], [-1.0, -NECK_MM - 70], [-1.0, -700], [1.0, -700],
         [1.0, -NECK_MM - 70], [0.85, -NECK_MM], [0.3, -NECK_MM * 0.6]]
    )  # fmt: skip
    body = head_mm + np.stack([trunk[:, 0] * half, np.zeros(len(trunk)), trunk[:, 1]], axis=1)
    return pose.to_px(head), pose.to_px(body)


def draw_body(
    picture: Rgb,
    pose: ScenePose,
    head_mm: FloatArray,
    person: Person,
    motion_px: FloatArray,
    defocus_px: float,
    *,
    shadow: bool,
) -> None:
    """Draw somebody from behind and above: hair, neck, shoulders, back."""
    head, trunk = body_outlines(pose, head_mm, person.breadth)
    layer = Layer.around(np.concatenate([head, trunk]), 4.0, pose.width_px, pose.height_px)
    if layer is None:
        return
    middle, scale = head.mean(axis=0), float(pose.px_per_mm(head_mm[None])[0])
    layer.polygon(trunk, person.sleeve)
    narrower = trunk.mean(axis=0) + (trunk - trunk.mean(axis=0)) * [0.72, 0.97]
    layer.polygon(narrower, shaded(person.sleeve, 1.07))
    layer.stroke(
        np.stack([middle, middle + np.array([0.0, 1.3 * HEAD_MM * scale])]), shaded(person.skin, 0.85), 90 * scale
    )
    layer.polygon(head, person.skin)
    layer.polygon(middle + (head - middle) * 0.95 - [0.0, 0.12 * HEAD_MM * scale], person.hair)
    if shadow:
        layer.shade(picture, np.array([0.0, -SHADOW_UP_MM * scale]), SHADOW_BLUR_MM * scale, SHADOW_SHARE)
    layer.blur(motion_px, defocus_px).lay_over(picture)

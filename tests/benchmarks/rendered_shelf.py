"""A rendered shelf with visits, and an eye that watches it: what `vision_table.py` counts and calibrates with."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edge_agent.bytes_level.shop import shop_of, world_of
from edge_agent.bytes_level.shopper import visit
from edge_agent.config.camera import CameraConfig
from edge_agent.config.tree import PolicyConfig
from edge_agent.judging.habits import HABITS
from edge_agent.judging.hardware import HARDWARE, HardwareKind
from edge_agent.judging.suites import draw_shelf
from edge_agent.model import CameraCondition, CameraProgress, MonotonicNs, VisionObservation
from edge_agent.simulation.scene import Scene, SceneLook, ScenePose, SceneTrouble, packages_for, pictures_from
from edge_agent.vision.eye import ShelfEye
from edge_agent.vision.frames import CameraFrame
from edge_agent.vision.front_change import LaneScores
from edge_agent.vision.geometry import ShelfView
from edge_agent.vision.mask import PrivacyMask
from edge_agent.vision.structure import RealPicture

ICONIC = Path(__file__).resolve().parents[2].parent / "shared/data/grocery/iconic"
RATE_HZ = 15.0
AFTER_S = 3.0
"""Watched after the last act."""
SUITE = "store"


@dataclass
class Watched:
    """What the eye said of one rendered shelf, and the truth beside it.

    Attributes
    ----------
    counted, truly, bodies : list of int, one a frame
        Hands by the eye, fingertips before the opening that no body hides, people who pass.
    busy_ms, quiet_ms : list of float
        Processor time of frames with a hand or a body, and without.
    scores : list of (start s, end s, LaneScores)
        Of every comparison of the front.
    """

    scene: Scene
    counted: list[int] = field(default_factory=list)
    truly: list[int] = field(default_factory=list)
    bodies: list[int] = field(default_factory=list)
    t_s: list[float] = field(default_factory=list)
    busy_ms: list[float] = field(default_factory=list)
    quiet_ms: list[float] = field(default_factory=list)
    said: list[VisionObservation | CameraProgress | CameraCondition] = field(default_factory=list)
    scores: list[LaneScores] = field(default_factory=list)
    words: list[VisionObservation] = field(default_factory=list)
    word_scores: list[LaneScores] = field(default_factory=list)


def rendered(
    seed: int,
    kind: HardwareKind,
    acts: int,
    *,
    look: SceneLook | None = None,
    troubles: Sequence[SceneTrouble] = (),
    pose: ScenePose | None = None,
) -> tuple[Scene, float]:
    """Return the scene of a drawn shop with visits, and when it ends, s."""
    site = shop_of(draw_shelf(SUITE, seed, 0), HARDWARE[kind], PolicyConfig())
    rng = np.random.default_rng(np.random.SeedSequence([seed, 31]))
    world = world_of(site, seed)
    truths = visit(world, HABITS, rng, acts)
    shelf = site.shelves[0]
    skus = [item.sku for item in site.catalogue.items]
    pictures = pictures_from(ICONIC, skus, seed) if ICONIC.exists() else None
    packages = packages_for(site, shelf.shelf_id, 300.0, pictures)
    scene = Scene.of_world(world, packages, seed=seed, look=look, troubles=troubles, pose=pose)
    return scene, max(truth.t_release_s for truth in truths) + AFTER_S


def frames_of(scene: Scene, until_s: float) -> Iterator[tuple[float, CameraFrame]]:
    """Yield the frames of a scene with their instants, s."""
    for sequence in range(int(until_s * RATE_HZ)):
        t_s = sequence / RATE_HZ
        t_ns = MonotonicNs(10_000_000_000 + round(t_s * 1e9))
        yield t_s, CameraFrame(sequence, t_ns, scene.grey(t_s), lambda at_s=t_s: scene.picture(at_s))  # type: ignore[misc]


def watch(scene: Scene, until_s: float) -> Watched:
    """Let an eye watch a scene."""
    view = ShelfView(scene.pose.front_to_px, 1280, 960, scene.shelf.width_mm, scene.opening_mm, "rendered")
    camera = CameraConfig(shelf_id=scene.shelf.shelf_id, driver="simulated", opening_mm=scene.opening_mm)
    mask = PrivacyMask(view.kept(1280, 960), view.kept(320, 240))
    eye = ShelfEye(view, scene.lanes, camera)
    seen = Watched(scene)
    change = eye._change
    scored = change.scores

    def remembered(before: RealPicture, after: RealPicture, noise_grey: float) -> LaneScores:
        seen.scores.append(scored(before, after, noise_grey))
        return seen.scores[-1]

    change.scores = remembered  # type: ignore[method-assign]
    hands = 0
    for t_s, frame in frames_of(scene, until_s):
        masked = mask.apply(frame)
        began = time.thread_time()
        heard = eye.step(masked)
        cost_ms = 1e3 * (time.thread_time() - began)
        truly, bodies = in_view(scene, t_s), scene.bodies_at(t_s)
        near = bool(scene.hands_at(t_s)) or bool(bodies)
        (seen.busy_ms if near else seen.quiet_ms).append(cost_ms)
        for each in heard:
            if isinstance(each, CameraProgress):
                hands = each.hands
            if isinstance(each, VisionObservation) and each.kind == "lanes":
                seen.words.append(each)
                seen.word_scores.append(seen.scores[-1])
        seen.said += heard
        seen.counted.append(hands)
        seen.truly.append(truly)
        seen.bodies.append(bodies)
        seen.t_s.append(t_s)
    return seen


def in_view(scene: Scene, t_s: float) -> int:
    """Return how many hands' fingertips are seen before the opening."""
    width, height = scene.shelf.width_mm, scene.opening_mm
    return sum(
        0 <= hand.seen_x_mm <= width and 0 <= hand.seen_z_mm <= height and not hand.hidden
        for hand in scene.hands_at(t_s)
    )


def seconds(t_ns: int) -> float:
    """Return the scene's time of an instant."""
    return (t_ns - 10_000_000_000) * 1e-9

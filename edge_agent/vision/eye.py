"""The eye on one shelf: frames behind the mask in, what is known of hands, lanes and appearances out.

A frame goes through backdrop → arms → hands → reaches; when hands have left and nothing moves any more, the front is
compared with what it was before them, and what was cut out meanwhile is recognised, one cutting a frame. Then, and not
before, nothing more will be said of the time until then.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from edge_agent.config.assortment import LaneConfig
from edge_agent.config.camera import CameraConfig
from edge_agent.model import FloatArray, MonotonicNs, VisionObservation
from edge_agent.vision.backdrop import Backdrop, Difference
from edge_agent.vision.carried import AROUND_PATCH_MM, AppearanceModel, Item, Waiting, cut
from edge_agent.vision.change_calibration import CALIBRATION_ID
from edge_agent.vision.frame_health import FrameHealth
from edge_agent.vision.frames import ColourPicture, GreyPicture, MaskedFrame, PixelMask
from edge_agent.vision.front_change import FrontChange, LaneScores, Patch
from edge_agent.vision.geometry import ShelfView
from edge_agent.vision.hand_tracks import HandTracks
from edge_agent.vision.hands import ArmFinder, FrontScene, half_of
from edge_agent.vision.in_hand import InHand
from edge_agent.vision.moved import Reference
from edge_agent.vision.quiet_front import QuietFront
from edge_agent.vision.reaches import Reach
from edge_agent.vision.structure import RealPicture
from edge_agent.vision.words import Said, Words

PROGRESS_EVERY_S = 0.4
"""Twice a second at least, frames coming unevenly (model.CameraProgress)."""
BEFORE_EVERY_S = 2.0
"""The large picture of the quiet front is renewed so often: it costs 2 ms a time (measured here, 2026-12)."""
STILL_SIGMAS = 3.0
GAP_S = 1.5
"""After so long without a frame nothing that was followed is the same any more."""
X_PATCH_SIGMA_MM = 25.0
"""Of a change's place: half an item's width (assumed, 2026-12)."""
CAME_LEAN = 0.4
"""A patch that leans more than this came; takes are twenty times as frequent (rendered seeds 1-12, 2026-12)."""
BEFORE_WIDTH_PX = 1280
"""The large picture of the quiet front is kept at most so wide: 3.7 MB."""
LEAST_WEIGHT = 0.1
"""A frame that is to be believed less says nothing."""
TOUCH_DEPTH_MM = 40.0
"""Behind the front, where hands take hold: they are seen before another place (rendered seeds 11-14, 2026-12)."""
REACH_CALIBRATION_ID = "reach-1"


@dataclass(slots=True)
class _Act:
    """From the first foreground until the front was compared."""

    since_ns: MonotonicNs
    weight: float
    """How much the picture before it is to be believed."""
    hands: set[int] = field(default_factory=set)
    reaches: list[Reach] = field(default_factory=list)


class ShelfEye:
    """Everything that is seen of one shelf.

    Parameters
    ----------
    view : ShelfView
        Where the shelf is in the picture, as commissioned.
    lanes : sequence of LaneConfig
        Of this shelf, from the planogram.
    camera : CameraConfig
    appearance : AppearanceModel, optional
        Without one, nothing is said of SKUs.
    reference : (lores height, lores width), optional
        The small picture when the view was commissioned, masked; where None, the first frame is what a moved camera is
        noticed against.
    sku_ids : sequence of str, optional
        SKUs that appearance is asked about; those of the lanes where None.
    """

    def __init__(
        self,
        view: ShelfView,
        lanes: Sequence[LaneConfig],
        camera: CameraConfig,
        appearance: AppearanceModel | None = None,
        *,
        reference: GreyPicture | None = None,
        sku_ids: Sequence[str] | None = None,
    ) -> None:
        self._view = view
        size = (camera.lores_width_px, camera.lores_height_px)
        self._kept = view.kept(*size)
        kept_half = half_of(self._kept)
        self._backdrop = Backdrop(kept_half)
        self._finder = ArmFinder(view, kept_half)
        self._tracks = HandTracks()
        self._change = FrontChange(view, lanes, self._kept)
        self._reference = reference
        self._health: FrameHealth | None = None
        names = sorted({lane.sku for lane in lanes}) if sku_ids is None else sku_ids
        self._waiting = None if appearance is None else Waiting(appearance, names)
        self._in_hand = InHand(view)
        self._quiet = QuietFront()
        self._act: _Act | None = None
        self._stood: tuple[RealPicture, PixelMask] | None = None
        self._before: ColourPicture | None = None
        self._before_ns: MonotonicNs | None = None
        self._last_ns: MonotonicNs | None = None
        self._said_ns: MonotonicNs | None = None
        self._said_hands = 0
        self._quiet_weight = 1.0
        self._words = Words(camera)

    @property
    def health(self) -> FrameHealth:
        """Return how the frames are to be believed.

        Raises
        ------
        ValueError
            Before the first frame.
        """
        if self._health is None:
            raise ValueError("no frame was seen yet")
        return self._health

    def step(self, frame: MaskedFrame, arrived_ns: MonotonicNs | None = None) -> list[Said]:
        """Take in a frame; return what became known with it.

        Parameters
        ----------
        arrived_ns : MonotonicNs, optional
            When it reached this process; frames are then judged by their age, too.
        """
        self._words.begin(frame.sequence)
        health = self._health or self._commission(frame.grey)
        said: list[Said] = []
        if self._last_ns is not None and (frame.t_ns - self._last_ns) * 1e-9 > GAP_S:
            said += self._forget()
        self._last_ns = frame.t_ns
        difference = self._backdrop.look(frame.grey, learn=self._act is None)
        scene = None if difference.foreground is None else self._finder.find(difference.foreground)
        covered = 0.0 if scene is None else scene.covered_share
        findings = health.step(frame.grey, frame.sequence, frame.t_ns, arrived_ns, covered)
        said += [self._words.condition(finding, frame.t_ns) for finding in findings]
        said += self._follow(frame, scene, health.weight)
        self._overlook(difference, scene)
        said += self._settle(frame, difference, scene, health.weight)
        said += self._recognise()
        return [*said, *self._progress(frame.t_ns)]

    def _commission(self, grey: GreyPicture) -> FrameHealth:
        reference = grey if self._reference is None else self._reference
        self._health = FrameHealth(self._kept, Reference(self._view, reference))
        return self._health

    def _follow(self, frame: MaskedFrame, scene: FrontScene | None, weight: float) -> list[Said]:
        arms = () if scene is None else scene.arms
        if scene is None and not self._tracks.hands:
            return []
        reaches = self._tracks.step(arms, frame.t_ns)
        if scene is not None and self._act is None:
            self._act = _Act(frame.t_ns, self._quiet_weight)
        act = self._act
        if act is None:
            return []
        crossing = self._tracks.crossing
        act.hands.update(hand.track_id for hand in crossing)
        if self._waiting is not None:
            self._in_hand.watch(crossing, frame)
            for reach in reaches:
                self._in_hand.reached(reach)
        return [self._reach(act, reach, weight) for reach in reaches if weight >= LEAST_WEIGHT]

    def _reach(self, act: _Act, reach: Reach, weight: float) -> VisionObservation:
        act.reaches.append(reach)
        return self._words.observation(
            "reach",
            reach.t_start_ns,
            reach.t_end_ns,
            self._change.true_x_mm(reach.x_mm, TOUCH_DEPTH_MM),
            reach.x_sigma_mm / max(weight, LEAST_WEIGHT),
            track_id=reach.track_id,
            calibration_id=REACH_CALIBRATION_ID,
        )

    def _overlook(self, difference: Difference, scene: FrontScene | None) -> None:
        """Let goods that were moved, and that no arm touches any more, be no part of the next arm before them."""
        last, self._stood = self._stood, None
        if scene is None or not scene.inside.any():
            return
        self._stood = (difference.half, scene.inside)
        if last is not None:
            still = np.abs(difference.half - last[0]) < STILL_SIGMAS * self._backdrop.noise_grey
            self._backdrop.overlook(difference.half, scene.inside & last[1] & still)

    def _settle(
        self, frame: MaskedFrame, difference: Difference, scene: FrontScene | None, weight: float
    ) -> list[Said]:
        """Compare the front once nobody is before it and nothing on it moves."""
        act = self._act
        if act is None:
            self._quiet.clear()
            self._quiet_weight = weight
            self._renew_before(frame)
            return []
        after = self._quiet.step(
            difference,
            scene,
            followed=bool(self._tracks.hands),
            noise_grey=self._backdrop.noise_grey,
            t_ns=frame.t_ns,
        )
        if after is None:
            return []
        self._act = None
        said: list[Said] = [self._reach(act, reach, weight) for reach in self._tracks.end() if weight >= LEAST_WEIGHT]
        before = self._backdrop.whole
        if before is not None:
            scores = self._change.scores(before, after, self._backdrop.noise_grey)
            believed = min(act.weight, weight)
            if believed >= LEAST_WEIGHT and (act.hands or scores.patches):
                said.append(self._lanes_word(act, scores, frame.t_ns, believed))
            self._cut_patches(act, scores, frame)
        self._backdrop.absorb(after)
        self._before_ns = None
        return said

    def _lanes_word(self, act: _Act, scores: LaneScores, t_ns: MonotonicNs, weight: float) -> VisionObservation:
        largest = max(scores.patches, key=lambda patch: patch.right_mm - patch.left_mm, default=None)
        return self._words.observation(
            "lanes",
            act.since_ns,
            t_ns,
            largest.x_mm if largest else 0.0,
            X_PATCH_SIGMA_MM / weight if largest and len(scores.patches) == 1 else math.inf,
            calibration_id=CALIBRATION_ID,
            lane_ids=self._change.lane_ids,
            lane_log_likelihood=self._change.log_likelihood(scores, weight),
        )

    def _cut_patches(self, act: _Act, scores: LaneScores, frame: MaskedFrame) -> None:
        """Let what left or came, and what hands held, wait to be recognised: the clearest view of each item."""
        if self._waiting is None:
            return
        held = self._in_hand.end()
        after: ColourPicture | None = None
        items = []
        for patch in scores.patches:
            came = patch.lean > CAME_LEAN
            if came and after is None:
                after = frame.colour()
            source = after if came else self._before
            piece = None if source is None else cut(source, self._view, _corners(patch))
            if piece is not None:
                direction = 1 if came else -1 if patch.lean < 0 else 0
                item = Item(act.since_ns, frame.t_ns, patch.x_mm, X_PATCH_SIGMA_MM, direction, -1, None)
                item.add(piece, frame.t_ns)
                items.append(item)
        if len(items) == 1 and len(act.hands) <= 1 and len(act.reaches) <= 1:
            for each in held:  # one hand, one reach, one place: its cuttings are of the same item
                if (each.item_index == 0) == (items[0].direction > 0):
                    for cutting in each.cuttings:
                        items[0].add(cutting, each.t_end_ns)
        for item in items or held:
            self._waiting.put(item)

    def _recognise(self) -> list[Said]:
        waiting = self._waiting
        if waiting is None or not len(waiting) or self._tracks.hands:
            return []
        item = waiting.score_one()
        if item is None:
            return []
        return [
            self._words.observation(
                "carried",
                item.t_start_ns,
                item.t_end_ns,
                item.x_mm,
                item.x_sigma_mm,
                direction=item.direction,
                track_id=item.track_id,
                item_index=item.item_index,
                sku_ids=waiting.sku_ids,
                log_likelihood=item.mean_nats(),
                calibration_id=waiting.calibration_id,
            )
        ]

    def _renew_before(self, frame: MaskedFrame) -> None:
        if self._waiting is None:
            return
        if self._before_ns is None or (frame.t_ns - self._before_ns) * 1e-9 >= BEFORE_EVERY_S:
            self._before_ns = frame.t_ns
            before = frame.colour()
            if before.shape[1] > BEFORE_WIDTH_PX:
                size = (BEFORE_WIDTH_PX, round(before.shape[0] * BEFORE_WIDTH_PX / before.shape[1]))
                before = np.asarray(cv2.resize(before, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
            self._before = before

    def _forget(self) -> list[Said]:
        """Let go of hands that nobody watched for too long; what changed meanwhile is compared all the same."""
        reaches, act = self._tracks.end(), self._act
        self._quiet.clear()
        return [self._reach(act, reach, act.weight) for reach in reaches if act and act.weight >= LEAST_WEIGHT]

    def _progress(self, t_ns: MonotonicNs) -> list[Said]:
        hands = len(self._tracks.crossing)
        due = self._said_ns is None or (t_ns - self._said_ns) * 1e-9 >= PROGRESS_EVERY_S
        if not due and hands == self._said_hands:
            return []
        self._said_ns, self._said_hands = t_ns, hands
        open_ns = [self._act.since_ns if self._act else None, self._waiting.since_ns if self._waiting else None]
        since = min((each for each in open_ns if each is not None), default=None)
        return [self._words.progress(t_ns, hands, since)]


def _corners(patch: Patch) -> FloatArray:
    low = [patch.left_mm - AROUND_PATCH_MM, patch.bottom_mm - AROUND_PATCH_MM]
    return np.array([low, [patch.right_mm + AROUND_PATCH_MM, patch.top_mm + AROUND_PATCH_MM]])

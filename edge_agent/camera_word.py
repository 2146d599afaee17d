"""What the cameras said lately, and which steps of the scale wait a moment for what they will say.

A camera speaks later than a scale: a frame is exposed, read, looked at, and a shelf's front is compared only when the
hands have left. So a final step waits here, but only if hands were seen during it, only for a camera that is alive and
well, and never for long. The steps of one shelf leave in the order in which they came.

How long is told by the boards' clock alone: a camera's own instants say what it saw when, never what time it is.
"""

from collections import deque
from dataclasses import dataclass, field

from edge_agent.estimation.hands_at_front import HOLD_NS
from edge_agent.model import (
    CameraCondition,
    CameraProgress,
    MonotonicNs,
    VisionObservation,
    WeightStep,
)

WAIT_NS = 1_200_000_000
"""How long a step waits for the camera after its rest began (assumed, 2026-12)."""
AFTER_HANDS_NS = 800_000_000
"""How long it waits at least after the hands left: they are lost for certain after 0.3 s, the front is compared after
0.3 s of stillness, what came or went is recognised in 0.15 s (vision's own rules, 2026-12)."""
LATEST_NS = HOLD_NS + WAIT_NS
"""How long after a rest began its step is decided at the latest, whatever the camera says."""
AROUND_NS = 700_000_000
"""How far around a step the hand is seen on its way in and out, so that its word belongs to the step (assumed,
2026-12)."""
MEMORY_NS = 10_000_000_000
"""How long an observation is kept after its end while nothing is undecided: cells find an act's onset late, a slow one
by seconds (2026-11)."""
LIMIT_NS = 600_000_000_000
"""How long at most while something is: a board may be dark for days (2026-11)."""
MOST_REMEMBERED = 1000
"""How many observations are kept at most, the oldest go first: ten minutes of a busy shelf say some hundred (rule,
2026-12)."""
SILENT_NS = 1_000_000_000
"""A camera speaks twice a second at least; one that is behind the boards by more is not waited for (rule, 2026-12)."""
BLINDING = frozenset(
    {
        "camera_down",
        "camera_uncommissioned",
        "camera_blocked",
        "camera_dark",
        "camera_overexposed",
        "camera_frozen",
        "camera_moved",
    }
)
"""Conditions in which a camera's hands neither delay anything nor count."""


@dataclass(slots=True)
class _Eye:
    """One shelf's camera."""

    heard_ns: int | None = None
    unsettled_since_ns: int | None = None
    hands_from_ns: int | None = None
    """Since when hands are there, None while there are none."""
    visits: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=64))
    """When hands were there, ended visits."""
    wrong: set[str] = field(default_factory=set)

    @property
    def believed(self) -> bool:
        """Return whether its pictures are to be believed."""
        return self.heard_ns is not None and not self.wrong & BLINDING

    def progress(self, t_ns: int, hands: int, unsettled_since_ns: int | None) -> None:
        """Note how far its word goes."""
        if hands and self.hands_from_ns is None:
            self.hands_from_ns = t_ns
        elif not hands and self.hands_from_ns is not None:
            self.visits.append((self.hands_from_ns, t_ns))
            self.hands_from_ns = None
        self.heard_ns, self.unsettled_since_ns = t_ns, unsettled_since_ns

    def lose_sight(self, t_ns: int) -> None:
        """Forget what it was following: of that nothing more is said."""
        self.progress(t_ns, 0, None)
        self.heard_ns = None

    @property
    def left_ns(self) -> int:
        """Return when hands left last; 0 if there were none."""
        return self.visits[-1][1] if self.visits else 0

    def hands_during(self, t_start_ns: int, t_end_ns: int) -> bool:
        """Return whether hands were seen between two instants."""
        if self.hands_from_ns is not None and self.hands_from_ns <= t_end_ns:
            return True
        return any(begin <= t_end_ns and end >= t_start_ns for begin, end in self.visits)


class CameraWord:
    """The cameras' side of the pipeline: what they said, and the steps that wait for more."""

    def __init__(self) -> None:
        self._eyes: dict[str, _Eye] = {}
        self._observations: list[VisionObservation] = []
        self._waiting: list[tuple[WeightStep, MonotonicNs]] = []
        self._ended_ns: dict[str, MonotonicNs] = {}

    def note(
        self,
        message: VisionObservation | CameraProgress | CameraCondition,
        now_ns: MonotonicNs,
        open_ns: MonotonicNs | None = None,
    ) -> None:
        """Take in what a camera says; ``open_ns`` is since when something is undecided, if anything is."""
        eye = self._eyes.setdefault(message.shelf_id, _Eye())
        if isinstance(message, VisionObservation):
            self._remember(message, now_ns, open_ns)
        elif isinstance(message, CameraProgress):
            eye.progress(message.t_ns, message.hands, message.unsettled_since_ns)
        elif not message.raised:
            eye.wrong.discard(message.code)
        else:
            eye.wrong.add(message.code)
            if message.code in BLINDING:
                eye.lose_sight(message.t_ns)

    def believed(self, shelf_id: str) -> bool:
        """Return whether a shelf has a camera whose pictures are to be believed."""
        return shelf_id in self._eyes and self._eyes[shelf_id].believed

    def due(self, step: WeightStep | None, now_ns: MonotonicNs) -> list[WeightStep]:
        """Return the steps to decide now, in order; the given one is kept if it is worth waiting."""
        if step is not None:
            self._waiting.append((step, now_ns))
        ready: list[WeightStep] = []
        waiting: list[tuple[WeightStep, MonotonicNs]] = []
        for place, (each, found_ns) in enumerate(self._waiting):
            overtaken = any(later.shelf_id == each.shelf_id for later, _ in self._waiting[place + 1 :])
            if not overtaken and self._waits(each, found_ns, now_ns):
                waiting.append((each, found_ns))
            else:
                ready.append(each)
        self._waiting = waiting
        return ready

    def rest(self) -> list[WeightStep]:
        """Return all that waits: the mode changes, or the agent stops."""
        waiting, self._waiting = self._waiting, []
        return [each for each, _ in waiting]

    @property
    def undecided_since_ns(self) -> MonotonicNs | None:
        """Return since when the oldest of the waiting steps is undecided."""
        return min((each.t_start_ns for each, _ in self._waiting), default=None)

    @property
    def shelves(self) -> frozenset[str]:
        """Return the shelves of waiting steps: their resting weights are not committed yet."""
        return frozenset(each.shelf_id for each, _ in self._waiting)

    def during(self, step: WeightStep) -> list[VisionObservation]:
        """Return what belongs to a step and was told of none before.

        A hand is seen coming before the cells feel it and leaving after; what is nearer to the step before is that
        one's. A comparison of the front counts where nothing else happened between its two pictures: none of its time
        is the step's before, and it was made no later than it is waited for.
        """
        begin_ns, end_ns = step.t_start_ns - AROUND_NS, step.t_end_ns + AROUND_NS
        before_ns = self._ended_ns.get(step.shelf_id, MonotonicNs(0))
        if before_ns <= step.t_start_ns:
            begin_ns = max(begin_ns, (before_ns + step.t_start_ns) // 2)
        seen = []
        for each in self._observations:
            if each.shelf_id != step.shelf_id or each.t_start_ns > end_ns or each.t_end_ns < begin_ns:
                continue
            spans_more = each.t_start_ns < before_ns <= step.t_start_ns or each.t_end_ns > step.t_end_ns + LATEST_NS
            if each.lane_ids and spans_more:
                continue
            seen.append(each)
        return seen

    def decided(self, step: WeightStep) -> None:
        """Note a final step that was decided: what was told of it is told of no other."""
        told = {id(each) for each in self.during(step)}
        self._observations = [each for each in self._observations if id(each) not in told]
        self._ended_ns[step.shelf_id] = step.t_end_ns

    def _waits(self, step: WeightStep, found_ns: MonotonicNs, now_ns: MonotonicNs) -> bool:
        eye = self._eyes.get(step.shelf_id)
        if not step.final or eye is None or not eye.believed or eye.heard_ns is None:
            return False
        if now_ns - eye.heard_ns > SILENT_NS or not eye.hands_during(step.t_start_ns - AROUND_NS, step.t_end_ns):
            return False
        # A hand that is there still did not hold the rest, or was given up on: it is waited for no longer.
        left_ns = 0 if eye.hands_from_ns is not None else min(eye.left_ns, found_ns)
        if now_ns >= max(step.t_end_ns + WAIT_NS, left_ns + AFTER_HANDS_NS):
            return False
        unsettled = eye.unsettled_since_ns is not None and eye.unsettled_since_ns <= step.t_end_ns
        return unsettled or eye.heard_ns < step.t_end_ns

    def _remember(self, seen: VisionObservation, now_ns: MonotonicNs, open_ns: MonotonicNs | None) -> None:
        since_ns = [each for each in (now_ns, open_ns, self.undecided_since_ns) if each is not None]
        horizon_ns = max(min(since_ns) - MEMORY_NS, now_ns - LIMIT_NS)
        kept = [each for each in self._observations if each.t_end_ns >= horizon_ns]
        self._observations = [*kept[1 - MOST_REMEMBERED :], seen]

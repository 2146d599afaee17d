"""What the cameras said lately, and which steps of the scale wait a moment for what they will say.

A camera speaks later than a scale: a frame is exposed, read, looked at, and a shelf's front is compared only when the
hands have left. So a final step waits here, but only if hands were seen during it, only for a camera that is alive and
well, and never for long. The steps of one shelf leave in the order in which they came.
"""

from collections import deque
from dataclasses import dataclass, field

from edge_agent.model import (
    CameraCondition,
    CameraProgress,
    MonotonicNs,
    VisionObservation,
    WeightStep,
)

WAIT_NS = 1_200_000_000
"""How long a step waits for the camera after its rest began: hands leave the front within 0.8 s of letting go, the
frames after that are compared within 0.4 s (assumed, 2026-12)."""
AROUND_NS = 700_000_000
"""How far around a step the hand is seen on its way in and out, so that its word belongs to the step (assumed,
2026-12)."""
MEMORY_NS = 10_000_000_000
"""How long an observation is kept after its end while nothing is undecided: cells find an act's onset late, a slow one
by seconds (2026-11)."""
LIMIT_NS = 600_000_000_000
"""How long at most while something is: a board may be dark for days (2026-11)."""
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
        """Return whether it may be waited for."""
        return self.heard_ns is not None and not self.wrong & BLINDING

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
        self._waiting: list[WeightStep] = []
        self._ended_ns: dict[str, list[MonotonicNs]] = {}

    def note(self, message: VisionObservation | CameraProgress | CameraCondition, open_ns: MonotonicNs | None) -> None:
        """Take in what a camera says; ``open_ns`` is since when something is undecided."""
        eye = self._eyes.setdefault(message.shelf_id, _Eye())
        if isinstance(message, VisionObservation):
            self._remember(message, open_ns)
        elif isinstance(message, CameraCondition):
            (eye.wrong.add if message.raised else eye.wrong.discard)(message.code)
        else:
            if message.hands and eye.hands_from_ns is None:
                eye.hands_from_ns = message.t_ns
            elif not message.hands and eye.hands_from_ns is not None:
                eye.visits.append((eye.hands_from_ns, message.t_ns))
                eye.hands_from_ns = None
            eye.heard_ns, eye.unsettled_since_ns = message.t_ns, message.unsettled_since_ns

    def believed(self, shelf_id: str) -> bool:
        """Return whether a shelf has a camera whose pictures are to be believed."""
        return shelf_id in self._eyes and self._eyes[shelf_id].believed

    def due(self, step: WeightStep | None, now_ns: MonotonicNs) -> list[WeightStep]:
        """Return the steps to decide now, in order; the given one is kept if it is worth waiting."""
        if step is not None:
            self._waiting.append(step)
        ready: list[WeightStep] = []
        waiting: list[WeightStep] = []
        for place, each in enumerate(self._waiting):
            overtaken = any(later.shelf_id == each.shelf_id for later in self._waiting[place + 1 :])
            (waiting if not overtaken and self._waits(each, now_ns) else ready).append(each)
        self._waiting = waiting
        return ready

    def rest(self) -> list[WeightStep]:
        """Return all that waits: the mode changes, or the agent stops."""
        waiting, self._waiting = self._waiting, []
        return waiting

    @property
    def undecided_since_ns(self) -> MonotonicNs | None:
        """Return since when the oldest of the waiting steps is undecided."""
        return min((each.t_start_ns for each in self._waiting), default=None)

    @property
    def shelves(self) -> frozenset[str]:
        """Return the shelves of waiting steps: their resting weights are not committed yet."""
        return frozenset(each.shelf_id for each in self._waiting)

    def during(self, step: WeightStep) -> list[VisionObservation]:
        """Return what belongs to a step.

        A hand is seen coming before the cells feel it and leaving after; what is nearer to the step before is that
        one's. A comparison of the front counts where nothing else happened between its two pictures.
        """
        begin_ns, end_ns = step.t_start_ns - AROUND_NS, step.t_end_ns + AROUND_NS
        earlier = [each for each in self._ended_ns.get(step.shelf_id, []) if each <= step.t_start_ns]
        before_ns = max(earlier, default=None)
        if before_ns is not None:
            begin_ns = max(begin_ns, (before_ns + step.t_start_ns) // 2)
        seen = []
        for each in self._observations:
            if each.shelf_id != step.shelf_id or each.t_start_ns > end_ns or each.t_end_ns < begin_ns:
                continue
            if each.kind == "lanes" and before_ns is not None and each.t_start_ns < before_ns:
                continue
            seen.append(each)
        return seen

    def decided(self, step: WeightStep) -> None:
        """Note a final step that was decided."""
        self._ended_ns[step.shelf_id] = [*self._ended_ns.get(step.shelf_id, [])[-3:], step.t_end_ns]

    def _waits(self, step: WeightStep, now_ns: MonotonicNs) -> bool:
        eye = self._eyes.get(step.shelf_id)
        if not step.final or eye is None or not eye.believed or now_ns - step.t_end_ns >= WAIT_NS:
            return False
        if not eye.hands_during(step.t_start_ns - AROUND_NS, step.t_end_ns):
            return False
        unsettled = eye.unsettled_since_ns is not None and eye.unsettled_since_ns <= step.t_end_ns
        return unsettled or (eye.heard_ns or 0) < step.t_end_ns

    def _remember(self, seen: VisionObservation, open_ns: MonotonicNs | None) -> None:
        since_ns = min((each for each in (open_ns, self.undecided_since_ns) if each is not None), default=seen.t_end_ns)
        horizon_ns = max(since_ns - MEMORY_NS, seen.t_end_ns - LIMIT_NS)
        self._observations = [each for each in self._observations if each.t_end_ns >= horizon_ns]
        self._observations.append(seen)

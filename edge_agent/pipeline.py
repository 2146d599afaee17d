"""The flow, top to bottom: a message in, what the store should hear of it out.

A pure function of ordered messages: no clock, no thread, no I/O. So a recording replayed at full speed decides the same
events, byte for byte.
"""

from collections.abc import Sequence

from edge_agent.board_alarms import BoardAlarms
from edge_agent.camera_alarms import CameraAlarms
from edge_agent.camera_word import CameraWord
from edge_agent.config import Site
from edge_agent.estimation import Estimation
from edge_agent.identification import Identification, apply_event
from edge_agent.learning import Learning
from edge_agent.model import (
    AdcSamples,
    Baseline,
    CameraCondition,
    CameraProgress,
    Checkpoint,
    Decision,
    HealthTransition,
    InitialState,
    Mark,
    Message,
    ModeChange,
    MonotonicNs,
    Output,
    Provisional,
    Stock,
    VisionObservation,
    WeightStep,
    instant_ns,
)
from edge_agent.resting_weights import RestingWeights
from edge_agent.vocabulary import Mode

MARK_PERIOD_NS = 2_000_000_000
"""How often silence is vouched for: a receipt waits at most this long for a quiet shelf (2026-11)."""


class Pipeline:
    """Load cells and camera in, decisions out.

    Parameters
    ----------
    site : Site
        Checked configuration.
    initial : InitialState
        Stock belief, resting weights and what was learned, as last committed, and the mode to start in.
    """

    def __init__(self, site: Site, initial: InitialState) -> None:
        self.stock: Stock = initial.stock
        self.mode = initial.mode
        self._estimation = Estimation(site.shelves, site.calibrations, initial.baselines)
        self._learning = Learning(site, initial.learned)
        self._identification = Identification(site, spreads_g=self._learning.spreads_g())
        self._resting = RestingWeights(initial.baselines)
        self._board_alarms = BoardAlarms([board.uid for board in site.agent.boards])
        self._camera_alarms = CameraAlarms(site.agent.cameras)
        self._camera = CameraWord()
        self._shelf_ids = tuple(shelf.shelf_id for shelf in site.shelves)
        self._boards = tuple(board.uid for board in site.agent.boards)
        self._heard_ns: dict[str, MonotonicNs] = {}
        self._marked_ns: MonotonicNs | None = None
        self._now_ns: MonotonicNs | None = None
        """What time it is: the boards say it, or that nothing came; never a camera, whose clock may run apart."""

    def step(self, message: Message) -> list[Output]:
        """Consume one message and return what follows from it, in order."""
        outputs: list[Output] = [*self._board_alarms.step(message), *self._camera_alarms.step(message)]
        if isinstance(message, VisionObservation | CameraProgress | CameraCondition):
            if self._now_ns is None:  # nothing was weighed yet
                return outputs
            self._hear_camera(message, self._now_ns)
            return outputs + self._decide_all(self._camera.due(None, self._now_ns))
        now_ns = self._now_ns = instant_ns(message)
        if isinstance(message, ModeChange):
            outputs += self.conclude()
            self._change_mode(message.mode)
        else:
            for found in self._estimation.step(message):
                if isinstance(found, HealthTransition):
                    outputs.append(found)
                else:
                    outputs += self._decide_all(self._camera.due(found, now_ns))
        outputs += self._decide_all(self._camera.due(None, now_ns))
        if isinstance(message, AdcSamples):
            self._heard_ns[message.board_uid] = now_ns
        if self._marked_ns is None:
            outputs += self._learning.standing(now_ns)
        if self._marked_ns is None or now_ns - self._marked_ns >= MARK_PERIOD_NS:
            self._marked_ns = now_ns
            outputs += self._vouch(now_ns)
        elif self._resting.pressing:
            outputs += self._resting.due(now_ns, self._committed_rests())
        return outputs

    def conclude(self) -> list[Output]:
        """Decide what still waits for a camera's word: nobody will hear it. For a clean stop, before `checkpoint`."""
        return self._decide_all(self._camera.rest())

    @property
    def ready(self) -> bool:
        """Return whether every shelf is at rest and watched: a change from now on becomes an event."""
        return self._estimation.quiet()

    def counters(self) -> dict[str, float]:
        """Return what was not weighed, and why: ``channel:UID/INPUT:reason`` and ``board:UID:reason`` → count."""
        named = {f"channel:{channel}": counts for channel, counts in self._estimation.rejections().items()}
        named |= {f"board:{uid}": counts for uid, counts in self._estimation.row_faults().items()}
        return {f"{who}:{reason}": float(count) for who, counts in named.items() for reason, count in counts.items()}

    def checkpoint(self) -> Checkpoint:
        """Return the resting weights as they are now: for a clean stop."""
        return Checkpoint(self._estimation.baselines())

    def _decide_all(self, steps: Sequence[WeightStep]) -> list[Output]:
        return [output for step in steps for output in self._decide(step)]

    def _decide(self, step: WeightStep) -> list[Output]:
        event = self._identification.resolve(
            step, self.stock, self.mode, self._camera.during(step), self._learning.confidences
        )
        if step.final:
            self._camera.decided(step)
        if event is None:
            if step.final:
                self._resting.outdate(step.shelf_id)
            return []
        if not step.final:
            return [Provisional(event)]
        self.stock = apply_event(self.stock, event)
        lesson = self._learning.learn(event, self._identification.weighed(event))
        doubts = self._identification.judge_camera(event)
        self._identification.remember(event)
        self._identification.widen(lesson.spreads_g)
        # Only this step's own after-level is committed with its event: another change, found in the same message, must
        # still be missing from the disk if power fails between the two commits.
        if step.baseline is not None:
            self._resting.committed(step.baseline)
        baselines = () if step.baseline is None else (step.baseline,)
        return [Decision(event, self.stock, baselines, lesson.learned), *lesson.transitions, *doubts]

    def _hear_camera(self, message: VisionObservation | CameraProgress | CameraCondition, now_ns: MonotonicNs) -> None:
        self._camera.note(message, now_ns, self._estimation.undecided_since_ns())
        if isinstance(message, CameraCondition):
            if not self._camera.believed(message.shelf_id):  # the hands that it saw last delay nothing any more
                self._estimation.step(CameraProgress(message.t_ns, message.camera_id, message.shelf_id, 0))
        elif isinstance(message, CameraProgress) and self._hands_count(message.shelf_id):
            self._estimation.step(message)

    def _hands_count(self, shelf_id: str) -> bool:
        """Return whether a camera's hands hold a rest; one that lies is still heard, to see whether it was mended."""
        return self._camera.believed(shelf_id) and self._identification.trusts_camera(shelf_id)

    def _committed_rests(self) -> list[Baseline]:
        """Return the resting weights that no waiting event is still to be committed with."""
        waiting = self._camera.shelves
        return [each for each in self._estimation.resting_baselines() if each.shelf_id not in waiting]

    def _change_mode(self, mode: Mode) -> None:
        if self.mode is not Mode.SELLING and mode is not self.mode:
            self._estimation.rebaseline()  # what staff moved is theirs: selling starts from what stands there now
            for shelf in self._shelf_ids:
                self._resting.outdate(shelf)
        self.mode = mode

    def _vouch(self, now_ns: MonotonicNs) -> list[Output]:
        # Nobody vouches for a shelf further than its boards were heard.
        heard_ns = [self._heard_ns.setdefault(uid, now_ns) for uid in self._boards]
        open_ns = [now_ns, self._estimation.undecided_since_ns(), self._camera.undecided_since_ns, *heard_ns]
        due = self._resting.due(now_ns, self._committed_rests())
        return [*due, Mark(now_ns, min(each for each in open_ns if each is not None))]

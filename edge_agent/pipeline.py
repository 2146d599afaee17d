"""The flow, top to bottom: a message in, what the store should hear of it out.

A pure function of ordered messages: no clock, no thread, no I/O. So a recording replayed at full speed decides the same
events, byte for byte.
"""

from edge_agent.board_alarms import BoardAlarms
from edge_agent.config import Site
from edge_agent.estimation import Estimation
from edge_agent.identification import Identification, apply_event
from edge_agent.learning import Learning
from edge_agent.model import (
    AdcSamples,
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

OBSERVATION_MEMORY_NS = 10_000_000_000
"""How long an observation is kept after its end while nothing is undecided: cells find an act's onset late, a slow one
by seconds (2026-11)."""
OBSERVATION_LIMIT_NS = 600_000_000_000
"""How long at most while something is: a board may be dark for days (2026-11)."""


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
        self._observations: list[VisionObservation] = []
        self._shelf_ids = tuple(shelf.shelf_id for shelf in site.shelves)
        self._boards = tuple(board.uid for board in site.agent.boards)
        self._heard_ns: dict[str, MonotonicNs] = {}
        self._marked_ns: MonotonicNs | None = None

    def step(self, message: Message) -> list[Output]:
        """Consume one message and return what follows from it, in order."""
        outputs: list[Output] = [*self._board_alarms.step(message)]
        if isinstance(message, ModeChange):
            self._change_mode(message.mode)
        elif isinstance(message, VisionObservation):
            self._remember(message)
        else:
            for found in self._estimation.step(message):
                outputs += [found] if isinstance(found, HealthTransition) else self._decide(found)
        now_ns = instant_ns(message)
        if isinstance(message, AdcSamples):
            self._heard_ns[message.board_uid] = now_ns
        if self._marked_ns is None:
            outputs += self._learning.standing(now_ns)
        if self._marked_ns is None or now_ns - self._marked_ns >= MARK_PERIOD_NS:
            self._marked_ns = now_ns
            outputs += self._vouch(now_ns)
        elif self._resting.pressing:
            outputs += self._resting.due(now_ns, self._estimation.resting_baselines())
        return outputs

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

    def _decide(self, step: WeightStep) -> list[Output]:
        event = self._identification.resolve(
            step, self.stock, self.mode, self._seen_during(step), self._learning.confidences
        )
        if event is None:
            if step.final:
                self._resting.outdate(step.shelf_id)
            return []
        if not step.final:
            return [Provisional(event)]
        self.stock = apply_event(self.stock, event)
        lesson = self._learning.learn(event, self._identification.weighed(event))
        self._identification.remember(event)
        self._identification.widen(lesson.spreads_g)
        # Only this step's own after-level is committed with its event: another change, found in the same message, must
        # still be missing from the disk if power fails between the two commits.
        if step.baseline is not None:
            self._resting.committed(step.baseline)
        baselines = () if step.baseline is None else (step.baseline,)
        return [Decision(event, self.stock, baselines, lesson.learned), *lesson.transitions]

    def _seen_during(self, step: WeightStep) -> list[VisionObservation]:
        """Return what the camera saw at the shelf between the onset of a disturbance and the rest after it."""
        return [
            seen
            for seen in self._observations
            if seen.shelf_id == step.shelf_id and seen.t_start_ns <= step.t_end_ns and seen.t_end_ns >= step.t_start_ns
        ]

    def _change_mode(self, mode: Mode) -> None:
        if self.mode is not Mode.SELLING and mode is not self.mode:
            self._estimation.rebaseline()  # what staff moved is theirs: selling starts from what stands there now
            for shelf in self._shelf_ids:
                self._resting.outdate(shelf)
        self.mode = mode

    def _remember(self, seen: VisionObservation) -> None:
        open_ns = self._estimation.undecided_since_ns() or seen.t_end_ns
        horizon_ns = max(open_ns - OBSERVATION_MEMORY_NS, seen.t_end_ns - OBSERVATION_LIMIT_NS)
        self._observations = [each for each in self._observations if each.t_end_ns >= horizon_ns]
        self._observations.append(seen)

    def _vouch(self, now_ns: MonotonicNs) -> list[Output]:
        # Nobody vouches for a shelf further than its boards were heard.
        heard_ns = [self._heard_ns.setdefault(uid, now_ns) for uid in self._boards]
        open_ns = [now_ns, self._estimation.undecided_since_ns(), *heard_ns]
        due = self._resting.due(now_ns, self._estimation.resting_baselines())
        return [*due, Mark(now_ns, min(each for each in open_ns if each is not None))]

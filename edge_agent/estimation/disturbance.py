"""What is known of a disturbance while it lasts."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from edge_agent.estimation.rest_finder import LivePart, Rest
from edge_agent.estimation.sub_steps import BIN_NS, Trail
from edge_agent.model import FloatArray
from edge_agent.vocabulary import StepCause


@dataclass(slots=True)
class Disturbance:
    """A disturbance in progress, or the wait for a first rest.

    ``onset_ns`` is since when nobody can tell what happened, ``restless_ns`` since when rows came and were no rest.
    """

    onset_ns: int
    restless_ns: int
    act_id: str
    cause: StepCause
    rest_after_ns: int
    peak_g: float = 0.0
    departed_g: dict[str, float] = field(default_factory=dict)
    """Per board: how far from the baseline its newest row is, all its cells together."""
    seen_ns: dict[str, int] = field(default_factory=dict)
    """Per board: the newest row looked at for the peak; one board's rows may come seconds after another's."""
    looked_ns: int = 0
    ring_looked_ns: int = 0
    rested_ns: int = 0
    held: bool = False
    candidate: Rest | None = None
    provisional_g: FloatArray | None = None
    trail: Trail | None = None

    def note_rows(self, parts: Sequence[LivePart], baseline_g: FloatArray) -> None:
        """Take in the rows since the last call: the largest departure of the shelf's total, and the trail.

        Other boards count with their newest row. ``baseline_g`` is (channels,), NaN where unknown.
        """
        if self.trail is None:
            slowest_ns = max((track.period_ns for track, _ in parts), default=BIN_NS)
            self.trail = Trail(baseline_g.size, max(BIN_NS, slowest_ns))
        fresh: dict[str, FloatArray] = {}
        for track, part in parts:
            uid = track.layout.board_uid
            t_ns, grams, bad = track.history.since(self.seen_ns.get(uid, self.rest_after_ns - 1) + 1)
            if not t_ns.size:
                continue
            self.seen_ns[uid] = int(t_ns[-1])
            weighed, rejected = grams[:, part.cells], bad[:, part.cells]
            self.trail.add(t_ns.tolist(), part.places, weighed, rejected)
            level = baseline_g[part.places]
            usable = ~np.isnan(level)
            if not usable.any():
                continue
            fresh[uid] = np.where(rejected | ~usable, 0.0, weighed - np.where(usable, level, 0.0)).sum(axis=1)
            self.departed_g[uid] = float(fresh[uid][-1])
        for uid, departure in fresh.items():
            others = sum(other for which, other in self.departed_g.items() if which != uid)
            extreme = float(departure[np.abs(departure + others).argmax()]) + others
            if abs(extreme) > abs(self.peak_g):
                self.peak_g = extreme

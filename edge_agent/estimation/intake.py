"""Gathers a resting board's rows into blocks, and cuts a moving board's into pieces after which rest is looked for.

Computing 16 rows at once (`EstimationSettings.batch_rows`) costs a third of computing each: the calls are shared. At
rest nobody waits for a result; as soon as anything moves, every row goes through at once.
"""

from collections.abc import Iterator

import numpy as np

from edge_agent.estimation.board_track import BoardTrack
from edge_agent.estimation.settings import EstimationSettings
from edge_agent.model import AdcSamples, BoolArray

OVERDUE_NS = 500_000_000
"""Rows later than this are overdue, ns: links deliver within 0.1 s (rule)."""


class Intake:
    """The rows of one board that were received and not computed yet.

    Attributes
    ----------
    patient : bool
        Whether rows may wait: all shelves of the board are at rest, and its gate holds nothing back.
    heard_ns : int
        Instant of the newest row received, at first of the board's coming up.
    """

    def __init__(self, track: BoardTrack, up_ns: int, settings: EstimationSettings) -> None:
        self.track = track
        self.patient = False
        self.heard_ns = up_ns
        self._newest_ns = -(2**62)
        self._most_rows = settings.batch_rows
        self._span_ns = round(settings.batch_s * 1e9) - track.period_ns
        self._overdue_ns = max(OVERDUE_NS, round(settings.silent_periods * track.period_ns))
        self._waiting: list[AdcSamples] = []
        self._rows = 0

    @property
    def waiting_since_ns(self) -> int | None:
        """Return the instant of the oldest row waiting here."""
        return int(self._waiting[0].t_ns[0]) if self._waiting else None

    def lags(self, now_ns: int) -> bool:
        """Return whether rows are overdue at ``now_ns``: nobody can vouch for what happened since the last one."""
        return now_ns - self.heard_ns > self._overdue_ns

    def takes(self, samples: AdcSamples) -> bool:
        """Take rows in; return whether they may wait for more. Rows not later than the last are dropped and counted."""
        if samples.t_ns[0] <= self._newest_ns:
            fresh = samples.t_ns > self._newest_ns
            self.track.rows_out_of_order += int((~fresh).sum())
            samples = _pick(samples, fresh)
            if not samples.t_ns.size:
                return True
        self._waiting.append(samples)
        self._rows += samples.t_ns.size
        self.heard_ns = self._newest_ns = int(samples.t_ns[-1])
        if not self.patient or self._rows >= self._most_rows:
            return False
        return self.heard_ns - int(self._waiting[0].t_ns[0]) < self._span_ns

    def release(self) -> Iterator[AdcSamples]:
        """Give all rows out, joined and cut to `BoardTrack.look_rows` each while a shelf moves."""
        waiting, self._waiting, self._rows = self._waiting, [], 0
        if not waiting:
            return
        whole = waiting[0]
        if len(waiting) > 1:
            whole = AdcSamples(
                board_uid=whole.board_uid,
                first_index=whole.first_index,
                t_ns=np.concatenate([block.t_ns for block in waiting]),
                counts=np.concatenate([block.counts for block in waiting]),
                flags=np.concatenate([block.flags for block in waiting]),
                lost_rows=sum(block.lost_rows for block in waiting),
            )
        most_rows = self._most_rows if self.patient else self.track.look_rows
        if whole.t_ns.size <= most_rows:
            yield whole
            return
        for start in range(0, whole.t_ns.size, most_rows):
            yield _pick(whole, slice(start, start + most_rows), lost_rows=0 if start else whole.lost_rows)


def _pick(samples: AdcSamples, rows: slice | BoolArray, lost_rows: int | None = None) -> AdcSamples:
    """Return some rows of a block."""
    return AdcSamples(
        board_uid=samples.board_uid,
        first_index=samples.first_index,
        t_ns=samples.t_ns[rows],
        counts=samples.counts[rows],
        flags=samples.flags[rows],
        lost_rows=samples.lost_rows if lost_rows is None else lost_rows,
    )

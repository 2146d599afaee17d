"""When resting weights that drifted are worth a write, though nobody touched the shelf."""

from collections.abc import Sequence

import numpy as np

from edge_agent.model import Baseline, Checkpoint, MonotonicNs

PERIOD_NS = 300_000_000_000
"""At most one write in five minutes and shelf: 288 a day keep the card's wear out of sight (2026-11)."""
WORTH_G = 0.5
"""A drift below half a gram changes no decision after a restart (2026-11)."""


class RestingWeights:
    """Remembers what is on disk and says when it should be brought up to date.

    Parameters
    ----------
    committed : sequence of Baseline
        What the disk holds already.
    """

    def __init__(self, committed: Sequence[Baseline]) -> None:
        self._on_disk = {each.shelf_id: each for each in committed}
        self._asked_ns: dict[str, MonotonicNs] = {}

    def committed(self, baselines: Sequence[Baseline]) -> None:
        """Note that these went to disk with an event."""
        self._on_disk |= {each.shelf_id: each for each in baselines}

    def due(self, now_ns: MonotonicNs, baselines: Sequence[Baseline]) -> list[Checkpoint]:
        """Return the checkpoint to write now, if any: at once for a shelf never kept, else at the slow pace."""
        worth = tuple(each for each in baselines if self._is_due(now_ns, each))
        if not worth:
            return []
        self._asked_ns |= {each.shelf_id: now_ns for each in worth}
        self.committed(worth)
        return [Checkpoint(worth)]

    def _is_due(self, now_ns: MonotonicNs, baseline: Baseline) -> bool:
        if np.isnan(baseline.level_g).all():
            return False
        known = self._on_disk.get(baseline.shelf_id)
        if known is None:
            return True
        asked_ns = self._asked_ns.get(baseline.shelf_id)
        if asked_ns is None:
            self._asked_ns[baseline.shelf_id] = now_ns
            return False
        if now_ns - asked_ns < PERIOD_NS:
            return False
        differs = np.abs(baseline.level_g - known.level_g) > WORTH_G
        newly_seen = np.isnan(known.level_g) & ~np.isnan(baseline.level_g)
        return bool((differs | newly_seen).any())

"""When resting weights that drifted are worth a write, though nobody touched the shelf."""

from collections.abc import Sequence

import numpy as np

from edge_agent.model import Baseline, Checkpoint, MonotonicNs

PERIOD_NS = 300_000_000_000
"""At most one write in five minutes and shelf: 288 a day keep the card's wear out of sight (2026-11)."""
WORTH_G = 0.5
"""A drift below half a gram changes no decision after a restart (2026-11)."""


class RestingWeights:
    """Remembers what is surely on disk and says when it should be brought up to date.

    A checkpoint that was asked for may be passed over: an event overtook it, or the disk was full. So only an event
    makes a weight sure; until one does, it is asked for again at the slow pace.

    Parameters
    ----------
    committed : sequence of Baseline
        What the disk holds already.
    """

    def __init__(self, committed: Sequence[Baseline]) -> None:
        self._on_disk = {each.shelf_id: each for each in committed}
        self._asked_ns: dict[str, MonotonicNs] = {}
        self._outdated: set[str] = set()

    @property
    def pressing(self) -> bool:
        """Return whether a weight on disk is wrong, so that `due` shall be asked as often as anything happens."""
        return bool(self._outdated)

    def committed(self, baseline: Baseline) -> None:
        """Note that this went to disk with an event."""
        self._on_disk[baseline.shelf_id] = baseline
        self._outdated.discard(baseline.shelf_id)

    def outdate(self, shelf_id: str) -> None:
        """Note that a shelf's weight changed without an event: after a crash, what is on disk would make it one."""
        self._outdated.add(shelf_id)

    def due(self, now_ns: MonotonicNs, resting: Sequence[Baseline]) -> list[Checkpoint]:
        """Return the checkpoint to write now, if any: at once for a shelf never kept or outdated, else at a slow pace.

        Parameters
        ----------
        resting : sequence of Baseline
            Of the shelves at rest.
        """
        worth = tuple(each for each in resting if self._is_due(now_ns, each))
        if not worth:
            return []
        for each in worth:
            self._asked_ns[each.shelf_id] = now_ns
            self._on_disk.pop(each.shelf_id, None)
            self._outdated.discard(each.shelf_id)
        return [Checkpoint(worth)]

    def _is_due(self, now_ns: MonotonicNs, baseline: Baseline) -> bool:
        if np.isnan(baseline.level_g).all():
            return False
        if baseline.shelf_id in self._outdated:
            return True
        known = self._on_disk.get(baseline.shelf_id)
        asked_ns = self._asked_ns.get(baseline.shelf_id)
        if asked_ns is None:
            if known is not None:
                self._asked_ns[baseline.shelf_id] = now_ns
            return known is None
        if now_ns - asked_ns < PERIOD_NS:
            return False
        if known is None or known.level_g.shape != baseline.level_g.shape:
            return True
        differs = np.abs(baseline.level_g - known.level_g) > WORTH_G
        newly_seen = np.isnan(known.level_g) & ~np.isnan(baseline.level_g)
        return bool((differs | newly_seen).any())

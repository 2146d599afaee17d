"""Plates that bear more than their cell's capacity: what is left of their readings shows that something was moved.

Beyond its capacity a cell does not weigh (EN 45501: a scale goes blank there), so such a plate has no resting weight.
But an act on it must not go unheard. Its change is told with a variance that no bill rests on, and marked as such.
"""

import numpy as np

from edge_agent.config import ShelfConfig
from edge_agent.estimation.rest_finder import Rest, overloaded
from edge_agent.estimation.significance import Change
from edge_agent.model import BoolArray, FloatArray

TRUST_SHARE = 0.1
"""σ of a change beyond capacity, as a share of it: a beam near its stop (rule, 2026-11)."""


class BeyondCapacity:
    """What the overloaded plates of one shelf of separate plates read when it last rested.

    Parameters
    ----------
    shelf : ShelfConfig
    """

    def __init__(self, shelf: ShelfConfig) -> None:
        self._shelf = shelf
        self._level_g: FloatArray = np.full(len(shelf.channels), np.nan)  # NaN where a plate bore what it can

    def added_to(self, change: Change, rest: Rest, baseline_g: FloatArray) -> tuple[Change, bool]:
        """Return a change with what happened on overloaded plates, and whether anything did.

        Parameters
        ----------
        baseline_g : (channels,)
            Resting weights that plates within their capacity had, NaN where unknown.
        """
        level_g, over = self._read(rest)
        before_g = np.where(np.isnan(self._level_g), baseline_g, self._level_g)
        delta_g = level_g - before_g
        blank = ~np.isnan(delta_g) & (over | ~np.isnan(self._level_g))
        moved = blank & (np.abs(np.nan_to_num(delta_g)) >= self._shelf.limits.min_event_g)
        if not blank.any():
            return change, False
        covariance = change.covariance_g2.copy()
        for place in np.flatnonzero(moved):
            covariance[place, :] = covariance[:, place] = 0.0
            covariance[place, place] = (TRUST_SHARE * delta_g[place]) ** 2 + self._shelf.limits.min_event_g**2
        told = np.where(moved, delta_g, np.where(blank, 0.0, change.delta_g))
        return Change(told, covariance, (change.valid & ~blank) | moved, change.peak_g), bool(moved.any())

    def note(self, rest: Rest) -> BoolArray:
        """Keep what the overloaded plates read now; return which plates were overloaded and weigh again, (channels,).

        Their baseline is of before the overload: whatever changed since was told as it happened.
        """
        level_g, over = self._read(rest)
        read = ~np.isnan(level_g)
        relieved: BoolArray = read & ~over & ~np.isnan(self._level_g)
        self._level_g[read] = np.where(over, level_g, np.nan)[read]
        return relieved

    def _read(self, rest: Rest) -> tuple[FloatArray, BoolArray]:
        """Return every plate's reading at rest, (channels,) g, NaN where there is none, and which are overloaded."""
        level_g = np.full(len(self._shelf.channels), np.nan)
        over = np.zeros(len(self._shelf.channels), dtype=np.bool_)
        if self._shelf.kind == "platform":
            return level_g, over
        for (_, part), standing in zip(rest.parts, rest.standing, strict=True):
            read = standing.valid[part.cells]
            level_g[part.places[read]] = standing.mean_g[part.cells[read]]
            over[part.places] = overloaded(self._shelf, part, standing)[part.cells]
        return level_g, over

"""The event baseline: the resting weight that the next change is measured against.

It moves in three ways only: an event sets it; slow drift carries it along, limited in slope so that no step can pass
for drift; and right after an event it may be refined by what the noise of its own first second allows.
"""

import numpy as np

from edge_agent.estimation.settings import SAME_SIGMAS
from edge_agent.estimation.shelf_level import ShelfLevel
from edge_agent.model import Baseline, BoolArray, FloatArray

REFINE_SIGMAS = 3.0
"""How far a longer rest may correct the first level, in that level's σ (rule)."""


class EventBaseline:
    """One shelf's baseline; arrays are (channels,), NaN where a channel was never seen at rest."""

    def __init__(self, shelf_id: str, channels: int, given: Baseline | None) -> None:
        self.shelf_id = shelf_id
        self.level_g: FloatArray = np.full(channels, np.nan)
        self.covariance_g2: FloatArray = np.zeros((channels, channels))
        self._slack_g: FloatArray = np.zeros(channels)
        self._tracked_g: FloatArray = np.full(channels, np.nan)
        self._owed_g: FloatArray = np.zeros(channels)  # moved by the trackers, not followed yet
        if given is not None:
            self.level_g = given.level_g.astype(np.float64)
            self.covariance_g2 = np.diag(np.square(np.nan_to_num(given.sigma_g.astype(np.float64), nan=0.0)))

    @property
    def known(self) -> BoolArray:
        """Return which channels were ever seen at rest."""
        return ~np.isnan(self.level_g)

    def commit(self, rest: ShelfLevel, channels: BoolArray) -> None:
        """Set channels to a new rest; the others keep theirs."""
        self.level_g[channels] = rest.level_g[channels]
        both = np.ix_(channels, channels)
        fresh = np.array(self.covariance_g2)
        fresh[channels] = 0.0
        fresh[:, channels] = 0.0
        fresh[both] = rest.covariance_g2[both]
        self.covariance_g2 = fresh
        self._slack_g[channels] = REFINE_SIGMAS * np.sqrt(np.diag(rest.covariance_g2)[channels])

    def refine(self, rest: ShelfLevel) -> None:
        """Let a later rest of the same load correct the first one, as far as both are uncertain.

        Only what is within `SAME_SIGMAS` of no change at all is taken, weighted by the variances and charged to the
        same allowance as a longer rest; so what somebody took stays a difference, however small.
        """
        both = rest.valid & self.known
        moved = np.where(both, rest.level_g - self.level_g, 0.0)
        before = np.diag(self.covariance_g2)
        after = np.diag(rest.covariance_g2)
        same = both & (np.square(moved) <= SAME_SIGMAS**2 * (before + after))
        share = np.where(same, before / np.maximum(before + after, 1e-12), 0.0)
        step = np.clip(share * moved, -self._slack_g, self._slack_g)
        self.level_g += step
        self._slack_g -= np.abs(step)
        keep = np.sqrt(1.0 - share)
        self.covariance_g2 = self.covariance_g2 * np.outer(keep, keep)

    def start_following(self, tracked_g: FloatArray) -> None:
        """Begin to follow the trackers, which stand at ``tracked_g`` (NaN: not tracked)."""
        self._tracked_g = tracked_g.copy()
        self._owed_g[:] = 0.0

    def follow(self, tracked_g: FloatArray, limit_g: FloatArray) -> None:
        """Carry the baseline along with slow drift at rest.

        Parameters
        ----------
        tracked_g : (channels,)
            The trackers' levels now, NaN where not tracked.
        limit_g : (channels,)
            Most that drift may have moved a channel since the last call.
        """
        moved = tracked_g - self._tracked_g
        follows = ~np.isnan(moved) & self.known
        owed = self._owed_g + np.where(follows, moved, 0.0)
        beyond = np.minimum(np.maximum(np.abs(owed) - limit_g, 0.0), self._slack_g)
        self._slack_g -= beyond
        paid = np.clip(owed, -(limit_g + beyond), limit_g + beyond)
        self.level_g += paid
        self._owed_g = owed - paid
        self._tracked_g = np.where(np.isnan(tracked_g), self._tracked_g, tracked_g)

    def catch_up(
        self, drift_g_s: FloatArray, variance_g2_s2: FloatArray, elapsed_s: float, limit_g: FloatArray
    ) -> None:
        """Carry the baseline over a time in which it could not follow: by the trackers' drift, and no surer than that.

        Parameters
        ----------
        drift_g_s, variance_g2_s2 : (channels,)
            Drift as the trackers know it now, and its variance; NaN where not tracked.
        elapsed_s : float
            Since the baseline last followed.
        limit_g : (channels,)
            Most that drift may have moved a channel in that time.
        """
        follows = ~np.isnan(drift_g_s) & self.known
        moved = np.where(follows, np.clip(drift_g_s * elapsed_s, -limit_g, limit_g), 0.0)
        self.level_g += moved
        unsure_g2 = np.minimum(variance_g2_s2 * elapsed_s**2, np.square(limit_g))
        self.covariance_g2 = self.covariance_g2 + np.diag(np.where(follows, unsure_g2, 0.0))

    def as_baseline(self) -> Baseline:
        """Return it as the pipeline stores it."""
        sigma = np.where(self.known, np.sqrt(np.diag(self.covariance_g2)), np.nan)
        return Baseline(self.shelf_id, self.level_g.copy(), sigma)

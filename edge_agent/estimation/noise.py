"""What every column's noise is like at rest, learned once a second from the readings since."""

import numpy as np

from edge_agent.model import BoolArray, FloatArray, IntArray

MEAN_TO_SIGMA = 1.2533
"""σ of a normal from its mean absolute value: √(π/2)."""
DIFFERENCE_TO_SIGMA = 0.8862
"""σ of white noise from its mean absolute successive difference: √π / 2."""
LEARNING_RATE = 0.1
"""Per epoch, so over about ten seconds at 80 Hz (rule: slower than a disturbance, faster than a day)."""
WANDER_DECAY = 0.01
"""Per epoch: wander that comes every minute or two is remembered (Cambridge: dips of 15 g for 2 s)."""


class LearnedNoise:
    """White noise, total noise and slow wander per column, g.

    Attributes
    ----------
    white_g : (columns,)
        From successive differences: sets the glitch gate.
    total_g : (columns,)
        About the tracked level: what the Kalman bank and the GLR take as one reading's noise.
    wander_g : (columns,)
        RMS departure of a second's mean from the tracked level: a change within it is nobody's item.
    """

    def __init__(self, prior_g: FloatArray) -> None:
        self.white_g: FloatArray = prior_g.copy()
        self.total_g: FloatArray = prior_g.copy()
        self._wander_g2: FloatArray = np.zeros(prior_g.size)

    @property
    def wander_g(self) -> FloatArray:
        """Return the slow departures' RMS, (columns,), g."""
        return np.sqrt(self._wander_g2)

    def learn(self, grams: FloatArray, bad: BoolArray, level_g: FloatArray, columns: BoolArray) -> None:
        """Take in one epoch's readings, (rows, columns), of the columns at rest.

        Large residuals are clipped at 4 σ, so that what the gate missed cannot teach.
        """
        if not columns.any():
            return
        residual = grams - level_g
        if bad.any():
            residual = np.where(bad, 0.0, residual)
        np.clip(residual, -4.0 * self.total_g, 4.0 * self.total_g, out=residual)
        total = MEAN_TO_SIGMA * np.abs(residual).mean(axis=0)
        steps = np.minimum(np.abs(np.diff(residual, axis=0)), 6.0 * self.white_g)
        white = DIFFERENCE_TO_SIGMA * steps.mean(axis=0)
        slow = np.square(residual.mean(axis=0))
        floor = 1e-6 + 0.02 * self.white_g
        self._blend(self.total_g, np.maximum(total, floor), columns, LEARNING_RATE)
        self._blend(self.white_g, np.maximum(white, floor), columns, LEARNING_RATE)
        rate = np.where(slow > self._wander_g2, LEARNING_RATE, WANDER_DECAY)
        self._blend(self._wander_g2, slow, columns, rate)

    def note_wander(self, columns: IntArray, swing_g: FloatArray) -> None:
        """Learn from a level that went and came back by ``swing_g``, (columns,), with nobody's doing.

        Only the way back counts: what is taken bit by bit never comes back, and must not pass for wander.
        """
        seen = np.square(swing_g)
        kept = self._wander_g2[columns]
        rate = np.where(seen > kept, LEARNING_RATE, WANDER_DECAY)
        self._wander_g2[columns] = kept + rate * (seen - kept)

    def restart(self, columns: IntArray, spread_g: FloatArray, white_g: FloatArray | None = None) -> None:
        """Start from what a new rest showed, (columns,): under a new load, or (with ``white_g``) altogether."""
        if white_g is not None:
            self.white_g[columns] = np.maximum(white_g, 1e-6)
        self.total_g[columns] = np.maximum(spread_g, 0.5 * self.white_g[columns])

    @staticmethod
    def _blend(kept: FloatArray, seen: FloatArray, columns: BoolArray, rate: float | FloatArray) -> None:
        np.copyto(kept, kept + rate * (seen - kept), where=columns)

"""Level and drift of many columns at once: a two-state Kalman filter in closed form, full covariance.

State per column: level g, drift g/s; x = [level, drift]. With time step dt and measurement z of the level::

    predict   F = [[1, dt], [0, 1]]           x ← F x        P ← F P Fᵀ + Q
    update    H = [1, 0],  S = H P Hᵀ + R     K = P Hᵀ / S   x ← x + K (z − H x)
              P ← (I − K H) P (I − K H)ᵀ + K R Kᵀ                      (Joseph form; Bucy & Joseph 1968)

P is symmetric, so three arrays hold it: p00, p01, p11. All work is done in place in preallocated arrays, because at
64 columns a numpy call costs more than its arithmetic.
"""

import numpy as np

from edge_agent.model import FloatArray, IntArray

DRIFT_SHARE = 0.04
"""The drift forgets five times more slowly than the level (rule: the usual choice for a smooth second state)."""


class KalmanBank:
    """Columns that share the instants of their samples.

    Parameters
    ----------
    noise_g2 : (columns,)
        Variance of one reading, g².
    time_constant_s : float
        How slowly the level follows. Its random walk is noise_g2 · period_s / time_constant_s² per second, which makes
        the gain period_s / time_constant_s; the drift's is one twenty-fifth of that per time constant squared.
    period_s : float
        Usual time between readings; a block of n readings, or a gap, then changes nothing in the time constant.
    """

    def __init__(self, noise_g2: FloatArray, time_constant_s: float, period_s: float) -> None:
        columns = noise_g2.size
        self.level_wander = period_s / time_constant_s**2
        self.drift_wander = DRIFT_SHARE / time_constant_s**2
        self.noise_g2: FloatArray = noise_g2
        self.state: FloatArray = np.zeros((2, columns))
        self.covariance: FloatArray = np.zeros((3, columns))
        self.innovation_g: FloatArray = np.zeros(columns)
        self.innovation_variance_g2: FloatArray = np.ones(columns)
        self._wander: FloatArray = np.zeros((3, columns))
        self._pair: FloatArray = np.empty((2, columns))
        self._triple: FloatArray = np.empty((3, columns))
        self._gain: FloatArray = np.empty((2, columns))
        self._single: FloatArray = np.empty(columns)
        self._carried: FloatArray = np.empty(columns)
        self._block_noise: FloatArray = np.empty(columns)
        self._level, self._drift = self.state
        self._p00, self._p01, self._p11 = self.covariance
        self._head, self._tail = self.covariance[:2], self.covariance[1:]
        self._k1 = self._gain[1]
        self.set_noise(noise_g2)

    def set_noise(self, noise_g2: FloatArray) -> None:
        """Set the variance of one reading, (columns,), g²."""
        self.noise_g2 = noise_g2.astype(np.float64)
        self._wander[0] = self.noise_g2 * self.level_wander
        self._wander[2] = self._wander[0] * self.drift_wander

    @property
    def level_g(self) -> FloatArray:
        """Return the levels, (columns,), g; a view."""
        level: FloatArray = self.state[0]
        return level

    @property
    def drift_g_s(self) -> FloatArray:
        """Return the drifts, (columns,), g/s; a view."""
        drift: FloatArray = self.state[1]
        return drift

    def reset(
        self, columns: IntArray, level_g: FloatArray, variance_g2: FloatArray, drift_sigma_g_s: FloatArray
    ) -> None:
        """Start columns anew at a known level, without drift."""
        self.state[0, columns] = level_g
        self.state[1, columns] = 0.0
        self.covariance[0, columns] = variance_g2
        self.covariance[1, columns] = 0.0
        self.covariance[2, columns] = drift_sigma_g_s**2

    def predict(self, dt_s: float) -> None:
        """Move all columns forward by ``dt_s`` seconds."""
        single, pair, triple = self._single, self._pair, self._triple
        np.multiply(self._drift, dt_s, out=single)
        self._level += single
        np.multiply(self._tail, dt_s, out=pair)
        self._head += pair  # p00 + dt p01, p01 + dt p11
        np.multiply(self._p01, dt_s, out=single)
        self._p00 += single  # the second dt p01 and dt² p11
        np.multiply(self._wander, dt_s, out=triple)
        self.covariance += triple

    def update(self, measured_g: FloatArray, rows: float = 1.0, weight: FloatArray | None = None) -> None:
        """Take in one measurement per column; `innovation_g` then holds what was new in it.

        Parameters
        ----------
        measured_g : (columns,)
            The level as read: the mean of ``rows`` readings, so of variance noise_g2 / rows.
        weight : (columns,), optional
            1 where the column was read, 0 where it is missing or frozen: it then keeps its prior.

        Notes
        -----
        With m = (1 − k0) (p00, p01) and j = k0 R, the Joseph form's first row is m + (k0, k1) (j − m₀): p00 is a mean
        of the positive m₀ and j, so it cannot become negative. The last element is p11 + k1 (k1 S − 2 p01).
        """
        noise, gain, pair, single, carried = self.noise_g2, self._gain, self._pair, self._single, self._carried
        if rows != 1.0:
            noise = np.multiply(noise, 1.0 / rows, out=self._block_noise)
        variance = np.add(self._p00, noise, out=self.innovation_variance_g2)
        np.divide(self._head, variance, out=gain)
        if weight is not None:
            gain *= weight
        innovation = np.subtract(measured_g, self._level, out=self.innovation_g)
        np.multiply(gain, innovation, out=pair)
        self.state += pair
        np.multiply(self._k1, variance, out=single)
        single -= self._p01
        single -= self._p01
        single *= self._k1
        self._p11 += single
        np.multiply(gain[0], noise, out=carried)
        np.subtract(1.0, gain[0], out=single)
        self._head *= single
        carried -= self._p00
        np.multiply(gain, carried, out=pair)
        self._head += pair

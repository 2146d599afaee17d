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
        self.noise_g2: FloatArray = noise_g2.astype(np.float64)
        self.state: FloatArray = np.zeros((2, columns))
        self.covariance: FloatArray = np.zeros((3, columns))
        self.innovation_g: FloatArray = np.zeros(columns)
        self.innovation_variance_g2: FloatArray = np.ones(columns)
        self._work: FloatArray = np.empty((4, columns))
        self._gain: FloatArray = np.empty((2, columns))
        self._correction: FloatArray = np.empty((2, columns))

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
        level, drift = self.state
        p00, p01, p11 = self.covariance
        step = self._work[0]
        np.multiply(drift, dt_s, out=step)
        level += step
        # p00 + 2 dt p01 + dt² p11 = p00 + dt (p01 before + p01 after)
        np.multiply(p11, dt_s, out=step)
        step += p01
        p01 += step
        p01 *= dt_s
        p00 += p01
        np.copyto(p01, step)
        np.multiply(self.noise_g2, dt_s * self.level_wander, out=step)
        p00 += step
        step *= self.drift_wander
        p11 += step

    def update(self, measured_g: FloatArray, rows: float = 1.0, weight: FloatArray | None = None) -> FloatArray:
        """Take in one measurement per column; return the innovations, (columns,), g (a view).

        Parameters
        ----------
        measured_g : (columns,)
            The level as read: the mean of ``rows`` readings, so of variance noise_g2 / rows.
        weight : (columns,), optional
            1 where the column was read, 0 where it is missing or frozen: it then keeps its prior.
        """
        p00, p01, p11 = self.covariance
        complement, joseph, noise, product = self._work
        innovation, gain = self.innovation_g, self._gain
        if rows == 1.0:
            noise = self.noise_g2
        else:
            np.multiply(self.noise_g2, 1.0 / rows, out=noise)
        variance = self.innovation_variance_g2
        np.add(p00, noise, out=variance)
        np.divide(self.covariance[:2], variance, out=gain)
        if weight is not None:
            gain *= weight
        np.subtract(measured_g, self.state[0], out=innovation)
        np.multiply(gain, innovation, out=self._correction)
        self.state += self._correction
        k0, k1 = gain
        np.subtract(1.0, k0, out=complement)
        p00 *= complement
        np.multiply(k0, noise, out=joseph)  # K R
        # p11 ← p11 + k1 (k1 S − 2 p01)
        np.multiply(k1, variance, out=product)
        product -= p01
        product -= p01
        product *= k1
        p11 += product
        # p01 ← (1 − k0) p01 + k1 (k0 R − (1 − k0) p00)
        p01 *= complement
        np.subtract(joseph, p00, out=product)
        product *= k1
        p01 += product
        # p00 ← (1 − k0)² p00 + k0² R
        p00 *= complement
        joseph *= k0
        p00 += joseph
        return innovation

"""The same filter as `KalmanBank` in plain floats: for a handful of columns numpy's calls cost more than the sums."""

import numpy as np

from edge_agent.estimation.kalman_bank import DRIFT_SHARE
from edge_agent.model import FloatArray, IntArray


class KalmanScalar:
    """One column; the equations and the meaning of the parameters are `KalmanBank`'s."""

    __slots__ = ("drift_g_s", "drift_wander", "level_g", "level_wander", "noise_g2", "p00", "p01", "p11", "variance_g2")

    def __init__(self, noise_g2: float, time_constant_s: float, period_s: float) -> None:
        self.noise_g2 = noise_g2
        self.level_wander = period_s / time_constant_s**2
        self.drift_wander = DRIFT_SHARE / time_constant_s**2
        self.level_g = 0.0
        self.drift_g_s = 0.0
        self.p00 = self.p01 = self.p11 = 0.0
        self.variance_g2 = 1.0

    def predict(self, dt_s: float) -> None:
        """Move forward by ``dt_s`` seconds."""
        self.level_g += self.drift_g_s * dt_s
        before = self.p01
        after = before + self.p11 * dt_s
        wander = self.noise_g2 * (dt_s * self.level_wander)
        self.p00 += (before + after) * dt_s + wander
        self.p01 = after
        self.p11 += wander * self.drift_wander

    def update(self, measured_g: float, rows: float = 1.0, weight: float = 1.0) -> float:
        """Take in the mean of ``rows`` readings; return the innovation, g."""
        noise = self.noise_g2 / rows
        p00, p01 = self.p00, self.p01
        variance = p00 + noise
        k0 = p00 / variance * weight
        k1 = p01 / variance * weight
        innovation = measured_g - self.level_g
        self.level_g += k0 * innovation
        self.drift_g_s += k1 * innovation
        rest = 1.0 - k0
        shrunk = rest * p00
        carried = k0 * noise
        self.p11 += k1 * (k1 * variance - 2.0 * p01)
        self.p01 = rest * p01 + k1 * (carried - shrunk)
        self.p00 = rest * shrunk + k0 * carried
        self.variance_g2 = variance
        return innovation


class KalmanFew:
    """`KalmanBank`'s interface over a few `KalmanScalar` columns."""

    def __init__(self, noise_g2: FloatArray, time_constant_s: float, period_s: float) -> None:
        self.columns = [KalmanScalar(each, time_constant_s, period_s) for each in noise_g2.tolist()]

    @property
    def noise_g2(self) -> FloatArray:
        """Return the variance of one reading per column, (columns,), g²; a copy."""
        return np.array([column.noise_g2 for column in self.columns])

    def set_noise(self, noise_g2: FloatArray) -> None:
        """Set the variance of one reading, (columns,), g²."""
        for column, each in zip(self.columns, noise_g2.tolist(), strict=True):
            column.noise_g2 = each

    @property
    def level_g(self) -> FloatArray:
        """Return the levels, (columns,), g; a copy."""
        return np.array([column.level_g for column in self.columns])

    @property
    def drift_g_s(self) -> FloatArray:
        """Return the drifts, (columns,), g/s; a copy."""
        return np.array([column.drift_g_s for column in self.columns])

    @property
    def covariance(self) -> FloatArray:
        """Return p00, p01, p11, (3, columns); a copy."""
        return np.array([[column.p00, column.p01, column.p11] for column in self.columns]).T

    @property
    def innovation_variance_g2(self) -> FloatArray:
        """Return the innovations' variances, (columns,), g²."""
        return np.array([column.variance_g2 for column in self.columns])

    def reset(
        self, columns: IntArray, level_g: FloatArray, variance_g2: FloatArray, drift_sigma_g_s: FloatArray
    ) -> None:
        """Start columns anew at a known level, without drift."""
        chosen = columns.tolist()
        for place, level, variance, drift in zip(chosen, level_g, variance_g2, drift_sigma_g_s, strict=True):
            column = self.columns[place]
            column.level_g, column.drift_g_s = float(level), 0.0
            column.p00, column.p01, column.p11 = float(variance), 0.0, float(drift) ** 2

    def predict(self, dt_s: float) -> None:
        """Move all columns forward by ``dt_s`` seconds."""
        for column in self.columns:
            column.predict(dt_s)

    def update(self, measured_g: FloatArray, rows: float = 1.0, weight: FloatArray | None = None) -> None:
        """Take in one measurement per column, the mean of ``rows`` readings; a weight of 0 leaves a column alone."""
        if weight is None:
            for column, reading in zip(self.columns, measured_g.tolist(), strict=True):
                column.update(reading, rows)
        else:
            for column, reading, each in zip(self.columns, measured_g.tolist(), weight.tolist(), strict=True):
                column.update(reading, rows, each)

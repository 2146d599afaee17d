"""The load cell: what it makes of the force on it, slowly and not quite linearly."""

from dataclasses import dataclass

import numpy as np

from edge_agent.model import FloatArray

REFERENCE_C = 20.0
"""Temperature at which the calibration is true."""
CREEP_WEIGHTS = np.array([0.3, 0.7])
CREEP_TIMES_S = np.array([120.0, 1500.0])
"""Two exponentials, 2 and 25 minutes: fits the 30-to-60-minute ratio 0.84 that NIST measured (2026-11)."""
PLAYS = np.array([0.05, 0.15, 0.25, 0.35])
"""Thresholds of the play operators over capacity, evenly spread: a small loop's height grows about with the square of
its width, as Rayleigh found for small loops (Prandtl-Ishlinskii model, Krejčí 1996)."""
PLAY_WEIGHT = 1 / 1.4
"""Of each play, over the hysteresis: a loop from zero to capacity and back is then as high at half scale as stated."""


@dataclass(frozen=True, slots=True)
class CellPhysics:
    """Parameters of one kind of cell; shares are of full scale unless said otherwise.

    Defaults are an inexpensive single-point cell's data sheet (2026-11), which states 0.05 % of hysteresis besides.

    Attributes
    ----------
    capacity_g : float
        Full scale.
    overload_stop : float
        Load over capacity at which the beam meets its mechanical stop and the reading grows no more.
    nonlinearity : float
        Largest departure from the straight line through zero and full scale, at half scale.
    creep : float
        Creep after a long time over the load that causes it; either sign.
    zero_per_c, span_per_c : float
        Drift of zero (share of full scale) and of span (share of the load) per °C away from 20 °C.
    thermal_lag_s : float
        Time constant with which the cell follows the air.
    hysteresis : float
        How much more than on the way up the cell indicates on the way down, at half scale after full scale.
    """

    capacity_g: float
    overload_stop: float = 1.5
    nonlinearity: float = 3e-4
    creep: float = 3e-4
    zero_per_c: float = 3e-5
    span_per_c: float = 3e-5
    thermal_lag_s: float = 400.0
    hysteresis: float = 0.0


class Cells:
    """The cells of one board, (channels,), with their memory of load and temperature.

    ``nature`` (channels, 4), uniform in [−1, 1], scales each cell's nonlinearity, creep, zero and span drift:
    a data sheet gives bounds, and every cell lies somewhere within them. ``hysteresis_share`` (channels,), in [0, 1],
    scales each cell's hysteresis.
    """

    def __init__(
        self, physics: tuple[CellPhysics, ...], nature: FloatArray, hysteresis_share: FloatArray | None = None
    ) -> None:
        self._capacity_g = np.array([each.capacity_g for each in physics])
        self._stop_g = self._capacity_g * np.array([each.overload_stop for each in physics])
        self._nonlinearity = np.array([each.nonlinearity for each in physics]) * nature[:, 0]
        self._creep = np.array([each.creep for each in physics]) * nature[:, 1]
        self._zero_g_per_c = self._capacity_g * np.array([each.zero_per_c for each in physics]) * nature[:, 2]
        self._span_per_c = np.array([each.span_per_c for each in physics]) * nature[:, 3]
        self._lag_s = np.array([each.thermal_lag_s for each in physics])
        self._hysteresis = np.array([each.hysteresis for each in physics])
        if hysteresis_share is not None:
            self._hysteresis = self._hysteresis * hysteresis_share
        self._play_g = PLAYS[:, None] * self._capacity_g
        self._played_g = np.zeros((len(PLAYS), len(physics)))
        self._crept_g = np.zeros((len(CREEP_TIMES_S), len(physics)))
        self._cell_c = np.full(len(physics), REFERENCE_C)

    def rest(self, load_g: FloatArray, air_c: float) -> None:
        """Take up the state of cells that were loaded from zero and have borne ``load_g`` in ``air_c`` for hours."""
        self._played_g = np.maximum(load_g - self._play_g, 0.0)
        self._crept_g = CREEP_WEIGHTS[:, None] * self._creep * load_g
        self._cell_c = np.full(len(load_g), air_c)

    def sense(self, load_g: FloatArray, step_s: float, air_c: float) -> FloatArray:
        """Return the cells' indication, g, for ``load_g`` (n, channels), rows ``step_s`` apart.

        Creep and temperature move once per call: a block is short against minutes.
        """
        lasting_s = len(load_g) * step_s
        keep = np.exp(-lasting_s / CREEP_TIMES_S)[:, None]
        goal_g = CREEP_WEIGHTS[:, None] * self._creep * load_g.mean(axis=0)
        self._crept_g = goal_g + (self._crept_g - goal_g) * keep
        self._cell_c = air_c + (self._cell_c - air_c) * np.exp(-lasting_s / self._lag_s)

        borne_g = np.clip(load_g, -self._stop_g, self._stop_g)
        fraction = borne_g / self._capacity_g
        bent_g = 4 * self._nonlinearity * self._capacity_g * fraction * (1 - np.abs(fraction))
        excess_c = self._cell_c - REFERENCE_C
        warmed_g = self._zero_g_per_c * excess_c + borne_g * self._span_per_c * excess_c
        sensed_g = borne_g + bent_g + self._crept_g.sum(axis=0) + warmed_g
        return np.asarray(sensed_g + self._lagged_g(borne_g) if self._hysteresis.any() else sensed_g)

    def _lagged_g(self, borne_g: FloatArray) -> FloatArray:
        """Return what hysteresis adds, (n, channels) g.

        Each play p follows the load no closer than its threshold r. Σ w (p − load (1 − r)) is nothing at zero and, on
        the way up, at capacity C: there the calibration is true.
        """
        lagged = np.empty(borne_g.shape)
        for row, load_g in enumerate(borne_g):
            self._played_g = np.clip(self._played_g, load_g - self._play_g, load_g + self._play_g)
            lagged[row] = self._played_g.sum(axis=0)
        return np.asarray(PLAY_WEIGHT * self._hysteresis * (lagged - borne_g * (1 - PLAYS).sum()))

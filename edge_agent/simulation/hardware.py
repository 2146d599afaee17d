"""How good a simulated board and its cells are."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from edge_agent.config import BoardCalibration, ShelfConfig
from edge_agent.model import FloatArray
from edge_agent.simulation.cell import CellPhysics
from edge_agent.simulation.plate import RingingMode

SMALL_CELL_MODES = (RingingMode(45.0, 0.04),)
"""A 5 kg cell with its plate: 37–64 Hz, damping 0.02–0.05 (2026-11)."""
PLATFORM_MODES = (RingingMode(32.0, 0.04),)
"""A 20 kg platform: 32–79 Hz, damping 0.02–0.05 (2026-11)."""
FULL_SCALE_COUNTS = 2**24 * 128 * 1e-3
"""Counts at a 1 mV/V cell's capacity, gain 128: 429.5 a gram for 5 kg."""


@dataclass(frozen=True, slots=True)
class BoardPhysics:
    """Quality of one board with its cells and plates; noise and zero error are shares of a cell's capacity.

    White noise of 2.4e-5 is 0.12 g on a 5 kg cell at 80 samples a second: 1.3 times the ADC's own (2026-11).

    Attributes
    ----------
    glitch_rate : float
        Share of a channel's samples that are read wrong (trailing ones); 0.01–0.05 on bit-banged boards.
    glitch_spread : float
        Each board's own rate is up to so many times more or less, log-uniform.
    glitch_pairs : float
        Share of the wrong readings whose next one is wrong too.
    mains_share : float
        Peak of the mains' tone in the readings, at most; each channel has its own of it.
    span_error, zero_error : float
        How far the calibration missed the truth, standard deviations.
    cells : mapping capacity_g → CellPhysics
        Where a cell differs from the data sheet's defaults.
    """

    white_share: float = 2.4e-5
    flicker_share: float = 0.6e-5
    glitch_rate: float = 0.0
    glitch_spread: float = 1.0
    glitch_pairs: float = 0.0
    mains_share: float = 0.0
    span_error: float = 2e-4
    zero_error: float = 1e-5
    lane_modes: tuple[RingingMode, ...] = SMALL_CELL_MODES
    platform_modes: tuple[RingingMode, ...] = PLATFORM_MODES
    cells: Mapping[float, CellPhysics] = field(default_factory=dict)

    def cell(self, capacity_g: float) -> CellPhysics:
        """Return the physics of a cell of this capacity."""
        return self.cells.get(capacity_g, CellPhysics(capacity_g))

    def modes(self, shelf: ShelfConfig) -> tuple[RingingMode, ...]:
        """Return the resonances of a shelf's plates."""
        return self.platform_modes if shelf.kind == "platform" else self.lane_modes


def true_conversion(
    calibration: BoardCalibration | None, capacity_g: FloatArray, physics: BoardPhysics, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return (zero_counts, counts_per_g), each (channels,): what the calibration says, and how far it missed.

    Channels without a calibration are a 1 mV/V cell on a bridge that is a little out of balance.
    """
    channels = len(capacity_g)
    zero = rng.uniform(-5e4, 5e4, size=channels)
    span = FULL_SCALE_COUNTS / capacity_g
    for index in range(channels):
        found = calibration.channel(index) if calibration is not None else None
        if found is not None:
            zero[index], span[index] = found.zero_counts, found.counts_per_g
    span *= 1 + physics.span_error * rng.standard_normal(channels)
    zero += span * capacity_g * physics.zero_error * rng.standard_normal(channels)
    return zero, span

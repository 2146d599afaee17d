"""A channel's health from a few seconds of quiet readings: figures first (`measure`), then what they mean.

All figures are of one input of one board. Without a calibration they are in counts, with one in grams.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.config import ChannelCalibration
from edge_agent.model import FlagArray, FloatArray, InstantArray, IntArray, SampleFlag

COUNTS_MAX = 2**23 - 1
COUNTS_MIN = -(2**23)
UNUSABLE = SampleFlag.SETTLING | SampleFlag.DESYNC | SampleFlag.SILENT
MEDIAN_WINDOW = 7
"""Readings of the running median: glitch runs in the field are at most two long (real recordings, 2026-11)."""
SPIKE_SIGMAS = 8.0
"""A Gaussian reading passes this once in 10¹⁵ (2026-11)."""
TRACE_BINS = 40
TRAILING_ONES = 0xFFF
"""Twelve low bits all one: by chance once in 4,096 readings."""


@dataclass(frozen=True, slots=True)
class BoardRows:
    """What one board said while it was listened to.

    Attributes
    ----------
    t_ns : (n,) int64
        Monotonic instants, rising.
    counts : (n, channels) int32
    flags : (n, channels) uint8
        Bits of `SampleFlag`.
    lost_rows : int
        Rows that were converted but never arrived.
    rate_hz : float
        The rate that the board claims.
    """

    t_ns: InstantArray
    counts: IntArray
    flags: FlagArray
    lost_rows: int
    rate_hz: float


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """What was measured on one input; ``unit`` is that of level, noise, wander, drift and trace.

    Attributes
    ----------
    readings, unusable : int
        Rows received, and those of them that the board itself flags as unusable.
    rate_hz : float
        Conversions a second, lost ones included; NaN from fewer than two rows.
    gaps : int
        Waits of more than two periods; ``longest_gap_s`` is the longest.
    noise : float
        Standard deviation of one reading against its neighbour (white noise alone).
    wander : float
        Standard deviation about the straight line through all readings: noise plus whatever moved.
    drift_per_min, drift_sigma_per_min : float
        Slope of that line and its standard error.
    spikes, trailing_ones, gain_slips : int
        Single readings off; of them those whose low bits all read 1, and those near 2, ½ or ¼ of the level.
    trace : (bins,)
        Medians over equal times, NaN where nothing came.
    """

    index: int
    unit: str
    readings: int
    unusable: int
    lost_rows: int
    nominal_hz: float
    rate_hz: float
    gaps: int
    longest_gap_s: float
    level: float
    noise: float
    noise_counts: float
    wander: float
    drift_per_min: float
    drift_sigma_per_min: float
    spikes: int
    trailing_ones: int
    gain_slips: int
    saturated: int
    unique_values: int
    trace: FloatArray


def measure(rows: BoardRows, index: int, calibration: ChannelCalibration | None = None) -> ChannelFigures:
    """Return the figures of one input.

    Parameters
    ----------
    rows : BoardRows
        What the board said.
    index : int
        The input, 0-based.
    calibration : ChannelCalibration, optional
        Turns counts into grams: mass_g = (counts − zero_counts) / counts_per_g.
    """
    counts = rows.counts[:, index]
    usable = (rows.flags[:, index] & UNUSABLE) == 0
    saturated = usable & ((counts >= COUNTS_MAX) | (counts <= COUNTS_MIN))
    t_s = (rows.t_ns - rows.t_ns[0]) / 1e9 if len(rows.t_ns) else np.zeros(0)
    readings = counts[usable].astype(np.float64)
    spiky = _spikes(readings)
    level_counts = float(np.median(readings)) if len(readings) else math.nan
    clean, clean_t_s = readings[~spiky], t_s[usable][~spiky]
    zero, scale = (calibration.zero_counts, calibration.counts_per_g) if calibration else (0.0, 1.0)
    slope, slope_sigma, wander = _line(clean_t_s, clean)
    noise_counts = _white_noise(clean)
    waits_s = np.diff(t_s)
    period_s = 1 / rows.rate_hz
    span_s = float(t_s[-1]) if len(t_s) > 1 else math.nan
    return ChannelFigures(
        index=index,
        unit="g" if calibration else "counts",
        readings=len(counts),
        unusable=int(np.count_nonzero(~usable)),
        lost_rows=rows.lost_rows,
        nominal_hz=rows.rate_hz,
        rate_hz=(len(counts) - 1 + rows.lost_rows) / span_s if span_s > 0 else math.nan,
        gaps=int(np.count_nonzero(waits_s > 2 * period_s)),
        longest_gap_s=float(waits_s.max()) if len(waits_s) else 0.0,
        level=(level_counts - zero) / scale,
        noise=noise_counts / abs(scale),
        noise_counts=noise_counts,
        wander=wander / abs(scale),
        drift_per_min=60 * slope / scale,
        drift_sigma_per_min=60 * slope_sigma / abs(scale),
        spikes=int(np.count_nonzero(spiky)),
        trailing_ones=int(np.count_nonzero((readings[spiky].astype(np.int64) & TRAILING_ONES) == TRAILING_ONES)),
        gain_slips=_gain_slips(readings[spiky], level_counts),
        saturated=int(np.count_nonzero(saturated)),
        unique_values=len(np.unique(readings)),
        trace=(_trace(t_s[usable], readings, span_s) - zero) / scale,
    )


def sparkline(trace: Sequence[float] | FloatArray) -> str:
    """Return a trace as block characters from its lowest to its highest value; a space where nothing came."""
    blocks = "▁▂▃▄▅▆▇█"
    values = np.asarray(trace, dtype=np.float64)
    known = values[np.isfinite(values)]
    if not len(known):
        return " " * len(values)
    low, span = float(known.min()), float(np.ptp(known))
    if span == 0:
        return "".join("▁" if math.isfinite(value) else " " for value in values)
    return "".join(blocks[min(7, int(8 * (value - low) / span))] if math.isfinite(value) else " " for value in values)


def _spikes(readings: FloatArray) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
    """Hampel's identifier: far from the running median, in robust standard deviations of that distance.

    F. R. Hampel, "The influence curve and its role in robust estimation", JASA 69 (1974).
    """
    if len(readings) < MEDIAN_WINDOW:
        return np.zeros(len(readings), dtype=np.bool_)
    half = MEDIAN_WINDOW // 2
    padded = np.pad(readings, half, mode="reflect")
    medians = np.median(np.lib.stride_tricks.sliding_window_view(padded, MEDIAN_WINDOW), axis=1)
    distance = np.abs(readings - medians)
    sigma = max(1.4826 * float(np.median(distance)), 1.0)  # one count: quantisation
    return np.asarray(distance > SPIKE_SIGMAS * sigma)


def _white_noise(readings: FloatArray) -> float:
    """Return σ from successive differences: drift and slow swaying drop out (von Neumann 1941)."""
    if len(readings) < 2:
        return math.nan
    steps = np.diff(readings)
    robust = 1.4826 * float(np.median(np.abs(steps - np.median(steps)))) / math.sqrt(2)
    # Under a few counts the median is coarse, and nothing can hide below it: take the plain estimate.
    return robust if robust > 4 else float(np.sqrt(np.mean(steps**2) / 2))


def _line(t_s: FloatArray, readings: FloatArray) -> tuple[float, float, float]:
    """Return slope per second, its standard error, and the residual's standard deviation, by least squares."""
    if len(readings) < 3 or np.ptp(t_s) == 0:
        return math.nan, math.nan, math.nan
    centred_t = t_s - t_s.mean()
    spread = float(centred_t @ centred_t)
    slope = float(centred_t @ readings) / spread
    residual = readings - readings.mean() - slope * centred_t
    sigma = math.sqrt(float(residual @ residual) / (len(readings) - 2))
    return slope, sigma / math.sqrt(spread), sigma


def _gain_slips(spikes: FloatArray, level: float) -> int:
    if not len(spikes) or level == 0:
        return 0
    ratios = spikes / level
    return int(np.count_nonzero(np.any(np.abs(ratios[:, None] - np.array([2.0, 0.5, 0.25])) < 0.02, axis=1)))


def _trace(t_s: FloatArray, readings: FloatArray, span_s: float) -> FloatArray:
    trace = np.full(TRACE_BINS, math.nan)
    if len(readings) and span_s > 0:
        bins = np.minimum((t_s / span_s * TRACE_BINS).astype(np.int64), TRACE_BINS - 1)
        for place in np.unique(bins):
            trace[place] = np.median(readings[bins == place])
    return trace

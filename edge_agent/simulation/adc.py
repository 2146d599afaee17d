"""The bridge ADC (HX711): its filter, its noise, and its 24 bits."""

import numpy as np

from edge_agent.model import BoolArray, FloatArray, IntArray
from edge_agent.simulation.recursion import first_order

OVERSAMPLING = 4
"""Steps of the physics per conversion: the plate's 80 Hz modes need 320 steps a second."""
COUNTS_MAX = 2**23 - 1
COUNTS_MIN = -(2**23)
FLICKER_TIMES_S = np.array([0.1, 1.0, 10.0, 100.0])
"""One process a decade adds up to 1/f between 1 mHz and 1 Hz."""
MAINS_HZ = 50.0
MAINS_OFF_HZ = 0.1
"""How far the grid's frequency strays on an ordinary day, Hz (2026-12)."""


def sinc4_taps() -> FloatArray:
    """Return the ADC's impulse response at `OVERSAMPLING` steps per conversion, (13,), summing to 1.

    A sinc⁴ filter settles within four conversions, as the HX711's data sheet says (50 ms at 80 SPS).
    """
    boxcar = np.full(OVERSAMPLING, 1 / OVERSAMPLING)
    taps = boxcar
    for _ in range(3):
        taps = np.convolve(taps, boxcar)
    return taps


class ConversionFilter:
    """Sinc⁴ decimation from physics steps to conversions."""

    def __init__(self, channels: int) -> None:
        self._taps = sinc4_taps()
        self._past_g = np.zeros((len(self._taps) - OVERSAMPLING, channels))

    def rest(self, load_g: FloatArray) -> None:
        """Take up the state after a long time at ``load_g`` (channels,)."""
        self._past_g = np.tile(load_g, (len(self._past_g), 1))

    def convert(self, load_g: FloatArray) -> FloatArray:
        """Return conversions (n, channels) of ``load_g`` (n · OVERSAMPLING, channels)."""
        steps_g = np.concatenate([self._past_g, load_g])
        self._past_g = steps_g[len(load_g) :]
        windows = np.lib.stride_tricks.sliding_window_view(steps_g, len(self._taps), axis=0)[::OVERSAMPLING]
        return np.asarray(windows @ self._taps)


class Noise:
    """White and 1/f noise of one board's channels, ``white_g`` and ``flicker_g`` (channels,) standard deviations.

    The random stream is drawn row by row, so that a block of n and n single rows see the same noise.
    """

    def __init__(self, white_g: FloatArray, flicker_g: FloatArray, rng: np.random.Generator) -> None:
        self._rng = rng
        self._white_g = white_g
        self._flicker_g = flicker_g / np.sqrt(len(FLICKER_TIMES_S))
        self._state_g = rng.standard_normal((len(FLICKER_TIMES_S), len(white_g))) * self._flicker_g

    def draw(self, rows: int, step_s: float) -> FloatArray:
        """Return noise, g, (rows, channels), rows ``step_s`` apart."""
        normal = self._rng.standard_normal((rows, 1 + len(FLICKER_TIMES_S), len(self._white_g)))
        noise_g = normal[:, 0] * self._white_g
        for place, time_s in enumerate(FLICKER_TIMES_S):
            keep = np.exp(-step_s / time_s)
            drive = normal[:, 1 + place] * (self._flicker_g * np.sqrt(1 - keep**2))
            walk = first_order(np.full(len(self._white_g), keep), self._state_g[place], drive)
            self._state_g[place] = walk[-1]
            noise_g += walk
        return np.asarray(noise_g)


class MainsTone:
    """What the supply's alternating current leaves in the readings, folded down by the conversions.

    The converter's own filter leaves a twentieth of 50 Hz at 80 samples a second, at 30 Hz; ``peak_g`` (channels,) is
    what comes out of it.
    """

    def __init__(self, peak_g: FloatArray, rng: np.random.Generator) -> None:
        self._peak_g = peak_g
        self._hz = MAINS_HZ + float(rng.uniform(-MAINS_OFF_HZ, MAINS_OFF_HZ))
        self._phase = rng.uniform(0, 2 * np.pi, size=len(peak_g))

    def at(self, t_s: FloatArray) -> FloatArray:
        """Return the tone at instants (n,), (n, channels) g."""
        return np.asarray(self._peak_g * np.sin(2 * np.pi * self._hz * t_s[:, None] + self._phase))


def quantise(mass_g: FloatArray, zero_counts: FloatArray, counts_per_g: FloatArray) -> IntArray:
    """Return 24-bit readings of ``mass_g`` (n, channels); the ADC clamps at its rails."""
    counts = np.rint(zero_counts + mass_g * counts_per_g)
    return np.clip(counts, COUNTS_MIN, COUNTS_MAX).astype(np.int32)


def trailing_ones(counts: IntArray, struck: BoolArray, bits_lost: IntArray) -> IntArray:
    """Return readings in which, where ``struck``, the last ``bits_lost`` bits of the 24 read 1."""
    return np.where(struck, counts | ((1 << bits_lost) - 1), counts).astype(np.int32)

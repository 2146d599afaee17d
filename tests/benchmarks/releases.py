"""Hands that take and put single items and let go, on plates that ring: readings and the truth, many at once.

Small and independent of the engine and of edge_agent.simulation: one plate a column, forces in grams at 640 Hz, plates
by their exact modal response, the converter's filter as four boxes in a row, white and 1/f noise.
"""

from dataclasses import dataclass

import numpy as np

from edge_agent.model import FloatArray

FINE = 8
RATE_HZ = 80.0
KNOT_S = 0.06
"""Hands change their force over about a tenth of a second."""


@dataclass(frozen=True, slots=True, eq=False)
class Releases:
    """Readings, (rows, plates), g, and per plate the true change, g, and when the hand let go, s."""

    grams: FloatArray
    change_g: FloatArray
    touch_s: FloatArray
    release_s: FloatArray


def draw_releases(
    seed: int, plates: int, modes: int, *, stiff: bool = False, sigma_g: float = 0.2, seconds: float = 12.0
) -> Releases:
    """Draw acts, one a plate, all between 4 and 7 s of ``seconds``.

    Plates ring at 8–25 Hz, ``stiff`` ones at 32–79 Hz, which the converter mostly averages away; ζ is 0.01–0.08. A hand
    touches for 0.3–1.5 s with a force of tens of grams to a kilogram, one in ten presses with up to 14 kg; it lets go
    within 5–60 ms of whatever it pressed with. Items weigh 20–1000 g.
    """
    rng = np.random.default_rng([seed, modes])
    t_s = np.arange(round(seconds * RATE_HZ * FINE)) / (RATE_HZ * FINE)
    force_g = np.zeros((t_s.size, plates))
    change_g, touch_s, release_s = np.zeros(plates), np.zeros(plates), np.zeros(plates)
    for plate in range(plates):
        contact_s = float(rng.uniform(0.3, 1.5))
        touch_s[plate] = rng.uniform(4.0, 5.5)
        release_s[plate] = touch_s[plate] + contact_s
        change_g[plate] = np.exp(rng.uniform(np.log(20.0), np.log(1000.0))) * rng.choice((-1.0, 1.0))
        force_g[:, plate] = rng.uniform(300.0, 3000.0) + change_g[plate] * _moved(rng, t_s, touch_s[plate], contact_s)
        force_g[:, plate] += _hand(rng, t_s, float(touch_s[plate]), contact_s)
    borne_g = np.zeros_like(force_g)
    first_hz = rng.uniform(32.0, 79.0, plates) if stiff else rng.uniform(8.0, 25.0, plates)
    second = rng.uniform(0.1, 0.5, plates) if modes == 2 else np.zeros(plates)
    hertz = [first_hz, first_hz * rng.uniform(1.4, 3.0, plates)]
    for mode, share in enumerate((1.0 - second, second)):
        if share.any():
            borne_g += share * _ring(force_g, hertz[mode], rng.uniform(0.01, 0.08, plates), 1.0 / (RATE_HZ * FINE))
    taps = np.ones(FINE) / FINE
    for _ in range(3):
        taps = np.convolve(taps, np.ones(FINE) / FINE)
    padded = np.concatenate((np.repeat(borne_g[:1], taps.size - 1, axis=0), borne_g))
    transform_rows = padded.shape[0] + taps.size
    spectrum = np.fft.rfft(padded, transform_rows, axis=0) * np.fft.rfft(taps, transform_rows)[:, np.newaxis]
    filtered = np.fft.irfft(spectrum, transform_rows, axis=0)[taps.size - 1 : padded.shape[0]][FINE - 1 :: FINE]
    noise = rng.normal(0.0, sigma_g, filtered.shape) + _flicker(rng, filtered.shape, 0.15 * sigma_g)
    return Releases(filtered + noise, change_g, touch_s, release_s)


def row_s(row: int) -> float:
    """Return when a row is read: at the end of its conversion, s."""
    return (row + 1) / RATE_HZ


def _moved(rng: np.random.Generator, t_s: FloatArray, touch_s: float, contact_s: float) -> FloatArray:
    """Return the share of the item's weight that has moved: some are set down at the very end."""
    at_s = touch_s + contact_s * (1.0 if rng.random() < 0.3 else rng.uniform(0.3, 0.9))
    ramp_s = rng.uniform(0.01, 0.15)
    moved: FloatArray = np.clip((t_s - at_s) / ramp_s + 1.0, 0.0, 1.0)
    return moved


def _hand(rng: np.random.Generator, t_s: FloatArray, touch_s: float, contact_s: float) -> FloatArray:
    """Return a hand's force, g: fumbling through knots, let go of within milliseconds at the end."""
    size_g = float(np.clip(60.0 * np.exp(0.8 * rng.standard_normal()), 15.0, 900.0))
    knots = max(4, round(contact_s / KNOT_S))
    fumbling = size_g * (
        rng.uniform(-0.3, 1.0) + np.convolve(rng.standard_normal(knots + 2), [0.25, 0.5, 0.25], "valid")
    )
    if rng.random() < 0.1:
        fumbling += rng.uniform(1000.0, 14_000.0) * np.sin(np.pi * (np.arange(knots) + 0.5) / knots)
    fumbling[0] = 0.0
    hand = np.interp(t_s, touch_s + contact_s * np.arange(knots) / (knots - 1), fumbling, left=0.0, right=fumbling[-1])
    let_go_s = rng.uniform(0.005, 0.06)
    hand *= np.clip((touch_s + contact_s - t_s) / let_go_s, 0.0, 1.0)
    return np.asarray(hand)


def _ring(force_g: FloatArray, hertz: FloatArray, damping: FloatArray, step_s: float) -> FloatArray:
    """Return the response of second-order plates, exact for a force constant over a step."""
    pole = 2 * np.pi * hertz * (-damping + 1j * np.sqrt(1 - np.square(damping)))
    residue = np.square(2 * np.pi * hertz) / (2j * pole.imag)
    factor = np.exp(pole * step_s)
    gain = (factor - 1) / pole
    state = -force_g[0] / pole
    borne = np.empty_like(force_g)
    for row, force in enumerate(force_g):
        state = factor * state + gain * force
        borne[row] = 2 * (residue * state).real
    return borne


def _flicker(rng: np.random.Generator, shape: tuple[int, ...], sigma_g: float) -> FloatArray:
    """Return slow noise: three first-order processes of 0.3, 3 and 30 s, ``sigma_g`` each."""
    slow = np.zeros(shape)
    for time_s in (0.3, 3.0, 30.0):
        keep = float(np.exp(-1.0 / (RATE_HZ * time_s)))
        state = sigma_g * rng.standard_normal(shape[1])
        for row in range(shape[0]):
            slow[row] += state
            state = keep * state + sigma_g * (1 - keep**2) ** 0.5 * rng.standard_normal(shape[1])
    return slow

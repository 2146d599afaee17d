"""What a channel's figures mean, in words: the likely cause and what to try.

Limits are for HX711 converters on bar cells; each names where it comes from.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from edge_agent.calibration.diagnosis import ChannelFigures
from edge_agent.config import ChannelCalibration
from edge_agent.console.terminal import figure
from edge_agent.vocabulary import Severity

NOISE_LIMIT_G = 2.0
"""A 20 kg cell has 0.36 g at 80 SPS; boards in the field two to four times that (2026-11)."""
NOISE_LIMIT_COUNTS = 900.0
"""The same on an uncalibrated 5 kg cell of 429.5 counts/g (2026-11)."""
NOISE_GROWTH = 3.0
"""Against what the technician found at calibration."""
OPEN_GROWTH = 20.0
"""Noise this many times the limit is no load: a wire picks up the mains (2026-11)."""
FLOOR_COUNTS = 2.0
"""A tenth of the HX711's own noise at 10 SPS (50 nV rms = 21 counts at gain 128, data sheet)."""
SPIKE_SHARE = 0.002
"""A bit-banged HX711 in the field: 0.3-1.7 % (real recordings); a timed one: none (2026-11)."""
MISSING_SHARE = 0.01
RATE_LOW, RATE_HIGH = 0.9, 1.25
"""An HX711's own oscillator runs at -4 to +17 % of its nominal rate."""
DRIFT_LIMIT_G_PER_MIN = 2.0
"""A 5 kg cell creeps 2.5 g in half an hour at full load; this is far above."""
DRIFT_SIGMAS = 5.0
WANDER_RATIO = 3.0
FEW_READINGS = 20


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something about a channel that a technician should look at."""

    code: str
    severity: Severity
    cause: str
    remedy: str


def complaints(
    figures: ChannelFigures, calibration: ChannelCalibration | None = None, cell_max_g: float | None = None
) -> tuple[Complaint, ...]:
    """Return what is wrong with a channel, worst first; empty when nothing is.

    Parameters
    ----------
    figures : ChannelFigures
        Measured while nobody touched the shelf.
    calibration : ChannelCalibration, optional
        What a technician found earlier, to compare the noise with.
    cell_max_g : float, optional
        The cell's rated capacity.
    """
    fatal = _dead(figures)
    if fatal is not None:
        return (fatal,)
    found = [
        *_signal(figures, calibration),
        *_level(figures, cell_max_g),
        *_readings(figures),
        *_movement(figures),
    ]
    order = (Severity.ERROR, Severity.WARNING, Severity.INFO)
    return tuple(sorted(found, key=lambda complaint: order.index(complaint.severity)))


def _dead(figures: ChannelFigures) -> Complaint | None:
    usable = figures.readings - figures.unusable
    if usable == 0:
        return Complaint(
            "silent",
            Severity.ERROR,
            "the converter of this input gives no reading",
            "check its supply and the DOUT and SCK wires; swap it with a neighbour's to see whether the fault moves",
        )
    if usable < FEW_READINGS:
        return Complaint(
            "too_few",
            Severity.WARNING,
            f"only {usable} usable readings: too few to judge",
            f"measure longer: --seconds {max(10, math.ceil(2 * FEW_READINGS / figures.nominal_hz))}",
        )
    if 2 * figures.saturated > usable:
        return Complaint(
            "saturated",
            Severity.ERROR,
            "the reading lies at the converter's rail: a wire is off, shorted or swapped, or the cell is destroyed",
            "check the cell's four wires against the diagram; measure about 1 kΩ across each pair",
        )
    if figures.unique_values == 1:
        return Complaint(
            "stuck",
            Severity.ERROR,
            "every reading is the same: no real cell is that quiet",
            "power the board off and on; if it stays, replace the converter",
        )
    return None


def _signal(figures: ChannelFigures, calibration: ChannelCalibration | None) -> Iterator[Complaint]:
    limit = NOISE_LIMIT_G if figures.unit == "g" else NOISE_LIMIT_COUNTS
    as_found = calibration.noise_g if calibration else None
    if figures.noise_counts < FLOOR_COUNTS:
        yield Complaint(
            "too_quiet",
            Severity.ERROR,
            f"noise of {figures.noise_counts:.1f} counts is below what the converter itself makes",
            "the cell is probably not connected to this input: check its wires, then press on the plate and look again",
        )
    elif figures.noise > OPEN_GROWTH * limit:
        yield Complaint(
            "open_cell",
            Severity.ERROR,
            f"noise of {figures.noise:.0f} {figures.unit} is no load: a wire is off and picks up the mains",
            "check the cell's four wires and its plug",
        )
    elif as_found is not None and figures.noise > NOISE_GROWTH * as_found:
        yield Complaint(
            "noisier",
            Severity.WARNING,
            f"noise is {figures.noise / as_found:.1f} times that found at calibration",
            "look for a loose plug, a motor or a charger nearby; stop what shakes the shelf and measure again",
        )
    elif as_found is None and figures.noise > limit:
        yield Complaint(
            "noisy",
            Severity.WARNING,
            f"noise is {figure(figures.noise)} {figures.unit}, more than a sound cell makes",
            "shorten or shield the cell's wires, check the 5 V supply, and stop what shakes the shelf",
        )


def _level(figures: ChannelFigures, cell_max_g: float | None) -> Iterator[Complaint]:
    if figures.unit == "g" and cell_max_g is not None and abs(figures.level) > cell_max_g:
        yield Complaint(
            "overload",
            Severity.ERROR,
            f"{figures.level:.0f} g rest on a cell made for {cell_max_g:.0f} g, or its zero has moved",
            "take the load off; if the reading stays, the cell is bent: replace and calibrate it",
        )
    if figures.saturated:
        yield Complaint(
            "touches_rail",
            Severity.WARNING,
            f"{figures.saturated} readings lie at the converter's rail",
            "look for a loose wire or a load near the cell's limit",
        )


def _readings(figures: ChannelFigures) -> Iterator[Complaint]:
    usable = figures.readings - figures.unusable
    if figures.spikes > max(1.0, SPIKE_SHARE * usable):
        share = f"{100 * figures.spikes / usable:.1f} % of readings are spikes"
        if 2 * figures.trailing_ones > figures.spikes:
            cause = f"{share} whose last bits all read 1: the converter powered down in mid-read"
            remedy = "update the board's firmware; an interrupt stretches its clock pulses"
        elif 2 * figures.gain_slips > figures.spikes:
            cause = f"{share} near 2, ½ or ¼ of the level: the converter slips to another gain"
            remedy = "update the board's firmware; clock pulses get lost or doubled, also on long SCK wires"
        else:
            cause = f"{share}"
            remedy = "check plugs and the 5 V supply; keep the cell's wires away from mains and motors"
        yield Complaint("spikes", Severity.WARNING, cause, remedy)
    missing = figures.lost_rows + figures.unusable
    if missing > max(4.0, MISSING_SHARE * (figures.readings + figures.lost_rows)):
        yield Complaint(
            "missing",
            Severity.WARNING,
            f"{figures.lost_rows} readings were lost and {figures.unusable} unusable; longest wait"
            f" {figures.longest_gap_s:.2f} s",
            "use a shorter USB cable or a powered hub, and the board's own baud rate; see `edge-agent check`",
        )
    ratio = figures.rate_hz / figures.nominal_hz
    if not RATE_LOW <= ratio <= RATE_HIGH:
        yield Complaint(
            "wrong_rate",
            Severity.ERROR,
            f"{figures.rate_hz:.1f} readings a second; the board claims {figures.nominal_hz:.1f}",
            "check the converter's RATE pin (low is 10, high is 80 a second) and the board's setting",
        )


def _movement(figures: ChannelFigures) -> Iterator[Complaint]:
    floor = 1.0 if figures.unit == "g" else NOISE_LIMIT_COUNTS / NOISE_LIMIT_G
    per_min_limit = DRIFT_LIMIT_G_PER_MIN * floor
    if figures.wander > max(WANDER_RATIO * figures.noise, floor):
        yield Complaint(
            "moved",
            Severity.WARNING,
            f"the load moved by about {figure(figures.wander)} {figures.unit} while it was measured",
            "keep hands off the shelf and measure again; figures above may be too high",
        )
    elif abs(figures.drift_per_min) > max(per_min_limit, DRIFT_SIGMAS * figures.drift_sigma_per_min):
        yield Complaint(
            "drifting",
            Severity.WARNING,
            f"the level drifts by {figure(figures.drift_per_min, sign=True)} {figures.unit} a minute",
            "let the board warm up for ten minutes; look for a plate that touches or a load put down just now",
        )

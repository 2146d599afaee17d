from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edge_agent.calibration.complaints import complaints
from edge_agent.calibration.diagnosis import BoardRows, ChannelFigures, measure, sparkline
from edge_agent.config import ChannelCalibration
from edge_agent.model import SampleFlag
from edge_agent.vocabulary import Severity

REAL_QUIET_SHELF = Path(__file__).parents[3] / "shared/data/cambridge/2019-11-18_quiet_4ch.csv"
RATE_HZ = 80.0
SECONDS = 10
ROWS = int(RATE_HZ * SECONDS)
COUNTS_PER_G = 429.5
CALIBRATION = ChannelCalibration(index=0, zero_counts=8000.0, counts_per_g=COUNTS_PER_G, noise_g=0.1)
LOAD_G = 1045.0


def cell(noise_g: float = 0.1, load_g: float = LOAD_G) -> npt.NDArray[np.float64]:
    """Ten quiet seconds of a sound 5 kg cell, in counts."""
    noise = np.random.default_rng(11).normal(0.0, noise_g * COUNTS_PER_G, ROWS)
    return 8000.0 + load_g * COUNTS_PER_G + noise


def rows(counts: npt.NDArray[np.float64], lost_rows: int = 0, rate_hz: float = RATE_HZ) -> BoardRows:
    return BoardRows(
        t_ns=(np.arange(1, len(counts) + 1) / rate_hz * 1e9).astype(np.int64),
        counts=np.clip(np.rint(counts), -(2**23), 2**23 - 1).astype(np.int32)[:, None],
        flags=np.zeros((len(counts), 1), dtype=np.uint8),
        lost_rows=lost_rows,
        rate_hz=RATE_HZ,
    )


def told(figures: ChannelFigures, calibration: ChannelCalibration | None = CALIBRATION) -> list[str]:
    return [complaint.code for complaint in complaints(figures, calibration, cell_max_g=5000.0)]


def diagnosed(counts: npt.NDArray[np.float64], *, lost_rows: int = 0, rate_hz: float = RATE_HZ) -> list[str]:
    return told(measure(rows(counts, lost_rows, rate_hz), 0, CALIBRATION))


def test_a_sound_cell_is_told_in_grams_and_nothing_is_wrong() -> None:
    figures = measure(rows(cell()), 0, CALIBRATION)

    assert told(figures) == []
    assert figures.level == pytest.approx(LOAD_G, abs=0.02)
    assert figures.noise == pytest.approx(0.1, rel=0.15)
    assert figures.rate_hz == pytest.approx(RATE_HZ)
    assert abs(figures.drift_per_min) < 5 * figures.drift_sigma_per_min
    assert (figures.spikes, figures.saturated, figures.gaps, figures.lost_rows) == (0, 0, 0, 0)


def test_without_a_calibration_the_same_is_told_in_counts() -> None:
    figures = measure(rows(cell()), 0)
    assert (figures.unit, told(figures, None)) == ("counts", [])
    assert figures.noise == pytest.approx(0.1 * COUNTS_PER_G, rel=0.15)


def test_a_cell_wired_the_other_way_round_still_reads_positive_grams() -> None:
    reversed_cell = ChannelCalibration(index=0, zero_counts=8000.0, counts_per_g=-COUNTS_PER_G)
    figures = measure(rows(16_000.0 - cell()), 0, reversed_cell)
    assert figures.level == pytest.approx(LOAD_G, abs=0.1)
    assert figures.noise > 0


def test_a_stuck_converter_is_a_fault() -> None:
    assert diagnosed(np.full(ROWS, 12_345.0)) == ["stuck"]


def test_a_converter_that_never_answers_is_a_fault() -> None:
    silent = rows(cell())
    silent.flags[:] = SampleFlag.SILENT
    assert told(measure(silent, 0, CALIBRATION)) == ["silent"]


def test_a_torn_wire_at_the_rail_is_a_fault() -> None:
    assert diagnosed(np.full(ROWS, 2.0**23)) == ["saturated"]


def test_a_wire_that_picks_up_the_mains_is_a_fault() -> None:
    assert diagnosed(cell(noise_g=60.0))[0] == "open_cell"


def test_an_input_quieter_than_its_converter_has_no_cell() -> None:
    flicker = np.random.default_rng(1).integers(0, 2, ROWS).astype(np.float64)
    assert diagnosed(8000.0 + flicker) == ["too_quiet"]


def test_noise_is_judged_against_what_was_found_at_calibration() -> None:
    figures = measure(rows(cell(noise_g=0.5)), 0, CALIBRATION)
    assert told(figures) == ["noisier"]
    assert "5." in complaints(figures, CALIBRATION)[0].cause

    never_measured = ChannelCalibration(index=0, zero_counts=8000.0, counts_per_g=COUNTS_PER_G)
    assert told(measure(rows(cell(noise_g=0.5)), 0, never_measured), never_measured) == []
    assert told(measure(rows(cell(noise_g=3.0)), 0, never_measured), never_measured) == ["noisy"]


def test_spikes_are_counted_and_do_not_spoil_the_other_figures() -> None:
    counts = cell()
    counts[50::100] += 22_000 * COUNTS_PER_G / 4
    figures = measure(rows(counts), 0, CALIBRATION)
    assert figures.spikes == 8
    assert figures.noise == pytest.approx(0.1, rel=0.15)
    assert figures.level == pytest.approx(LOAD_G, abs=0.02)
    assert told(figures) == ["spikes"]


def test_spikes_with_trailing_ones_name_the_converters_clock() -> None:
    counts = np.rint(cell()).astype(np.int64)
    counts[50::100] |= 0xFFFFF
    (complaint,) = complaints(measure(rows(counts.astype(np.float64)), 0, CALIBRATION), CALIBRATION)
    assert "powered down in mid-read" in complaint.cause
    assert "firmware" in complaint.remedy


def test_readings_at_half_and_twice_the_level_name_the_gain() -> None:
    counts = cell()
    counts[50::100] *= 2
    counts[70::100] /= 2
    (complaint,) = complaints(measure(rows(counts), 0, CALIBRATION), CALIBRATION)
    assert "slips to another gain" in complaint.cause


def test_lost_readings_and_long_waits_are_named() -> None:
    whole = rows(cell())
    kept = np.r_[0:300, 360:ROWS]
    torn = BoardRows(whole.t_ns[kept], whole.counts[kept], whole.flags[kept], lost_rows=60, rate_hz=RATE_HZ)
    figures = measure(torn, 0, CALIBRATION)
    assert told(figures) == ["missing"]
    assert figures.gaps == 1
    assert figures.longest_gap_s == pytest.approx(61 / RATE_HZ)
    assert figures.rate_hz == pytest.approx(RATE_HZ)  # the converter kept its pace; the wire did not


def test_four_settling_readings_after_power_up_are_no_complaint() -> None:
    fresh = rows(cell())
    fresh.flags[:4] = SampleFlag.SETTLING
    assert told(measure(fresh, 0, CALIBRATION)) == []


def test_a_board_at_ten_readings_a_second_that_claims_eighty_is_a_fault() -> None:
    assert diagnosed(cell(), rate_hz=10.0) == ["wrong_rate"]


def test_an_oscillator_at_the_end_of_its_tolerance_is_no_fault() -> None:
    assert diagnosed(cell(), rate_hz=RATE_HZ * 1.17) == []


def test_a_hand_on_the_shelf_is_told_from_noise() -> None:
    counts = cell()
    counts[400:500] += 80 * COUNTS_PER_G
    assert diagnosed(counts) == ["moved"]


def test_a_drifting_level_is_told_with_its_slope() -> None:
    drift = cell() + np.linspace(0, 1.5, ROWS) * COUNTS_PER_G
    figures = measure(rows(drift), 0, CALIBRATION)
    assert figures.drift_per_min == pytest.approx(9.0, abs=0.5)
    assert told(figures) == ["drifting"]


def test_more_than_the_cell_can_bear_is_a_fault() -> None:
    assert diagnosed(cell(load_g=5400.0)) == ["overload"]


def test_the_worst_comes_first() -> None:
    counts = cell(noise_g=0.6, load_g=5400.0)
    found = complaints(measure(rows(counts), 0, CALIBRATION), CALIBRATION, 5000.0)
    assert [each.severity for each in found] == [Severity.ERROR, Severity.WARNING]


def test_some_readings_at_the_rail_are_a_warning() -> None:
    counts = cell()
    counts[100:120] = 2.0**23
    assert "touches_rail" in diagnosed(counts)


@pytest.mark.parametrize("length", [0, 1, 2, 5])
def test_a_handful_of_readings_is_called_too_few(length: int) -> None:
    figures = measure(rows(cell()[:length]), 0, CALIBRATION)
    assert told(figures) == (["silent"] if length == 0 else ["too_few"])
    assert figures.readings == length


def test_a_sparkline_runs_from_lowest_to_highest_and_leaves_holes() -> None:
    assert sparkline([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]) == "▁▂▃▄▅▆▇█"
    assert sparkline([5.0, float("nan"), 5.0]) == "▁ ▁"
    assert sparkline([float("nan")] * 3) == "   "


@pytest.mark.skipif(not REAL_QUIET_SHELF.exists(), reason=f"{REAL_QUIET_SHELF.name} is not here: real recording")
def test_a_real_noisy_shelf_is_told_as_its_notes_describe_it() -> None:
    """Four cells in use whose noise differs 20-fold, with 0.3 to 1.7 % of glitches and one wait of 10.5 s."""
    log = np.genfromtxt(REAL_QUIET_SHELF, delimiter=",", skip_header=1)
    log = log[np.r_[True, np.diff(log[:, 0]) > 0]]
    shelf = BoardRows(
        t_ns=((log[:, 0] - log[0, 0]) * 1e9).astype(np.int64),
        counts=log[:, 1:5].astype(np.int32),
        flags=np.zeros((len(log), 4), dtype=np.uint8),
        lost_rows=0,
        rate_hz=10.0,
    )
    cells = [measure(shelf, index) for index in range(4)]
    assert all(0.003 < cell.spikes / cell.readings < 0.017 for cell in cells)
    assert 10 < max(cell.noise for cell in cells) / min(cell.noise for cell in cells) < 30
    assert all(cell.longest_gap_s == pytest.approx(10.5, abs=0.1) for cell in cells)
    assert all("spikes" in told(cell, None) for cell in cells)

"""Minutes of the compiled firmware at its fullest, eight converters at 80 SPS, with every single value accounted for.

The short form runs with the suite; `make rig-soak` runs ten minutes of board time and prints the figures.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from rig_board import UID, RigBoard
from rig_host import Host, linked
from rig_readings import Ints, conversions_of

from firmware_bridge.events import AuxReport, BoardDown, LinkQuality, SampleBlock
from firmware_bridge.frames import SampleFlag
from firmware_bridge.port import PortConfig

CHANNELS = 8
SLOWEST, FASTEST = 0.96, 1.17
"""An HX711's own oscillator against its nominal rate."""
CLOCK_RMS_MS, CAMPAIGN_MINUTES = 2.0, 10.0
"""What the campaign must keep; it is mostly jitter of the wall clock by which the rig is paced."""
BUSY_CLOCK_RMS_MS = 10.0
"""Allowed in the suite, on a machine with other things to do."""
LOOK_S = 10.0


@pytest.mark.timeout(3600)
def test_no_row_is_missing_no_value_wrong_and_every_surplus_conversion_counted(
    tmp_path: Path, rig_minutes: float
) -> None:
    ready_us: dict[int, float] = {}
    with RigBoard(tmp_path, channels=CHANNELS, seed=3) as board:
        for channel, factor in enumerate(np.linspace(SLOWEST, FASTEST, CHANNELS)):
            board.factor(channel, float(factor))
        board.walk_all()
        with linked(PortConfig(board.path, expected_uid=UID)) as (link, host):
            host.rows(1)
            start_s = board.board_time_s()
            next_read = 0
            while (left_s := start_s + 60 * rig_minutes - board.board_time_s()) > 0:
                time.sleep(min(LOOK_S, left_s))
                for read in board.delivered(0, next_read):
                    ready_us[read.conversion] = read.ready_us
                    next_read = read.index + 1
            ran_s = board.board_time_s() - start_s
            counters = link.status()[0].counters
            chips = board.chips()
    blocks = host.of(SampleBlock)
    counts = np.concatenate([block.counts for block in blocks]).astype(np.int64)
    flags = np.concatenate([block.flags for block in blocks])
    t_ns = np.concatenate([block.t_ns for block in blocks])
    settled = int((flags & SampleFlag.SETTLING).max(axis=1).nonzero()[0].max(initial=-1)) + 1
    counts, flags, t_ns = counts[settled:], flags[settled:], t_ns[settled:]
    conversions = conversions_of(counts)
    steps = np.diff(conversions, axis=0)

    assert np.all(steps[:, 0] == 1), "a conversion of the slowest converter is missing"
    # Any wrong bit names a conversion thousands away.
    assert steps.min() == 1
    assert steps.max() == 2
    assert not flags.any()
    assert sum(block.lost for block in blocks) == counters.lost_rows == counters.crc_errors == 0
    assert not host.of(BoardDown)
    assert not host.of(LinkQuality)
    surplus, told = surplus_between_reports(host, t_ns, conversions)
    # One more may be counted of the row that is under way when a report is put together.
    assert np.abs(surplus - told).max() <= 1
    assert all((chip.lost, chip.torn, chip.power_downs) == (0, 0, 0) for chip in chips)
    residual_ms = clock_residual_ms(t_ns, conversions[:, 0], ready_us)
    rms_ms = float(np.sqrt(np.mean(np.square(residual_ms))))
    high_us = max(chip.sck_high_max_us for chip in chips)
    print(
        f"\n{ran_s / 60:.1f} minutes of board time, {CHANNELS} channels: {len(counts)} rows, {counts.size} values"
        f"\n0 gaps, 0 wrong values, {surplus.sum()} surplus conversions from first to last AUX, {told.sum()} told"
        f"\nhost time against board time: {rms_ms:.3f} ms rms, {np.abs(residual_ms).max():.3f} ms at most"
        f"\nSCK high at most {high_us:.3f} µs, no power-down"
    )
    assert rms_ms < (CLOCK_RMS_MS if rig_minutes >= CAMPAIGN_MINUTES else BUSY_CLOCK_RMS_MS)
    assert high_us < 5.0


def surplus_between_reports(host: Host, t_ns: Ints, conversions: Ints) -> tuple[Ints, Ints]:
    """Surplus conversions of each channel from first to last report: by the values, and by the board's own count."""
    reports = [report for report in host.of(AuxReport) if t_ns[0] < report.t_ns < t_ns[-1]]
    first, last = reports[0], reports[-1]
    surplus = conversions - np.arange(len(conversions))[:, np.newaxis]
    row = np.searchsorted(t_ns, [first.t_ns, last.t_ns]) - 1
    return surplus[row[1]] - surplus[row[0]], np.subtract(last.skipped, first.skipped) % 65_536


def clock_residual_ms(t_ns: Ints, conversions: Ints, ready_us: dict[int, float]) -> npt.NDArray[np.float64]:
    """Host time of each row less a straight line through board time: what clock synchronisation left."""
    known = [place for place, conversion in enumerate(conversions.tolist()) if conversion in ready_us]
    board_s = np.array([ready_us[int(conversions[place])] for place in known]) / 1e6
    host_s = (t_ns[known] - t_ns[0]) / 1e9
    line = np.polynomial.Polynomial.fit(board_s, host_s, 1)
    return np.asarray((host_s - line(board_s)) * 1e3, dtype=np.float64)

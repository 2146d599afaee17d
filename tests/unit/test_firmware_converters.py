"""The firmware on modelled HX711s: every value right, none of the slowest lost, every broken line named."""

from __future__ import annotations

import itertools

import pytest
from firmware_host.board import (
    NO_FAULT,
    PERIOD_80_SPS,
    STUCK_HIGH,
    STUCK_LOW,
    SWALLOWS_PULSES,
    HostBoard,
    aux,
    channel_counts,
    channel_flags,
    samples,
)

from firmware_bridge.frames import CommandKind, SampleFlag

LINE_LOW = SampleFlag.SILENT | SampleFlag.DESYNC


def board_with(channels: int, *, first_tick: int = 0) -> HostBoard:
    board = HostBoard(channels=channels, first_tick=first_tick)
    board.power_up()
    board.add_chips(channels)
    return board


# -- values and pacing ------------------------------------------------------------------------------------


def test_every_value_of_the_24_bit_range_comes_through_with_its_sign() -> None:
    board = HostBoard(channels=1)
    board.power_up()
    # a stride prime to 2**24 crosses both rails, zero and every bit pattern's neighbourhood
    board.add_chip(0, period=PERIOD_80_SPS, counts=-0x800000 - 104_729, step=104_729)

    seen = channel_counts(board.rows(10.0), 0)

    wanted = [(-0x800000 + 104_729 * n + 0x800000) % 0x1000000 - 0x800000 for n in range(len(seen))]
    assert len(seen) > 780
    assert seen == wanted
    for edge in (-0x800000, -1, 0, 1, 0x7FFFFF):
        board.c.host_set_counts(0, edge, 0)
        assert channel_counts(board.rows(0.05), 0)[-1] == edge


def test_eight_oscillators_of_their_own_lose_none_of_the_slowest_and_count_every_surplus() -> None:
    board = HostBoard(channels=8)
    board.power_up()
    # 80 SPS, -4 ... +17 %: as far apart as the datasheet lets them be
    for channel in range(8):
        rate = 0.96 + 0.03 * channel
        board.add_chip(channel, period=round(PERIOD_80_SPS / rate), first=9_000 + 777 * channel, counts=0, step=1)

    frames = board.run(60.0)
    told = aux(frames)[-1]
    rows = [row for row in samples(frames) if row.last_tick <= told.tick]

    assert len(rows) >= 58 * 76
    assert channel_counts(rows, 0) == list(range(1, len(rows) + 1)), "the slowest"
    assert [row.first_index for row in rows] == list(range(len(rows)))
    for channel in range(8):
        surplus = channel_counts(rows, channel)[-1] - len(rows)
        assert told.skipped[channel] - surplus in (0, 1), "one may have come since the last row"
        assert board.c.host_lost(channel) == 0
    assert told.skipped[0] == 0
    assert told.skipped[7] > 900


def test_equal_oscillators_lose_nothing_whatever_their_phase() -> None:
    board = board_with(4)

    rows = board.rows(5.0)

    for channel in range(4):
        values = channel_counts(rows, channel)
        assert {b - a for a, b in itertools.pairwise(values)} == {7}


def test_oscillators_that_drift_past_each_other_lose_nothing_of_the_slowest() -> None:
    board = HostBoard(channels=3)
    board.power_up()
    for channel, period in enumerate((25_003, 25_000, 24_996)):
        board.add_chip(channel, period=period, first=20_000 + 40 * channel, counts=0, step=1)

    rows = board.rows(180.0)

    assert channel_counts(rows, 0) == list(range(1, len(rows) + 1))
    assert max(b.last_tick - a.last_tick for a, b in itertools.pairwise(rows)) < 1.1 * PERIOD_80_SPS


def test_the_row_is_stamped_at_its_last_data_ready_edge_and_not_when_it_is_read() -> None:
    board = board_with(2)
    last_edge = board.c.hardware_ticks() + 20_300  # channel 1 converts 300 ticks after channel 0

    rows = board.rows(2.0, busy_s=0.002)

    assert [row.last_tick for row in rows] == [last_edge + n * PERIOD_80_SPS for n in range(len(rows))]


def test_the_tick_counter_wraps_without_a_break() -> None:
    board = board_with(2, first_tick=2**32 - 1_000_000)

    rows = board.rows(2.0)

    assert rows[0].last_tick > 2**31 > rows[-1].last_tick
    assert {(b.last_tick - a.last_tick) % 2**32 for a, b in itertools.pairwise(rows)} == {PERIOD_80_SPS}
    assert not any(channel_flags(rows[5:], 0))


@pytest.mark.parametrize(("gain", "pulses"), [(128, 25), (32, 26), (64, 27)])
def test_the_extra_pulses_choose_the_gain(gain: int, pulses: int) -> None:
    board = board_with(3)
    board.run(0.2)

    board.command(CommandKind.SET_GAIN, bytes((gain,)))
    board.run(0.1)

    assert [board.c.host_gain_pulses(channel) for channel in range(3)] == [pulses] * 3


def test_conversions_are_settling_after_the_start_and_after_another_gain_and_else_never() -> None:
    board = board_with(2)

    rows = board.rows(1.0)
    # the first was begun at the converter's own gain, 128, whatever the board's is; then four
    assert channel_flags(rows, 0) == [SampleFlag.SETTLING] * 5 + [0] * (len(rows) - 5)

    board.command(CommandKind.SET_GAIN, bytes((64,)))
    rows = board.rows(1.0)
    # the conversion under way was begun with the old gain, then four
    assert channel_flags(rows, 1) == [SampleFlag.SETTLING] * 5 + [0] * (len(rows) - 5)

    board.command(CommandKind.SET_GAIN, bytes((64,)))
    assert not any(channel_flags(board.rows(1.0), 0))


def test_ten_conversions_a_second_drive_the_rate_pin_low() -> None:
    board = board_with(2)
    board.run(0.5)
    assert board.is_on("host_rate_pin")

    board.command(CommandKind.SET_RATE, (10_000).to_bytes(4, "little"))
    for channel in range(2):
        board.c.host_set_period(channel, 200_000)
    rows = board.rows(3.0)

    assert not board.is_on("host_rate_pin")
    assert 29 <= len(rows) <= 32
    assert not any(channel_flags(rows[6:], 0))


# -- broken lines -----------------------------------------------------------------------------------------


def test_a_converter_that_stops_is_silent_after_two_periods_and_the_rows_go_on() -> None:
    board = board_with(3)
    before = board.rows(1.0)

    board.c.host_fault(1, STUCK_HIGH, 0)
    rows = board.rows(1.0)

    assert (rows[0].last_tick - before[-1].last_tick) <= 3 * PERIOD_80_SPS
    assert len(rows) >= 77
    held = channel_counts(before, 1)[-1]
    assert set(channel_counts(rows[1:], 1)) <= {held, held + 7}
    assert set(channel_flags(rows[1:], 1)) == {SampleFlag.SILENT}
    assert not any(channel_flags(rows, 0))

    board.c.host_fault(1, NO_FAULT, 0)
    rows = board.rows(1.0)
    assert channel_flags(rows, 1)[-1] == 0
    assert SampleFlag.SETTLING in channel_flags(rows, 1), "it may have been without supply"


def test_a_line_that_stays_low_is_named_and_never_floods_the_link() -> None:
    board = board_with(3)
    board.run(1.0)

    board.c.host_fault(2, STUCK_LOW, 0)
    rows = board.rows(1.0)

    assert 75 <= len(rows) <= 81
    assert set(channel_flags(rows[3:], 2)) == {LINE_LOW}
    assert not any(channel_flags(rows, 0))
    values = channel_counts(rows, 0)
    assert {b - a for a, b in itertools.pairwise(values)} <= {7, 14}, "at most one row waited for the broken line"
    before, after = aux(board.run(3.0))[-2:]
    assert before.desyncs is not None
    assert after.desyncs is not None
    assert 60 <= after.desyncs - before.desyncs <= 80, "tried again once a period, no more"

    board.c.host_fault(2, NO_FAULT, 0)
    rows = board.rows(1.0)
    assert channel_flags(rows, 2)[-40:] == [0] * 40


def test_a_board_whose_every_line_is_low_still_sends_rows_that_say_so() -> None:
    board = board_with(2)
    board.run(0.5)

    for channel in range(2):
        board.c.host_fault(channel, STUCK_LOW, 0)
    rows = board.rows(2.0)

    assert 145 <= len(rows) <= 161
    assert set(channel_flags(rows[5:], 0)) == {LINE_LOW}
    assert [row.first_index - rows[0].first_index for row in rows] == list(range(len(rows)))


def test_a_board_without_converters_says_silent_at_its_nominal_rate() -> None:
    board = HostBoard(channels=2)
    board.power_up()
    for channel in range(2):
        board.add_chip(channel, period=0, counts=0)

    rows = board.rows(2.0)

    assert 140 <= len(rows) <= 160
    assert set(channel_flags(rows, 0)) == {SampleFlag.SILENT}


def test_a_line_that_is_low_from_the_start_is_named() -> None:
    board = HostBoard(channels=2)
    board.power_up()
    board.add_chips(2)
    board.c.host_fault(0, STUCK_LOW, 0)

    rows = board.rows(1.0)

    assert set(channel_flags(rows[5:], 0)) == {LINE_LOW}
    assert channel_flags(rows, 1)[-60:] == [0] * 60


@pytest.mark.parametrize("gain", [128, 32, 64])
def test_a_lost_pulse_is_flagged_and_the_next_good_value_is_right(gain: int) -> None:
    board = board_with(2)
    board.command(CommandKind.SET_GAIN, bytes((gain,)))
    board.run(1.0)
    board.c.host_set_counts(0, 0x111110, 0)  # ends in a zero bit: DOUT stays low at our 25th pulse
    board.run(0.1)

    board.c.host_fault(0, SWALLOWS_PULSES, 1)
    rows = board.rows(0.5)

    flags = channel_flags(rows, 0)
    assert SampleFlag.DESYNC in flags
    for value, flag in zip(channel_counts(rows, 0), flags, strict=True):
        assert flag or value == 0x111110
    assert flags[-10:] == [0] * 10
    assert not any(channel_flags(rows, 1))


def test_a_converter_eight_times_too_fast_is_no_converter_of_this_rate() -> None:
    board = HostBoard(channels=2)
    board.power_up()
    board.add_chips(2)
    board.command(CommandKind.SET_RATE, (10_000).to_bytes(4, "little"))
    board.c.host_set_period(0, 200_000)  # channel 1's RATE pin is wired high

    rows = board.rows(5.0)

    assert 40 <= len(rows) <= 55
    assert set(channel_flags(rows[10:], 1)) == {LINE_LOW}
    assert not any(channel_flags(rows[10:], 0))


def test_a_conversion_read_too_late_is_flagged() -> None:
    board = board_with(1)
    board.run(0.5)

    rows = board.rows(0.5, busy_s=0.011)

    assert SampleFlag.LATE in {SampleFlag(flag) for flag in channel_flags(rows, 0)}

"""One port's conversation, stepped by hand: hours of board time in milliseconds, no sleeping."""

from __future__ import annotations

import itertools
import struct

import numpy as np
import pytest
from bridge_desk import NS, UID, Desk

from firmware_bridge.active_board import HELD_FRAMES
from firmware_bridge.board_model import BoardModel
from firmware_bridge.board_setup import BoardSetup, SteadySource
from firmware_bridge.commands import Request, rate_payload
from firmware_bridge.errors import CommandAbortedError, CommandTimeoutError
from firmware_bridge.events import AuxReport, BoardDown, BoardUp, DownReason, SampleBlock
from firmware_bridge.frames import Ack, Aux, CommandKind, ResetCause, SampleFlag, Samples, encode


def test_from_opening_to_dated_samples_takes_less_than_600_ms_and_no_row_is_lost() -> None:
    desk = Desk()
    desk.run(0.6)
    assert isinstance(desk.events[0], BoardUp)
    assert desk.events[0].hello.board_uid == UID
    assert desk.events[0].port == "/dev/ttyTEST"
    assert desk.rows()[0] == 0
    desk.run(2)
    assert desk.rows() == list(range(len(desk.rows())))
    assert len(desk.rows()) >= 200
    assert sum(block.lost for block in desk.of(SampleBlock)) == 0
    errors = [b.t_ns[-1] - desk.true_ns(b.first_index + len(b.t_ns) - 1) for b in desk.of(SampleBlock)]
    assert max(map(abs, errors)) < 1_000_000


def test_the_first_rows_after_power_up_arrive_flagged_as_settling() -> None:
    desk = Desk()
    desk.run(1)
    flags = np.concatenate([block.flags for block in desk.of(SampleBlock)])
    assert (flags[:4] == SampleFlag.SETTLING).all()
    assert not flags[4:].any()


def test_the_slow_readings_arrive_in_plain_units() -> None:
    desk = Desk(BoardSetup(UID, temperatures_cdeg=(2150, -32768), supply_mv=4950))
    desk.model.digital_inputs = 0b10
    desk.model.skipped[2] = 17
    desk.run(2.5)
    report = desk.of(AuxReport)[-1]
    assert report.temperatures_c == (21.5, None)
    assert (report.supply_mv, report.digital_inputs, report.skipped) == (4950, 2, (0, 0, 17, 0))
    assert report.t_ns == pytest.approx(desk.start_ns + 2 * NS, abs=1_000_000)


def test_a_lost_frame_is_told_with_the_exact_number_of_rows() -> None:
    desk = Desk(BoardSetup(UID, rate_hz=800.0))
    desk.run(1)
    desk.model.faults.drop_sample_frames = 3
    desk.run(1)
    gaps = [block.lost for block in desk.of(SampleBlock) if block.lost]
    assert gaps == [30]
    counters = desk.session.counters
    assert (counters.gaps, counters.lost_rows, counters.overflow_rows) == (1, 30, 0)


def test_rows_the_board_had_to_drop_are_told_as_overflow() -> None:
    desk = Desk(BoardSetup(UID, rate_hz=800.0))
    desk.run(1)
    desk.model.faults.drop_rows = 7
    desk.run(1)
    assert sum(block.lost for block in desk.of(SampleBlock)) == 7
    assert desk.session.counters.overflow_rows == 7
    blocks = desk.of(SampleBlock)
    assert [b.first_index for b in blocks[1:]] == [
        a.first_index + len(a.t_ns) + b.lost for a, b in itertools.pairwise(blocks)
    ]


def test_bytes_lost_and_corrupted_never_change_a_value_and_every_missing_row_is_told() -> None:
    desk = Desk(BoardSetup(UID, rate_hz=400.0))
    desk.run(1)
    desk.model.faults.byte_loss = 0.002
    desk.model.faults.byte_corruption = 0.002
    desk.run(20)
    desk.model.faults.byte_loss = desk.model.faults.byte_corruption = 0.0
    desk.run(1)
    assert not desk.of(BoardDown)
    rows = desk.rows()
    assert len(rows) + sum(b.lost for b in desk.of(SampleBlock)) == rows[-1] + 1
    for block in desk.of(SampleBlock):
        assert block.counts[:, 0].tolist() == [block.first_index + n for n in range(len(block.t_ns))]
        assert not block.counts[:, 1:].any()
    counters = desk.session.counters
    assert counters.gaps > 10
    assert counters.resyncs > 10
    assert counters.crc_errors > 10


def test_noise_between_frames_costs_nothing_but_a_count() -> None:
    desk = Desk()
    desk.run(1)
    desk.model.faults.noise = b"\x13garbage\x00more\x00"
    desk.run(1)
    assert desk.rows() == list(range(len(desk.rows())))
    assert desk.session.counters.resyncs == 1
    assert desk.session.counters.other_rejections + desk.session.counters.crc_errors == 2


def test_a_board_that_restarts_is_told_and_its_samples_begin_again() -> None:
    desk = Desk()
    desk.run(3)
    desk.model.reset(ResetCause.BROWN_OUT)
    desk.run(3)
    (down,) = desk.of(BoardDown)
    assert down.reason is DownReason.RESET
    assert down.board_uid == UID
    assert "/dev/ttyTEST" in down.detail
    assert [up.hello.boot_counter for up in desk.of(BoardUp)] == [1, 2]
    assert desk.of(BoardUp)[1].hello.reset_cause == ResetCause.BROWN_OUT
    second = desk.rows()[desk.rows().index(0, 1) :]
    assert second == list(range(len(second)))
    assert len(second) > 200
    t_ns = np.concatenate([block.t_ns for block in desk.of(SampleBlock)])
    assert np.all(np.diff(t_ns) > 0)
    last = desk.of(SampleBlock)[-1]
    assert last.t_ns[-1] == pytest.approx(desk.true_ns(last.first_index), abs=1_000_000)


def test_a_restart_whose_hello_was_lost_shows_in_the_sample_index() -> None:
    desk = Desk()
    desk.run(3)
    desk.model.reset()
    desk.model.faults.silence = True
    desk.run(0.005)
    desk.model.faults.silence = False
    desk.run(3)
    assert [down.reason for down in desk.of(BoardDown)] == [DownReason.RESET]
    assert [up.hello.boot_counter for up in desk.of(BoardUp)] == [1, 2]
    assert desk.rows()[-1] > 200


def test_a_restart_while_the_clock_is_still_unknown_dates_no_row_by_the_wrong_clock() -> None:
    desk = Desk()
    desk.run(0.2)
    assert not desk.of(SampleBlock)
    desk.model.reset()
    desk.run(2)
    assert desk.session.counters.undated_rows > 10
    rows = desk.rows()
    assert rows == list(range(len(rows)))


def test_rows_on_the_wire_from_before_a_reset_are_not_dated_by_the_new_clock() -> None:
    desk = Desk()
    desk.session.closed(desk.now_ns)
    desk.now_ns += 5 * NS
    desk.model.advance(desk.model.ticks_at(4.9))
    desk.open()
    old = desk.model.advance(desk.model.ticks_at(5.0))
    desk.session.receive(old, desk.now_ns)
    desk.model.reset(ResetCause.EXTERNAL)
    desk.run(2)
    rows = desk.rows()
    assert rows == list(range(len(rows)))
    assert len(rows) > 100
    assert desk.session.counters.undated_rows == 8
    assert not desk.of(BoardDown)


def test_silence_is_reported_after_a_second_and_the_port_given_up() -> None:
    desk = Desk()
    desk.run(2)
    desk.model.faults.silence = True
    silent_since_ns = desk.now_ns
    desk.run(5)
    (down,) = desk.of(BoardDown)
    assert down.reason is desk.session.verdict is DownReason.SILENT
    assert 0.9 * NS < down.t_ns - silent_since_ns < 1.1 * NS


def test_a_board_that_converts_every_thirty_seconds_is_not_called_silent() -> None:
    desk = Desk(BoardSetup(UID, channels=2, rate_hz=1 / 30), step_ms=10)
    desk.run(600)
    assert not desk.of(BoardDown)
    # HELLO rounds 1/30 to 0.033 Hz; the times are the board's own.
    assert len(desk.rows()) == 20
    for block in desk.of(SampleBlock):
        assert block.t_ns[0] == pytest.approx(desk.true_ns(block.first_index), abs=10_000_000)


def test_a_wire_that_carries_no_commands_is_a_dead_clock() -> None:
    desk = Desk()
    desk.run(2)
    desk.model.faults.deaf = True
    desk.run(10)
    (down,) = desk.of(BoardDown)
    assert down.reason is DownReason.CLOCK_DEAD
    assert "host to board" in down.detail


def test_a_board_that_never_hears_hello_is_told_apart_from_no_board() -> None:
    heard = Desk()
    heard.model.faults.deaf = True
    heard.model.advance(heard.model.ticks_at(0.1))
    heard.run(4)
    (down,) = heard.of(BoardDown)
    assert down.reason is DownReason.SILENT
    assert "does not answer HELLO" in down.detail


def test_another_board_than_expected_is_refused_with_both_uids() -> None:
    desk = Desk(expected_uid="00000000000000ff")
    desk.run(1)
    (down,) = desk.of(BoardDown)
    assert down.reason is desk.session.verdict is DownReason.WRONG_BOARD
    assert down.board_uid == UID
    assert UID in down.detail
    assert "00000000000000ff" in down.detail
    assert not desk.of(BoardUp)
    assert not desk.of(SampleBlock)


def test_a_uid_that_already_answers_elsewhere_is_refused() -> None:
    desk = Desk(claim=lambda _: False)
    desk.run(1)
    assert desk.session.verdict is DownReason.DUPLICATE_UID
    assert not desk.of(BoardUp)


def test_another_protocol_version_is_named_and_nothing_of_it_read() -> None:
    desk = Desk(BoardSetup(UID, protocol=(2, 1)))
    desk.run(1)
    (down,) = desk.of(BoardDown)
    assert down.reason is DownReason.PROTOCOL_MISMATCH
    assert down.board_uid == UID
    assert "2.1" in down.detail
    assert not desk.of(SampleBlock)


def test_the_same_trouble_again_is_not_reported_again() -> None:
    desk = Desk(expected_uid="00000000000000ff")
    for _ in range(4):
        desk.run(1)
        desk.reopen()
    assert len(desk.of(BoardDown)) == 1


def test_a_reopened_port_counts_the_rows_missed_meanwhile() -> None:
    desk = Desk()
    desk.run(2)
    desk.session.closed(desk.now_ns)
    absent_ns = desk.now_ns
    desk.now_ns += 3 * NS
    desk.model.advance(desk.model.ticks_at((desk.now_ns - desk.start_ns) / NS))
    desk.open()
    desk.run(2)
    gaps = [block.lost for block in desk.of(SampleBlock) if block.lost]
    assert gaps == [240]
    assert desk.session.counters.reconnects == 1
    t_ns = np.concatenate([block.t_ns for block in desk.of(SampleBlock)])
    assert np.all(np.diff(t_ns) > 0)
    assert np.diff(t_ns).max() == pytest.approx(desk.now_ns - absent_ns - 2 * NS, abs=50_000_000)


def test_a_board_without_a_lasting_boot_counter_starts_over_without_a_false_gap() -> None:
    desk = Desk()
    desk.run(2)
    desk.session.closed(desk.now_ns)
    desk.model.boot_counter = 0
    desk.model.reset(ResetCause.POWER_ON)
    desk.open()
    desk.run(2)
    assert sum(block.lost for block in desk.of(SampleBlock)) == 0
    assert desk.rows()[-1] > 100


def test_the_sample_index_wraps_without_a_gap() -> None:
    desk = Desk()
    desk.model._index = desk.model._base_index = (1 << 32) - 100
    desk.run(4)
    blocks = desk.of(SampleBlock)
    assert sum(block.lost for block in blocks) == 0
    assert blocks[-1].first_index > 1 << 32


def test_samples_held_too_long_without_a_clock_are_dropped_oldest_first_and_told() -> None:
    desk = Desk(BoardSetup(UID, channels=1, rate_hz=80.0))
    desk.answering = False
    desk.model.advance(0)
    desk.session.receive(encode(desk.model.hello()), desk.now_ns)
    for index in range(HELD_FRAMES + 50):
        row = Samples(
            index & 0xFFFF, index, index * 25_000, 0, np.array([[index]], np.int32), np.zeros((1, 1), np.uint8)
        )
        desk.now_ns += NS // 80
        desk.session.receive(encode(row), desk.now_ns)
    assert desk.session._board is not None
    for number in range(8):
        sent_ns, tick = desk.now_ns + number * 50_000_000, index * 25_000 + number * 100_000
        desk.session._board.clock_answer(sent_ns, sent_ns + 1000, tick)
    blocks = desk.of(SampleBlock)
    assert len(blocks) == HELD_FRAMES
    assert blocks[0].lost == 50
    assert blocks[0].first_index == 50


def test_rows_with_another_number_of_channels_than_hello_are_refused_and_named() -> None:
    desk = Desk()
    desk.run(1)
    seen = len(desk.rows())
    desk.model.faults.drop_sample_frames = 10_000
    odd = Samples(0, 0, 0, 0, np.zeros((1, 2), np.int32), np.zeros((1, 2), np.uint8))
    desk.session.receive(encode(odd), desk.now_ns)
    desk.run(3)
    assert len(desk.rows()) == seen
    assert desk.session.counters.foreign_rows == 1
    (down,) = desk.of(BoardDown)
    assert down.reason is DownReason.SILENT
    assert "4 channels" in down.detail


def test_a_change_of_rate_is_announced_and_dated_by_the_new_rate() -> None:
    desk = Desk()
    desk.run(2)
    request = Request(CommandKind.SET_RATE, rate_payload(10_000), try_ns=NS)
    desk.session.submit(request)
    desk.run(3)
    assert request.ack is not None
    assert desk.of(BoardUp)[-1].hello.rate_hz == 10.0
    assert not desk.of(BoardDown)
    last = desk.of(SampleBlock)[-5:]
    assert np.diff([block.t_ns[0] for block in last]) == pytest.approx(NS / 10, rel=0.01)
    assert sum(block.lost for block in desk.of(SampleBlock)) == 0


def test_a_command_lost_on_the_wire_is_sent_again_and_one_never_answered_times_out() -> None:
    desk = Desk()
    desk.run(1)
    desk.answering = False
    request = Request(CommandKind.STATS, b"", try_ns=NS // 10)
    desk.session.submit(request)
    desk.run(0.25)
    assert not request.wait(0)
    desk.answering = True
    desk.run(0.2)
    assert request.ack is not None
    assert struct.unpack("<IHHHH", request.ack.payload)[0] > 80
    desk.answering = False
    lost = Request(CommandKind.STATS, b"", try_ns=NS // 10)
    desk.session.submit(lost)
    desk.run(1)
    assert isinstance(lost.error, CommandTimeoutError)


def test_commands_under_way_end_in_an_error_when_the_port_is_closed() -> None:
    desk = Desk()
    desk.run(1)
    requests = [Request(CommandKind.STATS, b"", try_ns=NS) for _ in range(3)]
    for request in requests:
        desk.session.submit(request)
    desk.session.closed(desk.now_ns)
    assert all(isinstance(request.error, CommandAbortedError) for request in requests)


def test_an_answer_to_another_request_is_not_taken_for_this_one() -> None:
    desk = Desk()
    desk.run(1)
    desk.answering = False
    request = Request(CommandKind.STATS, b"", try_ns=NS)
    desk.session.submit(request)
    desk.run(0.3)
    desk.session.receive(encode(Ack(200, 0, b"stale")), desk.now_ns)
    assert request.ack is None


def test_a_clock_that_jumps_without_a_restart_is_synchronised_again_without_losing_a_row() -> None:
    desk = Desk()
    desk.run(3)
    desk.model._zero_tick += 2_000_000
    desk.run(8)
    assert [down.reason for down in desk.of(BoardDown)] == [DownReason.RESET]
    assert sum(block.lost for block in desk.of(SampleBlock)) == 0
    last = desk.of(SampleBlock)[-1]
    assert last.t_ns[-1] == pytest.approx(desk.true_ns(last.first_index), abs=1_000_000)


def test_steady_source_is_what_it_says() -> None:
    model = BoardModel(BoardSetup(UID, rate_hz=10.0), SteadySource([1, 2, 3, 9_000_000]))
    desk = Desk()
    desk.model = model
    desk.run(2)
    assert desk.of(SampleBlock)[-1].counts.tolist() == [[1, 2, 3, 8_388_607]]


def in_order_and_true(desk: Desk, *, within_ms: float = 5.0) -> bool:
    """Whether every row is there, in its place and dated as it happened."""
    t_ns = np.concatenate([block.t_ns for block in desk.of(SampleBlock)])
    true_ns = np.array([desk.true_ns(index) for index in desk.rows()])
    return (
        desk.rows() == list(range(len(desk.rows())))
        and bool(np.all(np.diff(t_ns) > 0))
        and float(np.max(np.abs(t_ns - true_ns))) < within_ms * 1e6
    )


@pytest.mark.parametrize("asleep_s", [0.5, 1.0, 3.0, 20.0])
def test_a_host_that_slept_finds_the_board_as_it_left_it(asleep_s: float) -> None:
    desk = Desk()
    desk.run(3)
    for _ in range(5):
        desk.sleep(asleep_s)
        desk.run(1.7)
    assert not desk.of(BoardDown)
    assert len(desk.of(BoardUp)) == 1
    assert in_order_and_true(desk)


@pytest.mark.parametrize("after_s", [0.02, 0.12, 0.23, 0.34, 0.45])
def test_a_host_that_slept_while_the_clock_was_being_learnt_still_dates_every_row_truly(after_s: float) -> None:
    desk = Desk()
    desk.run(after_s)
    desk.sleep(2.0)
    desk.run(10)
    assert not desk.of(BoardDown)
    assert in_order_and_true(desk)


@pytest.mark.parametrize("late_ms", [20, 150, 700])
def test_answers_that_the_hub_delivers_late_for_ten_seconds_are_no_fault_of_the_board(late_ms: int) -> None:
    desk = Desk()
    desk.run(5)
    desk.answer_late_ns = late_ms * 1_000_000
    desk.run(10)
    desk.answer_late_ns = 0
    desk.run(5)
    assert not desk.of(BoardDown)
    assert in_order_and_true(desk)


def test_queries_that_reach_the_board_late_move_no_date() -> None:
    desk = Desk()
    desk.run(10)
    desk.query_late_ns = 80_000_000
    desk.run(20)
    desk.query_late_ns = 0
    desk.run(5)
    assert not desk.of(BoardDown)
    assert in_order_and_true(desk)


def test_a_board_that_falls_silent_while_the_host_sleeps_is_told_a_second_after_it_woke() -> None:
    desk = Desk()
    desk.run(3)
    desk.model.faults.silence = True
    desk.sleep(5.0)
    awake_ns = desk.now_ns
    desk.run(3)
    (down,) = desk.of(BoardDown)
    assert down.reason is DownReason.SILENT
    assert 0.9 * NS < down.t_ns - awake_ns < 1.1 * NS


def test_a_restart_while_the_host_sleeps_is_told_when_it_wakes() -> None:
    desk = Desk()
    desk.run(3)
    desk.sleep(1.0, lambda: desk.model.reset(ResetCause.BROWN_OUT))
    desk.run(2)
    assert [down.reason for down in desk.of(BoardDown)] == [DownReason.RESET]
    assert desk.of(BoardUp)[-1].hello.reset_cause == ResetCause.BROWN_OUT
    assert desk.of(BoardDown)[0].t_ns - desk.asleep_until_ns < 0.01 * NS


def test_one_frame_of_garbage_with_an_earlier_index_is_a_stray_and_no_restart() -> None:
    desk = Desk()
    desk.run(3)
    zeros = np.zeros((1, 4), np.int32), np.zeros((1, 4), np.uint8)
    desk.session.receive(encode(Samples(9, 17, 4711, 0, *zeros)), desk.now_ns)
    desk.session.receive(encode(Samples(9, 3, 4711, 0, *zeros)), desk.now_ns)
    desk.run(3)
    assert not desk.of(BoardDown)
    assert desk.session.counters.stray_rows == 2
    assert in_order_and_true(desk)


def test_a_restart_without_hello_and_without_a_lasting_boot_counter_shows_within_two_rows() -> None:
    desk = Desk()
    desk.run(3)
    desk.model.boot_counter = 0
    desk.model.reset(ResetCause.POWER_ON)
    reset_ns = desk.now_ns
    desk.model.faults.silence = True
    desk.run(0.005)
    desk.model.faults.silence = False
    desk.run(2)
    (down,) = desk.of(BoardDown)
    assert down.reason is DownReason.RESET
    assert down.t_ns - reset_ns < 0.04 * NS
    second = desk.rows()[desk.rows().index(0, 1) :]
    assert second == list(range(len(second)))
    assert len(second) > 100


def test_a_clock_that_jumps_is_told_within_a_quarter_of_a_second_of_the_first_query_that_shows_it() -> None:
    desk = Desk()
    desk.run(5)
    desk.model._zero_tick += 2_000_000
    jumped_ns = desk.now_ns
    desk.run(3)
    (down,) = desk.of(BoardDown)
    assert down.reason is DownReason.RESET
    assert down.t_ns - jumped_ns < 1.25 * NS


def wild_frame(desk: Desk, seconds: float) -> None:
    """Give the next frame a tick far from the present, as garbage that passes the CRC has."""
    rows_ns = round(NS / desk.model.rate_hz)
    desk.model._zero_tick -= round(seconds * desk.model.setup.tick_rate_hz)
    while not (sent := desk._board_runs()):
        desk.now_ns += rows_ns // 10
    desk._hear(sent)
    desk.model._zero_tick += round(seconds * desk.model.setup.tick_rate_hz)


def truly_dated(desk: Desk) -> bool:
    """Whether every row that came is dated as it happened, and not after it was read."""
    blocks = desk.of(SampleBlock)
    t_ns = np.concatenate([block.t_ns for block in blocks])
    true_ns = np.array([desk.true_ns(index) for index in desk.rows()])
    return (
        all(block.t_ns[-1] <= block.t_ns_host_read for block in blocks)
        and bool(np.all(np.diff(t_ns) > 0))
        and float(np.max(np.abs(t_ns - true_ns))) < 2e6
    )


@pytest.mark.parametrize("seconds", [1000.0, 1.0, -1000.0, -1.0])
@pytest.mark.parametrize("rate_hz", [80.0, 800.0])
def test_one_frame_with_a_wild_tick_costs_its_own_rows_and_no_other(seconds: float, rate_hz: float) -> None:
    desk = Desk(BoardSetup(UID, rate_hz=rate_hz))
    desk.run(3)
    wild_frame(desk, seconds)
    desk.run(3)
    rows = round(rate_hz / 80)
    assert [block.lost for block in desk.of(SampleBlock) if block.lost] == [rows]
    assert desk.session.counters.misdated_rows == desk.session.counters.lost_rows == rows
    assert not desk.of(BoardDown)
    assert truly_dated(desk)
    desk.reopen()
    desk.run(2)
    assert truly_dated(desk)
    assert desk.now_ns - desk.of(SampleBlock)[-1].t_ns[-1] < 0.1 * NS


def test_a_wild_tick_among_the_rows_held_at_the_start_dates_no_other_row() -> None:
    desk = Desk()
    desk.run(0.2)
    wild_frame(desk, 1000.0)
    desk.run(2)
    assert [block.lost for block in desk.of(SampleBlock) if block.lost] == [1]
    assert truly_dated(desk)


@pytest.mark.parametrize("seconds", [900.0, 1.0, 0.05, -1.0, -900.0])
@pytest.mark.parametrize("after_s", [3.0, 3.3, 3.7])
def test_a_clock_that_steps_is_told_at_once_and_no_row_is_lost_or_falsely_dated(seconds: float, after_s: float) -> None:
    desk = Desk()
    desk.run(after_s)
    desk.model._zero_tick -= round(seconds * desk.model.setup.tick_rate_hz)
    stepped_ns = desk.now_ns
    desk.run(4)
    (down,) = desk.of(BoardDown)
    assert down.reason is DownReason.RESET
    assert down.t_ns - stepped_ns < 0.35 * NS
    assert desk.rows() == list(range(len(desk.rows())))
    assert desk.session.counters.misdated_rows > 0
    assert truly_dated(desk)


def test_a_clock_that_steps_back_by_a_few_rows_is_told_and_so_is_every_row_it_costs() -> None:
    desk = Desk()
    desk.run(3)
    desk.model._zero_tick += desk.model.setup.tick_rate_hz // 20
    stepped_ns = desk.now_ns
    desk.run(4)
    (down,) = desk.of(BoardDown)
    assert down.reason is DownReason.RESET
    assert down.t_ns - stepped_ns < 0.35 * NS
    lost = sum(block.lost for block in desk.of(SampleBlock))
    assert lost <= 3
    assert len(desk.rows()) + lost == desk.rows()[-1] + 1
    last = desk.of(SampleBlock)[-1]
    assert last.t_ns[-1] == pytest.approx(desk.true_ns(last.first_index), abs=1_000_000)


def test_a_board_whose_rows_and_clock_never_agree_is_named_and_not_believed() -> None:
    desk = Desk()
    desk.run(3)
    seen = len(desk.rows())
    answer = desk.model.receive

    def honest_clock(octets: bytes) -> bytes:
        desk.model._zero_tick += 2_000_000
        answers = answer(octets)
        desk.model._zero_tick -= 2_000_000
        return answers

    desk.model.receive = honest_clock  # type: ignore[method-assign]
    desk.model._zero_tick -= 2_000_000
    desk.run(5)
    (down,) = desk.of(BoardDown)
    assert down.reason is desk.session.verdict is DownReason.SILENT
    assert "ticks that its clock never showed" in down.detail
    assert len(desk.rows()) == seen


def test_slow_readings_with_a_wild_tick_are_not_dated_in_the_future() -> None:
    desk = Desk()
    desk.run(3)
    tick = (desk.model.board_tick + 1000 * desk.model.setup.tick_rate_hz) & 0xFFFFFFFF
    desk.session.receive(encode(Aux(tick, 5000, 0, (2150,), (0,) * 4)), desk.now_ns)
    assert desk.of(AuxReport)[-1].t_ns == desk.now_ns

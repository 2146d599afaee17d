"""A wire that damages frames is told while it does so, and again when it no longer does."""

from __future__ import annotations

import pytest
from bridge_desk import NS, UID, Desk

from firmware_bridge.events import BoardDown, DownReason, LinkQuality, SampleBlock
from firmware_bridge.frames import Aux, ResetCause
from firmware_bridge.link_watch import LinkWatch


def _qualities(desk: Desk) -> list[bool]:
    return [event.poor for event in desk.of(LinkQuality)]


def test_one_byte_in_a_hundred_damaged_is_told_within_a_second_and_taken_back_when_it_stops() -> None:
    desk = Desk()
    desk.run(2.0)
    began_ns = desk.now_ns
    desk.model.faults.byte_corruption = 0.01
    desk.run(10.0)
    (poor,) = desk.of(LinkQuality)
    assert poor.poor
    assert poor.board_uid == UID
    assert poor.t_ns - began_ns < NS
    assert poor.detail.startswith("/dev/ttyTEST: in the last second ")
    assert "damaged frames from the board" in poor.detail
    desk.model.faults.byte_corruption = 0.0
    desk.run(8.0)
    assert _qualities(desk) == [True, False]
    assert not desk.of(BoardDown), "what does arrive is sound: the board goes on weighing"


def test_lost_frames_and_rows_that_the_board_could_not_send_are_told_apart() -> None:
    desk = Desk()
    desk.run(2.0)
    desk.model.faults.drop_rows = 5
    desk.run(1.0)
    (full,) = desk.of(LinkQuality)
    assert "rows that the board had no room to send × 5" in full.detail
    desk.run(6.0)
    for _ in range(3):
        desk.model.faults.drop_sample_frames = 2
        desk.run(0.2)
    assert "rows lost on the way × 6" in desk.of(LinkQuality)[-1].detail
    assert _qualities(desk) == [True, False, True]


@pytest.mark.parametrize("at", [0, 7, -1])
def test_a_byte_damaged_now_and_then_is_what_cables_do_and_no_fault(at: int) -> None:
    """Wherever it falls: on a delimiter it joins two frames, and both are lost."""
    desk = Desk()
    desk.run(2.0)
    flips = 0
    advance = desk.model.advance

    def flipping(to_ticks: int) -> bytes:
        nonlocal flips
        sent = bytearray(advance(to_ticks))
        if sent and flips < desk.now_ns // (2 * NS) - 501:
            flips += 1
            sent[at] ^= 0x41
        return bytes(sent)

    desk.model.advance = flipping  # type: ignore[method-assign]
    desk.run(9.0)
    assert flips >= 4
    assert desk.session.counters.crc_errors + desk.session.counters.other_rejections >= 4
    assert not _qualities(desk)


def test_a_minute_on_a_bad_cable_takes_no_memory() -> None:
    desk = Desk()
    desk.run(2.0)
    desk.model.faults.byte_corruption = 0.05
    desk.run(60.0)
    assert _qualities(desk) == [True]
    assert len(desk.session._watch._recent) < 300


def test_what_the_host_slept_through_is_not_the_cables_fault() -> None:
    desk = Desk()
    desk.run(2.0)
    desk.sleep(3.0, meanwhile=lambda: setattr(desk.model.faults, "drop_sample_frames", 60))
    desk.run(3.0)
    assert desk.session.counters.lost_rows > 0
    assert not _qualities(desk)


def test_noise_of_a_board_that_starts_is_not_the_cables_fault() -> None:
    desk = Desk()
    for _ in range(4):
        desk.session.receive(b"\x55\x12\x99\x00", desk.now_ns)
    desk.run(2.0)
    assert not _qualities(desk)


def test_one_byte_that_the_boards_receiver_lost_is_a_fault_and_a_restart_begins_its_count_anew() -> None:
    watch = LinkWatch("/dev/left")
    watch.aux(_aux(overruns=65_535), 1 * NS)
    watch.aux(_aux(overruns=0), 2 * NS)
    told = watch.judge(2 * NS, UID)
    assert told is not None
    assert told.detail == "/dev/left: in the last second bytes lost by the board's receiver × 1"
    assert watch.judge(8 * NS, UID) == LinkQuality(8 * NS, "/dev/left", UID, False, "/dev/left: no damage for 5 s")
    watch.aux(_aux(overruns=7), 9 * NS)
    watch.judge(9 * NS, UID)
    watch.forget()
    watch.aux(_aux(overruns=2), 20 * NS)
    assert not watch.fresh, "two in a new boot's life, not 65,531 more"


def test_a_board_that_restarts_leaves_its_old_damages_behind() -> None:
    desk = Desk()
    desk.run(2.0)
    desk.model.faults.byte_corruption = 0.02
    desk.run(2.0)
    desk.model.faults.byte_corruption = 0.0
    desk.model.reset(ResetCause.BROWN_OUT)
    desk.run(2.0)
    (down,) = desk.of(BoardDown)
    assert "brown-out: its supply fell too low" in down.detail
    desk.model.faults.byte_corruption = 0.02
    desk.run(2.0)
    assert _qualities(desk) == [True, True], "told anew of the new boot"


def _aux(overruns: int) -> Aux:
    return Aux(0, 5000, 0, (), (0,), bad_frames=0, receive_overruns=overruns, desyncs=0)


def test_a_board_that_talks_at_another_speed_all_at_once_is_told_by_that_name_within_a_second() -> None:
    desk = Desk()
    desk.run(2.0)
    began_ns = desk.now_ns
    desk.model.faults.byte_corruption = 1.0
    desk.run(3.0)
    (down,) = desk.of(BoardDown)
    assert down.reason is DownReason.NOT_A_BOARD
    assert down.t_ns - began_ns < NS
    assert "not at 115200 baud" in down.detail


def test_what_a_board_said_while_its_cable_was_out_no_wire_has_damaged() -> None:
    desk = Desk()
    desk.run(2.0)
    for _ in range(400):  # nobody hears the board for four seconds
        desk.now_ns += 10_000_000
        desk._board_runs()
    desk.reopen()
    desk.run(2.0)
    assert desk.of(SampleBlock)[-1].first_index > 400
    assert desk.session.counters.lost_rows > 300
    assert not _qualities(desk)

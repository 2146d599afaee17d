"""The link against boards behind real pseudo-terminals: what a technician does to cables and boards."""

from __future__ import annotations

import os
import random
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pytest
import serial

from firmware_bridge.answers import SelfTestFault, read_self_test
from firmware_bridge.board_model import SELF_TEST_ROWS
from firmware_bridge.commands import gain_payload, identify_payload, rate_payload
from firmware_bridge.errors import (
    BadCommandLengthError,
    BadCommandValueError,
    CommandAbortedError,
    CommandTimeoutError,
    FrameError,
    LinkStoppedError,
    NoSuchBoardError,
    PortConfigError,
    UnknownCommandError,
)
from firmware_bridge.events import BoardDown, BoardUp, DownReason, Event, SampleBlock
from firmware_bridge.frames import CommandKind, ResetCause, SampleFlag
from firmware_bridge.link import BoardLink
from firmware_bridge.link_timing import LinkTiming
from firmware_bridge.port import OpenPort, PortConfig, open_port
from firmware_bridge.virtual_board import BoardModel, BoardSetup, VirtualBoard, VirtualRig

UID = "28a50000000000a1"
DEADLINE_S = 5.0
FAST = LinkTiming(identify_timeout_s=0.4, silent_floor_s=0.3, query_timeout_s=0.1, backoff_first_s=0.02)

E = TypeVar("E", bound=Event)


class Watcher:
    """Collects the link's events; waits for one with a deadline instead of sleeping."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in list(self.events) if isinstance(event, kind)]

    def wait(self, kind: type[E], where: Callable[[E], bool] = lambda _: True, *, after: int = 0) -> E:
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            for event in self.events[after:]:
                if isinstance(event, kind) and where(event):
                    return event
            time.sleep(0.002)
        raise AssertionError(f"no {kind.__name__} within {DEADLINE_S} s; seen: {self.of(BoardDown)}")

    def first_block(self, board_uid: str) -> SampleBlock:
        return self.wait(SampleBlock, lambda block: block.board_uid == board_uid)

    def rows(self, n: int, *, after: int = 0) -> list[SampleBlock]:
        """Blocks once at least n rows have arrived."""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            blocks = [event for event in self.events[after:] if isinstance(event, SampleBlock)]
            if sum(len(block.t_ns) for block in blocks) >= n:
                return blocks
            time.sleep(0.002)
        raise AssertionError(f"fewer than {n} rows within {DEADLINE_S} s; seen: {self.of(BoardDown)}")


class FullRange:
    """Counts that walk over the whole 24-bit range, both rails included."""

    STEP = 99_991

    def counts(self, sample_index: int, t_s: float) -> npt.NDArray[np.int64]:  # noqa: ARG002
        return self.row(sample_index)

    @classmethod
    def row(cls, index: int) -> npt.NDArray[np.int64]:
        walk = (index * cls.STEP) % (1 << 24) - (1 << 23)
        return np.array([walk, -walk - 1, 8_388_607 if index % 2 else -8_388_608, -1])


def board(link_path: Path | None = None, uid: str = UID, rate_hz: float = 400.0) -> VirtualBoard:
    return VirtualBoard(BoardModel(BoardSetup(uid, rate_hz=rate_hz), FullRange()), link_path)


@contextmanager
def linked(*ports: PortConfig) -> Iterator[tuple[BoardLink, Watcher]]:
    watcher = Watcher()
    link = BoardLink(ports, watcher, timing=FAST)
    link.start()
    try:
        yield link, watcher
    finally:
        link.stop()


@contextmanager
def plugged(*boards: VirtualBoard) -> Iterator[tuple[BoardLink, Watcher]]:
    """Boards running, linked and identified."""
    with VirtualRig(boards), linked(*(PortConfig(b.path) for b in boards)) as (link, watcher):
        for each in boards:
            watcher.first_block(each.model.setup.board_uid)
        yield link, watcher


def assert_exact(blocks: list[SampleBlock]) -> None:
    for block in blocks:
        for offset, row in enumerate(block.counts):
            assert row.tolist() == FullRange.row(block.first_index + offset).tolist()


def test_every_count_arrives_exactly_and_the_first_within_600_ms_of_opening() -> None:
    with VirtualRig([board()]) as rig:
        opened_ns = time.monotonic_ns()
        with linked(PortConfig(rig.boards[0].path)) as (_, watcher):
            watcher.wait(SampleBlock)
            assert time.monotonic_ns() - opened_ns < 600_000_000
            blocks = watcher.rows(400)
    index = blocks[0].first_index
    for block in blocks:
        assert block.lost == 0
        assert block.first_index == index
        index += len(block.t_ns)
    assert_exact(blocks)
    seen = np.concatenate([block.counts for block in blocks])
    assert seen.min() == -8_388_608
    assert seen.max() == 8_388_607
    t_ns = np.concatenate([block.t_ns for block in blocks])
    assert np.all(np.diff(t_ns) > 0)


def test_times_of_a_real_terminal_are_those_of_the_board_within_five_milliseconds() -> None:
    one = board()
    with plugged(one) as (_, watcher):
        blocks = watcher.rows(300)
        with one.stopped() as model:
            for block in blocks:
                true_ns = one.epoch_ns + model.time_s(model._row_tick(block.first_index)) * 1e9
                assert abs(block.t_ns[0] - true_ns) < 5e6
                assert block.t_ns[-1] <= block.t_ns_host_read


def test_frames_lost_on_the_wire_are_told_exactly_and_the_link_goes_on() -> None:
    one = board()
    with plugged(one) as (link, watcher):
        with one.stopped() as model:
            model.faults.drop_sample_frames = 4
            rows_each = model._rows_per_frame
        gap = watcher.wait(SampleBlock, lambda block: block.lost > 0)
        assert gap.lost == 4 * rows_each
        after = len(watcher.events)
        assert_exact(watcher.rows(50, after=after))
        assert link.status()[0].counters.gaps == 1


def test_lost_and_corrupted_bytes_cost_rows_but_never_a_value() -> None:
    one = board()
    with plugged(one) as (link, watcher):
        with one.stopped() as model:
            model.faults.byte_loss = model.faults.byte_corruption = 0.003
        watcher.wait(SampleBlock, lambda block: block.lost > 0)
        watcher.rows(400)
        with one.stopped() as model:
            model.faults.byte_loss = model.faults.byte_corruption = 0.0
        blocks = watcher.rows(600)
        counters = link.status()[0].counters
    assert_exact(blocks)
    told = sum(len(block.t_ns) + block.lost for block in blocks)
    assert told == blocks[-1].first_index + len(blocks[-1].t_ns) - blocks[0].first_index
    assert counters.resyncs > 0
    assert not watcher.of(BoardDown)


def test_one_frame_dated_into_the_future_blinds_nobody() -> None:
    one = board()
    with plugged(one) as (link, watcher):
        watcher.rows(100)
        with one.stopped() as model:
            step = 1000 * model.setup.tick_rate_hz
            model._zero_tick -= step
            wild = model.advance(model._row_tick(model._index + model._rows_per_frame - 1))
            model._zero_tick += step
            one._write(wild)
        gap = watcher.wait(SampleBlock, lambda block: block.lost > 0)
        watcher.rows(200, after=watcher.events.index(gap))
        blocks = watcher.of(SampleBlock)
        assert gap.lost == link.status()[0].counters.misdated_rows
        assert sum(block.lost for block in blocks) == gap.lost
        assert not watcher.of(BoardDown)
        with one.stopped() as model:
            for block in blocks:
                true_ns = one.epoch_ns + model.time_s(model._row_tick(block.first_index)) * 1e9
                assert abs(block.t_ns[0] - true_ns) < 5e6
                assert block.t_ns[-1] <= block.t_ns_host_read


def test_a_silent_board_is_reported_and_found_again_when_it_speaks() -> None:
    one = board()
    with plugged(one) as (_, watcher):
        with one.stopped() as model:
            model.faults.silence = True
        down = watcher.wait(BoardDown)
        assert down.reason is DownReason.SILENT
        assert down.board_uid == UID
        assert one.path in down.detail
        after = len(watcher.events)
        with one.stopped() as model:
            model.faults.silence = False
        watcher.wait(BoardUp, after=after)
        missed = watcher.wait(SampleBlock, after=after)
        assert missed.lost > 0


def test_a_board_reset_is_told_with_its_cause_and_sampling_goes_on() -> None:
    one = board()
    with plugged(one) as (_, watcher):
        after = len(watcher.events)
        with one.stopped() as model:
            model.reset(ResetCause.WATCHDOG)
        assert watcher.wait(BoardDown, after=after).reason is DownReason.RESET
        assert watcher.wait(BoardUp, after=after).hello.reset_cause == ResetCause.WATCHDOG
        up_at = watcher.events.index(watcher.of(BoardUp)[1])
        first = watcher.wait(SampleBlock, after=up_at)
        assert first.first_index == 0
        t_ns = np.concatenate([block.t_ns for block in watcher.rows(200)])
        assert np.all(np.diff(t_ns) > 0)


def test_unplugged_and_plugged_in_again_under_the_same_name(tmp_path: Path) -> None:
    one = board(tmp_path / "usb-shelf-board")
    with plugged(one) as (link, watcher):
        first_terminal = Path(one.path).readlink()
        one.unplug()
        down = watcher.wait(BoardDown)
        assert (down.reason, down.board_uid, down.port) == (DownReason.UNPLUGGED, UID, one.path)
        after = len(watcher.events)
        occupied = os.openpty()  # so that the board comes back on another terminal
        one.plug()
        assert Path(one.path).readlink() != first_terminal
        watcher.wait(BoardUp, after=after)
        back = watcher.wait(SampleBlock, after=after)
        assert back.lost > 0
        assert_exact(watcher.rows(50, after=after))
        assert link.status()[0].counters.reconnects == 1
        assert len(watcher.of(BoardDown)) == 1
        for fd in occupied:
            os.close(fd)


def test_a_port_that_is_not_there_yet_is_named_once_and_taken_when_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "usb-late-board"
    with linked(PortConfig(str(path))) as (_, watcher):
        down = watcher.wait(BoardDown)
        assert down.reason is DownReason.PORT_MISSING
        assert str(path) in down.detail
        assert "check the cable" in down.detail
        with VirtualRig([board(path)]):
            watcher.wait(SampleBlock)
            assert len(watcher.of(BoardDown)) == 1


def test_a_board_swapped_for_another_is_refused_until_the_right_one_is_back(tmp_path: Path) -> None:
    one = board(tmp_path / "usb-shelf-board")
    with VirtualRig([one]), linked(PortConfig(one.path, expected_uid=UID)) as (_, watcher):
        watcher.wait(SampleBlock)
        one.unplug()
        watcher.wait(BoardDown)
        with one.stopped() as model:
            model.replace_board("00000000000000b2")
        one.plug()
        wrong = watcher.wait(BoardDown, lambda down: down.reason is DownReason.WRONG_BOARD)
        assert wrong.board_uid == "00000000000000b2"
        assert UID in wrong.detail
        after = len(watcher.events)
        one.unplug()
        with one.stopped() as model:
            model.replace_board(UID)
        one.plug()
        watcher.wait(SampleBlock, after=after)
    assert {block.board_uid for block in watcher.of(SampleBlock)} == {UID}


def test_a_board_of_another_protocol_is_named() -> None:
    other = VirtualBoard(BoardModel(BoardSetup(UID, protocol=(9, 0)), FullRange()))
    with VirtualRig([other]), linked(PortConfig(other.path)) as (_, watcher):
        down = watcher.wait(BoardDown)
        assert down.reason is DownReason.PROTOCOL_MISMATCH
        assert "9.0" in down.detail
        assert not watcher.of(SampleBlock)


def test_two_boards_run_side_by_side_and_one_unplugged_does_not_disturb_the_other() -> None:
    left, right = board(), board(uid="00000000000000b2")
    with plugged(left, right) as (_, watcher):
        left.unplug()
        assert watcher.wait(BoardDown).board_uid == UID
        after = len(watcher.events)
        blocks = watcher.rows(200, after=after)
        assert {block.board_uid for block in blocks} == {"00000000000000b2"}
        assert all(block.lost == 0 for block in watcher.of(SampleBlock))
        assert_exact(blocks)


def test_two_ports_with_the_same_uid_are_an_error_by_name() -> None:
    one, copy = board(), board()
    with VirtualRig([one, copy]), linked(PortConfig(one.path), PortConfig(copy.path)) as (_, watcher):
        down = watcher.wait(BoardDown)
        assert down.reason is DownReason.DUPLICATE_UID
        assert down.board_uid == UID
        assert len(watcher.of(BoardUp)) == 1
        watcher.rows(100)


def test_the_port_is_held_exclusively_and_given_up_on_stop() -> None:
    one = board()
    with plugged(one) as (link, _):
        with pytest.raises(serial.SerialException, match="exclusively lock"):
            serial.Serial(one.path, exclusive=True)
        with linked(PortConfig(one.path)) as (_, second):
            busy = second.wait(BoardDown)
            assert busy.reason is DownReason.PORT_BUSY
            assert "fuser" in busy.detail
        link.stop()
        serial.Serial(one.path, exclusive=True).close()


def test_stopping_takes_less_than_a_second_and_leaves_no_descriptor_open(tmp_path: Path) -> None:
    one = board()
    with VirtualRig([one]):
        before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208
        link = BoardLink([PortConfig(one.path), PortConfig(str(tmp_path / "absent"))], watcher := Watcher())
        link.start()
        watcher.wait(SampleBlock)
        started = time.monotonic()
        link.stop()
        assert time.monotonic() - started < 1.0
        assert not link.running
        assert set(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
        link.stop()
        with pytest.raises(LinkStoppedError):
            link.start()


def test_a_device_that_babbles_is_no_board() -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    done = threading.Event()

    def babble() -> None:
        noise = random.Random(3)
        while not done.wait(0.005):
            with suppress(BlockingIOError):
                os.write(master, noise.randbytes(200))

    babbler = threading.Thread(target=babble)
    babbler.start()
    try:
        with linked(PortConfig(os.ttyname(slave), 57_600)) as (link, watcher):
            down = watcher.wait(BoardDown)
            assert down.reason is DownReason.NOT_A_BOARD
            assert "57600 baud" in down.detail
            assert link.running
    finally:
        done.set()
        babbler.join()
        os.close(master)
        os.close(slave)


def test_a_terminal_on_which_nobody_speaks_is_silent() -> None:
    master, slave = os.openpty()
    try:
        with linked(PortConfig(os.ttyname(slave))) as (_, watcher):
            down = watcher.wait(BoardDown)
            assert down.reason is DownReason.SILENT
            assert down.board_uid is None
    finally:
        os.close(master)
        os.close(slave)


def test_a_path_that_is_no_serial_port_is_named(tmp_path: Path) -> None:
    plain = tmp_path / "notes.txt"
    plain.write_text("not a port")
    with linked(PortConfig(str(plain))) as (_, watcher):
        down = watcher.wait(BoardDown)
        assert down.reason is DownReason.NOT_A_BOARD
        assert "not a serial port" in down.detail


def test_commands_are_carried_out_and_refusals_have_names() -> None:
    one = board(rate_hz=80.0)
    with plugged(one) as (link, watcher):
        link.command(UID, CommandKind.IDENTIFY, identify_payload(5))
        assert one.model.identify_s == 5
        after = len(watcher.events)
        link.command(UID, CommandKind.SET_GAIN, gain_payload(64))
        assert watcher.wait(BoardUp, after=after).hello.gain == 64
        with one.stopped() as model:
            model.faults.channel_flags[2] = SampleFlag.SILENT
        watcher.rows(2 * SELF_TEST_ROWS, after=after)  # the test looks at those since the gain was set
        found = read_self_test(link.command(UID, CommandKind.SELF_TEST))
        # The last channel's counts never change.
        assert found == (SelfTestFault(0), SelfTestFault(0), SelfTestFault.NO_DATA_READY, SelfTestFault.NO_NOISE)
        flagged = watcher.wait(SampleBlock, lambda block: bool(block.flags[0, 2] & SampleFlag.SILENT))
        assert not flagged.flags[0, 1] & SampleFlag.SILENT
        with pytest.raises(BadCommandValueError, match="SET_RATE"):
            link.command(UID, CommandKind.SET_RATE, rate_payload(81_000))
        with pytest.raises(BadCommandLengthError):
            link.command(UID, CommandKind.SET_GAIN, b"\1\2\3")
        with pytest.raises(UnknownCommandError, match="0x7e"):
            link.command(UID, 0x7E)
        with pytest.raises(NoSuchBoardError, match=UID):
            link.command("00000000000000ff", CommandKind.STATS)
        with pytest.raises(FrameError):
            link.command(UID, CommandKind.STATS, bytes(100))


def test_a_command_to_a_deaf_board_times_out_and_one_to_a_stopped_link_says_so() -> None:
    one = board()
    with plugged(one) as (link, _):
        with one.stopped() as model:
            model.faults.deaf = True
        with pytest.raises(CommandTimeoutError):
            link.command(UID, CommandKind.STATS, timeout_s=0.08)
    with pytest.raises(LinkStoppedError):
        link.command(UID, CommandKind.STATS)


def test_unplugging_ends_a_command_under_way_at_once() -> None:
    one = board()
    with plugged(one) as (link, watcher):
        with one.stopped() as model:
            model.faults.deaf = True
        failures: list[BaseException] = []

        def ask() -> None:
            try:
                link.command(UID, CommandKind.SELF_TEST, timeout_s=20.0)
            except CommandAbortedError as error:
                failures.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        one.unplug()
        watcher.wait(BoardDown)
        asking.join(2.0)
        assert len(failures) == 1


def test_a_consumer_that_raises_stops_the_link_and_is_named_on_stop() -> None:
    one = board()

    def refuse(event: Event) -> None:
        if isinstance(event, SampleBlock):
            raise OSError("full disk")

    with VirtualRig([one]):
        link = BoardLink([PortConfig(one.path)], refuse)
        link.start()
        deadline = time.monotonic() + DEADLINE_S
        while link.running and time.monotonic() < deadline:
            time.sleep(0.002)
        with pytest.raises(LinkStoppedError, match="full disk"):
            link.stop()
        serial.Serial(one.path, exclusive=True).close()


def test_commanding_from_the_callback_is_refused_instead_of_hanging() -> None:
    one = board()
    refused: list[str] = []
    links: list[BoardLink] = []

    def consume(event: Event) -> None:
        if isinstance(event, BoardUp):
            try:
                links[0].command(UID, CommandKind.STATS)
            except LinkStoppedError as error:
                refused.append(str(error))

    with VirtualRig([one]):
        links.append(BoardLink([PortConfig(one.path)], consume))
        links[0].start()
        deadline = time.monotonic() + DEADLINE_S
        while not refused and time.monotonic() < deadline:
            time.sleep(0.002)
        links[0].stop()
    assert refused


@pytest.mark.parametrize(
    "ports",
    [
        [PortConfig("/dev/ttyUSB0"), PortConfig("/dev/ttyUSB0")],
        [PortConfig("/dev/ttyUSB0", 115_200, UID), PortConfig("/dev/ttyUSB1", 115_200, UID)],
    ],
)
def test_a_contradicting_list_of_ports_is_refused_before_anything_is_opened(ports: list[PortConfig]) -> None:
    with pytest.raises(PortConfigError, match="/dev/ttyUSB"):
        BoardLink(ports, print)


@pytest.mark.parametrize(("baud", "uid"), [(0, None), (5_000_000, None), (115_200, "xyz")])
def test_a_port_that_cannot_be_is_refused(baud: int, uid: str | None) -> None:
    with pytest.raises(PortConfigError, match="/dev/ttyUSB0"):
        PortConfig("/dev/ttyUSB0", baud, uid)


def test_an_open_port_tells_nothing_yet_from_gone() -> None:
    one = board()
    opened = open_port(PortConfig(one.path))
    assert isinstance(opened, OpenPort)
    assert opened.read() == b""
    assert opened.write(b"\0") == 1
    one.unplug()
    assert opened.read() is None
    assert opened.write(b"\0") is None
    opened.close()


def test_a_board_that_does_not_take_bytes_does_not_stop_the_others() -> None:
    """Nobody reads the stuck board's end: its terminal fills up and the link goes on waiting elsewhere."""
    master, slave = os.openpty()
    tty.setraw(slave)
    opened = open_port(PortConfig(os.ttyname(slave)))
    assert isinstance(opened, OpenPort)
    while opened.write(bytes(4096)):
        pass
    opened.close()
    one = board()
    try:
        ports = PortConfig(os.ttyname(slave)), PortConfig(one.path)
        with VirtualRig([one]), linked(*ports) as (_, watcher):
            watcher.first_block(UID)
            stuck = watcher.wait(BoardDown)
            assert (stuck.reason, stuck.port) == (DownReason.SILENT, os.ttyname(slave))
            watcher.rows(100)
    finally:
        os.close(master)
        os.close(slave)

"""What every board owes its host, on the virtual board and on the compiled firmware alike.

The same stories run on both, so that neither the fake nor the firmware can drift from PROTOCOL.md alone.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from board_under_test import CHANNELS, KINDS, BoardUnderTest, powered
from rig_board import UID
from rig_host import linked, stacked
from wire import Wire, wired

from firmware_bridge.answers import SelfTestFault, read_self_test, read_statistics, read_uid
from firmware_bridge.decoder import Rejected
from firmware_bridge.events import BoardDown, BoardUp, DownReason, LinkQuality
from firmware_bridge.frames import (
    COUNTS_MAX,
    COUNTS_MIN,
    AckCode,
    Aux,
    Command,
    CommandKind,
    Hello,
    ResetCause,
    SampleFlag,
    Samples,
    encode,
)
from firmware_bridge.port import PortConfig

LOADS = (COUNTS_MIN, COUNTS_MAX, -1, 1)
NEW_UID = "28a50000000000b2"


@pytest.fixture(params=KINDS)
def board(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BoardUnderTest]:
    with powered(request.param, tmp_path) as one:
        yield one


@pytest.fixture
def wire(board: BoardUnderTest) -> Iterator[Wire]:
    with wired(board.path) as one:
        one.next(Samples, lambda samples: not samples.flags.any())
        yield one


def hello_of(wire: Wire) -> Hello:
    """Ask for HELLO: the frame comes before its ACK."""
    start = len(wire.heard)
    assert wire.ask(CommandKind.HELLO).code == AckCode.OK
    return wire.next(Hello, after=start)


def flags_of(wire: Wire, channel: int, flag: SampleFlag) -> Samples:
    """Give the next frame whose channel carries exactly these flags."""
    return wire.next(Samples, lambda samples: int(samples.flags[-1, channel]) == flag)


def test_hello_says_who_the_board_is_and_comes_before_its_ack(wire: Wire) -> None:
    hello = hello_of(wire)
    assert (hello.board_uid, hello.channels, hello.gain, hello.rate_mhz) == (UID, CHANNELS, 128, 80_000)
    assert (hello.protocol_major, hello.protocol_minor) == (1, 1)
    assert hello.tick_rate_hz == 2_000_000
    assert hello.inputs == CHANNELS
    assert len(hello.chip_signature) == 3
    assert hello.firmware_version is not None


def test_rows_follow_each_other_with_exact_counts_and_rising_ticks(board: BoardUnderTest, wire: Wire) -> None:
    board.load(LOADS)
    wire.next(Samples, lambda samples: tuple(samples.counts[-1]) == LOADS)
    frames = wire.rows(80)
    for earlier, later in itertools.pairwise(frames):
        assert later.sequence == (earlier.sequence + 1) % 65_536
        assert later.first_index == earlier.first_index + earlier.counts.shape[0]
        period = (later.last_tick - earlier.last_tick) % 2**32 / later.counts.shape[0]
        # HX711 oscillators: -4 to +17 %; a quarter of a period for the edges of four chips that drift past each other.
        assert 0.75 * 2e6 / 94 < period < 1.3 * 2e6 / 76
    assert all(np.all(frame.counts == LOADS) for frame in frames)
    assert not any(np.any(frame.flags) for frame in frames)
    assert frames[-1].overflow == 0
    assert not [heard for heard in wire.heard if isinstance(heard, Rejected)]


def test_the_clock_is_the_rows_clock(wire: Wire) -> None:
    before = wire.rows(1)[0]
    (tick,) = struct.unpack("<I", wire.ask(CommandKind.CLOCK).payload)
    after = wire.rows(1)[0]
    assert before.last_tick <= tick <= after.last_tick + 2_000_000 // 10


def test_slow_readings_come_once_a_second(board: BoardUnderTest, wire: Wire) -> None:
    board.door(closed=True)
    first = wire.next(Aux)
    second = wire.next(Aux)
    assert (second.tick - first.tick) / 2e6 == pytest.approx(1.0, abs=0.02)
    assert second.digital_inputs & 1
    assert 4_500 < second.supply_mv < 5_500
    assert len(second.skipped) == CHANNELS
    assert (second.bad_frames, second.receive_overruns, second.desyncs) == (0, 0, 0)
    board.door(closed=False)
    wire.next(Aux)
    assert not wire.next(Aux).digital_inputs & 1


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (CommandKind.SET_GAIN, bytes([64])),
        (CommandKind.SET_RATE, (10_000).to_bytes(4, "little")),
        (CommandKind.SET_CHANNELS, bytes([2])),
    ],
)
def test_a_setting_is_said_settles_the_converters_and_outlives_a_loss_of_power(
    board: BoardUnderTest, wire: Wire, kind: CommandKind, payload: bytes
) -> None:
    board.load((4_000, 8_000, 12_000, 16_000))
    before = hello_of(wire)
    start = len(wire.heard)
    assert wire.ask(kind, payload).code == AckCode.OK
    said = wire.next(Hello, after=start)
    assert said != before
    told = (said.gain, said.rate_mhz, said.channels)
    again = len(wire.heard)
    assert wire.ask(kind, payload).code == AckCode.OK
    assert wire.next(Hello, after=again) == said, "twice does what once does"
    if kind is not CommandKind.SET_CHANNELS:
        wire.next(Samples, lambda samples: bool(samples.flags[-1, 0] & SampleFlag.SETTLING), after=start)
    assert flags_of(wire, 0, SampleFlag(0)).counts.shape[1] == said.channels
    wire.rows(20 if said.rate_mhz > 10_000 else 3)  # EEPROM takes 3.3 ms a byte
    board.reset(ResetCause.POWER_ON)
    booted = wire.next(Hello)
    assert (booted.gain, booted.rate_mhz, booted.channels) == told
    assert booted.boot_counter != said.boot_counter


def test_what_a_board_cannot_do_it_refuses_by_name_and_goes_on(wire: Wire) -> None:
    before = hello_of(wire)
    refused: dict[AckCode, list[tuple[int, bytes]]] = {
        AckCode.UNKNOWN_KIND: [(0x7E, b""), (0x00, b"1234")],
        AckCode.BAD_LENGTH: [
            (CommandKind.SET_GAIN, b"\1\2\3"),
            (CommandKind.CLOCK, b"\0"),
            (CommandKind.WRITE_UID, b""),
        ],
        AckCode.BAD_VALUE: [
            (CommandKind.SET_RATE, (81_000).to_bytes(4, "little")),
            (CommandKind.SET_GAIN, bytes([100])),
            (CommandKind.SET_CHANNELS, bytes([0])),
            (CommandKind.SET_CHANNELS, bytes([CHANNELS + 1])),
            (CommandKind.WRITE_UID, bytes.fromhex(UID) + bytes(8)),
            (CommandKind.WRITE_UID, bytes.fromhex(UID) + b"\xff" * 8),
        ],
        AckCode.NOT_ALLOWED: [(CommandKind.WRITE_UID, bytes.fromhex("00000000000000aa" + NEW_UID))],
    }
    for code, commands in refused.items():
        for kind, payload in commands:
            ack = wire.ask(kind, payload)
            assert (ack.code, ack.payload) == (code, b""), f"command 0x{kind:02x} {payload.hex()}"
    assert hello_of(wire) == before


def test_a_uid_is_written_by_whoever_knows_the_present_one_and_stays(board: BoardUnderTest, wire: Wire) -> None:
    assert read_uid(wire.ask(CommandKind.READ_UID)) == UID
    change = bytes.fromhex(UID + NEW_UID)
    start = len(wire.heard)
    assert wire.ask(CommandKind.WRITE_UID, change).code == AckCode.OK
    assert wire.next(Hello, after=start).board_uid == NEW_UID
    assert wire.ask(CommandKind.WRITE_UID, change).code == AckCode.OK, "its answer may have been lost: done already"
    wire.rows(20)  # EEPROM takes 3.3 ms a byte
    board.reset(ResetCause.POWER_ON)
    assert wire.next(Hello).board_uid == NEW_UID


@pytest.mark.parametrize("cause", [ResetCause.EXTERNAL, ResetCause.BROWN_OUT, ResetCause.POWER_ON, ResetCause.WATCHDOG])
def test_a_restart_says_its_cause_and_counts_from_zero(board: BoardUnderTest, wire: Wire, cause: ResetCause) -> None:
    before = hello_of(wire)
    wire.rows(10)
    start = len(wire.heard)
    board.reset(cause)
    hello = wire.next(Hello, after=start)
    assert hello.reset_cause == cause
    assert hello.boot_counter != before.boot_counter
    first = wire.next(Samples, after=wire._after(hello, start))
    assert (first.sequence, first.first_index, first.overflow) == (0, 0, 0)
    assert np.all(first.flags[0] & SampleFlag.SETTLING)
    statistics = read_statistics(wire.ask(CommandKind.STATS))
    assert statistics is not None
    assert statistics.frames_sent < 200


@pytest.mark.parametrize(
    ("fault", "flags", "tested"),
    [
        ("cut", SampleFlag.SILENT, SelfTestFault.NO_DATA_READY),
        ("short", SampleFlag.SILENT | SampleFlag.DESYNC, SelfTestFault.LINE_LOW),
    ],
)
def test_a_dead_converter_is_flagged_repeats_its_last_value_and_stops_nobody(
    board: BoardUnderTest, wire: Wire, fault: str, flags: SampleFlag, tested: SelfTestFault
) -> None:
    for channel in range(CHANNELS):
        board.live(channel, 10_000 * (channel + 1))
    wire.next(Samples, lambda samples: samples.counts[-1, 3] > 39_000)
    getattr(board, fault)(1)
    dead = flags_of(wire, 1, flags)
    rows = wire.rows(80)
    assert {int(count) for frame in rows for count in frame.counts[:, 1]} == {int(dead.counts[-1, 1])}
    assert not any(frame.flags[:, [0, 2, 3]].any() for frame in rows)
    seconds = (rows[-1].last_tick - rows[0].last_tick) / 2e6
    assert 0.8 < seconds < 1.2, "the others are sent at their own pace"
    found = read_self_test(wire.ask(CommandKind.SELF_TEST))
    assert found == (SelfTestFault(0), tested, SelfTestFault(0), SelfTestFault(0))
    board.heal(1)
    healed = flags_of(wire, 1, SampleFlag(0))
    assert abs(int(healed.counts[-1, 1]) - 20_000) < 8 * 25


def test_the_self_test_knows_rails_and_dead_silence_from_a_live_cell(board: BoardUnderTest, wire: Wire) -> None:
    board.load((COUNTS_MAX, COUNTS_MIN, 5_000, 0))
    board.live(3, 5_000)
    wire.rows(40)
    found = read_self_test(wire.ask(CommandKind.SELF_TEST))
    assert found == (SelfTestFault.UPPER_RAIL, SelfTestFault.LOWER_RAIL, SelfTestFault.NO_NOISE, SelfTestFault(0))


def test_garbage_is_counted_and_answered_by_nothing(wire: Wire) -> None:
    wire.rows(1)
    noise = bytes((7 * n) % 255 + 1 for n in range(60)) + b"\0"
    broken = bytearray(encode_command(CommandKind.CLOCK))
    broken[4] ^= 0x10
    start = len(wire.heard)
    wire.say(noise + bytes(broken))
    assert wire.ask(CommandKind.CLOCK).code == AckCode.OK
    answers = [heard for heard in wire.heard[start:] if not isinstance(heard, Samples | Aux)]
    assert len(answers) == 1
    statistics = read_statistics(wire.ask(CommandKind.STATS))
    assert statistics is not None
    assert (statistics.bad_frames, statistics.receive_overruns) == (2, 0)
    assert wire.next(Aux).bad_frames == 2


def test_bytes_that_the_receiver_lost_are_counted(board: BoardUnderTest, wire: Wire) -> None:
    wire.rows(4)
    board.overrun()
    wire.say(b"".join(encode_command(CommandKind.CLOCK) for _ in range(8)))
    lost = wire.next(Aux, lambda aux: bool(aux.receive_overruns))
    assert wire.ask(CommandKind.CLOCK).code == AckCode.OK
    assert lost.receive_overruns is not None


@pytest.mark.parametrize("kind", KINDS)
def test_after_a_bootloader_that_nobody_talks_to_the_board_starts_anew(kind: str, tmp_path: Path) -> None:
    with powered(kind, tmp_path, bootloader=True) as board, wired(board.path) as wire:
        wire.next(Samples)
        before = hello_of(wire)
        assert wire.ask(CommandKind.SET_GAIN, bytes([64])).code == AckCode.OK
        start = len(wire.heard)
        assert wire.ask(CommandKind.BOOTLOADER).code == AckCode.OK
        hello = wire.next(Hello, after=start)
        assert (hello.reset_cause, hello.gain) == (ResetCause.SOFTWARE, 64), "what was set just before is kept"
        assert hello.boot_counter != before.boot_counter


def test_the_bridge_finds_loses_and_finds_the_board_again(board: BoardUnderTest) -> None:
    board.load(LOADS)
    with linked(PortConfig(board.path, expected_uid=UID)) as (link, host):
        host.wait(BoardUp)
        host.rows(80)
        assert link.command(UID, CommandKind.IDENTIFY, bytes([3])).code == AckCode.OK
        board.unplug()
        lost = host.wait(BoardDown)
        assert lost.reason is DownReason.UNPLUGGED
        before = host.mark()
        board.plug()
        assert host.wait(BoardUp, after=before).hello.reset_cause == ResetCause.POWER_ON
        counts, flags = stacked(host.rows(40, after=before))
        settled = counts[(flags & SampleFlag.SETTLING).max(axis=1) == 0]
        assert np.all(settled == LOADS)
        assert not host.of(LinkQuality)


def encode_command(kind: CommandKind) -> bytes:
    return encode(Command(9, kind))

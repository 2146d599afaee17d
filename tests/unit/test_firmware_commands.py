"""What the firmware says and does when the host asks, and what it makes of noise."""

from __future__ import annotations

import ctypes
import random
import struct

import pytest
from firmware_host.board import (
    STUCK_HIGH,
    STUCK_LOW,
    TICKS_PER_S,
    HostBoard,
    aux,
    channel_flags,
)

from firmware_bridge.answers import SelfTestFault, read_self_test, read_statistics, read_uid
from firmware_bridge.frames import Ack, AckCode, Command, CommandKind, Hello, SampleFlag, encode

UNWRITTEN = bytes([0xFF] * 8)
NAME = bytes.fromhex("28a50000000000a1")
OTHER = bytes.fromhex("28a50000000000b2")


@pytest.fixture
def board() -> HostBoard:
    board = HostBoard(channels=4)
    board.power_up()
    board.add_chips(4)
    board.run(0.5)
    return board


def test_a_board_introduces_itself_behind_a_delimiter() -> None:
    board = HostBoard(channels=4)
    board.c.host_power_up(0, bytes(17))

    wire = board.wire()
    assert wire[0] == 0

    ack, (hello,) = board.command(CommandKind.HELLO)
    assert ack.code == AckCode.OK
    assert hello == Hello(
        board_uid="f" * 16,
        firmware_hash=0x12345678,
        boot_counter=7,
        reset_cause=1,
        tick_rate_hz=TICKS_PER_S,
        channels=4,
        gain=128,
        rate_mhz=80_000,
        firmware_version=(1, 0),
        inputs=4,
        chip_signature=bytes.fromhex("1e950f"),
    )


def test_surroundings_are_told_every_second(board: HostBoard) -> None:
    told = aux(board.run(5.0))

    assert [entry.tick for entry in told] == [TICKS_PER_S * n for n in range(1, 6)]
    assert {entry.temperatures_cdeg for entry in told} == {(2150,)}
    assert {entry.supply_mv for entry in told} == {5000}
    assert all(len(entry.skipped) == 4 for entry in told)


def test_the_clock_answer_is_the_tick_of_the_delimiter_however_busy_the_board(board: HostBoard) -> None:
    wire = encode(Command(9, CommandKind.CLOCK))
    tick = board.c.hardware_ticks()
    board.c.host_receive(wire, len(wire))

    frames = board.run(0.05, busy_s=0.005)

    ack = next(frame for frame in frames if isinstance(frame, Ack))
    assert struct.unpack("<I", ack.payload) == (tick,)


@pytest.mark.parametrize(
    ("kind", "payload", "code"),
    [
        (CommandKind.HELLO, b"\x00", AckCode.BAD_LENGTH),
        (CommandKind.CLOCK, b"\x00", AckCode.BAD_LENGTH),
        (CommandKind.IDENTIFY, b"", AckCode.BAD_LENGTH),
        (CommandKind.SET_RATE, b"\x10\x27", AckCode.BAD_LENGTH),
        (CommandKind.SET_RATE, (12_345).to_bytes(4, "little"), AckCode.BAD_VALUE),
        (CommandKind.SET_RATE, bytes(4), AckCode.BAD_VALUE),
        (CommandKind.SET_GAIN, b"\x00", AckCode.BAD_VALUE),
        (CommandKind.SET_GAIN, b"\x40\x40", AckCode.BAD_LENGTH),
        (CommandKind.SET_CHANNELS, b"\x00", AckCode.BAD_VALUE),
        (CommandKind.SET_CHANNELS, b"\x05", AckCode.BAD_VALUE),
        (CommandKind.SET_CHANNELS, b"\xff", AckCode.BAD_VALUE),
        (CommandKind.WRITE_UID, UNWRITTEN, AckCode.BAD_LENGTH),
        (CommandKind.WRITE_UID, UNWRITTEN + bytes(8), AckCode.BAD_VALUE),
        (CommandKind.WRITE_UID, UNWRITTEN + UNWRITTEN, AckCode.BAD_VALUE),
        (CommandKind.WRITE_UID, NAME + OTHER, AckCode.NOT_ALLOWED),
        (CommandKind.BOOTLOADER, b"\x01", AckCode.BAD_LENGTH),
        (0x08, b"", AckCode.UNKNOWN_KIND),
        (0x7F, bytes(27), AckCode.UNKNOWN_KIND),
    ],
)
def test_what_cannot_be_done_is_refused_by_its_code_and_changes_nothing(
    board: HostBoard, kind: int, payload: bytes, code: AckCode
) -> None:
    ack, others = board.command(kind, payload)

    assert (ack.code, ack.payload, others) == (code, b"", [])
    assert board.number("host_saves") == 0
    assert not any(channel_flags(board.rows(0.5), 0))


def test_settings_are_told_kept_and_not_written_twice(board: HostBoard) -> None:
    for _ in range(3):  # the ACK was lost twice
        ack, (hello,) = board.command(CommandKind.SET_RATE, (10_000).to_bytes(4, "little"), request_id=5)
        assert ack.code == AckCode.OK
        assert isinstance(hello, Hello)
        assert hello.rate_mhz == 10_000
    assert board.number("host_saves") == 1

    for _ in range(2):
        ack, (hello,) = board.command(CommandKind.SET_GAIN, b"\x20")
        assert isinstance(hello, Hello)
        assert (ack.code, hello.gain) == (AckCode.OK, 32)
    assert board.number("host_saves") == 2


def test_fewer_channels_narrow_the_rows_and_more_settle_only_the_new_ones(board: HostBoard) -> None:
    ack, (hello,) = board.command(CommandKind.SET_CHANNELS, b"\x02")
    assert isinstance(hello, Hello)
    assert (ack.code, hello.channels, hello.inputs) == (AckCode.OK, 2, 4)
    rows = board.rows(1.0)
    assert {row.counts.shape for row in rows} == {(1, 2)}
    assert len(rows) >= 78

    board.command(CommandKind.SET_CHANNELS, b"\x04")
    rows = board.rows(1.0)
    assert {row.counts.shape for row in rows} == {(1, 4)}
    assert not any(channel_flags(rows, 0))
    assert channel_flags(rows, 3)[:4] == [SampleFlag.SETTLING] * 4
    assert not any(channel_flags(rows[6:], 3))


def test_a_board_is_named_once_and_by_whoever_knows_its_present_name(board: HostBoard) -> None:
    for _ in range(2):
        ack, (hello,) = board.command(CommandKind.WRITE_UID, UNWRITTEN + NAME)
        assert isinstance(hello, Hello)
        assert (ack.code, hello.board_uid) == (AckCode.OK, NAME.hex())
    assert board.number("host_saves") == 1

    ack, _ = board.command(CommandKind.WRITE_UID, UNWRITTEN + OTHER)
    assert ack.code == AckCode.NOT_ALLOWED
    ack, _ = board.command(CommandKind.READ_UID)
    assert read_uid(ack) == NAME.hex()
    ack, _ = board.command(CommandKind.WRITE_UID, NAME + OTHER)
    assert ack.code == AckCode.OK
    ack, _ = board.command(CommandKind.READ_UID)
    assert read_uid(ack) == OTHER.hex()


def test_the_bootloader_gets_the_board_once_the_answer_is_out(board: HostBoard) -> None:
    ack, _ = board.command(CommandKind.BOOTLOADER)

    assert ack.code == AckCode.OK
    assert not board.run(0.05)
    assert board.is_on("host_in_bootloader")


def test_a_board_without_a_bootloader_stays(board: HostBoard) -> None:
    ctypes.c_bool.in_dll(board.c, "host_has_bootloader").value = False

    ack, _ = board.command(CommandKind.BOOTLOADER)

    assert ack.code == AckCode.NOT_ALLOWED
    assert board.rows(0.5)


def test_the_lamp_blinks_as_long_as_asked_and_ends_dark(board: HostBoard) -> None:
    board.command(CommandKind.IDENTIFY, b"\x02")
    board.run(5.0)
    assert board.number("host_led_changes") == 16
    assert not board.is_on("host_led")

    board.command(CommandKind.IDENTIFY, b"\xff")
    board.run(0.3)
    board.command(CommandKind.IDENTIFY, b"\x00")
    before = board.number("host_led_changes")
    board.run(1.0)
    assert board.number("host_led_changes") == before
    assert not board.is_on("host_led")


def test_the_self_test_tells_each_fault_apart() -> None:
    board = HostBoard(channels=6)
    board.power_up()
    board.add_chips(6)
    board.c.host_set_counts(1, 0x7FFFFF, 0)
    board.c.host_set_counts(2, -0x800000, 0)
    board.c.host_set_counts(3, 1234, 0)
    board.c.host_fault(4, STUCK_LOW, 0)
    board.c.host_fault(5, STUCK_HIGH, 0)
    board.run(1.0)

    ack, _ = board.command(CommandKind.SELF_TEST)

    assert read_self_test(ack) == (
        SelfTestFault(0),
        SelfTestFault.UPPER_RAIL,
        SelfTestFault.LOWER_RAIL,
        SelfTestFault.NO_NOISE,
        SelfTestFault.LINE_LOW,
        SelfTestFault.NO_DATA_READY,
    )


# -- noise ------------------------------------------------------------------------------------------------


def test_noise_is_dropped_counted_and_never_answered(board: HostBoard) -> None:
    dice = random.Random(3)
    good = encode(Command(1, CommandKind.SET_GAIN, b"\x40"))
    noise = [
        good[:3] + bytes((good[3] ^ 0x40,)) + good[4:],  # CRC
        b"\x09\x11\x22\x00",  # a code past the end
        b"\x55" * 300 + b"\x00",  # too long
        encode(Command(1, CommandKind.SET_GAIN, b"\x40"))[:-2] + b"\x00",  # cut short
        encode(Ack(1, 0, b"\x40")),  # no command
        *(bytes(dice.randrange(1, 256) for _ in range(dice.randrange(1, 60))) + b"\x00" for _ in range(200)),
    ]
    for octets in noise:
        assert not [frame for frame in board.receive(octets) if isinstance(frame, Ack | Hello)]

    ack, _ = board.command(CommandKind.STATS)
    statistics = read_statistics(ack)
    assert statistics is not None
    assert statistics.bad_frames == len(noise)
    assert board.number("host_saves") == 0


def test_a_lone_delimiter_means_nothing(board: HostBoard) -> None:
    board.receive(b"\x00")
    ack, _ = board.command(CommandKind.STATS)
    statistics = read_statistics(ack)
    assert statistics is not None
    assert statistics.bad_frames == 0


def test_rows_without_room_to_send_are_dropped_whole_and_counted(board: HostBoard) -> None:
    last = board.rows(0.5)[-1]
    board.c.host_set_line(ctypes.c_double(TICKS_PER_S / 960))  # 9600 baud for 80 rows of 33 bytes
    board.run(1.0)
    board.c.host_set_line(ctypes.c_double(173.6))
    board.run(3.0)
    row = board.rows(0.5)[-1]

    lost_on_board = row.overflow - last.overflow
    assert lost_on_board > 0
    assert (row.first_index - last.first_index) - (row.sequence - last.sequence) == lost_on_board

"""What the firmware does with its chip: watchdog, bootloader, EEPROM, receiver, and what settles late.

The rig has each of these as the datasheets do, so that a shortcut shows here and not in a shop.
"""

from __future__ import annotations

import binascii
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from rig_board import UID, RigBoard
from rig_build import BOOTLOADER, eeprom_image
from wire import Wire, wired

from firmware_bridge.frames import (
    Ack,
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

RESTARTED_S: Final = 1.0
WATCHDOG_S: Final = 0.256
"""32 768 cycles of 128 kHz."""
COPIES: Final = (0, 32)
"""Of the settings in the EEPROM, 17 octets each."""
NAMES: Final = (UID, "3142536475869708", "0fe1d2c3b4a59687")


# -- watchdog ---------------------------------------------------------------------------------------------


def test_a_hung_firmware_starts_over_past_a_bootloader_that_would_be_reset_for_ever(tmp_path: Path) -> None:
    """An old Nano's bootloader leaves a watchdog reset's 16 ms running and waits two seconds for an upload."""
    with RigBoard(tmp_path, bootloader=BOOTLOADER) as board, wired(board.path) as wire:
        wire.next(Samples)
        boots: list[int] = []
        for _ in range(5):  # each at another place in the programme
            start = len(wire.heard)
            hung_s = board.board_time_s()
            board.hang(interrupts=True)
            hello = wire.next(Hello, after=start)
            assert board.board_time_s() - hung_s < RESTARTED_S
            assert hello.reset_cause == ResetCause.WATCHDOG
            boots.append(hello.boot_counter)
            first = wire.next(Samples, after=wire._after(hello, start))
            assert (first.sequence, first.first_index, first.overflow) == (0, 0, 0)
            assert wire.ask(CommandKind.CLOCK).code == AckCode.OK
        assert len(set(boots)) == len(boots)
        assert board.state()["watchdog_resets"] == "0"
        told = wire.next(Aux)
        assert (told.bad_frames, told.receive_overruns, told.desyncs) == (0, 0, 0)
        assert told.supply_mv > 4_900
        assert not any(np.any(frame.flags) for frame in wire.rows(40))


def test_a_chip_that_does_nothing_at_all_is_reset_at_the_second_time_out(tmp_path: Path) -> None:
    with RigBoard(tmp_path, paused=True) as board, wired(board.path) as wire:
        board.advance(400)
        board.hang()
        board.advance(1000 * (2 * WATCHDOG_S - 0.015))
        assert board.state()["watchdog_resets"] == "0"
        start = drain(wire)
        board.advance(100)
        assert board.state()["watchdog_resets"] == "1"
        drain(wire)
        assert [hello.reset_cause for hello in of_hellos(wire, start)] == [ResetCause.WATCHDOG]


# -- bootloader -------------------------------------------------------------------------------------------


def test_only_a_bootloader_that_the_fuses_start_is_entered(tmp_path: Path) -> None:
    """What an erased bootloader left in flash is none; nor may the application read there, by the lock bits."""
    with RigBoard(tmp_path) as board, wired(board.path) as wire:
        board.say("memory", "flash", 0x7800, "write", "0c94343c")
        wire.next(Samples)
        assert wire.ask(CommandKind.BOOTLOADER).code == AckCode.NOT_ALLOWED
        wire.rows(4)


# -- EEPROM -----------------------------------------------------------------------------------------------


def test_a_power_cut_at_any_byte_of_two_saves_never_loses_the_name(tmp_path: Path) -> None:
    """Each byte written is looked at before, during (the cell holds anything) and after."""
    cuts = 0
    for pause_ms in range(0, 120, 5):
        with RigBoard(tmp_path, paused=True) as board:
            board.write_eeprom(COPIES[1], eeprom_image(UID, 4))
            board.advance(200)
            before = board.eeprom(0, 64)
            assert names_kept(before) == {UID}
            asked = [(0, NAMES[0], NAMES[1]), (pause_ms, NAMES[1], NAMES[2])]
            for wait_ms, present, wanted in asked:
                for _ in range(wait_ms):
                    before, cut = look(board, before)
                    cuts += cut
                change = Command(1, CommandKind.WRITE_UID, bytes.fromhex(present + wanted))
                board.inject(encode(change), "to-board")
            for _ in range(300):
                before, cut = look(board, before)
                cuts += cut
            assert names_kept(before) == {NAMES[2]}
            assert before[:17] == before[32:49]
    print(f"power cut at {cuts} bytes")
    assert cuts > 500


def look(board: RigBoard, before: bytes) -> tuple[bytes, int]:
    """Let a millisecond pass, a byte takes 3.4; what is kept, and whether a byte was written."""
    board.advance(1.0)
    kept = board.eeprom(0, 64)
    changed = [at for at in range(64) if kept[at] != before[at]]
    assert len(changed) <= 1
    for at in changed:
        torn = bytearray(kept)
        torn[at] = 0xFF if kept[at] != 0xFF else 0x00
        assert names_kept(bytes(torn)), f"cut while byte {at} was written"
        assert names_kept(kept), f"cut after byte {at} was written"
    return kept, len(changed)


def names_kept(eeprom: bytes) -> set[str]:
    """Names in the copies that a start would believe."""
    copies = [eeprom[at : at + 17] for at in COPIES]
    whole = [copy for copy in copies if binascii.crc_hqx(copy[:15], 0xFFFF) == int.from_bytes(copy[15:], "little")]
    return {copy[1:9].hex() for copy in whole}


@pytest.mark.parametrize("cut_ms", [10, 25, 40, 55, 70])
def test_after_a_power_cut_in_a_save_the_board_is_the_one_it_was_or_the_one_it_was_to_be(
    tmp_path: Path, cut_ms: int
) -> None:
    with RigBoard(tmp_path, paused=True) as board, wired(board.path) as wire:
        board.advance(300)
        board.inject(encode(Command(1, CommandKind.WRITE_UID, bytes.fromhex(NAMES[0] + NAMES[1]))), "to-board")
        board.advance(cut_ms)
        board.reset("power-on")
        start = drain(wire)
        board.advance(250)
        drain(wire)
        (hello,) = of_hellos(wire, start)
        assert hello.board_uid in NAMES[:2]
        board.advance(200)
        assert board.eeprom(0, 17) == board.eeprom(32, 17), "the torn copy is mended"
        drain(wire)


# -- receiver ---------------------------------------------------------------------------------------------


def test_a_delimiter_that_comes_while_both_buffers_are_full_costs_no_later_command(tmp_path: Path) -> None:
    with RigBoard(tmp_path, channels=8, paused=True) as board, wired(board.path) as wire:
        board.advance(300)
        for phase in range(120):
            start = drain(wire)
            board.inject(bytes.fromhex("4100420000"), "to-board")
            board.advance(4.0 + phase * 0.21)
            for request in (1, 2):
                board.inject(encode(Command(request, CommandKind.CLOCK)), "to-board")
                board.advance(30.0)
            drain(wire)
            answered = [frame.request_id for frame in wire.heard[start:] if isinstance(frame, Ack)]
            assert answered == [1, 2], f"phase {phase}"


# -- converters -------------------------------------------------------------------------------------------


def test_a_conversion_that_ends_just_as_the_one_before_has_been_read_is_not_missed(tmp_path: Path) -> None:
    """Nothing runs until shortly before the next conversion: between the last pulse and the edge it may fall."""
    with RigBoard(tmp_path, channels=1, paused=True) as board, wired(board.path) as wire:
        board.factor(0, 1.0)
        period_us, untorn = 12_500.0, 0
        for before_us in np.arange(130.0, 170.0, 0.5):
            board.reset("power-on")
            board.advance(300)
            heard = drain(wire)
            now_us = 1e6 * board.board_time_s()
            next_us = board.delivered(0)[-1].ready_us + period_us
            seen, torn = board.chips()[0].reads, board.chips()[0].torn
            board.freeze(next_us + period_us - float(before_us) - now_us)
            board.advance((next_us + period_us - now_us) / 1000 + 40)
            drain(wire)
            rows = [frame for frame in wire.heard[heard:] if isinstance(frame, Samples)]
            if board.chips()[0].torn > torn or any(
                SampleFlag.DESYNC in SampleFlag(int(row.flags[0, 0])) for row in rows
            ):
                continue  # the conversion ended among the pulses, and that is told
            untorn += 1
            conversions = [read.conversion for read in board.delivered(0, seen)]
            assert len(conversions) >= 4
            assert conversions == list(range(conversions[0], conversions[0] + len(conversions))), before_us
        assert untorn > 20


# -- what settles late ------------------------------------------------------------------------------------


@pytest.mark.parametrize("gain", [64, 32])
def test_after_power_on_at_a_kept_gain_every_value_without_a_flag_is_exact(tmp_path: Path, gain: int) -> None:
    loads = (8_000_000, -8_000_000, 128_000, -1_280)
    for seed in range(6):
        with RigBoard(tmp_path, gain=gain, seed=seed, paused=True) as board, wired(board.path) as wire:
            board.set_counts(*loads)
            board.advance(350)
            drain(wire)
            rows = [frame for frame in wire.heard if isinstance(frame, Samples)]
            counts = np.concatenate([frame.counts for frame in rows])
            settled = np.concatenate([frame.flags for frame in rows]) == SampleFlag(0)
            assert settled.sum() > 20
            true = np.broadcast_to(np.array(loads) * gain // 128, counts.shape)
            assert np.array_equal(counts[settled], true[settled])


def test_the_supply_is_the_same_in_every_report(tmp_path: Path) -> None:
    """The bandgap's first readings after the switch from another input are low."""
    with RigBoard(tmp_path, channels=8, paused=True) as board, wired(board.path) as wire:
        board.supply(4_600)
        for _ in range(100):
            board.advance(250)
            drain(wire)
        told = [frame.supply_mv for frame in wire.heard if isinstance(frame, Aux)]
    assert len(told) > 20
    assert min(told) > 4_550
    assert max(told) < 4_650


def test_a_sensor_that_answers_as_early_as_one_may_is_read(tmp_path: Path) -> None:
    with RigBoard(tmp_path, paused=True) as board, wired(board.path) as wire:
        board.say("ds18b20", 7.5, "quick")
        for _ in range(12):
            board.advance(250)
            drain(wire)
        told = [frame.temperatures_cdeg for frame in wire.heard if isinstance(frame, Aux)]
    assert told[-1] == (750,)


def drain(wire: Wire) -> int:
    """Hear what has come; the place of the next frame."""
    wire.hear_all()
    return len(wire.heard)


def of_hellos(wire: Wire, start: int) -> Sequence[Hello]:
    return [frame for frame in itertools.islice(wire.heard, start, None) if isinstance(frame, Hello)]

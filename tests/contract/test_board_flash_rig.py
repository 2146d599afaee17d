"""`edge-agent board flash` from bare chip to running board: real avrdude, real bootloader, compiled firmware."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from command_line import Running
from rig_board import UID, RigBoard
from rig_build import BOOTLOADER, build_firmware

from edge_agent.cli import main
from edge_agent.flashing.firmware_image import read_firmware

Technician = Callable[..., Any]
EEPROM = 17


@pytest.fixture
def four() -> Path:
    return build_firmware(4).with_suffix(".hex")


@pytest.fixture
def three() -> Path:
    return build_firmware(3).with_suffix(".hex")


@pytest.fixture
def technician(capsys: pytest.CaptureFixture[str]) -> Technician:
    def types(*words: object) -> SimpleNamespace:
        status = main(["board", *map(str, words)])
        printed = capsys.readouterr()
        return SimpleNamespace(status=status, out=printed.out, flat=" ".join(printed.out.split()), err=printed.err)

    return types


@pytest.fixture
def nano(tmp_path: Path) -> Iterator[RigBoard]:
    """A Nano with its bootloader and the firmware for four inputs."""
    with RigBoard(tmp_path, bootloader=BOOTLOADER, auto_reset="dtr", any_baud=True) as board:
        yield board


def test_a_new_nano_becomes_a_named_board_that_weighs(tmp_path: Path, technician: Technician, four: Path) -> None:
    with RigBoard(tmp_path, bootloader=BOOTLOADER, bare=True, uid=None, auto_reset="dtr", any_baud=True) as board:
        board.noise(40.0)
        refused = technician("flash", "--port", board.path, "--hex", four)
        assert (refused.status, "add --blank" in refused.err) == (5, True)

        # What README.md says, after make firmware.
        done = technician("flash", "--port", board.path, "--blank")
        assert (done.status, done.err) == (0, "")
        image = read_firmware(four)
        assert f"firmware {image.named} written and verified, {image.size} bytes" in done.flat

        told = json.loads(technician("info", "--port", board.path, "--json").out)["boards"][0]
        assert (told["firmware_hash"], told["channels"]) == (f"{image.firmware_hash:08x}", 4)
        assert told["uid"] == board.eeprom(1, 8).hex() != "f" * 16
        assert technician("self-test", "--port", board.path).status == 0


def test_another_firmware_keeps_the_boards_name_and_everything_it_was_told(
    nano: RigBoard, technician: Technician, four: Path, three: Path
) -> None:
    assert technician("set", "--port", nano.path, "--gain", "64", "--rate", "10", "--channels", "3").status == 0
    kept = nano.eeprom(0, EEPROM)

    done = technician("flash", "--port", nano.path, "--hex", three)

    assert (done.status, done.err) == (0, "")
    assert f"board {UID} on {nano.path}: firmware {read_firmware(three).named} written" in done.flat
    assert f"before: {read_firmware(four).named}" in done.flat
    assert "3 of 3 inputs at 10 readings a second, gain 64" in done.flat
    assert nano.eeprom(0, EEPROM) == kept


@pytest.mark.parametrize("how", ["Ctrl-C", "unplugged"])
def test_flashing_that_breaks_off_is_mended_by_running_it_again(
    nano: RigBoard, technician: Technician, three: Path, tmp_path: Path, how: str
) -> None:
    words = f"board flash --port {nano.path} --hex {three} --fewer-inputs --bootloader-baud 57600"
    wanted = nano.flash(0, 512)
    with Running(words, tmp_path) as running:
        ends = time.monotonic() + 30
        while nano.flash(0, 512) == wanted:
            assert time.monotonic() < ends, "it never began to write"
        if how == "Ctrl-C":
            ended = running.presses_ctrl_c()
        else:
            nano.unplug()
            ended = running.ended(60)
            nano.plug()
    assert ended.status == (130 if how == "Ctrl-C" else 5), ended
    assert "run this again with --blank" in " ".join(ended.err.split())
    assert ended.left_behind == ()

    again = technician(*words.split()[1:], "--blank")
    assert (again.status, again.err) == (0, "")
    assert f"board {UID} on" in again.flat, "its name is in EEPROM, which was never touched"

"""`edge-agent board flash` with the real avrdude against a virtual board's bootloader."""

import json
import re
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import serial
from command_line import Running
from flashable_board import FlashableModel, firmware_memory, hash_of, intel_hex

from edge_agent.cli import main
from edge_agent.commands import board_flash
from edge_agent.flashing import avrdude, firmware_image, flash, port_reset
from firmware_bridge.answers import UNWRITTEN_UID
from firmware_bridge.virtual_board import BoardSetup, VirtualBoard, VirtualRig

UID = "28a50000000000a1"
SETUP = BoardSetup(
    UID, channels=4, most_channels=4, chip_signature=b"\x1e\x95\x0f", firmware_version=(1, 0), bootloader_s=4.0
)
NEW_MEMORY = firmware_memory((1, 1))
NEW = hash_of(NEW_MEMORY)
README = Path(__file__).parents[2] / "README.md"
Technician = Callable[..., Any]


@contextmanager
def plugged(setup: BoardSetup = SETUP, *, blank: bool = False) -> Iterator[tuple[FlashableModel, VirtualBoard]]:
    model = FlashableModel(setup, blank=blank)
    board = VirtualBoard(model)
    model.host_baud = lambda: {termios.B57600: 57_600, termios.B115200: 115_200}[termios.tcgetattr(board._slave)[5]]
    with VirtualRig([board]):
        yield model, board


@pytest.fixture
def new_image(tmp_path: Path) -> Path:
    path = tmp_path / "loadcell-4ch-115200.hex"
    path.write_text(intel_hex(NEW_MEMORY))
    return path


@pytest.fixture
def technician(capsys: pytest.CaptureFixture[str]) -> Technician:
    def types(*words: object) -> SimpleNamespace:
        status = main(["board", "flash", *map(str, words)])
        printed = capsys.readouterr()
        return SimpleNamespace(status=status, out=" ".join(printed.out.split()), err=printed.err, json=printed.out)

    return types


def test_a_board_gets_new_firmware_and_keeps_name_and_settings(
    technician: Technician, new_image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(board_flash, "Progress", lambda: SimpleNamespace(show=seen.append, end=lambda: None))
    with plugged() as (model, board):
        model.gain, model.channels = 64, 3
        done = technician("--port", board.path, "--hex", new_image)
        assert (done.status, done.err) == (0, "")
        assert f"board {UID} on {board.path}: firmware 1.1 ({NEW:08x}) written and verified, 1900 bytes" in done.out
        assert "before: 1.0 (5eed0001)" in done.out
        assert "3 of 4 inputs at 80 readings a second, gain 64" in done.out
        assert bytes(model.flash[:1900]) == NEW_MEMORY
        assert any("writing" in text for text in seen)
        assert any("verifying" in text for text in seen)

        pages = model.pages
        again = technician("--port", board.path, "--hex", new_image)
        assert (again.status, f"has firmware 1.1 ({NEW:08x}) already: nothing written" in again.out) == (0, True)
        assert model.pages == pages
        assert technician("--port", board.path, "--hex", new_image, "--again").status == 0
        assert model.pages == 2 * pages


def test_a_downgrade_is_refused_unless_told_and_nothing_is_touched(technician: Technician, new_image: Path) -> None:
    with plugged(replace(SETUP, firmware_version=(2, 0))) as (model, board):
        refused = technician("--port", board.path, "--hex", new_image)
        assert (refused.status, "older than the 2.0" in refused.err) == (11, True)
        assert not model.in_bootloader
        told = technician("--port", board.path, "--hex", new_image, "--force-downgrade", "--json")
        assert told.status == 0
        document = json.loads(told.json)
        assert (document["before"]["firmware_version"], document["after"]["firmware_version"]) == ("2.0", "1.1")


def test_a_blank_chip_is_written_when_asked_for_and_gets_a_name(technician: Technician, new_image: Path) -> None:
    with plugged(replace(SETUP, board_uid=UNWRITTEN_UID), blank=True) as (model, board):
        refused = technician("--port", board.path, "--hex", new_image)
        assert (refused.status, "add --blank" in refused.err, model.pages) == (5, True, 0)
        done = technician("--port", board.path, "--hex", new_image, "--blank")
        assert done.status == 0
        assert "before: no firmware that answered" in done.out
        assert model.setup.board_uid not in (UNWRITTEN_UID, "0" * 16)
        assert f"board {model.setup.board_uid} on" in done.out
        assert "--inputs" not in done.out


def test_without_a_named_image_a_new_board_gets_the_usual_one_that_was_built_and_is_told_so(
    technician: Technician, new_image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firmware_image, "BUILT", new_image.parent)
    (new_image.parent / "loadcell-6ch-115200.hex").write_text(intel_hex(firmware_memory((1, 1), inputs=6)))
    with plugged(replace(SETUP, board_uid=UNWRITTEN_UID), blank=True) as (model, board):
        line = re.search(r"^edge-agent board flash (.*?) +#", README.read_text(), re.MULTILINE)
        assert line, "README.md says how a new Nano becomes a board"
        done = technician(*line[1].replace("/dev/ttyUSB0", board.path).split())
        assert (done.status, done.err) == (0, "")
        assert model.setup.firmware_hash == NEW
        assert "the image for 4 was taken; --inputs N takes another" in done.out
        more = technician("--port", board.path, "--inputs", "6")
        assert (more.status, "--inputs" in more.out, model.setup.inputs) == (0, False, 6)
        none = technician("--port", board.path, "--inputs", "8")
        assert (none.status, "run make firmware CHANNELS=8" in none.err) == (11, True)


def test_a_board_whose_name_was_lost_gets_it_back(technician: Technician, new_image: Path) -> None:
    with plugged() as (model, board):
        leave = model._leave

        def forgetful() -> None:
            leave()
            model.name(UNWRITTEN_UID)

        model._leave = forgetful  # type: ignore[method-assign]
        assert technician("--port", board.path, "--hex", new_image).status == 0
        assert model.setup.board_uid == UID


def test_a_board_that_was_not_meant_is_spared(technician: Technician, new_image: Path) -> None:
    other = "28a50000000000a2"
    with plugged() as (model, board):
        for extra in ((), ("--blank",)):
            refused = technician("--port", board.path, "--hex", new_image, "--uid", other, *extra)
            assert refused.status == 5
            assert f"the board there is {UID} and not {other}: nothing was changed" in refused.err
        assert not model.in_bootloader
        assert technician("--port", board.path, "--hex", new_image, "--uid", UID).status == 0
    with plugged(blank=True) as (model, board):
        mute = technician("--port", board.path, "--hex", new_image, "--uid", UID, "--blank")
        assert (mute.status, f"cannot be told whether it is {UID}: leave out --uid" in mute.err) == (5, True)
        assert model.pages == 0


def test_firmware_of_another_protocol_is_replaced_only_when_told_and_the_board_keeps_its_name(
    technician: Technician, new_image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with plugged(replace(SETUP, protocol=(2, 0), firmware_version=(9, 0))) as (model, board):
        resets_by(monkeypatch, model)
        leave = model._leave

        def forgetful() -> None:
            leave()
            model.name(UNWRITTEN_UID)

        model._leave = forgetful  # type: ignore[method-assign]
        refused = technician("--port", board.path, "--hex", new_image)
        assert refused.status == 5
        assert "board speaks protocol 2.0, this bridge 1.x: flash matching firmware" in refused.err
        assert "add --blank" in refused.err
        other = technician("--port", board.path, "--hex", new_image, "--blank", "--uid", "28a50000000000a2")
        assert (other.status, model.pages) == (5, 0)
        # Of such a board only the UID and the chip are known: its version cannot hold it back.
        done = technician("--port", board.path, "--hex", new_image, "--blank", "--uid", UID)
        assert (done.status, done.err) == (0, "")
        assert (model.setup.protocol, model.setup.board_uid) == ((1, 1), UID)


@pytest.mark.parametrize("protocol", [(1, 0), (1, 7)])
def test_firmware_a_little_older_or_newer_than_the_host_is_replaced_as_any_other(
    technician: Technician, new_image: Path, monkeypatch: pytest.MonkeyPatch, protocol: tuple[int, int]
) -> None:
    with plugged(replace(SETUP, protocol=protocol)) as (model, board):
        resets_by(monkeypatch, model)
        done = technician("--port", board.path, "--hex", new_image)
        assert (done.status, done.err) == (0, "")
        assert (model.setup.protocol, model.setup.firmware_hash) == ((1, 1), NEW)


def test_an_image_for_another_protocol_is_refused_whatever_is_allowed(technician: Technician, tmp_path: Path) -> None:
    path = tmp_path / "loadcell-4ch-115200.hex"
    path.write_text(intel_hex(firmware_memory((3, 0), protocol=(2, 0))))
    for blank in (True, False):
        with plugged(blank=blank) as (model, board):
            refused = technician("--port", board.path, "--hex", path, "--blank", "--force-downgrade")
            assert (refused.status, "speaks protocol 2.0, this host 1.x: update the host" in refused.err) == (11, True)
            assert model.pages == 0


def test_an_agent_that_takes_the_port_right_after_the_writing_is_named(
    technician: Technician, new_image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with plugged() as (model, board):
        asks = flash._back

        def too_late(*task: Any) -> object:
            with serial.Serial(board.path, exclusive=True):
                return asks(*task)

        monkeypatch.setattr(flash, "_back", too_late)
        monkeypatch.setattr(flash, "BACK_S", 0.5)
        taken = technician("--port", board.path, "--hex", new_image)
    assert taken.status == 5
    assert "was written and verified, but another program took the port" in taken.err
    assert model.setup.firmware_hash == NEW


def test_another_chip_is_refused_by_the_programmer_when_no_firmware_can_say_it(
    technician: Technician, new_image: Path
) -> None:
    with plugged(blank=True) as (model, board):
        model.signature = b"\x1e\x94\x06"
        refused = technician("--port", board.path, "--hex", new_image, "--blank")
        assert refused.status == 11
        assert "1e9406" in refused.err
        assert "nothing was written" in refused.err
        assert model.pages == 0


def test_flash_that_reads_back_other_bytes_is_no_success(technician: Technician, new_image: Path) -> None:
    with plugged() as (model, board):
        model.spoiled = b"\xee\xee"
        failed = technician("--port", board.path, "--hex", new_image)
    assert failed.status == 11
    assert "reads back other bytes" in failed.err
    assert "--blank" in failed.err


def test_a_port_that_an_agent_holds_is_refused_and_its_board_untouched(technician: Technician, new_image: Path) -> None:
    with plugged() as (model, board), serial.Serial(board.path, exclusive=True):
        refused = technician("--port", board.path, "--hex", new_image)
        assert (refused.status, "stop it first" in refused.err) == (5, True)
        assert not model.in_bootloader


def test_interrupted_while_writing_the_board_is_rescued_by_running_it_again(
    technician: Technician, new_image: Path, tmp_path: Path
) -> None:
    with plugged() as (model, board):
        model.dies_at_page = 5
        words = f"board flash --port {board.path} --hex {new_image}"
        with Running(words, tmp_path) as running:
            until(lambda: model.pages == 5)
            with pytest.raises(serial.SerialException):
                serial.Serial(board.path, exclusive=True)  # kept from an agent that would start now
            ended = running.presses_ctrl_c()
        assert ended.status == 130, ended
        assert "half written" in ended.err
        assert "run this again with --blank" in " ".join(ended.err.split())
        assert ended.left_behind == ()

        model.dies_at_page = None
        model._bootloader_until = 1 << 62  # half a firmware does not start
        assert technician("--port", board.path, "--hex", new_image, "--blank").status == 0
        assert model.setup.firmware_hash == NEW


def test_interrupted_after_the_image_was_verified_nobody_is_told_to_write_it_again(
    new_image: Path, tmp_path: Path
) -> None:
    with plugged() as (model, board):
        leave = model._leave

        def silently() -> None:
            leave()
            model.faults.silence = True
            (tmp_path / "left").touch()

        model._leave = silently  # type: ignore[method-assign]
        with Running(f"board flash --port {board.path} --hex {new_image}", tmp_path) as running:
            until((tmp_path / "left").exists)
            ended = running.presses_ctrl_c()
    assert ended.status == 130, ended
    assert "interrupted: the firmware is written and verified" in ended.err
    assert "--blank" not in ended.err
    assert ended.left_behind == ()


def test_a_bootloader_at_the_other_baud_rate_is_found_and_none_at_all_is_named(
    technician: Technician, new_image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(avrdude, "ATTEMPTS", 1)
    with plugged(blank=True) as (model, board):
        model.baud = 115_200
        none = technician("--port", board.path, "--hex", new_image, "--blank", "--bootloader-baud", "57600")
        assert none.status == 5
        assert "no bootloader answers at 57600 baud; nothing was written" in none.err
        page = re.search(r"needs an ISP programmer \((.*?)\)", none.err)
        assert page
        assert re.search(
            r"\n    avrdude -c usbasp .*optiboot_atmega328\.hex:i\n", (README.parent / page[1]).read_text()
        )
        assert technician("--port", board.path, "--hex", new_image, "--blank").status == 0


def resets_by(monkeypatch: pytest.MonkeyPatch, model: FlashableModel) -> None:
    """Have the fall of DTR reset the board into its bootloader, which a pseudo-terminal cannot."""

    def falls(path: str) -> None:
        port_reset.let_dtr_fall(path)
        model.enter_bootloader()

    monkeypatch.setattr(flash, "let_dtr_fall", falls)


def until(where: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not where():
        assert time.monotonic() < deadline
        time.sleep(0.02)

"""A technician's commands to a board, against virtual boards on ptys."""

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import serial
from command_line import HANG_S, Running

from edge_agent.adapters.board_naming import random_uid
from edge_agent.adapters.connected_board import ConnectedBoard
from edge_agent.cli import main
from edge_agent.console.terminal import COLUMNS, width
from firmware_bridge.answers import UNWRITTEN_UID
from firmware_bridge.frames import COUNTS_MAX, SampleFlag
from firmware_bridge.port import PortConfig
from firmware_bridge.virtual_board import BoardModel, BoardSetup, VirtualBoard, VirtualRig

UID, OTHER = "28a50000000000a1", "28a50000000000a2"
SETUP = BoardSetup(UID, channels=4, most_channels=4, chip_signature=b"\x1e\x95\x0f", tick_rate_hz=2_000_000)


class Cells:
    """Four cells with a converter's noise."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(5)

    def counts(self, sample_index: int, t_s: float) -> list[int]:  # noqa: ARG002
        return [round(value) for value in self._random.normal(50_000, 40.0, 8)]


def board(setup: BoardSetup = SETUP, link: Path | None = None) -> VirtualBoard:
    return VirtualBoard(BoardModel(setup, Cells()), link)


@pytest.fixture
def one() -> Iterator[VirtualBoard]:
    with VirtualRig([board()]) as rig:
        yield rig.boards[0]


@pytest.fixture
def technician(capsys: pytest.CaptureFixture[str]) -> Callable[..., SimpleNamespace]:
    def types(*words: str) -> SimpleNamespace:
        status = main(["board", *words])
        printed = capsys.readouterr()
        assert "\x1b" not in printed.out
        if "--json" not in words:
            prose = [line for line in printed.out.splitlines() if not line.startswith(("/", "port "))]
            assert all(width(line) <= COLUMNS for line in prose)
        return SimpleNamespace(status=status, out=printed.out, flat=" ".join(printed.out.split()), err=printed.err)

    return types


Technician = Callable[..., Any]


def until(where: Callable[[], bool]) -> None:
    deadline = time.monotonic() + HANG_S
    while not where():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def holds(process: int, path: Path) -> bool:
    """Return whether a process has a port open; looking takes no lock that it could meet."""
    terminal = path.resolve()
    try:
        return any(each.resolve() == terminal for each in Path(f"/proc/{process}/fd").iterdir())
    except OSError:  # closed between the look at the folder and at its entry
        return False


@contextmanager
def unit_with_boards(unit_files: Path, boards: Sequence[VirtualBoard]) -> Iterator[Path]:
    """Give a configuration that names these boards."""
    ports = "\n".join(f'[[boards]]\nuid = "{each.model.setup.board_uid}"\nport = "{each.path}"\n' for each in boards)
    path = unit_files / "agent.toml"
    kept = path.read_text().partition("[[boards]]")[0]
    path.write_text(f"{kept}{ports}")
    with VirtualRig(boards):
        yield path


def test_list_shows_every_board_and_says_why_the_other_ports_have_none(technician: Technician, tmp_path: Path) -> None:
    sound, old, dead, deaf, garbage, busy = (
        board(replace(SETUP, board_uid=uid, protocol=protocol), tmp_path / name)
        for uid, protocol, name in (
            (UID, (1, 1), "sound"),
            (OTHER, (1, 0), "old"),
            (UID, (1, 1), "dead"),
            (UID, (1, 1), "deaf"),
            (UID, (1, 1), "garbage"),
            (UID, (1, 1), "busy"),
        )
    )
    dead.model.faults.silence = True
    deaf.model.faults.deaf = True
    garbage.model.faults.byte_corruption = 1.0
    boards = (sound, old, dead, deaf, garbage, busy)
    with VirtualRig(boards), serial.Serial(busy.path, exclusive=True):
        options = [word for each in boards for word in ("--port", each.path)]
        shown = technician("list", *options, "--port", str(tmp_path / "missing"))

    assert shown.status == 0
    lines = {Path(line.split()[0].rstrip(":")).name: line for line in shown.out.splitlines() if line.startswith("/")}
    assert lines["sound"].split()[1:] == [UID, "1.0", "(5eed0001)", "4", "of", "4", "80", "128"]
    assert lines["old"].split()[1:] == [OTHER, "5eed0001", "4", "80", "128"]
    for name, words in {
        "dead": "nothing received at 115200 baud: check the board's power and firmware; if its flashing",
        "deaf": "sends frames but does not answer HELLO: check the wire from host to board",
        "busy": "another program holds the port",
        "missing": "no such device",
    }.items():
        assert f"{tmp_path / name}: {words}" in shown.flat
    assert "an agent that runs on this unit holds its ports: stop it first" in shown.flat
    assert re.search(rf"{tmp_path}/garbage: \d+ bytes and no valid frame: .* not at 115200 baud", shown.flat)


def test_list_takes_two_boards_without_a_uid_for_two_boards(technician: Technician) -> None:
    with VirtualRig([board(replace(SETUP, board_uid=UNWRITTEN_UID)) for _ in range(2)]) as rig:
        shown = technician("list", *(word for each in rig.boards for word in ("--port", each.path)), "--json")
    assert shown.status == 0
    assert [port["board"]["uid"] for port in json.loads(shown.out)["ports"]] == [None, None]


def test_list_of_a_unit_names_the_board_that_is_in_the_wrong_socket(
    technician: Technician, unit_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = board()
    monkeypatch.setattr(
        "serial.tools.list_ports.comports", lambda: [SimpleNamespace(device=right.path, serial_number=None)]
    )
    with unit_with_boards(unit_files, [right]) as config:
        right.model.replace_board(OTHER)
        shown = technician("list", "--config", str(config))
    assert shown.status == 0
    assert shown.flat.count(right.path) == 1, "the port is asked once, although it is configured and found"
    assert f"configured is {UID}" in shown.flat


def test_list_without_any_board_or_port_ends_with_the_boards_status(
    technician: Technician, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = technician("list", "--port", str(tmp_path / "nothing"))
    assert shown.status == 5
    assert "no board on the only port" in shown.err
    monkeypatch.setattr("serial.tools.list_ports.comports", list)
    assert "plug a board in" in technician("list").err


def test_info_tells_everything_a_board_knows_of_itself(one: VirtualBoard, technician: Technician) -> None:
    one.model.digital_inputs = 2
    shown = technician("info", "--port", one.path)
    assert shown.status == 0
    for words in (
        f"board {UID} on {one.path}",
        "firmware 1.0 (5eed0001), protocol 1.1, chip 1e 95 0f",
        "4 of 4 inputs at 80 readings a second, gain 128",
        "last start power on, number 1",
        "damaged frames heard 0",
        "supply 5.00 V",
        "temperature 21.50 °C",
        "door open, staff key closed",
        " ppm, answers scatter by ",
    ):
        assert words in shown.flat
    told = json.loads(technician("info", "--port", one.path, "--json").out)["boards"][0]
    assert (told["uid"], told["firmware_version"], told["digital_inputs"]) == (UID, "1.0", 2)
    assert told["statistics"]["bad_frames"] == 0


def test_info_of_an_old_board_says_less_but_says_it(technician: Technician) -> None:
    with VirtualRig([board(replace(SETUP, protocol=(1, 0), temperatures_cdeg=(-32768,)))]) as rig:
        shown = technician("info", "--port", rig.boards[0].path)
    assert shown.status == 0
    assert "firmware 5eed0001, protocol 1.0" in shown.flat
    assert "the sensor does not answer" in shown.flat


def test_info_of_a_unit_tells_of_the_boards_that_answer_and_fails_for_the_one_that_does_not(
    technician: Technician, unit_files: Path
) -> None:
    boards = [board(), board(replace(SETUP, board_uid=OTHER))]
    boards[0].model.faults.silence = True
    with unit_with_boards(unit_files, boards) as config:
        shown = technician("info", "--config", str(config))
        assert shown.status == 5
        assert f"board {OTHER} on " in shown.out
        assert boards[0].path in shown.err
        only = technician("info", "--config", str(config), "--uid", OTHER)
        assert only.status == 0
        unknown = technician("info", "--config", str(config), "--uid", "0000000000000001")
        never = technician("info", "--config", str(config), "--baud", "0")
        assert (never.status, "baud 0 is not within" in never.err) == (5, True)
        assert (unknown.status, f"configured: {UID}, {OTHER}" in unknown.err) == (3, True)
        several = technician("identify", "--config", str(config))
        assert (several.status, "name one by --uid" in several.err) == (3, True)
        swapped = technician("info", "--port", boards[1].path, "--uid", UID)
        assert (swapped.status, f"board {OTHER} answers where {UID} is expected" in swapped.err) == (5, True)


def test_identify_makes_the_board_blink_and_says_what_to_look_for(one: VirtualBoard, technician: Technician) -> None:
    shown = technician("identify", "--port", one.path, "--seconds", "30")
    assert (shown.status, one.model.identify_s) == (0, 30)
    assert "blinks for 30 s" in shown.flat
    assert technician("identify", "--port", one.path, "--seconds", "0").status == 0
    nobody = technician("identify", "--port", one.path, "--uid", "A1")
    assert (nobody.status, "'A1' is not 16 lower-case hex digits" in nobody.err) == (5, True)
    assert one.model.identify_s == 0
    with pytest.raises(SystemExit) as wrong:
        technician("identify", "--port", one.path, "--seconds", "256")
    assert wrong.value.code == 2


def test_set_changes_everything_at_once_and_a_second_run_changes_nothing_more(
    one: VirtualBoard, technician: Technician
) -> None:
    words = ("set", "--port", one.path, "--rate", "10", "--gain", "64", "--channels", "2", "--write-uid", OTHER)
    shown = technician(*words)
    assert (shown.status, shown.err) == (0, "")
    assert f"board {OTHER} on {one.path}: 2 of 4 inputs at 10 readings a second, gain 64" in shown.flat
    assert f"it was {UID}" in shown.flat
    assert "calibrate its inputs anew" in shown.flat
    again = technician(*words)
    assert again.status == 0
    assert "it was" not in again.flat
    model = one.model
    assert (model.rate_hz, model.gain, model.channels, model.setup.board_uid) == (10.0, 64, 2, OTHER)


def test_set_refuses_by_naming_what_the_board_supports(one: VirtualBoard, technician: Technician) -> None:
    many = technician("set", "--port", one.path, "--channels", "5")
    assert (many.status, "has 4 inputs: --channels 1 to 4, not 5" in many.err) == (5, True)
    with one.stopped() as model:
        model.setup = replace(model.setup, supported_rates_hz=(80.0,))
    slow = technician("set", "--port", one.path, "--rate", "10")
    assert slow.status == 5
    assert "10 readings a second are not supported by this board, which stays at 80" in slow.err
    nothing = technician("set", "--port", one.path)
    assert (nothing.status, "nothing to set" in nothing.err) == (2, True)


def test_set_spares_a_board_that_was_not_meant(one: VirtualBoard, technician: Technician) -> None:
    other = technician("set", "--port", one.path, "--uid", OTHER, "--gain", "64")
    assert (other.status, f"the board there is {UID} and not {OTHER}: nothing was changed" in other.err) == (5, True)
    assert one.model.gain == 128
    meant = technician("set", "--port", one.path, "--uid", UID, "--gain", "64", "--write-uid", OTHER)
    assert meant.status == 0
    assert (one.model.gain, one.model.setup.board_uid) == (64, OTHER)
    with one.stopped() as model:
        model.name(UNWRITTEN_UID)
        model.reset()
    nameless = technician("set", "--port", one.path, "--uid", OTHER, "--gain", "32")
    assert (nameless.status, "the board there has no UID yet" in nameless.err) == (5, True)


def test_set_gives_a_new_board_a_name_of_its_own(technician: Technician) -> None:
    with VirtualRig([board(replace(SETUP, board_uid=UNWRITTEN_UID))]) as rig:
        shown = technician("set", "--port", rig.boards[0].path, "--new-uid", "--json")
        uid = rig.boards[0].model.setup.board_uid
    assert shown.status == 0
    assert json.loads(shown.out)["uid"] == uid != UNWRITTEN_UID
    assert len({random_uid() for _ in range(50)}) == 50


@pytest.mark.parametrize("uid", ["28A50000000000A1", "1234", "f" * 16, "0" * 16])
def test_a_uid_that_no_board_may_have_is_a_wrong_command_line(technician: Technician, uid: str) -> None:
    with pytest.raises(SystemExit) as wrong:
        technician("set", "--port", "/dev/null", "--write-uid", uid)
    assert wrong.value.code == 2


def test_a_board_of_protocol_1_0_is_sent_to_be_flashed_when_it_does_not_know_a_command(technician: Technician) -> None:
    with VirtualRig([board(replace(SETUP, protocol=(1, 0)))]) as rig:
        shown = technician("set", "--port", rig.boards[0].path, "--channels", "2")
    assert shown.status == 5
    assert "its firmware does not know SET_CHANNELS" in shown.err
    assert "board flash" in shown.err


WORDS = {
    "info": (),
    "identify": ("--seconds", "3"),
    "self-test": (),
    "set": ("--gain", "64"),
    "diagnose": ("--seconds", "1"),
}


@pytest.mark.parametrize("protocol", [(1, 0), (1, 7)], ids=["older", "newer"])
def test_firmware_a_little_older_or_newer_than_the_host_does_all_that_both_know(
    technician: Technician, protocol: tuple[int, int]
) -> None:
    with VirtualRig([board(replace(SETUP, protocol=protocol))]) as rig:
        one = rig.boards[0]
        for command, words in WORDS.items():
            shown = technician(command, "--port", one.path, *words)
            assert (shown.status, shown.err) == (0, ""), command
            if command == "info":
                assert "protocol {}.{}".format(*protocol) in shown.flat
        assert (one.model.identify_s, one.model.gain) == (3, 64)


@pytest.mark.parametrize("command", ["list", *WORDS])
def test_firmware_of_another_protocol_is_named_with_what_to_do_and_left_alone(
    technician: Technician, command: str
) -> None:
    with VirtualRig([board(replace(SETUP, protocol=(2, 0)))]) as rig:
        one = rig.boards[0]
        shown = technician(command, "--port", one.path, *WORDS.get(command, ()))
        assert shown.status == 5
        told = " ".join((shown.out + shown.err).split())
        assert f"{one.path}: board speaks protocol 2.0, this bridge 1.x" in told
        assert "flash matching firmware or update this host" in told
        assert (one.model.identify_s, one.model.gain) == (0, 128)


def test_self_test_names_cause_and_remedy_of_each_faulty_input(one: VirtualBoard, technician: Technician) -> None:
    with ConnectedBoard(PortConfig(one.path)):
        pass
    assert technician("self-test", "--port", one.path).status == 0
    with one.stopped() as model:
        model.faults.channel_flags = {
            0: SampleFlag.SILENT,
            1: SampleFlag.SILENT | SampleFlag.DESYNC,
            2: SampleFlag.DESYNC,
        }
        model.faults.glitch_rows = {index: [1, 2, index, COUNTS_MAX] for index in range(100_000)}
        model.advance(model.ticks + 2_000_000)
    shown = technician("self-test", "--port", one.path)
    assert shown.status == 1
    for words in (
        "input 0: error: its converter never has a reading ready. Try: check the converter's 5 V",
        "input 1: error: its data line stays low. Try: look for a short",
        "input 2: error: its converter loses step with the board while it is read. Try: shorten",
        "input 3: error: it reads the most a converter can say. Try: check the cell's four wires",
    ):
        assert words in shown.flat
    told = json.loads(technician("self-test", "--port", one.path, "--json").out)
    assert [each["faults"] for each in told["self_test"]] == [
        ["no_data_ready"],
        ["line_low"],
        ["extra_pulse"],
        ["upper_rail"],
    ]


def test_a_cable_pulled_before_the_board_has_stored_what_it_was_told_is_no_success(
    one: VirtualBoard, technician: Technician, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = ConnectedBoard.stores

    def pulled(connected: ConnectedBoard) -> None:
        one.unplug()
        stores(connected)

    monkeypatch.setattr(ConnectedBoard, "stores", pulled)
    shown = technician("set", "--port", one.path, "--gain", "64")
    assert shown.status == 5
    assert "plug the cable in again; what it was told is perhaps not kept" in shown.err


@pytest.mark.parametrize("command", ["info", "identify", "self-test", "diagnose"])
def test_a_port_without_board_ends_every_command_with_the_boards_status(
    technician: Technician, one: VirtualBoard, tmp_path: Path, command: str
) -> None:
    missing = technician(command, "--port", str(tmp_path / "none"))
    assert (missing.status, "no such device" in missing.err) == (5, True)
    with serial.Serial(one.path, exclusive=True):
        busy = technician(command, "--port", one.path)
    assert (busy.status, "stop it first" in busy.err) == (5, True)
    one.model.faults.byte_corruption = 1.0
    garbage = technician(command, "--port", one.path)
    assert (garbage.status, "not at 115200 baud" in garbage.err) == (5, True)
    never = technician(command, "--port", one.path, "--baud", "0")
    assert (never.status, "baud 0 is not within" in never.err) == (5, True)


@pytest.mark.parametrize("words", ["list --port {}", "info --port {}", "self-test --port {}"])
def test_ctrl_c_ends_a_command_that_waits_for_a_board_at_once(tmp_path: Path, words: str) -> None:
    mute = board(link=tmp_path / "mute")
    mute.model.faults.deaf = True  # it sends, so that the command waits for its answer
    with VirtualRig([mute]), Running(f"board {words.format(mute.path)}", tmp_path) as running:
        until(lambda: holds(running.process.pid, Path(mute.path)))
        ended = running.presses_ctrl_c()
    assert ended.status == 130, ended
    assert "Traceback" not in ended.err
    assert ended.left_behind == ()

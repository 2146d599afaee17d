import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from edge_agent.adapters.board_listening import listen
from edge_agent.cli import main
from edge_agent.commands import board_diagnose
from edge_agent.console.terminal import COLUMNS, Progress, width
from firmware_bridge.frames import SampleFlag
from firmware_bridge.port import PortConfig
from firmware_bridge.virtual_board import BoardModel, BoardSetup, VirtualBoard, VirtualRig

LANES_BOARD = "8f3a1c5e7b902d46"
PLATFORM_BOARD = "02d468f3a1c5e7b9"


class Cells:
    """Cells at rest with a converter's noise; one of them may be stuck."""

    def __init__(self, levels: Sequence[float], stuck: int | None = None) -> None:
        self._levels = np.array(levels)
        self._sigma = np.full(len(levels), 40.0)
        if stuck is not None:
            self._sigma[stuck] = 0.0
        self._random = np.random.default_rng(5)

    def counts(self, sample_index: int, t_s: float) -> list[int]:  # noqa: ARG002
        return [round(value) for value in self._random.normal(self._levels, self._sigma)]


def board(uid: str, cells: Cells, channels: int, port: Path | None = None) -> VirtualBoard:
    return VirtualBoard(BoardModel(BoardSetup(uid, channels=channels), cells), port)


@contextmanager
def unit_with_boards(unit_files: Path) -> Iterator[tuple[VirtualBoard, VirtualBoard]]:
    """Both of the unit's boards, plugged in where its configuration says."""
    ports = unit_files.parent / "ports"
    ports.mkdir()
    path = unit_files / "agent.toml"
    path.write_text(path.read_text().replace("/dev/serial/by-path", str(ports)))
    # 1045 g on lane A1 by its calibration
    lanes = board(LANES_BOARD, Cells([8421 + 1045 * 429.5, -3310, 120]), 3, ports / "left")
    platform = board(PLATFORM_BOARD, Cells([100 * 107.4] * 4), 4, ports / "right")
    with VirtualRig([lanes, platform]):
        yield lanes, platform


def diagnose(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str, str]:
    status = main(["board", "diagnose", *options])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_a_sound_unit_is_told_in_grams(unit_files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with unit_with_boards(unit_files):
        status, out, err = diagnose(capsys, "--config", str(unit_files / "agent.toml"), "--seconds", "1")

    assert (status, err) == (0, "")
    assert f"board {LANES_BOARD} on" in " ".join(out.split())
    assert out.count("every input is sound") == 2
    assert any(line.startswith("0      1045 g") for line in out.splitlines())
    assert max(width(line) for line in out.splitlines()) <= COLUMNS
    assert "\x1b" not in out


def test_a_stuck_input_is_named_with_what_to_try_and_fails_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    faulty = board("00000000000000a1", Cells([50_000, 60_000], stuck=1), 2)
    with VirtualRig([faulty]):
        status, out, _ = diagnose(capsys, "--port", faulty.path, "--seconds", "0.8")

    assert status == 1
    flat = " ".join(out.split())
    assert "input 1: error: every reading is the same: no real cell is that quiet. Try: power the board off" in flat
    assert "input 0" not in flat


def test_a_script_reads_figures_and_findings(capsys: pytest.CaptureFixture[str]) -> None:
    faulty = board("00000000000000a1", Cells([50_000, 60_000]), 2)
    faulty.model.faults.channel_flags = {1: SampleFlag.SILENT}
    with VirtualRig([faulty]):
        status, out, _ = diagnose(capsys, "--port", faulty.path, "--seconds", "0.8", "--json")

    (found,) = json.loads(out)["boards"]
    assert status == 1
    assert (found["uid"], found["failure"]) == ("00000000000000a1", None)
    good, silent = found["inputs"]
    assert (good["unit"], good["findings"]) == ("counts", [])
    assert good["level"] == pytest.approx(50_000, abs=40)
    assert good["rate_hz"] == pytest.approx(80, rel=0.02)
    assert [finding["code"] for finding in silent["findings"]] == ["silent"]
    assert silent["level"] is None


def test_a_configuration_named_beside_a_port_lends_its_calibration(
    unit_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = board(LANES_BOARD, Cells([8421 + 500 * 429.5, -3310, 120]), 3)
    with VirtualRig([desk]):
        config = str(unit_files / "agent.toml")
        _, out, _ = diagnose(capsys, "--config", config, "--port", desk.path, "--seconds", "0.8", "--json")
    first = json.loads(out)["boards"][0]["inputs"][0]
    assert first["unit"] == "g"
    assert first["level"] == pytest.approx(500, abs=0.2)


def test_a_missing_board_is_named_and_the_other_one_is_still_measured(
    unit_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with unit_with_boards(unit_files) as (_, platform):
        platform.unplug()
        status, out, err = diagnose(capsys, "--config", str(unit_files / "agent.toml"), "--seconds", "0.8")

    assert status == 5
    assert f"board {LANES_BOARD}" in out
    assert "ports/right: no such device: check the cable and the path" in err


def test_another_board_in_its_place_is_named(unit_files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with unit_with_boards(unit_files) as (_, platform):
        with platform.stopped() as model:
            model.replace_board("00000000000000ee")
        status, _, err = diagnose(capsys, "--config", str(unit_files / "agent.toml"), "--seconds", "0.8")

    assert status == 5
    assert f"board 00000000000000ee answers where {PLATFORM_BOARD} is expected" in err


def test_a_board_that_was_never_calibrated_can_be_diagnosed(
    unit_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (unit_files / f"calibration/{LANES_BOARD}.toml").unlink()
    with unit_with_boards(unit_files):
        status, out, _ = diagnose(capsys, "--config", str(unit_files / "agent.toml"), "--seconds", "0.8", "--json")
    assert status == 0
    assert [found["inputs"][0]["unit"] for found in json.loads(out)["boards"]] == ["counts", "g"]


def once_measuring(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> None:
    """Let something happen as soon as the technician sees a few rows counted."""

    class Watched(Progress):
        happened = False

        def show(self, text: str) -> None:
            rows = int(text.split()[-2])
            if rows > 20 and not Watched.happened:
                Watched.happened = True
                happens()

    monkeypatch.setattr(board_diagnose, "Progress", Watched)


def test_pulling_the_cable_midway_ends_at_once_and_shows_what_was_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled = board("00000000000000a1", Cells([50_000, 60_000]), 2)
    once_measuring(monkeypatch, pulled.unplug)
    with VirtualRig([pulled]):
        path = pulled.path
        status, out, err = diagnose(capsys, "--port", path, "--seconds", "300")

    assert status == 5
    assert f"{path}: the device is gone: plug the cable in again" in err
    assert "board 00000000000000a1" in out


def test_a_restart_midway_is_mentioned(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    weak = board("00000000000000a1", Cells([50_000, 60_000]), 2)

    def reset() -> None:
        with weak.stopped() as model:
            model.reset()

    once_measuring(monkeypatch, reset)
    with VirtualRig([weak]):
        status, out, _ = diagnose(capsys, "--port", weak.path, "--seconds", "1.5")
    assert status == 0
    assert "the board restarted (1) while it was measured; check its supply" in " ".join(out.split())


def test_a_port_that_the_agent_holds_is_said_to_be_held(capsys: pytest.CaptureFixture[str]) -> None:
    shared = board("00000000000000a1", Cells([50_000, 60_000]), 2)
    with VirtualRig([shared]):
        import serial  # noqa: PLC0415 - only this test plays the agent

        with serial.Serial(shared.path, exclusive=True):
            status, _, err = diagnose(capsys, "--port", shared.path, "--seconds", "0.8")
    assert status == 5
    assert f"{shared.path}: another program holds the port" in err
    assert "an agent that runs on this unit holds its ports: stop it first" in err


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/dev/ttyNOWHERE", "no such device"), ("/dev/null", "not a serial port: name a tty")],
)
def test_what_is_no_board_is_named_with_its_port(capsys: pytest.CaptureFixture[str], path: str, expected: str) -> None:
    status, out, err = diagnose(capsys, "--port", path)
    assert (status, out) == (5, "")
    assert err.startswith(f"edge-agent: {path}: {expected}")
    assert err.count("\n") == 1


def test_an_impossible_baud_rate_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = diagnose(capsys, "--port", "/dev/ttyNOWHERE", "--baud", "-5")
    assert status == 5
    assert "baud -5 is not within 1" in err


def test_a_terminal_on_which_nothing_speaks_ends_in_time() -> None:
    master, slave = os.openpty()
    try:
        path = os.ttyname(slave)
        (heard,) = listen([PortConfig(path)], 1.0, lambda _span, _rows: None, patience_s=0.2)
    finally:
        os.close(master)
        os.close(slave)
    assert heard.failure == f"{path}: no board within 1 s: check its power, firmware and baud rate"
    assert heard.rows() is None


def test_a_board_that_sends_too_slowly_is_named() -> None:
    slow = VirtualBoard(BoardModel(BoardSetup("00000000000000a1", channels=1, rate_hz=10.0), Cells([50_000])))
    with VirtualRig([slow]):
        (heard,) = listen([PortConfig(slow.path)], 5.0, lambda _span, _rows: None, patience_s=-3.5)
    assert heard.failure is not None
    assert "board 00000000000000a1 sent only" in heard.failure


@pytest.mark.parametrize("text", ["0", "-3", "nan", "inf", "soon", "90000"])
def test_seconds_must_be_seconds(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["board", "diagnose", "--seconds", text])
    assert ended.value.code == 2
    assert f"{text!r}: give seconds, above 0 up to 86400" in capsys.readouterr().err

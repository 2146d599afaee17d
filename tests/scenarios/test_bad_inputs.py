"""Everything that a person, a cable or a disk can do wrong: named at once, with its fix and a status; nothing is lost.

Every command is the real one, with real parts: pseudo-terminals, mosquitto, SQLite on a real file system. What goes
wrong while the unit sells is in test_bad_inputs_while_selling.py.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from bad_input_fixtures import Yesterday, await_that
from bad_input_table import note, note_stop
from bad_input_unit import FOREIGN_BOARD, LANES_BOARD, PLATFORM_BOARD, RUN, events_in, lay_out, ports_of
from command_line import Ended, Running, edge_agent
from mcap.writer import Writer
from real_mosquitto import free_port

from edge_agent.demo.virtual_shop import VirtualShop
from firmware_bridge.board_setup import BoardSetup, SteadySource
from firmware_bridge.frames import PROTOCOL_MAJOR
from firmware_bridge.virtual_board import BoardModel, VirtualBoard, VirtualRig

AMBIENT = "config/shelves/ambient-lanes.toml"

# --- configuration ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Slip:
    """One edit of one file, and what the agent says of it."""

    file: str
    old: str
    new: str
    status: int
    words: tuple[str, ...]


CHANNEL_5 = f'[[channels]]\nboard_uid = "{LANES_BOARD}"\nindex = 5'
CALIBRATION_5 = "[[channels]]\nindex = 5\nzero_counts = 47120\ncounts_per_g = 432.4\nnoise_g = 0.13\n"
LANES_CALIBRATION = f"calibration/{LANES_BOARD}.toml"
SLIPS = {
    "a channel has no calibration": Slip(
        LANES_CALIBRATION,
        CALIBRATION_5,
        "",
        4,
        (AMBIENT, "channels[5]", LANES_BOARD, "input 5", LANES_CALIBRATION, "calibrate it"),
    ),
    "the calibration is another board's": Slip(
        LANES_CALIBRATION,
        f'board_uid = "{LANES_BOARD}"',
        f'board_uid = "{FOREIGN_BOARD}"',
        4,
        (LANES_CALIBRATION, "board_uid", FOREIGN_BOARD, "calibrate this board"),
    ),
    "the planogram names an unknown SKU": Slip(
        "planogram.toml",
        'sku = "spaghetti-500"',
        'sku = "spagetti-500"',
        3,
        ("config/planogram.toml", "lanes[1].sku", "'spagetti-500'", "catalogue"),
    ),
    "an item weighs less than nothing": Slip(
        "catalogue.toml",
        "unit_weight_g = 507.0",
        "unit_weight_g = -507.0",
        3,
        ("config/catalogue.toml", "items[1].unit_weight_g = -507", "allowed"),
    ),
    "two lanes have one name": Slip(
        "planogram.toml", 'lane_id = "A2"', 'lane_id = "A1"', 3, ("config/planogram.toml", "lane_id", "A1", "twice")
    ),
    "a GTIN has a wrong check digit": Slip(
        "catalogue.toml",
        "2000010010028",
        "2000010010029",
        3,
        ("config/catalogue.toml", "items[1].gtin", "2000010010029", "check digit must be 8"),
    ),
    "a key is unknown": Slip(
        "store.toml",
        "keepalive_s = 20",
        "keepalive = 20",
        3,
        ("config/store.toml", "broker.keepalive", "unknown key", "'keepalive_s'"),
    ),
    "the TOML is broken": Slip(
        "planogram.toml", "revision = 1", "revision = = 1", 3, ("config/planogram.toml", "broken TOML", "line 4")
    ),
    "a named file is missing": Slip(
        "agent.toml",
        'catalogue = "catalogue.toml"',
        'catalogue = "katalogue.toml"',
        3,
        ("config/katalogue.toml", "config/agent.toml: catalogue", "no such file"),
    ),
}


@pytest.mark.parametrize("story", SLIPS)
def test_a_slip_in_a_file_is_named_before_anything_starts(story: str, tmp_path: Path) -> None:
    slip = SLIPS[story]
    unit = lay_out(tmp_path / "unit", broker_port=free_port())
    file = unit / "config" / slip.file
    assert file.read_text().count(slip.old) == 1
    file.write_text(file.read_text().replace(slip.old, slip.new))
    # The unit's state is elsewhere, so that the edited seed itself is what is in force.
    with Running(RUN, unit) as agent, Running("check --config config/agent.toml", unit) as check:
        refused, checked = agent.ended(), check.ended()
    note(story, refused)
    refused.assert_refused(slip.status, *slip.words)
    assert checked.status == slip.status
    assert "Traceback" not in checked.err
    assert not (unit / "state" / "outbox.db").exists(), "an agent that must not start has made no outbox"


# --- boards at the start ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is at both of a unit's ports, which command finds it, and what that says."""

    plug: Callable[[Path, str, contextlib.ExitStack], None]
    words: tuple[str, ...]
    command: str = RUN


def _nothing(_port: Path, _uid: str, _ending: contextlib.ExitStack) -> None:
    """The cable is not plugged in."""


def _silent_device(port: Path, _uid: str, ending: contextlib.ExitStack) -> None:
    ends = os.openpty()
    for end in ends:
        ending.callback(os.close, end)
    port.symlink_to(os.ttyname(ends[1]))


def _dev_null(port: Path, _uid: str, _ending: contextlib.ExitStack) -> None:
    port.symlink_to("/dev/null")


def _regular_file(port: Path, _uid: str, _ending: contextlib.ExitStack) -> None:
    port.write_bytes(b"shopping list: oats, butter\n")


def _virtual(port: Path, setup: BoardSetup, ending: contextlib.ExitStack, *, corruption: float = 0.0) -> None:
    board = VirtualBoard(BoardModel(setup, SteadySource([0] * setup.channels)), port)
    board.model.faults.byte_corruption = corruption
    ending.enter_context(VirtualRig([board]))


def _garbage(port: Path, uid: str, ending: contextlib.ExitStack) -> None:
    _virtual(port, BoardSetup(uid), ending, corruption=1.0)


def _newer_firmware(port: Path, uid: str, ending: contextlib.ExitStack) -> None:
    _virtual(port, BoardSetup(uid, protocol=(PROTOCOL_MAJOR + 1, 0)), ending)


def _foreign_board(port: Path, uid: str, ending: contextlib.ExitStack) -> None:
    _virtual(port, BoardSetup(FOREIGN_BOARD if uid == LANES_BOARD else "8c1f64a0e20700fe"), ending)


RECORD = "lab record --config config/agent.toml --output session.mcap"
DIAGNOSE = f"board diagnose --port serial/usb-shelf_cell_board_{LANES_BOARD}-if00 --seconds 1"
PORT = f"serial/usb-shelf_cell_board_{LANES_BOARD}-if00"
WRONG = {
    "no board is plugged in": Wrong(_nothing, (LANES_BOARD, PLATFORM_BOARD, PORT, "no such device: check the cable")),
    "a device that never answers": Wrong(_silent_device, (PORT, "nothing received", "check the board's power")),
    "the port is /dev/null": Wrong(_dev_null, (PORT, "not a serial port: name a tty")),
    "the port is a regular file": Wrong(_regular_file, (PORT, "not a serial port: name a tty")),
    "a device that sends garbage": Wrong(_garbage, (PORT, "no valid frame", "not at 115200 baud")),
    "a board of a newer protocol": Wrong(_newer_firmware, ("serial/usb-", f"{PROTOCOL_MAJOR + 1}", "flash matching")),
    "another board in the socket": Wrong(_foreign_board, ("8c1f64a0e20700f", "is expected", "plug the right board in")),
    "recording without a board": Wrong(_nothing, (LANES_BOARD, PORT, "check the cable"), RECORD),
    "recording another board": Wrong(
        _foreign_board, ("8c1f64a0e20700f", "is expected", "plug the right board in"), RECORD
    ),
    "diagnosing a device that never answers": Wrong(_silent_device, (PORT, "check the board's power"), DIAGNOSE),
}


@pytest.fixture(scope="module")
def started_wrong(
    yesterday: Yesterday, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], tuple[Ended, Path]]]:
    """Every command with wrong boards, all of them patient at the same time."""
    with contextlib.ExitStack() as ending:
        running = {}
        for number, (story, wrong) in enumerate(WRONG.items()):
            unit = lay_out(
                tmp_path_factory.mktemp(f"wrong{number}") / "unit", broker_port=free_port(), state=yesterday.state
            )
            for port, uid in zip(ports_of(unit), (LANES_BOARD, PLATFORM_BOARD), strict=True):
                wrong.plug(port, uid, ending)
            running[story] = ending.enter_context(Running(wrong.command, unit)), unit
        yield lambda story: (running[story][0].ended(), running[story][1])


@pytest.mark.parametrize("story", WRONG)
def test_a_wrong_board_stops_the_start_and_is_named(
    story: str, started_wrong: Callable[[str], tuple[Ended, Path]]
) -> None:
    refused, unit = started_wrong(story)
    note(story, refused)
    refused.assert_refused(5, *WRONG[story].words)
    assert events_in(unit / "state") == [1], "yesterday's event still waits"


# --- recordings -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recording(shop: VirtualShop, unit: Path) -> tuple[Path, Ended]:
    """A session of a few seconds, ended by Ctrl-C."""
    del shop  # its boards are what is recorded
    with Running(RECORD, unit) as recorder:
        recorder.awaits("recording to")
        await_that((unit / "session.mcap").exists, "the recording")
        time.sleep(2.0)  # rows to cut through
        stopped = recorder.presses_ctrl_c()
    return unit / "session.mcap", stopped


def _truncated(whole: bytes) -> bytes:
    return whole[: len(whole) * 2 // 3]


def _damaged(whole: bytes) -> bytes:
    middle = len(whole) // 2
    return whole[:middle] + bytes(octet ^ 0xFF for octet in whole[middle : middle + 64]) + whole[middle + 64 :]


def _no_mcap(_whole: bytes) -> bytes:
    return b"ts,c0,c1\n0.0,1,2\n" * 50


SPOILT: dict[str, tuple[Callable[[bytes], bytes], tuple[str, ...]]] = {
    "a recording cut short": (_truncated, ("ends or breaks in the middle", "messages are whole", "--partial")),
    "a recording damaged in the middle": (_damaged, ("ends or breaks in the middle", "--partial")),
    "a file that is no MCAP": (_no_mcap, ("is no MCAP recording",)),
}


@pytest.mark.parametrize("story", SPOILT)
def test_a_spoilt_recording_is_refused(story: str, recording: tuple[Path, Ended], tmp_path: Path) -> None:
    spoil, words = SPOILT[story]
    (tmp_path / "spoilt.mcap").write_bytes(spoil(recording[0].read_bytes()))
    with (
        Running("lab replay spoilt.mcap", tmp_path) as strict,
        Running("lab replay spoilt.mcap --partial", tmp_path) as lenient,
    ):
        refused, partial = strict.ended(), lenient.ended()
    note(story, refused)
    refused.assert_refused(9, "spoilt.mcap", *words)
    if "--partial" in words:
        assert partial.status == 0, partial
        assert "recording cut short" in partial.out
    else:
        partial.assert_refused(9, *words)


def test_a_foreign_recording_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "rosbag.mcap").open("wb") as stream:
        writer = Writer(stream)
        writer.start(profile="ros2", library="another program")
        schema = writer.register_schema("sensor_msgs/Imu", "jsonschema", b"{}")
        channel = writer.register_channel("/imu", "json", schema)
        writer.add_message(channel, log_time=1, publish_time=1, data=b"{}")
        writer.finish()  # type: ignore[no-untyped-call]
    refused = edge_agent("lab replay rosbag.mcap", tmp_path)
    note("another program's MCAP", refused)
    refused.assert_refused(9, "rosbag.mcap", "another program")


def test_a_recording_is_never_overwritten(recording: tuple[Path, Ended], unit: Path) -> None:
    before = recording[0].read_bytes()
    refused = edge_agent(RECORD, unit)
    note("the recording exists already", refused)
    refused.assert_refused(9, "session.mcap", "exists already", "name another")
    assert recording[0].read_bytes() == before


def test_a_recording_is_whole_after_ctrl_c_and_after_sigterm(
    recording: tuple[Path, Ended], unit: Path, tmp_path: Path
) -> None:
    whole, stopped = recording
    with Running(RECORD.replace("session", "second"), unit) as recorder:
        recorder.awaits("recording to")
        await_that((unit / "second.mcap").exists, "the second recording")
        terminated = recorder.told(signal.SIGTERM)
    for story, ended in (("Ctrl-C at lab record", stopped), ("SIGTERM to lab record", terminated)):
        note_stop(story, ended)
        ended.assert_stopped()
    (tmp_path / "whole.mcap").write_bytes(whole.read_bytes())
    assert edge_agent("lab replay whole.mcap --verify", tmp_path).status == 0

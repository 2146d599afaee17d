"""A command to a board that does not answer or goes: why, and what to do."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from edge_agent.adapters.connected_board import ConnectedBoard, NoBoardError
from edge_agent.errors import BoardError
from firmware_bridge.errors import NoSuchBoardError
from firmware_bridge.events import BoardDown, DownReason
from firmware_bridge.frames import Ack, CommandKind
from firmware_bridge.port import PortConfig
from firmware_bridge.virtual_board import BoardModel, BoardSetup, SteadySource, VirtualBoard, VirtualRig

UID = "28a50000000000a1"
HANG_S = 20.0


@pytest.fixture
def one() -> Iterator[VirtualBoard]:
    with VirtualRig([VirtualBoard(BoardModel(BoardSetup(UID), SteadySource([0] * 4)))]) as rig:
        yield rig.boards[0]


def until(where: Callable[[], bool]) -> None:
    deadline = time.monotonic() + HANG_S
    while not where():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_deaf_board_and_a_cable_pulled_under_a_command_end_it_with_what_to_do(one: VirtualBoard) -> None:
    with ConnectedBoard(PortConfig(one.path)) as connected:
        with one.stopped() as model:
            model.faults.deaf = True
        with pytest.raises(BoardError, match="no answer to STATS: check the cable"):
            connected.ask(CommandKind.STATS, timeout_s=0.2)
        threading.Timer(0.1, one.unplug).start()
        with pytest.raises(NoBoardError, match="plug the cable in again; STATS was under way") as pulled:
            connected.ask(CommandKind.STATS, timeout_s=HANG_S)
        assert str(pulled.value).startswith(f"{one.path}: ")
        assert pulled.value.reason is DownReason.UNPLUGGED


def test_a_command_to_a_board_that_went_before_says_how_it_went(one: VirtualBoard) -> None:
    with ConnectedBoard(PortConfig(one.path)) as connected:
        one.unplug()
        until(lambda: connected.status.board_uid is None)
        with pytest.raises(NoBoardError, match="plug the cable in again"):
            connected.ask(CommandKind.STATS)
        connected._running.stop()
        with pytest.raises(BoardError, match="went away while STATS was under way"):
            connected.ask(CommandKind.STATS)


def test_a_command_to_a_board_that_is_starting_over_says_so(one: VirtualBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> Ack:
        raise NoSuchBoardError(f"no board {UID} on any port; identified: none")

    with ConnectedBoard(PortConfig(one.path)) as connected:
        # The moment between a restart and its HELLO is too short to be met by real bytes.
        connected._events.put(BoardDown(0, one.path, UID, DownReason.RESET, f"{one.path}: the board restarted"))
        monkeypatch.setattr(connected._running, "command", unknown)
        with pytest.raises(BoardError, match="the board restarted; STATS was under way: try again"):
            connected.ask(CommandKind.STATS)

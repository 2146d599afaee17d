"""A camera process from the agent's side, with real processes: whatever befalls one is told, and nothing hangs."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from stand_in_camera import COMMAND

from edge_agent.camera_process.supervisor import CameraSupervisor
from edge_agent.camera_process.words import Setup
from edge_agent.config import CameraConfig
from edge_agent.model import CameraCondition, CameraProgress, Message

DEADLINE_S = 30.0
"""Only ends a test that has failed."""


class Inbox:
    """Keeps what the cameras say."""

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self._changed = threading.Condition()

    def deliver(self, message: Message) -> None:
        with self._changed:
            self.heard.append(message)
            self._changed.notify_all()

    def wait_for(self, where: Callable[[Message], bool], *, after: int = 0) -> Message:
        with self._changed:
            assert self._changed.wait_for(lambda: any(map(where, self.heard[after:])), DEADLINE_S), self.heard
            return next(each for each in self.heard[after:] if where(each))


def setup_of(source: str, state_dir: Path, camera_id: str = "camera0") -> Setup:
    camera = CameraConfig(shelf_id="s1", driver="simulated", camera_id=camera_id, source=source, rate_hz=30.0)
    return Setup(camera, (), 1000.0, str(state_dir))


@contextmanager
def watched(*setups: Setup) -> Iterator[tuple[CameraSupervisor, Inbox]]:
    inbox, cameras = Inbox(), CameraSupervisor(setups, command=COMMAND)
    cameras.start(inbox.deliver)
    try:
        yield cameras, inbox
    finally:
        began_s = time.monotonic()
        cameras.stop()
        took_s = time.monotonic() - began_s
        assert took_s < 5.0, "stopping waits for no driver"
    for pid in pids(cameras):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def pids(cameras: CameraSupervisor) -> list[int]:
    return [seat.child.process.pid for seat in cameras._seats if seat.child is not None]


def is_down(message: Message) -> bool:
    return isinstance(message, CameraCondition) and message.code == "camera_down" and message.raised


def is_up(message: Message) -> bool:
    return isinstance(message, CameraCondition) and message.code == "camera_down" and not message.raised


def is_progress(message: Message) -> bool:
    return isinstance(message, CameraProgress)


def told(message: Message) -> str:
    assert isinstance(message, CameraCondition)
    return message.detail


def test_what_a_camera_sees_reaches_the_inbox(tmp_path: Path) -> None:
    with watched(setup_of("steady", tmp_path)) as (cameras, inbox):
        inbox.wait_for(is_progress)
        assert not any(map(is_down, inbox.heard))
        assert cameras.counters()["camera:camera0:restarts"] == 0


def test_a_killed_camera_is_told_started_again_and_cleared(tmp_path: Path) -> None:
    with watched(setup_of("steady", tmp_path)) as (cameras, inbox):
        inbox.wait_for(is_progress)
        os.kill(pids(cameras)[0], signal.SIGKILL)
        down = inbox.wait_for(is_down)
        assert told(down) == "camera0: its process was killed by SIGKILL; selling goes on by weight alone"
        place = inbox.heard.index(down)
        inbox.wait_for(is_up, after=place)
        inbox.wait_for(is_progress, after=place)
        assert cameras.counters()["camera:camera0:restarts"] == 1


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("absent", "camera absent not found; set driver = 'none' to run by weight alone"),
        ("unplugged", "camera0: unplugged; plug it in again"),
        ("crashes", "killed by SIGSEGV"),
        ("babbles", "said what is no word"),
        ("film", "film: seen to its end"),
    ],
)
def test_why_a_camera_is_gone_is_said_in_its_own_last_words(tmp_path: Path, source: str, reason: str) -> None:
    with watched(setup_of(source, tmp_path)) as (_, inbox):
        assert reason in told(inbox.wait_for(is_down))


def test_a_camera_that_nobody_commissioned_says_how_to(tmp_path: Path) -> None:
    with watched(setup_of("uncommissioned", tmp_path)) as (_, inbox):
        said = inbox.wait_for(lambda each: isinstance(each, CameraCondition))
        assert isinstance(said, CameraCondition)
        assert said.code == "camera_uncommissioned"
        assert "edge-agent camera commission" in said.detail


def test_a_library_that_prints_disturbs_no_word(tmp_path: Path) -> None:
    with watched(setup_of("noisy", tmp_path)) as (_, inbox):
        inbox.wait_for(is_progress)
        assert not any(map(is_down, inbox.heard))


def test_one_camera_hangs_and_the_other_goes_on(tmp_path: Path) -> None:
    with watched(setup_of("hangs", tmp_path), setup_of("steady", tmp_path, "camera1")) as (_, inbox):
        down = inbox.wait_for(lambda each: is_down(each) and "its process hung" in told(each))
        inbox.wait_for(is_progress, after=inbox.heard.index(down))


@pytest.mark.parametrize("source", ["hangs", "stuck", "steady", "absent", "dark"])
def test_stopping_leaves_no_process_behind_whatever_the_driver_is_at(tmp_path: Path, source: str) -> None:
    inbox, cameras = Inbox(), CameraSupervisor([setup_of(source, tmp_path)], command=COMMAND)
    cameras.start(inbox.deliver)
    inbox.wait_for(is_down if source == "absent" else lambda _: True)
    children = [seat.child.process for seat in cameras._seats if seat.child is not None]
    cameras.stop()
    assert all(child.returncode is not None for child in children), "reaped: no zombie either"
    if source == "steady":
        assert [child.returncode for child in children] == [0], "its driver was released in order"


def test_a_camera_stopped_dead_by_a_signal_is_killed_when_the_agent_stops(tmp_path: Path) -> None:
    with watched(setup_of("steady", tmp_path)) as (cameras, inbox):
        inbox.wait_for(is_progress)
        child = cameras._seats[0].child
        assert child is not None
        os.kill(child.process.pid, signal.SIGSTOP)
    assert child.process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("source", ["steady", "hangs"])
def test_a_killed_agent_leaves_no_camera_behind(tmp_path: Path, source: str) -> None:
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, __file__, source, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=surroundings) as agent:
        assert agent.stdout is not None
        pid = int(agent.stdout.readline())
        agent.kill()
    until_s = time.monotonic() + DEADLINE_S
    while Path(f"/proc/{pid}").exists() and "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text():
        assert time.monotonic() < until_s, "the camera's process lives on without its agent"
        time.sleep(0.02)


def test_an_inbox_that_takes_nothing_holds_up_neither_the_cameras_nor_the_stop(tmp_path: Path) -> None:
    full, cameras = threading.Event(), CameraSupervisor([setup_of("steady", tmp_path)], command=COMMAND)
    reached = threading.Event()

    def never(_message: Message) -> None:
        reached.set()
        full.wait()

    cameras.start(never)
    assert reached.wait(DEADLINE_S)
    os.kill(pids(cameras)[0], signal.SIGKILL)
    until_s = time.monotonic() + DEADLINE_S
    while cameras.counters()["camera:camera0:restarts"] < 1:  # tended to although nobody takes its words
        assert time.monotonic() < until_s
        time.sleep(0.02)
    cameras.stop()
    full.set()


def an_agent(source: str, state_dir: Path) -> None:
    """Run as an agent of its own: start a camera, tell its process's number once it sees, and wait to be killed."""
    inbox, cameras = Inbox(), CameraSupervisor([setup_of(source, state_dir)], command=COMMAND)
    cameras.start(inbox.deliver)
    inbox.wait_for(is_progress)
    print(pids(cameras)[0], flush=True)
    signal.pause()


if __name__ == "__main__":
    an_agent(sys.argv[1], Path(sys.argv[2]))

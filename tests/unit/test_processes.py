"""Processes that share a match: whatever ends the command ends them with it, and nobody waits."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_agent.errors import EdgeAgentError
from edge_agent.processes import worker_pool

SCORE = [sys.executable, "-m", "edge_agent.cli", "lab", "score", "--suite", "distinct", "--hardware", "platform"]
LEVELS = {"ideal": ["--acts", "200000"], "bytes": ["--level", "bytes", "--acts", "5000"]}
SOON_S = 10.0


def workers_of(parent: int) -> set[int]:
    """Return the worker processes that a command has started."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes()
            after_name = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after_name[1]) == parent and b"spawn_main" in words:
            found.add(int(entry.name))
    return found


def alive(worker: int) -> bool:
    try:
        return Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def comes_true(condition: Callable[[], bool], within_s: float = SOON_S) -> bool:
    until = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def playing(level: str) -> Iterator[tuple[subprocess.Popen[str], set[int]]]:
    """Start a long match that two processes share; a terminal would make the command a process group of its own."""
    with subprocess.Popen(
        [*SCORE, *LEVELS[level], "--jobs", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as command:
        try:
            assert comes_true(lambda: len(workers_of(command.pid)) == 2, 60.0), "two workers start"
            yield command, workers_of(command.pid)
        finally:
            if command.poll() is None:
                command.kill()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)])
def test_no_worker_outlives_the_command(level: str, number: signal.Signals, status: int) -> None:
    with playing(level) as (command, workers):
        command.send_signal(number)
        assert command.wait(SOON_S) == status
        assert comes_true(lambda: not any(map(alive, workers)))


@pytest.mark.parametrize("presses", [1, 3])
def test_control_c_ends_the_command_and_its_workers_however_often_it_is_pressed(presses: int) -> None:
    with playing("ideal") as (command, workers):
        for _ in range(presses):
            os.killpg(command.pid, signal.SIGINT)  # a terminal sends it to every process of the group
        assert command.wait(SOON_S) in {130, -signal.SIGINT}, "a shell shows 130 for both"
        assert comes_true(lambda: not any(map(alive, workers)))
        assert command.stderr is not None
        assert command.stderr.read() == "", "no worker complains"


def test_a_worker_that_the_kernel_killed_is_an_error_in_words() -> None:
    with pytest.raises(EdgeAgentError, match=r"a worker process was killed, .* fewer --jobs"), worker_pool(2) as pool:
        list(pool.map(os._exit, [9, 9]))


def test_what_workers_return_comes_in_order_and_they_are_gone_after() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with worker_pool(2) as pool:
        assert list(pool.map(abs, range(-5, 0))) == [5, 4, 3, 2, 1]
        workers = workers_of(os.getpid())
    assert workers
    assert not any(map(alive, workers))
    assert signal.getsignal(signal.SIGTERM) is before, "what stood before stands again"

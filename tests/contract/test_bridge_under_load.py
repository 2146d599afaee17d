"""Healthy boards on real pseudo-terminals while the host is overloaded: nothing may be said against them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np

from firmware_bridge.events import BoardDown, BoardUp, Event, SampleBlock
from firmware_bridge.frames import ResetCause
from firmware_bridge.link import BoardLink
from firmware_bridge.port import PortConfig
from firmware_bridge.virtual_board import BoardModel, BoardSetup, SteadySource, VirtualBoard, VirtualRig

UIDS = ("28a50000000000a1", "28a50000000000b2")
HOGS = 4


class SlowConsumer:
    """Takes the link's events, and now and then takes its time over one."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._hold_s = 0.0
        self._holds = threading.Event()
        self._released = threading.Event()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        hold_s, self._hold_s = self._hold_s, 0.0
        if hold_s:
            self._holds.set()
            time.sleep(hold_s)
            self._released.set()

    @contextmanager
    def holding(self, hold_s: float) -> Iterator[None]:
        """Keep the link's thread from anything else for a time."""
        self._holds.clear()
        self._released.clear()
        self._hold_s = hold_s
        assert self._holds.wait(5)
        yield
        assert self._released.wait(hold_s + 5)

    def wait_for(self, kind: type[Event], number: int) -> None:
        deadline = time.monotonic() + 5
        while sum(isinstance(event, kind) for event in list(self.events)) < number:
            assert time.monotonic() < deadline, f"fewer than {number} {kind.__name__} within 5 s"
            time.sleep(0.01)


@contextmanager
def overloaded() -> Iterator[None]:
    """More processes that never rest than the machine has cores."""
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(HOGS)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
        for hog in hogs:
            hog.wait()


def test_a_healthy_board_is_never_called_down_on_an_overloaded_host_and_a_real_reset_still_is() -> None:
    boards = [
        VirtualBoard(BoardModel(BoardSetup(uid, ppm=80.0 * at), SteadySource([0] * 4))) for at, uid in enumerate(UIDS)
    ]
    consumer = SlowConsumer()
    with overloaded(), VirtualRig(boards):
        link = BoardLink([PortConfig(board.path) for board in boards], consumer)
        link.start()
        try:
            consumer.wait_for(SampleBlock, 40)
            with consumer.holding(1.3):
                pass
            with boards[0].stopped():
                time.sleep(0.4)
            with consumer.holding(1.6), ExitStack() as held:
                for board in boards:
                    held.enter_context(board.stopped())
                time.sleep(1.4)
            consumer.wait_for(SampleBlock, sum(isinstance(event, SampleBlock) for event in consumer.events) + 160)
            healthy = list(consumer.events)
            with boards[0].stopped() as model:
                model.reset(ResetCause.WATCHDOG)
            consumer.wait_for(BoardDown, 1)
            consumer.wait_for(BoardUp, 3)
        finally:
            link.stop()
    assert not [event for event in healthy if isinstance(event, BoardDown)]
    for board in boards:
        uid = board.model.setup.board_uid
        blocks = [event for event in healthy if isinstance(event, SampleBlock) and event.board_uid == uid]
        indices = [block.first_index for block in blocks]
        assert indices == list(range(indices[0], indices[0] + len(indices)))
        t_ns = np.array([block.t_ns[0] for block in blocks])
        assert np.all(np.diff(t_ns) > 0)
        period_s = 1 / board.model.setup.rate_hz / (1 + board.model.setup.ppm * 1e-6)
        true_ns = board.epoch_ns + (np.array(indices) + 1) * period_s * 1e9
        # A burst of the clock on a machine with no time to spare is some milliseconds worse than at rest.
        assert np.max(np.abs(t_ns - true_ns)) < 15e6

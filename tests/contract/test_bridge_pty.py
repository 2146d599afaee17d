"""The link against boards behind real pseudo-terminals: what a technician does to cables and boards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from firmware_bridge.board_session import LinkTiming
from firmware_bridge.events import BoardDown, Event, SampleBlock
from firmware_bridge.link import BoardLink
from firmware_bridge.port import PortConfig
from firmware_bridge.virtual_board import BoardModel, BoardSetup, VirtualBoard, VirtualRig

UID = "28a50000000000a1"
DEADLINE_S = 5.0
FAST = LinkTiming(identify_timeout_s=0.4, silent_floor_s=0.3, query_timeout_s=0.1, backoff_first_s=0.02)

E = TypeVar("E", bound=Event)


class Watcher:
    """Collects the link's events; waits for one with a deadline instead of sleeping."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in list(self.events) if isinstance(event, kind)]

    def wait(self, kind: type[E], where: Callable[[E], bool] = lambda _: True, *, after: int = 0) -> E:
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            for event in self.events[after:]:
                if isinstance(event, kind) and where(event):
                    return event
            time.sleep(0.002)
        raise AssertionError(f"no {kind.__name__} within {DEADLINE_S} s; seen: {self.of(BoardDown)}")

    def rows(self, n: int, *, after: int = 0) -> list[SampleBlock]:
        """Blocks once at least n rows have arrived."""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            blocks = [event for event in self.events[after:] if isinstance(event, SampleBlock)]
            if sum(len(block.t_ns) for block in blocks) >= n:
                return blocks
            time.sleep(0.002)
        raise AssertionError(f"fewer than {n} rows within {DEADLINE_S} s; seen: {self.of(BoardDown)}")


class FullRange:
    """Counts that walk over the whole 24-bit range, both rails included."""

    STEP = 99_991

    def counts(self, sample_index: int, t_s: float) -> npt.NDArray[np.int64]:  # noqa: ARG002
        return self.row(sample_index)

    @classmethod
    def row(cls, index: int) -> npt.NDArray[np.int64]:
        walk = (index * cls.STEP) % (1 << 24) - (1 << 23)
        return np.array([walk, -walk - 1, 8_388_607 if index % 2 else -8_388_608, -1])


def board(link_path: Path | None = None, uid: str = UID, rate_hz: float = 400.0) -> VirtualBoard:
    return VirtualBoard(BoardModel(BoardSetup(uid, rate_hz=rate_hz), FullRange()), link_path)


@contextmanager
def linked(*ports: PortConfig) -> Iterator[tuple[BoardLink, Watcher]]:
    watcher = Watcher()
    link = BoardLink(ports, watcher, timing=FAST)
    link.start()
    try:
        yield link, watcher
    finally:
        link.stop()


def test_every_count_arrives_exactly_and_the_first_within_600_ms_of_opening() -> None:
    with VirtualRig([board()]) as rig:
        opened_ns = time.monotonic_ns()
        with linked(PortConfig(rig.boards[0].path)) as (_, watcher):
            first = watcher.wait(SampleBlock)
            assert time.monotonic_ns() - opened_ns < 600_000_000
            blocks = watcher.rows(500)
    index = first.first_index
    for block in blocks:
        assert block.lost == 0
        assert block.first_index == index
        for row in block.counts:
            assert row.tolist() == FullRange.row(index).tolist()
            index += 1
    t_ns = np.concatenate([block.t_ns for block in blocks])
    assert np.all(np.diff(t_ns) > 0)

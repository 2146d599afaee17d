"""The host's side of a rig test: the unmodified bridge, what it reported, and waiting for what it will."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from firmware_bridge.events import BoardDown, Event, SampleBlock
from firmware_bridge.link import BoardLink
from firmware_bridge.link_timing import LinkTiming
from firmware_bridge.port import PortConfig

DEADLINE_S: Final = 20.0
"""Only ends a test that has failed; a busy machine may need more than the board does."""

E = TypeVar("E", bound=Event)


class Host:
    """Collects the link's events and wakes whoever waits for one."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changed = threading.Condition()

    def __call__(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def mark(self) -> int:
        """Give the place of the next event, for `after`."""
        return len(self.events)

    def of(self, kind: type[E], *, after: int = 0) -> list[E]:
        return [event for event in self.events[after:] if isinstance(event, kind)]

    def wait(self, kind: type[E], where: Callable[[E], bool] = lambda _: True, *, after: int = 0) -> E:
        """Give the first such event, come or to come."""
        until_s = time.monotonic() + DEADLINE_S
        seen = after
        with self._changed:
            while True:
                for event in self.events[seen:]:
                    if isinstance(event, kind) and where(event):
                        return event
                seen = len(self.events)
                if not self._changed.wait(max(0.0, until_s - time.monotonic())):
                    raise AssertionError(f"no {kind.__name__} within {DEADLINE_S} s; downs: {self.of(BoardDown)}")

    def rows(self, n: int, *, after: int = 0) -> list[SampleBlock]:
        """Give the blocks once at least n rows have come."""
        until_s = time.monotonic() + DEADLINE_S
        with self._changed:
            while True:
                blocks = self.of(SampleBlock, after=after)
                if sum(len(block.t_ns) for block in blocks) >= n:
                    return blocks
                if not self._changed.wait(max(0.0, until_s - time.monotonic())):
                    raise AssertionError(f"fewer than {n} rows within {DEADLINE_S} s; downs: {self.of(BoardDown)}")


@contextmanager
def linked(*ports: PortConfig, timing: LinkTiming | None = None) -> Iterator[tuple[BoardLink, Host]]:
    """Have the bridge run over these ports."""
    host = Host()
    link = BoardLink(ports, host, timing=timing)
    link.start()
    try:
        yield link, host
    finally:
        link.stop()


def stacked(blocks: list[SampleBlock]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Counts and flags of all rows, shape (rows, channels)."""
    counts = np.concatenate([block.counts for block in blocks]).astype(np.int64)
    flags = np.concatenate([block.flags for block in blocks]).astype(np.int64)
    return counts, flags

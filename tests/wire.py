"""A host so plain that it hides nothing: a terminal, the codec, and no bridge in between."""

from __future__ import annotations

import os
import select
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from firmware_bridge.decoder import FrameDecoder, Rejected
from firmware_bridge.frames import Ack, Command, Frame, Samples, encode

DEADLINE_S: Final = 20.0
"""Only ends a test that has failed."""

F = TypeVar("F", bound=Frame)


class Wire:
    """An open terminal with a board on it; keeps every frame and rejection in the order of their coming."""

    def __init__(self, fd: int) -> None:
        self.heard: list[Frame | Rejected] = []
        self._fd = fd
        self._decoder = FrameDecoder()
        self._request_id = 40

    def say(self, octets: bytes) -> None:
        os.write(self._fd, octets)

    def ask(self, kind: int, payload: bytes = b"") -> Ack:
        """Send a command and give its answer."""
        self._request_id = (self._request_id + 1) % 256
        mine = self._request_id
        start = len(self.heard)
        self.say(encode(Command(mine, kind, payload)))
        return self.next(Ack, lambda ack: ack.request_id == mine, after=start)

    def next(self, kind: type[F], where: Callable[[F], bool] = lambda _: True, *, after: int | None = None) -> F:
        """Give the first such frame from a place in `heard` on, by default of those to come."""
        at = len(self.heard) if after is None else after
        until_s = time.monotonic() + DEADLINE_S
        while True:
            while at < len(self.heard):
                frame = self.heard[at]
                at += 1
                if isinstance(frame, kind) and where(frame):
                    return frame
            if not self._listen(until_s):
                tail = [type(frame).__name__ for frame in self.heard[-5:]]
                raise AssertionError(f"no {kind.__name__} within {DEADLINE_S} s; last heard: {tail}")

    def rows(self, count: int) -> list[Samples]:
        """Give the next frames of samples that hold so many rows."""
        start, frames = len(self.heard), list[Samples]()
        while sum(frame.counts.shape[0] for frame in frames) < count:
            frames.append(self.next(Samples, after=start))
            start = self._after(frames[-1], start)
        return frames

    def _after(self, frame: Frame, start: int) -> int:
        return next(at for at in range(start, len(self.heard)) if self.heard[at] is frame) + 1

    def hear_all(self) -> None:
        """Hear what has come so far: for a board whose time stands still."""
        while self._listen(0.0):
            pass

    def _listen(self, until_s: float) -> bool:
        ready, _, _ = select.select([self._fd], [], [], max(0.0, until_s - time.monotonic()))
        if ready:
            self.heard += self._decoder.feed(os.read(self._fd, 4096))
        return bool(ready)


@contextmanager
def wired(path: str) -> Iterator[Wire]:
    """Open a board's terminal."""
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        tty.setraw(fd)
        settings = termios.tcgetattr(fd)
        settings[4] = settings[5] = termios.B115200
        termios.tcsetattr(fd, termios.TCSANOW, settings)
        yield Wire(fd)
    finally:
        os.close(fd)

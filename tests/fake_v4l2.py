"""A kernel's video device beneath the real linuxpy: its ioctls answered, its buffers mapped, its errors raised.

Time is the clock's that it is given: waiting for a frame moves the clock.
"""

from __future__ import annotations

import errno
import mmap
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from linuxpy.video import device as linuxpy_video
from linuxpy.video import raw

from edge_agent.clock import ManualClock

PATH = "/dev/video7"
MONOTONIC = 0x2000


def fourcc(name: str) -> int:
    """Return a pixel format's number."""
    return int(raw.v4l2_fourcc(*name))


@dataclass
class FakeV4l2:
    """One device: which formats it has, and what befalls it."""

    clock: ManualClock
    formats: dict[str, tuple[tuple[int, int, int], ...]] = field(
        default_factory=lambda: {"YUYV": ((1280, 960, 30), (640, 480, 30)), "MJPG": ((1280, 960, 30),)}
    )
    slowest_hz: int = 1
    stalled: bool = False
    mended_by_start: bool = False
    gone: bool = False
    flags: int = MONOTONIC
    damaged: frozenset[int] = frozenset()
    padding: int = 0
    streaming: bool = False
    rate_hz: float = 30.0
    size: tuple[int, int] = (640, 480)
    pixels: str = "YUYV"
    starts: int = 0
    sequence: int = 0
    next_ns: int = 0
    queued: list[int] = field(default_factory=list)
    maps: list[mmap.mmap] = field(default_factory=list)
    owner: object = None

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Answer linuxpy in the kernel's place."""
        patch.setattr(linuxpy_video, "ioctl", self.ioctl)
        patch.setattr(linuxpy_video, "mem_map", lambda _fd, _length, offset: self.maps[offset])

    @property
    def io(self) -> Any:
        """Return how linuxpy opens the device."""
        return SimpleNamespace(open=self._open, os=None, select=None)

    def wait(self, _device: object, timeout_s: float) -> bool:
        """Stand in for `select`: move the clock to the next frame, or to the wait's end."""
        if self.gone:
            return True
        if not self.stalled and self.streaming and self.queued:
            ahead_s = (self.next_ns - self.clock.now_ns) / 1e9
            if ahead_s <= timeout_s:
                self.clock.advance(max(0.0, ahead_s))
                return True
        self.clock.advance(timeout_s)
        return False

    def ioctl(self, fd: Any, request: Any, argument: Any = None) -> Any:
        """Answer one request of linuxpy's."""
        if self.gone:
            raise OSError(errno.ENODEV, "No such device")
        answer = getattr(self, f"_{raw.IOC(request).name.lower()}", None)
        if answer is None:
            raise OSError(errno.ENOTTY, f"Inappropriate ioctl for device: {request}")
        answer(argument, fd)
        return argument

    def _open(self, path: Any, *_: object, **__: object) -> Any:
        if str(path) != PATH or self.gone:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(path))
        file = SimpleNamespace(closed=False, fileno=lambda: -1)

        def close() -> None:
            file.closed = True
            if self.owner is file:
                self.owner, self.streaming = None, False

        file.close = close
        return file

    def _querycap(self, answer: Any, _fd: object) -> None:
        answer.driver, answer.card = b"uvcvideo", b"Shelf Cam"
        answer.capabilities = answer.device_caps = 0x0400_0001  # streaming, video capture

    def _enum_fmt(self, answer: Any, _fd: object) -> None:
        if answer.index >= len(self.formats):
            raise OSError(errno.EINVAL, "Invalid argument")
        answer.pixelformat = fourcc(list(self.formats)[answer.index])
        answer.description, answer.flags = b"", 0

    def _enum_framesizes(self, answer: Any, _fd: object) -> None:
        sizes = self._sizes(answer.pixel_format)
        if answer.index >= len(sizes):
            raise OSError(errno.EINVAL, "Invalid argument")
        answer.type = linuxpy_video.FrameSizeType.DISCRETE
        answer.m1.discrete.width, answer.m1.discrete.height = sizes[answer.index][:2]

    def _enum_frameintervals(self, answer: Any, _fd: object) -> None:
        rates = [rate for width, height, rate in self._sizes(answer.pixel_format) if width == answer.width]
        if answer.index >= len(rates):
            raise OSError(errno.EINVAL, "Invalid argument")
        answer.type = linuxpy_video.FrameIntervalType.DISCRETE
        answer.discrete.numerator, answer.discrete.denominator = 1, rates[answer.index]

    def _s_fmt(self, answer: Any, fd: Any) -> None:
        self._own(fd)
        wanted = answer.fmt.pix.pixelformat
        self.pixels = next((name for name in self.formats if fourcc(name) == wanted), next(iter(self.formats)))
        sizes = [each[:2] for each in self.formats[self.pixels]]
        self.size = min(sizes, key=lambda size: abs(size[0] - answer.fmt.pix.width))

    def _g_fmt(self, answer: Any, _fd: object) -> None:
        pix = answer.fmt.pix
        pix.width, pix.height = self.size
        pix.pixelformat = fourcc(self.pixels)
        pix.bytesperline = {"YUYV": 2 * self.size[0] + self.padding, "NV12": self.size[0] + self.padding}.get(
            self.pixels, 0
        )
        pix.sizeimage = self.size[0] * self.size[1] * 3

    def _s_parm(self, answer: Any, _fd: object) -> None:
        every = answer.parm.capture.timeperframe
        self.rate_hz = max(self.slowest_hz, every.denominator / every.numerator)

    def _g_parm(self, answer: Any, _fd: object) -> None:
        answer.parm.capture.timeperframe.numerator = 1000
        answer.parm.capture.timeperframe.denominator = round(1000 * self.rate_hz)

    def _reqbufs(self, answer: Any, fd: Any) -> None:
        self._own(fd)
        self.maps = [mmap.mmap(-1, self.size[0] * self.size[1] * 3) for _ in range(answer.count)]
        self.queued = []

    def _querybuf(self, answer: Any, _fd: object) -> None:
        answer.length, answer.m.offset = len(self.maps[answer.index]), answer.index

    def _qbuf(self, answer: Any, _fd: object) -> None:
        self.queued.append(answer.index)

    def _streamon(self, _answer: Any, _fd: object) -> None:
        self.starts += 1
        if self.mended_by_start and self.starts > 1:
            self.stalled = False
        self.streaming, self.sequence = True, 0
        self.next_ns = self.clock.now_ns + self._period_ns

    def _streamoff(self, _answer: Any, _fd: object) -> None:
        self.streaming, self.queued = False, []

    def _dqbuf(self, answer: Any, _fd: object) -> None:
        if not self.queued or self.clock.now_ns < self.next_ns:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        answer.index = self.queued.pop(0)
        content = self.content(self.sequence)
        self.maps[answer.index][: len(content)] = content
        answer.bytesused, answer.sequence, answer.flags = len(content), self.sequence, self.flags
        answer.timestamp.secs, answer.timestamp.usecs = self.next_ns // 10**9, self.next_ns % 10**9 // 1000
        self.next_ns += self._period_ns
        self.sequence += 1
        if not self.queued:  # every buffer was full: what was exposed meanwhile is lost
            lost = max(0, (self.clock.now_ns - self.next_ns) // self._period_ns)
            self.sequence, self.next_ns = self.sequence + lost, self.next_ns + lost * self._period_ns

    def content(self, number: int) -> bytes:
        """Return an exposure: a ramp from left to right in the limited range of video."""
        width, height = self.size
        if number in self.damaged:
            return b"\xff\xd8 broken"
        ramp = np.broadcast_to(np.linspace(60, 180, width) + number % 16, (height, width)).astype(np.uint8)
        if self.pixels == "MJPG":
            return bytes(cv2.imencode(".jpg", ramp)[1])
        if self.pixels == "NV12":
            rows = np.full((height * 3 // 2, width + self.padding), 128, dtype=np.uint8)
            rows[:height, :width] = ramp
            return rows.tobytes()
        packed = np.full((height, 2 * width + self.padding), 128, dtype=np.uint8)
        packed[:, : 2 * width : 2] = ramp
        return packed.tobytes()

    @property
    def _period_ns(self) -> int:
        return round(1e9 / self.rate_hz)

    def _sizes(self, number: int) -> tuple[tuple[int, int, int], ...]:
        return next((sizes for name, sizes in self.formats.items() if fourcc(name) == number), ())

    def _own(self, fd: Any) -> None:
        if self.owner is not None and self.owner is not fd._fobj:
            raise OSError(errno.EBUSY, "Device or resource busy")
        self.owner = fd._fobj

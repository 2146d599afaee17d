"""The firmware's portable part, compiled for this machine and driven through ctypes."""

from __future__ import annotations

import atexit
import ctypes
import functools
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from typing import Final

from firmware_bridge.decoder import FrameDecoder
from firmware_bridge.frames import Ack, Aux, Command, Frame, Hello, Samples, encode

ROOT: Final = Path(__file__).parents[3]
COMMON: Final = ROOT / "firmware_bridge" / "firmware" / "common"
TICKS_PER_S: Final = 2_000_000
PERIOD_80_SPS: Final = 25_000
BLANK: Final = b"\xff" * 17
NO_FAULT, STUCK_LOW, STUCK_HIGH, SWALLOWS_PULSES = range(4)

_serial = count()


@functools.cache
def folder() -> Path:
    path = Path(tempfile.mkdtemp(prefix="firmware-host-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


@functools.cache
def compiled(channels: int = 8) -> Path:
    """Build common/ with the models; the same warnings are errors as for the board."""
    compiler = shutil.which("gcc")
    assert compiler, "gcc is missing: sudo apt-get install gcc"
    library = folder() / f"common-{channels}.so"
    subprocess.run(
        [
            *(compiler, "-std=c99", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"),
            *(f"-DCHANNELS={channels}", "-DFRAME_BODY_MAX=250", f"-I{COMMON}", "-o", str(library)),
            *map(str, sorted(COMMON.glob("*.c"))),
            *map(str, sorted(Path(__file__).parent.glob("*.c"))),
        ],
        check=True,
    )
    return library


def load(channels: int = 8) -> ctypes.CDLL:
    """A fresh board: each copy of the library has its own variables."""
    own = folder() / f"board-{next(_serial)}.so"
    shutil.copy(compiled(channels), own)
    return ctypes.CDLL(str(own))


class HostBoard:
    """A board on modelled hardware, seen through its serial line."""

    def __init__(self, *, channels: int = 8, image: bytes = BLANK, first_tick: int = 0) -> None:
        self.c = load(channels)
        self._decoder = FrameDecoder()
        self._room = ctypes.create_string_buffer(1 << 20)
        self._request = 0
        self._image = image
        self._first_tick = first_tick

    def power_up(self) -> list[Frame]:
        self.c.host_power_up(ctypes.c_uint64(self._first_tick), self._image)
        return self.sent()

    def add_chip(
        self, channel: int, *, period: int = PERIOD_80_SPS, first: int = 20_000, counts: int, step: int = 1
    ) -> None:
        self.c.host_add_chip(channel, ctypes.c_uint64(period), ctypes.c_uint64(first), counts, step)

    def add_chips(self, count_: int, *, period: int = PERIOD_80_SPS) -> None:
        """Converters of one speed that convert one after another, each with its own counts."""
        for channel in range(count_):
            self.add_chip(channel, period=period, first=20_000 + 300 * channel, counts=1_000_000 * channel, step=7)

    def run(self, s: float, *, busy_s: float = 0.0) -> list[Frame]:
        self.c.host_run(ctypes.c_uint64(round(s * TICKS_PER_S)), ctypes.c_uint64(round(busy_s * TICKS_PER_S)))
        return self.sent()

    def rows(self, s: float, *, busy_s: float = 0.0) -> list[Samples]:
        return samples(self.run(s, busy_s=busy_s))

    def wire(self) -> bytes:
        sent = self.c.host_sent(self._room)
        return ctypes.string_at(self._room, sent)

    def sent(self) -> list[Frame]:
        frames: list[Frame] = []
        for result in self._decoder.feed(self.wire()):
            assert isinstance(result, Hello | Samples | Aux | Ack | Command), result
            frames.append(result)
        return frames

    def receive(self, octets: bytes) -> list[Frame]:
        """Bytes up to a delimiter from the host; all that the board sends until it has answered."""
        self.c.host_receive(octets, len(octets))
        return self.run(0.001)

    def command(self, kind: int, payload: bytes = b"", *, request_id: int | None = None) -> tuple[Ack, list[Frame]]:
        """Send a command; give its ACK and the frames other than rows that came before it."""
        self._request = (self._request + 1) % 256
        wanted = self._request if request_id is None else request_id
        answered = self.receive(encode(Command(wanted, kind, payload)))
        frames: list[Frame] = [frame for frame in answered if not isinstance(frame, Samples | Aux)]
        ack = frames.pop()
        assert isinstance(ack, Ack)
        assert ack.request_id == wanted
        return ack, frames

    def number(self, name: str) -> int:
        """Value of one of the harness's counters or switches."""
        return int(ctypes.c_uint32.in_dll(self.c, name).value)

    def is_on(self, name: str) -> bool:
        return bool(ctypes.c_bool.in_dll(self.c, name).value)


def samples(frames: list[Frame]) -> list[Samples]:
    return [frame for frame in frames if isinstance(frame, Samples)]


def aux(frames: list[Frame]) -> list[Aux]:
    return [frame for frame in frames if isinstance(frame, Aux)]


def channel_counts(rows: list[Samples], channel: int) -> list[int]:
    return [int(row.counts[0][channel]) for row in rows]


def channel_flags(rows: list[Samples], channel: int) -> list[int]:
    return [int(row.flags[0][channel]) for row in rows]

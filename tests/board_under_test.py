"""One interface to both boards: the virtual one in Python and the compiled firmware on the simulated chip.

What a test can do to one it can do to the other in the same words, so that a contract is written once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from rig_board import UID, RigBoard
from rig_build import BOOTLOADER

from firmware_bridge.board_model import BoardModel
from firmware_bridge.board_setup import BoardSetup
from firmware_bridge.frames import ResetCause, SampleFlag
from firmware_bridge.virtual_board import VirtualBoard, VirtualRig

CHANNELS: Final = 4
KINDS: Final = ("virtual", "firmware")
NOISE_COUNTS: Final = 25.0
"""Of a live HX711 at 80 SPS, counts (datasheet: 90 nV rms at gain 128 and 5 V)."""


class BoardUnderTest(Protocol):
    """A powered board with its terminal."""

    path: str

    def load(self, counts: Sequence[int]) -> None:
        """Load the cells with exact counts, without noise."""

    def live(self, channel: int, counts: int) -> None:
        """Load a cell, with the noise of a live one."""

    def cut(self, channel: int) -> None:
        """Cut the data line: it stays high."""

    def short(self, channel: int) -> None:
        """Short the data line: it stays low."""

    def heal(self, channel: int) -> None:
        """Mend the data line."""

    def reset(self, cause: ResetCause) -> None:
        """Restart."""

    def door(self, *, closed: bool) -> None:
        """Move the door's contact."""

    def overrun(self) -> None:
        """Have the board's receiver lose at least one of the host's next bytes."""

    def unplug(self) -> None:
        """Pull the cable, and the power with it."""

    def plug(self) -> None:
        """Plug the cable in."""


class Cells:
    """What the virtual board's cells see: constant, or with noise."""

    def __init__(self) -> None:
        self.level = [0] * CHANNELS
        self.sigma = [0.0] * CHANNELS
        self._random = np.random.default_rng(1)

    def counts(self, sample_index: int, t_s: float) -> list[int]:  # noqa: ARG002
        noise = self._random.normal(0.0, 1.0, CHANNELS)
        return [round(level + sigma * dice) for level, sigma, dice in zip(self.level, self.sigma, noise, strict=True)]


class VirtualUnderTest:
    """The virtual board."""

    def __init__(self, board: VirtualBoard, cells: Cells) -> None:
        self.path = board.path
        self._board = board
        self._cells = cells

    def load(self, counts: Sequence[int]) -> None:
        with self._board.stopped():
            self._cells.level = list(counts)
            self._cells.sigma = [0.0] * CHANNELS

    def live(self, channel: int, counts: int) -> None:
        with self._board.stopped():
            self._cells.level[channel] = counts
            self._cells.sigma[channel] = NOISE_COUNTS

    def cut(self, channel: int) -> None:
        with self._board.stopped() as model:
            model.faults.channel_flags[channel] = SampleFlag.SILENT

    def short(self, channel: int) -> None:
        with self._board.stopped() as model:
            model.faults.channel_flags[channel] = SampleFlag.SILENT | SampleFlag.DESYNC

    def heal(self, channel: int) -> None:
        with self._board.stopped() as model:
            del model.faults.channel_flags[channel]

    def reset(self, cause: ResetCause) -> None:
        with self._board.stopped() as model:
            model.reset(cause)

    def door(self, *, closed: bool) -> None:
        with self._board.stopped() as model:
            model.digital_inputs = int(closed)

    def overrun(self) -> None:
        with self._board.stopped() as model:
            model.faults.receive_overruns = 2

    def unplug(self) -> None:
        self._board.unplug()

    def plug(self) -> None:
        with self._board.stopped() as model:
            model.reset(ResetCause.POWER_ON)
        self._board.plug()


_RIG_RESETS: Final = {
    ResetCause.EXTERNAL: "external",
    ResetCause.BROWN_OUT: "brown-out",
    ResetCause.POWER_ON: "power-on",
}


class FirmwareUnderTest:
    """The compiled firmware on the rig."""

    def __init__(self, rig: RigBoard) -> None:
        self.path = rig.path
        self._rig = rig

    def load(self, counts: Sequence[int]) -> None:
        self._rig.noise(0.0)
        self._rig.set_counts(*counts)

    def live(self, channel: int, counts: int) -> None:
        self._rig.say("counts", channel, counts)
        self._rig.noise(NOISE_COUNTS, channel)

    def cut(self, channel: int) -> None:
        self._rig.stick(channel, "high")

    def short(self, channel: int) -> None:
        self._rig.stick(channel, "low")

    def heal(self, channel: int) -> None:
        self._rig.stick(channel, "off")

    def reset(self, cause: ResetCause) -> None:
        if cause is ResetCause.WATCHDOG:
            self._rig.hang()
        else:
            self._rig.reset(_RIG_RESETS[cause])

    def door(self, *, closed: bool) -> None:
        self._rig.contact("door", closed=closed)

    def overrun(self) -> None:
        self._rig.rush(64, 10.0)

    def unplug(self) -> None:
        self._rig.unplug()

    def plug(self) -> None:
        self._rig.plug()


@contextmanager
def powered(kind: str, directory: Path, *, bootloader: bool = False) -> Iterator[BoardUnderTest]:
    """Give a board of a kind, four channels, 80 SPS, with UID `rig_board.UID`; gone afterwards.

    An ATmega has a `bootloader` where the technician bought it with one; the virtual board always.
    """
    if kind == "firmware":
        with RigBoard(directory, channels=CHANNELS, bootloader=BOOTLOADER if bootloader else None) as rig:
            yield FirmwareUnderTest(rig)
        return
    cells = Cells()
    setup = BoardSetup(UID, channels=CHANNELS)
    with VirtualRig([VirtualBoard(BoardModel(setup, cells), directory / "board")]) as virtual:
        yield VirtualUnderTest(virtual.boards[0], cells)

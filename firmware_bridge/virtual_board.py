"""
Virtual boards behind pseudo-terminals.

To the host a `VirtualBoard` is a serial port with a load-cell board on it: the link opens its path as it
would a USB adapter. It can be unplugged and plugged in again under the same symbolic link, and everything
in `Faults` can be done to it. One `VirtualRig` thread serves any number of boards.
"""

from __future__ import annotations

import os
import select
import threading
import time
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from firmware_bridge.board_model import BoardModel
from firmware_bridge.board_setup import BoardSetup, Faults, SampleSource, SteadySource

__all__ = ["BoardModel", "BoardSetup", "Faults", "SampleSource", "SteadySource", "VirtualBoard", "VirtualRig"]

_NS_PER_S: Final = 1_000_000_000
_IDLE_S: Final = 0.1
_READ_SIZE: Final = 4096


class VirtualBoard:
    """
    A board model on a pseudo-terminal.

    Parameters
    ----------
    model : BoardModel
    link_path : Path or None
        A symbolic link kept on the terminal's present path, as udev keeps one under /dev/serial/by-id.
    epoch_ns : int or None
        Monotonic time of the model's tick zero; now by default. Boards of one scene share it.
    """

    def __init__(self, model: BoardModel, link_path: Path | None = None, *, epoch_ns: int | None = None) -> None:
        self.model = model
        self.link_path = link_path
        self.epoch_ns = time.monotonic_ns() if epoch_ns is None else epoch_ns
        self.lost_bytes = 0
        """Bytes the terminal had no room for: nobody reads it."""
        self._lock = threading.RLock()
        self._master = self._slave = -1
        self._terminal = ""
        self.plug()

    @property
    def path(self) -> str:
        """Path to open: the symbolic link when there is one."""
        return str(self.link_path) if self.link_path else self._terminal

    @property
    def fd(self) -> int | None:
        """The board's end, None while unplugged."""
        return self._master if self._master >= 0 else None

    def plug(self) -> None:
        """Make the port appear. Power comes with it: boards start by `BoardModel.reset` if they lost it."""
        with self._lock:
            if self._master >= 0:
                return
            self._master, self._slave = os.openpty()
            # Our own hold on the terminal keeps it in being while the host closes and reopens it.
            tty.setraw(self._slave)
            os.set_blocking(self._master, False)
            self._terminal = os.ttyname(self._slave)
            if self.link_path is not None:
                beside = self.link_path.with_name(self.link_path.name + ".new")
                beside.symlink_to(self._terminal)
                beside.replace(self.link_path)

    def unplug(self) -> None:
        """Make the port vanish, symbolic link included."""
        with self._lock:
            if self._master < 0:
                return
            if self.link_path is not None:
                self.link_path.unlink(missing_ok=True)
            os.close(self._slave)
            os.close(self._master)
            self._master = self._slave = -1

    @contextmanager
    def stopped(self) -> Iterator[BoardModel]:
        """Hold the board still to change its model or read it consistently."""
        with self._lock:
            yield self.model

    def service(self) -> None:
        """Run the board to the present: hear, convert, send and answer."""
        with self._lock:
            # The time is taken after reading: no board answers with a tick from before it had the query,
            # however long this thread was kept waiting.
            heard = self._read() if self._master >= 0 else b""
            now_ns = time.monotonic_ns()
            sent = self.model.advance(self.model.ticks_at((now_ns - self.epoch_ns) / _NS_PER_S))
            if self._master < 0:
                return
            if heard:
                sent += self.model.receive(heard)
            if sent:
                self._write(sent)

    def due_ns(self) -> int:
        """Monotonic time at which the board next has something to say."""
        with self._lock:
            return self.epoch_ns + round(self.model.time_s(self.model.next_ticks) * _NS_PER_S)

    def _read(self) -> bytes:
        try:
            return os.read(self._master, _READ_SIZE)
        except OSError:
            return b""

    def _write(self, octets: bytes) -> None:
        try:
            written = os.write(self._master, octets)
        except OSError:
            written = 0
        self.lost_bytes += len(octets) - written


class VirtualRig:
    """
    One thread that runs virtual boards in real time.

    Parameters
    ----------
    boards : sequence of VirtualBoard

    Examples
    --------
    >>> model = BoardModel(BoardSetup("00000000000000a1"), SteadySource([0, 0, 0, 0]))
    >>> with VirtualRig([VirtualBoard(model)]) as rig:
    ...     print(rig.boards[0].path)  # doctest: +SKIP
    /dev/pts/7
    """

    def __init__(self, boards: Sequence[VirtualBoard]) -> None:
        self.boards = tuple(boards)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="virtual-rig", daemon=True)

    def start(self) -> None:
        """Begin to run."""
        self._thread.start()

    def stop(self) -> None:
        """Stop and unplug every board."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        for board in self.boards:
            board.unplug()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self) -> None:
        while not self._stopping.is_set():
            for board in self.boards:
                board.service()
            due_ns = min(board.due_ns() for board in self.boards)
            wait_s = min(max(due_ns - time.monotonic_ns(), 0) / _NS_PER_S, _IDLE_S)
            fds = [fd for board in self.boards if (fd := board.fd) is not None]
            try:
                select.select(fds, [], [], wait_s)
            except OSError:
                # Unplugged between the look and the wait.
                continue

"""A port between two programs: DTR low for a moment, then held for the programmer and kept from everybody else."""

import fcntl
import os
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from edge_agent.errors import BoardError

LOW_S: Final = 0.05
"""How long DTR is up and then low. It resets an Arduino through 100 nF: the edge counts, and a USB adapter takes
milliseconds to make one (2026-11)."""


def let_dtr_fall(path: str) -> None:
    """
    Have the port drop DTR at its last close, which the link leaves up, and close it.

    The next opening then is an edge that starts an Arduino's bootloader.

    Raises
    ------
    BoardError
        The port is gone, may not be opened, or another program has it: its settings are left alone.
    """
    with held(path) as fd:
        try:
            attributes = termios.tcgetattr(fd)
            attributes[2] |= termios.HUPCL
            termios.tcsetattr(fd, termios.TCSANOW, attributes)
        except termios.error as error:
            raise BoardError(f"{path}: not a serial port: {error.args[-1]}") from error
        time.sleep(LOW_S)
    time.sleep(LOW_S)


@contextmanager
def held(path: str) -> Iterator[int]:
    """
    Keep the port's lock for the time that the programmer needs, which takes none itself.

    Without it an agent that starts meanwhile would talk into the bootloader. Gives the open descriptor, which hangs up
    when the cable is pulled; nothing may be read from it.

    Raises
    ------
    BoardError
        Another program has it, or it is gone.
    """
    fd = _opened(path)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BoardError(f"{path}: another program took the port just now: stop the agent first") from error
        yield fd
    finally:
        os.close(fd)


def _opened(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        raise BoardError(f"{path}: cannot be opened: {error.strerror}: check the cable") from error

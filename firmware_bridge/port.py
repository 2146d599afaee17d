"""
One serial port as a non-blocking file descriptor.

pyserial opens, locks and configures it; reading and writing are os.read and os.write on the descriptor,
for one selector thread over all ports costs a tenth of a reader thread each.
"""

from __future__ import annotations

import errno
import os
import termios
from dataclasses import dataclass
from typing import Final

import serial

from firmware_bridge.errors import PortConfigError
from firmware_bridge.events import DownReason
from firmware_bridge.frames import uid_bytes

READ_SIZE: Final = 4096
MAX_BAUD: Final = 4_000_000

_REASONS: Final[dict[int, DownReason]] = {
    errno.ENOENT: DownReason.PORT_MISSING,
    errno.ENODEV: DownReason.PORT_MISSING,
    errno.ENXIO: DownReason.PORT_MISSING,
    errno.EIO: DownReason.PORT_MISSING,
    errno.EAGAIN: DownReason.PORT_BUSY,
    errno.EBUSY: DownReason.PORT_BUSY,
    errno.EACCES: DownReason.PORT_DENIED,
    errno.EPERM: DownReason.PORT_DENIED,
}

_FIXES: Final[dict[DownReason, str]] = {
    DownReason.PORT_MISSING: "no such device: check the cable and the path (ls /dev/serial/by-id)",
    DownReason.PORT_BUSY: "another program holds the port: close it (fuser -v names it), or the path is listed twice",
    DownReason.PORT_DENIED: "no permission: add the user to group dialout and log in again",
    DownReason.NOT_A_BOARD: "not a serial port: name a tty",
}


@dataclass(frozen=True, slots=True)
class PortConfig:
    """
    One port to watch.

    Parameters
    ----------
    path : str
        Best under /dev/serial/by-id or by-path; a symbolic link is followed anew at each opening.
    baud : int
        Bits a second; 115 200 carries eight channels at 80 SPS, 64 channels want 1 000 000.
    expected_uid : str or None
        The only board accepted here, 16 hex digits; None takes whichever answers.

    Raises
    ------
    PortConfigError
        When the baud rate or the UID cannot be one.
    """

    path: str
    baud: int = 115_200
    expected_uid: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.baud <= MAX_BAUD:
            raise PortConfigError(f"{self.path}: baud {self.baud} is not within 1 … {MAX_BAUD}")
        if self.expected_uid is not None:
            try:
                uid_bytes(self.expected_uid)
            except ValueError as error:
                raise PortConfigError(f"{self.path}: {error}") from error


@dataclass(frozen=True, slots=True)
class PortFailure:
    """Why a port could not be opened, and what to do."""

    reason: DownReason
    detail: str


class OpenPort:
    """
    An open, exclusively locked port.

    Parameters
    ----------
    device : serial.Serial
        Opened; closed by `close`, which also gives up the lock.
    """

    def __init__(self, device: serial.Serial) -> None:
        self._device = device
        self.fd: int = device.fileno()
        attributes = termios.tcgetattr(self.fd)
        # VMIN 1: an empty read then means the device is gone and not just that nothing came.
        attributes[6][termios.VMIN] = 1
        # HUPCL off: closing keeps DTR up, so that reopening does not reset an Arduino once more.
        attributes[2] &= ~termios.HUPCL
        termios.tcsetattr(self.fd, termios.TCSANOW, attributes)

    def read(self) -> bytes | None:
        """Read what has arrived; empty when nothing has, None when the device is gone."""
        try:
            return os.read(self.fd, READ_SIZE) or None
        except BlockingIOError:
            return b""
        except OSError:
            return None

    def write(self, octets: bytes) -> int | None:
        """Bytes taken by the driver, perhaps none; None when the device is gone."""
        try:
            return os.write(self.fd, octets)
        except BlockingIOError:
            return 0
        except OSError:
            return None

    def close(self) -> None:
        """Close the descriptor and with it the lock."""
        self._device.close()


def open_port(config: PortConfig) -> OpenPort | PortFailure:
    """Open, lock and configure a port."""
    try:
        device = serial.Serial(config.path, config.baud, exclusive=True)
    except (OSError, ValueError, termios.error) as error:
        return _failure(config, error)
    try:
        return OpenPort(device)
    except (OSError, termios.error) as error:
        device.close()
        return _failure(config, error)


def _failure(config: PortConfig, error: Exception) -> PortFailure:
    number = getattr(error, "errno", None)
    if number is None and isinstance(error, termios.error):
        number = error.args[0]
    reason = _REASONS.get(number, DownReason.NOT_A_BOARD) if number is not None else DownReason.NOT_A_BOARD
    cause = error if number is None else os.strerror(number)  # pyserial's own words repeat the path, even twice
    return PortFailure(reason, f"{config.path}: {_FIXES[reason]} ({cause})")

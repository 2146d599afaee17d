"""What the link tells its consumer: plain frozen values, times on the host's monotonic clock."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firmware_bridge.frames import Hello, Int32Array, UInt8Array


class DownReason(enum.Enum):
    """Why a port carries no board."""

    UNPLUGGED = "unplugged"
    SILENT = "silent"
    WRONG_BOARD = "wrong_board"
    DUPLICATE_UID = "duplicate_uid"
    PROTOCOL_MISMATCH = "protocol_mismatch"
    PORT_MISSING = "port_missing"
    PORT_BUSY = "port_busy"
    PORT_DENIED = "port_denied"
    NOT_A_BOARD = "not_a_board"
    CLOCK_DEAD = "clock_dead"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class BoardUp:
    """
    A board answered on a port and is the one expected there. Its samples follow.

    Sent again when the same board says new settings (rate or gain changed), with the new HELLO, and after a
    `BoardDown` for a reset, when it has been identified anew.
    """

    t_ns: int
    port: str
    hello: Hello


@dataclass(frozen=True, slots=True, eq=False)
class SampleBlock:
    """
    Consecutive rows of one board.

    Parameters
    ----------
    t_ns_host_read : int
        When the host had read the frame.
    board_uid : str
        16 lower-case hex digits.
    first_index : int
        Sample index of the first row, unwrapped; starts near zero again after a board reset.
    t_ns : ndarray of int64, shape (n,)
        Monotonic time of each row's data-ready; strictly increasing from block to block of a board.
    counts : ndarray of int32, shape (n, channels)
        Signed 24-bit ADC counts.
    flags : ndarray of uint8, shape (n, channels)
        `SampleFlag` bits; read-only.
    lost : int
        Rows that were acquired before this block but never arrived.
    """

    t_ns_host_read: int
    board_uid: str
    first_index: int
    t_ns: npt.NDArray[np.int64]
    counts: Int32Array
    flags: UInt8Array
    lost: int


@dataclass(frozen=True, slots=True)
class AuxReport:
    """
    Slow readings of one board.

    Parameters
    ----------
    t_ns : int
        Monotonic time of the readings; of their arrival while the board's clock is still unknown.
    temperatures_c : tuple of float or None
        Degrees Celsius; None for a sensor that did not answer.
    digital_inputs : int
        Bit n is input n.
    skipped : tuple of int
        Per channel, surplus conversions of a faster converter, modulo 2**16.
    """

    t_ns: int
    board_uid: str
    temperatures_c: tuple[float | None, ...]
    supply_mv: int
    digital_inputs: int
    skipped: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BoardDown:
    """
    A port carries no usable board, or no longer.

    Reported at the change, not at every attempt that ends the same way.

    Parameters
    ----------
    board_uid : str or None
        None when nothing was identified on the port.
    detail : str
        Names the port and what to do.
    """

    t_ns: int
    port: str
    board_uid: str | None
    reason: DownReason
    detail: str


@dataclass(frozen=True, slots=True)
class LinkQuality:
    """
    The wire to a board damages what passes over it, or does so no longer; rows that do arrive are sound.

    Ends without a word when the port closes: its `BoardDown` says more.

    Parameters
    ----------
    poor : bool
    detail : str
        Names the port and what was counted.
    """

    t_ns: int
    port: str
    board_uid: str | None
    poor: bool
    detail: str


Event = BoardUp | SampleBlock | AuxReport | BoardDown | LinkQuality

"""What a board answers to a command, read from the payload of its ACK."""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from typing import Final

from firmware_bridge.frames import Ack, AckCode

UNWRITTEN_UID: Final = "f" * 16
"""UID of a board that was never given one."""
_STATISTICS: Final = struct.Struct("<IHHHH")
_UID_SIZE: Final = 8


class SelfTestFault(enum.IntFlag):
    """What the self-test found wrong with an input; zero is well."""

    NO_DATA_READY = 1
    UPPER_RAIL = 2
    LOWER_RAIL = 4
    EXTRA_PULSE = 8
    """The extra-pulse check failed: the 24 bits may be shifted."""
    NO_NOISE = 16
    """Not one bit of noise: no real converter is that quiet."""
    LINE_LOW = 32
    """The data line stays low, as if the converter were always ready."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counted by the board since its boot; all but `frames_sent` modulo 2**16."""

    frames_sent: int
    overflow: int
    bad_frames: int
    receive_overruns: int
    desyncs: int


def read_self_test(ack: Ack) -> tuple[SelfTestFault, ...] | None:
    """One value a channel; None when it is no answer to SELF_TEST."""
    if ack.code != AckCode.OK or not ack.payload or len(ack.payload) < 1 + ack.payload[0]:
        return None
    return tuple(SelfTestFault(octet) for octet in ack.payload[1 : 1 + ack.payload[0]])


def read_statistics(ack: Ack) -> Statistics | None:
    """Counters; None when it is no answer to STATS."""
    if ack.code != AckCode.OK or len(ack.payload) < _STATISTICS.size:
        return None
    return Statistics(*_STATISTICS.unpack_from(ack.payload))


def read_uid(ack: Ack) -> str | None:
    """Give the UID as 16 hex digits; None when it is no answer to READ_UID."""
    if ack.code != AckCode.OK or len(ack.payload) < _UID_SIZE:
        return None
    return ack.payload[:_UID_SIZE].hex()

"""What a virtual board does with each command of PROTOCOL.md, and what it answers."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from firmware_bridge.frames import Ack, AckCode, Command, CommandKind, Frame, uid_bytes

if TYPE_CHECKING:
    from firmware_bridge.board_model import BoardModel

_U16: Final = 0xFFFF
_U32: Final = 0xFFFFFFFF
_FIRST_OF_MINOR_1: Final = 0x20
_UID_SIZE: Final = 8

_Answer = tuple[AckCode, bytes]
_DONE: Final[_Answer] = (AckCode.OK, b"")


def carry_out(board: BoardModel, command: Command) -> list[Frame]:
    """
    Do what a command asks for; give the frames that answer it, the ACK last.

    Every command may come twice: it sets, and never toggles or counts.
    """
    known = _KINDS.get(command.kind)
    if known is None or (command.kind >= _FIRST_OF_MINOR_1 and not board.setup.protocol[1]):
        return [Ack(command.request_id, AckCode.UNKNOWN_KIND)]
    length, act = known
    if len(command.payload) != length:
        return [Ack(command.request_id, AckCode.BAD_LENGTH)]
    code, payload = act(board, command.payload)
    ack = Ack(command.request_id, code, payload)
    return [board.hello(), ack] if command.kind in _HELLO_FIRST and code == AckCode.OK else [ack]


def _hello(_board: BoardModel, _payload: bytes) -> _Answer:
    return _DONE


def _clock(board: BoardModel, _payload: bytes) -> _Answer:
    return AckCode.OK, struct.pack("<I", board.board_tick)


def _identify(board: BoardModel, payload: bytes) -> _Answer:
    board.identify_s = payload[0]
    return _DONE


def _set_rate(board: BoardModel, payload: bytes) -> _Answer:
    return board.set_rate(int.from_bytes(payload, "little") / 1000.0), b""


def _set_gain(board: BoardModel, payload: bytes) -> _Answer:
    return board.set_gain(payload[0]), b""


def _set_channels(board: BoardModel, payload: bytes) -> _Answer:
    return board.set_channels(payload[0]), b""


def _self_test(board: BoardModel, _payload: bytes) -> _Answer:
    faults = board.self_test()
    return AckCode.OK, bytes((len(faults), *faults))


def _statistics(board: BoardModel, _payload: bytes) -> _Answer:
    counters = (board.overflow, board.bad_frames, board.receive_overruns, board.desyncs)
    return AckCode.OK, struct.pack("<IHHHH", board.frames_sent & _U32, *(count & _U16 for count in counters))


def _read_uid(board: BoardModel, _payload: bytes) -> _Answer:
    return AckCode.OK, uid_bytes(board.setup.board_uid)


def _write_uid(board: BoardModel, payload: bytes) -> _Answer:
    present, new = payload[:_UID_SIZE], payload[_UID_SIZE:]
    if new in (bytes(_UID_SIZE), b"\xff" * _UID_SIZE):
        return AckCode.BAD_VALUE, b""
    if uid_bytes(board.setup.board_uid) not in (present, new):
        return AckCode.NOT_ALLOWED, b""
    board.name(new.hex())
    return _DONE


def _bootloader(board: BoardModel, _payload: bytes) -> _Answer:
    board.enter_bootloader()
    return _DONE


_KINDS: Final[dict[int, tuple[int, Callable[[BoardModel, bytes], _Answer]]]] = {
    CommandKind.HELLO: (0, _hello),
    CommandKind.CLOCK: (0, _clock),
    CommandKind.IDENTIFY: (1, _identify),
    CommandKind.SET_RATE: (4, _set_rate),
    CommandKind.SET_GAIN: (1, _set_gain),
    CommandKind.SELF_TEST: (0, _self_test),
    CommandKind.STATS: (0, _statistics),
    CommandKind.SET_CHANNELS: (1, _set_channels),
    CommandKind.READ_UID: (0, _read_uid),
    CommandKind.WRITE_UID: (2 * _UID_SIZE, _write_uid),
    CommandKind.BOOTLOADER: (0, _bootloader),
}
"""Bytes of payload, and what is done with them."""
_HELLO_FIRST: Final = frozenset(
    (
        CommandKind.HELLO,
        CommandKind.SET_RATE,
        CommandKind.SET_GAIN,
        CommandKind.SET_CHANNELS,
        CommandKind.WRITE_UID,
    )
)

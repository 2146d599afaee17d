"""
Bytes from the wire to frames, in any pieces they arrive.

What cannot be a frame becomes a `Rejected` with its reason; nothing a device sends raises. Memory is
bounded by one encoded frame. The cost of a 64-channel frame decides how many boards one small computer
can carry, so the samples path makes no copy and no loop over channels.
"""

from __future__ import annotations

import enum
import struct
from binascii import crc_hqx
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from cobs import cobs

from firmware_bridge.frames import (
    AUX_HEADER,
    CRC_INIT,
    CRC_SIZE,
    HELLO_LAYOUT,
    HELLO_PREFIX,
    MAX_BODY,
    MAX_CHANNELS,
    MAX_COMMAND_BODY,
    PROTOCOL_MAJOR,
    REQUEST_HEADER,
    SAMPLES_HEADER,
    Ack,
    Aux,
    Command,
    Frame,
    FrameType,
    Hello,
    Samples,
    UInt8Array,
)

MAX_ENCODED: Final = MAX_BODY + 1
"""COBS adds one byte to anything below 254 bytes."""


class RejectReason(enum.Enum):
    """Why bytes between two delimiters were not a frame."""

    BAD_COBS = "bad_cobs"
    BAD_CRC = "bad_crc"
    BAD_LENGTH = "bad_length"
    TOO_LONG = "too_long"
    UNKNOWN_TYPE = "unknown_type"
    WRONG_VERSION = "wrong_version"


@dataclass(frozen=True, slots=True)
class Rejected:
    """
    Bytes that were not accepted.

    Parameters
    ----------
    length : int
        Encoded bytes seen; for `TOO_LONG` the length at which the decoder gave up.
    protocol : (int, int) or None
        Major and minor version of a HELLO in another version, with its `board_uid`.
    """

    reason: RejectReason
    length: int
    detail: str
    protocol: tuple[int, int] | None = None
    board_uid: str | None = None


@dataclass(slots=True)
class DecoderCounters:
    """Totals since the decoder was made."""

    frames: int = 0
    rejected: dict[RejectReason, int] = field(default_factory=lambda: dict.fromkeys(RejectReason, 0))
    discarded_bytes: int = 0
    """Bytes after an over-long run was given up, until its delimiter."""

    @property
    def rejections(self) -> int:
        """All rejections together."""
        return sum(self.rejected.values())


class FrameDecoder:
    """
    Cut a byte stream at its delimiters and decode what lies between.

    The same stream gives the same results however it is split.
    """

    __slots__ = ("_skipping", "_tail", "counters")

    def __init__(self) -> None:
        self.counters = DecoderCounters()
        self._tail = b""
        self._skipping = False

    def feed(self, chunk: bytes) -> list[Frame | Rejected]:
        """
        Take the next bytes; give the frames and rejections they complete, in order.

        Parameters
        ----------
        chunk : bytes
            Any number of bytes, also none.
        """
        runs = (self._tail + chunk if self._tail else chunk).split(b"\x00")
        tail = runs.pop()
        if self._skipping:
            self.counters.discarded_bytes += len(runs[0]) if runs else len(tail)
            if not runs:
                return []
            runs[0] = b""
            self._skipping = False
        results = [self._take(run) for run in runs if run]
        if len(tail) > MAX_ENCODED:
            results.append(self._reject_long(len(tail)))
            self._skipping = True
            tail = b""
        self._tail = tail
        return results

    def _take(self, run: bytes) -> Frame | Rejected:
        if len(run) > MAX_ENCODED:
            return self._reject_long(len(run))
        result = decode_run(run)
        if isinstance(result, Rejected):
            self.counters.rejected[result.reason] += 1
        else:
            self.counters.frames += 1
        return result

    def _reject_long(self, length: int) -> Rejected:
        self.counters.rejected[RejectReason.TOO_LONG] += 1
        self.counters.discarded_bytes += length - MAX_ENCODED - 1
        return Rejected(
            RejectReason.TOO_LONG, MAX_ENCODED + 1, f"no delimiter within {MAX_ENCODED} bytes: not this protocol"
        )


def decode_run(run: bytes) -> Frame | Rejected:
    """Decode the bytes between two delimiters."""
    try:
        body: bytes = cobs.decode(run)
    except cobs.DecodeError as error:
        return Rejected(RejectReason.BAD_COBS, len(run), str(error))
    if len(body) < CRC_SIZE + 1:
        return Rejected(RejectReason.BAD_LENGTH, len(run), f"{len(body)} bytes cannot hold a type and a CRC")
    if crc_hqx(body[:-2], CRC_INIT) != body[-2] | body[-1] << 8:
        return Rejected(RejectReason.BAD_CRC, len(run), f"CRC mismatch over {len(body) - 2} bytes")
    decode = _DECODERS.get(body[0])
    if decode is None:
        return Rejected(RejectReason.UNKNOWN_TYPE, len(run), f"frame type 0x{body[0]:02x} is not known")
    return decode(body)


def _bad_length(body: bytes, what: str) -> Rejected:
    return Rejected(RejectReason.BAD_LENGTH, len(body) + 1, what)


_quiet_flags: dict[tuple[int, int], UInt8Array] = {}


def _no_flags(shape: tuple[int, int]) -> UInt8Array:
    """One shared read-only matrix of zeros a shape: nearly every frame carries no flag at all."""
    zeros = _quiet_flags.get(shape)
    if zeros is None:
        zeros = np.zeros(shape, dtype=np.uint8)
        zeros.flags.writeable = False
        _quiet_flags[shape] = zeros
    return zeros


_NO_FLAG_BYTES: Final = bytes(MAX_BODY)
_FIRST_COUNT: Final = SAMPLES_HEADER.size
_WIDE: Final = np.dtype("<i4")
_FOREIGN_BITS: Final = np.array(8, dtype=np.int32)


def _decode_samples(body: bytes) -> Samples | Rejected:
    if len(body) < _FIRST_COUNT + CRC_SIZE:
        return _bad_length(body, "SAMPLES shorter than its header")
    _, sequence, first_index, last_tick, overflow, rows, channels = SAMPLES_HEADER.unpack_from(body)
    conversions = rows * channels
    flags_at = _FIRST_COUNT + 3 * conversions
    end = flags_at + (conversions + 1 >> 1)
    if end + CRC_SIZE != len(body) or not 0 < channels <= MAX_CHANNELS or not rows:
        return _bad_length(body, f"SAMPLES of {rows} x {channels} in {len(body)} bytes")
    # A 32-bit view that starts one byte early holds each 24-bit value in its upper three bytes;
    # the arithmetic shift then drops the foreign byte and extends the sign.
    wide: np.ndarray[tuple[int, int], np.dtype[np.int32]] = np.ndarray(
        (rows, channels), _WIDE, body, _FIRST_COUNT - 1, (3 * channels, 3)
    )
    # Copied before it is shifted: numpy buffers arithmetic on misaligned strides, a third dearer (2026-11).
    counts = wide.copy()
    counts >>= _FOREIGN_BITS
    packed = body[flags_at:end]
    if packed == _NO_FLAG_BYTES[: end - flags_at]:
        flags = _no_flags((rows, channels))
    else:
        pairs = np.frombuffer(packed, np.uint8)
        flags = np.stack((pairs & 0xF, pairs >> 4), axis=1).reshape(-1)[:conversions].reshape(rows, channels)
        flags.flags.writeable = False
    return Samples(sequence, first_index, last_tick, overflow, counts, flags)


def _decode_hello(body: bytes) -> Hello | Rejected:
    if len(body) < HELLO_PREFIX.size + CRC_SIZE:
        return _bad_length(body, "HELLO shorter than version and UID")
    _, major, minor, uid = HELLO_PREFIX.unpack_from(body)
    if major != PROTOCOL_MAJOR:
        return Rejected(
            RejectReason.WRONG_VERSION,
            len(body) + 1,
            f"board speaks protocol {major}.{minor}, this bridge {PROTOCOL_MAJOR}.x",
            (major, minor),
            uid.hex(),
        )
    if len(body) < HELLO_LAYOUT.size + CRC_SIZE:
        return _bad_length(body, f"HELLO of {len(body)} bytes")
    _, _, _, _, firmware, boot, cause, tick_rate_hz, channels, gain, rate_mhz = HELLO_LAYOUT.unpack_from(body)
    if not 0 < channels <= MAX_CHANNELS or not tick_rate_hz or not rate_mhz:
        return _bad_length(
            body, f"HELLO with {channels} channels, {tick_rate_hz} ticks/s, {rate_mhz} mHz: none may be zero"
        )
    return Hello(uid.hex(), firmware, boot, cause, tick_rate_hz, channels, gain, rate_mhz, major, minor)


def _decode_aux(body: bytes) -> Aux | Rejected:
    if len(body) < AUX_HEADER.size + CRC_SIZE:
        return _bad_length(body, "AUX shorter than its header")
    _, tick, supply_mv, digital_inputs, n_temperatures, n_channels = AUX_HEADER.unpack_from(body)
    if len(body) < AUX_HEADER.size + 2 * (n_temperatures + n_channels) + CRC_SIZE:
        return _bad_length(body, f"AUX of {n_temperatures} temperatures, {n_channels} channels in {len(body)} bytes")
    values = struct.unpack_from(f"<{n_temperatures}h{n_channels}H", body, AUX_HEADER.size)
    return Aux(tick, supply_mv, digital_inputs, values[:n_temperatures], values[n_temperatures:])


def _decode_command(body: bytes) -> Command | Rejected:
    if not REQUEST_HEADER.size + CRC_SIZE <= len(body) <= MAX_COMMAND_BODY:
        return _bad_length(body, f"CMD of {len(body)} bytes")
    return Command(body[1], body[2], body[3:-2])


def _decode_ack(body: bytes) -> Ack | Rejected:
    if len(body) < REQUEST_HEADER.size + CRC_SIZE:
        return _bad_length(body, f"ACK of {len(body)} bytes")
    return Ack(body[1], body[2], body[3:-2])


_DECODERS: Final[dict[int, Callable[[bytes], Frame | Rejected]]] = {
    FrameType.SAMPLES: _decode_samples,
    FrameType.ACK: _decode_ack,
    FrameType.AUX: _decode_aux,
    FrameType.HELLO: _decode_hello,
    FrameType.CMD: _decode_command,
}

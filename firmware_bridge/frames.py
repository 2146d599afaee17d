"""
Frames of the board protocol and their bytes, without any input or output.

The byte layout is specified in PROTOCOL.md; this module follows it field by field. A *body* is a frame
before COBS: type byte, payload, CRC16. `encode` gives the bytes for the wire, delimiter included;
`FrameDecoder` in `firmware_bridge.decoder` goes the other way.
"""

from __future__ import annotations

import binascii
import enum
import struct
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from cobs import cobs

from firmware_bridge.errors import FrameError

PROTOCOL_MAJOR: Final = 1
PROTOCOL_MINOR: Final = 1

DELIMITER: Final = b"\x00"
CRC_INIT: Final = 0xFFFF
CRC_SIZE: Final = 2
MAX_BODY: Final = 250
"""Bytes before COBS, CRC included. Below 254, so COBS always adds exactly one byte."""
MAX_COMMAND_BODY: Final = 32
"""Longest CMD body, so that a board's receive buffer fits an 8-bit controller."""

COUNTS_MIN: Final = -(1 << 23)
COUNTS_MAX: Final = (1 << 23) - 1
MAX_CHANNELS: Final = 64
MAX_TEMPERATURES: Final = 16
TEMPERATURE_MISSING: Final = -32768

Int32Array = npt.NDArray[np.int32]
UInt8Array = npt.NDArray[np.uint8]


class FrameType(enum.IntEnum):
    """First byte of every body."""

    HELLO = 0x01
    SAMPLES = 0x02
    AUX = 0x03
    CMD = 0x10
    ACK = 0x11


class CommandKind(enum.IntEnum):
    """What a CMD asks for. Kinds from 0x20 on are there since 1.1; a 1.0 board does not know them."""

    HELLO = 0x01
    CLOCK = 0x02
    IDENTIFY = 0x03
    SET_RATE = 0x04
    SET_GAIN = 0x05
    SELF_TEST = 0x06
    STATS = 0x07
    SET_CHANNELS = 0x20
    READ_UID = 0x21
    WRITE_UID = 0x22
    BOOTLOADER = 0x2F


class AckCode(enum.IntEnum):
    """Result of a command: zero is done, anything else a NAK."""

    OK = 0
    UNKNOWN_KIND = 1
    BAD_LENGTH = 2
    BAD_VALUE = 3
    BUSY = 4
    NOT_ALLOWED = 5
    HARDWARE_FAULT = 6


class ResetCause(enum.IntEnum):
    """Why the board last started."""

    UNKNOWN = 0
    POWER_ON = 1
    EXTERNAL = 2
    BROWN_OUT = 3
    WATCHDOG = 4
    SOFTWARE = 5


class SampleFlag(enum.IntFlag):
    """Four bits beside every conversion."""

    SETTLING = 1
    """One of the four conversions after power-up, gain or channel change."""
    DESYNC = 2
    """The extra-pulse check failed: the 24 bits may be shifted."""
    LATE = 4
    """Read so late that a newer conversion may have begun to overwrite it."""
    SILENT = 8
    """No conversion within two periods; the value repeats the last one."""


@dataclass(frozen=True, slots=True)
class Hello:
    """
    Who the board is and how it is set.

    Parameters
    ----------
    board_uid : str
        16 lower-case hex digits, in the order the bytes are sent.
    rate_mhz : int
        Rows a second, in thousandths: 80 SPS is 80 000, one row every 30 s is 33.
    firmware_version : (int, int) or None
        Major and minor; None for a 1.0 board, like the two that follow.
    inputs : int or None
        The most channels that SET_CHANNELS takes.
    chip_signature : bytes
        Three bytes as a programmer reads them, zeros for a chip without any; empty for a 1.0 board.
    """

    board_uid: str
    firmware_hash: int
    boot_counter: int
    reset_cause: int
    tick_rate_hz: int
    channels: int
    gain: int
    rate_mhz: int
    protocol_major: int = PROTOCOL_MAJOR
    protocol_minor: int = PROTOCOL_MINOR
    firmware_version: tuple[int, int] | None = None
    inputs: int | None = None
    chip_signature: bytes = b""

    @property
    def rate_hz(self) -> float:
        """Rows a second as configured; the converters' own oscillators differ by up to 17 %."""
        return self.rate_mhz / 1000.0


class Samples(NamedTuple):
    """
    Consecutive rows of conversions.

    A named tuple, not a frozen dataclass like the others: it is made for every frame, and made twice as fast.

    Parameters
    ----------
    sequence : int
        Frame counter, modulo 2**16.
    first_index : int
        Sample index of the first row, modulo 2**32. Rows the board had to drop are counted in it.
    last_tick : int
        Board tick of the last row's data-ready, modulo 2**32.
    overflow : int
        Rows dropped on the board since boot, modulo 2**16.
    counts : ndarray of int32, shape (rows, channels)
    flags : ndarray of uint8, shape (rows, channels)
        `SampleFlag` bits; read-only.
    """

    sequence: int
    first_index: int
    last_tick: int
    overflow: int
    counts: Int32Array
    flags: UInt8Array


@dataclass(frozen=True, slots=True)
class Aux:
    """
    Slow readings, sent once a second.

    Parameters
    ----------
    temperatures_cdeg : tuple of int
        Hundredths of a degree Celsius; `TEMPERATURE_MISSING` for a sensor that did not answer.
    digital_inputs : int
        Bit n is input n.
    skipped : tuple of int
        Per channel, surplus conversions of a converter faster than the slowest, modulo 2**16.
    bad_frames, receive_overruns, desyncs : int or None
        Since boot, modulo 2**16: frames and bytes from the host that the board dropped, and failed extra-pulse
        checks of all channels. None from a 1.0 board, all three or none.
    """

    tick: int
    supply_mv: int
    digital_inputs: int
    temperatures_cdeg: tuple[int, ...] = ()
    skipped: tuple[int, ...] = ()
    bad_frames: int | None = None
    receive_overruns: int | None = None
    desyncs: int | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A request to the board. `kind` is an int, for a board must answer kinds it does not know."""

    request_id: int
    kind: int
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Ack:
    """The board's answer to the command of the same request id."""

    request_id: int
    code: int
    payload: bytes = field(default=b"")


Frame = Hello | Samples | Aux | Command | Ack

# "<" packs without padding: these strings are the tables of PROTOCOL.md.
HELLO_LAYOUT: Final = struct.Struct("<BBB8sIHBIBBI")
HELLO_TAIL: Final = struct.Struct("<BBB3s")
HELLO_PREFIX: Final = struct.Struct("<BBB8s")
SAMPLES_HEADER: Final = struct.Struct("<BHIIHBB")
AUX_HEADER: Final = struct.Struct("<BIHBBB")
AUX_TAIL: Final = struct.Struct("<HHH")
REQUEST_HEADER: Final = struct.Struct("<BBB")


def crc16(octets: bytes) -> int:
    """CRC-16/CCITT-FALSE (polynomial 0x1021, initial value 0xFFFF, not reflected, no final xor)."""
    return binascii.crc_hqx(octets, CRC_INIT)


def encode(frame: Frame) -> bytes:
    """
    Bytes of a frame on the wire: COBS of body and CRC, then the delimiter.

    Raises
    ------
    FrameError
        When a field does not fit its place or the body would pass 250 bytes.
    """
    try:
        body = _payload(frame)
    except struct.error as error:
        raise FrameError(f"{type(frame).__name__}: a field is out of range: {error}") from error
    limit = (MAX_COMMAND_BODY if isinstance(frame, Command) else MAX_BODY) - CRC_SIZE
    if len(body) > limit:
        raise FrameError(f"{type(frame).__name__}: {len(body)} bytes, at most {limit} before the CRC")
    return cobs_frame(body)


def cobs_frame(body_without_crc: bytes) -> bytes:
    """CRC, COBS and delimiter around any body; for frames no `Frame` can express, in tests and faults."""
    checked = body_without_crc + crc16(body_without_crc).to_bytes(CRC_SIZE, "little")
    encoded: bytes = cobs.encode(checked)
    return encoded + DELIMITER


def pack_int24(counts: npt.ArrayLike) -> bytes:
    """
    Three little-endian bytes a count, in C order.

    Raises
    ------
    FrameError
        When a count is outside -2**23 … 2**23 - 1.
    """
    wide = np.ascontiguousarray(counts, dtype="<i4")
    if wide.size and (int(wide.min()) < COUNTS_MIN or int(wide.max()) > COUNTS_MAX):
        raise FrameError(f"Samples: counts outside {COUNTS_MIN} … {COUNTS_MAX}")
    return wide.reshape(-1, 1).view(np.uint8)[:, :3].tobytes()


def pack_nibbles(flags: npt.ArrayLike) -> bytes:
    """Two flags a byte, the earlier one in the low nibble; a last odd one leaves the high nibble zero."""
    flat = np.asarray(flags, dtype=np.uint8).reshape(-1)
    if flat.size and int(flat.max()) > 0xF:
        raise FrameError("Samples: flags are four bits")
    even = np.zeros((flat.size + 1) // 2 * 2, dtype=np.uint8)
    even[: flat.size] = flat
    return np.bitwise_or(even[0::2], np.left_shift(even[1::2], 4)).tobytes()


def _payload(frame: Frame) -> bytes:
    match frame:
        case Samples():
            return _samples_payload(frame)
        case Hello():
            return _hello_payload(frame)
        case Aux():
            return _aux_payload(frame)
        case Command():
            return REQUEST_HEADER.pack(FrameType.CMD, frame.request_id, frame.kind) + frame.payload
        case Ack():
            return REQUEST_HEADER.pack(FrameType.ACK, frame.request_id, frame.code) + frame.payload


def _hello_payload(frame: Hello) -> bytes:
    payload = HELLO_LAYOUT.pack(
        FrameType.HELLO,
        frame.protocol_major,
        frame.protocol_minor,
        uid_bytes(frame.board_uid),
        frame.firmware_hash,
        frame.boot_counter,
        frame.reset_cause,
        frame.tick_rate_hz,
        frame.channels,
        frame.gain,
        frame.rate_mhz,
    )
    if not frame.protocol_minor:
        return payload
    if frame.firmware_version is None or frame.inputs is None or len(frame.chip_signature) != 3:
        raise FrameError("Hello: since protocol 1.1 with firmware version, inputs and a chip signature of 3 bytes")
    return payload + HELLO_TAIL.pack(*frame.firmware_version, frame.inputs, frame.chip_signature)


def _aux_payload(frame: Aux) -> bytes:
    n_temperatures, n_channels = len(frame.temperatures_cdeg), len(frame.skipped)
    if n_temperatures > MAX_TEMPERATURES or n_channels > MAX_CHANNELS:
        raise FrameError(f"Aux: at most {MAX_TEMPERATURES} temperatures, {MAX_CHANNELS} channels")
    payload = AUX_HEADER.pack(
        FrameType.AUX, frame.tick, frame.supply_mv, frame.digital_inputs, n_temperatures, n_channels
    ) + struct.pack(f"<{n_temperatures}h{n_channels}H", *frame.temperatures_cdeg, *frame.skipped)
    counters = (frame.bad_frames, frame.receive_overruns, frame.desyncs)
    if counters == (None, None, None):
        return payload
    if None in counters:
        raise FrameError("Aux: bad frames, receive overruns and desyncs are sent all three or not at all")
    return payload + AUX_TAIL.pack(*counters)


def _samples_payload(frame: Samples) -> bytes:
    if frame.counts.ndim != 2 or frame.counts.shape != frame.flags.shape or frame.counts.size == 0:
        raise FrameError(
            f"Samples: counts {frame.counts.shape} and flags {frame.flags.shape} must be one non-empty matrix"
        )
    rows, channels = frame.counts.shape
    header = SAMPLES_HEADER.pack(
        FrameType.SAMPLES,
        frame.sequence,
        frame.first_index,
        frame.last_tick,
        frame.overflow,
        rows,
        channels,
    )
    return header + pack_int24(frame.counts) + pack_nibbles(frame.flags)


def max_rows(channels: int) -> int:
    """Rows that fit one SAMPLES frame."""
    rows = 1
    while samples_size(rows + 1, channels) <= MAX_BODY and rows < 255:
        rows += 1
    return rows


def samples_size(rows: int, channels: int) -> int:
    """Bytes of a SAMPLES body, CRC included."""
    conversions = rows * channels
    return SAMPLES_HEADER.size + 3 * conversions + (conversions + 1) // 2 + CRC_SIZE


def uid_bytes(board_uid: str) -> bytes:
    """
    Give the eight bytes of a board UID written as 16 hex digits.

    Raises
    ------
    FrameError
        When it is not 16 lower-case hex digits.
    """
    try:
        octets = bytes.fromhex(board_uid)
    except ValueError:
        octets = b""
    if octets.hex() != board_uid or len(octets) != 8:
        raise FrameError(f"board UID {board_uid!r} is not 16 lower-case hex digits")
    return octets

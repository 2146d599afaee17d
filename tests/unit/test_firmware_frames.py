"""The firmware's frame writers against the vectors that the host's codec keeps to."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from firmware_host.board import ROOT, load

VECTORS: Final[dict[str, Any]] = json.loads((ROOT / "firmware_bridge" / "golden_vectors.json").read_text("utf-8"))
FRAMES: Final = [v for v in VECTORS["frames"] if v["type"] != "CMD"]
CRC_SIZE: Final = 2
UNSENT_IN_1_0: Final = {"HELLO": 6, "AUX": 6}
"""Bytes that the firmware appends behind the last one of a 1.0 board."""
MINOR_AT: Final = 2


class CFrame(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint8), ("octets", ctypes.c_uint8 * 252))


class CHello(ctypes.Structure):
    _fields_ = (
        ("uid", ctypes.c_uint8 * 8),
        ("firmware_hash", ctypes.c_uint32),
        ("boot_counter", ctypes.c_uint16),
        ("reset_cause", ctypes.c_uint8),
        ("tick_rate_hz", ctypes.c_uint32),
        ("channels", ctypes.c_uint8),
        ("gain", ctypes.c_uint8),
        ("rate_mhz", ctypes.c_uint32),
        ("firmware_major", ctypes.c_uint8),
        ("firmware_minor", ctypes.c_uint8),
        ("inputs", ctypes.c_uint8),
        ("signature", ctypes.c_uint8 * 3),
    )


class CSamples(ctypes.Structure):
    _fields_ = (
        ("sequence", ctypes.c_uint16),
        ("first_index", ctypes.c_uint32),
        ("last_tick", ctypes.c_uint32),
        ("overflow", ctypes.c_uint16),
        ("rows", ctypes.c_uint8),
        ("channels", ctypes.c_uint8),
        ("counts", ctypes.POINTER(ctypes.c_int32)),
        ("flags", ctypes.POINTER(ctypes.c_uint8)),
    )


class CAux(ctypes.Structure):
    _fields_ = (
        ("tick", ctypes.c_uint32),
        ("supply_mv", ctypes.c_uint16),
        ("digital_inputs", ctypes.c_uint8),
        ("temperatures", ctypes.c_uint8),
        ("channels", ctypes.c_uint8),
        ("temperature_cdeg", ctypes.POINTER(ctypes.c_int16)),
        ("skipped", ctypes.POINTER(ctypes.c_uint16)),
        ("bad_frames", ctypes.c_uint16),
        ("receive_overruns", ctypes.c_uint16),
        ("desyncs", ctypes.c_uint16),
    )


@pytest.fixture(scope="module")
def board() -> ctypes.CDLL:
    library = load()
    library.crc16_of.restype = ctypes.c_uint16
    library.cobs_decode.restype = ctypes.c_uint8
    return library


def written(board: ctypes.CDLL) -> bytes:
    frame = CFrame.in_dll(board, "frame")
    return bytes(frame.octets[: frame.length])


def write_hello(board: ctypes.CDLL, fields: dict[str, Any]) -> None:
    major, minor = fields.get("firmware_version") or (0, 0)
    board.frame_hello(
        ctypes.byref(
            CHello(
                uid=(ctypes.c_uint8 * 8)(*bytes.fromhex(fields["board_uid"])),
                firmware_hash=fields["firmware_hash"],
                boot_counter=fields["boot_counter"],
                reset_cause=fields["reset_cause"],
                tick_rate_hz=fields["tick_rate_hz"],
                channels=fields["channels"],
                gain=fields["gain"],
                rate_mhz=fields["rate_mhz"],
                firmware_major=major,
                firmware_minor=minor,
                inputs=fields.get("inputs") or 0,
                signature=(ctypes.c_uint8 * 3)(*bytes.fromhex(fields.get("chip_signature") or "000000")),
            )
        )
    )


def write_samples(board: ctypes.CDLL, fields: dict[str, Any]) -> None:
    counts = [value for row in fields["counts"] for value in row]
    flags = [value for row in fields["flags"] for value in row]
    board.frame_samples(
        ctypes.byref(
            CSamples(
                sequence=fields["sequence"],
                first_index=fields["first_index"],
                last_tick=fields["last_tick"],
                overflow=fields["overflow"],
                rows=len(fields["counts"]),
                channels=len(fields["counts"][0]),
                counts=(ctypes.c_int32 * len(counts))(*counts),
                flags=(ctypes.c_uint8 * len(flags))(*flags),
            )
        )
    )


def write_aux(board: ctypes.CDLL, fields: dict[str, Any]) -> None:
    temperatures, skipped = fields["temperatures_cdeg"], fields["skipped"]
    board.frame_aux(
        ctypes.byref(
            CAux(
                tick=fields["tick"],
                supply_mv=fields["supply_mv"],
                digital_inputs=fields["digital_inputs"],
                temperatures=len(temperatures),
                channels=len(skipped),
                temperature_cdeg=(ctypes.c_int16 * len(temperatures))(*temperatures),
                skipped=(ctypes.c_uint16 * len(skipped))(*skipped),
                bad_frames=fields.get("bad_frames") or 0,
                receive_overruns=fields.get("receive_overruns") or 0,
                desyncs=fields.get("desyncs") or 0,
            )
        )
    )


def write_ack(board: ctypes.CDLL, fields: dict[str, Any]) -> None:
    payload = bytes.fromhex(fields["payload"])
    board.frame_ack(fields["request_id"], fields["code"])
    board.frame_octets(payload, len(payload))
    board.frame_close()


WRITERS: Final[dict[str, Callable[[ctypes.CDLL, dict[str, Any]], None]]] = {
    "HELLO": write_hello,
    "SAMPLES": write_samples,
    "AUX": write_aux,
    "ACK": write_ack,
}


def is_of_minor_0(vector: dict[str, Any]) -> bool:
    fields = vector["fields"]
    if vector["type"] == "HELLO":
        return bool(fields["protocol_minor"] == 0)
    return vector["type"] == "AUX" and fields.get("bad_frames") is None


@pytest.mark.parametrize("vector", FRAMES, ids=lambda v: v["name"])
def test_every_frame_of_a_board_is_written_as_the_vectors_say(board: ctypes.CDLL, vector: dict[str, Any]) -> None:
    WRITERS[vector["type"]](board, vector["fields"])

    wire = written(board)

    if not is_of_minor_0(vector):
        assert wire.hex() == vector["wire"]
        return
    decoded = ctypes.create_string_buffer(wire[:-1], len(wire) - 1)
    length = board.cobs_decode(decoded, len(wire) - 1)
    body = bytearray(decoded.raw[1 : 1 + length])
    if vector["type"] == "HELLO":
        assert body[MINOR_AT] == 1
        body[MINOR_AT] = 0
    assert body[: -CRC_SIZE - UNSENT_IN_1_0[vector["type"]]].hex() == vector["body"][: -2 * CRC_SIZE]


@pytest.mark.parametrize("vector", VECTORS["crc"], ids=lambda v: f"{len(v['octets']) // 2}_octets")
def test_the_crc_is_the_protocols(board: ctypes.CDLL, vector: dict[str, Any]) -> None:
    octets = bytes.fromhex(vector["octets"])
    if len(octets) > 255:
        crc = 0xFFFF
        board.crc16.restype = ctypes.c_uint16
        for octet in octets:
            crc = board.crc16(ctypes.c_uint16(crc), octet)
        assert crc == vector["crc"]
    else:
        assert board.crc16_of(octets, len(octets)) == vector["crc"]


@pytest.mark.parametrize("vector", VECTORS["cobs"], ids=lambda v: f"{len(v['decoded']) // 2}_octets_{v['decoded'][:8]}")
def test_stuffing_in_place_and_back(board: ctypes.CDLL, vector: dict[str, Any]) -> None:
    decoded, encoded = bytes.fromhex(vector["decoded"]), bytes.fromhex(vector["encoded"])
    octets = ctypes.create_string_buffer(b"\x55" + decoded, len(encoded))

    board.cobs_encode(octets, len(decoded))
    assert octets.raw.hex() == encoded.hex()

    assert board.cobs_decode(octets, len(encoded)) == len(decoded)
    assert octets.raw[1:].hex() == decoded.hex()

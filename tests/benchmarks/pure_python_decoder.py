"""
The board protocol's decoder in plain Python: COBS and a table-driven CRC, byte by byte.

Named peer of `make bench` for frame decoding, and an independent reading of PROTOCOL.md: it shares no code
with `firmware_bridge`, not even the constants.
"""

from __future__ import annotations


def _crc_table() -> list[int]:
    table = []
    for octet in range(256):
        crc = octet << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
        table.append(crc & 0xFFFF)
    return table


CRC_TABLE = _crc_table()

PlainSamples = tuple[int, int, int, int, list[list[int]], list[list[int]]]
"""sequence, first index, tick, overflow, rows of counts, rows of flags."""


def crc16(octets: bytes | bytearray) -> int:
    """CRC-16/CCITT-FALSE."""
    crc = 0xFFFF
    for octet in octets:
        crc = ((crc << 8) & 0xFFFF) ^ CRC_TABLE[(crc >> 8) ^ octet]
    return crc


def cobs_decode(run: bytes) -> bytearray | None:
    """Undo COBS; None when a code points past the end."""
    decoded = bytearray()
    at = 0
    while at < len(run):
        code = run[at]
        at += 1
        if at + code - 1 > len(run):
            return None
        for _ in range(code - 1):
            decoded.append(run[at])
            at += 1
        if code < 0xFF and at < len(run):
            decoded.append(0)
    return decoded


def decode_body(run: bytes) -> bytearray | None:
    """Body without CRC of one COBS run; None when it must be rejected. The part 118 µs/kB stands for."""
    body = cobs_decode(run)
    if body is None or len(body) < 3:
        return None
    if crc16(body[:-2]) != body[-2] | (body[-1] << 8):
        return None
    return body[:-2]


def decode_samples(run: bytes) -> PlainSamples | None:
    """One SAMPLES frame; None when the bytes are not one."""
    body = decode_body(run)
    if body is None or body[0] != 0x02 or len(body) < 15:
        return None
    rows, channels = body[13], body[14]
    flags_at = 15 + 3 * rows * channels
    if len(body) != flags_at + (rows * channels + 1) // 2:
        return None
    counts, flags = [], []
    for row in range(rows):
        row_counts, row_flags = [], []
        for channel in range(channels):
            conversion = row * channels + channel
            at = 15 + 3 * conversion
            count = body[at] | (body[at + 1] << 8) | (body[at + 2] << 16)
            row_counts.append(count - (1 << 24) if count & 0x800000 else count)
            pair = body[flags_at + conversion // 2]
            row_flags.append(pair >> 4 if conversion % 2 else pair & 0xF)
        counts.append(row_counts)
        flags.append(row_flags)
    return (
        body[1] | (body[2] << 8),
        int.from_bytes(body[3:7], "little"),
        int.from_bytes(body[7:11], "little"),
        body[11] | (body[12] << 8),
        counts,
        flags,
    )

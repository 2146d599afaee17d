"""Intel hex files: memory as lines of text, each with its checksum (Intel, Hexadecimal Object File Format, 1988)."""

from typing import Final

from edge_agent.errors import FirmwareError

LARGEST: Final = 1 << 18
"""Bytes of the largest flash of an AVR, an ATmega2560's."""
BLANK: Final = 0xFF
"""What erased flash reads."""
_DATA, _END, _SEGMENT, _SEGMENT_START, _LINEAR, _LINEAR_START = range(6)
_LENGTHS: Final = {_END: 0, _SEGMENT: 2, _SEGMENT_START: 4, _LINEAR: 2, _LINEAR_START: 4}


def read_intel_hex(text: str, source: str) -> bytes:
    """
    Return memory from address zero to the last byte given; what is not given is blank.

    Parameters
    ----------
    text : str
    source : str
        Names the file in errors.

    Raises
    ------
    FirmwareError
        A line is no record or its checksum is wrong, two records give one byte, or the file is cut short.
    """
    memory = bytearray()
    given: set[int] = set()
    base = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        where = f"{source}: line {number}"
        kind, address, octets = _record(line.strip(), where)
        if kind == _END:
            if not given:
                raise FirmwareError(f"{source}: holds no bytes: build the firmware anew (make firmware)")
            return bytes(memory)
        if kind == _SEGMENT:
            base = int.from_bytes(octets, "big") << 4
        elif kind == _LINEAR:
            base = int.from_bytes(octets, "big") << 16
        elif kind == _DATA:
            at = base + address
            if at + len(octets) > LARGEST:
                raise FirmwareError(f"{where}: address {at:#x} is in no AVR's flash: not a firmware image")
            places = set(range(at, at + len(octets)))
            if places & given:
                raise FirmwareError(f"{where}: address {min(places & given):#x} is given twice")
            given |= places
            memory.extend(bytes((BLANK,)) * (at + len(octets) - len(memory)))
            memory[at : at + len(octets)] = octets
    raise FirmwareError(f"{source}: ends without an end record: the file is cut short, copy it again")


def write_intel_hex(memory: bytes, *, at: int = 0) -> str:
    """Return memory from an address on as records of sixteen bytes; below 64 kB."""
    lines = []
    for start in range(0, len(memory), 16):
        some = memory[start : start + 16]
        record = bytes((len(some),)) + (at + start).to_bytes(2, "big") + bytes((_DATA,)) + some
        lines.append(":" + (record + bytes((-sum(record) & 0xFF,))).hex().upper())
    return "\n".join([*lines, ":00000001FF", ""])


def _record(line: str, where: str) -> tuple[int, int, bytes]:
    try:
        octets = bytes.fromhex(line[1:]) if line.startswith(":") and line[1:].isalnum() else b""
    except ValueError:
        octets = b""
    if len(octets) < 5 or len(octets) != 5 + octets[0]:
        raise FirmwareError(f"{where}: not a record of an Intel hex file")
    if sum(octets) & 0xFF:
        raise FirmwareError(f"{where}: wrong checksum: the file is damaged, copy or build it again")
    length, kind = octets[0], octets[3]
    if kind > _LINEAR_START or _LENGTHS.get(kind, length) != length:
        raise FirmwareError(f"{where}: record type {kind} of {length} bytes is not known")
    return kind, int.from_bytes(octets[1:3], "big"), octets[4:-1]

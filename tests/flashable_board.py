"""
A virtual board whose bootloader a real avrdude can talk to.

The bootloader is written from Atmel's application note AVR061 (STK500 communication protocol) and answers what
avrdude's programmer "arduino" asks. What was programmed decides what the board says of itself afterwards.
"""

import hashlib
import struct
from collections.abc import Callable
from dataclasses import replace

from firmware_bridge.board_model import BoardModel
from firmware_bridge.board_setup import BoardSetup, SampleSource, SteadySource
from firmware_bridge.frames import ResetCause

MAGIC = b"SHLFFW\x01\x00"
ATMEGA328P = b"\x1e\x95\x0f"
FLASH = 30_720
_OK, _IN_SYNC, _END = b"\x10", b"\x14", 0x20
_FOR_EVER = 1 << 62
# Bytes of a command before its end byte; programming a page says its own length.
_LENGTHS = {0x30: 1, 0x41: 2, 0x42: 21, 0x45: 6, 0x50: 1, 0x51: 1, 0x55: 3, 0x56: 5, 0x74: 4, 0x75: 1}


def firmware_memory(
    version: tuple[int, int] = (1, 0),
    *,
    inputs: int = 4,
    protocol: tuple[int, int] = (1, 1),
    signature: bytes = ATMEGA328P,
    size: int = 1900,
) -> bytes:
    """Return flash contents with the marker, and in it their digest, in their middle."""
    marker = MAGIC + bytes((*version, *protocol, inputs)) + signature + bytes(4)
    filling = bytes(n * 7 % 251 for n in range(size))
    middle = size // 2
    unstamped = filling[:middle] + marker + filling[middle + len(marker) :]
    at = middle + len(marker) - 4
    return unstamped[:at] + hashlib.sha256(unstamped).digest()[:4] + unstamped[at + 4 :]


def hash_of(memory: bytes) -> int:
    """Return the digest that flash contents carry."""
    at = memory.index(MAGIC) + 16
    return int.from_bytes(memory[at : at + 4], "little")


def intel_hex(memory: bytes, *, at: int = 0) -> str:
    """Return memory as records of sixteen bytes."""
    records = [
        struct.pack(">BHB", len(memory[start : start + 16]), at + start, 0) + memory[start : start + 16]
        for start in range(0, len(memory), 16)
    ]
    lines = [":" + (record + bytes((-sum(record) & 0xFF,))).hex().upper() for record in records]
    return "\n".join([*lines, ":00000001FF", ""])


class FlashableModel(BoardModel):
    """
    A board model that can be programmed.

    Parameters
    ----------
    blank : bool
        There is no firmware: the bootloader waits for ever.

    Attributes
    ----------
    host_baud : callable
        What the host's side of the line is set to; the bootloader hears only its own rate.
    dies_at_page : int or None
        From this page on it answers no more, as when the cable is pulled.
    spoiled : bytes
        What it reads back at address 0 instead of what was written.
    """

    def __init__(self, setup: BoardSetup, source: SampleSource | None = None, *, blank: bool = False) -> None:
        super().__init__(setup, source or SteadySource([0] * setup.inputs))
        self.flash = bytearray(b"\xff" * FLASH)
        self.signature = ATMEGA328P
        self.baud = 57_600
        self.host_baud: Callable[[], int] = lambda: self.baud
        self.dies_at_page: int | None = None
        self.spoiled = b""
        self.pages = 0
        self._address = 0
        self._heard = b""
        if blank:
            self._booting = False
            self._bootloader_until = _FOR_EVER

    def receive(self, octets: bytes) -> bytes:
        """Give the bootloader's answers while it runs, else the firmware's."""
        if not self.in_bootloader:
            return super().receive(octets)
        if self.host_baud() != self.baud:
            return b""
        self._heard += octets
        answers = b""
        while self._heard and self.in_bootloader:
            length = self._length()
            if len(self._heard) < length:
                break
            command, self._heard = self._heard[:length], self._heard[length:]
            answers += self._answer(command)
        return answers

    def _length(self) -> int:
        kind = self._heard[0]
        if kind == 0x64:  # program page: length big endian, memory type, the bytes
            return 5 + int.from_bytes(self._heard[1:3], "big") if len(self._heard) >= 3 else 4
        return 1 + _LENGTHS.get(kind, 0)

    def _answer(self, command: bytes) -> bytes:
        if command[0] not in _LENGTHS and command[0] != 0x64:
            return b""
        if command[-1] != _END or (self.dies_at_page is not None and self.pages >= self.dies_at_page):
            return b""
        if self._bootloader_until != _FOR_EVER:
            self.enter_bootloader()  # it waits anew after every command
        return _IN_SYNC + self._carried_out(command) + _OK

    def _carried_out(self, command: bytes) -> bytes:
        match command[0]:
            case 0x41:
                return {0x81: b"\x01", 0x82: b"\x10"}.get(command[1], b"\x03")
            case 0x51:
                self._leave()
            case 0x55:
                self._address = 2 * int.from_bytes(command[1:3], "little")
            case 0x56:
                return b"\x00"
            case 0x64:
                page = command[4:-1]
                self.flash[self._address : self._address + len(page)] = page
                self.pages += 1
            case 0x74:
                there = bytes(self.flash[self._address : self._address + int.from_bytes(command[1:3], "big")])
                return self.spoiled + there[len(self.spoiled) :] if self._address == 0 else there
            case 0x75:
                return self.signature
        return b""

    def _leave(self) -> None:
        at = self.flash.find(MAGIC)
        if at < 0:
            return
        major, minor, *protocol, inputs = self.flash[at + 8 : at + 13]
        self.setup = replace(
            self.setup,
            firmware_version=(major, minor),
            protocol=(protocol[0], protocol[1]),
            most_channels=inputs,
            chip_signature=bytes(self.flash[at + 13 : at + 16]),
            firmware_hash=int.from_bytes(self.flash[at + 16 : at + 20], "little"),
        )
        self.channels = min(self.channels, inputs)
        self.reset(ResetCause.EXTERNAL)

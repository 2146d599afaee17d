"""Whether an image may be written to a board, before anything is touched."""

from dataclasses import dataclass
from typing import Final

from edge_agent.errors import FirmwareError
from edge_agent.flashing.firmware_image import FirmwareImage
from firmware_bridge.frames import PROTOCOL_MAJOR, Hello

PARTS: Final = {bytes.fromhex("1e950f"): "m328p"}
"""Chip signature to avrdude's name of the part."""
ROOM: Final = {"m328p": 0x7800}
"""Bytes below the boot section of 2 kB, the largest; an image that reached into it would cost the bootloader."""


@dataclass(frozen=True, slots=True)
class Leave:
    """What the technician allows beyond the usual."""

    downgrade: bool = False
    fewer_inputs: bool = False


def part_of(image: FirmwareImage) -> str:
    """
    Return avrdude's name of the chip that an image is for.

    Raises
    ------
    FirmwareError
        This program cannot program it, or would not understand the board afterwards.
    """
    if image.protocol[0] != PROTOCOL_MAJOR:
        raise FirmwareError(
            f"{image.path}: speaks protocol {image.protocol[0]}.{image.protocol[1]}, this host {PROTOCOL_MAJOR}.x:"
            " update the host first, or take the firmware that belongs to it"
        )
    part = PARTS.get(image.chip_signature)
    if part is None:
        raise FirmwareError(f"{image.path}: made for the chip {image.chip_signature.hex(' ')}, which is not known here")
    if image.size > ROOM[part]:
        raise FirmwareError(
            f"{image.path}: reaches to {image.size:#x}, into the bootloader from {ROOM[part]:#x} on:"
            " take an image without bootloader"
        )
    return part


def admit(image: FirmwareImage, hello: Hello, leave: Leave) -> None:
    """
    Let pass what the board's own word does not forbid.

    A board of protocol 1.0 does not say its chip; the programmer reads that from the chip itself before it writes.

    Raises
    ------
    FirmwareError
        Another chip; an older version or fewer inputs than the board has, without leave.
    """
    board = f"board {hello.board_uid}"
    if hello.chip_signature and hello.chip_signature != image.chip_signature:
        chip = hello.chip_signature.hex(" ") if any(hello.chip_signature) else "not an AVR"
        raise FirmwareError(
            f"{image.path}: made for the chip {image.chip_signature.hex(' ')}, but the chip of {board} is {chip}:"
            " take the image for that chip"
        )
    if hello.firmware_version is not None and image.version < hello.firmware_version and not leave.downgrade:
        present = "{}.{}".format(*hello.firmware_version)
        raise FirmwareError(
            f"{image.path}: version {image.version[0]}.{image.version[1]} is older than the {present} on {board}:"
            " take a newer image, or add --force-downgrade"
        )
    if image.inputs < hello.channels and not leave.fewer_inputs:
        raise FirmwareError(
            f"{image.path}: serves {image.inputs} inputs, but {board} uses {hello.channels}:"
            " take the image for that many, or add --fewer-inputs"
        )

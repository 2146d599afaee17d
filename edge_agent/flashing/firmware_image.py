"""A firmware image: its bytes, and what the marker in them says of version, protocol, inputs and chip."""

import hashlib
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.errors import FirmwareError
from edge_agent.flashing.intel_hex import read_intel_hex

MAGIC: Final = b"SHLFFW\x01\x00"
_MARKER: Final = struct.Struct("<8sBBBBB3sI")
HASH_SIZE: Final = 4
"""Bytes of the SHA-256 over the image, these bytes zero, that a build writes into the marker's end."""
BUILT: Final = Path(__file__).parents[2] / "build" / "firmware"
"""Where `make firmware` puts the images of a checkout."""
_BAUD_IN_NAME: Final = re.compile(r"-([0-9]{4,7})\.hex\Z")
LARGEST_FILE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class FirmwareImage:
    """
    An image that can be written.

    Parameters
    ----------
    memory : bytes
        Flash from address zero, as it was checked; this, and not what the path holds later, is written.
    inputs : int
        Converters it can serve.
    """

    path: Path
    memory: bytes
    version: tuple[int, int]
    protocol: tuple[int, int]
    inputs: int
    chip_signature: bytes
    firmware_hash: int

    @property
    def size(self) -> int:
        """Bytes of flash that it takes."""
        return len(self.memory)

    @property
    def named(self) -> str:
        """Version and hash as they are shown."""
        return "{}.{} ({:08x})".format(*self.version, self.firmware_hash)

    @property
    def baud(self) -> int | None:
        """Bits a second that it talks at, by its file's name; None when the name does not say."""
        match = _BAUD_IN_NAME.search(self.path.name)
        return int(match[1]) if match else None


def read_firmware(path: Path) -> FirmwareImage:
    """
    Read and check an image.

    Raises
    ------
    FirmwareError
        There is no such file, it is damaged, or it is not firmware of a load-cell board.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise FirmwareError(f"{path}: larger than any board's firmware")
        text = path.read_bytes()
    except OSError as error:
        raise FirmwareError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        letters = text.decode("ascii")
    except UnicodeDecodeError as error:
        raise FirmwareError(f"{path}: not an Intel hex file: name the .hex, not the .elf or .bin") from error
    memory = read_intel_hex(letters, str(path))
    if memory.count(MAGIC) != 1:
        raise FirmwareError(f"{path}: not firmware of a load-cell board: build it with make firmware")
    at = memory.index(MAGIC)
    if at + _MARKER.size > len(memory):
        raise FirmwareError(f"{path}: ends inside its marker: the file is cut short, copy it again")
    fields = _MARKER.unpack_from(memory, at)
    _, major, minor, protocol_major, protocol_minor, inputs, signature, firmware_hash = fields
    hash_at = at + _MARKER.size - HASH_SIZE
    unstamped = memory[:hash_at] + bytes(HASH_SIZE) + memory[hash_at + HASH_SIZE :]
    if hashlib.sha256(unstamped).digest()[:HASH_SIZE] != memory[hash_at : hash_at + HASH_SIZE]:
        raise FirmwareError(
            f"{path}: its bytes do not have the digest {firmware_hash:08x} that its marker names: a part is missing or"
            " changed; copy it again, or build it by make firmware"
        )
    return FirmwareImage(
        path, memory, (major, minor), (protocol_major, protocol_minor), inputs, signature, firmware_hash
    )


def built_firmware(inputs: int, baud: int, folder: Path | None = None) -> Path:
    """
    Return the image that a checkout has built for a board.

    Raises
    ------
    FirmwareError
        It has built none for it.
    """
    folder = folder or BUILT
    there = ", ".join(sorted(path.name for path in folder.glob("*.hex"))) or "none"
    path = folder / f"loadcell-{inputs}ch-{baud}.hex"
    if not path.is_file():
        raise FirmwareError(
            f"{path}: not built: run make firmware CHANNELS={inputs} BAUD={baud} in the checkout,"
            f" or name an image by --hex; built: {there}"
        )
    return path

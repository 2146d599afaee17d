# ruff: noqa: INP001  (a build step beside the C it stamps, no package)
"""
Write the firmware's hash into its image.

The hash is the first four bytes of the SHA-256 of the flash image with the hash's own field zero. The board sends it
in HELLO and the host reads it from the .hex, so that both can name the same build.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

MAGIC: Final = b"SHLFFW\x01\x00"
HASH_AT: Final = 16
"""Behind magic, firmware and protocol version, inputs and chip signature."""
HASH_SIZE: Final = 4


def flash_image(elf: Path) -> bytes:
    """Give the bytes that the programmer writes, from address 0 on."""
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "flash.bin"
        subprocess.run(  # noqa: S603  (our own build's file)
            ["avr-objcopy", "-O", "binary", "-R", ".eeprom", str(elf), str(image)],  # noqa: S607
            check=True,
        )
        return image.read_bytes()


def stamp(elf: Path) -> None:
    """Fill the hash's field of an ELF file."""
    octets = elf.read_bytes()
    if octets.count(MAGIC) != 1:
        sys.exit(f"{elf}: the marker SHLFFW is there {octets.count(MAGIC)} times, not once; see avr328p/marker.c")
    at = octets.index(MAGIC) + HASH_AT
    elf.write_bytes(octets[:at] + bytes(HASH_SIZE) + octets[at + HASH_SIZE :])
    digest = hashlib.sha256(flash_image(elf)).digest()[:HASH_SIZE]
    elf.write_bytes(octets[:at] + digest + octets[at + HASH_SIZE :])


if __name__ == "__main__":
    stamp(Path(sys.argv[1]))

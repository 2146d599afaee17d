"""Building what the rig needs: the rig itself, the firmware, an EEPROM."""

from __future__ import annotations

import binascii
import fcntl
import functools
import struct
import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
BUILD: Final = ROOT / "build"
BOOTLOADER: Final = Path("/usr/share/arduino/hardware/arduino/avr/bootloaders/atmega/ATmegaBOOT_168_atmega328.hex")
"""Of Debian's arduino-core-avr; listens at 57 600 baud after an external reset."""


class RigError(AssertionError):
    """The rig could not be built or started, refused a command or died: the text says which."""


def make(directory: Path, *variables: str) -> None:
    """Run make; one at a time over all processes, for they share the build directory."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / ".rig.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(["make", "-C", str(directory), *variables], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RigError(f"make -C {directory} {' '.join(variables)} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


@functools.cache
def build_rig() -> Path:
    """Build the rig; needs `apt-get install gcc libsimavr-dev libelf-dev`."""
    make(ROOT / "tests" / "rig")
    return BUILD / "rig" / "rig"


@functools.cache
def build_firmware(channels: int = 4, baud: int = 115_200, *variables: str) -> Path:
    """Build the reference firmware; needs `apt-get install gcc-avr avr-libc`."""
    make(ROOT / "firmware_bridge" / "firmware", f"CHANNELS={channels}", f"BAUD={baud}", *variables)
    return BUILD / "firmware" / f"loadcell-{channels}ch-{baud}.elf"


def eeprom_image(uid: str, channels: int, gain: int = 128, rate_mhz: int = 80_000) -> bytes:
    """EEPROM of a board that has its name and settings."""
    body = b"\xa5" + bytes.fromhex(uid) + struct.pack("<BBI", channels, gain, rate_mhz)
    return body + struct.pack("<H", binascii.crc_hqx(body, 0xFFFF))

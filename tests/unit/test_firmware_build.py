"""The firmware as avr-gcc makes it: small enough, named by its digest, refused when asked for the impossible."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
from firmware_host.board import ROOT

FIRMWARE: Final = ROOT / "firmware_bridge" / "firmware"
MAGIC: Final = b"SHLFFW\x01\x00"
FLASH_LIMIT: Final = 8192
RAM_LIMIT: Final = 1024


def make(build: Path, *options: str) -> subprocess.CompletedProcess[str]:
    assert shutil.which("avr-gcc"), "avr-gcc is missing: sudo apt-get install gcc-avr avr-libc"
    plain = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run(
        ["make", "-C", str(FIRMWARE), f"BUILD={build}", *options],
        env=plain,
        capture_output=True,
        text=True,
        check=False,
    )


def image(hex_file: Path) -> bytes:
    """Flash from address 0 on, out of an Intel hex file."""
    octets = bytearray()
    for line in hex_file.read_text("ascii").split():
        record = bytes.fromhex(line[1:])
        assert sum(record) % 256 == 0
        if record[3] == 0:
            assert int.from_bytes(record[1:3], "big") == len(octets), "one piece, without a hole"
            octets += record[4:-1]
    return bytes(octets)


@pytest.mark.parametrize(
    ("channels", "baud"),
    [*enumerate((115_200, 250_000, 500_000, 115_200, 1_000_000, 250_000, 500_000, 1_000_000), start=1)],
)
def test_every_size_of_board_fits_and_carries_its_marker(tmp_path: Path, channels: int, baud: int) -> None:
    made = make(tmp_path, f"CHANNELS={channels}", f"BAUD={baud}")

    assert made.returncode == 0, made.stderr
    name = f"loadcell-{channels}ch-{baud}"
    sizes = re.search(rf"{name} +(\d+) of \d+ bytes of flash, +(\d+) of", made.stdout)
    assert sizes, made.stdout
    flash_size, ram_size = map(int, sizes.groups())
    assert flash_size <= FLASH_LIMIT
    assert ram_size <= RAM_LIMIT

    flash = image(tmp_path / f"{name}.hex")
    assert len(flash) == flash_size
    assert flash.count(MAGIC) == 1
    at = flash.index(MAGIC) + len(MAGIC)
    assert flash[at : at + 8] == bytes((1, 0, 1, 1, channels)) + bytes.fromhex("1e950f")
    unnamed = flash[: at + 8] + bytes(4) + flash[at + 12 :]
    assert flash[at + 8 : at + 12] == hashlib.sha256(unnamed).digest()[:4]


def test_the_same_source_gives_the_same_image_and_another_option_another(tmp_path: Path) -> None:
    hexes = []
    for number, rate in enumerate((80, 80, 10)):
        build = tmp_path / str(number)
        assert make(build, "CHANNELS=2", f"RATE_SPS={rate}").returncode == 0
        hexes.append((build / "loadcell-2ch-115200.hex").read_text("ascii"))
    assert hexes[0] == hexes[1] != hexes[2]


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("CHANNELS=9", "CHANNELS: 1 to 8"),
        ("BAUD=460800", "BAUD: 16 MHz gives 115200, 250000, 500000 or 1000000"),
        ("RATE_SPS=40", "RATE_SPS: an HX711 converts 10 or 80"),
        ("TEMPERATURE=lm75", "TEMPERATURE=lm75: must be ds18b20, ntc or none"),
    ],
)
def test_what_no_board_can_do_stops_the_build_by_its_name(tmp_path: Path, option: str, told: str) -> None:
    made = make(tmp_path, option)

    assert made.returncode != 0
    assert told in made.stderr
    assert not list(tmp_path.glob("*.hex"))


def test_a_ds18b20_has_no_pin_beside_eight_converters(tmp_path: Path) -> None:
    made = make(tmp_path, "CHANNELS=8", "TEMPERATURE=ds18b20")
    assert made.returncode != 0
    assert "the pin carries SCK of channel 6" in made.stderr


def test_too_large_a_firmware_fails_the_build(tmp_path: Path) -> None:
    made = make(tmp_path, "FLASH_LIMIT=4096")
    assert made.returncode != 0
    assert "too large" in made.stderr

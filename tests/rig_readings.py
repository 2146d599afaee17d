"""What the rig has seen of its converters: counters, single reads, recorded wires."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

READ_SETTLING: Final = 1
READ_TORN: Final = 2

WALK_WRAP: Final = 1 << 24
WALK_STEP: Final = 99_991
"""Odd, so that each of the 2²⁴ values of a walk names its conversion."""
WALK_OFFSET: Final = 1_000_003
"""Between one channel's walk and the next one's."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Chip:
    """One converter: what it has delivered, and how it was clocked, since the start or `forget`."""

    channel: int
    factor: float
    rate: int
    gain: int
    settling: int
    conversions: int
    reads: int
    lost: int
    torn: int
    empty_pulses: int
    excess_pulses: int
    power_downs: int
    sck_high_max_us: float


@dataclass(frozen=True, slots=True)
class Read:
    """One conversion as it was clocked out: its number, the bits on the wire, the clocks it got."""

    channel: int
    index: int
    conversion: int
    value: int
    pulses: int
    flags: int
    ready_us: float
    start_us: float


def walk_start(channel: int) -> int:
    """Give the value of a channel's conversion 0 in `RigBoard.walk_all`."""
    return channel * WALK_OFFSET


def conversions_of(counts: Ints) -> Ints:
    """Number of the conversion that gave each value of a walk, (rows, channels); one wrong bit is thousands away."""
    starts = np.array([walk_start(channel) for channel in range(counts.shape[1])], dtype=np.int64)
    return (((counts.astype(np.int64) - starts) % WALK_WRAP) * pow(WALK_STEP, -1, WALK_WRAP)) % WALK_WRAP


def longest_high_us(vcd: Path) -> dict[str, float]:
    """The longest high phase of each wire in a value change dump, microseconds."""
    wires: dict[str, str] = {}
    rose: dict[str, int] = {}
    longest: dict[str, int] = {}
    step, in_us = 0, 1e-4  # steps of 100 ps
    for line in vcd.read_text().splitlines():
        if line.startswith("$var"):
            _, _, _, sign, wire, _ = line.split()
            wires[sign] = wire
            longest[wire] = 0
        elif line.startswith("#"):
            step = int(line[1:])
        elif line[:1] in {"0", "1"}:
            wire = wires[line[1:]]
            if line[0] == "1":
                rose[wire] = step
            elif wire in rose:
                longest[wire] = max(longest[wire], step - rose.pop(wire))
    return {wire: steps * in_us for wire, steps in longest.items()}


def parse_chip(line: str) -> Chip:
    """Read one line of `chips`."""
    value = dict(pair.split("=") for pair in line.split())
    whole = {name: int(text) for name, text in value.items() if name not in {"factor", "sck_high_max_us"}}
    return Chip(factor=float(value["factor"]), sck_high_max_us=float(value["sck_high_max_us"]), **whole)


def parse_read(line: str) -> Read:
    """Read one line of `reads`."""
    channel, index, conversion, value, pulses, flags, ready_us, start_us = line.split()
    return Read(
        int(channel),
        int(index),
        int(conversion),
        int(value),
        int(pulses),
        int(flags),
        float(ready_us),
        float(start_us),
    )

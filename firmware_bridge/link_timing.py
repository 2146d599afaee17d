"""How long the link waits for what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GARBAGE_BYTES: Final = 256
"""Bytes without a frame that no start-up noise explains: any frame is shorter (PROTOCOL.md)."""


@dataclass(frozen=True, slots=True)
class LinkTiming:
    """
    Waiting times of the link.

    The identification timeout covers an Arduino's bootloader, which answers nothing for up to two seconds
    after the port was opened. One that hears garbage and no frame for as long as `garbage_timeout_s` has the
    wrong device or baud rate: a bootloader says nothing, a board says 80 frames a second (2026-11).
    """

    identify_interval_s: float = 0.1
    identify_timeout_s: float = 3.0
    garbage_timeout_s: float = 0.8
    query_timeout_s: float = 0.25
    silent_floor_s: float = 1.0
    silent_periods: float = 5.0
    backoff_first_s: float = 0.1
    backoff_last_s: float = 5.0

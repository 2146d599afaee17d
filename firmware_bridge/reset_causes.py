"""Why a board last started, in words."""

from __future__ import annotations

from typing import Final

from firmware_bridge.frames import ResetCause

_WORDS: Final[dict[int, str]] = {
    ResetCause.UNKNOWN: "for a reason unknown",
    ResetCause.POWER_ON: "power on",
    ResetCause.EXTERNAL: "its reset pin was pulled",
    ResetCause.BROWN_OUT: "brown-out: its supply fell too low",
    ResetCause.WATCHDOG: "watchdog: its firmware hung",
    ResetCause.SOFTWARE: "asked to by a command",
}


def reset_words(cause: int) -> str:
    """Say a HELLO's reset cause to a person."""
    return _WORDS.get(cause, f"reset cause {cause}")


def reset_name(cause: int) -> str:
    """Give a HELLO's reset cause to a script."""
    return ResetCause(cause).name.lower() if cause in set(ResetCause) else f"{cause}"

"""Whether the host's UTC is disciplined, as the kernel knows it: the same word for NTP, chrony, PTP and GPS."""

import ctypes
from collections.abc import Callable
from typing import Final

from edge_agent.delivery.wire import ClockReport

STA_UNSYNC: Final = 0x0040
"""Status bit of struct timex: the clock is not synchronised (include/uapi/linux/timex.h)."""


class _Timex(ctypes.Structure):
    """The head of the kernel's struct timex; the rest is reserved space that adjtimex may write to."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def read_kernel() -> tuple[int, int] | None:
    """Return (status bits, maximum error in µs), or None where adjtimex is missing or forbidden."""
    timex = _Timex()  # modes = 0: only reads
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (AttributeError, OSError):
        return None
    if adjtimex(ctypes.byref(timex)) < 0:
        return None
    return int(timex.status), int(timex.maxerror)


def clock_report(read: Callable[[], tuple[int, int] | None] = read_kernel) -> ClockReport:
    """Return the clock's quality; ``unknown`` when the kernel does not tell."""
    answer = read()
    if answer is None:
        return ClockReport("unknown")
    status, max_error_us = answer
    if status & STA_UNSYNC:
        return ClockReport("unsynchronised")
    return ClockReport("synchronised", round(max_error_us / 1e6, 6))

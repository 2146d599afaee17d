"""Which clock a camera stamps its exposures with, and what that is on the host's monotonic one.

libcamera documents SensorTimestamp as CLOCK_BOOTTIME, its pipelines report what the kernel's buffers carry, which is
CLOCK_MONOTONIC. The two differ by the time that the machine has slept, so a unit that never sleeps cannot tell them
apart and need not; one that did would date every frame by that much wrong.
"""

import logging
import time
from collections.abc import Callable
from typing import Final

from edge_agent.model import MonotonicNs

AHEAD_NS: Final = 5_000_000
"""How far a stamp may lie in the future of its clock: rounding and the order of two readings (2026-12)."""
TELLING_NS: Final = 1_000_000
"""From how long a sleep on it matters which clock it is: below the spread of exposures (2026-12)."""

log = logging.getLogger(__name__)


class UnknownClockError(ValueError):
    """A stamp in the future of both clocks: wall time, or noise."""


class SensorClock:
    """Turns a camera's stamps into the host's monotonic time.

    Parameters
    ----------
    camera_id : str
        For the log.
    monotonic_ns, boot_ns : callable
        The two clocks.
    """

    def __init__(
        self,
        camera_id: str,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        boot_ns: Callable[[], int] = lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME),
    ) -> None:
        self._camera_id = camera_id
        self._monotonic_ns = monotonic_ns
        self._boot_ns = boot_ns
        self._named = ""

    def to_monotonic(self, stamp_ns: int) -> MonotonicNs:
        """Return a stamp on the monotonic clock; tells in the log once which clock the camera uses.

        Raises
        ------
        UnknownClockError
            The stamp lies in the future of both clocks.
        """
        monotonic_ns = self._monotonic_ns()
        offset_ns = self._boot_ns() - monotonic_ns
        if stamp_ns <= monotonic_ns + AHEAD_NS:
            self._name("monotonic", offset_ns)
            return MonotonicNs(stamp_ns)
        if stamp_ns <= monotonic_ns + offset_ns + AHEAD_NS:
            self._name("boottime", offset_ns)
            return MonotonicNs(stamp_ns - offset_ns)
        raise UnknownClockError(
            f"stamps an exposure {(stamp_ns - monotonic_ns) / 1e9:.3f} s ahead of the monotonic clock and "
            f"{(stamp_ns - monotonic_ns - offset_ns) / 1e9:.3f} s ahead of the boot clock"
        )

    def _name(self, clock: str, offset_ns: int) -> None:
        if offset_ns < TELLING_NS:
            clock = "monotonic or boottime, which agree"
        if clock != self._named:
            log.info("camera=%s clock=%s boottime_ahead_ms=%.3f", self._camera_id, clock, offset_ns / 1e6)
            self._named = clock

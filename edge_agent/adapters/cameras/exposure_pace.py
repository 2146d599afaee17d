"""When a source that has no sensor exposes: at a steady rate on a clock, or as fast as it is read."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from edge_agent.model import MonotonicNs


@dataclass(frozen=True, slots=True)
class Clockwork:
    """A clock and a way to wait on it."""

    now_ns: Callable[[], int] = time.monotonic_ns
    wait_s: Callable[[float], None] = time.sleep


class ExposurePace:
    """Numbers exposures and says when each one was.

    Parameters
    ----------
    rate_hz : float
        Exposures a second.
    clockwork : Clockwork
        What the instants are on; they begin with its present at `start`.
    paced : bool
        Whether to wait for an exposure's instant, and to leave out those that a late reader has missed, as a camera
        does; otherwise every exposure comes at once, dated as it would have been.
    """

    def __init__(self, rate_hz: float, clockwork: Clockwork, *, paced: bool) -> None:
        self._period_ns = 1e9 / rate_hz
        self._clockwork = clockwork
        self._paced = paced
        self._begun_ns = 0
        self._next = 0

    def start(self) -> None:
        """Let the first exposure be now."""
        self._begun_ns = self._clockwork.now_ns()
        self._next = 0

    def instant_ns(self, number: int) -> MonotonicNs:
        """Return the middle of an exposure, by its number from 0."""
        return MonotonicNs(self._begun_ns + round(number * self._period_ns))

    def due(self, timeout_s: float) -> int | None:
        """Wait for the next exposure and return its number, or None when it does not come in time."""
        if self._paced:
            now_ns = self._clockwork.now_ns()
            self._next = max(self._next, int((now_ns - self._begun_ns) // self._period_ns))
            ahead_s = (self.instant_ns(self._next) - now_ns) / 1e9
            if ahead_s > timeout_s:
                self._clockwork.wait_s(timeout_s)
                return None
            if ahead_s > 0:
                self._clockwork.wait_s(ahead_s)
        self._next += 1
        return self._next - 1

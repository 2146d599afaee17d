"""How long to wait before the next attempt: doubling, and jittered so that a store's units do not return as one."""

from random import Random
from typing import Final

FIRST_S: Final = 0.5
LONGEST_S: Final = 30.0
"""A broker that returns is found within half a minute; 200 units then ask 10 times a second in all (2026-11)."""


class Backoff:
    """Full-jitter exponential back-off (Brooker, "Exponential Backoff And Jitter", 2015), never below a tenth."""

    def __init__(self, random: Random, *, first_s: float = FIRST_S, longest_s: float = LONGEST_S) -> None:
        self._random = random
        self._first_s = first_s
        self._longest_s = longest_s
        self._ceiling_s = first_s

    def next_s(self) -> float:
        """Return how long to wait now, and wait longer next time."""
        wait_s = self._random.uniform(0.1, 1.0) * self._ceiling_s
        self._ceiling_s = min(2 * self._ceiling_s, self._longest_s)
        return wait_s

    def reset(self) -> None:
        """Start short again: the last attempt worked."""
        self._ceiling_s = self._first_s

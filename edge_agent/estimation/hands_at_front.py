"""Hands that a camera sees at a shelf's front: while one is there, a still weight need not be a released one."""

from typing import Final

HOLD_NS: Final = 3_000_000_000
"""How long a still weight waits at most for a hand to leave: longer than a shopper reads a label with the goods in the
other hand, short enough that a camera which sees a hand that is none delays no receipt (assumed, 2026-12)."""
VISIT_NS: Final = 30_000_000_000
"""What stays for longer without a break is no hand, or one that never lets go: it holds nothing any more, so that acts
after it are told one by one (rule, 2026-12)."""
FRESH_NS: Final = 1_000_000_000
"""A camera speaks twice a second at least; what it said longer ago does not count (rule, 2026-12)."""


class HandsAtFront:
    """Whether somebody's hand is at one shelf's front, as far as the camera's word goes.

    Its instants are the camera's. Whatever they say, nothing is held for longer than `HOLD_NS` of the boards' time.
    """

    def __init__(self) -> None:
        self._hands = 0
        self._said_ns = 0
        self._since_ns = 0
        self._left_ns = 0

    def note(self, t_ns: int, hands: int) -> None:
        """Take the camera's word; of a camera that is not believed, it says no hands."""
        if hands and not self._hands:
            self._since_ns = t_ns
        if self._hands and not hands:
            self._left_ns = t_ns
        self._hands, self._said_ns = hands, t_ns

    def hold(self, now_ns: int, still_since_ns: int) -> bool:
        """Return whether what is still since an instant waits for a hand to leave."""
        return now_ns - still_since_ns <= HOLD_NS and self.lay_still(still_since_ns, now_ns)

    def lay_still(self, from_ns: int, to_ns: int) -> bool:
        """Return whether one visit lasted from an instant to another that is not long past.

        Goods that were still before the hand came are not under it.
        """
        until_ns = self._said_ns + FRESH_NS if self._hands else self._left_ns
        return self._since_ns <= from_ns and to_ns < until_ns and to_ns - self._since_ns <= VISIT_NS

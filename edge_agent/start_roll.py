"""Who answers the roll at start-up: a contradiction of the configuration stops the agent, an absence may not."""

from collections.abc import Sequence

from edge_agent.errors import BoardError
from edge_agent.model import BoardDown, BoardUp, Message, MonotonicNs, TimePassed

PATIENCE_NS = 5_000_000_000
"""Time for the first board to answer: a USB hub enumerates in 2-3 s after power-on (2026-11)."""
CONTRADICTIONS = frozenset({"wrong_board", "duplicate_uid", "protocol_mismatch"})
"""Faults that waiting cannot mend: someone plugged in or configured the wrong thing."""


class StartRoll:
    """Watches the first messages of a run.

    One board that answers is enough to sell from its shelves: the others are alarms. A unit without any board, or
    with a board that contradicts its configuration, does not start.
    """

    def __init__(self, board_uids: Sequence[str]) -> None:
        self._missing = set(board_uids)
        self._any_up = False
        self._deadline_ns: MonotonicNs | None = None
        self._faults: dict[str, str] = {}

    def check(self, message: Message) -> None:
        """Raise `BoardError` when the unit must not start."""
        if self._any_up and not self._missing:
            return
        if isinstance(message, BoardUp):
            self._any_up = True
            self._missing.discard(message.board_uid)
        elif isinstance(message, BoardDown) and message.board_uid in self._missing:
            self._faults[message.board_uid] = message.detail
            if message.reason in CONTRADICTIONS:
                raise BoardError(f"board {message.board_uid}: {message.detail}")
        if isinstance(message, BoardDown | TimePassed) and not self._any_up:
            if self._deadline_ns is None:
                self._deadline_ns = MonotonicNs(message.t_ns + PATIENCE_NS)
            if message.t_ns >= self._deadline_ns:
                raise BoardError(self._nobody())

    def _nobody(self) -> str:
        faults = [f"board {uid}: {self._faults.get(uid, 'no answer')}" for uid in sorted(self._missing)]
        return f"no board answered within {PATIENCE_NS / 1e9:.0f} s; " + "; ".join(faults)

"""Who answers the roll at start-up: a contradiction of the configuration stops the agent, an absence may not."""

from collections.abc import Sequence

from edge_agent.errors import BoardError
from edge_agent.model import BoardDown, BoardUp, Message, MonotonicNs, instant_ns

PATIENCE_NS = 5_000_000_000
"""Time for the first board to answer: a USB hub enumerates in 2-3 s after power-on (2026-11)."""
CONTRADICTIONS = frozenset({"wrong_board", "duplicate_uid", "protocol_mismatch"})
"""Faults that waiting cannot mend: someone plugged in or configured the wrong thing."""


class StartRoll:
    """Watches the first messages of a run.

    One board that answers is enough to sell from its shelves: the others are alarms. A unit without any board, or
    with a board that contradicts its configuration, does not start. The roll is closed when all have answered, or
    after five seconds with at least one: what goes wrong later is an alarm and ends nothing.
    """

    def __init__(self, board_uids: Sequence[str]) -> None:
        self._missing = set(board_uids)
        self._any_up = False
        self._closed = False
        self._deadline_ns: MonotonicNs | None = None
        self._faults: dict[str, str] = {}

    def check(self, message: Message) -> None:
        """Raise `BoardError` when the unit must not start."""
        if self._closed:
            return
        t_ns = instant_ns(message)
        if self._deadline_ns is None:
            self._deadline_ns = MonotonicNs(t_ns + PATIENCE_NS)
        if isinstance(message, BoardUp):
            self._any_up = True
            self._missing.discard(message.board_uid)
        elif isinstance(message, BoardDown) and message.board_uid in self._missing:
            self._faults[message.board_uid] = message.detail
            if message.reason in CONTRADICTIONS:
                raise BoardError(f"board {message.board_uid}: {message.detail}")
        late = t_ns >= self._deadline_ns
        if late and not self._any_up:
            raise BoardError(self._nobody())
        self._closed = late or not self._missing

    def _nobody(self) -> str:
        faults = [f"board {uid}: {self._faults.get(uid, 'no answer')}" for uid in sorted(self._missing)]
        return f"no board answered within {PATIENCE_NS / 1e9:.0f} s; " + "; ".join(faults)

"""Boards that are away or not to be believed, as alarms: the link's word for a technician and for the store."""

from collections.abc import Sequence

from edge_agent.model import BoardDown, BoardUp, HealthTransition, Message
from edge_agent.vocabulary import Severity

CODE = "board_down"


class BoardAlarms:
    """Turns the link's reports into transitions; part of the pipeline, so a replay tells the same.

    Parameters
    ----------
    board_uids : sequence of str
        The unit's boards. While one of them answers, the unit sells from its shelves: the others are warnings.
    """

    def __init__(self, board_uids: Sequence[str]) -> None:
        self._answering: dict[str, bool] = dict.fromkeys(board_uids, False)
        self._raised: set[str] = set()

    def step(self, message: Message) -> list[HealthTransition]:
        """Return what a message changes: a board is down (again with every new reason), or back."""
        uid = message.board_uid if isinstance(message, BoardUp | BoardDown) else None
        if uid is None or uid not in self._answering:
            return []
        self._answering[uid] = isinstance(message, BoardUp)
        if isinstance(message, BoardDown):
            self._raised.add(uid)
            severity = Severity.WARNING if any(self._answering.values()) else Severity.ERROR
            # The link's detail names the port and the fix.
            return [HealthTransition(message.t_ns, f"board:{uid}", CODE, True, severity, message.detail, "")]
        if isinstance(message, BoardUp) and uid in self._raised:
            self._raised.discard(uid)
            return [HealthTransition(message.t_ns, f"board:{uid}", CODE, False, Severity.INFO, "it answers again", "")]
        return []

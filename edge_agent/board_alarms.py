"""Boards that are away or not to be believed, as alarms: the link's word for a technician and for the store."""

from collections.abc import Sequence

from edge_agent.model import BoardDown, BoardUp, HealthTransition, LinkQuality, Message, MonotonicNs
from edge_agent.vocabulary import Severity

CODE = "board_down"
POOR_LINK = "link_poor"
POOR_LINK_REMEDY = (
    "use a shorter or shielded cable, keep it away from motors and lamps' supplies, and check that board and unit share"
    " one ground"
)


class BoardAlarms:
    """Turns the link's reports into transitions; part of the pipeline, so a replay tells the same.

    While one board answers, the unit sells from its shelves and the others are warnings. When none does, each is an
    error: there is nothing to sell from. Whoever comes or goes changes the severity of those still away.

    Parameters
    ----------
    board_uids : sequence of str
        The unit's boards.
    """

    def __init__(self, board_uids: Sequence[str]) -> None:
        self._answering: dict[str, bool] = dict.fromkeys(board_uids, False)
        self._away: dict[str, tuple[str, Severity]] = {}
        self._poor: set[str] = set()

    def step(self, message: Message) -> list[HealthTransition]:
        """Return what a message changes: a board is down (again with every new reason), or back; its wire is poor."""
        if not isinstance(message, BoardUp | BoardDown | LinkQuality):
            return []
        uid = message.board_uid
        if uid is None or uid not in self._answering:
            return []
        if isinstance(message, LinkQuality):
            return [self._wire(message.t_ns, uid, message.detail, poor=message.poor)]
        self._answering[uid] = isinstance(message, BoardUp)
        transitions: list[HealthTransition] = []
        if isinstance(message, BoardDown):
            if uid in self._poor:  # what is gone damages nothing
                transitions.append(self._wire(message.t_ns, uid, "the board is down", poor=False))
            transitions.append(self._raise(message.t_ns, uid, message.detail))
        elif self._away.pop(uid, None) is not None:
            transitions.append(_transition(message.t_ns, uid, Severity.INFO, "it answers again", raised=False))
        others = [
            self._raise(message.t_ns, other, detail)
            for other, (detail, severity) in list(self._away.items())
            if other != uid and severity is not self._severity()
        ]
        return transitions + others

    def _severity(self) -> Severity:
        return Severity.WARNING if any(self._answering.values()) else Severity.ERROR

    def _wire(self, t_ns: MonotonicNs, uid: str, detail: str, *, poor: bool) -> HealthTransition:
        (self._poor.add if poor else self._poor.discard)(uid)
        severity = Severity.WARNING if poor else Severity.INFO
        remedy = POOR_LINK_REMEDY if poor else ""
        return HealthTransition(t_ns, f"board:{uid}", POOR_LINK, poor, severity, detail, remedy)

    def _raise(self, t_ns: MonotonicNs, uid: str, detail: str) -> HealthTransition:
        self._away[uid] = (detail, self._severity())
        return _transition(t_ns, uid, self._severity(), detail, raised=True)


def _transition(t_ns: MonotonicNs, uid: str, severity: Severity, detail: str, *, raised: bool) -> HealthTransition:
    # The link's detail names the port and the fix.
    return HealthTransition(t_ns, f"board:{uid}", CODE, raised, severity, detail, "")

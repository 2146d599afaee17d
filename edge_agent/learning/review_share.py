"""Says where more goes to review than the deployer tolerates, and when that is over."""

from edge_agent.config import PolicyConfig
from edge_agent.identification.threshold import ENOUGH_ACTS, acts_seen, share_below, threshold
from edge_agent.learned import Confidences
from edge_agent.model import HealthTransition, MonotonicNs
from edge_agent.vocabulary import Severity

CODE = "review_share"
REMEDY = "run 'edge-agent lab advise' to see which products are confused, and what would help"
BY_CHANCE = 2.0
"""Standard deviations of a count that may be luck: told is what exceeds them, over is what is back at the target, so
that a shelf at its limit does not raise and clear for ever (2026-11)."""


class ReviewShare:
    """Watches each shelf's share of selling acts that are not sure enough to be billed.

    Parameters
    ----------
    policy : PolicyConfig
        With the tolerated share, if any.
    """

    def __init__(self, policy: PolicyConfig) -> None:
        self._policy = policy
        self._raised: set[str] = set()

    def after(
        self, t_ns: MonotonicNs, shelf_id: str, of_shelf: Confidences, of_unit: Confidences
    ) -> HealthTransition | None:
        """Return what an act on a shelf changed, None where it changed nothing."""
        tolerated = self._policy.tolerated_review
        acts = acts_seen(of_shelf)
        if tolerated is None or acts < ENOUGH_ACTS:
            return None
        billed_from = threshold(self._policy, of_unit)
        share = share_below(of_shelf, billed_from)
        if shelf_id in self._raised and share <= tolerated:
            self._raised.discard(shelf_id)
            return _transition(t_ns, shelf_id, f"{share:.2%} of its acts go to review", raised=False)
        if shelf_id not in self._raised and share > tolerated + BY_CHANCE * (tolerated / acts) ** 0.5:
            self._raised.add(shelf_id)
            return _transition(t_ns, shelf_id, self._sentence(share, tolerated, billed_from), raised=True)
        return None

    def _sentence(self, share: float, tolerated: float, billed_from: float) -> str:
        error = self._policy.tolerated_error
        why = "" if error is None else f", which {error:.2%} of wrong bills need"
        return (
            f"{share:.2%} of its selling acts go to review, {tolerated:.2%} are tolerated; "
            f"billed is from {billed_from:.4f} sure{why}"
        )


def _transition(t_ns: MonotonicNs, shelf_id: str, detail: str, *, raised: bool) -> HealthTransition:
    remedy = REMEDY if raised else ""
    return HealthTransition(t_ns, f"shelf:{shelf_id}", CODE, raised, Severity.INFO, detail, remedy)

"""When the evidence decides and when a person does.

Reasons are stable machine words:

=====================  =========================================================================================
``low_confidence``     review: no bill reaches the threshold (`threshold.py`)
``unknown_item``       review: something that the shelf does not sell is more probable than any bill
``foreign_removed``    with ``unknown_item``: most probably a thing that was left here before was taken away again
``reconciled``         review: found changed on return, nobody saw the act
``press``              review: cells bore more than leaves their zero in place, or bear more than they can weigh
``channel_missing``    review: a channel could not be read, and what the others say is not enough
``stock_contradiction``  the chosen bill takes more than was believed to stand there; by itself no cause for review
=====================  =========================================================================================
"""

from dataclasses import dataclass

from edge_agent.config import PolicyConfig
from edge_agent.identification.posterior import Posterior
from edge_agent.identification.threshold import billed_from
from edge_agent.learned import NONE_SEEN, Confidences
from edge_agent.model import Alternative, ItemChange, Stock
from edge_agent.vocabulary import EventKind, Mode, StepCause, Verdict

LOW_CONFIDENCE = "low_confidence"
UNKNOWN_ITEM = "unknown_item"
FOREIGN_REMOVED = "foreign_removed"
RECONCILED = "reconciled"
STOCK_CONTRADICTION = "stock_contradiction"
PRESS = "press"
CHANNEL_MISSING = "channel_missing"

MIN_ALTERNATIVE = 1e-4
"""Explanations below this probability help no reviewer (2026-11)."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What besides the posterior bears on the decision."""

    mode: Mode
    cause: StepCause
    overloaded: bool
    channel_missing: bool
    stock: Stock


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision on one act, as `ItemEvent` carries it."""

    kind: EventKind
    verdict: Verdict
    reasons: tuple[str, ...]
    items: tuple[ItemChange, ...]
    confidence: float
    alternatives: tuple[Alternative, ...]


def kind_of(items: tuple[ItemChange, ...], mode: Mode, cause: StepCause) -> EventKind:
    """Return the word for a chosen explanation; no items at all is unknown."""
    if cause is StepCause.RECONCILED:
        return EventKind.RECONCILED
    if not items:
        return EventKind.UNKNOWN
    if all(item.quantity < 0 for item in items):
        return EventKind.REMOVE if mode is Mode.STAFF else EventKind.TAKE
    if all(item.quantity > 0 for item in items):
        return EventKind.RESTOCK if mode is Mode.STAFF else EventKind.PUT_BACK
    return EventKind.EXCHANGE


def contradicts_stock(items: tuple[ItemChange, ...], stock: Stock) -> bool:
    """Return whether more would be taken from a lane than is believed to stand there."""
    return any(
        item.lane_id is not None and stock.get(item.lane_id, {}).get(item.sku, 0) + item.quantity < 0
        for item in items
        if item.quantity < 0
    )


def decide(
    posterior: Posterior, policy: PolicyConfig, circumstances: Circumstances, seen: Confidences = NONE_SEEN
) -> Decided:
    """Return the most probable explanation and who settles it.

    Automatic is what reaches the threshold as a bill: over all lanes and placements. Of an event found on return nobody
    can say who did it, so it is always reviewed.

    Parameters
    ----------
    seen : Confidences
        How sure acts were before: what a tolerated error's threshold follows from, with this act counted in.
    """
    best = posterior.bills[0] if posterior.bills else None
    unknown = best is None or posterior.something_else >= best.probability
    items = () if best is None or unknown else best.items
    confidence = posterior.something_else if best is None or unknown else best.probability
    selling = circumstances.mode is Mode.SELLING  # A threshold found from shoppers' acts promises nothing of others.
    causes = {
        RECONCILED: circumstances.cause is StepCause.RECONCILED,
        UNKNOWN_ITEM: unknown,
        LOW_CONFIDENCE: confidence < (billed_from(policy, seen, confidence) if selling else policy.certain_from),
        PRESS: circumstances.overloaded,
    }
    reasons = [word for word, holds in causes.items() if holds]
    verdict = Verdict.REVIEW if reasons else Verdict.AUTO
    if unknown and posterior.foreign_removed > posterior.something_else / 2:
        reasons.append(FOREIGN_REMOVED)
    if circumstances.channel_missing and verdict is Verdict.REVIEW:
        reasons.append(CHANNEL_MISSING)
    if contradicts_stock(items, circumstances.stock):
        reasons.append(STOCK_CONTRADICTION)
    bills = [
        Alternative(bill.items, bill.probability) for bill in posterior.bills if bill.probability > MIN_ALTERNATIVE
    ]
    if unknown:
        bills.insert(0, Alternative((), confidence))
    return Decided(
        kind=kind_of(items, circumstances.mode, circumstances.cause),
        verdict=verdict,
        reasons=tuple(reasons),
        items=items,
        confidence=min(confidence, 1.0),
        alternatives=tuple(bills[: policy.max_alternatives]),
    )

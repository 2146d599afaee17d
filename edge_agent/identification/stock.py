"""The stock belief: what the agent thinks stands in each lane, moved by events that were decided."""

from edge_agent.model import ItemEvent, Stock
from edge_agent.vocabulary import Verdict

LIKELIER_THAN_NOT = 0.5
"""Above this a reviewed explanation is nearer to the truth, in expected counts, than "nothing happened" (2026-11)."""


def apply_event(stock: Stock, event: ItemEvent) -> Stock:
    """Return the belief after an event; ``stock`` itself is left as it is.

    The belief is for priors, not for bills: it follows an automatic event, and also a reviewed one whose leading
    explanation is likelier than not, for something did leave or come. Else a stray that was put back under review would
    be unknown when it is taken, and be reviewed again. What is named at even odds or less, or is "something else",
    moves nothing until a person has spoken. A SKU that is not planned for its lane is counted there as a stray. Counts
    stop at 0: a take of more than was believed means that the belief was wrong, not that less than nothing is left.
    """
    believed = event.verdict is Verdict.AUTO or event.confidence > LIKELIER_THAN_NOT
    if not believed or not event.items:
        return stock
    after = {lane_id: dict(counts) for lane_id, counts in stock.items()}
    for item in event.items:
        if item.lane_id is not None:
            lane = after.setdefault(item.lane_id, {})
            lane[item.sku] = max(0, lane.get(item.sku, 0) + item.quantity)
    return after

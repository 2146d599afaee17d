"""The stock belief: what the agent thinks stands in each lane, moved by events that were decided."""

from edge_agent.model import ItemEvent, Stock
from edge_agent.vocabulary import Verdict


def apply_event(stock: Stock, event: ItemEvent) -> Stock:
    """Return the belief after an event; ``stock`` itself is left as it is.

    Only an automatic event moves counts, and only in the lanes it names. A review moves nothing: its items are a guess
    until a person has spoken, and a wrong guess in the belief would argue for the next wrong one; the verdict comes as
    a correction or a count. A SKU that is not planned for its lane is counted there as a stray. Counts stop at 0: a
    take of more than was believed means that the belief was wrong, not that less than nothing is left.
    """
    if event.verdict is not Verdict.AUTO or not event.items:
        return stock
    after = {lane_id: dict(counts) for lane_id, counts in stock.items()}
    for item in event.items:
        if item.lane_id is not None:
            lane = after.setdefault(item.lane_id, {})
            lane[item.sku] = max(0, lane.get(item.sku, 0) + item.quantity)
    return after

"""An event of the wire as a person at the store reads it: one line."""

from typing import Final

from edge_agent.delivery.wire import CloudEvent, ItemLine
from edge_agent.vocabulary import EventKind, Verdict

VERBS: Final = {
    EventKind.TAKE: "taken",
    EventKind.PUT_BACK: "put back",
    EventKind.EXCHANGE: "exchanged",
    EventKind.RESTOCK: "restocked",
    EventKind.REMOVE: "removed by staff",
    EventKind.COUNT: "counted",
    EventKind.RECONCILED: "changed unseen",
    EventKind.UNKNOWN: "something moved",
    EventKind.CORRECTION: "corrected",
}

ONE_WAY: Final = frozenset({EventKind.TAKE, EventKind.PUT_BACK, EventKind.RESTOCK, EventKind.REMOVE})
"""Kinds whose word already says the direction: their quantities need no sign."""


def event_line(event: CloudEvent) -> str:
    """Return e.g. ``09:30:00.125Z  drinks   taken: 2 × oat-milk (lane b3)   99.7 %   −2064.2 ± 0.9 g``."""
    said = event.data
    what = VERBS[said.kind]
    if said.items:
        what += ": " + items_words(said.items, signed=said.kind not in ONE_WAY)
    line = f"{event.time[11:]:<13}  {event.subject:<12}  {what:<48}  {100 * said.confidence:5.1f} %  {_grams(event)}"
    if said.decision.verdict is Verdict.REVIEW:
        line += f"  REVIEW: {', '.join(said.decision.reasons) or 'no reason given'}"
    return line


def items_words(items: tuple[ItemLine, ...], *, signed: bool) -> str:
    """Return e.g. ``−1 × oat-milk (lane b3), +1 × espresso``; unsigned where the verb says the direction."""
    return ", ".join(_item(item, signed=signed) for item in items)


def _item(item: ItemLine, *, signed: bool) -> str:
    number = f"{item.quantity:+d}".replace("-", "−") if signed else str(abs(item.quantity))
    lane = f" (lane {item.lane})" if item.lane else ""
    return f"{number} × {item.sku}{lane}"


def _grams(event: CloudEvent) -> str:
    return f"{event.data.grams:+.1f} ± {event.data.sigma_g:.1f} g".replace("-", "−")

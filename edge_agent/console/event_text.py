"""An event as a person reads it: one line."""

from collections.abc import Sequence

from edge_agent.model import ItemChange, ItemEvent
from edge_agent.vocabulary import Verdict

HEADS = ("from s", "to s", "shelf", "kind", "Δ g", "± g", "verdict", "sure", "items")


def items_text(items: Sequence[ItemChange]) -> str:
    """Return e.g. ``−2 oat-milk (b3)``, or what stands for no known item."""
    if not items:
        return "something else"
    named = (f"{item.quantity:+d} {item.sku}{f' ({item.lane_id})' if item.lane_id else ''}" for item in items)
    return ", ".join("−" + each[1:] if each[0] == "-" else each for each in named)


def event_row(event: ItemEvent, first_ns: int) -> tuple[str, ...]:
    """Return the event's columns under `HEADS`, instants in seconds since ``first_ns``."""
    return (
        f"{(event.t_start_ns - first_ns) / 1e9:.2f}",
        f"{(event.t_end_ns - first_ns) / 1e9:.2f}",
        event.shelf_id,
        event.kind.value,
        f"{event.delta_g:+.1f}",
        f"{event.sigma_g:.1f}",
        event.verdict.value,
        f"{event.confidence:.3f}",
        items_text(event.items) + (f" [{', '.join(event.reasons)}]" if event.verdict is Verdict.REVIEW else ""),
    )

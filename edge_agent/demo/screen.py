"""What a spectator reads: left what the shopper did, right what the agent said of it."""

import itertools
import textwrap
from collections.abc import Sequence

from edge_agent.config import Site
from edge_agent.model import ItemChange, ItemEvent
from edge_agent.simulation.scoreboard import Outcome, Scoreboard, Scored
from edge_agent.simulation.truth import ActTruth
from edge_agent.vocabulary import EventKind, Verdict

LEFT = 56
MARKS = {
    Outcome.RIGHT: "✓",
    Outcome.QUIET: "✓",
    Outcome.WRONG: "✗ WRONG",
    Outcome.REVIEWED_WITH_TRUTH: "? reviewed, truth offered",
    Outcome.REVIEWED_WITHOUT_TRUTH: "✗ reviewed without the truth",
    Outcome.MISSED: "✗ MISSED",
}
VERBS = {EventKind.TAKE: "taken", EventKind.PUT_BACK: "put back", EventKind.UNKNOWN: "something unknown"}


class Screen:
    """Words for acts and events; names products as the catalogue does."""

    def __init__(self, site: Site) -> None:
        self._names = {item.sku: item.name for item in site.catalogue.items}

    def head(self) -> str:
        """Return the table's head."""
        return f"{'the shopper did':<{LEFT}}  the agent said\n{'─' * LEFT}  {'─' * 62}"

    def row(self, scored: Scored) -> str:
        """Return one act with what was said of it, as many lines as that takes."""
        left = textwrap.wrap(
            f"{scored.truth.t_start_s:6.1f} s  {self.did(scored.truth)}", LEFT, subsequent_indent=" " * 10
        )
        right = [line for heard in scored.heard for line in self.said(heard.event)] or ["nothing"]
        latency = f"  {scored.latency_s:.2f} s after the release" if scored.latency_s is not None else ""
        right.append(f"{MARKS[scored.outcome]}{latency}")
        height = max(len(left), len(right))
        left += [""] * (height - len(left))
        right += [""] * (height - len(right))
        return "\n".join(f"{one:<{LEFT}}  {other}".rstrip() for one, other in zip(left, right, strict=True))

    def did(self, truth: ActTruth) -> str:
        """Return what the shopper did."""
        moved = ", ".join(f"{abs(quantity)} × {self._name(sku)} ({lane})" for sku, quantity, lane in truth.items)
        foreign = "" if moved or not truth.moves else f"{abs(truth.delta_g):.0f} g"
        doubt = f" [{truth.ambiguous}]" if truth.ambiguous else ""
        return f"{truth.story}: {moved or foreign}{doubt}".rstrip(": ")

    def said(self, event: ItemEvent) -> list[str]:
        """Return what the agent said: the decision, and for a review what else it could have been."""
        what = self._items(event.items)
        verb = VERBS.get(event.kind, event.kind.value)
        grams = f"{event.delta_g:+.1f} ± {event.sigma_g:.1f} g".replace("-", "−")
        if event.verdict is Verdict.AUTO:
            return [f"{verb} {what}  {event.confidence:.4f}  {grams}"]
        offered = (
            f"  {each.probability:.3f}  {self._items(each.items) or 'something else'}" for each in event.alternatives
        )
        return [f"review ({', '.join(event.reasons)})  {grams}", *itertools.islice(offered, 3)]

    def summary(self, board: Scoreboard) -> str:
        """Return the totals."""
        total = board.summary()
        outcomes = total.outcomes
        right = outcomes.get(Outcome.RIGHT, 0) + outcomes.get(Outcome.QUIET, 0)
        reviewed = outcomes.get(Outcome.REVIEWED_WITH_TRUTH, 0)
        lost = outcomes.get(Outcome.REVIEWED_WITHOUT_TRUTH, 0)
        wrong, missed = outcomes.get(Outcome.WRONG, 0), outcomes.get(Outcome.MISSED, 0)
        counts = (
            f"{total.acts} acts: {right} right, {reviewed} reviewed with the truth among the alternatives, "
            f"{lost} reviewed without it, {wrong} wrong, {missed} missed; {total.invented} events invented"
        )
        lines = [counts, f"{total.ambiguous} of them were ambiguous by weight and place"]
        if total.latency_p50_s is not None and total.latency_p95_s is not None:
            lines.append(
                f"from the hand's release to the event at the broker: p50 {total.latency_p50_s:.2f} s, "
                f"p95 {total.latency_p95_s:.2f} s"
            )
        return "\n".join(lines)

    def _items(self, items: Sequence[ItemChange]) -> str:
        return ", ".join(
            f"{item.quantity:+d} × {self._name(item.sku)}{f' ({item.lane_id})' if item.lane_id else ''}"
            for item in items
        ).replace("-", "−")

    def _name(self, sku: str) -> str:
        return self._names.get(sku, sku)

"""The scores of the level of bytes as one HTML page that needs nothing beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from edge_agent.bytes_level import BYTES_VERSION
from edge_agent.bytes_level.beside import Beside
from edge_agent.bytes_level.match import BytesPlayed, Told
from edge_agent.bytes_level.regret import ENGINE, Split, as_judged, split_regret, told_reasons, told_right
from edge_agent.bytes_level.scores import BytesScore, score_bytes
from edge_agent.bytes_level.wording import SPLIT_HEADS, bytes_line, bytes_rows, heard_line, split_row
from edge_agent.judging import VERSION
from edge_agent.judging.bills import MAX_ITEMS
from edge_agent.judging.match import Played
from edge_agent.judging.plots import bars
from edge_agent.judging.report import html_table, page, reliability_plot, residual_plot
from edge_agent.judging.scores import Score, score
from edge_agent.judging.wording import HEADS, causes, score_row

LATENCY_EDGES_S = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5)
"""Bins of the delays after the release, s: from below the first to beyond the last."""
NOTE = (
    "Regret is what the oracle gives the better choice less what it gives the worse, over its own error; in brackets, "
    "below what it lies at 95 %. The oracle, the engine on ideal steps and the two rules read the true change of every "
    "channel with the ideal level's noise; the engine alone reads what the boards sent."
)


@dataclass(frozen=True, slots=True, eq=False)
class BytesResult:
    """A match at the level of bytes with all that is scored of it."""

    played: BytesPlayed
    score: BytesScore
    judged: Played
    players: tuple[Score, ...]
    split: Split

    @staticmethod
    def of(played: BytesPlayed) -> "BytesResult":
        """Return a match scored."""
        judged = as_judged(played)
        return BytesResult(played, score_bytes(played), judged, score(judged), split_regret(played))

    def split_row(self) -> list[str]:
        """Return its row of the table of regret."""
        oracle_error = float(1 - self.judged.players[0].merit.mean())
        return split_row(self.played.terms, self.score, self.split, oracle_error)


def bytes_report(results: Sequence[BytesResult]) -> str:
    """Return the page."""
    table = html_table(SPLIT_HEADS, [each.split_row() for each in results])
    sections = "\n".join(_section(each) for each in results)
    body = f"<p>{escape(NOTE)}</p>\n<h2>Regret by stage</h2>\n{table}\n{sections}"
    return page(f"Scores by {VERSION}, level of bytes {BYTES_VERSION}", body)


def _section(result: BytesResult) -> str:
    asked = [each for each in result.players if each.review_causes]
    why = "<br>".join(f"{escape(each.name)}: reviewed for {escape(causes(each))}" for each in asked)
    return (
        f"<h2>{escape(bytes_line(result.played.terms))}</h2>\n"
        f"{html_table(HEADS, [score_row(each) for each in result.players])}\n"
        f'<p class="note">{escape(heard_line(result.split))}<br>{why}</p>\n'
        f"{html_table(('figure', 'of the engine'), bytes_rows(result.score))}\n"
        f'<div class="plots">{residual_plot(result.judged)}{reliability_plot(result.players)}'
        f"{_latency_plot(result.played)}{_number_plot(result.played)}</div>"
    )


def _latency_plot(played: BytesPlayed) -> str:
    """Return how long after the release the first word and the last one came, shares of those that did."""
    early = [each.early_s for each in played.told if each.early_s is not None]
    final = [each.scored.latency_s for each in played.told if each.scored.latency_s is not None]
    labels = [f"< {LATENCY_EDGES_S[0]:g}", *(f"< {edge:g}" for edge in LATENCY_EDGES_S[1:]), "more"]
    series = [("provisional", _shares(early)), ("final", _shares(final))]
    return bars("Delay after the release", "s", labels, series)


def _shares(values: Sequence[float]) -> list[float]:
    counts = np.bincount(np.searchsorted(LATENCY_EDGES_S, values, side="right"), minlength=len(LATENCY_EDGES_S) + 1)
    return [float(count) / max(len(values), 1) for count in counts]


def _number_plot(played: BytesPlayed) -> str:
    """Return how many items the acts moved, and how many of each were told right and how many reviewed."""
    rows = [(each, each.beside) for each in played.told if each.beside is not None]
    series = [
        ("all acts", _by_number(rows, [True] * len(rows))),
        (f"{ENGINE} right", _by_number(rows, [told_right(told) for told, _ in rows])),
        (f"{ENGINE} reviewed", _by_number(rows, [bool(told_reasons(told)) for told, _ in rows])),
        ("oracle right", _by_number(rows, [beside.answers[0].bill == beside.bill for _, beside in rows])),
    ]
    labels = [str(number) for number in range(1, MAX_ITEMS + 1)]
    return bars("Acts by number of items, shares of all acts", "items moved", labels, series)


def _by_number(rows: Sequence[tuple[Told, Beside]], counted: Sequence[bool]) -> list[float]:
    numbers = [beside.items for (_, beside), here in zip(rows, counted, strict=True) if here]
    return [numbers.count(number) / max(len(rows), 1) for number in range(1, MAX_ITEMS + 1)]

"""The scores as one HTML page that needs nothing beside it: tables, reliability, error left over review rate."""

from collections.abc import Sequence
from html import escape
from math import sqrt

import numpy as np

from edge_agent.judging import VERSION
from edge_agent.judging.match import Played
from edge_agent.judging.plots import Axis, Curve, plot
from edge_agent.judging.scores import ReliabilityBin, Score, residual_errors
from edge_agent.judging.wording import HEADS, STANDING, causes, left_out_line, score_row, terms_line

REVIEWED = tuple(float(share) for share in np.geomspace(0.001, 0.5, 28))
REVIEW_AXIS = Axis("reviewed, the least sure first", 0.001, 0.5)
LEFT_AXIS = Axis("wrong among the rest", 1e-4, 1.0)
FORETOLD_AXIS = Axis("errors foretold by the confidence", 1e-5, 1.0)
SEEN_AXIS = Axis("errors seen, 95 % interval", 1e-5, 1.0)

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1b1b1b; background: #fff; max-width: 1120px; margin: 24px auto;
  padding: 0 16px }
h1 { font-size: 22px } h2 { font-size: 17px; margin: 30px 0 6px }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px }
th, td { padding: 3px 10px; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left }
.plots { display: flex; flex-wrap: wrap; gap: 12px; margin-top: 8px } svg { flex: 1 1 440px; max-width: 540px }
svg text { font: 11px system-ui, sans-serif; fill: #333 } svg .title { font-size: 13px; font-weight: 600 }
.grid { stroke: #e5e5e5 } .honest { stroke: #888; stroke-dasharray: 4 3 } .note { color: #555; font-size: 13px }
"""


def html_report(matches: Sequence[tuple[Played, Sequence[Score]]]) -> str:
    """Return the page."""
    body = "\n".join(_section(played, scores) for played, scores in matches)
    return page(f"Scores by {VERSION}, ideal acts", f"<p>{escape(STANDING)}</p>\n{body}")


def page(headline: str, body: str) -> str:
    """Return a whole page around elements."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>edge-agent lab score, {escape(VERSION)}</title><style>{STYLE}</style></head><body>\n"
        f"<h1>{escape(headline)}</h1>\n{body}\n</body></html>\n"
    )


def html_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table element."""
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _section(played: Played, scores: Sequence[Score]) -> str:
    asked = [each for each in scores if each.review_causes]
    why = "".join(f"<br>{escape(each.name)}: reviewed for {escape(causes(each))}" for each in asked)
    return (
        f"<h2>{escape(terms_line(played.terms))}</h2>\n{html_table(HEADS, [score_row(each) for each in scores])}\n"
        '<p class="note">Shares of all acts, %; "left" of those left after review. Regret is what the oracle gives its '
        "own choice less what it gives this one, over the oracle's error; "
        f"{escape(left_out_line(played.terms))}.{why}</p>\n"
        f'<div class="plots">{residual_plot(played)}{reliability_plot(scores)}</div>'
    )


def residual_plot(played: Played) -> str:
    """Return how many bills are wrong among the rest, over how many are reviewed."""
    curves = []
    for player in played.players:
        shares = tuple(share for share in REVIEWED if share * len(player.right) >= 1)
        left = residual_errors(player.wrong, player.confidence, shares)
        points = tuple((share, error, error, error) for share, error in zip(shares, left, strict=True))
        curves.append(Curve(player.name, points))
    return plot("Wrong bills left after review", REVIEW_AXIS, LEFT_AXIS, curves)


def reliability_plot(scores: Sequence[Score]) -> str:
    """Return errors seen over errors foretold, of players whose confidence claims to be a probability."""
    curves = []
    for each in scores:
        if not each.reliability:
            continue
        points = tuple(
            (group.expected_errors / group.acts, group.observed_errors / group.acts, *_wilson(group))
            for group in reversed(each.reliability)
            if group.acts
        )
        curves.append(Curve(each.name, points, joined=False))
    return plot("Reliability, by confidence", FORETOLD_AXIS, SEEN_AXIS, curves, diagonal=True)


def _wilson(group: ReliabilityBin) -> tuple[float, float]:
    """Return Wilson's 95 % interval of the share of errors."""
    z, acts = 1.96, group.acts
    share = group.observed_errors / acts
    middle = (share + z**2 / (2 * acts)) / (1 + z**2 / acts)
    half = z / (1 + z**2 / acts) * sqrt(share * (1 - share) / acts + z**2 / (4 * acts**2))
    return max(middle - half, 0.0), min(middle + half, 1.0)

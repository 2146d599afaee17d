"""The advice as one HTML page: each shelf from above, its lanes coloured by forecast, arcs between what is confused."""

from collections.abc import Sequence
from html import escape

from edge_agent.advising.advice import Advice
from edge_agent.advising.forecast import Forecast, Neighbours
from edge_agent.advising.thresholds import Standing

WIDTH, TOP, LANE_HEIGHT = 960, 150, 96
GOOD, FAIR, POOR, NOT_DRAWN = "#15803d", "#b45309", "#b91c1c", "#6b7280"
DRAWN_PER_1000 = 1.0
"""Pairs that leave less undecided are not drawn, in 1,000 acts of either (2026-11)."""
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1b1b1b; background: #fff; max-width: 1000px; margin: 24px auto;
  padding: 0 16px }
h1 { font-size: 22px } h2 { font-size: 17px; margin: 34px 0 6px }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; margin: 8px 0 }
th, td { padding: 3px 12px 3px 0; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child, td.text { text-align: left }
svg text { font: 12px system-ui, sans-serif; fill: #1b1b1b } svg .small { font-size: 11px; fill: #444 }
.note { color: #555; font-size: 13px }
"""


def page(advices: Sequence[Advice], notes: Sequence[str]) -> str:
    """Return the page; it needs nothing beside it. ``notes`` are paragraphs on all shelves."""
    said = "\n".join(f'<p class="note">{escape(each)}</p>' for each in notes)
    body = "\n".join(_section(each) for each in advices)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>edge-agent lab advise</title><style>{STYLE}</style></head><body>\n"
        "<h1>What the shelves will tell</h1>\n"
        f"{said}\n{body}\n</body></html>\n"
    )


def _section(advice: Advice) -> str:
    pairs = "".join(
        f'<tr><td>{escape(each.sku)}</td><td class="text">{escape(each.other)}</td>'
        f"<td>{each.undecided_per_1000:.1f}</td></tr>"
        for each in advice.now.neighbours[:8]
    )
    changes = "".join(_plan(each.text, each.forecast, each.at_target) for each in advice.proposals)
    return (
        f"<h2>{escape(advice.title)}</h2>\n<p>{escape(advice.verdict())}</p>\n{shelf_svg(advice)}\n"
        "<table><tr><th>taken for each other</th><th></th><th>undecided per 1,000</th></tr>"
        f"{pairs}</table>\n"
        "<table><tr><th>plan</th><th>reviewed per 1,000</th><th>wrong per 1,000</th>"
        "<th>reviewed per 1,000 at the target</th></tr>"
        f"{_plan('as it is', advice.now, advice.at_target)}{changes}</table>"
    )


def _plan(text: str, plan: Forecast, at_target: Standing) -> str:
    return (
        f"<tr><td>{escape(text)}</td><td>{1000 * plan.reviewed:.1f}</td><td>{1000 * plan.wrong:.2f}</td>"
        f"<td>{1000 * at_target.reviewed:.1f}</td></tr>"
    )


def shelf_svg(advice: Advice) -> str:
    """Return the shelf from above as an SVG element; the thicker an arc, the more stays undecided between its ends."""
    scale = WIDTH / advice.width_mm
    middles = {lane.sku: (lane.x_mm[0] + lane.x_mm[1]) / 2 * scale for lane in advice.lanes}
    parts = [f'<svg viewBox="0 0 {WIDTH} {TOP + LANE_HEIGHT + 4}" role="img" aria-label="{escape(advice.title)}">']
    drawn = [each for each in advice.now.neighbours if each.undecided_per_1000 >= DRAWN_PER_1000]
    parts += [_arc(each, middles) for each in reversed(drawn) if each.sku in middles and each.other in middles]
    for lane, product in zip(advice.lanes, advice.now.products, strict=True):
        x, width = lane.x_mm[0] * scale, (lane.x_mm[1] - lane.x_mm[0]) * scale
        colour, shares = NOT_DRAWN, ("-", "-")
        if product.reviewed is not None and product.wrong is not None:
            over = product.reviewed / advice.targets.reviewed
            colour = GOOD if over <= 1 else FAIR if over <= 5 else POOR
            shares = f"{1000 * product.reviewed:.0f} ‰ reviewed", f"{1000 * product.wrong:.2f} ‰ wrong"
        letters = max(int(width / 7), 1)
        texts = (lane.lane_id, lane.sku, *shares)
        parts.append(
            f'<rect x="{x:.1f}" y="{TOP}" width="{max(width - 2, 1):.1f}" height="{LANE_HEIGHT}" rx="4" '
            f'fill="{colour}" fill-opacity="0.14" stroke="{colour}"/>'
        )
        for row, text in enumerate(texts):
            shown = text if len(text) <= letters else f"{text[: letters - 1]}…"
            parts.append(
                f'<text x="{x + 6:.1f}" y="{TOP + 20 + 20 * row}">{escape(shown)}<title>{escape(text)}</title></text>'
            )
    return "\n".join([*parts, "</svg>"])


def _arc(pair: Neighbours, middles: dict[str, float]) -> str:
    left, right = sorted((middles[pair.sku], middles[pair.other]))
    height = min(TOP - 24, 26 + 0.42 * (right - left))
    thickness = min(1.0 + pair.undecided_per_1000 / 12, 14.0)
    colour = POOR if pair.undecided_per_1000 >= 50 else FAIR
    text = f"{pair.undecided_per_1000:.0f}"
    peak = TOP - height * 0.75 - 6
    return (
        f'<path d="M{left:.1f} {TOP} C{left:.1f} {TOP - height:.1f} {right:.1f} {TOP - height:.1f} {right:.1f} {TOP}" '
        f'fill="none" stroke="{colour}" stroke-opacity="0.65" stroke-width="{thickness:.1f}">'
        f"<title>{escape(pair.sku)} / {escape(pair.other)}: {pair.undecided_per_1000:.1f} per 1,000</title></path>"
        f'<text x="{(left + right) / 2:.1f}" y="{peak:.1f}" text-anchor="middle">{text}</text>'
    )

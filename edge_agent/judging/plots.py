"""Plots as inline SVG: curves, logarithmic on both axes, of shares from a hundred-thousandth to one; and bars."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 520, 340
LEFT, RIGHT, TOP, BOTTOM = 62, 26, 30, 44
COLOURS = ("#1b1b1b", "#c2410c", "#2563eb", "#15803d", "#9333ea", "#a16207")
"""Dark enough on white, told apart by the colour-blind in this order (2026-11)."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of one player, (x, y, low, high) each; low and high bound y, equal to it where there is no interval."""

    name: str
    points: tuple[tuple[float, float, float, float], ...]
    joined: bool = True


@dataclass(frozen=True, slots=True)
class Axis:
    """A logarithmic axis."""

    title: str
    low: float
    high: float

    def place(self, value: float) -> float:
        """Return where a value lies, 0 at the low end and 1 at the high one, kept inside."""
        bounded = min(max(value, self.low), self.high)
        return math.log(bounded / self.low) / math.log(self.high / self.low)

    def ticks(self) -> list[float]:
        """Return the powers of ten inside."""
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        return [10.0**power for power in range(first, last + 1)]


def plot(title: str, x: Axis, y: Axis, curves: Sequence[Curve], *, diagonal: bool = False) -> str:
    """Return an SVG element with axes, grid, curves and a legend; values of 0 lie on the lower edge."""
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        f'<text x="{LEFT}" y="18" class="title">{escape(title)}</text>',
        *_grid(x, y),
    ]
    if diagonal:
        low, high = max(x.low, y.low), min(x.high, y.high)
        parts.append(
            f'<line class="honest" x1="{_x(x, low):.1f}" y1="{_y(y, low):.1f}" '
            f'x2="{_x(x, high):.1f}" y2="{_y(y, high):.1f}"/>'
        )
    for index, curve in enumerate(curves):
        parts += _drawn(curve, x, y, COLOURS[index % len(COLOURS)])
    parts += _legend([curve.name for curve in curves])
    return "\n".join([*parts, "</svg>"])


def bars(title: str, across: str, labels: Sequence[str], series: Sequence[tuple[str, Sequence[float]]]) -> str:
    """Return an SVG element with a group of bars for every label, one bar a series; heights are shares, from 0.

    Parameters
    ----------
    series : sequence of (name, share of every label)
    """
    tallest = max((value for _, values in series for value in values), default=0.0)
    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if 5 * step >= min(tallest, 1.0))
    top = step * max(math.ceil(tallest / step - 1e-9), 1)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        f'<text x="{LEFT}" y="18" class="title">{escape(title)}</text>',
    ]
    for count in range(round(top / step) + 1):
        at = HEIGHT - BOTTOM - count * step / top * (HEIGHT - TOP - BOTTOM)
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{at:.1f}" x2="{WIDTH - RIGHT}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{_share(round(count * step, 9))}</text>')
    group = (WIDTH - LEFT - RIGHT) / max(len(labels), 1)
    width = 0.8 * group / max(len(series), 1)
    for place, label in enumerate(labels):
        left = LEFT + (place + 0.1) * group
        parts.append(
            f'<text x="{left + 0.4 * group:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{escape(label)}</text>'
        )
        for index, (_, values) in enumerate(series):
            tall = values[place] / top * (HEIGHT - TOP - BOTTOM)
            parts.append(
                f'<rect x="{left + index * width:.1f}" y="{HEIGHT - BOTTOM - tall:.1f}" width="{width:.1f}" '
                f'height="{tall:.1f}" fill="{COLOURS[index % len(COLOURS)]}"/>'
            )
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(across)}</text>'
    )
    return "\n".join([*parts, *_legend([name for name, _ in series], right=True), "</svg>"])


def _x(axis: Axis, value: float) -> float:
    return LEFT + axis.place(value) * (WIDTH - LEFT - RIGHT)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - axis.place(value) * (HEIGHT - TOP - BOTTOM)


def _share(value: float) -> str:
    return f"{value * 100:g} %"


def _grid(x: Axis, y: Axis) -> list[str]:
    parts = []
    for tick in x.ticks():
        at = _x(x, tick)
        parts.append(f'<line class="grid" x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{_share(tick)}</text>')
    for tick in y.ticks():
        at = _y(y, tick)
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{at:.1f}" x2="{WIDTH - RIGHT}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{_share(tick)}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    across = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{across}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x.title)}</text>')
    parts.append(f'<text transform="translate(13 {middle}) rotate(-90)" text-anchor="middle">{escape(y.title)}</text>')
    return parts


def _drawn(curve: Curve, x: Axis, y: Axis, colour: str) -> list[str]:
    parts = []
    places = [(_x(x, point[0]), _y(y, point[1])) for point in curve.points]
    if curve.joined and len(places) > 1:
        line = " ".join(f"{across:.1f},{up:.1f}" for across, up in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
    for (across, up), (_, value, low, high) in zip(places, curve.points, strict=True):
        if high > low:
            parts.append(
                f'<line x1="{across:.1f}" y1="{_y(y, low):.1f}" x2="{across:.1f}" y2="{_y(y, high):.1f}" '
                f'stroke="{colour}" opacity="0.5"/>'
            )
        fill = colour if value > 0 else "white"
        parts.append(f'<circle cx="{across:.1f}" cy="{up:.1f}" r="2.8" fill="{fill}" stroke="{colour}"/>')
    return parts


def _legend(names: Sequence[str], *, right: bool = False) -> list[str]:
    """Return names beside their colours: at the lower left, where curves seldom are, or at the upper right."""
    parts = []
    at = WIDTH - RIGHT - 10 if right else LEFT + 12
    side, text = (-8, ' text-anchor="end"') if right else (8, "")
    for index, name in enumerate(names):
        up = TOP + 14 + 15 * index if right else HEIGHT - BOTTOM - 10 - 15 * (len(names) - 1 - index)
        parts.append(f'<circle cx="{at}" cy="{up - 4}" r="3.5" fill="{COLOURS[index % len(COLOURS)]}"/>')
        parts.append(f'<text x="{at + side}" y="{up}"{text}>{escape(name)}</text>')
    return parts

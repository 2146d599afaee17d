"""A sheet of drawing: what the hardware pictures share, on top of schemdraw.

All lengths are schemdraw units, x to the right and y upwards; one unit is `PX_PER_UNIT` pixels. Numbers in the
finished SVG are rounded, so that the same code gives the same bytes on every machine.
"""  # noqa: INP001

import itertools
import re
from collections.abc import Sequence
from pathlib import Path

import schemdraw
import schemdraw.elements as elm
from schemdraw.segments import SegmentText

PX_PER_UNIT = 36
"""schemdraw's own scale: half an inch of 72 points."""
TEXT_PX = 13.0
"""At 900 px width a page shows it as large as its own small print (2026-11)."""

FONT = "DejaVu Sans, Arial, sans-serif"

Point = tuple[float, float]

STEEL, ALUMINIUM, PLATE, GOODS = "#b8bec6", "#dfe5ec", "#c9d8ea", "#f3ead3"
RED, BLACK, GREEN, WHITE_WIRE, BLUE, AMBER = "#c62828", "#111111", "#2e7d32", "#8a8f96", "#1f5fa8", "#b26a00"

schemdraw.use("svg")
schemdraw.svgconfig.text = "text"
schemdraw.svgconfig.useBatik = True  # no dominant-baseline: not every viewer knows it


class Words(elm.Element):
    """Text at a point, split at newlines."""

    def __init__(self, words: str, align: str, px: float, color: str) -> None:
        super().__init__()
        self.segments.append(SegmentText((0, 0), words, align=(align, "center"), fontsize=px, color=color))


class Sheet:
    """One picture, from ``corner``, lower left, over ``size``."""

    def __init__(self, corner: Point, size: Point) -> None:
        self.drawing = schemdraw.Drawing(show=False)
        self.drawing.config(fontsize=TEXT_PX, lw=1.4, bgcolor="white", margin=0.25, font=FONT)
        self.box(corner, size, "white", "white")  # schemdraw would crop text at the rim

    def line(self, points: Sequence[Point], color: str = BLACK, width: float = 1.4, style: str = "-") -> None:
        """Draw straight pieces from point to point; ``style`` "--" is dashed."""
        for start, end in itertools.pairwise(points):
            self.drawing += elm.Line().at(start).to(end).color(color).linewidth(width).linestyle(style)

    def box(self, corner: Point, size: Point, fill: str, color: str = BLACK, width: float = 1.4) -> None:
        """Draw a filled rectangle from its lower left corner."""
        far = (corner[0] + size[0], corner[1] + size[1])
        rect = elm.Rect(corner1=corner, corner2=far, fill=fill, lw=width)
        self.drawing += rect.at((0, 0)).theta(0).color(color)

    def text(self, at: Point, words: str, align: str = "center", px: float = TEXT_PX, color: str = BLACK) -> None:
        """Write at a point; lines are split at newlines; ``align`` is left, center or right of the words."""
        self.drawing += Words(words, align, px, color).at(at).theta(0)

    def dot(self, at: Point, color: str = BLACK) -> None:
        """Mark a joint of wires."""
        self.drawing += elm.Dot(radius=0.08).at(at).color(color)

    def circle(self, center: Point, radius: float, fill: str, color: str = BLACK) -> None:
        """Draw a filled circle."""
        self.drawing += elm.Dot(radius=radius, open=True, fill=fill).at(center).color(color).fill(fill)

    def arrow(self, start: Point, end: Point, color: str = BLACK, width: float = 1.2) -> None:
        """Draw an arrow with its head at ``end``."""
        self.drawing += elm.Arrow(headwidth=0.18, headlength=0.28).at(start).to(end).color(color).linewidth(width)

    def callout(self, words: str, at: Point, target: Point, align: str = "left") -> None:
        """Write words and point from them to what they are about."""
        self.text(at, words, align)
        rows = words.count("\n") + 1
        if align == "center":
            start = (at[0], at[1] + (0.19 * rows + 0.05) * (1 if target[1] > at[1] else -1))
        else:
            start = (at[0] + (0.12 if align == "right" else -0.12), at[1])
        self.arrow(start, target, BLUE, 1.0)

    def write(self, path: Path) -> None:
        """Write the picture as SVG with two decimals."""
        svg = self.drawing.get_imagedata("svg").decode()
        svg = re.sub(r"<[^>]*>", lambda tag: re.sub(r"-?\d+\.\d+(e-?\d+)?", _two_decimals, tag[0]), svg)
        svg = svg.replace(' xml:lang="en"', "").replace("><", ">\n<")
        path.write_text(svg + "\n", encoding="utf-8")


def _two_decimals(number: re.Match[str]) -> str:
    return f"{float(number[0]) + 0.0:.2f}".replace("-0.00", "0.00")

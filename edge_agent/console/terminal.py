"""How commands write to a terminal: aligned columns, nothing that could steer it, progress only where one watches."""

import math
import sys
import textwrap
import unicodedata
from collections.abc import Sequence
from typing import TextIO

COLUMNS = 100
"""What fits a technician's ssh window without wrapping."""


def printable(text: str) -> str:
    """Return text in which control characters (an escape sequence in a product's name) are replaced by '�'."""
    return "".join("�" if unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else letter for letter in text)


def width(text: str) -> int:
    """Return the columns that text takes: two for wide letters, none for combining ones."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in {"W", "F"} else 1
        for letter in text
    )


def fitted(text: str, columns: int) -> str:
    """Return text cut (with '…') or padded to exactly ``columns``."""
    text = printable(text)
    if width(text) > columns:
        while text and width(text) > columns - 1:
            text = text[:-1]
        text = f"{text}…" if columns > 0 else ""
    return text + " " * (columns - width(text))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], limits: Sequence[int] = ()) -> list[str]:
    """Return rows under their heads; a column is as wide as its widest cell.

    With ``limits`` no column is wider than its limit (0: none) and the last gets what is left of 100 columns.
    """
    cells = [[printable(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(width(row[place]) for row in cells) for place in range(len(heads))]
    for place, limit in enumerate(limits):
        widths[place] = min(widths[place], limit) if limit else widths[place]
    if limits:
        widths[-1] = max(1, min(widths[-1], COLUMNS - sum(widths[:-1]) - 2 * (len(widths) - 1)))
    lines = ("  ".join(fitted(cell, columns) for cell, columns in zip(row, widths, strict=True)) for row in cells)
    return [line.rstrip() for line in lines]


def folded(text: str) -> list[str]:
    """Return text as lines of at most 100 columns, broken at spaces only so that paths and keys stay whole."""
    return textwrap.wrap(
        printable(text), COLUMNS, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def figure(value: float, *, sign: bool = False) -> str:
    """Return a measured value with a sensible number of digits; '-' where there is none."""
    if not math.isfinite(value):
        return "-"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
    rounded = round(value, digits) + 0.0  # no "-0.00"
    return f"{rounded:{'+' if sign else ''}.{digits}f}"


def say(*lines: str, stream: TextIO | None = None) -> None:
    """Print lines; letters that the terminal's encoding lacks become '?'."""
    stream = sys.stdout if stream is None else stream
    if stream is None:  # closed by the shell (`>&-`): nobody wants to read
        return
    encoding = stream.encoding or "utf-8"
    for line in lines:
        stream.write(line.encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()


class Progress:
    """One line on stderr that is rewritten in place; silent where no person watches."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._shown = ""

    def show(self, text: str) -> None:
        """Replace the line."""
        if self._stream.isatty() and text != self._shown:
            self._stream.write("\r" + fitted(text, max(width(text), width(self._shown))))
            self._stream.flush()
            self._shown = text

    def end(self) -> None:
        """Remove the line."""
        if self._shown:
            self._stream.write("\r" + " " * width(self._shown) + "\r")
            self._stream.flush()
            self._shown = ""

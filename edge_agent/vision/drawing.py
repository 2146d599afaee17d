"""A masked picture with the planogram's lanes drawn on it, for a technician to compare with the shelf."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge_agent.model import FloatArray
from edge_agent.vision.frames import ColourPicture
from edge_agent.vision.geometry import ShelfView, front_rectangle_mm

FONT = cv2.FONT_HERSHEY_SIMPLEX
OPENING, MARKER = (255, 210, 0), (0, 255, 120)
LANE_COLOURS = ((80, 200, 255), (255, 150, 90))
"""Neighbours alternate; red, green, blue."""
LETTER_SHARE = 0.02
"""Height of a capital letter, of the picture's height."""
SMALLEST_LETTER_PX = 7.0
CAPITAL_PX = 21.0
"""Of FONT at scale 1 (OpenCV's Hershey simplex)."""
DIMMED = 0.3
"""What is left of the picture's light behind writing, so that it is read on any product."""
NOT_DECOMPOSED = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L"}
    | {"đ": "d", "Đ": "D", "\u0131": "i", "\u2019": "'", "×": "x", "–": "-", "—": "-", "€": "EUR"}
)
"""Letters that have no accent to drop."""


@dataclass(frozen=True, slots=True)
class DrawnLane:
    """A lane and what is written into it."""

    lane_id: str
    name: str
    x_mm: tuple[float, float]


def plain(text: str) -> str:
    """Return text in the letters that OpenCV can draw: accents dropped, what has no likeness becomes '?'."""
    folded = unicodedata.normalize("NFKD", text.translate(NOT_DECOMPOSED))
    return "".join(letter if " " <= letter <= "~" else "?" for letter in folded if not unicodedata.combining(letter))


def lanes_drawn(
    masked: ColourPicture,
    view: ShelfView,
    lanes: Sequence[DrawnLane],
    markers_px: Mapping[int, FloatArray] | None = None,
) -> ColourPicture:
    """Return a copy of a masked picture with the opening, every lane and the markers on it.

    Parameters
    ----------
    masked : (height, width, 3)
        Red, green, blue; everything outside the shelf is black already.
    """
    picture = np.ascontiguousarray(masked).copy()
    thick = max(1, round(view.width_px / 640))
    for place, lane in enumerate(lanes):
        corners = view.to_px(front_rectangle_mm(lane.x_mm, view.opening_mm))
        colour = LANE_COLOURS[place % len(LANE_COLOURS)]
        _outline(picture, _inset(corners, thick + 1), colour, thick)
        _label(picture, corners, [plain(lane.lane_id), *plain(lane.name).split()], colour)
    opening = view.to_px(front_rectangle_mm((0.0, view.width_mm), view.opening_mm))
    _outline(picture, opening, OPENING, thick)
    for marker in (markers_px or {}).values():
        _outline(picture, marker, MARKER, thick)
    return picture


def _outline(picture: ColourPicture, corners_px: FloatArray, colour: tuple[int, int, int], thick: int) -> None:
    points = np.round(corners_px * 16).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(picture, [points], True, colour, thick, cv2.LINE_AA, shift=4)


def _inset(corners_px: FloatArray, by_px: float) -> FloatArray:
    """Return corners drawn a little towards the middle, so that neighbouring lanes' lines do not hide each other."""
    middle = corners_px.mean(axis=0)
    away = corners_px - middle
    length = np.linalg.norm(away, axis=1, keepdims=True)
    inset: FloatArray = middle + away * np.maximum(1 - 1.4 * by_px / np.maximum(length, 1e-9), 0.2)
    return inset


def _label(picture: ColourPicture, corners_px: FloatArray, words: Sequence[str], colour: tuple[int, int, int]) -> None:
    """Write the lane's id and its product's name at its upper edge as seen, as many words a line as fit."""
    across = np.sort(corners_px[:, 0])
    down = np.sort(corners_px[:, 1])
    left, right = float(across[1]), float(across[2])
    top, bottom = float(down[1]), float(down[2])
    room = max(right - left - 6, 1.0)
    letter = max(LETTER_SHARE * picture.shape[0], SMALLEST_LETTER_PX)
    letter = max(min(letter, letter * room / max(_width(words[0], letter), 1.0)), SMALLEST_LETTER_PX)
    lines = [words[0]]
    for word in words[1:]:
        joined = f"{lines[-1]} {word}"
        if len(lines) > 1 and _width(joined, letter) <= room:
            lines[-1] = joined
        else:
            lines.append(_shortened(word, letter, room))
    for row, line in enumerate(lines):
        baseline = top + 6 + letter * (1 + 1.8 * row)
        if row and baseline + 0.5 * letter > bottom:
            break
        _written(picture, line, (left + right) / 2, baseline, letter, colour)


def _shortened(word: str, letter_px: float, room_px: float) -> str:
    """Return a word, or its beginning and a full stop where it is too long."""
    while len(word) > 2 and _width(word, letter_px) > room_px:
        word = f"{word.rstrip('.')[:-1]}."
    return word


def _width(text: str, letter_px: float) -> float:
    return float(cv2.getTextSize(text, FONT, letter_px / CAPITAL_PX, 1)[0][0])


def _written(
    picture: ColourPicture, text: str, middle: float, baseline: float, letter_px: float, colour: tuple[int, int, int]
) -> None:
    wide = _width(text, letter_px)
    left, right = round(middle - wide / 2), round(middle + wide / 2)
    top, bottom = round(baseline - 1.2 * letter_px), round(baseline + 0.5 * letter_px)
    behind = picture[max(top, 0) : max(bottom, 0), max(left - 2, 0) : max(right + 2, 0)]
    behind[:] = (behind * DIMMED).astype(np.uint8)
    scale, weight = letter_px / CAPITAL_PX, max(1, round(letter_px / 14))
    cv2.putText(picture, text, (left, round(baseline)), FONT, scale, colour, weight, cv2.LINE_AA)

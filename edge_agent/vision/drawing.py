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
OPENING, MARKER, BACKING = (255, 210, 0), (0, 255, 120), (0, 0, 0)
LANE_COLOURS = ((80, 200, 255), (255, 150, 90))
"""Neighbours alternate; red, green, blue."""
LETTER_SHARE = 0.045
"""Height of a capital letter, of the picture's height, at most."""
SMALLEST_LETTER_PX = 7
CAPITAL_PX = 21.0
"""Of FONT at scale 1 (OpenCV's Hershey simplex)."""
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
    for number, marker in sorted((markers_px or {}).items()):
        _outline(picture, marker, MARKER, thick)
        _written(picture, f"{number}", marker.mean(axis=0) + np.array([-4.0, 4.0]), 0.5 * thick, MARKER)
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
    """Write the lane's id and its product's name, a line a word or two, at the upper edge of the lane as it is seen."""
    across = np.sort(corners_px[:, 0])
    down = np.sort(corners_px[:, 1])
    left, right = float(across[1]), float(across[2])
    if right - left < SMALLEST_LETTER_PX:
        left, right = float(across[0]), float(across[3])
    top, bottom = float(down[1]), float(down[2])
    room = right - left - 6
    letter = min(LETTER_SHARE * picture.shape[0], max(SMALLEST_LETTER_PX, 0.2 * room))
    scale = letter / CAPITAL_PX
    lines = [words[0]]
    for word in words[1:]:
        joined = f"{lines[-1]} {word}"
        if len(lines) > 1 and _width(joined, scale) <= room:
            lines[-1] = joined
        else:
            lines.append(word)
    step = 1.7 * letter
    for row, line in enumerate(lines):
        baseline = top + 6 + letter + row * step
        if row and baseline + 3 > bottom:
            break
        shown = line
        while row and len(shown) > 2 and _width(shown, scale) > room:
            shown = shown[:-2].rstrip(".") + "."
        _written(picture, shown, np.array([(left + right - _width(shown, scale)) / 2, baseline]), scale, colour)


def _width(text: str, scale: float) -> float:
    return float(cv2.getTextSize(text, FONT, scale, 1)[0][0])


def _written(picture: ColourPicture, text: str, at_px: FloatArray, scale: float, colour: tuple[int, int, int]) -> None:
    """Write with its lower left corner there, on a dark rim so that it is read on any product."""
    place = (round(float(at_px[0])), round(float(at_px[1])))
    weight = max(1, round(scale * 1.6))
    cv2.putText(picture, text, place, FONT, scale, BACKING, weight + 3, cv2.LINE_AA)
    cv2.putText(picture, text, place, FONT, scale, colour, weight, cv2.LINE_AA)

"""Printed markers at the four corners of a shelf's opening: where each belongs, and which a picture shows.

Each is a black square on a white piece of paper. The piece touches a corner of the opening from outside, on the front
edge of a board, and its outer side is flush with the shelf's end::

    [3]________________________[2]   upper ones: the piece stands on the opening's upper edge
       |                      |
       |       opening        |      x from the left edge, z above the board
    [0]________________________[1]   lower ones: the piece hangs from the board's upper surface

so that goods never hide them, and they stay inside the mask (`AROUND_MM`) where they are left hanging.

The dictionary is OpenCV's 5 × 5 of 50: its first four words differ from each other, however turned, in 8 of 25 bits
and from every word seen in a mirror in 5, against 4 and 2 of 16 with 4 × 4 (counted, 2026-12); 6 × 6 would need an
eighth more pixels a marker. Only one wrong bit is put right: print on goods is full of small squares.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from edge_agent.model import FloatArray
from edge_agent.vision.frames import GreyPicture
from edge_agent.vision.marker_edges import refined_corners

DICTIONARY = cv2.aruco.DICT_5X5_50
CELLS = 7
"""Along a marker's side: five of code and the black border."""
PLACES = ("lower left", "lower right", "upper right", "upper left")
"""Where markers 0 to 3 belong."""
MARKER_MM = 30.0
"""Side of a black square; with its margin it fills a price rail of 40 mm (2026-12)."""
MARKER_RANGE_MM = (20.0, 55.0)
"""What an A4 sheet takes, and what a shelf's edge bears."""
MARGIN = 1 / 6
"""White around a marker, of its side: more than one cell, without which it is not found before something dark."""
CORRECTED_BITS_RATE = 0.34
"""Of the three bits that the dictionary could put right, one."""
LEAST_PERIMETER = 0.02
"""Of the picture's longer side; a marker of 7 px a side in 1280 is still sought, to be called too small by name."""

ENLARGED = 2
SHARPENED = 1.5
"""Small and blurred markers, 2.5-4 px a cell under a blur of 1.0-1.5 px, are sought once more in a picture of twice the
size with the difference of two blurs added so many times: 44 of 48 are read then, 31 without (2026-12)."""
CELL_PX, CELL_RIM = 8, 0.3
"""A cell is read at so many pixels without its rim, into which blur carries its neighbours (44 of 48 against 31)."""


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A marker in a picture: its number and its corners, (4, 2) px, upper left first and clockwise as printed."""

    marker_id: int
    corners_px: FloatArray

    @property
    def middle_px(self) -> FloatArray:
        """Return its middle, (2,) px."""
        middle: FloatArray = self.corners_px.mean(axis=0)
        return middle


@dataclass(frozen=True, slots=True)
class Sightings:
    """What a picture shows of markers.

    Attributes
    ----------
    seen : tuple of Sighting
        Of this dictionary, foreign numbers and second copies too.
    unreadable_px : (n, 2)
        Middles of squares that carry no code of it.
    mirrored : bool
        They are readable in the mirror only; ``seen`` is empty then.
    """

    seen: tuple[Sighting, ...]
    unreadable_px: FloatArray
    mirrored: bool = False


def margin_mm(marker_mm: float) -> float:
    """Return the white margin around a marker."""
    return marker_mm * MARGIN


def marker_corners_mm(marker_id: int, width_mm: float, opening_mm: float, marker_mm: float = MARKER_MM) -> FloatArray:
    """Return where the corners of a marker's black square belong on the front, (4, 2) mm, in a sighting's order."""
    margin = margin_mm(marker_mm)
    place = PLACES[marker_id]
    left = margin if "left" in place else width_mm - margin - marker_mm
    bottom = opening_mm + margin if "upper" in place else -margin - marker_mm
    right, top = left + marker_mm, bottom + marker_mm
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


def marker_cells(marker_id: int) -> GreyPicture:
    """Return a marker's cells as printed, (7, 7): 0 black, 255 white."""
    dictionary = cv2.aruco.getPredefinedDictionary(DICTIONARY)
    cells = cv2.aruco.generateImageMarker(dictionary, marker_id, CELLS)
    return np.asarray(cells, dtype=np.uint8)


def find_markers(grey: GreyPicture) -> Sightings:
    """Find the markers in a picture, to a fraction of a pixel; small or blurred ones are sought in an enlarged one."""
    seen, unreadable_px = _read(grey)
    if _own(seen) < len(PLACES):
        more, _ = _read(_sharpened(grey))
        if _own(more) > _own(seen):
            seen = tuple(Sighting(each.marker_id, (each.corners_px + 0.5) / ENLARGED - 0.5) for each in more)
    if _own(seen) < 2 <= _own(_read(np.ascontiguousarray(grey[:, ::-1]))[0]):
        return Sightings((), unreadable_px, mirrored=True)
    refined = (Sighting(each.marker_id, refined_corners(grey, each.corners_px, CELLS)) for each in seen)
    return Sightings(tuple(refined), unreadable_px)


def _sharpened(grey: GreyPicture) -> GreyPicture:
    """Return the picture enlarged and with its fine detail raised."""
    larger = cv2.resize(grey, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    fine = cv2.GaussianBlur(larger, (0, 0), 1.0)
    raised = fine + SHARPENED * (fine - cv2.GaussianBlur(larger, (0, 0), 3.0))
    return np.clip(raised, 0, 255).astype(np.uint8)


def _own(seen: tuple[Sighting, ...]) -> int:
    return len({each.marker_id for each in seen if each.marker_id < len(PLACES)})


def _read(grey: GreyPicture) -> tuple[tuple[Sighting, ...], FloatArray]:
    settings = cv2.aruco.DetectorParameters()
    settings.errorCorrectionRate = CORRECTED_BITS_RATE
    settings.minMarkerPerimeterRate = LEAST_PERIMETER
    settings.perspectiveRemovePixelPerCell = CELL_PX
    settings.perspectiveRemoveIgnoredMarginPerCell = CELL_RIM
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(DICTIONARY), settings)
    corners, numbers, rejected = detector.detectMarkers(grey)
    found = () if numbers is None else tuple(int(number) for number in np.ravel(numbers))
    seen = tuple(
        Sighting(number, np.asarray(px, dtype=np.float64).reshape(4, 2))
        for number, px in zip(found, corners, strict=True)
    )
    squares = [np.asarray(px, dtype=np.float64).reshape(4, 2).mean(axis=0) for px in rejected]
    return seen, np.array(squares).reshape(-1, 2)

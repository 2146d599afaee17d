"""A shelf's front found in one picture by its markers, or why not; a refusal names marker, place and fix."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edge_agent.model import FloatArray
from edge_agent.vision.frames import GreyPicture
from edge_agent.vision.front_fit import FrontFit, fit_front, px_per_mm, through
from edge_agent.vision.front_suspects import Offset, Sizes, measured_sizes, suspected_offset
from edge_agent.vision.front_words import (
    STICK,
    TOLD_SIZE,
    at_px,
    called,
    edges_beyond,
    hung,
    listed,
    seen_instead,
    sizes_told,
    way,
)
from edge_agent.vision.marker_order import Hanging, hanging_of
from edge_agent.vision.markers import CELLS, PLACES, Sighting, Sightings, find_markers, marker_corners_mm

SMALLEST_CELL_PX = 2.0
"""A marker's cell below it is read by luck (painted scenes, 2026-12)."""
FLATTEST = 0.2
"""A square seen flatter than 1 to 5 hides what stands behind its neighbour: the camera looks along the shelf."""
MOST_SIGMA_MM = 6.0
"""Of the opening's worst corner; two of it are half of a narrow lane's margin (rule, 2026-12)."""
OFF_PLACE_MM = 6.0
"""A marker this far off is refused: three times what sticking four by hand to 1 mm makes of the fourth (2026-12)."""
WRONG_SIZE = 0.05
"""Relative; below it a size that seems wrong is told, a wide lens bends pictures by as much (rule, 2026-12)."""
MOST_RESIDUAL_PX = 1.5
"""Root mean square of all corners, where nothing explains it better (rule, 2026-12)."""
CLEARLY_LESS = 0.5
"""An explanation is believed that leaves less than this share of the residual (rule, 2026-12)."""
NEAR_MARKERS = 0.8
"""An unreadable square this near to where a marker should be, in its sides, is that marker."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The picture shows no trustworthy front: a short name of the cause, and what a technician reads."""

    code: str
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class FoundFront:
    """The front as the markers show it.

    Attributes
    ----------
    corners_px : dict
        Marker → its corners, (4, 2).
    missing : int or None
        The marker that was not seen where three had to do.
    notes : tuple of str
        What a technician should know before confirming.
    """

    fit: FrontFit
    corners_px: dict[int, FloatArray]
    missing: int | None
    notes: tuple[str, ...]


def find_front(grey: GreyPicture, width_mm: float, opening_mm: float, marker_mm: float) -> FoundFront | Refused:
    """Find a shelf's front in a picture.

    Parameters
    ----------
    grey : (height, width)
        The large picture's grey.
    width_mm, opening_mm : float
        Of the shelf's opening.
    marker_mm : float
        Side of a marker's black square.
    """
    sightings = find_markers(grey)
    refused = _unusable(sightings)
    if refused is not None:
        return refused
    corners_px = {each.marker_id: each.corners_px for each in sightings.seen if each.marker_id < len(PLACES)}
    missing = [number for number in range(len(PLACES)) if number not in corners_px]
    if len(missing) > 1:
        perhaps = _perhaps_outside(missing, corners_px, grey.shape, marker_mm, (width_mm, opening_mm))
        return Refused("missing", f"{listed(missing)} not found{perhaps}; {seen_instead(sightings)}; {STICK}")
    hanging = hanging_of(corners_px, width_mm, opening_mm, marker_mm)
    if any(each.place != each.marker_id or each.quarters for each in hanging):
        return Refused(
            "swapped", f"{'; '.join(hung(each) for each in hanging if _wrong(each))}: put right what hangs wrong"
        )
    fit = fit_front(corners_px, width_mm, opening_mm, marker_mm)
    if fit is None:
        return Refused(
            "oblique", "the markers lie on one line in the picture: the camera looks along the shelf's front"
        )
    refused = _too_poor(fit, corners_px) or _disagreeing(fit, corners_px, width_mm, opening_mm, marker_mm)
    if missing:
        place_px = through(fit.front_to_px, marker_corners_mm(missing[0], width_mm, opening_mm, marker_mm))
        refused = refused or _outside(missing[0], place_px, grey.shape)
    if refused is not None:
        return refused
    notes = _notes(fit, corners_px, width_mm, opening_mm, marker_mm)
    if missing:
        notes = (_only_three(missing[0], place_px, fit, sightings), *notes)
    return FoundFront(fit, corners_px, missing[0] if missing else None, notes)


def _unusable(sightings: Sightings) -> Refused | None:
    if sightings.mirrored:
        return Refused(
            "mirrored",
            "the picture is mirrored: its markers are readable in a mirror only; switch mirroring off where the picture"
            " is made (a driver's horizontal flip), and do not photograph a reflection",
        )
    for number in range(len(PLACES)):
        copies: list[Sighting] = [each for each in sightings.seen if each.marker_id == number]
        if len(copies) > 1:
            places = " and ".join(at_px(each.middle_px) for each in copies)
            return Refused(
                "twice", f"{called(number)} is seen {len(copies)} times, at {places}: leave the one at its place"
            )
    return None


def _wrong(each: Hanging) -> bool:
    return each.place != each.marker_id or each.quarters != 0


def _too_poor(fit: FrontFit, corners_px: Mapping[int, FloatArray]) -> Refused | None:
    for number, corners in corners_px.items():
        side = float(np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1).min())
        if side < SMALLEST_CELL_PX * CELLS and fit.flatness >= FLATTEST:
            return Refused(
                "small",
                f"{called(number)} is only {side:.0f} px wide or high, {SMALLEST_CELL_PX * CELLS:.0f} are needed: bring"
                " the camera nearer, raise width_px and height_px, or print larger markers (--marker-mm)",
            )
    if fit.flatness < FLATTEST:
        return Refused(
            "oblique",
            f"the camera looks along the shelf: a square there is seen {1 / fit.flatness:.1f} times as long as wide,"
            f" allowed is {1 / FLATTEST:.0f}; mount it farther before the front",
        )
    worst = int(np.argmax(fit.sigma_mm))
    if fit.sigma_mm[worst] > MOST_SIGMA_MM:
        return Refused(
            "unsure",
            f"the opening's {PLACES[worst]} corner is known to ± {2 * fit.sigma_mm[worst]:.0f} mm only, allowed are"
            f" {2 * MOST_SIGMA_MM:.0f}: show all four markers, larger or from nearer",
        )
    return None


def _disagreeing(
    fit: FrontFit, corners_px: Mapping[int, FloatArray], width_mm: float, opening_mm: float, marker_mm: float
) -> Refused | None:
    offset, sizes = _suspects(fit, corners_px, width_mm, opening_mm, marker_mm)
    if offset is not None and offset.size_mm > OFF_PLACE_MM:
        return Refused(
            "off place",
            f"{called(offset.marker_id)} hangs {offset.size_mm:.0f} mm off its place by what the other three say"
            f" ({way(offset)}): put it right, flat against the shelf's edge",
        )
    if sizes is not None and _strangeness(sizes, width_mm, opening_mm) > WRONG_SIZE:
        return Refused("size", sizes_told(sizes, width_mm, opening_mm, marker_mm))
    if fit.rms_px > MOST_RESIDUAL_PX and fit.rms_mm > 1.0:
        worst = max(fit.residual_px, key=lambda number: fit.residual_px[number])
        return Refused(
            "residual",
            f"the markers disagree by {fit.rms_px:.1f} px ({fit.rms_mm:.1f} mm), most of all {called(worst)}: stick all"
            " four flat, and take no lens so wide that straight edges look bent",
        )
    return None


def _suspects(
    fit: FrontFit, corners_px: Mapping[int, FloatArray], width_mm: float, opening_mm: float, marker_mm: float
) -> tuple[Offset | None, Sizes | None]:
    """Return the one explanation of the residual that is believed, if any: a marker off its place or wrong sizes."""
    offset = suspected_offset(corners_px, width_mm, opening_mm, marker_mm)
    sizes = measured_sizes(corners_px, width_mm, opening_mm, marker_mm)
    if offset is not None and (not offset.certain or offset.left_px > CLEARLY_LESS * fit.rms_px):
        offset = None
    if sizes is not None and sizes.left_px > CLEARLY_LESS * fit.rms_px:
        sizes = None
    if offset is not None and sizes is not None:
        return (offset, None) if offset.left_px <= sizes.left_px else (None, sizes)
    return offset, sizes


def _strangeness(sizes: Sizes, width_mm: float, opening_mm: float) -> float:
    return max(abs(sizes.width_mm / width_mm - 1), abs(sizes.opening_mm / opening_mm - 1))


def _perhaps_outside(
    missing: list[int],
    corners_px: Mapping[int, FloatArray],
    shape: tuple[int, ...],
    marker_mm: float,
    size_mm: tuple[float, float],
) -> str:
    """Return where two markers, which tell it only roughly, say that the others lie outside the picture."""
    fit = fit_front(corners_px, *size_mm, marker_mm) if len(corners_px) == 2 else None
    if fit is None:
        return ""
    places = (through(fit.front_to_px, marker_corners_mm(number, *size_mm, marker_mm)) for number in missing)
    edges = sorted({edge for place in places for edge in edges_beyond(place, shape)})
    return f", perhaps beyond the picture's {' and '.join(edges)} edge" if edges else ""


def _outside(number: int, place_px: FloatArray, shape: tuple[int, ...]) -> Refused | None:
    rows, columns = shape[:2]
    edges = edges_beyond(place_px, shape)
    if not edges:
        return None
    return Refused(
        "outside",
        f"{called(number)} lies beyond the picture's {' and '.join(edges)} edge, at {at_px(place_px.mean(axis=0))} of"
        f" {columns} × {rows}: turn the camera there or move it back",
    )


def _only_three(number: int, place_px: FloatArray, fit: FrontFit, sightings: Sightings) -> str:
    middle = place_px.mean(axis=0)
    side = float(np.linalg.norm(place_px[0] - place_px[1]))
    near = len(sightings.unreadable_px) and bool(
        (np.linalg.norm(sightings.unreadable_px - middle, axis=1) < NEAR_MARKERS * side).any()
    )
    why = (
        "something square is there that cannot be read: covered, dirty or glaring"
        if near
        else "nothing square is there"
    )
    return (
        f"{called(number)} is not found; by the others it belongs at {at_px(middle)}, where {why}. The opening's"
        f" {PLACES[number]} corner is known to ± {2 * fit.sigma_mm[number]:.0f} mm, and nothing checks the three"
    )


def _notes(
    fit: FrontFit, corners_px: Mapping[int, FloatArray], width_mm: float, opening_mm: float, marker_mm: float
) -> tuple[str, ...]:
    notes = []
    offset, sizes = _suspects(fit, corners_px, width_mm, opening_mm, marker_mm)
    if offset is not None and offset.size_mm > OFF_PLACE_MM / 2:
        notes.append(f"{called(offset.marker_id)} seems to hang {offset.size_mm:.0f} mm off its place ({way(offset)})")
    if sizes is not None and _strangeness(sizes, width_mm, opening_mm) > TOLD_SIZE:
        notes.append(sizes_told(sizes, width_mm, opening_mm, marker_mm))
    if px_per_mm(fit.front_to_px, np.array([[width_mm / 2, opening_mm / 2]]))[0, 1, 1] > 0:
        notes.append("the picture shows the shelf upside down: right if the camera hangs so")
    return tuple(notes)

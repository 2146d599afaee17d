"""What makes markers disagree: one of them stuck in the wrong place, or sizes that are not what they are said to be.

A homography bends to almost any four places, so a marker that hangs wrong hardly shows as a residual: 20 mm leave
1 mm. But each marker is a small square whose size in the picture tells the perspective at its place. Three markers
therefore predict the fourth, and squares of a known size measure the opening. Both need corners read to a tenth of a
pixel (marker_edges.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edge_agent.model import FloatArray
from edge_agent.vision.front_fit import FrontFit, fit_front, sigma_at_mm, through
from edge_agent.vision.markers import marker_corners_mm

CERTAIN_SIGMAS = 4.0
"""An offset must exceed so many standard deviations of its own reading."""
LEAST_READING_PX = 0.05
"""A corner is never read better (painted scenes, 2026-12)."""
PARAMETERS = 8
"""Of a homography."""
SMALLEST_STEP = 0.001
"""Of a size, relative, at which the search for it ends."""


@dataclass(frozen=True, slots=True)
class Offset:
    """A marker hangs off its place, mm of the front to the right and up; ``left_px`` is the others' residual."""

    marker_id: int
    right_mm: float
    up_mm: float
    certain: bool
    left_px: float

    @property
    def size_mm(self) -> float:
        """Return how far it hangs off."""
        return float(np.hypot(self.right_mm, self.up_mm))


@dataclass(frozen=True, slots=True)
class Sizes:
    """The shelf's width and its opening in the measure of the markers; ``left_px`` is the residual with them."""

    width_mm: float
    opening_mm: float
    left_px: float


def suspected_offset(
    corners_px: Mapping[int, FloatArray], width_mm: float, opening_mm: float, marker_mm: float
) -> Offset | None:
    """Return how far the marker hangs off whose absence lets the others agree best; None with three markers."""
    if len(corners_px) < 4:
        return None
    fits: dict[int, FrontFit] = {}
    for number in corners_px:
        others = {each: px for each, px in corners_px.items() if each != number}
        if (found := fit_front(others, width_mm, opening_mm, marker_mm)) is not None:
            fits[number] = found
    if not fits:
        return None
    number = min(fits, key=lambda each: fits[each].rms_px)
    fit = fits[number]
    at = marker_corners_mm(number, width_mm, opening_mm, marker_mm)
    back = np.asarray(np.linalg.inv(fit.front_to_px), dtype=np.float64)
    off = (through(back, corners_px[number]) - at).mean(axis=0)
    others_mm = np.concatenate(
        [marker_corners_mm(each, width_mm, opening_mm, marker_mm) for each in sorted(corners_px) if each != number]
    )
    left_px = _reading_px(fit, corners=12)
    reading_mm = sigma_at_mm(
        fit.front_to_px, others_mm, at.mean(axis=0)[None], corner_px=max(left_px, LEAST_READING_PX), placed_mm=0.0
    )[0]
    certain = float(np.hypot(*off)) > CERTAIN_SIGMAS * float(reading_mm)
    return Offset(number, float(off[0]), float(off[1]), certain, left_px)


def measured_sizes(
    corners_px: Mapping[int, FloatArray], width_mm: float, opening_mm: float, marker_mm: float
) -> Sizes | None:
    """Return the width and opening with which the markers agree best, by a search along both; None where none fits."""

    def misfit(scales: tuple[float, float]) -> float:
        fit = fit_front(corners_px, width_mm * scales[0], opening_mm * scales[1], marker_mm)
        return np.inf if fit is None else _reading_px(fit, corners=4 * len(corners_px), more=2)

    at, step = (1.0, 1.0), 0.04
    least = misfit(at)
    while step > SMALLEST_STEP and np.isfinite(least):
        around = [(at[0] + across * step, at[1] + up * step) for across in (-1, 0, 1) for up in (-1, 0, 1)]
        found, best = min(((misfit(each), each) for each in around), key=lambda each: each[0])
        if best == at or found >= least:
            step /= 2
        else:
            at, least = best, found
        if not 0.5 < at[0] < 2 or not 0.5 < at[1] < 2:
            return None
    return Sizes(width_mm * at[0], opening_mm * at[1], least) if np.isfinite(least) else None


def _reading_px(fit: FrontFit, *, corners: int, more: int = 0) -> float:
    """Return the standard deviation of a corner's reading along one axis that a fit's residual amounts to."""
    return fit.rms_px * float(np.sqrt(corners / (2 * corners - PARAMETERS - more)))

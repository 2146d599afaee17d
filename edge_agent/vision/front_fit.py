"""The homography that marker corners fit, how far each marker lies off it, and how sure it is at the opening's corners.

Fitted to all corners at once: normalised direct linear transformation, then least squared distances in the picture
(Hartley and Zisserman 2004, algorithms 4.2 and 4.3, as in OpenCV's findHomography without a robust method). No corner
is dropped silently.

What it is worth: a corner is read to `CORNER_PX` and a marker is stuck to `PLACED_MM`. Both are carried to the
opening's corners by first-order propagation (ibid., section 5.2): with design matrix J of the points and their
covariance Σ, the parameters' is P·Σ·Pᵀ, P the pseudo-inverse of J.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from edge_agent.model import FloatArray
from edge_agent.vision.geometry import front_rectangle_mm
from edge_agent.vision.markers import marker_corners_mm

CORNER_PX = 0.15
"""Standard deviation of a corner's place in a noisy, slightly blurred picture (painted scenes, 2026-12)."""
PLACED_MM = 1.0
"""Standard deviation of where a marker is stuck, each way, by hand along an edge (assumed, 2026-12)."""


@dataclass(frozen=True, slots=True, eq=False)
class FrontFit:
    """A fitted front.

    Attributes
    ----------
    front_to_px : (3, 3)
        Homography from mm of the front to pixels.
    residual_px, residual_mm : dict
        Marker → how far its corners lie off the fit, root of the mean square.
    sigma_mm : (4,)
        Standard deviation of where the opening's corners are seen, lower left first, on the worse of both axes.
    flatness : float
        How much a square at the opening's middle is flattened: 1 seen straight on, 0 along the front.
    """

    front_to_px: FloatArray
    residual_px: dict[int, float]
    residual_mm: dict[int, float]
    sigma_mm: FloatArray
    flatness: float

    @property
    def rms_px(self) -> float:
        """Return the residual over all markers."""
        return float(np.sqrt(np.mean(np.square(list(self.residual_px.values())))))

    @property
    def rms_mm(self) -> float:
        """Return the residual over all markers."""
        return float(np.sqrt(np.mean(np.square(list(self.residual_mm.values())))))


def fit_front(
    corners_px: Mapping[int, FloatArray], width_mm: float, opening_mm: float, marker_mm: float
) -> FrontFit | None:
    """Fit the front to three or four markers; None where their corners lie on a line.

    Parameters
    ----------
    corners_px : mapping
        Marker → its corners, (4, 2).
    """
    numbers = sorted(corners_px)
    at = {number: marker_corners_mm(number, width_mm, opening_mm, marker_mm) for number in numbers}
    front = np.concatenate([at[number] for number in numbers])
    picture = np.concatenate([corners_px[number] for number in numbers])
    found, _ = cv2.findHomography(front, picture, 0)
    if found is None or not np.isfinite(found).all() or abs(np.linalg.det(found)) < 1e-12:
        return None
    homography: FloatArray = np.asarray(found, dtype=np.float64)
    back = np.asarray(np.linalg.inv(homography), dtype=np.float64)
    off_px = {number: through(homography, at[number]) - corners_px[number] for number in numbers}
    off_mm = {number: through(back, corners_px[number]) - at[number] for number in numbers}
    middle = np.array([[width_mm / 2, opening_mm / 2]])
    stretches = np.linalg.svd(px_per_mm(homography, middle)[0])[1]
    return FrontFit(
        homography,
        {number: _rms(each) for number, each in off_px.items()},
        {number: _rms(each) for number, each in off_mm.items()},
        sigma_at_mm(homography, front, front_rectangle_mm((0, width_mm), opening_mm)),
        float(stretches[1] / stretches[0]),
    )


def through(homography: FloatArray, points: FloatArray) -> FloatArray:
    """Return where a homography takes points, (n, 2)."""
    mapped: FloatArray = np.asarray(cv2.perspectiveTransform(points[None].astype(np.float64), homography))[0]
    return mapped


def px_per_mm(homography: FloatArray, front_mm: FloatArray) -> FloatArray:
    """Return the picture's derivative by the front's coordinates, (n, 2, 2), at points of the front, (n, 2)."""
    lifted = np.column_stack([front_mm, np.ones(len(front_mm))]) @ homography.T
    depth = lifted[:, 2]
    seen = lifted[:, :2] / depth[:, None]
    slope: FloatArray = (homography[None, :2, :2] - seen[:, :, None] * homography[None, 2:, :2]) / depth[:, None, None]
    return slope


def sigma_at_mm(
    homography: FloatArray,
    markers_mm: FloatArray,
    points_mm: FloatArray,
    *,
    corner_px: float = CORNER_PX,
    placed_mm: float = PLACED_MM,
) -> FloatArray:
    """Return how well a fit to markers knows where points of the front are seen, (n,) mm, the worse of both axes.

    Parameters
    ----------
    markers_mm : (4 × markers, 2)
        Corners on the front, four a marker.
    points_mm : (n, 2)
        Points of the front.
    corner_px, placed_mm : float
        Standard deviations of a corner's reading and of where a marker is stuck.
    """
    design = _design(homography, markers_mm)
    slopes = px_per_mm(homography, markers_mm)
    noise = corner_px**2 * np.eye(len(design))
    for first in range(0, len(markers_mm), 4):
        moved = slopes[first : first + 4].reshape(8, 2)
        noise[2 * first : 2 * first + 8, 2 * first : 2 * first + 8] += placed_mm**2 * moved @ moved.T
    solve = np.linalg.pinv(design)
    parameters = solve @ noise @ solve.T
    rows = _design(homography, points_mm).reshape(-1, 2, 9)
    sigmas = []
    for row, slope in zip(rows, px_per_mm(homography, points_mm), strict=True):
        mm = np.linalg.solve(slope, row)
        sigmas.append(float(np.sqrt(np.linalg.eigvalsh(mm @ parameters @ mm.T)[-1])))
    return np.array(sigmas)


def _design(homography: FloatArray, points_mm: FloatArray) -> FloatArray:
    """Return the derivative of pixels by the homography's nine parameters, (2n, 9), x and z scaled to one size.

    Its null vector is the homography's own scale; the pseudo-inverse leaves it alone.
    """
    scale = np.array([1.0 / 1000.0, 1.0 / 1000.0, 1.0])
    lifted = np.column_stack([points_mm, np.ones(len(points_mm))])
    seen = lifted @ homography.T
    depth = seen[:, 2]
    place = seen[:, :2] / depth[:, None]
    scaled = lifted * scale / depth[:, None]
    zero = np.zeros_like(scaled)
    across = np.hstack([scaled, zero, -place[:, :1] * scaled])
    down = np.hstack([zero, scaled, -place[:, 1:] * scaled])
    design: FloatArray = np.stack([across, down], axis=1).reshape(-1, 9)
    return design


def _rms(off: FloatArray) -> float:
    return float(np.sqrt((off**2).sum(axis=1).mean()))

"""Markers at the corners of the shelf's front, as commissioning has them printed."""

import cv2
import numpy as np

from edge_agent.model import FloatArray
from edge_agent.simulation.scene.compositing import Rgb, pixels, warp_over
from edge_agent.simulation.scene.pose import ScenePose

DICTIONARY = cv2.aruco.DICT_5X5_50
MARKER_MM = 30.0
EDGE_PX = 160
QUIET_SHARE = 1 / 6
"""White paper around a marker, over its side; the paper's edges lie at the opening's corner, as the sheet says."""


def marker_corners_mm(width_mm: float, opening_mm: float) -> FloatArray:
    """Return the markers' corners on the front, (4, 4, 2) mm x and z.

    Markers 0 to 3 are at the lower left, lower right, upper right and upper left corner, outside of the opening on its
    rails; of each the corners in OpenCV's order: upper left first, clockwise.
    """
    gap = QUIET_SHARE * MARKER_MM
    half = MARKER_MM / 2
    left, right = gap + half, width_mm - gap - half
    low, high = -gap - half, opening_mm + gap + half
    middles = np.array([[left, low], [right, low], [right, high], [left, high]])
    corners = half * np.array([[-1.0, 1.0], [1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    placed: FloatArray = middles[:, None, :] + corners[None]
    return placed


def draw_markers(picture: Rgb, pose: ScenePose, width_mm: float, opening_mm: float) -> None:
    """Draw the four markers on the shelf's rails."""
    dictionary = cv2.aruco.getPredefinedDictionary(DICTIONARY)
    quiet = round(QUIET_SHARE * EDGE_PX)
    for marker, corners in enumerate(marker_corners_mm(width_mm, opening_mm)):
        printed = cv2.aruco.generateImageMarker(dictionary, marker, EDGE_PX)
        paper = cv2.copyMakeBorder(printed, quiet, quiet, quiet, quiet, cv2.BORDER_CONSTANT, value=(255.0,))
        level = cv2.convertScaleAbs(paper, alpha=0.8, beta=24)
        rgba = pixels(cv2.merge([level, level, level, np.full_like(level, 255)]))
        (left, top), across = corners[0], MARKER_MM / EDGE_PX
        # Pixel centres: the printed square's edges are half a pixel before its first and behind its last.
        to_mm = np.array(
            [
                [across, 0.0, left - across * (quiet - 0.5)],
                [0.0, -across, top + across * (quiet - 0.5)],
                [0.0, 0.0, 1.0],
            ]
        )
        warp_over(picture, rgba, pose.front_to_px @ to_mm, 1.0)

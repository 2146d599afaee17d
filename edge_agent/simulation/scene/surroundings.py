"""What a camera sees around the opening: rails with price labels, the shelves above and below, uprights, the floor."""

from collections.abc import Sequence

import cv2
import numpy as np

from edge_agent.config.assortment import LaneConfig
from edge_agent.model import FloatArray
from edge_agent.simulation.scene.compositing import Colour, Rgb
from edge_agent.simulation.scene.pose import ScenePose

RAIL_MM, UPRIGHT_MM, NEXT_SHELF_MM = 38.0, 55.0, 320.0


def surroundings(pose: ScenePose, width_mm: float, opening_mm: float, lanes: Sequence[LaneConfig], seed: int) -> Rgb:
    """Return the picture around a shelf's opening; what is inside the opening is not meant to be seen."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 41]))
    picture: Rgb = np.full((pose.height_px, pose.width_px, 3), (58, 54, 50), np.uint8)
    floor = np.array([[-2500, 0, -900], [3400, 0, -900], [3400, -700, -900], [-2500, -700, -900]], dtype=np.float64)
    _fill(picture, pose, floor, (112, 106, 98))
    for low in (-RAIL_MM - NEXT_SHELF_MM, opening_mm + RAIL_MM):
        _next_shelf(picture, pose, low, width_mm, rng)
    for left in (-UPRIGHT_MM - 6, width_mm + 6):
        _fill(picture, pose, _upright(left, left + UPRIGHT_MM, -900, opening_mm + 700), (128, 130, 132))
        _fill(picture, pose, _upright(left + 20, left + 24, -900, opening_mm + 700), (84, 85, 88))
    for low in (-RAIL_MM, opening_mm):
        _fill(picture, pose, _upright(-12, width_mm + 12, low, low + RAIL_MM), (186, 186, 182))
        for lane in lanes:
            middle = (lane.x_mm[0] + lane.x_mm[1]) / 2
            _fill(picture, pose, _upright(middle - 24, middle + 24, low + 5, low + RAIL_MM - 5), (232, 226, 196))
            _fill(picture, pose, _upright(middle - 18, middle + rng.uniform(-4, 16), low + 20, low + 26), (60, 58, 62))
            _fill(picture, pose, _upright(middle - 18, middle + 4, low + 10, low + 14), (150, 60, 50))
    return picture


def _next_shelf(picture: Rgb, pose: ScenePose, low: float, width_mm: float, rng: np.random.Generator) -> None:
    _fill(picture, pose, _upright(0.0, width_mm, low, low + NEXT_SHELF_MM), (44, 44, 46))
    x = -900.0
    while x < width_mm + 900:
        wide = float(rng.uniform(45, 110))
        colour = (int(rng.integers(60, 200)), int(rng.integers(60, 190)), int(rng.integers(50, 180)))
        top = low + float(rng.uniform(0.5, 0.85)) * NEXT_SHELF_MM
        _fill(picture, pose, _upright(x, x + 0.9 * wide, low, top), colour)
        band = low + float(rng.uniform(0.2, 0.4)) * NEXT_SHELF_MM
        pale = (min(colour[0] + 70, 255), min(colour[1] + 70, 255), min(colour[2] + 70, 255))
        _fill(picture, pose, _upright(x, x + 0.9 * wide, band, band + 40), pale)
        x += wide


def _upright(left: float, right: float, low: float, high: float) -> FloatArray:
    return np.array([[left, 0.0, low], [right, 0.0, low], [right, 0.0, high], [left, 0.0, high]], dtype=np.float64)


def _fill(picture: Rgb, pose: ScenePose, corners_mm: FloatArray, colour: Colour) -> None:
    pixels = np.clip(np.rint(pose.to_px(corners_mm) * 16), -(2**20), 2**20).astype(np.int32)
    cv2.fillConvexPoly(picture, pixels, colour, cv2.LINE_AA, 4)

"""Pictures of a shelf's front with markers and goods, as cameras at known places would take them."""

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.model import FloatArray
from edge_agent.vision.markers import MARGIN, MARKER_MM, PLACES, marker_cells, marker_corners_mm

WIDTH_MM, OPENING_MM = 600.0, 300.0
SIZE_PX = (960, 720)
AROUND = 150.0
"""mm of the surroundings that are painted around the opening."""
DENSITY = 3.0
"""Pixels per mm of the painted front."""
SENTINEL = (255, 0, 144)
"""A colour that stands nowhere but outside the shelf."""

Picture = npt.NDArray[np.uint8]


def camera_at(
    x_mm: float = 300.0,
    z_mm: float = 330.0,
    away_mm: float = 850.0,
    *,
    looks_at: tuple[float, float] = (300.0, 150.0),
    focal_px: float = 900.0,
    size_px: tuple[int, int] = SIZE_PX,
    roll_rad: float = 0.0,
) -> FloatArray:
    """Return the homography front mm → px of a pinhole camera at (x, away before the front, z)."""
    eye = np.array([x_mm, -away_mm, z_mm])
    forward = np.array([looks_at[0], 0.0, looks_at[1]]) - eye
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    turned_right = np.cos(roll_rad) * right + np.sin(roll_rad) * down
    turned_down = -np.sin(roll_rad) * right + np.cos(roll_rad) * down
    rotation = np.stack([turned_right, turned_down, forward])
    lens = np.array([[focal_px, 0, (size_px[0] - 1) / 2], [0, focal_px, (size_px[1] - 1) / 2], [0, 0, 1]])
    homography: FloatArray = lens @ rotation @ np.column_stack([[1.0, 0, 0], [0, 0, 1.0], -eye])
    scaled: FloatArray = homography / homography[2, 2]
    return scaled


def front_px(front_mm: FloatArray) -> FloatArray:
    """Return where points of the front are in the painted front."""
    scaled: FloatArray = (front_mm + np.array([AROUND, 0])) * np.array([DENSITY, -DENSITY])
    scaled[:, 1] += (OPENING_MM + AROUND) * DENSITY
    return scaled - 0.5


def painted_front(
    seed: int = 1,
    *,
    markers: dict[int, int] | None = None,
    moved_mm: dict[int, tuple[float, float]] | None = None,
    turned: dict[int, int] | None = None,
    marker_mm: float = MARKER_MM,
    goods_seed: int | None = None,
    around: tuple[int, int, int] = (120, 105, 90),
) -> Picture:
    """Paint the front seen straight on: goods in the opening, boards, and markers.

    ``markers`` says which number hangs at which place (all at their own), ``moved_mm`` how far off, ``turned`` by how
    many quarters.
    """
    dice = np.random.default_rng(seed)
    rows, columns = int((OPENING_MM + 2 * AROUND) * DENSITY), int((WIDTH_MM + 2 * AROUND) * DENSITY)
    front = np.full((rows, columns, 3), around, np.uint8)
    _fill(front, (0, -40), (WIDTH_MM, OPENING_MM + 40), (205, 200, 190))  # the boards' edges
    for x in np.arange(20, WIDTH_MM, 43):  # price labels
        _fill(front, (x, -30), (x + 25, -12), tuple(int(each) for each in dice.integers(60, 250, 3)))
    _fill(front, (0, 0), (WIDTH_MM, OPENING_MM), (70, 66, 60))
    goods = np.random.default_rng(seed if goods_seed is None else goods_seed)
    x = 8.0
    while x < WIDTH_MM - 60:
        wide, high = goods.uniform(45, 75), goods.uniform(120, 240)
        _fill(front, (x, 4), (x + wide, high), tuple(int(each) for each in goods.integers(40, 240, 3)))
        for _ in range(9):
            a, b = x + goods.uniform(2, wide - 14), goods.uniform(10, high - 20)
            colour = tuple(int(each) for each in goods.integers(0, 255, 3))
            _fill(front, (a, b), (a + goods.uniform(4, 12), b + goods.uniform(4, 16)), colour)
        x += wide + goods.uniform(2, 8)
    for place, number in (markers if markers is not None else {n: n for n in range(len(PLACES))}).items():
        _stick(front, place, number, marker_mm, (moved_mm or {}).get(place, (0, 0)), (turned or {}).get(place, 0))
    return front


def photograph(
    front: Picture,
    homography: FloatArray,
    *,
    size_px: tuple[int, int] = SIZE_PX,
    noise: float = 2.0,
    blur_px: float = 0.6,
    gain: float = 1.0,
    shade: float = 0.0,
    seed: int = 5,
) -> Picture:
    """Return the picture that a camera takes: (height, width, 3) red, green, blue.

    ``shade`` darkens the right side by that share.
    """
    corners = np.array([[0, 0], [WIDTH_MM, 0], [WIDTH_MM, OPENING_MM], [0, OPENING_MM]], np.float64)
    seen = cv2.perspectiveTransform(corners[None], homography)[0]
    finer = 2
    to_picture = cv2.getPerspectiveTransform(
        front_px(corners).astype(np.float32), ((seen + 0.5) * finer - 0.5).astype(np.float32)
    )
    smooth = cv2.GaussianBlur(front, (0, 0), 0.8)
    large = cv2.warpPerspective(
        smooth, to_picture, (size_px[0] * finer, size_px[1] * finer), flags=cv2.INTER_LINEAR, borderValue=SENTINEL
    )
    picture = cv2.resize(large, size_px, interpolation=cv2.INTER_AREA).astype(np.float64)
    if blur_px:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur_px), np.float64)
    light = gain * (1 - shade * np.linspace(0, 1, size_px[0]))[None, :, None]
    picture = picture * light + np.random.default_rng(seed).normal(0, noise, picture.shape)
    return np.clip(picture, 0, 255).round().astype(np.uint8)


def grey_of(picture: Picture) -> Picture:
    """Return a picture's grey, as a driver would deliver it in large."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def _fill(front: Picture, low: tuple[float, float], high: tuple[float, float], colour: tuple[int, ...]) -> None:
    (left, bottom), (right, top) = np.round(front_px(np.array([low, high])) + 0.5).astype(int)
    front[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = colour


def _stick(front: Picture, place: int, number: int, marker_mm: float, off_mm: tuple[float, float], turns: int) -> None:
    margin = marker_mm * MARGIN
    corners = marker_corners_mm(place, WIDTH_MM, OPENING_MM, marker_mm) + off_mm
    low, high = corners[3], corners[1]
    _fill(front, tuple(low - margin), tuple(high + margin), (245, 245, 240))
    cells = np.rot90(marker_cells(number), -turns)
    (left, top), (right, bottom) = np.round(front_px(corners[[0, 2]]) + 0.5).astype(int)
    columns = np.clip((np.arange(left, right) - left) * len(cells) // (right - left), 0, len(cells) - 1)
    rows = np.clip((np.arange(top, bottom) - top) * len(cells) // (bottom - top), 0, len(cells) - 1)
    front[top:bottom, left:right] = np.where(cells[np.ix_(rows, columns)] > 0, 245, 12)[:, :, None]

"""Packages drawn for products of which there is no picture: stripes, blobs and lettering in seeded colours."""

import cv2
import numpy as np
import numpy.typing as npt

Rgba = npt.NDArray[np.uint8]

WIDTH_PX, HEIGHTS_PX = 96, (120, 290)
"""Drawn size; the height says what shape of package it is."""


def draw_package(kind: int, variant: int) -> Rgba:
    """Return a package's front, (height, 96, 4).

    Parameters
    ----------
    kind : int
        Seed of the design: shape, ground, pattern, lettering.
    variant : int
        Seed of the one stripe and the one blob in which variants of a product differ.
    """
    rng, own = np.random.default_rng(kind), np.random.default_rng(variant)
    height = int(rng.integers(*HEIGHTS_PX))
    ground = _colour(rng, pale=rng.random() < 0.5)
    front: npt.NDArray[np.uint8] = np.full((height, WIDTH_PX, 3), ground, np.uint8)
    accent = _colour(rng, pale=False)
    if rng.random() < 0.6:
        cv2.rectangle(front, (0, 0), (WIDTH_PX, int(height * rng.uniform(0.12, 0.3))), accent, -1)
    for _ in range(int(rng.integers(1, 4))):
        middle = (int(rng.integers(10, WIDTH_PX - 10)), int(rng.integers(height // 3, height)))
        axes = (int(rng.integers(8, 40)), int(rng.integers(8, 30)))
        cv2.ellipse(front, middle, axes, float(rng.uniform(0, 180)), 0, 360, _colour(rng, pale=False), -1, cv2.LINE_AA)
    stripe = _colour(own, pale=False)
    low = int(height * rng.uniform(0.6, 0.85))
    cv2.rectangle(front, (0, low), (WIDTH_PX, low + max(height // 9, 10)), stripe, -1)
    fruit = (int(WIDTH_PX * rng.uniform(0.3, 0.7)), int(height * rng.uniform(0.45, 0.6)))
    cv2.circle(front, fruit, int(rng.integers(11, 20)), _colour(own, pale=False), -1, cv2.LINE_AA)
    ink = (20, 20, 25) if sum(ground) > 360 else (240, 240, 235)
    for line in range(int(rng.integers(2, 4))):
        letters = "".join(chr(65 + int(each)) for each in rng.integers(0, 26, int(rng.integers(3, 7))))
        place = (6, int(height * (0.2 + 0.1 * line)) + 6)
        cv2.putText(front, letters, place, cv2.FONT_HERSHEY_DUPLEX, 0.62, ink, 1 + line % 2, cv2.LINE_AA)
    shade = np.linspace(1.0, 0.82, WIDTH_PX)[None, :, None]
    shaded = (front * shade).astype(np.uint8)
    return np.dstack([shaded, np.full((height, WIDTH_PX), 255, np.uint8)])


def draw_foreign() -> Rgba:
    """Return a thing that the store does not sell: a telephone."""
    front: npt.NDArray[np.uint8] = np.full((120, 62, 3), (28, 28, 32), np.uint8)
    cv2.rectangle(front, (4, 8), (57, 112), (52, 60, 72), -1)
    cv2.line(front, (10, 100), (50, 20), (84, 94, 108), 4, cv2.LINE_AA)
    return np.dstack([front, np.full((120, 62), 255, np.uint8)])


def _colour(rng: np.random.Generator, *, pale: bool) -> tuple[int, int, int]:
    hue, saturation, value = rng.integers(180), rng.integers(10, 60) if pale else rng.integers(120, 250), 0
    value = int(rng.integers(205, 250) if pale else rng.integers(90, 230))
    pixel = cv2.cvtColor(np.array([[[hue, saturation, value]]], np.uint8), cv2.COLOR_HSV2RGB)[0, 0]
    return int(pixel[0]), int(pixel[1]), int(pixel[2])

"""Drawn pictures of packages as a phone or a shelf's camera takes them: labels with marks of their own, and a hand."""

import cv2
import numpy as np

from edge_agent.vision.frames import ColourPicture

WIDTH, HEIGHT = 120, 200


def label(number: int, colour: tuple[int, int, int] = (200, 40, 40)) -> ColourPicture:
    """A package's front: some thirty marks that no other number has, on a coloured half."""
    rng = np.random.default_rng([7, number])
    front = np.full((HEIGHT, WIDTH, 3), 235, np.uint8)
    front[HEIGHT // 2 :] = colour
    for _ in range(34):
        x, y = int(rng.integers(8, WIDTH - 8)), int(rng.integers(8, HEIGHT - 8))
        ink = tuple(int(each) for each in rng.integers(0, 160, 3))
        size = int(rng.integers(3, 12))
        if rng.random() < 0.5:
            cv2.circle(front, (x, y), size, ink, -1)
        else:
            turned = cv2.boxPoints(((x, y), (size * 2.0, size * 0.8), float(rng.uniform(0, 180))))
            cv2.fillPoly(front, [turned.astype(np.int32)], ink)
    return front


def photograph(front: ColourPicture, seed: int, *, side_px: int = 260, hand: bool = True) -> ColourPicture:
    """One picture of a package: turned, tilted, in some light, before something else, held by fingers."""
    rng = np.random.default_rng([11, seed])
    picture = cv2.resize(rng.integers(40, 190, (9, 9, 3)).astype(np.uint8), (260, 260), interpolation=cv2.INTER_CUBIC)
    turn, size = np.deg2rad(rng.uniform(-25, 25)), rng.uniform(0.85, 1.1)
    corners = np.array([(-60, -100), (60, -100), (60, 100), (-60, 100)]) * size
    corners[:, 0] *= rng.uniform(0.8, 1)
    corners = corners @ np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))])
    corners += 130 + rng.uniform(-12, 12, 2) + rng.uniform(-6, 6, (4, 2))
    flat = np.array([(0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)], np.float32)
    map_ = cv2.getPerspectiveTransform(flat, corners.astype(np.float32))
    there = cv2.warpPerspective(np.full(front.shape[:2], 255, np.uint8), map_, (260, 260)) > 127
    picture[there] = cv2.warpPerspective(front, map_, (260, 260))[there]
    if hand:
        for finger in range(3):
            at = (60 if rng.random() < 0.5 else 200, 120 + 22 * finger)
            cv2.ellipse(picture, at, (42, 10), 0, 0, 360, (205, 160, 130), -1)
    light = rng.uniform(0.7, 1.15) * rng.uniform(0.95, 1.05, 3)
    lit = np.clip(picture * light + rng.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(lit, (side_px, side_px), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def photographs(front: ColourPicture, first: int, number: int) -> list[tuple[str, ColourPicture]]:
    """Named pictures of one package."""
    return [(f"{first + each}.png", photograph(front, first + each)) for each in range(number)]

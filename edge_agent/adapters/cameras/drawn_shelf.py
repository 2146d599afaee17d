"""A shelf front with nothing happening before it, plainly drawn: what a simulated camera sees when nobody renders."""

from collections.abc import Callable
from typing import Final

import numpy as np

from edge_agent.vision.frames import ColourPicture

NOISE: Final = 3
"""Greatest deviation of a pixel from one exposure to the next, of 255: a still picture without any would be a frozen
camera. A small sensor in shop light has a σ of 1–3 (2026-12)."""
SHIFT: Final = 7919
"""Rows by which the one noise is moved per microsecond, a prime: drawing it anew would cost more than all else here,
and adding one plane of it to three ten times more than adding three to three."""
PACKS: Final = 8


def drawn_shelf(width: int, height: int, seed: int = 1) -> Callable[[float], ColourPicture]:
    """Return a scene: packs of different colours in a row on a board, in steady light, with a sensor's noise.

    Parameters
    ----------
    width, height : int
        Of the picture, pixels.
    seed : int
        Of the packs' colours and the noise.

    Returns
    -------
    callable
        ``(t_s) -> (height, width, 3)``; the same picture for the same instant.
    """
    dice = np.random.default_rng(seed)
    shelf = np.full((height, width, 3), 225, dtype=np.uint8)
    board, top = round(height * 0.82), round(height * 0.25)
    pitch = width // PACKS
    for pack in range(PACKS):
        body = dice.integers(60, 200, 3, dtype=np.uint8)
        left, right = pack * pitch + pitch // 10, (pack + 1) * pitch - pitch // 10
        shelf[top:board, left:right] = body
        shelf[top + (board - top) // 3 : top + (board - top) // 2, left:right] = 235 - body // 2
    shelf[board:] = (120, 105, 90)
    shelf[board : board + max(2, height // 60)] = (70, 60, 52)
    grain = dice.integers(-NOISE, NOISE + 1, (2 * height, width, 1), dtype=np.int8).view(np.uint8)
    noise = np.repeat(grain, 3, axis=2)

    def scene(t_s: float) -> ColourPicture:
        row = round(t_s * 1e6) * SHIFT % height
        return np.add(shelf, noise[row : row + height])  # wraps: nothing is drawn so near to black or white

    return scene

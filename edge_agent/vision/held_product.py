"""A product held in front of a shelf for its portrait: what of the picture was not there before."""

import cv2
import numpy as np

from edge_agent.vision.frames import ColourPicture, GreyPicture

DIFFERS = 25
"""Grey levels, of 255: above noise and a lamp's flicker (rule, 2026-12)."""
LEAST_SHARE = 0.01
"""Of the picture, below which nothing is held."""
AROUND = 0.05
"""Added on each side, share of the cutting."""


def held_product(empty: GreyPicture, grey: GreyPicture, colour: ColourPicture) -> ColourPicture | None:
    """Return the part of a masked picture that differs from the empty shelf's, None where nothing is held there.

    Parameters
    ----------
    empty, grey : (lores height, lores width) uint8
        The small masked picture with nobody there, and now.
    colour : (height, width, 3) uint8
        The large masked one now.
    """
    differs = (cv2.absdiff(cv2.GaussianBlur(empty, (5, 5), 0), cv2.GaussianBlur(grey, (5, 5), 0)) > DIFFERS).astype(
        np.uint8
    )
    number, _, boxes, _ = cv2.connectedComponentsWithStats(cv2.morphologyEx(differs, cv2.MORPH_CLOSE, np.ones((9, 9))))
    if number < 2:
        return None
    left, top, width, height, area = (int(each) for each in boxes[1 + int(boxes[1:, cv2.CC_STAT_AREA].argmax())])
    if area < LEAST_SHARE * grey.size:
        return None
    scale_x, scale_y = colour.shape[1] / grey.shape[1], colour.shape[0] / grey.shape[0]
    more_x, more_y = AROUND * width, AROUND * height
    columns = slice(max(round((left - more_x) * scale_x), 0), round((left + width + more_x) * scale_x))
    rows = slice(max(round((top - more_y) * scale_y), 0), round((top + height + more_y) * scale_y))
    return colour[rows, columns].copy()

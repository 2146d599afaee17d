"""Photographs that show the same again: bursts of one moment must not sit on both sides of a trial, nor count twice."""

import cv2
import numpy as np

from edge_agent.vision.appearance_features import Numbers
from edge_agent.vision.frames import ColourPicture

SMALL_PX = 64
MARGIN_PX = 6
"""How far two pictures of a burst are shifted against each other, 9 % of their side."""
SAME_BURST = 0.65
"""Correlation from which two pictures are of one burst: pictures of different products reach 0.64 once in a thousand
(864 photographs of 31 packages, 2026-12)."""
IDENTICAL = 0.97
"""Correlation from which two pictures are one, saved again in another size or quality (2026-12)."""


def small_grey(picture: ColourPicture) -> Numbers:
    """Return a picture as bursts are told by, (SMALL_PX, SMALL_PX) float32."""
    small = cv2.resize(picture, (SMALL_PX, SMALL_PX), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), 1.0), dtype=np.float32)


def likeness(small: list[Numbers]) -> Numbers:
    """Return correlations of every two pictures at their best shift, (n, n), 1 on the diagonal."""
    inner = slice(MARGIN_PX, SMALL_PX - MARGIN_PX)
    alike = np.eye(len(small))
    for one in range(len(small)):
        for other in range(one + 1, len(small)):
            pair = ((small[one], small[other]), (small[other], small[one]))
            found = [
                float(cv2.matchTemplate(whole, part[inner, inner].copy(), cv2.TM_CCOEFF_NORMED).max())
                for whole, part in pair
            ]
            alike[one, other] = alike[other, one] = max(found)
    return alike


def bursts(alike: Numbers, threshold: float = SAME_BURST) -> Numbers:
    """Return the burst of every picture, (n,), numbered by their first pictures: whatever is linked is one."""
    burst = np.arange(len(alike))
    for one, other in np.argwhere(np.triu(alike > threshold, 1)).tolist():
        low, high = sorted((burst[one], burst[other]))
        burst[burst == high] = low
    return burst.astype(np.int32)


def sittings(alike: Numbers, threshold: float, fewest: int) -> Numbers:
    """Return sets of pictures that look alike on average, (n,): taken at one place, in one light, from one side.

    Average linkage (Sokal and Michener 1958) down to a mean correlation of ``threshold``, stopped at ``fewest`` sets.
    """
    sets = [[each] for each in range(len(alike))]
    between = np.array(alike, dtype=float)
    np.fill_diagonal(between, -np.inf)
    while len(sets) > fewest:
        one, other = divmod(int(between.argmax()), len(sets))
        if between[one, other] < threshold:
            break
        one, other = min(one, other), max(one, other)
        share = len(sets[one]) / (len(sets[one]) + len(sets[other]))
        merged = share * between[one] + (1 - share) * between[other]
        between[one], between[:, one], between[one, one] = merged, merged, -np.inf
        between = np.delete(np.delete(between, other, axis=0), other, axis=1)
        sets[one] += sets.pop(other)
    named = np.zeros(len(alike), np.int32)
    for number, members in enumerate(sets):
        named[members] = number
    return named

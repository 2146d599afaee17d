"""Two pictures of one product: which features are the same, and the affine map under which they agree."""

from dataclasses import dataclass

import cv2
import numpy as np

from edge_agent.vision.appearance_features import STEP, Numbers

CLEARLY_NEARER = 0.9
"""A match's squared distance, against the second nearest's (2026-12)."""
OFF_PX = 7.0
"""A matched feature may lie that far from where the map puts it: packages are no planes (2026-12)."""
DRAWS = 300
FEWEST = 5
"""Matches that a map needs: three make one, two confirm it."""
MOST_STRETCH = 3.0
"""Between a map's two axes: a side seen so obliquely shows nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Rows of two pictures' features that are the same under one map, (n,) each."""

    first: Numbers
    second: Numbers


def squared_distances(first: Numbers, second: Numbers) -> Numbers:
    """Return squared distances of 8-bit descriptors, (rows of first, rows of second) float32, in RootSIFT's units."""
    left, right = (each.astype(np.float32) * np.float32(STEP) for each in (first, second))
    squares = (left * left).sum(axis=1)[:, None] + (right * right).sum(axis=1)
    distances: Numbers = np.maximum(squares - 2 * (left @ right.T), 0)
    return distances


def agreement(first_px: Numbers, first: Numbers, second_px: Numbers, second: Numbers) -> Agreement | None:
    """Return the features that two pictures share under one affine map, None where they show nothing in common.

    Parameters
    ----------
    first_px, second_px : (n, 2), (m, 2)
    first, second : (n, NUMBERS), (m, NUMBERS) int8
    """
    if min(len(first), len(second)) < FEWEST:
        return None
    distance = squared_distances(first, second)
    nearest = distance.argmin(axis=1)
    mutual = np.flatnonzero(distance.argmin(axis=0)[nearest] == np.arange(len(first)))
    two = np.partition(distance[mutual], 1, axis=1)[:, :2]
    mutual = mutual[two[:, 0] < CLEARLY_NEARER * two[:, 1]]
    agrees = agreeing(first_px[mutual], second_px[nearest[mutual]])
    if not agrees.any():
        return None
    return Agreement(mutual[agrees].astype(np.int32), nearest[mutual][agrees].astype(np.int32))


def agreeing(first_px: Numbers, second_px: Numbers) -> Numbers:
    """Return which of matched points agree under the best affine map that a camera could make, (n,) bool."""
    none = np.zeros(len(first_px), bool)
    if len(first_px) < FEWEST:
        return none
    matrix, within = cv2.estimateAffine2D(
        np.ascontiguousarray(first_px, np.float32),
        np.ascontiguousarray(second_px, np.float32),
        method=cv2.RANSAC,
        ransacReprojThreshold=OFF_PX,
        maxIters=DRAWS,
        confidence=0.99,
    )
    if matrix is None or not np.isfinite(matrix).all():
        return none
    longest, shortest = np.linalg.svd(matrix[:, :2], compute_uv=False)
    plausible = np.linalg.det(matrix[:, :2]) > 0 and shortest > 0.2 and longest < min(5.0, MOST_STRETCH * shortest)
    agrees: Numbers = within.ravel() > 0
    return agrees if plausible and agrees.sum() >= FEWEST else none

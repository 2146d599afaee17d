"""Whether the camera still looks where it was commissioned: patches of the reference picture, found again.

Sixteen patches with corners are remembered from the reference. Goods come and go, so a patch that is not found says
nothing; those that are found must agree, and the median of their shifts is the camera's. Normalised correlation makes
them blind to light.
"""

import cv2
import numpy as np

from edge_agent.vision.frames import GreyPicture, PixelMask

PATCH_PX, SEARCH_PX = 21, 14
"""Side of a patch and how far around its place it is sought, in the small picture."""
PATCHES = 16
FOUND_ABOVE = 0.75
"""Normalised correlation of a patch that is found (rule, 2026-12)."""
LEAST_FOUND = 5
AGREE_PX, AGREE_SHARE = 1.5, 0.6
"""So many of the patches found must have shifted alike: a turn by a third of a degree does not part them (rule,
2026-12)."""


class Landmarks:
    """Patches of a reference picture.

    Parameters
    ----------
    reference : (height, width)
        The small picture when the view was commissioned, masked.
    kept : (height, width) bool
        What the mask keeps.
    fixed : (height, width) bool, optional
        Where nothing moves: the shelf's edges around the opening. Corners there are taken first.
    """

    def __init__(self, reference: GreyPicture, kept: PixelMask, fixed: PixelMask | None = None) -> None:
        reach = PATCH_PX // 2 + 1
        allowed = cv2.erode(
            kept.astype(np.uint8),
            np.ones((2 * reach + 1, 2 * reach + 1), np.uint8),
            borderType=cv2.BORDER_CONSTANT,
            borderValue=0,
        )
        corners: list[tuple[int, int]] = []
        for where in ([] if fixed is None else [allowed * fixed.astype(np.uint8)]) + [allowed]:
            found = cv2.goodFeaturesToTrack(reference, PATCHES, 0.03, PATCH_PX, mask=where)
            if found is not None:
                corners += [(round(float(u)), round(float(v))) for u, v in found.reshape(-1, 2)]
        half = PATCH_PX // 2
        self._patches = [
            (u, v, np.ascontiguousarray(reference[v - half : v + half + 1, u - half : u + half + 1]))
            for u, v in corners[: 2 * PATCHES]
        ]

    def shift_px(self, grey: GreyPicture) -> float | None:
        """Return how far a picture is shifted against the reference, px; None where too few are found or agree."""
        shifts = []
        half = PATCH_PX // 2 + SEARCH_PX
        rows, columns = grey.shape
        for u, v, patch in self._patches:
            top, left = max(v - half, 0), max(u - half, 0)
            around = grey[top : min(v + half + 1, rows), left : min(u + half + 1, columns)]
            if min(around.shape) < PATCH_PX or int(around.max()) - int(around.min()) < 12:
                continue
            match = cv2.matchTemplate(around, patch, cv2.TM_CCOEFF_NORMED)
            _, best, _, (at_u, at_v) = cv2.minMaxLoc(match)
            if best >= FOUND_ABOVE:
                shifts.append((left + at_u + PATCH_PX // 2 - u, top + at_v + PATCH_PX // 2 - v))
        if len(shifts) < LEAST_FOUND:
            return None
        each = np.array(shifts, dtype=np.float64)
        middle = np.median(each, axis=0)
        agree = np.hypot(*(each - middle).T) <= AGREE_PX
        # Labels repeat along a shelf, and a person hides some: a few that agree by chance are no move.
        if np.count_nonzero(agree) < max(AGREE_SHARE * len(each), LEAST_FOUND):
            return None
        return float(np.hypot(*each[agree].mean(axis=0)))

"""Small patches of a picture that can be found again in a later one, and only in one place of it."""

import itertools

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.vision.frames import GreyPicture, PixelMask

GRID = (8, 4)
"""Of so many parts of the picture's kept region, along and up, each gives a patch of the edges and one of the goods."""
SEARCH_PX = 10
"""How far around its place a patch is sought; a camera that moved farther is sought in the picture at a quarter."""
FOUND_ABOVE = 0.7
"""Normalised correlation of a patch that is the same thing (made-up shelves, 2026-12)."""
STRUCTURE_LEVELS = 6.0
"""Standard deviation of a patch's grey levels below which noise decides where it is found (rule, 2026-12)."""
ITSELF_PX, LIKE_ABOVE = 3, 0.8
"""A patch that correlates so well more than 3 px from its own place cannot say where it is (rule, 2026-12)."""
TRIES = 3
"""Patches tried in each part before it gives none."""
Complex = npt.NDArray[np.complex128]


class Patches:
    """Structured patches of one picture, spread over what is kept of it.

    Parameters
    ----------
    grey : (height, width)
        The picture, masked.
    kept : (height, width) bool
        What the mask keeps: no patch reaches beyond it.
    half : int
        Of a patch's side, px: it has 2·half + 1 pixels.
    edges : (height, width) bool
        What is no goods; patches are taken there and elsewhere apart.
    """

    def __init__(self, grey: GreyPicture, kept: PixelMask, half: int, edges: PixelMask) -> None:
        self._half = half
        inside = cv2.erode(
            kept.astype(np.uint8), np.ones((2 * half + 1, 2 * half + 1), np.uint8), borderValue=0
        ).astype(bool)
        strength = np.where(inside, cv2.cornerMinEigenVal(grey, 2 * half + 1), 0.0)
        span = kept if inside.any() else np.ones_like(kept)  # of nothing there are no patches
        rows, columns = (np.linspace(each.min(), each.max() + 1, n + 1).astype(int) for each, n in _spread(span))
        places: list[tuple[int, int]] = []
        parts = itertools.product(itertools.pairwise(rows), itertools.pairwise(columns))
        for ((top, bottom), (left, right)), of in itertools.product(parts, (edges, ~edges)):
            part = (strength * of)[top:bottom, left:right]
            for _ in range(TRIES):
                if part.size == 0 or part.max() <= 0:
                    break
                row, column = (int(each) for each in np.unravel_index(int(part.argmax()), part.shape))
                if self._unlike_its_neighbours(grey, left + column, top + row):
                    places.append((left + column, top + row))
                    break
                part[max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half + 1] = 0.0
        self._places = places
        self._on_edges = [bool(edges[v, u]) for u, v in places]
        self._patches = [np.ascontiguousarray(self._cut(grey, u, v)) for u, v in places]

    def __len__(self) -> int:
        return len(self._places)

    def found_in(self, grey: GreyPicture, rough: complex) -> tuple[Complex, Complex, PixelMask]:
        """Return places of patches, where they are found around ``rough`` from there, and which are on edges, (n,)."""
        reach = self._half + SEARCH_PX
        rows, columns = grey.shape
        places, found, edges = [], [], []
        for (u, v), patch, on_edge in zip(self._places, self._patches, self._on_edges, strict=True):
            left, top = round(u + rough.real) - reach, round(v + rough.imag) - reach
            low_u, low_v = max(left, 0), max(top, 0)
            around = grey[low_v : min(top + 2 * reach + 1, rows), low_u : min(left + 2 * reach + 1, columns)]
            if min(around.shape, default=0) < len(patch):
                continue
            match = np.asarray(cv2.matchTemplate(around, patch, cv2.TM_CCOEFF_NORMED), dtype=np.float32)
            _, best, _, (x, y) = cv2.minMaxLoc(match)
            if not FOUND_ABOVE <= best <= 1.01:
                continue
            edges.append(on_edge)
            places.append(complex(u, v))
            found.append(
                complex(low_u + self._half + x + _peak(match[y], x), low_v + self._half + y + _peak(match[:, x], y))
            )
        return (
            np.array(places, dtype=np.complex128),
            np.array(found, dtype=np.complex128),
            np.array(edges, dtype=np.bool_),
        )

    def _unlike_its_neighbours(self, grey: GreyPicture, u: int, v: int) -> bool:
        """Return whether a patch has structure and is found nowhere around but at its own place.

        A piece of a long edge is found all along it, one of two like packages on the other.
        """
        patch = self._cut(grey, u, v)
        if patch.std() < STRUCTURE_LEVELS:
            return False
        top, left = max(v - self._half - SEARCH_PX, 0), max(u - self._half - SEARCH_PX, 0)
        around = grey[top : v + self._half + SEARCH_PX + 1, left : u + self._half + SEARCH_PX + 1]
        match = np.array(cv2.matchTemplate(around, np.ascontiguousarray(patch), cv2.TM_CCOEFF_NORMED))
        row, column = v - self._half - top, u - self._half - left
        match[max(row - ITSELF_PX, 0) : row + ITSELF_PX + 1, max(column - ITSELF_PX, 0) : column + ITSELF_PX + 1] = 0.0
        return float(match.max()) < LIKE_ABOVE

    def _cut(self, grey: GreyPicture, u: int, v: int) -> GreyPicture:
        return grey[v - self._half : v + self._half + 1, u - self._half : u + self._half + 1]


def _peak(values: npt.NDArray[np.floating], at: int) -> float:
    """Return how far beside ``at`` the top of the parabola through three values lies, −0.5 to 0.5."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, here, after = (float(each) for each in values[at - 1 : at + 2])
    bend = before - 2 * here + after
    return 0.0 if bend >= 0 else min(max(0.5 * (before - after) / bend, -0.5), 0.5)


def _spread(kept: PixelMask) -> tuple[tuple[npt.NDArray[np.intp], int], tuple[npt.NDArray[np.intp], int]]:
    rows, columns = np.nonzero(kept)
    return (rows, GRID[1]), (columns, GRID[0])

"""Whether a camera still sees the shelf where it was commissioned: patches of the reference picture, found again.

Small patches with structure, spread over the shelf and its edges, are sought around their places by normalised
correlation, which light does not move. Goods that were taken make their patches unknown, goods that were pushed
along make theirs move; so the patches vote: the similarity (shift, turn, size) that most of them follow is the
camera's. Those on the boards' edges around the opening, which stay when goods go, vote first; all do where they are
too few. Patches that stay where they were in all four quarters of the shelf prove by themselves that the camera stood
still: a moved camera leaves a line of them at most.
"""

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.model import FloatArray
from edge_agent.vision.frames import GreyPicture, PixelMask
from edge_agent.vision.geometry import ShelfView, front_rectangle_mm

HALF_PX = 6
"""Of a patch: 13 pixels of the small picture, what the mask keeps around the opening of a shelf a metre wide."""
GRID = (8, 4)
"""Of so many parts of the picture's kept region, along and up, each gives a patch of the edges and one of the goods."""
SEARCH_PX = 10
"""How far around its place a patch is sought; a camera that moved farther is sought in the picture at a quarter."""
COARSER = 4
COARSE_HALF_PX = 4
FOUND_ABOVE = 0.7
"""Normalised correlation of a patch that is the same thing (made-up shelves, 2026-12)."""
STRUCTURE_LEVELS = 6.0
"""Standard deviation of a patch's grey levels below which noise decides where it is found (rule, 2026-12)."""
ITSELF_PX, LIKE_ABOVE = 3, 0.8
"""A patch that correlates so well more than 3 px from its own place cannot say where it is (rule, 2026-12)."""
TRIES = 3
"""Patches tried in each part before it gives none."""
FOLLOWS_PX = 1.2
"""A patch follows a movement when it is found this near to where that takes it."""
LEAST_FOLLOWING = 6
LEAST_SHARE, EDGES_SHARE = 0.4, 0.6
"""Of the patches found again that must follow one movement: of all, and of those on the edges."""
LEAST_EDGES = 3
"""So many patches on the edges have a veto."""
STILL_PX = 0.7
MOST_TURN = 0.35
"""A movement that turns or scales by more is a chance agreement of two patches."""
MOVED_MM = 8.0
"""From here on a camera is called moved: a reach then lies in the neighbour's half of a narrow lane (rule, 2026-12)."""
LEAST_MOVED_PX = 1.0
"""Of the small picture: less is not seen for sure, however many mm it is."""

Complex = npt.NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Shift:
    """How the picture moved against the reference.

    Attributes
    ----------
    right_px, down_px : float
        Shift of the opening's middle in the small picture.
    worst_px, worst_mm : float
        Of the corner of the opening that moved most; turning and approaching counted.
    following, found : int
        Patches that follow this movement, of those found again.
    """

    right_px: float
    down_px: float
    worst_px: float
    worst_mm: float
    following: int
    found: int

    @property
    def moved(self) -> bool:
        """Return whether the view must be commissioned again."""
        return self.worst_mm >= MOVED_MM and self.worst_px >= LEAST_MOVED_PX


class Reference:
    """The small picture of the commissioned view, to compare later ones with.

    Parameters
    ----------
    view : ShelfView
        The commissioned view.
    grey : (height, width)
        The small picture then, masked.
    """

    def __init__(self, view: ShelfView, grey: GreyPicture) -> None:
        rows, columns = grey.shape
        self._kept = view.kept(columns, rows)
        scale = np.array([columns / view.width_px, rows / view.height_px])
        self._scale = scale
        self._view = view
        front = front_rectangle_mm((0.0, view.width_mm), view.opening_mm)
        self._corners_mm = front
        self._corners = _complex((view.to_px(front) + 0.5) * scale - 0.5)
        x, z = view.front_of_grid(columns, rows)
        edges = (x < 0) | (x > view.width_mm) | (z < 0) | (z > view.opening_mm)
        quarter = _quarter_kept(self._kept)
        self._levels = (
            _Patches(grey, self._kept, HALF_PX, edges),
            _Patches(_quarter(grey), quarter, COARSE_HALF_PX, np.zeros_like(quarter)),
        )

    @property
    def patches(self) -> int:
        """Return how many patches there are to be found again."""
        return len(self._levels[0])

    def shift_px(self, grey: GreyPicture) -> Shift | None:
        """Return how a later small picture is moved; None when too little of the reference is in it to tell.

        Raises
        ------
        ValueError
            For a picture of another size than the reference.
        """
        if grey.shape != self._kept.shape:
            raise ValueError(f"a small picture of {grey.shape}: the reference is of {self._kept.shape}")
        fine, coarse = self._levels
        shift = self._vote(*fine.found_in(grey, 0j))
        if shift is not None:
            return shift
        places, found, _ = coarse.found_in(_quarter(grey), 0j)
        far = _movement(places, found, LEAST_SHARE)
        if far is None:
            return None
        turn, offset, _ = far
        middle = complex(self._corners.mean())
        rough = (turn * (middle / COARSER) + offset) * COARSER - middle
        return self._vote(*fine.found_in(grey, rough))

    def _vote(self, places: Complex, found: Complex, edges: PixelMask) -> Shift | None:
        movement = _movement(places[edges], found[edges], EDGES_SHARE) or _movement(places, found, LEAST_SHARE)
        if movement is None:
            return None
        turn, offset, following = movement
        agree = np.abs(turn * places + offset - found)[edges] <= FOLLOWS_PX
        if len(agree) >= LEAST_EDGES and np.count_nonzero(agree) < 0.5 * len(agree):
            return None  # the goods say one thing, what they stand on another
        moved = turn * self._corners + offset
        steps = np.abs(moved - self._corners)
        back = self._view.to_front_mm((_points(moved) + 0.5) / self._scale - 0.5)
        middle = complex((moved - self._corners).mean())
        return Shift(
            middle.real,
            middle.imag,
            float(steps.max()),
            float(np.linalg.norm(back - self._corners_mm, axis=1).max()),
            following,
            len(places),
        )


class _Patches:
    """Structured patches of one picture, one from each part of what is kept of it."""

    def __init__(self, grey: GreyPicture, kept: PixelMask, half: int, edges: PixelMask) -> None:
        self._half = half
        inside = cv2.erode(
            kept.astype(np.uint8), np.ones((2 * half + 1, 2 * half + 1), np.uint8), borderValue=0
        ).astype(bool)
        strength = np.where(inside, cv2.cornerMinEigenVal(grey, 2 * half // 2 * 2 + 1), 0.0)
        rows, columns = (np.linspace(each.min(), each.max() + 1, n + 1).astype(int) for each, n in _spread(kept))
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


def _movement(places: Complex, found: Complex, share: float) -> tuple[complex, complex, int] | None:
    """Return turn and offset of the similarity z → turn·z + offset that most patches follow, and how many do.

    Standing still is asked first; otherwise every pair of patches proposes one, and it needs that ``share``.
    """
    enough = max(LEAST_FOLLOWING, int(np.ceil(share * len(places))))
    if len(places) < LEAST_FOLLOWING:
        return None
    still = np.abs(found - places) <= STILL_PX
    if np.count_nonzero(still) >= LEAST_FOLLOWING and _quarters(places, still) == 4:
        return (*_similarity(places[still], found[still]), int(np.count_nonzero(still)))
    one, other = np.triu_indices(len(places), 1)
    apart = np.abs(places[one] - places[other]) > 3 * HALF_PX
    one, other = one[apart], other[apart]
    if not len(one):
        return None
    turns = (found[other] - found[one]) / (places[other] - places[one])
    offsets = found[one] - turns * places[one]
    follows = np.abs(turns[:, None] * places + offsets[:, None] - found) <= FOLLOWS_PX
    votes = np.where(np.abs(turns - 1) <= MOST_TURN, follows.sum(axis=1), 0)
    best = follows[int(votes.argmax())]
    if votes.max() < enough:
        return None
    return (*_similarity(places[best], found[best]), int(votes.max()))


def _quarters(places: Complex, of: npt.NDArray[np.bool_]) -> int:
    """Return in how many quarters of what all places span some of them lie.

    A camera moved aside but aimed at the same spot leaves a line of the picture where it was: three quarters at most.
    """
    right = places.real > (places.real.max() + places.real.min()) / 2
    down = places.imag > (places.imag.max() + places.imag.min()) / 2
    return len(set((2 * right + down)[of].tolist()))


def _similarity(places: Complex, found: Complex) -> tuple[complex, complex]:
    """Return the similarity of least squared distances."""
    middle, to = places.mean(), found.mean()
    away = places - middle
    turn = complex(np.vdot(away, found - to) / np.vdot(away, away).real)
    return turn, complex(to - turn * middle)


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


def _quarter(grey: GreyPicture) -> GreyPicture:
    size = (grey.shape[1] // COARSER, grey.shape[0] // COARSER)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _quarter_kept(kept: PixelMask) -> PixelMask:
    whole: PixelMask = _quarter(kept.astype(np.uint8) * 255) == 255
    return whole


def _complex(points: FloatArray) -> Complex:
    return points[:, 0] + 1j * points[:, 1]


def _points(places: Complex) -> FloatArray:
    return np.column_stack([places.real, places.imag])

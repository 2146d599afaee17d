"""Whether a camera still sees the shelf where it was commissioned: patches of the reference picture, found again.

Small patches with structure, spread over the shelf and its edges, are sought around their places by normalised
correlation, which light does not move. Goods that were taken make their patches unknown, goods that were pushed
along make theirs move; so the patches vote: the similarity (shift, turn, size) that most of them follow is the
camera's. Those on the boards' edges around the opening, which stay when goods go, vote first; all do where they are
too few. Patches that stay where they were in all four quarters of the shelf prove by themselves that the camera stood
still: a moved camera leaves a line of them at most.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.model import FloatArray
from edge_agent.vision.frames import GreyPicture, PixelMask
from edge_agent.vision.geometry import ShelfView, front_rectangle_mm
from edge_agent.vision.patches import Complex, Patches

HALF_PX = 6
"""Of a patch: 13 pixels of the small picture, what the mask keeps around the opening of a shelf a metre wide."""
COARSER = 4
COARSE_HALF_PX = 4
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
            Patches(grey, self._kept, HALF_PX, edges),
            Patches(_quarter(grey), quarter, COARSE_HALF_PX, np.zeros_like(quarter)),
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

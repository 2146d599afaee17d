"""What a hand carried, or what left the front or came to it: cut out of the large picture, scored when there is time.

Cutting costs a fraction of a millisecond, recognising a hundred: so cuttings are kept, a few an item, and given to the
appearance model one a frame after the hands have left. Cuttings of one item are no independent witnesses (the same
package, the same light), so their nats are averaged, never added.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np

from edge_agent.model import FloatArray, MonotonicNs
from edge_agent.vision.frames import ColourPicture
from edge_agent.vision.geometry import ShelfView

AROUND_HAND_MM = 100.0
"""Half the side of what is cut out around a hand's tip: a package and the fingers that hold it (rule, 2026-12)."""
AROUND_PATCH_MM = 8.0
LARGEST_PX = 256
"""A cutting's longer side; larger ones are reduced: 197 kB at most."""
MOST_WAITING = 10
"""Cuttings that wait at once, 2 MB at most; the oldest item's go first (rule, 2026-12)."""
PER_ITEM = 3
"""Cuttings of one item that are scored: 150 ms each at most."""


class AppearanceModel(Protocol):
    """Something that knows what the SKUs look like."""

    @property
    def calibration_id(self) -> str:
        """Return the name of what its nats were calibrated with."""

    def log_likelihood(self, picture: ColourPicture, sku_ids: Sequence[str]) -> FloatArray:
        """Return nats that a picture shows each SKU, and none of them last, (len(sku_ids) + 1,)."""


@dataclass(slots=True)
class Item:
    """Cuttings of one item, as far as they could be told apart."""

    t_start_ns: MonotonicNs
    t_end_ns: MonotonicNs
    x_mm: float
    x_sigma_mm: float
    direction: int
    track_id: int
    item_index: int | None
    cuttings: list[ColourPicture] = field(default_factory=list)
    nats: list[FloatArray] = field(default_factory=list)

    def add(self, cutting: ColourPicture, t_ns: MonotonicNs) -> None:
        """Keep one more cutting of it, up to `PER_ITEM`."""
        if len(self.cuttings) < PER_ITEM:
            self.cuttings.append(cutting)
            self.t_start_ns, self.t_end_ns = min(self.t_start_ns, t_ns), max(self.t_end_ns, t_ns)

    def mean_nats(self) -> FloatArray:
        """Return what its cuttings say together."""
        mean: FloatArray = np.mean(self.nats, axis=0)
        return mean


class Waiting:
    """Items whose cuttings wait for the appearance model.

    Parameters
    ----------
    model : AppearanceModel
    sku_ids : sequence of str
        The SKUs to ask about.
    """

    def __init__(self, model: AppearanceModel, sku_ids: Sequence[str]) -> None:
        self._model = model
        self.sku_ids = tuple(sku_ids)
        self._items: deque[Item] = deque()

    def __len__(self) -> int:
        return len(self._items)

    @property
    def calibration_id(self) -> str:
        """Return the model's."""
        return self._model.calibration_id

    @property
    def since_ns(self) -> MonotonicNs | None:
        """Return the beginning of the first item that waits."""
        return min((item.t_start_ns for item in self._items), default=None)

    def put(self, item: Item) -> None:
        """Let an item wait; where too many cuttings do, the oldest item's are given up."""
        if not item.cuttings:
            return
        self._items.append(item)
        while sum(len(each.cuttings) for each in self._items) > MOST_WAITING and len(self._items) > 1:
            self._items.popleft()

    def score_one(self) -> Item | None:
        """Ask the model about one cutting; return the item if that was its last."""
        if not self._items:
            return None
        item = self._items[0]
        item.nats.append(self._model.log_likelihood(item.cuttings.pop(), self.sku_ids))
        return None if item.cuttings else self._items.popleft()


def cut(colour: ColourPicture, view: ShelfView, corners_mm: FloatArray) -> ColourPicture | None:
    """Return a copy of what a picture shows of a rectangle of the front, None where it shows nothing of it.

    Parameters
    ----------
    colour : (height, width, 3)
        The large picture, or a smaller one of the same view.
    corners_mm : (2, 2)
        Lower left and upper right, x and z.
    """
    (left, bottom), (right, top) = corners_mm
    scale = np.array([colour.shape[1] / view.width_px, colour.shape[0] / view.height_px])
    seen = view.to_px(np.array([[left, bottom], [right, bottom], [right, top], [left, top]])) * scale
    low = np.maximum(np.floor(seen.min(axis=0)), 0).astype(int)
    high = np.minimum(np.ceil(seen.max(axis=0)) + 1, [colour.shape[1], colour.shape[0]]).astype(int)
    if (high - low).min() < 16:
        return None
    piece = colour[low[1] : high[1], low[0] : high[0]]
    factor = LARGEST_PX / max(piece.shape[:2])
    if factor < 1:
        size = (max(round(piece.shape[1] * factor), 1), max(round(piece.shape[0] * factor), 1))
        return np.asarray(cv2.resize(piece, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return piece.copy()

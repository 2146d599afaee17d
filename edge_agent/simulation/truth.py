"""What really happened, down to each single item's instant."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum


class ActKind(StrEnum):
    """What an act was, by what it moved."""

    TAKE = "take"
    PUT_BACK = "put_back"
    EXCHANGE = "exchange"
    PRESS = "press"
    """Hands on the goods, nothing moved."""
    FOREIGN_LEFT = "foreign_left"
    FOREIGN_REMOVED = "foreign_removed"


@dataclass(frozen=True, slots=True)
class ItemMove:
    """One item, or one foreign object (``sku`` None), put onto (+1) or taken off (−1) a lane at ``t_s``.

    ``x_mm`` and ``y_mm`` are the middle of its place, from the shelf's front left corner.
    """

    sku: str | None
    quantity: int
    lane_id: str
    mass_g: float
    t_s: float
    x_mm: float = 0.0
    y_mm: float = 0.0


@dataclass(frozen=True, slots=True)
class ActTruth:
    """One act as it was.

    Attributes
    ----------
    t_start_s, t_release_s : float
        World time of the first touch, and of the instant from which nothing touches the shelf any more.
    moves : tuple of ItemMove
        In time order; the truth of a segmentation into single items.
    ambiguous : str | None
        Why weight and position cannot tell this act from another one, or None where they can.
    pressed_lane_id : str | None
        The lane on which the hand was that moved nothing.
    """

    act_index: int
    story: str
    kind: ActKind
    shelf_id: str
    t_start_s: float
    t_release_s: float
    moves: tuple[ItemMove, ...]
    ambiguous: str | None = None
    pressed_lane_id: str | None = None

    @property
    def items(self) -> tuple[tuple[str, int, str], ...]:
        """Return (sku, signed quantity, lane_id) of the goods that were moved, added up."""
        changes: Counter[tuple[str, str]] = Counter()
        for move in self.moves:
            if move.sku is not None:
                changes[move.sku, move.lane_id] += move.quantity
        return tuple((sku, quantity, lane_id) for (sku, lane_id), quantity in sorted(changes.items()) if quantity)

    @property
    def delta_g(self) -> float:
        """Return the change of the shelf's load, g, positive onto the shelf."""
        return sum(move.quantity * move.mass_g for move in self.moves)

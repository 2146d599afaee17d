"""The goods as a camera sees them: which item stands where from when to when, one behind the other.

The world's goods have a weight and a place; here they become bodies that cannot stand in one another. Each keeps the
x of its truth; in a lane with a plate of its own it keeps within the lane besides, as what the plate weighs does. Its
depth follows the truth's order: a row's items stand at their own depth or right behind the one before, and what is put
back is put before the row, which is pushed back where it has to be.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from edge_agent.config import Site
from edge_agent.config.assortment import LaneConfig
from edge_agent.simulation.goods import StandingItem
from edge_agent.simulation.truth import ActTruth, ItemMove

SAME_PLACE_MM = 15.0
"""Items of one SKU so near each other across the lane may stand for each other: the foremost goes first."""
GAP_MM = 4.0
"""Air between an item and the one behind it, and between the foremost and the shelf's edge."""

Sizes = Mapping[str | None, tuple[float, float, float]]
"""Width, depth and height of each SKU's package, mm; of a foreign object under None."""


@dataclass(frozen=True, slots=True)
class SeenItem:
    """One item in its lane: the middle of its bottom at x, y; ``number`` tells it from every other."""

    number: int
    sku: str | None
    lane_id: str
    x_mm: float
    y_mm: float
    true_x_mm: float
    true_y_mm: float


@dataclass(frozen=True, slots=True)
class SeenMove:
    """A move of the truth, and the item that it moved as the camera sees it."""

    act_index: int
    move: ItemMove
    item: SeenItem


class Rows:
    """The goods of one shelf over time.

    Parameters
    ----------
    site : Site
    shelf_id : str
    standing : mapping lane_id → items
        What stood there before the first of the truths.
    sizes : mapping sku → (width, depth, height) mm
    """

    def __init__(self, site: Site, shelf_id: str, standing: Mapping[str, Sequence[StandingItem]], sizes: Sizes) -> None:
        self._shelf = next(shelf for shelf in site.shelves if shelf.shelf_id == shelf_id)
        self._lanes = {lane.lane_id: lane for lane in site.planogram.on_shelf(shelf_id)}
        self._sizes = sizes
        self._count = 0
        self._rows = {lane_id: self._lined_up(lane, standing.get(lane_id, ())) for lane_id, lane in self._lanes.items()}
        self._times_s: list[float] = []
        self._states: list[tuple[SeenItem, ...]] = [self._all()]
        self._truths = 0

    def follow(self, truths: Sequence[ActTruth]) -> list[SeenMove]:
        """Take up the acts that were not known before, and return their moves as they are seen."""
        new = [truth for truth in truths[self._truths :] if truth.shelf_id == self._shelf.shelf_id]
        self._truths = len(truths)
        moves = sorted(((move, truth.act_index) for truth in new for move in truth.moves), key=lambda each: each[0].t_s)
        seen: list[SeenMove] = []
        for move, act_index in moves:
            if _is_water(move):
                continue
            item = self._put(move) if move.quantity > 0 else self._take(move)
            if item is None:
                continue
            seen.append(SeenMove(act_index, move, item))
            # An act that is told late may have been over before the last change that is known.
            self._times_s.append(max([move.t_s, *self._times_s[-1:]]))
            self._states.append(self._all())
        return seen

    def state_at(self, t_s: float) -> int:
        """Return the number of the state that the shelf is in; a new one begins with every move."""
        return bisect_right(self._times_s, t_s)

    def items(self, state: int) -> tuple[SeenItem, ...]:
        """Return what stands on the shelf in that state, the hindmost first."""
        return self._states[state]

    def changed(self, from_s: float, until_s: float) -> frozenset[str]:
        """Return the lanes whose goods are not the same at both instants."""
        before, after = ({each.number: each for each in self.items(self.state_at(at))} for at in (from_s, until_s))
        gone = [item for number, item in before.items() if number not in after]
        come = [item for number, item in after.items() if number not in before]
        return frozenset(item.lane_id for item in gone + come)

    def _all(self) -> tuple[SeenItem, ...]:
        return tuple(sorted((item for row in self._rows.values() for item in row), key=lambda item: -item.y_mm))

    def _lined_up(self, lane: LaneConfig, items: Iterable[StandingItem]) -> list[SeenItem]:
        row: list[SeenItem] = []
        nearest_mm = 0.0
        for item in sorted(items, key=lambda each: each.y_mm):
            depth_mm = self._sizes[item.sku][1]
            y_mm = max(0.35 * item.y_mm if not row else item.y_mm, nearest_mm + GAP_MM + depth_mm / 2)
            row.append(self._seen(lane, item.sku, item.x_mm, item.y_mm, y_mm))
            nearest_mm = y_mm + depth_mm / 2
        return row

    def _seen(self, lane: LaneConfig, sku: str | None, x_mm: float, true_y_mm: float, y_mm: float) -> SeenItem:
        self._count += 1
        return SeenItem(self._count, sku, lane.lane_id, self._within(lane, sku, x_mm), y_mm, x_mm, true_y_mm)

    def _within(self, lane: LaneConfig, sku: str | None, x_mm: float) -> float:
        """Return where along the front an item stands whose lane has a plate of its own."""
        if self._shelf.kind != "lane_cells":
            return x_mm
        half = min(self._sizes[sku][0], lane.x_mm[1] - lane.x_mm[0]) / 2
        return min(max(x_mm, lane.x_mm[0] + half), lane.x_mm[1] - half)

    def _take(self, move: ItemMove) -> SeenItem | None:
        row = self._rows[move.lane_id]
        here = [item for item in row if item.sku == move.sku]
        if not here:
            return None
        item = min(here, key=lambda each: abs(each.true_x_mm - move.x_mm) + abs(each.true_y_mm - move.y_mm))
        nearest = min(here, key=lambda each: each.y_mm)
        if nearest is not item and abs(nearest.x_mm - item.x_mm) <= SAME_PLACE_MM:
            row[row.index(nearest)] = replace(nearest, true_x_mm=item.true_x_mm, true_y_mm=item.true_y_mm)
            stays = replace(item, true_x_mm=nearest.true_x_mm, true_y_mm=nearest.true_y_mm)
            row[row.index(item)] = stays
            item = next(each for each in row if each.number == nearest.number)
        row.remove(item)
        return item

    def _put(self, move: ItemMove) -> SeenItem:
        lane, row = self._lanes[move.lane_id], self._rows[move.lane_id]
        depth_mm = self._sizes[move.sku][1]
        room_mm = min((item.y_mm - self._sizes[item.sku][1] / 2 for item in row), default=float("inf"))
        y_mm = max(min(move.y_mm, room_mm - GAP_MM - depth_mm / 2), GAP_MM + depth_mm / 2)
        item = self._seen(lane, move.sku, move.x_mm, move.y_mm, y_mm)
        behind_mm = y_mm + depth_mm / 2
        for place, each in enumerate(row):
            half = self._sizes[each.sku][1] / 2
            pushed_mm = max(each.y_mm, behind_mm + GAP_MM + half)
            row[place] = replace(each, y_mm=pushed_mm)
            behind_mm = pushed_mm + half
        row.insert(0, item)
        return item


def _is_water(move: ItemMove) -> bool:
    """Return whether a move is water that gathers or is wiped off: it stands nowhere and is not seen."""
    return move.sku is None and move.x_mm == move.y_mm == 0


def standing_before(
    standing: Mapping[str, Sequence[StandingItem]], truths: Sequence[ActTruth]
) -> dict[str, list[StandingItem]]:
    """Return what stood on the shelves before acts that have changed it: their moves are undone, the last first."""
    before = {lane_id: list(items) for lane_id, items in standing.items()}
    for truth in reversed(truths):
        for move in reversed(truth.moves):
            if _is_water(move):
                continue
            row = before[move.lane_id]
            if move.quantity < 0:
                row.append(StandingItem(move.sku, move.mass_g, 0.0, move.x_mm, move.y_mm))
                continue
            put = [item for item in row if (item.sku, item.x_mm, item.y_mm) == (move.sku, move.x_mm, move.y_mm)]
            if put:
                row.remove(put[0])
    return before

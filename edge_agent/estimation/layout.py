"""Which inputs of a board carry which shelf, and the columns that are estimated for them.

A board's columns are its used inputs, in grams, followed by three derived ones for every platform that stands
wholly on it: total, left-right moment and front-back moment, each a signed sum of the four cells, g. A plate on four
corners is statically indeterminate: cells trade hundreds of grams along the twist mode (+ − + − round the corners)
with no change of any of those three, so detection and settling look at the three and never at the single cells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.config import BoardCalibration, ShelfConfig
from edge_agent.errors import CalibrationError
from edge_agent.model import FloatArray, IntArray

DERIVED = 3


@dataclass(frozen=True, slots=True, eq=False)
class ShelfPart:
    """The cells of one shelf that one board reads.

    Attributes
    ----------
    shelf_index : int
        Place of the shelf in the configuration.
    places : (cells,) int
        Where the cells stand in the shelf's channel order.
    cells, derived : int arrays
        Their columns on the board; ``derived`` is empty unless the part is a whole platform.
    """

    shelf_index: int
    places: IntArray
    cells: IntArray
    derived: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class BoardLayout:
    """One board's columns and how counts become grams: mass_g = counts · g_per_count + offset_g.

    ``inputs`` (cells,) are board inputs; ``mixing`` (cells, derived) makes the derived columns; ``cell_max_g`` and
    ``zero_counts`` are per cell; ``floor_g`` (columns,) is the least noise assumed of a reading. All of it holds for
    one ``gain`` of the converters.
    """

    board_uid: str
    gain: int
    inputs: IntArray
    g_per_count: FloatArray
    offset_g: FloatArray
    noise_g: FloatArray
    cell_max_g: FloatArray
    mixing: FloatArray
    parts: tuple[ShelfPart, ...]
    shelf_of_column: IntArray

    @property
    def cell_count(self) -> int:
        """Return how many inputs are used."""
        return int(self.inputs.size)

    @property
    def column_count(self) -> int:
        """Return cells plus derived columns."""
        return self.cell_count + int(self.mixing.shape[1])

    def spread_cells(self, per_cell: FloatArray) -> FloatArray:
        """Return standard deviations for all columns, (columns,), from the cells', (cells,)."""
        return np.concatenate((per_cell, np.sqrt(np.square(per_cell) @ np.square(self.mixing))))


def corner_signs(shelf: ShelfConfig) -> FloatArray:
    """Return a platform's modes as rows of ±1 over its cells, (4, 4): total, left-right, front-back, twist."""
    middle_x = sum(channel.x_mm for channel in shelf.channels) / 4
    middle_y = sum(channel.y_mm for channel in shelf.channels) / 4
    side = np.array([1.0 if channel.x_mm > middle_x else -1.0 for channel in shelf.channels])
    front = np.array([1.0 if channel.y_mm > middle_y else -1.0 for channel in shelf.channels])
    return np.stack((np.ones(4), side, front, side * front))


def lay_out(shelves: Sequence[ShelfConfig], calibrations: Sequence[BoardCalibration]) -> dict[str, BoardLayout]:
    """Return the layout of every board that a shelf names, by UID in order of first mention.

    Raises
    ------
    CalibrationError
        A channel has no calibration; names board, input, file and the fix.
    """
    by_uid = {each.board_uid: each for each in calibrations}
    uids = dict.fromkeys(channel.board_uid for shelf in shelves for channel in shelf.channels)
    return {uid: _lay_out_board(uid, shelves, by_uid) for uid in uids}


def _lay_out_board(uid: str, shelves: Sequence[ShelfConfig], by_uid: Mapping[str, BoardCalibration]) -> BoardLayout:
    inputs: list[int] = []
    zeros: list[float] = []
    factors: list[float] = []
    noises: list[float] = []
    maxima: list[float] = []
    owners: list[int] = []
    platforms: list[tuple[int, int, FloatArray]] = []
    placed: list[tuple[int, list[int], list[int]]] = []
    for shelf_index, shelf in enumerate(shelves):
        places = [place for place, channel in enumerate(shelf.channels) if channel.board_uid == uid]
        if not places:
            continue
        first = len(inputs)
        for place in places:
            index = shelf.channels[place].index
            board = by_uid.get(uid)
            calibration = None if board is None else board.channel(index)
            if calibration is None:
                raise CalibrationError(
                    f"shelf {shelf.shelf_id}: board {uid} channel {index} has no calibration in "
                    f"calibration/{uid}.toml; calibrate the shelf, or restore that file if the board was not replaced"
                )
            inputs.append(index)
            zeros.append(calibration.zero_counts)
            factors.append(1.0 / calibration.counts_per_g)
            noises.append(np.nan if calibration.noise_g is None else calibration.noise_g)
            maxima.append(shelf.limits.cell_max_g)
            owners.append(shelf_index)
        placed.append((shelf_index, places, list(range(first, len(inputs)))))
        if shelf.kind == "platform" and len(places) == len(shelf.channels):
            platforms.append((shelf_index, first, corner_signs(shelf)[:DERIVED]))
    cells = len(inputs)
    mixing = np.zeros((cells, DERIVED * len(platforms)))
    derived_of: dict[int, list[int]] = {}
    for number, (shelf_index, first, signs) in enumerate(platforms):
        mixing[first : first + 4, DERIVED * number : DERIVED * (number + 1)] = signs.T
        derived_of[shelf_index] = [cells + DERIVED * number + mode for mode in range(DERIVED)]
        owners += [shelf_index] * DERIVED
    g_per_count = np.array(factors)
    return BoardLayout(
        board_uid=uid,
        gain=by_uid[uid].gain,
        inputs=np.array(inputs, dtype=np.int32),
        g_per_count=g_per_count,
        offset_g=-np.array(zeros) * g_per_count,
        noise_g=np.array(noises),
        cell_max_g=np.array(maxima),
        mixing=mixing,
        parts=tuple(
            ShelfPart(
                shelf_index,
                np.array(places, dtype=np.int32),
                np.array(columns, dtype=np.int32),
                np.array(derived_of.get(shelf_index, []), dtype=np.int32),
            )
            for shelf_index, places, columns in placed
        ),
        shelf_of_column=np.array(owners, dtype=np.int32),
    )

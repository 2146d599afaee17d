"""A shelf as the agent understands it, drawn to scale in text: lanes, stock, cells."""

import math
from collections.abc import Mapping, Sequence

from edge_agent.config import ChannelConfig, ShelfConfig
from edge_agent.config.assortment import Catalogue, LaneConfig, Planogram
from edge_agent.console.terminal import COLUMNS, fitted

INNER = COLUMNS - 2
"""Columns between the shelf's left and right edge."""


def shelf_picture(
    shelf: ShelfConfig, planogram: Planogram, catalogue: Catalogue, board_letters: Mapping[str, str]
) -> list[str]:
    """Return the shelf seen from above, the shopper at the bottom; no line is wider than 100 columns.

    Parameters
    ----------
    board_letters : mapping board uid → letter
        A cell is written ▲a0: board a, input 0.
    """
    lanes = planogram.on_shelf(shelf.shelf_id)
    names = {item.sku: item.name for item in catalogue.items}
    texts = (
        [lane.lane_id for lane in lanes],
        [lane.sku for lane in lanes],
        [names.get(lane.sku, "unknown SKU") for lane in lanes],
        [f"{lane.opening_count}/{lane.capacity}" for lane in lanes],
    )
    spans = _spans(shelf, lanes)
    lines = [f"{shelf.shelf_id}: {shelf.kind}, {shelf.width_mm:g} x {shelf.depth_mm:g} mm"]
    front_mm = min(cell.y_mm for cell in shelf.channels)
    back = [cell for cell in shelf.channels if shelf.kind == "platform" and cell.y_mm > front_mm]
    front = [cell for cell in shelf.channels if cell not in back]
    lines += _cell_lines(shelf, back, board_letters, "▼")
    lines.append(_border(spans, "┌┬┐"))
    lines += [_row(spans, row) for row in texts]
    lines.append(_border(spans, "└┴┘"))
    lines += _cell_lines(shelf, front, board_letters, "▲")
    if shelf.kind == "lane_cells":
        lines.append(_plates(shelf))
    right = f"{shelf.width_mm:g} mm"
    lines.append(f"0{'front':^{COLUMNS - 2 * len(right)}}".ljust(COLUMNS - len(right)) + right)
    return [line.rstrip() for line in lines]


def _column(shelf: ShelfConfig, x_mm: float) -> int:
    """Return the column of a place along the shelf: 0 is the left edge, INNER + 1 the right one."""
    return math.floor(x_mm / shelf.width_mm * (INNER + 1) + 0.5)


def _spans(shelf: ShelfConfig, lanes: Sequence[LaneConfig]) -> list[tuple[int, int]]:
    last = INNER + 1
    return [(min(_column(shelf, lane.x_mm[0]), last), min(_column(shelf, lane.x_mm[1]), last)) for lane in lanes]


def _row(spans: Sequence[tuple[int, int]], texts: Sequence[str]) -> str:
    columns = ["│", *"·" * INNER, "│"]
    for (left, right), text in zip(spans, texts, strict=True):
        columns[left] = columns[right] = "│"
        if right - left > 1:
            columns[left + 1 : right] = [fitted(text, right - left - 1), *[""] * (right - left - 2)]
    return "".join(columns)


def _border(spans: Sequence[tuple[int, int]], corners: str) -> str:
    columns = [corners[0], *"─" * INNER, corners[2]]
    for place in {edge for span in spans for edge in span} - {0, INNER + 1}:
        columns[place] = corners[1]
    return "".join(columns)


def _cell_lines(shelf: ShelfConfig, cells: Sequence[ChannelConfig], letters: Mapping[str, str], mark: str) -> list[str]:
    """Write the cells' names under their places; names that would touch go to a further line."""
    lines: list[str] = []
    for cell in sorted(cells, key=lambda each: each.x_mm):
        name = f"{mark}{letters.get(cell.board_uid, '?')}{cell.index}"
        column = _column(shelf, cell.x_mm)
        if column + len(name) > COLUMNS:  # at the right edge the name stands left of its mark
            name = f"{name[1:]}{mark}"
            column = min(column, COLUMNS - 1) - len(name) + 1
        for place, line in enumerate(lines):
            if len(line) < column:
                lines[place] = line.ljust(column) + name
                break
        else:
            lines.append(" " * column + name)
    return lines


def _plates(shelf: ShelfConfig) -> str:
    columns = ["╘", *"═" * INNER, "╛"]
    for edge in shelf.plate_edges_mm()[1:-1]:
        columns[_column(shelf, edge)] = "╧"
    return "".join(columns)

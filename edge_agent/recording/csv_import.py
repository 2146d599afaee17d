"""Make a recording of a load-cell log in CSV: one row a reading, time in seconds first.

Two forms are known: ``ts,c0,c1,…`` with a header and raw counts per cell (a last ``grams`` column is ignored), and
``epoch_s,grams`` without one. The instants become the host's monotonic ones, starting at one second.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_agent.config import (
    AgentConfig,
    BoardCalibration,
    BoardConfig,
    BrokerConfig,
    ChannelCalibration,
    ChannelConfig,
    LimitsConfig,
    ShelfConfig,
    Site,
)
from edge_agent.config.assortment import Catalogue, ItemConfig, LaneConfig, Planogram
from edge_agent.errors import RecordingError
from edge_agent.model import (
    AdcSamples,
    BoardUid,
    BoardUp,
    FloatArray,
    InitialState,
    InstantArray,
    IntArray,
    MonotonicNs,
)

FIRST_INSTANT_NS = 1_000_000_000
MAX_CELLS = 64
MAX_SPAN_S = 366 * 86_400.0
MIN_PERIOD_S = 1e-3
"""A thousand readings a second: ten times what a load-cell converter gives."""
FULL_SCALE_COUNTS = 2**23 - 1
PLATE_MM = (300.0, 300.0)


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """What a bare log does not say about the scale it came from.

    ``counts_per_g`` is the same for all cells; ``item_g`` and ``item_sigma_g`` describe the one product sold from it.
    """

    counts_per_g: float = 365.0
    cell_max_g: float = 5000.0
    min_event_g: float = 20.0
    item_g: float = 3400.0
    item_sigma_g: float = 50.0
    item_name: str = "imported item"
    board_uid: str = "00000000000000aa"


@dataclass(frozen=True, slots=True, eq=False)
class LoadCellLog:
    """A log's readings: ``t_s`` (rows,) seconds, ``counts`` (rows, cells) and how many rows had to be left out."""

    t_s: FloatArray
    counts: IntArray
    dropped_rows: int

    @property
    def period_s(self) -> float:
        """Return the usual time from one reading to the next."""
        return float(np.median(np.diff(self.t_s)))


def read_log(path: Path, counts_per_g: float) -> LoadCellLog:
    """Read a CSV log; rows whose time does not rise are left out and counted.

    Raises
    ------
    RecordingError
        When the file cannot be read, a field is no number (line named), or fewer than three rows remain.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            lines = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RecordingError(f"{path}: cannot be read as CSV: {error}") from error
    header = lines[0] if lines and not _is_number(lines[0][0] if lines[0] else "") else None
    rows = [(place, row) for place, row in enumerate(lines, start=1) if row and row is not header]
    if len(rows) < 3:
        raise RecordingError(f"{path}: {len(rows)} readings; at least 3 are needed")
    cells = [place for place, name in enumerate(header) if name[:1] == "c"] if header else [1]
    if not cells:
        raise RecordingError(f"{path}: the header {','.join(header or [])!r} names no cell columns c0, c1, …")
    scale = 1.0 if header else counts_per_g
    table = np.array([_numbers(path, place, row, [0, *cells]) for place, row in rows])
    if table.shape[1] > 1 + MAX_CELLS:
        raise RecordingError(f"{path}: {table.shape[1] - 1} cells; a board has at most {MAX_CELLS}")
    if float(np.ptp(table[:, 0])) > MAX_SPAN_S:
        raise RecordingError(f"{path}: its times span {np.ptp(table[:, 0]):.3g} s; they must be in seconds")
    later = np.r_[True, np.diff(np.maximum.accumulate(table[:, 0])) > 0]
    counts = np.clip(np.rint(table[later, 1:] * scale), -FULL_SCALE_COUNTS - 1, FULL_SCALE_COUNTS)
    log = LoadCellLog(table[later, 0], counts.astype(np.int32), int((~later).sum()))
    if len(log.t_s) < 3 or log.period_s < MIN_PERIOD_S:
        raise RecordingError(
            f"{path}: {len(log.t_s)} readings at rising times, one in {MIN_PERIOD_S} s at most: not a log"
        )
    return log


def imported_site(log: LoadCellLog, settings: ImportSettings) -> Site:
    """Return a one-shelf site for a log: four cells are a platform's corners in ring order, others a plate each."""
    cells = log.counts.shape[1]
    width, depth = PLATE_MM
    corners: tuple[tuple[float, float], ...]
    if cells == 4:
        corners = ((0.0, 0.0), (width, 0.0), (width, depth), (0.0, depth))
    else:
        corners = tuple(((place + 0.5) * width / cells, depth / 2) for place in range(cells))
    uid = settings.board_uid
    shelf = ShelfConfig(
        shelf_id="imported",
        kind="platform" if cells == 4 else "lane_cells",
        width_mm=width,
        depth_mm=depth,
        channels=tuple(ChannelConfig(board_uid=uid, index=i, x_mm=x, y_mm=y) for i, (x, y) in enumerate(corners)),
        limits=LimitsConfig(cell_max_g=settings.cell_max_g, min_event_g=settings.min_event_g),
    )
    item = ItemConfig(
        sku="imported-item",
        gtin="2000000000015",
        name=settings.item_name,
        unit_weight_g=settings.item_g,
        unit_sigma_g=settings.item_sigma_g,
    )
    lane = LaneConfig(lane_id="a1", shelf_id="imported", x_mm=(0.0, width), sku=item.sku, capacity=4, opening_count=1)
    agent = AgentConfig(
        schema_version=1,
        store_id="lab",
        agent_id="imported",
        state_dir="imported-state",
        broker=BrokerConfig(host="127.0.0.1"),
        boards=(BoardConfig(uid=uid, port="imported"),),
        shelves=("imported.toml",),
        planogram="planogram.toml",
        catalogue="catalogue.toml",
        calibration_dir="calibration",
    )
    channels = tuple(
        ChannelCalibration(index=i, zero_counts=0.0, counts_per_g=settings.counts_per_g) for i in range(cells)
    )
    return Site(
        agent=agent,
        shelves=(shelf,),
        planogram=Planogram(revision=1, lanes=(lane,)),
        catalogue=Catalogue(revision=1, items=(item,)),
        calibrations=(BoardCalibration(board_uid=uid, revision=1, channels=channels),),
    )


def imported_initial(site: Site) -> InitialState:
    """Return the state an imported recording starts from: the planogram's stock, no weight known yet."""
    return InitialState(stock=site.opening_stock())


def log_messages(log: LoadCellLog, board_uid: str) -> Iterator[BoardUp | AdcSamples]:
    """Yield a log as the messages a board would have caused, one block a reading."""
    uid = BoardUid(board_uid)
    t_ns = FIRST_INSTANT_NS + np.rint((log.t_s - log.t_s[0]) * 1e9).astype(np.int64)
    yield BoardUp(MonotonicNs(FIRST_INSTANT_NS - 1), uid, log.counts.shape[1], 1 / log.period_s, 128, 0, "imported")
    steps = np.maximum(1, np.rint(np.diff(log.t_s) / log.period_s)).astype(np.int64)
    indices: InstantArray = np.r_[0, np.cumsum(steps)]
    flags = np.zeros((1, log.counts.shape[1]), dtype=np.uint8)
    for row in range(len(t_ns)):
        lost = int(indices[row] - indices[row - 1] - 1) if row else 0
        yield AdcSamples(uid, int(indices[row]), t_ns[row : row + 1], log.counts[row : row + 1], flags, lost)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(path: Path, place: int, row: list[str], columns: list[int]) -> list[float]:
    try:
        values = [float(row[column]) for column in columns]
    except (ValueError, IndexError) as error:
        raise RecordingError(f"{path}: line {place}: {','.join(row)!r} is not a row of numbers") from error
    if not all(np.isfinite(values)):
        raise RecordingError(f"{path}: line {place}: {','.join(row)!r} holds a value that is not finite")
    return values

"""What the agent must know again after a restart: stock belief and resting weights, as of the last commit."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from edge_agent.model import Baseline, Stock

log = logging.getLogger(__name__)

LANE: Final = "lane/"
SHELF: Final = "shelf/"

_encoder = msgspec.msgpack.Encoder()
_counts_decoder = msgspec.msgpack.Decoder(dict[str, int])


class _StoredBaseline(msgspec.Struct, frozen=True, array_like=True):
    """Little-endian float64 arrays of one shelf's channels."""

    level_g: bytes
    sigma_g: bytes


_baseline_decoder = msgspec.msgpack.Decoder(_StoredBaseline)


@dataclass(frozen=True, slots=True, eq=False)
class SavedState:
    """Stock and resting weights of the last commit."""

    stock: Stock
    baselines: tuple[Baseline, ...]


def state_rows(stock: Stock | None, baselines: Iterable[Baseline]) -> Iterator[tuple[str, bytes]]:
    """Yield the rows that store a belief: one per lane and one per shelf, so that a commit writes what changed."""
    for lane_id, counts in (stock or {}).items():
        yield LANE + lane_id, _encoder.encode({sku: int(count) for sku, count in counts.items()})
    for baseline in baselines:
        stored = _StoredBaseline(
            np.asarray(baseline.level_g, dtype="<f8").tobytes(), np.asarray(baseline.sigma_g, dtype="<f8").tobytes()
        )
        yield SHELF + baseline.shelf_id, _encoder.encode(stored)


def lanes_gone(rows: Iterable[str], stock: Stock) -> set[str]:
    """Return the rows of lanes that a belief no longer names."""
    return {name for name in rows if name.startswith(LANE)}.difference(LANE + lane for lane in stock)


def stock_of(rows: Mapping[str, bytes]) -> dict[str, dict[str, int]]:
    """Return lane_id → {sku: count} from stored rows; a row that does not read is left out."""
    stock = {}
    for name, value in rows.items():
        if name.startswith(LANE):
            try:
                stock[name.removeprefix(LANE)] = _counts_decoder.decode(value)
            except msgspec.DecodeError:
                continue
    return stock


def saved_state_of(rows: Mapping[str, bytes]) -> SavedState | None:
    """Return the belief that the rows store, or None when they store none."""
    baselines = []
    for name, value in rows.items():
        if name.startswith(SHELF):
            shelf_id = name.removeprefix(SHELF)
            try:
                stored = _baseline_decoder.decode(value)
                level_g = np.frombuffer(stored.level_g, dtype="<f8").astype(np.float64)
                sigma_g = np.frombuffer(stored.sigma_g, dtype="<f8").astype(np.float64)
            except (msgspec.DecodeError, ValueError) as error:
                log.warning("stored resting weights unreadable, begun anew shelf=%s error=%s", shelf_id, error)
                continue
            if level_g.shape != sigma_g.shape:
                log.warning("stored resting weights contradict each other, begun anew shelf=%s", shelf_id)
                continue
            baselines.append(Baseline(shelf_id, level_g, sigma_g))
    stock = stock_of(rows)
    return SavedState(stock, tuple(baselines)) if stock or baselines else None

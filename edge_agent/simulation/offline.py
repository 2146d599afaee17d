"""A stretch of shop as the messages that the pipeline consumes, faster than life and without a serial port."""

import heapq
from collections.abc import Iterator

import numpy as np

from edge_agent.model import AdcSamples, BoardUid, BoardUp, Message, MonotonicNs
from edge_agent.simulation.board_source import BoardSource
from edge_agent.simulation.hardware import BoardPhysics
from edge_agent.simulation.world import ShelfWorld

RATE_HZ = 80.0
"""The nominal rate; real boards give 77–94 by their own oscillators (2026-11)."""
BLOCK_ROWS = 8
"""Rows a message, 0.1 s: what a board's frame carries."""
GAIN = 128


def samples(
    world: ShelfWorld,
    duration_s: float,
    *,
    start_ns: int = 0,
    rate_hz: float = RATE_HZ,
    block_rows: int = BLOCK_ROWS,
    physics: BoardPhysics | None = None,
) -> Iterator[Message]:
    """Yield one BoardUp per board and then its AdcSamples, all boards merged in the order of arrival.

    Schedule the acts before, or at least before their time is drawn. World time 0 is ``start_ns``.

    Parameters
    ----------
    duration_s : float
        World time to cover, from 0.
    block_rows : int
        Rows of each AdcSamples; its arrival is its last row.
    """
    uids = list(dict.fromkeys(channel.board_uid for shelf in world.site.shelves for channel in shelf.channels))
    sources = {uid: BoardSource(world, uid, physics) for uid in uids}
    for uid, source in sources.items():
        yield BoardUp(MonotonicNs(start_ns), BoardUid(uid), source.channel_count, rate_hz, GAIN, 1, "simulated")
    streams = [
        _board_samples(uid, source, duration_s, start_ns, rate_hz, block_rows) for uid, source in sources.items()
    ]
    for _, block in heapq.merge(*streams, key=lambda arrival: arrival[0]):
        yield block


def _board_samples(
    uid: str, source: BoardSource, duration_s: float, start_ns: int, rate_hz: float, block_rows: int
) -> Iterator[tuple[int, AdcSamples]]:
    for first_index in range(0, int(duration_s * rate_hz), block_rows):
        t_s = np.arange(first_index + 1, first_index + block_rows + 1) / rate_hz
        counts = source.block(t_s)
        t_ns = start_ns + np.rint(t_s * 1e9).astype(np.int64)
        yield int(t_ns[-1]), AdcSamples(BoardUid(uid), first_index, t_ns, counts, np.zeros(counts.shape, np.uint8))

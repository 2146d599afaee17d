"""A shop whose boards are simulated chips: the shelf world's forces become the loads of the rigs' cells."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
from rig_board import RigBoard

from edge_agent.config import Site
from edge_agent.simulation.board_source import BoardSource
from edge_agent.simulation.world import ShelfWorld

GRID_HZ: Final = 80.0
"""Loads are given to the rigs at this spacing, straight lines between: what plates do is below 40 Hz."""
NOISE_COUNTS: Final = 25.0
"""The rigs' own converters, beside the noise that the world's cells have (datasheet: 90 nV rms at 80 SPS)."""


class RigShop:
    """One rig for each board of a site, loaded by a shelf world whose time is the rigs' own.

    Parameters
    ----------
    site : Site
        Its boards' ports name where the rigs' terminals appear.
    seed : int
        Of goods, hands and noise.
    """

    def __init__(self, site: Site, seed: int) -> None:
        self.site = site
        self.world = ShelfWorld(site, seed)
        self.rigs: dict[str, RigBoard] = {}
        self._sources = {board.uid: BoardSource(self.world, board.uid) for board in site.agent.boards}
        self._fed_s = 0.0
        self.taken = 0
        """Packets that the shopper holds just now; the test's to keep."""
        self._seed = seed
        self._zero_s: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._ending = ExitStack()
        with ExitStack() as starting:
            for board in self.site.agent.boards:
                port = Path(board.port)
                rig = RigBoard(
                    port.parent,
                    name=port.name,
                    channels=self._sources[board.uid].channel_count,
                    uid=board.uid,
                    seed=self._seed,
                )
                self.rigs[board.uid] = starting.enter_context(rig)
            self._ending = starting.pop_all()
        self.start_s = time.monotonic()
        for uid, rig in self.rigs.items():
            self._zero_s[uid] = rig.board_time_s() - (time.monotonic() - self.start_s)
            rig.noise(NOISE_COUNTS)
        self.feed(1.0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.close()

    @property
    def now_s(self) -> float:
        """Return the world's time."""
        return time.monotonic() - self.start_s

    def feed(self, until_s: float) -> None:
        """Hand the loads up to a world time to the rigs; acts before it cannot be added any more."""
        first, last = round(self._fed_s * GRID_HZ) + 1, round(until_s * GRID_HZ)
        if last < first:
            return
        t_s = np.arange(first, last + 1) / GRID_HZ
        for uid, source in self._sources.items():
            counts = source.block(t_s)
            rig, zero_s = self.rigs[uid], self._zero_s[uid]
            rig.say_all(_script(counts, t_s + zero_s))
        self._fed_s = last / GRID_HZ

    def play(self, until_s: float) -> None:
        """Feed the loads and let the world's time pass."""
        self.feed(until_s)
        time.sleep(max(0.0, until_s - self.now_s))


def _script(counts: np.ndarray, board_s: Sequence[float] | np.ndarray) -> Iterable[str]:
    for row, at_s in zip(counts, board_s, strict=True):
        for channel, count in enumerate(row):
            yield f"load {channel} {at_s:.6f} {int(count)} ramp"

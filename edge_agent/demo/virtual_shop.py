"""The shop of a demonstration: goods, boards that weigh them, and a shopper whose acts are known."""

import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from edge_agent.config import Site
from edge_agent.simulation.acts import PlannedAct
from edge_agent.simulation.board_source import BoardSource
from edge_agent.simulation.truth import ActTruth
from edge_agent.simulation.world import ShelfWorld
from firmware_bridge.board_model import BoardModel
from firmware_bridge.board_setup import BoardSetup
from firmware_bridge.virtual_board import VirtualBoard, VirtualRig


class VirtualShop:
    """A shelf world behind virtual boards on real pseudo-terminals, one for each board of the site.

    Attributes
    ----------
    start_ns : int
        Host monotonic instant of world time 0.
    """

    def __init__(self, site: Site, seed: int, ports: Sequence[str]) -> None:
        self.world = ShelfWorld(site, seed)
        self.start_ns = time.monotonic_ns()
        self.boards = [self._board(board.uid, port) for board, port in zip(site.agent.boards, ports, strict=True)]
        self._rig = VirtualRig(self.boards)

    @property
    def now_s(self) -> float:
        """Return the world's time."""
        return (time.monotonic_ns() - self.start_ns) / 1e9

    def perform(self, acts: Sequence[PlannedAct]) -> list[ActTruth]:
        """Schedule acts in world time and return what will then have happened."""
        return self.world.perform_all(acts)

    def __enter__(self) -> Self:
        self._rig.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rig.stop()

    def _board(self, uid: str, port: str) -> VirtualBoard:
        source = BoardSource(self.world, uid)
        setup = BoardSetup(board_uid=uid, channels=source.channel_count, rate_hz=80.0)
        return VirtualBoard(BoardModel(setup, source), Path(port), epoch_ns=self.start_ns)

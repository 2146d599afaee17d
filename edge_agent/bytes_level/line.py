"""The whole engine behind simulated boards, in simulated time: physics → board → bytes → session → pipeline."""

from collections.abc import Iterator

import numpy as np

from edge_agent.adapters.serial_cells import as_message
from edge_agent.bytes_level.lost_rows import LostRows
from edge_agent.config import Site
from edge_agent.model import AdcSamples, BoardUid, FloatArray, InitialState, Output
from edge_agent.pipeline import Pipeline
from edge_agent.simulation.board_source import BoardSource
from edge_agent.simulation.hardware import BoardPhysics
from edge_agent.simulation.world import ShelfWorld
from firmware_bridge.active_board import BoardMemory
from firmware_bridge.board_model import BoardModel
from firmware_bridge.board_session import BoardSession
from firmware_bridge.board_setup import BoardSetup
from firmware_bridge.events import Event
from firmware_bridge.link_timing import LinkTiming
from firmware_bridge.port import PortConfig

START_NS = 1_000_000_000_000
STEP_NS = 5_000_000
"""Bytes travel and are read so often: the link reads within 10 ms (2026-11)."""
REOPEN_NS = round(LinkTiming().backoff_first_s * 1e9)
AHEAD_ROWS = 32
RATE_HZ = 80.0
RATE_ERRORS = (0.97, 1.15)
"""The converter's own oscillator over its nominal rate (design record on the link, 2026-11)."""
CRYSTAL_PPM = 30.0


class _Ahead:
    """A board's physics computed some rows at a time: its instants are evenly spaced, so the next ones are known."""

    def __init__(self, source: BoardSource, rate_hz: float) -> None:
        self._source, self._period_s = source, 1 / rate_hz
        self._rows: list[list[int]] = []
        self._from_s: float | None = None

    def counts(self, sample_index: int, t_s: float) -> list[int]:
        """Return the conversion that ends at ``t_s``; those that were lost before happened all the same."""
        del sample_index
        place = 0 if self._from_s is None else round((t_s - self._from_s) / self._period_s)
        while place >= len(self._rows):
            place -= len(self._rows)
            self._from_s = t_s - place * self._period_s
            ahead_s: FloatArray = self._from_s + self._period_s * np.arange(AHEAD_ROWS, dtype=np.float64)
            self._rows = self._source.block(ahead_s).tolist()
        return self._rows[place]


class _Wire:
    """One board and the session that reads it."""

    def __init__(
        self, site: Site, world: ShelfWorld, uid: str, physics: BoardPhysics, rng: np.random.Generator
    ) -> None:
        source = BoardSource(world, uid, physics)
        rate_error = float(rng.uniform(*RATE_ERRORS))
        ppm = float(rng.uniform(-CRYSTAL_PPM, CRYSTAL_PPM))
        setup = BoardSetup(uid, channels=source.channel_count, rate_hz=RATE_HZ, rate_error=rate_error, ppm=ppm)
        self.model = BoardModel(setup, _Ahead(source, RATE_HZ * rate_error * (1 + ppm * 1e-6)), seed=world.seed)
        (lost_rng,) = rng.spawn(1)
        self._lost = LostRows(lost_rng, RATE_HZ * rate_error)
        self.heard: list[Event] = []
        port = next(board.port for board in site.agent.boards if board.uid == uid)
        memory: dict[str, BoardMemory] = {}
        self.session = BoardSession(
            PortConfig(port, expected_uid=uid),
            self.heard.append,
            lambda each: memory.setdefault(each, BoardMemory()),
            lambda _: True,
            LinkTiming(),
        )
        self.session.opened(START_NS)
        self._reopen_ns: int | None = None

    def run(self, now_ns: int) -> list[Event]:
        """Let the board and the session run to an instant; return what the session says."""
        self.heard.clear()
        self.model.faults.drop_rows += self._lost.due((now_ns - START_NS) * 1e-9)
        sent = self.model.advance(self.model.ticks_at((now_ns - START_NS) * 1e-9))
        if not self._open(now_ns):
            return list(self.heard)
        if sent:
            self.session.receive(sent, now_ns)
        if self.session.due_ns() <= now_ns:
            asked = self.session.poll(now_ns)
            if asked:
                answer = self.model.receive(asked)
                if answer:
                    self.session.receive(answer, now_ns)
        return list(self.heard)

    def _open(self, now_ns: int) -> bool:
        """Return whether the port is open; as the link does, close and reopen it when the session gave up."""
        if self.session.verdict is not None and self._reopen_ns is None:
            self.session.closed(now_ns)
            self._reopen_ns = now_ns + REOPEN_NS
        if self._reopen_ns is not None and now_ns >= self._reopen_ns:
            self._reopen_ns = None
            self.session.opened(now_ns)
        return self._reopen_ns is None


def run(site: Site, world: ShelfWorld, physics: BoardPhysics, until_s: float) -> Iterator[tuple[float, Output]]:
    """Yield what the engine says, each with the world time at which it was said.

    Parameters
    ----------
    until_s : float
        World time; schedule all acts before.
    """
    rng = np.random.default_rng(np.random.SeedSequence([world.seed, 77]))
    boards = [board.uid for board in site.agent.boards]
    wires = [_Wire(site, world, uid, physics, rng) for uid in boards]
    expected = {board.port: BoardUid(board.uid) for board in site.agent.boards}
    pipeline = Pipeline(site, InitialState(site.opening_stock()))
    for now_ns in range(START_NS, START_NS + round(until_s * 1e9), STEP_NS):
        for wire in wires:
            for event in wire.run(now_ns):
                for output in pipeline.step(as_message(event, expected)):
                    yield (now_ns - START_NS) * 1e-9, output


def readings(site: Site, world: ShelfWorld, physics: BoardPhysics, until_s: float) -> tuple[FloatArray, FloatArray]:
    """Return what the first board's session hands on: instants, (n,) world s, and readings, (n, channels) g."""
    board = site.agent.boards[0]
    wire = _Wire(site, world, board.uid, physics, np.random.default_rng(np.random.SeedSequence([world.seed, 77])))
    t_s: list[FloatArray] = []
    counts: list[FloatArray] = []
    for now_ns in range(START_NS, START_NS + round(until_s * 1e9), STEP_NS):
        for event in wire.run(now_ns):
            message = as_message(event, {board.port: BoardUid(board.uid)})
            if isinstance(message, AdcSamples):
                t_s.append(np.asarray((message.t_ns - START_NS) * 1e-9, dtype=np.float64))
                counts.append(message.counts.astype(np.float64))
    calibration = site.calibration(board.uid)
    if calibration is None:
        raise ValueError(f"board {board.uid}: not calibrated")
    span = np.array([channel.counts_per_g for channel in calibration.channels])
    zero = np.array([channel.zero_counts for channel in calibration.channels])
    return np.concatenate(t_s), (np.concatenate(counts) - zero) / span

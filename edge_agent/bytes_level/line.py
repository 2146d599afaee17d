"""The whole engine behind simulated boards, in simulated time: physics → board → bytes → session → pipeline."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from edge_agent.adapters.serial_cells import as_message
from edge_agent.bytes_level.course import UNDISTURBED, Course
from edge_agent.bytes_level.wire import START_NS, BoardWire
from edge_agent.config import Site
from edge_agent.learned import Learned
from edge_agent.model import (
    AdcSamples,
    Baseline,
    BoardUid,
    Checkpoint,
    Decision,
    FloatArray,
    InitialState,
    Message,
    ModeChange,
    MonotonicNs,
    Output,
    Stock,
)
from edge_agent.pipeline import Pipeline
from edge_agent.simulation.hardware import BoardPhysics
from edge_agent.simulation.world import ShelfWorld

__all__ = ["START_NS", "readings", "run"]

STEP_NS = 5_000_000
"""Bytes travel and are read so often: the link reads within 10 ms (2026-11)."""


@dataclass(slots=True)
class _Disk:
    """What the unit has committed: all that a restart finds."""

    stock: Stock
    baselines: dict[str, Baseline] = field(default_factory=dict)
    learned: Learned = field(default_factory=Learned)

    def kept(self, output: Output) -> Output:
        """Commit what an output carries, and return it."""
        if isinstance(output, Decision | Checkpoint):
            self.baselines |= {each.shelf_id: each for each in output.baselines}
        if isinstance(output, Decision):
            self.stock = output.stock
            new = output.learned
            self.learned = Learned({**self.learned.units, **new.units}, {**self.learned.confidences, **new.confidences})
        return output

    def initial(self) -> InitialState:
        """Return what an agent starts with."""
        return InitialState(self.stock, tuple(self.baselines.values()), learned=self.learned)


class Watching(Protocol):
    """Something beside the boards that sees the shelf."""

    def run(self, now_ns: int) -> list[Message]:
        """Return what it has to say by an instant that it has not said yet."""


def run(
    site: Site,
    world: ShelfWorld,
    physics: BoardPhysics,
    until_s: float,
    course: Course = UNDISTURBED,
    cameras: Sequence[Watching] = (),
) -> Iterator[tuple[float, Output]]:
    """Yield what the engine says, each with the world time at which it was said.

    Parameters
    ----------
    until_s : float
        World time; schedule all acts before.
    course : Course
        What befalls boards and agent meanwhile.
    cameras : sequence of Watching
    """
    rng = np.random.default_rng(np.random.SeedSequence([world.seed, 77]))
    boards = [board.uid for board in site.agent.boards]
    wires = [BoardWire(site, world, uid, physics, rng, course) for uid in boards]
    expected = {board.port: BoardUid(board.uid) for board in site.agent.boards}
    disk = _Disk(site.opening_stock())
    pipeline = Pipeline(site, disk.initial())
    modes, away = list(course.modes), course.away
    now_ns, end_ns = START_NS, START_NS + round(until_s * 1e9)
    while now_ns < end_ns:
        now_s = (now_ns - START_NS) * 1e-9
        if away is not None and now_s >= away.from_s:
            if not away.power_cut:
                yield from ((now_s, disk.kept(output)) for output in [*pipeline.conclude(), pipeline.checkpoint()])
            now_ns = START_NS + round(away.until_s * 1e9)
            for wire in wires:
                wire.come_back(now_ns, powered_up=away.power_cut)
            pipeline, away = Pipeline(site, disk.initial()), None
            continue
        messages: list[Message] = []
        while modes and modes[0][0] <= now_s:
            messages.append(ModeChange(MonotonicNs(now_ns), modes.pop(0)[1]))
        messages += [as_message(event, expected) for wire in wires for event in wire.run(now_ns)]
        messages += [said for camera in cameras for said in camera.run(now_ns)]
        for message in messages:
            yield from ((now_s, disk.kept(output)) for output in pipeline.step(message))
        now_ns += STEP_NS


def readings(site: Site, world: ShelfWorld, physics: BoardPhysics, until_s: float) -> tuple[FloatArray, FloatArray]:
    """Return what the first board's session hands on: instants, (n,) world s, and readings, (n, channels) g."""
    board = site.agent.boards[0]
    wire = BoardWire(site, world, board.uid, physics, np.random.default_rng(np.random.SeedSequence([world.seed, 77])))
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

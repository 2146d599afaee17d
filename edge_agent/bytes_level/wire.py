"""One board in physics and the session that reads its bytes, with what befalls both."""

import numpy as np

from edge_agent.bytes_level.course import UNDISTURBED, CellFault, Course
from edge_agent.bytes_level.lost_rows import LostRows
from edge_agent.config import Site
from edge_agent.model import FloatArray
from edge_agent.simulation.board_source import BoardSource
from edge_agent.simulation.hardware import BoardPhysics
from edge_agent.simulation.world import ShelfWorld
from firmware_bridge.active_board import BoardMemory
from firmware_bridge.board_model import BoardModel
from firmware_bridge.board_session import BoardSession
from firmware_bridge.board_setup import BoardSetup
from firmware_bridge.events import BoardUp, Event
from firmware_bridge.frames import ResetCause, SampleFlag
from firmware_bridge.link_timing import LinkTiming
from firmware_bridge.port import PortConfig

START_NS = 1_000_000_000_000
"""Host monotonic instant of world time 0."""
AHEAD_ROWS = 32
RATE_HZ = 80.0
RATE_ERRORS = (0.97, 1.15)
"""The converter's own oscillator over its nominal rate (design record on the link, 2026-11)."""
CRYSTAL_PPM = 30.0


class FaultyCells:
    """Inputs of one board that stick or make noise."""

    def __init__(self, site: Site, uid: str, faults: tuple[CellFault, ...], seed: int) -> None:
        self._faults = faults
        self._rng = np.random.default_rng(np.random.SeedSequence([seed, 78]))
        self._stuck_at: dict[int, int] = {}
        calibration = site.calibration(uid)
        self._counts_per_g = {each.index: each.counts_per_g for each in calibration.channels} if calibration else {}

    def reading(self, row: list[int], t_s: float) -> list[int]:
        """Return what the inputs give for the counts of a conversion that ends at ``t_s``."""
        for fault in self._faults:
            if t_s < fault.from_s:
                continue
            place = fault.board_input
            if fault.kind == "stuck":
                row[place] = self._stuck_at.setdefault(place, row[place])
            elif fault.kind == "noisy":
                row[place] += round(fault.noise_g * self._counts_per_g[place] * self._rng.standard_normal())
        return row


class _Ahead:
    """A board's physics computed some rows at a time: its instants are evenly spaced, so the next ones are known."""

    def __init__(self, source: BoardSource, rate_hz: float, faults: FaultyCells) -> None:
        self._source, self._period_s = source, 1 / rate_hz
        self._faults = faults
        self._rows: list[list[int]] = []
        self._from_s: float | None = None

    def forget(self) -> None:
        """Drop what was computed ahead: the next instants do not follow on."""
        self._rows, self._from_s = [], None

    def counts(self, sample_index: int, t_s: float) -> list[int]:
        """Return the conversion that ends at ``t_s``; those that were lost before happened all the same."""
        del sample_index
        place = 0 if self._from_s is None else round((t_s - self._from_s) / self._period_s)
        while place >= len(self._rows):
            place -= len(self._rows)
            self._from_s = t_s - place * self._period_s
            ahead_s: FloatArray = self._from_s + self._period_s * np.arange(AHEAD_ROWS, dtype=np.float64)
            self._rows = self._source.block(ahead_s).tolist()
        return self._faults.reading(self._rows[place], t_s)


class BoardWire:
    """One board and the session that reads it, stepped together."""

    def __init__(
        self,
        site: Site,
        world: ShelfWorld,
        uid: str,
        physics: BoardPhysics,
        rng: np.random.Generator,
        course: Course = UNDISTURBED,
    ) -> None:
        source = BoardSource(world, uid, physics)
        rate_error = float(rng.uniform(*RATE_ERRORS))
        ppm = float(rng.uniform(-CRYSTAL_PPM, CRYSTAL_PPM))
        setup = BoardSetup(uid, channels=source.channel_count, rate_hz=RATE_HZ, rate_error=rate_error, ppm=ppm)
        true_hz = RATE_HZ * rate_error * (1 + ppm * 1e-6)
        self._ahead = _Ahead(source, true_hz, FaultyCells(site, uid, course.faults_of(uid), world.seed))
        self.model = BoardModel(setup, self._ahead, seed=world.seed)
        (lost_rng,) = rng.spawn(1)
        self._lost = LostRows(lost_rng, RATE_HZ * rate_error)
        self.heard: list[Event] = []
        port = next(board.port for board in site.agent.boards if board.uid == uid)
        self._config = PortConfig(port, expected_uid=uid)
        self.session = self._new_session(START_NS)
        self._gaps = [gap for gap in course.gaps if gap.board_uid == uid]
        self._silent = [fault for fault in course.faults_of(uid) if fault.kind == "silent"]
        self._lost_s = course.lost_from_s(uid)
        self._backoff_s = 0.0
        self._reopen_ns: int | None = None

    def _new_session(self, now_ns: int) -> BoardSession:
        memory: dict[str, BoardMemory] = {}
        session = BoardSession(
            self._config,
            self.heard.append,
            lambda each: memory.setdefault(each, BoardMemory()),
            lambda _: True,
            LinkTiming(),
        )
        session.opened(now_ns)
        return session

    def come_back(self, now_ns: int, *, powered_up: bool) -> None:
        """Open the port anew after a time without an agent, which the board spent converting or without power."""
        ticks = self.model.ticks_at((now_ns - START_NS) * 1e-9)
        if powered_up:
            self._ahead.forget()
            self.model.ticks = ticks
            self.model.reset(ResetCause.POWER_ON)
        else:
            self.model.advance(ticks)
        self.heard.clear()
        self._reopen_ns = None
        self.session = self._new_session(now_ns)

    def _befall(self, now_s: float) -> None:
        """Let happen to the board what is due."""
        faults = self.model.faults
        faults.drop_rows += self._lost.due(now_s)
        faults.silence = faults.deaf = now_s >= self._lost_s
        while self._gaps and self._gaps[0].from_s <= now_s:
            faults.drop_rows += round(self._gaps.pop(0).lasts_s * RATE_HZ)
        while self._silent and self._silent[0].from_s <= now_s:
            faults.channel_flags[self._silent.pop(0).board_input] = SampleFlag.SILENT

    def run(self, now_ns: int) -> list[Event]:
        """Let the board and the session run to an instant; return what the session says."""
        self.heard.clear()
        self._befall((now_ns - START_NS) * 1e-9)
        sent = self.model.advance(self.model.ticks_at((now_ns - START_NS) * 1e-9))
        if self._reopen_ns is not None:
            if now_ns < self._reopen_ns:
                return []
            self._reopen_ns = None
            self.session.opened(now_ns)
        if sent:
            self.session.receive(sent, now_ns)
        if self.session.due_ns() <= now_ns:
            asked = self.session.poll(now_ns)
            if asked:
                answer = self.model.receive(asked)
                if answer:
                    self.session.receive(answer, now_ns)
        if self.session.verdict is not None:
            self._close(now_ns)
        elif any(isinstance(event, BoardUp) for event in self.heard):
            self._backoff_s = 0.0
        return list(self.heard)

    def _close(self, now_ns: int) -> None:
        """Close the port and open it again a little later, as the link does."""
        timing = LinkTiming()
        self.session.closed(now_ns)
        self._backoff_s = min(max(timing.backoff_first_s, 2 * self._backoff_s), timing.backoff_last_s)
        self._reopen_ns = now_ns + round(self._backoff_s * 1e9)

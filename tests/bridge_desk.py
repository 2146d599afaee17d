"""A port's session and a board model joined by a wire, stepped by hand in simulated time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from firmware_bridge.active_board import BoardMemory
from firmware_bridge.board_model import BoardModel
from firmware_bridge.board_session import BoardSession
from firmware_bridge.board_setup import BoardSetup
from firmware_bridge.events import Event, SampleBlock
from firmware_bridge.link_timing import LinkTiming
from firmware_bridge.port import PortConfig

NS = 1_000_000_000
UID = "28a50000000000a1"
E = TypeVar("E", bound=Event)


class Counting:
    """Channel 0 counts rows, so that a lost or doubled row shows."""

    def __init__(self, channels: int) -> None:
        self._rest = [0] * (channels - 1)

    def counts(self, sample_index: int, t_s: float) -> list[int]:  # noqa: ARG002
        return [sample_index % 1_000_000, *self._rest]


class Desk:
    """A session and a board model joined by a wire, in simulated time."""

    def __init__(
        self,
        setup: BoardSetup | None = None,
        *,
        expected_uid: str | None = None,
        claim: Callable[[str], bool] = lambda _: True,
        step_ms: float = 1.0,
    ) -> None:
        setup = setup or BoardSetup(UID)
        self.model = BoardModel(setup, Counting(setup.channels), seed=5)
        self.events: list[Event] = []
        self.now_ns = self.start_ns = 1_000 * NS
        self.step_ns = round(step_ms * 1e6)
        self.memory: dict[str, BoardMemory] = {}
        self.session = BoardSession(
            PortConfig("/dev/ttyTEST", expected_uid=expected_uid),
            self.events.append,
            lambda uid: self.memory.setdefault(uid, BoardMemory()),
            claim,
            LinkTiming(),
        )
        self.answering = True
        self.query_late_ns = self.answer_late_ns = self.asleep_until_ns = 0
        self._to_board: list[tuple[int, bytes]] = []
        self._to_host: list[tuple[int, bytes]] = []
        self.open()

    def open(self) -> None:
        self.session.opened(self.now_ns)

    def reopen(self) -> None:
        self.session.closed(self.now_ns)
        self.open()

    def run(self, seconds: float) -> None:
        until_ns = self.now_ns + round(seconds * NS)
        while self.now_ns < until_ns and self.session.verdict is None:
            self.now_ns += self.step_ns
            self._hear(self._board_runs())
            if self.session.due_ns() <= self.now_ns:
                self._ask(self.session.poll(self.now_ns))

    def sleep(self, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Let the host stand still: the board runs on, its bytes wait in the kernel, deadlines pass unseen."""
        self.asleep_until_ns = self.now_ns + round(seconds * NS)
        waiting = bytearray()
        asleep_ns = self.asleep_until_ns - self.now_ns
        while self.now_ns < self.asleep_until_ns:
            self.now_ns += self.step_ns
            if self.now_ns + asleep_ns // 2 >= self.asleep_until_ns:
                meanwhile()
                meanwhile = lambda: None  # noqa: E731
            waiting += self._board_runs()
        self.session.away(asleep_ns, self.now_ns)
        self._ask(self.session.poll(self.now_ns))
        self._hear(bytes(waiting))

    def _board_runs(self) -> bytes:
        """Run the board to the present; give what has reached the host by now."""
        sent = self.model.advance(self.model.ticks_at((self.now_ns - self.start_ns) / NS))
        while self._to_board and self._to_board[0][0] <= self.now_ns:
            _, asked = self._to_board.pop(0)
            if self.answering:
                self._to_host.append((self.now_ns + self.answer_late_ns, self.model.receive(asked)))
        while self._to_host and self._to_host[0][0] <= self.now_ns:
            sent += self._to_host.pop(0)[1]
        return sent

    def _hear(self, octets: bytes) -> None:
        if octets:
            self.session.receive(octets, self.now_ns)

    def _ask(self, octets: bytes) -> None:
        if not octets:
            return
        if self.query_late_ns or self.answer_late_ns:
            self._to_board.append((self.now_ns + self.query_late_ns, octets))
        elif self.answering:
            answers = self.model.receive(octets)
            if answers:
                self.session.receive(answers, self.now_ns + 200_000)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def rows(self) -> list[int]:
        return [int(row[0]) for block in self.of(SampleBlock) for row in block.counts]

    def true_ns(self, index: int) -> float:
        return self.start_ns + self.model.time_s(self.model._row_tick(index)) * NS

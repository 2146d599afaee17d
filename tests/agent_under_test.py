"""The agent's own loop on real ports, with everything it says kept by the instant at which it was said."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self, TypeVar

from edge_agent.adapters.serial_cells import SerialCells
from edge_agent.clock import SystemClock
from edge_agent.config import Site
from edge_agent.loop import turn
from edge_agent.model import Decision, HealthTransition, InitialState, Output
from edge_agent.pipeline import Pipeline
from edge_agent.start_roll import StartRoll

DEADLINE_S: Final = 20.0
"""Only ends a test that has failed."""

O = TypeVar("O", bound=Output)  # noqa: E741 - an output


@dataclass(frozen=True, slots=True)
class Said:
    """One output and the host's instant at which it left the pipeline, s."""

    at_s: float
    output: Output


class AgentUnderTest:
    """Boards to decisions in a thread: `edge_agent.loop.turn` with a listener where the broker would be."""

    def __init__(self, site: Site) -> None:
        self.said: list[Said] = []
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self.pipeline = Pipeline(site, InitialState(site.opening_stock()))
        self._site = site
        self._thread = threading.Thread(target=self._run, name="agent-under-test", daemon=True)

    # -- the uplink's part --------------------------------------------------------------------------------

    def commit(self, decision: Decision) -> None:
        self.publish(decision)

    def publish(self, output: Output) -> None:
        with self._changed:
            self.said.append(Said(time.monotonic(), output))
            self._changed.notify_all()

    # -- the test's part ----------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(5)
        if self._failure is not None and error is None:
            raise self._failure

    def mark(self) -> int:
        """Return the place of the next output."""
        return len(self.said)

    def of(self, kind: type[O], *, after: int = 0) -> list[O]:
        """Return what was said of a kind."""
        return [each.output for each in self.said[after:] if isinstance(each.output, kind)]

    def health(self, where: Callable[[HealthTransition], bool], *, after: int = 0) -> Said:
        """Return the first such transition, said or to be said."""
        return self.wait(lambda output: isinstance(output, HealthTransition) and where(output), after=after)

    def decision(self, *, after: int) -> Decision:
        """Return the first decision, said or to be said."""
        found = self.wait(lambda output: isinstance(output, Decision), after=after).output
        assert isinstance(found, Decision)
        return found

    def wait(self, where: Callable[[Output], bool], *, after: int = 0) -> Said:
        """Return the first such output, said or to be said."""
        until_s = time.monotonic() + DEADLINE_S
        seen = after
        with self._changed:
            while True:
                for said in self.said[seen:]:
                    if where(said.output):
                        return said
                seen = len(self.said)
                if self._failure is not None:
                    raise self._failure
                if not self._changed.wait(max(0.0, until_s - time.monotonic())):
                    heard = self.of(HealthTransition, after=after)
                    raise AssertionError(f"not said within {DEADLINE_S} s; health said: {heard}")

    def await_ready(self) -> None:
        """Wait until every shelf is at rest and watched."""
        until_s = time.monotonic() + DEADLINE_S
        while not self.pipeline.ready:
            assert time.monotonic() < until_s, "the agent does not become ready"
            assert self._failure is None, self._failure
            time.sleep(0.05)

    def _run(self) -> None:
        roll = StartRoll([board.uid for board in self._site.agent.boards])
        cells = SerialCells(self._site.agent.boards)
        try:
            turn(self.pipeline, [cells], self, None, roll, self._stop, SystemClock())
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            with self._changed:
                self._failure = error
                self._changed.notify_all()

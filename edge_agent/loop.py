"""The crank: one bounded inbox, one thread that takes messages through the pipeline, and where its outputs go."""

import logging
import queue
import threading
from collections.abc import Sequence

from edge_agent.clock import Clock
from edge_agent.model import Decision, Message, Output, TimePassed
from edge_agent.pipeline import Pipeline
from edge_agent.ports import MessageSource, SessionTap, Uplink
from edge_agent.start_roll import StartRoll

log = logging.getLogger(__name__)

INBOX_MESSAGES = 4096
"""Bound of the inbox: 25 s of two boards at 80 rows a second; a full one makes the boards' thread wait (2026-11)."""
IDLE_S = 0.1
"""Without a message for this long, time itself is told to the pipeline (2026-11)."""


class Inbox:
    """The one bounded way in: every source puts messages here, one thread takes them out."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Message] = queue.Queue(INBOX_MESSAGES)
        self._closed = threading.Event()

    def deliver(self, message: Message) -> None:
        """Put a message; waits while the inbox is full, gives up once it is closed."""
        while not self._closed.is_set():
            try:
                self._queue.put(message, timeout=IDLE_S)
            except queue.Full:
                continue
            return

    def take(self, clock: Clock) -> Message:
        """Return the next message, or that time has passed."""
        try:
            return self._queue.get(timeout=IDLE_S)
        except queue.Empty:
            return TimePassed(clock.monotonic_ns())

    def close(self) -> None:
        """Accept nothing more; a source that waits to deliver returns."""
        self._closed.set()


def turn(
    pipeline: Pipeline,
    sources: Sequence[MessageSource],
    uplink: Uplink,
    tap: SessionTap | None,
    roll: StartRoll,
    stop: threading.Event,
    clock: Clock,
) -> None:
    """Start the sources and turn until ``stop``; then keep the resting weights and release the sources.

    Raises
    ------
    EdgeAgentError
        From a source that cannot start, the roll, or an outbox that cannot commit: what is not committed shows after
        the restart as a reconciled change.
    """
    inbox = Inbox()
    started: list[MessageSource] = []
    try:
        for source in sources:
            source.start(inbox.deliver)
            started.append(source)
        ready = False
        while not stop.is_set():
            message = inbox.take(clock)
            if isinstance(message, TimePassed):  # nothing came: perhaps nothing can
                for source in started:
                    source.check()
            roll.check(message)
            if tap is not None:
                tap.consumed(message)
            _pass_on(pipeline.step(message), uplink, tap)
            if not ready and pipeline.ready:
                ready = True
                log.info("ready: every shelf is at rest and watched")
        _pass_on(pipeline.conclude(), uplink, tap)
        uplink.publish(pipeline.checkpoint())
    finally:
        inbox.close()
        for source in started:
            source.stop()


def _pass_on(outputs: Sequence[Output], uplink: Uplink, tap: SessionTap | None) -> None:
    for output in outputs:
        if isinstance(output, Decision):
            uplink.commit(output)
        else:
            uplink.publish(output)
        if tap is not None:
            tap.produced(output)

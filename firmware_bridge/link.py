"""
All boards of a shelf unit on one thread.

One selector waits on every port. A port that is missing, busy or carries the wrong board is tried again
with a bounded back-off, and a descriptor is always closed before its path is opened again. Events leave
through one callback on the link's thread.
"""

from __future__ import annotations

import logging
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from firmware_bridge.active_board import BoardMemory, LinkCounters
from firmware_bridge.board_session import BoardSession
from firmware_bridge.clocksync import NS_PER_S
from firmware_bridge.commands import RETRIES, Request, refusal
from firmware_bridge.errors import CommandTimeoutError, LinkStoppedError, NoSuchBoardError, PortConfigError
from firmware_bridge.events import BoardUp, DownReason, Event
from firmware_bridge.frames import Ack, Hello
from firmware_bridge.link_timing import LinkTiming
from firmware_bridge.port import OpenPort, PortConfig, PortFailure, open_port

log = logging.getLogger(__name__)

STOP_TIMEOUT_S: Final = 1.0
_IDLE_NS: Final = NS_PER_S // 2
PAUSE_NS: Final = 10_000_000
"""Pause after each reading while no answer is awaited and no command waits: the frames of several boards are fetched in
one go. Rows are dated by their boards, so it only delays them, by half of a provisional result's time (2026-11)."""
AWAY_NS: Final = 50_000_000
"""A wake-up this late, or work between two waits this long, was time in which no port was listened to (2026-11)."""


@dataclass(frozen=True, slots=True)
class PortStatus:
    """
    One port at one moment.

    Parameters
    ----------
    clock_sigma_ms, clock_ppm : float or None
        Scatter of the clock answers, and how far the board's ticks run off their nominal rate.
    """

    port: str
    board_uid: str | None
    hello: Hello | None
    counters: LinkCounters
    clock_ready: bool
    clock_sigma_ms: float | None
    clock_ppm: float | None


@dataclass(slots=True)
class _Slot:
    """A configured port, open or waiting to be tried again."""

    config: PortConfig
    session: BoardSession
    port: OpenPort | None = None
    pending: bytes = b""
    due_ns: int = 0
    retry_ns: int = 0
    backoff_s: float = 0.0
    commands: deque[Request] = field(default_factory=deque)


class BoardLink:
    """
    The link to all load-cell boards.

    Parameters
    ----------
    ports : sequence of PortConfig
    on_event : callable
        Called on the link's thread with each event; it must return quickly, for nothing is read meanwhile.
    clock : callable
        Monotonic nanoseconds.
    timing : LinkTiming

    Raises
    ------
    PortConfigError
        When two entries name the same path or expect the same board.

    Examples
    --------
    >>> link = BoardLink([PortConfig("/dev/serial/by-id/usb-…")], on_event=print)
    >>> link.start()
    >>> link.stop()
    """

    def __init__(
        self,
        ports: Sequence[PortConfig],
        on_event: Callable[[Event], None],
        *,
        clock: Callable[[], int] = time.monotonic_ns,
        timing: LinkTiming | None = None,
    ) -> None:
        _refuse_duplicates(ports)
        self._on_event = on_event
        self._clock = clock
        self._timing = timing or LinkTiming()
        self._memories: dict[str, BoardMemory] = {}
        self._slots = [self._slot(config) for config in ports]
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._failure: Exception | None = None

    # -- any thread -----------------------------------------------------------------------------------

    def start(self) -> None:
        """
        Open the ports and begin.

        Raises
        ------
        LinkStoppedError
            When it was started before: make a new link.
        """
        if self._thread is not None:
            raise LinkStoppedError("a link is started once; make a new one")
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._thread = threading.Thread(target=self._run, name="board-link", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """
        Stop, close every port and give its lock up; returns within one second.

        Raises
        ------
        LinkStoppedError
            When the thread had failed (the cause is chained) or the event callback does not return.
        """
        thread = self._thread
        if thread is None:
            return
        self._stopping = True
        with self._lock:
            self._wake()
        thread.join(STOP_TIMEOUT_S)
        if thread.is_alive():
            raise LinkStoppedError(f"the event callback has not returned within {STOP_TIMEOUT_S} s")
        failure, self._failure = self._failure, None
        if failure is not None:
            raise LinkStoppedError(f"the board link failed: {failure}") from failure

    @property
    def running(self) -> bool:
        """Whether the thread is alive; False after a failure, which `stop` raises."""
        return self._thread is not None and self._thread.is_alive()

    def status(self) -> tuple[PortStatus, ...]:
        """Counters and clock of every port, in configured order."""
        return tuple(_status(slot) for slot in self._slots)

    def command(self, board_uid: str, kind: int, payload: bytes = b"", timeout_s: float = 1.0) -> Ack:
        """
        Send a command and wait for its answer, at most four tries within `timeout_s`.

        Raises
        ------
        NoSuchBoardError, CommandTimeoutError, CommandAbortedError, CommandRefusedError, FrameError, LinkStoppedError
            As their names say; see `firmware_bridge.errors`.
        """
        if threading.current_thread() is self._thread:
            raise LinkStoppedError("command() waits for the link's thread and cannot be called on it")
        request = Request(kind, payload, try_ns=round(timeout_s * NS_PER_S / (1 + RETRIES)))
        request.encoded_check()
        with self._lock:
            if not self.running or self._stopping:
                raise LinkStoppedError("the board link is not running")
            slot = next((s for s in self._slots if s.session.board_uid == board_uid), None)
            if slot is None:
                known = ", ".join(uid for s in self._slots if (uid := s.session.board_uid)) or "none"
                raise NoSuchBoardError(f"no board {board_uid} on any port; identified: {known}")
            slot.commands.append(request)
            self._wake()
        if not request.wait(timeout_s + STOP_TIMEOUT_S):
            raise CommandTimeoutError(f"board {board_uid}: no answer within {timeout_s} s")
        if request.error is not None:
            raise request.error
        ack = request.ack
        assert ack is not None  # noqa: S101  (finished without error is finished with an answer)
        refused = refusal(ack, kind, board_uid)
        if refused is not None:
            raise refused
        return ack

    # -- the link's thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        selector = selectors.DefaultSelector()
        selector.register(self._wake_read, selectors.EVENT_READ, None)
        slots, clock, select = self._slots, self._clock, selector.select
        waited_ns = clock()
        try:
            while not self._stopping:
                now_ns = clock()
                if now_ns - waited_ns > AWAY_NS:
                    self._away(now_ns - waited_ns, now_ns)
                wait_ns = _IDLE_NS
                for slot in slots:
                    due_ns = slot.due_ns
                    if due_ns <= now_ns:
                        due_ns = slot.due_ns = self._step(slot, selector)
                    wait_ns = min(wait_ns, due_ns - now_ns)
                wait_ns = max(0, wait_ns)
                ready = select(wait_ns / NS_PER_S)
                # Only the wait itself, and no longer than it was meant to be, was spent listening.
                waited_ns = min(clock(), now_ns + wait_ns)
                for key, mask in ready:
                    self._ready(key.data, mask, selector)
                if ready and all(slot.session.unhurried and not slot.commands for slot in slots):
                    time.sleep(PAUSE_NS / NS_PER_S)
                    waited_ns += PAUSE_NS  # the kernel listens meanwhile
        except Exception as error:
            log.exception("board link failed")
            self._failure = error
        finally:
            self._stopping = True
            with self._lock:
                for slot in self._slots:
                    self._close(slot, selector)
                os.close(self._wake_read)
                os.close(self._wake_write)
                self._wake_write = -1
            selector.close()

    def _away(self, gone_ns: int, now_ns: int) -> None:
        """Have no port called silent for what the host itself was too busy to hear."""
        for slot in self._slots:
            slot.session.away(gone_ns, now_ns)
            slot.due_ns = 0

    def _ready(self, ready: _Slot | None, mask: int, selector: selectors.BaseSelector) -> None:
        """Read what has come; have a port stepped only when that can have changed what is due on it."""
        if ready is None:
            _drain(self._wake_read)
            for slot in self._slots:
                slot.due_ns = 0
        elif mask & selectors.EVENT_WRITE or self._read(ready, selector):
            ready.due_ns = 0

    def _step(self, slot: _Slot, selector: selectors.BaseSelector) -> int:
        """Do what is due on one port; give the time of the next step."""
        now_ns = self._clock()
        if slot.port is None:
            if now_ns < slot.retry_ns:
                return slot.retry_ns
            self._open(slot, selector)
            if slot.port is None:
                return slot.retry_ns
        self._take_commands(slot)
        session = slot.session
        if slot.pending or session.due_ns() <= now_ns:
            gone = not self._write(slot, session.poll(self._clock()), selector)
            if gone:
                return slot.retry_ns
        if session.verdict is not None:
            self._close(slot, selector)
            return slot.retry_ns
        return session.due_ns()

    def _open(self, slot: _Slot, selector: selectors.BaseSelector) -> None:
        opened = open_port(slot.config)
        now_ns = self._clock()
        if isinstance(opened, PortFailure):
            slot.session.report_down(now_ns, opened.reason, opened.detail)
            self._back_off(slot, now_ns)
            return
        slot.port = opened
        selector.register(opened.fd, selectors.EVENT_READ, slot)
        slot.session.opened(now_ns)

    def _close(self, slot: _Slot, selector: selectors.BaseSelector) -> None:
        now_ns = self._clock()
        self._take_commands(slot)
        slot.session.closed(now_ns)
        slot.pending = b""
        if slot.port is not None:
            selector.unregister(slot.port.fd)
            slot.port.close()
            slot.port = None
        self._back_off(slot, now_ns)

    def _back_off(self, slot: _Slot, now_ns: int) -> None:
        timing = self._timing
        slot.backoff_s = min(max(timing.backoff_first_s, 2 * slot.backoff_s), timing.backoff_last_s)
        slot.retry_ns = now_ns + round(slot.backoff_s * NS_PER_S)

    def _read(self, slot: _Slot, selector: selectors.BaseSelector) -> bool:
        if slot.port is None:
            return True
        chunk = slot.port.read()
        if chunk is None:
            self._unplugged(slot, selector)
            return True
        return slot.session.receive(chunk, self._clock())

    def _write(self, slot: _Slot, octets: bytes, selector: selectors.BaseSelector) -> bool:
        """Write what is pending; False when the device is gone."""
        slot.pending += octets
        if slot.port is None or not slot.pending:
            return slot.port is not None
        written = slot.port.write(slot.pending)
        if written is None:
            self._unplugged(slot, selector)
            return False
        slot.pending = slot.pending[written:]
        interest = selectors.EVENT_READ | (selectors.EVENT_WRITE if slot.pending else 0)
        selector.modify(slot.port.fd, interest, slot)
        return True

    def _unplugged(self, slot: _Slot, selector: selectors.BaseSelector) -> None:
        path = slot.config.path
        slot.session.report_down(
            self._clock(), DownReason.UNPLUGGED, f"{path}: the device is gone: plug the cable in again"
        )
        self._close(slot, selector)

    def _take_commands(self, slot: _Slot) -> None:
        while slot.commands:
            slot.session.submit(slot.commands.popleft())

    def _slot(self, config: PortConfig) -> _Slot:
        def emit(event: Event) -> None:
            if isinstance(event, BoardUp):
                slot.backoff_s = 0.0
            self._on_event(event)

        def claim(board_uid: str) -> bool:
            return all(other is slot or other.session.board_uid != board_uid for other in self._slots)

        session = BoardSession(config, emit, self._memory_of, claim, self._timing)
        slot = _Slot(config, session)
        return slot

    def _memory_of(self, board_uid: str) -> BoardMemory:
        return self._memories.setdefault(board_uid, BoardMemory())

    def _wake(self) -> None:
        if self._wake_write < 0:
            return
        try:
            os.write(self._wake_write, b"\0")
        except BlockingIOError:
            log.debug("wake-up already pending")


def _drain(fd: int) -> None:
    while True:
        try:
            if len(os.read(fd, 64)) < 64:
                return
        except BlockingIOError:
            return


def _refuse_duplicates(ports: Sequence[PortConfig]) -> None:
    paths: set[str] = set()
    uids: set[str] = set()
    for config in ports:
        if config.path in paths:
            raise PortConfigError(f"{config.path}: listed twice")
        if config.expected_uid is not None and config.expected_uid in uids:
            raise PortConfigError(f"{config.path}: board {config.expected_uid} is expected on two ports")
        paths.add(config.path)
        if config.expected_uid is not None:
            uids.add(config.expected_uid)


def _status(slot: _Slot) -> PortStatus:
    session = slot.session
    clock = session.clock
    ready = clock is not None and clock.ready
    return PortStatus(
        port=slot.config.path,
        board_uid=session.board_uid,
        hello=session.hello,
        counters=replace(session.counters),
        clock_ready=ready,
        clock_sigma_ms=clock.residual_sigma_ns / 1e6 if clock is not None and ready else None,
        clock_ppm=(clock.rate_hz / clock.tick_rate_hz - 1.0) * 1e6 if clock is not None and ready else None,
    )

"""All cameras of the unit as one source of messages: one thread reads them and tends to their processes.

A camera that is absent, hangs or dies never stops the agent: it is said (`camera_down`, with its last words), and its
process is started again, sooner or later.
"""

import contextlib
import logging
import os
import selectors
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import IO, Final

from edge_agent.camera_process.camera_life import CameraLife, Due, Said
from edge_agent.camera_process.clip_requests import ClipRequests
from edge_agent.camera_process.outgoing import Outgoing
from edge_agent.camera_process.spawned import COMMAND, SpawnedChild
from edge_agent.camera_process.words import ClipKept, ClipWanted, Setup, WordError
from edge_agent.clock import Clock, SystemClock
from edge_agent.config import Site
from edge_agent.model import ItemEvent, Message

log = logging.getLogger(__name__)

TICK_S: Final = 0.2
"""How long a due start or end may wait."""
TERM_S: Final = 1.0
"""How long processes may take to end in order before they are killed."""
KILL_S: Final = 0.5
"""And how long the kernel may take after that: a process that hangs inside a driver's system call stays."""
LAST_READS: Final = 16
"""Of a pipe whose writer is gone: it holds 64 kB, one read takes as much."""


class _Seat:
    """One camera: its life, and its process while there is one."""

    def __init__(self, setup: Setup, random: Random) -> None:
        self.setup = setup
        self.life = CameraLife(setup.camera, random)
        self.child: SpawnedChild | None = None


class CameraSupervisor:
    """Implements `edge_agent.ports.MessageSource` and `EvidenceKeeper` for the cameras of a unit.

    Parameters
    ----------
    setups : sequence of Setup
        One for each camera that has a driver.
    random : Random
        Jitter of the back-off.
    command : sequence of str
        Starts a camera's process.
    """

    def __init__(
        self,
        setups: Sequence[Setup],
        *,
        clock: Clock | None = None,
        random: Random | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        jitter = random or Random()  # noqa: S311 - jitter, no secret
        self._seats = [_Seat(each, jitter) for each in setups]
        self._clock = clock or SystemClock()
        self._command = command
        self._requests = ClipRequests()
        self._outgoing = Outgoing()
        self._stopping = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._wake_reading, self._wake_writing = os.pipe()
        self._selector.register(self._wake_reading, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="cameras", daemon=True)

    @classmethod
    def of_site(cls, site: Site, *, command: Sequence[str] = COMMAND) -> "CameraSupervisor | None":
        """Return one for a unit's cameras, or None where it has none."""
        widths_mm = {shelf.shelf_id: shelf.width_mm for shelf in site.shelves}
        setups = [
            Setup(
                camera,
                site.planogram.on_shelf(camera.shelf_id),
                widths_mm[camera.shelf_id],
                site.agent.state_dir,
            )
            for camera in site.agent.cameras
            if camera.driver != "none"
        ]
        return cls(setups, command=command) if setups else None

    # --- the agent's thread -------------------------------------------------------------------------------------

    def start(self, deliver: Callable[[Message], None]) -> None:
        """Begin; never waits for a camera."""
        self._thread.start()
        threading.Thread(target=self._hand_over, args=(deliver,), name="cameras-inbox", daemon=True).start()

    def check(self) -> None:
        """Return: no camera ends the agent."""

    def stop(self) -> None:
        """End all processes within a second and a half."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        os.write(self._wake_writing, b"x")
        if self._thread.ident is not None:
            self._thread.join(TERM_S + KILL_S + 2 * TICK_S)
        self._outgoing.close()
        if not self._thread.is_alive():
            self._selector.close()
            os.close(self._wake_reading)
            os.close(self._wake_writing)

    def clip_of(self, event: ItemEvent) -> str | None:
        """Return the SHA-256 of a clip of an act, or None when there is none in time; see `EvidenceKeeper`."""
        for seat in self._seats:
            child, camera = seat.child, seat.setup.camera
            if camera.shelf_id == event.shelf_id and camera.clips.enabled and child is not None and seat.life.seeing:
                wanted = ClipWanted(event.act_id, event.shelf_id, event.t_start_ns, event.t_end_ns)
                return self._requests.ask(wanted, child.say)
        return None

    def counters(self) -> Mapping[str, float]:
        """Return what `health` counts of every camera."""
        counts: dict[str, float] = {"camera_words_dropped": self._outgoing.dropped}
        for seat in self._seats:
            name, life = f"camera:{seat.setup.camera.camera_id}", seat.life
            counts[f"{name}:frames"] = life.frames
            counts[f"{name}:frames_lost"] = life.lost
            counts[f"{name}:restarts"] = max(0, life.starts - 1)
            counts[f"{name}:words_passed_over"] = life.passed_over
        return counts

    # --- the threads of the cameras -----------------------------------------------------------------------------

    def _hand_over(self, deliver: Callable[[Message], None]) -> None:
        while (said := self._outgoing.take()) is not None:
            deliver(said)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                for seat in self._seats:
                    self._guarded(seat, self._tend)
                for key, _ in self._selector.select(TICK_S):
                    if key.data is not None:
                        seat, act = key.data
                        self._guarded(seat, act)
        finally:
            self._end_all()

    def _guarded(self, seat: _Seat, act: Callable[[_Seat], None]) -> None:
        """Do one thing for one camera: a defect there is that camera's end, not the others'."""
        try:
            act(seat)
        except Exception as error:
            log.exception("camera=%s: a defect", seat.setup.camera.camera_id)
            if seat.child is not None:
                seat.child.process.kill()
            seat.life.babbles(f"{type(error).__name__}: {error}")

    def _tend(self, seat: _Seat) -> None:
        now_ns = self._clock.monotonic_ns()
        if seat.child is not None and seat.child.process.poll() is not None:
            self._bury(seat, seat.child)
        due, said = seat.life.due(now_ns)
        self._say(said)
        if due is Due.KILL and seat.child is not None:
            seat.child.process.kill()
        elif due is Due.START:
            self._start(seat)

    def _start(self, seat: _Seat) -> None:
        name = seat.setup.camera.camera_id
        seat.life.started(self._clock.monotonic_ns())
        try:
            child = SpawnedChild(seat.setup, self._command)
        except OSError as error:
            self._say(seat.life.ended(f"its process cannot be started: {error}", self._clock.monotonic_ns()))
            return
        seat.child = child
        log.info("camera=%s process started pid=%d", name, child.process.pid)
        self._selector.register(child.words, selectors.EVENT_READ, (seat, self._hear))
        self._selector.register(child.errors, selectors.EVENT_READ, (seat, self._hear_errors))

    def _hear(self, seat: _Seat) -> None:
        child = seat.child
        if child is None:
            return
        try:
            words = child.read_words()
        except WordError as error:
            seat.life.babbles(str(error))
            self._unregister(child.words)
            return
        if words is None:
            self._unregister(child.words)
            return
        now_ns = self._clock.monotonic_ns()
        for word in words:
            if isinstance(word, ClipKept):
                self._requests.answer(word)
            self._say(seat.life.heard(word, now_ns))

    def _hear_errors(self, seat: _Seat) -> None:
        child = seat.child
        if child is None:
            return
        text = child.read_errors()
        if text is None:
            self._unregister(child.errors)
        elif text:
            log.debug("camera=%s says: %s", seat.setup.camera.camera_id, text.rstrip())

    def _bury(self, seat: _Seat, child: SpawnedChild) -> None:
        """Hear what it said last, then let it go."""
        for stream, hear in ((child.words, self._hear), (child.errors, self._hear_errors)):
            for _ in range(LAST_READS):
                if self._registered(stream):
                    hear(seat)
            self._unregister(stream)
        seat.child = None
        child.close()
        how = child.how_it_ended()
        log.info("camera=%s %s", seat.setup.camera.camera_id, how)
        self._say(seat.life.ended(how, self._clock.monotonic_ns()))

    def _registered(self, stream: IO[bytes]) -> bool:
        return stream in self._selector.get_map()

    def _unregister(self, stream: IO[bytes]) -> None:
        if self._registered(stream):
            self._selector.unregister(stream)

    def _say(self, said: Sequence[Said]) -> None:
        for each in said:
            self._outgoing.put(each)

    def _end_all(self) -> None:
        children = [seat.child for seat in self._seats if seat.child is not None]
        for child in children:
            child.terminate()
        _await(children, TERM_S)
        for child in children:
            child.process.kill()
        _await(children, KILL_S)
        for child in children:
            child.close()
            if child.process.returncode is None:
                log.error("a camera's process hangs in the kernel pid=%d", child.process.pid)


def _await(children: Sequence[SpawnedChild], seconds: float) -> None:
    until_s = time.monotonic() + seconds
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(max(0.0, until_s - time.monotonic()))

"""A camera's process: reads what to watch, watches until it is told to end or the agent is gone.

Started as ``python -m edge_agent.camera_process.child`` by the supervisor. Words come on the standard input and go out
on what was the standard output; what a library prints goes to the standard error. Three things end it: the end of its
input (the agent is gone, or wants it so), SIGTERM, and its parent's death by the kernel's word. None of them waits for
a driver that hangs.
"""

import contextlib
import ctypes
import logging
import os
import selectors
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Final, NoReturn

from edge_agent.camera_process.clip_store import ClipStore, clip_directory
from edge_agent.camera_process.clips import ClipCutter, ClipThread
from edge_agent.camera_process.looking import Looking
from edge_agent.camera_process.picture_ring import PictureRing
from edge_agent.camera_process.wiring import Wiring, real_wiring
from edge_agent.camera_process.words import ClipWanted, LastWords, Reader, Setup, Word, WordError, spell
from edge_agent.errors import EdgeAgentError
from edge_agent.vision.mask import PrivacyMask

log = logging.getLogger(__name__)

NICENESS: Final = 10
"""The scale comes first: a frame that is looked at late costs a little evidence, a late weight a sale (2026-12)."""
GRACE_S: Final = 0.8
"""How long an orderly end may take: the supervisor waits 1 s before it kills (2026-12)."""
READ_BYTES: Final = 65_536
PR_SET_PDEATHSIG: Final = 1
"""prctl(2)."""


class Pipe:
    """The way to the agent; words of several threads never mix."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def say(self, word: Word) -> None:
        """Send a word; waits while the agent does not listen. A pipe without a reader ends the process."""
        rest = memoryview(spell(word))
        with self._lock:
            try:
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            except BrokenPipeError:
                os._exit(1)


class Watch:
    """Hears the agent and the signals, in a thread that no driver can hold up."""

    def __init__(self, reader: Reader, signalled: int) -> None:
        self.over = threading.Event()
        self.clips: ClipThread | None = None
        self._reader = reader
        self._signalled = signalled
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def _run(self) -> NoReturn:
        with selectors.DefaultSelector() as selector:
            selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
            selector.register(self._signalled, selectors.EVENT_READ)
            while not self.over.is_set():
                for key, _ in selector.select():
                    if key.fd == self._signalled or not self._heard(os.read(key.fd, READ_BYTES)):
                        self.over.set()
        time.sleep(GRACE_S)
        os._exit(1)

    def _heard(self, received: bytes) -> bool:
        try:
            for word in self._reader.feed(received):
                if isinstance(word, ClipWanted) and self.clips is not None:
                    self.clips.ask(word)
        except WordError:
            log.exception("the agent said what is no word")
            return False
        return bool(received)


def main(wiring: Wiring | None = None) -> int:
    """Watch; return the exit status."""
    pipe = Pipe(_own_standard_output())
    signalled = _quiet_signals()
    _end_with_parent()
    os.nice(NICENESS)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    reader = Reader()
    setup = _read_setup(reader)
    if setup is None:
        return 1
    watch = Watch(reader, signalled)
    try:
        last = _watch_shelf(setup, wiring or real_wiring(), watch, pipe)
    except EdgeAgentError as error:
        last = LastWords("camera_down", str(error))
    except Exception as error:  # whatever a driver throws is told to the technician, and the process begins anew
        log.exception("camera=%s: a defect", setup.camera.camera_id)
        last = LastWords("camera_down", f"{type(error).__name__}: {error}")
    if last is not None:
        pipe.say(last)
    return 0


def _watch_shelf(setup: Setup, wiring: Wiring, watch: Watch, pipe: Pipe) -> LastWords | None:
    camera = setup.camera
    outlook = wiring.outlook(setup)
    if outlook is None:
        how = f"run `edge-agent camera commission --camera {camera.camera_id}`"
        return LastWords("camera_uncommissioned", f"nobody has shown it where its shelf is; {how}")
    view = outlook.view
    keep = view.kept(camera.width_px, camera.height_px)
    ring = PictureRing(keep) if camera.clips.enabled else None
    store = ClipStore(clip_directory(Path(setup.state_dir), camera.camera_id), camera.clips, time.time)
    watch.clips = ClipThread(ClipCutter(camera.camera_id, ring, store), pipe.say)  # without a ring it tidies
    mask = PrivacyMask(keep, view.kept(camera.lores_width_px, camera.lores_height_px))
    eye = wiring.eye(setup, outlook)
    source = wiring.source(camera)
    try:
        log.info("camera=%s %s", camera.camera_id, source.start())
        looking = Looking(source, mask, eye, ring, pipe.say, time.monotonic_ns)
        while not watch.over.is_set():
            if not looking.turn():
                return LastWords("ended", f"{camera.source}: seen to its end")
    finally:
        source.stop()
    return None


def _own_standard_output() -> int:
    """Keep the way to the agent for words alone: what a library prints goes where errors go."""
    own = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return own


def _quiet_signals() -> int:
    """Leave Ctrl-C to the agent; return a pipe that can be read once SIGTERM came, whatever the main thread is at."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    signal.signal(signal.SIGTERM, lambda *_: None)
    return reading


def _end_with_parent() -> None:
    """Ask the kernel to end this process with its parent, for a driver that lets no thread run."""
    with contextlib.suppress(OSError, AttributeError, MemoryError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _read_setup(reader: Reader) -> Setup | None:
    while received := os.read(sys.stdin.fileno(), READ_BYTES):
        for word in reader.feed(received):
            return word if isinstance(word, Setup) else None
    return None


def end(status: int) -> NoReturn:
    """End now: threads that a driver left behind hold nothing up."""
    logging.shutdown()
    os._exit(status)


if __name__ == "__main__":
    end(main())

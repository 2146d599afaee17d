"""A camera's process held by its pipes: started, spoken to, heard, ended."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Final

from edge_agent.camera_process.words import Reader, Setup, Word, spell

COMMAND: Final = (sys.executable, "-m", "edge_agent.camera_process.child")
SURROUNDINGS: Final = {
    # One thread does all the looking: more only take memory and the scale's core.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
    "MALLOC_ARENA_MAX": "2",
}
QUIET: Final = {"LIBCAMERA_LOG_LEVELS": "*:WARN"}
"""What the unit's own environment may set otherwise."""
READ_BYTES: Final = 65_536
TAIL_BYTES: Final = 2_000
"""How much of its standard error is kept: a traceback's end."""


class SpawnedChild:
    """One process, from its start to its end.

    Raises
    ------
    OSError
        It cannot be started: no memory, too many processes.
    """

    def __init__(self, setup: Setup, command: Sequence[str] = COMMAND) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={**QUIET, **os.environ, **SURROUNDINGS},
            process_group=0,  # Ctrl-C at a terminal is the agent's
        )
        assert self.process.stdin is not None  # noqa: S101 - asked for above
        assert self.process.stdout is not None  # noqa: S101
        assert self.process.stderr is not None  # noqa: S101
        self._stdin, self.words, self.errors = self.process.stdin, self.process.stdout, self.process.stderr
        for stream in (self._stdin, self.words, self.errors):
            os.set_blocking(stream.fileno(), False)
        self._reader = Reader()
        self._tail = b""
        self._lock = threading.Lock()
        self.say(setup)

    def say(self, word: Word) -> bool:
        """Send a word, from any thread; False when it does not go through at once."""
        spelt = spell(word)
        with self._lock:
            try:
                return os.write(self._stdin.fileno(), spelt) == len(spelt)
            except (OSError, ValueError):  # its end of the pipe is closed, or ours
                return False

    def read_words(self) -> list[Word] | None:
        """Return the words that have come, None at the end of them.

        Raises
        ------
        WordError
            Something else came.
        """
        try:
            received = os.read(self.words.fileno(), READ_BYTES)
        except BlockingIOError:
            return []
        return list(self._reader.feed(received)) if received else None

    def read_errors(self) -> str | None:
        """Return what came on its standard error, None at the end of it."""
        try:
            received = os.read(self.errors.fileno(), READ_BYTES)
        except BlockingIOError:
            return ""
        if not received:
            return None
        self._tail = (self._tail + received)[-TAIL_BYTES:]
        return received.decode(errors="replace")

    def how_it_ended(self) -> str:
        """Return the kernel's word on its end, and the last line that it wrote."""
        status = self.process.returncode
        lines = self._tail.decode(errors="replace").strip().splitlines()
        if status < 0:
            how = f"its process was killed by {_name_of(-status)}"
        else:
            how = f"its process ended with status {status}"
        return f"{how}: {lines[-1].strip()}" if lines and status not in (0, -signal.SIGKILL) else how

    def terminate(self) -> None:
        """Ask it to end: SIGTERM, and the end of its input."""
        self.process.terminate()
        with self._lock, contextlib.suppress(OSError):
            self._stdin.close()

    def close(self) -> None:
        """Close the pipes; it is gone."""
        for stream in (self._stdin, self.words, self.errors):
            with contextlib.suppress(OSError):
                stream.close()


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

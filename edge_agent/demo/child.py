"""A command of this program as a process of its own, ended with its owner."""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from edge_agent.errors import EdgeAgentError

STOP_S = 3.0
POLL_S = 0.02


class ChildFailedError(EdgeAgentError):
    """A command that should run ended by itself; the message quotes what it said."""


class Child:
    """``edge-agent WORDS`` in the background; its output goes to ``log``."""

    def __init__(self, words: Sequence[str], log: Path) -> None:
        self.name = " ".join(words[:2]) if words[0] in {"store", "lab", "board"} else words[0]
        self._log = log
        command = [sys.executable, "-m", "edge_agent.cli", *words]
        with log.open("ab") as stream:
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                command, stdout=stream, stderr=stream, stdin=subprocess.DEVNULL
            )

    def require_running(self) -> None:
        """Raise `ChildFailedError` when it has ended."""
        status = self.process.poll()
        if status is not None:
            said = self._log.read_text(errors="replace").strip()[-600:] or "nothing"
            raise ChildFailedError(f"`edge-agent {self.name}` ended with status {status}; it said: {said}")

    def await_output(self, word: str, timeout_s: float) -> bool:
        """Wait until its output holds ``word``; False when the time was up. Raises when it ends instead."""
        deadline_s = time.monotonic() + timeout_s
        while word not in self._log.read_text(errors="replace"):
            self.require_running()
            if time.monotonic() > deadline_s:
                return False
            time.sleep(POLL_S)
        return True

    def stop(self) -> int:
        """Ask it to end, insist after three seconds, and return its status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()

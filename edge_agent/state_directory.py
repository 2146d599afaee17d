"""The state directory: made, made private, and held by one agent at a time."""

import contextlib
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from edge_agent.errors import OutboxError, StateInUseError

LOCK_FILE = "agent.lock"


class StateDirectory:
    """Exclusive hold on a state directory, released with the process whatever ends it.

    Raises
    ------
    StateInUseError
        When another agent holds it; the message names its process.
    OutboxError
        When it cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(path / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise OutboxError(
                f"state directory {path}: {error.strerror}; make it writable for this user or set state_dir"
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self._descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._descriptor)
            raise StateInUseError(
                f"state directory {path} is in use by process {holder}; stop that agent or set another state_dir"
            ) from error
        with contextlib.suppress(OSError):  # a full disk still locks; the number is only for the message above
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let the next agent in."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

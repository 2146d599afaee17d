"""Lets one thread end another's wait for the network."""

import contextlib
import select
import socket


class Waker:
    """Ends a poll from another thread."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def wake(self) -> None:
        """Let the poll return; never blocks."""
        with contextlib.suppress(BlockingIOError, OSError):  # full: it will wake anyway; closed: nobody sleeps
            self._writer.send(b"\0")

    def fileno(self) -> int:
        """Return what to poll."""
        return self._reader.fileno()

    def drain(self) -> None:
        """Forget the wake-ups so far."""
        with contextlib.suppress(BlockingIOError):
            while self._reader.recv(4096):
                pass

    def sleep(self, timeout_s: float) -> None:
        """Wait until woken, at most ``timeout_s``."""
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        poll.poll(max(0.0, timeout_s) * 1000)
        self.drain()

    def close(self) -> None:
        """Release both ends."""
        self._reader.close()
        self._writer.close()

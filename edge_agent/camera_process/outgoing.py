"""Between the cameras and the inbox: bounded; what is least missed gives way, so that no camera holds up a scale."""

import threading
from collections import deque
from typing import Final

from edge_agent.camera_process.camera_life import Said
from edge_agent.model import CameraCondition, CameraProgress

MOST: Final = 512
"""Half a minute of two cameras with hands at both shelves (2026-12)."""


class Outgoing:
    """A queue whose writer never waits.

    Attributes
    ----------
    dropped : int
        Words that gave way.
    """

    def __init__(self, most: int = MOST) -> None:
        self.dropped = 0
        self._most = most
        self._said: deque[Said] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, said: Said) -> None:
        """Add a word; when there is no room the oldest on progress goes, else the oldest observation."""
        with self._changed:
            if len(self._said) >= self._most:
                self._give_way()
            self._said.append(said)
            self._changed.notify()

    def take(self) -> Said | None:
        """Wait for the next word; None once closed."""
        with self._changed:
            while not self._said and not self._closed:
                self._changed.wait()
            return None if self._closed else self._said.popleft()

    def close(self) -> None:
        """Let the reader go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _give_way(self) -> None:
        self.dropped += 1
        oldest: Said | None = next((each for each in self._said if isinstance(each, CameraProgress)), None)
        if oldest is None:
            oldest = next((each for each in self._said if not isinstance(each, CameraCondition)), self._said[0])
        for place, each in enumerate(self._said):
            if each is oldest:
                del self._said[place]
                return

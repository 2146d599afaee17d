"""Clips that were asked for and are waited for, briefly: an event goes out whether or not its clip is ready."""

import logging
import threading
from collections.abc import Callable
from typing import Final

from edge_agent.camera_process.words import ClipKept, ClipWanted, Word

log = logging.getLogger(__name__)

WAIT_S: Final = 0.15
"""How long a decision waits for its clip at most. Only acts that go to review anyhow, and only where clips are on: a
clip of 24 pictures is hashed and written in 20 ms here (2026-12)."""


class ClipRequests:
    """The agent's thread asks and waits, the cameras' thread answers."""

    def __init__(self, wait_s: float = WAIT_S) -> None:
        self._wait_s = wait_s
        self._changed = threading.Condition()
        self._awaited: str | None = None
        self._kept: ClipKept | None = None

    def ask(self, wanted: ClipWanted, say: Callable[[Word], bool]) -> str | None:
        """Return the clip's SHA-256, or None when there is none within the time."""
        with self._changed:
            self._awaited, self._kept = wanted.act_id, None
            if say(wanted):
                self._changed.wait_for(lambda: self._kept is not None, self._wait_s)
            self._awaited = None
            return None if self._kept is None else self._kept.sha256

    def answer(self, kept: ClipKept) -> None:
        """Take in what became of a clip."""
        with self._changed:
            if kept.act_id == self._awaited:
                self._kept = kept
                self._changed.notify_all()
            else:
                log.info("clip of act=%s came too late for its event", kept.act_id)
        if kept.sha256 is None:
            log.info("no clip of act=%s: %s", kept.act_id, kept.reason)

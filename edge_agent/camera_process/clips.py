"""Evidence clips in the camera's process: a thread that answers requests from the ring, and tidies once an hour."""

import contextlib
import logging
import queue
import threading
from collections.abc import Callable
from typing import Final

from edge_agent.camera_process.clip_page import clip_page
from edge_agent.camera_process.clip_store import ClipStore
from edge_agent.camera_process.picture_ring import PictureRing
from edge_agent.camera_process.words import ClipKept, ClipWanted

log = logging.getLogger(__name__)

AROUND_S: Final = 1.0
"""How much is shown from before the act and after it: a hand on its way (assumed, 2026-12)."""
MOST_PICTURES: Final = 24
"""One screenful or two; 24 × 60 kB × 4/3 make 2 MB, so that 200 MB hold a hundred clips (2026-12)."""
TIDY_S: Final = 3600.0


class ClipCutter:
    """Cuts a clip when asked; every request is answered, by a SHA-256 or by a reason."""

    def __init__(self, camera_id: str, ring: PictureRing | None, store: ClipStore) -> None:
        self._camera_id = camera_id
        self._ring = ring
        self._store = store

    def keep(self, wanted: ClipWanted) -> ClipKept:
        """Write the clip of an act; never raises."""
        if self._ring is None:
            return ClipKept(wanted.act_id, None, "clips are not enabled")
        around_ns = round(AROUND_S * 1e9)
        pictures = self._ring.cut(wanted.t_start_ns - around_ns, wanted.t_end_ns + around_ns, MOST_PICTURES)
        if not pictures:
            return ClipKept(wanted.act_id, None, "no picture of that time is held any more")
        try:
            digest = self._store.write(wanted.act_id, clip_page(wanted, self._camera_id, pictures))
        except OSError as error:
            fix = "free space on the disk, or lower max_mb in [cameras.clips]"
            return ClipKept(
                wanted.act_id, None, f"{self._store.directory}: {error.strerror or error}; {fix}", trouble=True
            )
        except ValueError as error:
            return ClipKept(wanted.act_id, None, str(error), trouble=True)
        return ClipKept(wanted.act_id, digest)

    def tidy(self) -> None:
        """Let go what has expired; never raises."""
        try:
            self._store.tidy()
        except OSError as error:
            log.warning("clips not tidied directory=%s: %s", self._store.directory, error)


class ClipThread:
    """Serves one cutter beside the camera's loop, so that a slow disk delays no frame."""

    def __init__(self, cutter: ClipCutter, answer: Callable[[ClipKept], None]) -> None:
        self._cutter = cutter
        self._answer = answer
        self._wanted: queue.Queue[ClipWanted] = queue.Queue(32)
        threading.Thread(target=self._run, name="clips", daemon=True).start()

    def ask(self, wanted: ClipWanted) -> None:
        """Queue a request; with many waiting it goes unanswered, and the event goes out without a clip."""
        with contextlib.suppress(queue.Full):
            self._wanted.put_nowait(wanted)

    def _run(self) -> None:
        self._cutter.tidy()
        while True:
            try:
                self._answer(self._cutter.keep(self._wanted.get(timeout=TIDY_S)))
            except queue.Empty:
                self._cutter.tidy()

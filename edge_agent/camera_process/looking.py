"""The loop of a camera's process: the next frame, the mask over it, the eye on what is left, its words to the agent.

Nothing queues: while a frame is looked at or the agent does not listen, the driver's later ones are lost, and the gap
in their numbers tells how many.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from edge_agent.camera_process.words import Heartbeat, Word
from edge_agent.model import CameraCondition, CameraProgress, MonotonicNs, VisionObservation
from edge_agent.ports import FrameSource
from edge_agent.vision.frames import MaskedFrame
from edge_agent.vision.mask import PrivacyMask

TAKE_S: Final = 0.4
"""How long one wait for a frame lasts: below the heartbeat's period, so that a dark driver does not look like a dead
process (2026-12)."""
BEAT_S: Final = 0.5
"""Between two heartbeats."""


class Eye(Protocol):
    """What recognises: `edge_agent.vision.eye.ShelfEye`."""

    def step(
        self, frame: MaskedFrame, arrived_ns: MonotonicNs | None = None
    ) -> Sequence[VisionObservation | CameraProgress | CameraCondition]:
        """Look at the next frame, which came to this process at ``arrived_ns``; return what there is to say."""


class Album(Protocol):
    """Where masked pictures are held for clips: `PictureRing`."""

    def see(self, frame: MaskedFrame, *, busy: bool) -> None:
        """Keep a frame if it is time for one."""


class Looking:
    """One camera looked through, frame by frame.

    Parameters
    ----------
    say : callable
        Sends a word to the agent; may wait, and while it does frames are lost.
    now_ns : callable
        The host's monotonic clock.
    """

    def __init__(
        self,
        source: FrameSource,
        mask: PrivacyMask,
        eye: Eye,
        album: Album | None,
        say: Callable[[Word], None],
        now_ns: Callable[[], int],
    ) -> None:
        self._source = source
        self._mask = mask
        self._eye = eye
        self._album = album
        self._say = say
        self._now_ns = now_ns
        self._frames = 0
        self._lost = 0
        self._sequence: int | None = None
        self._busy = False
        self._beaten_ns: int | None = None

    def turn(self) -> bool:
        """Wait for a frame, look at it, and return whether more may come.

        Raises
        ------
        CameraError
            From the source.
        """
        taken = self._source.take(TAKE_S)
        if taken is not None:
            arrived_ns = MonotonicNs(self._now_ns())
            self._look(self._mask.apply(taken), arrived_ns)
        now_ns = self._now_ns()
        if self._frames == 1 or self._beaten_ns is None or now_ns - self._beaten_ns >= BEAT_S * 1e9:
            self._beaten_ns = now_ns
            self._say(Heartbeat(now_ns, self._frames, self._lost))
        return taken is not None or not self._source.ended

    def _look(self, frame: MaskedFrame, arrived_ns: MonotonicNs) -> None:
        if self._sequence is not None:
            self._lost += max(0, frame.sequence - self._sequence - 1)
        self._sequence = frame.sequence
        self._frames += 1
        for word in self._eye.step(frame, arrived_ns):
            if isinstance(word, CameraProgress):
                self._busy = word.hands > 0 or word.unsettled_since_ns is not None
            self._say(word)
        if self._album is not None:
            self._album.see(frame, busy=self._busy)

"""The fortunes of one camera's process as the agent sees them: when to start and end it, and what to say of it.

A value of instants that are given: no clock, no process. The supervisor does what is due and passes on what is said.
"""

from enum import Enum
from random import Random
from typing import Final

from edge_agent.camera_process.words import ClipKept, Heartbeat, LastWords, Word
from edge_agent.config import CameraConfig
from edge_agent.delivery.backoff import Backoff
from edge_agent.model import CameraCondition, CameraProgress, MonotonicNs, VisionObservation

FIRST_S: Final = 1.0
LONGEST_S: Final = 60.0
"""Back-off between two starts: a camera plugged in again is found within a minute, one that is not costs no more than
half a second of computing a minute (2026-12)."""
STEADY_S: Final = 5.0
"""Who gave pictures for so long begins with a short back-off again."""
START_S: Final = 30.0
"""Until the first word: libraries load and the camera is configured for up to 8 s on the slowest boards, more while
another camera starts (assumed, 2026-12)."""
SILENT_S: Final = 5.0
"""Without a word for ten heartbeats: it hangs."""
DARK_S: Final = 3.0
"""Heartbeats without a new frame for this long: the camera is down, though its driver may yet make it go again."""
FIRST_FRAME_S: Final = 10.0
"""The same before its first frame: a camera warms up, and the eye looks long at its first picture (2026-12)."""
HOPELESS_S: Final = 30.0
"""And for this long: another process is the last resort."""
PROGRESS_PER_S: Final = 60
"""Words on progress above this are passed over: a hand that flickers at every frame of the fastest camera (2026-12)."""
WORDS_PER_S: Final = 600
"""Words of any kind above this are a defect: the scale's own come 160 times a second (2026-12)."""
TEXT_LENGTH: Final = 400

Said = VisionObservation | CameraProgress | CameraCondition


class Due(Enum):
    """What the supervisor shall do now."""

    NOTHING = "nothing"
    START = "start"
    KILL = "kill"


class CameraLife:
    """What is known of one camera's process.

    Attributes
    ----------
    starts : int
        How often it was started.
    frames, lost : int
        What its processes looked at and missed, all together.
    passed_over : int
        Words on progress that came too thick.
    """

    def __init__(self, camera: CameraConfig, random: Random) -> None:
        self.camera = camera
        self.starts = 0
        self.frames = 0
        self.lost = 0
        self.passed_over = 0
        self._backoff = Backoff(random, first_s=FIRST_S, longest_s=LONGEST_S)
        self._start_at_ns: int | None = 0
        self._down = ""
        """Standing detail of `camera_down` or `camera_uncommissioned`, with its code."""
        self._down_code = "camera_down"
        self._eye_raised: set[str] = set()
        self._last: LastWords | None = None
        self._killed_for = ""
        self._now_out()

    def _now_out(self) -> None:
        self._running = False
        self._began_ns = 0
        self._heard_ns: int | None = None
        self._beat: Heartbeat | None = None
        self._first_frame_ns: int | None = None
        self._frame_ns = 0
        self._second_ns = 0
        self._words = 0

    @property
    def seeing(self) -> bool:
        """Return whether it gives pictures just now."""
        return self._running and self._first_frame_ns is not None and not self._down

    @property
    def _patience_s(self) -> float:
        return FIRST_FRAME_S if self._first_frame_ns is None else DARK_S

    def due(self, now_ns: int) -> tuple[Due, list[Said]]:
        """Return what is to be done now, and what is to be said."""
        if not self._running:
            start = self._start_at_ns is not None and now_ns >= self._start_at_ns
            return (Due.START if start else Due.NOTHING), []
        if self._killed_for:
            return Due.KILL, []
        if self._heard_ns is None:
            if now_ns - self._began_ns > START_S * 1e9:
                self._killed_for = f"its process said nothing for {START_S:g} s after its start"
        elif now_ns - self._heard_ns > SILENT_S * 1e9:
            self._killed_for = f"its process hung: it said nothing for {SILENT_S:g} s"
        elif now_ns - self._frame_ns > HOPELESS_S * 1e9:
            self._killed_for = f"it gave no picture for {HOPELESS_S:g} s"
        elif now_ns - self._frame_ns > self._patience_s * 1e9 and not self._down:
            return Due.NOTHING, self._go_down("camera_down", f"it gives no picture for {self._patience_s:g} s", now_ns)
        return (Due.KILL if self._killed_for else Due.NOTHING), []

    def started(self, now_ns: int) -> None:
        """Note that a process was started."""
        self._now_out()
        self.starts += 1
        self._running, self._began_ns, self._frame_ns = True, now_ns, now_ns
        self._last, self._killed_for = None, ""

    def heard(self, word: Word, now_ns: int) -> list[Said]:
        """Take in a word of its process and return what the pipeline shall hear."""
        self._heard_ns = now_ns
        self._count(now_ns)
        match word:
            case Heartbeat():
                return self._beaten(word, now_ns)
            case ClipKept():
                return self._clip(word, now_ns)
            case LastWords():
                self._last = word
            case CameraProgress() if self._words > PROGRESS_PER_S:
                self.passed_over += 1
            case VisionObservation() | CameraProgress() | CameraCondition():
                if isinstance(word, CameraCondition):
                    (self._eye_raised.add if word.raised else self._eye_raised.discard)(word.code)
                return [word]
        return []

    def babbles(self, why: str) -> None:
        """Note that it said what is no word: nothing more of it is believed."""
        self._killed_for = f"its process said what is no word: {why}"

    def ended(self, how: str, now_ns: int) -> list[Said]:
        """Note that its process is gone, ``how`` being the kernel's word; return what is to be said of it."""
        last, killed_for = self._last, self._killed_for
        frames_for_s = 0.0 if self._first_frame_ns is None else (now_ns - self._first_frame_ns) / 1e9
        if frames_for_s >= STEADY_S:
            self._backoff.reset()
        self._now_out()
        self._killed_for = ""
        code = "camera_down"
        if last is not None and last.code == "ended":
            self._start_at_ns = None
        else:
            self._start_at_ns = now_ns + round(self._backoff.next_s() * 1e9)
            code = "camera_down" if last is None else last.code
        gone = [self._condition(each, now_ns, "") for each in sorted(self._eye_raised)]
        self._eye_raised.clear()
        return [*gone, *self._go_down(code, killed_for or (last.text if last is not None else how), now_ns)]

    def _beaten(self, beat: Heartbeat, now_ns: int) -> list[Said]:
        before = self._beat or Heartbeat(0, 0, 0)
        self.frames += max(0, beat.frames - before.frames)
        self.lost += max(0, beat.lost - before.lost)
        self._beat = beat
        if beat.frames <= before.frames:
            return []
        self._frame_ns = now_ns
        if self._first_frame_ns is None:
            self._first_frame_ns = now_ns
        return self._come_up(now_ns)

    def _clip(self, kept: ClipKept, now_ns: int) -> list[Said]:
        if kept.trouble:
            self._eye_raised.add("camera_clips")
            return [self._condition("camera_clips", now_ns, f"no clip of {kept.act_id}: {kept.reason}")]
        if kept.sha256 is not None and "camera_clips" in self._eye_raised:
            self._eye_raised.discard("camera_clips")
            return [self._condition("camera_clips", now_ns, "")]
        return []

    def _count(self, now_ns: int) -> None:
        if now_ns - self._second_ns >= 1e9:
            self._second_ns, self._words = now_ns, 0
        self._words += 1
        if self._words > WORDS_PER_S:
            self._killed_for = f"its process said more than {WORDS_PER_S} words a second"

    def _go_down(self, code: str, why: str, now_ns: int) -> list[Said]:
        name = self.camera.camera_id
        why = why[:TEXT_LENGTH].strip()
        detail = f"{why if why.startswith(name) else f'{name}: {why}'}; selling goes on by weight alone"
        if self._down == detail and self._down_code == code:
            return []
        over = self._come_up(now_ns) if self._down and self._down_code != code else []
        self._down, self._down_code = detail, code
        return [*over, self._condition(code, now_ns, detail)]

    def _come_up(self, now_ns: int) -> list[Said]:
        if not self._down:
            return []
        self._down = ""
        return [self._condition(self._down_code, now_ns, "")]

    def _condition(self, code: str, now_ns: int, detail: str) -> CameraCondition:
        camera = self.camera
        return CameraCondition(MonotonicNs(now_ns), camera.camera_id, camera.shelf_id, code, bool(detail), detail)

"""What a frame itself tells of whether it is to be believed: a weight per trouble, before the evidence lies.

Each trouble has a weight in [0, 1] that falls before it is raised as a `CameraCondition`; their least multiplies every
word of the frame. Conditions come and go with hysteresis in level and time, so that a person passing raises nothing.
"""

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

from edge_agent.model import MonotonicNs
from edge_agent.vision.backdrop import HALF
from edge_agent.vision.frames import GreyPicture, PixelMask
from edge_agent.vision.moved import LEAST_MOVED_PX, Reference

DARK_GREY = (12.0, 30.0)
"""Mean of the brightest tenth: no weight below the first, full above the second, grey levels (assumed, 2026-12)."""
WHITE_SHARE = (0.25, 0.6)
"""Share of pixels at 250 and more: full weight below the first, none above the second (assumed, 2026-12)."""
SHARPNESS = (0.25, 0.5)
"""Detail per contrast, over that of the sharpest lately: none below, full above (assumed, 2026-12)."""
COVERED_SHARE = (0.4, 0.7)
"""Share of the opening covered: full weight below, none above."""
FLAT_SHARE = (0.35, 0.6)
"""Scatter over brightness, as a share of what it is when nobody is there: no weight below, full above. A covered lens
makes a dim and even picture: 0.12 of it on a rendered shelf (the limits are assumed, 2026-12)."""
MOVED_MM = (4.0, 12.0)
"""Shift of the opening's corner that moved most: full weight below, none above; half at what moved.py calls moved."""
FROZEN_FRAMES = (3, 6)
"""Identical frames in a row: even a still front has noise (rule, 2026-12)."""
LATE_S = (0.5, 2.0)
"""Age at arrival: full weight below, none above. What is late is still true, until the decision waits no longer."""
LOST_SHARE = (0.1, 0.6)
"""Share of the exposures that never came: full weight below, none above."""
RAISE_BELOW, CLEAR_ABOVE = 0.5, 0.8
HOLD_S = {"blocked": 4.0, "blurred": 4.0, "moved": 2.0, "late": 2.0, "dropping": 3.0}
HOLD_OTHERS_S = 1.5
"""How long a weight must be low before its condition is raised, and twice as long high to clear it (2026-12)."""
EXAMINED_EVERY_S = 2.0
"""Sharpness and the reference are looked at so often, in frames without foreground."""
HIDDEN_SHARE = 0.35
"""... or with more of it than a hand or two: something is before the shelf, or the camera is not where it was."""
COUNTED_FRAMES = 75
"""Losses are counted over so many frames."""
ADVICE = {
    "blocked": "something stands before the shelf or hangs over the lens",
    "dark": "the light is off or the lens is covered",
    "overexposed": "light shines into the lens, or its exposure is fixed too long",
    "blurred": "wipe the lens, focus it",
    "frozen": "the driver delivers the same picture again and again; it is restarted",
    "moved": "mount it as it was, or run 'edge-agent camera commission' again",
    "late": "the machine or the link is too slow for this rate",
    "dropping": "the machine or the link is too slow for this rate",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A trouble that began (``raised``) or ended, and what was seen."""

    code: str
    raised: bool
    detail: str


@dataclass(slots=True)
class _Watch:
    weight: float = 1.0
    raised: bool = False
    since_ns: MonotonicNs | None = None


class FrameHealth:
    """Watches one camera's frames.

    Parameters
    ----------
    kept : (height, width) bool
        What the mask keeps of the small picture.
    reference : Reference or None
        Of the commissioned view; None leaves "moved" unwatched.
    """

    def __init__(self, kept: PixelMask, reference: Reference | None) -> None:
        self._kept = np.ascontiguousarray(kept[::4, ::4])
        self._inner = cv2.erode(
            kept[::HALF, ::HALF].astype(np.uint8),
            np.ones((5, 5), np.uint8),
            borderType=cv2.BORDER_CONSTANT,
            borderValue=0,
        )
        self._reference = reference
        self._watches = {name: _Watch() for name in ADVICE}
        self._last: GreyPicture | None = None
        self._identical = 0
        self._in_view = False
        self._sharpest = 0.0
        self._usual_scatter = 0.0
        self._sequence: int | None = None
        self._gaps: deque[int] = deque(maxlen=COUNTED_FRAMES)
        self._examined_ns: MonotonicNs | None = None
        self._seen: dict[str, str] = {}

    @property
    def weight(self) -> float:
        """Return how much the latest frame is to be believed, 0 to 1."""
        return min(watch.weight for watch in self._watches.values())

    def weight_of(self, code: str) -> float:
        """Return how much one trouble leaves of it, 0 to 1."""
        return self._watches[code].weight

    @property
    def raised(self) -> tuple[str, ...]:
        """Return what is wrong just now."""
        return tuple(name for name, watch in self._watches.items() if watch.raised)

    def step(
        self, grey: GreyPicture, sequence: int, t_ns: MonotonicNs, arrived_ns: MonotonicNs | None, covered_share: float
    ) -> list[Finding]:
        """Judge a frame; return what began or ended.

        Parameters
        ----------
        covered_share : float
            How much of the opening foreground covers; 0 in a quiet frame.
        """
        few = grey[::4, ::4][self._kept]
        self._brightness(few)
        self._frozen(grey, few)
        self._lost(sequence)
        if arrived_ns is not None:
            age_s = max((arrived_ns - t_ns) * 1e-9, 0.0)
            self._say("late", falling(age_s, *LATE_S), f"its pictures come {age_s:.1f} s after their exposure")
        self._hidden(few, covered_share)
        due = self._examined_ns is None or (t_ns - self._examined_ns) * 1e-9 >= EXAMINED_EVERY_S
        ordinary_act = 0.0 < covered_share < HIDDEN_SHARE
        if due and not ordinary_act and self.weight_of("dark") > 0.5 and not self._identical:
            self._examined_ns = t_ns
            self._examine(grey, hidden=covered_share > 0.0)
        return [finding for name, watch in self._watches.items() if (finding := self._settle(name, watch, t_ns))]

    def _hidden(self, few: GreyPicture, covered_share: float) -> None:
        scatter = float(few.std()) / max(float(few.mean()), 1.0) if few.size else 0.0
        if covered_share == 0.0:  # as at _examine: it follows the goods within a day
            self._usual_scatter = max(self._usual_scatter * (1 - 1e-5), scatter)
        share = scatter / max(self._usual_scatter, 1e-6) if self._usual_scatter else 1.0
        flat = 1.0 - falling(share, *FLAT_SHARE)
        covered = falling(covered_share, *COVERED_SHARE)
        if flat < covered:
            self._say("blocked", flat, f"its picture has {share:.0%} of its usual contrast")
        else:
            self._say("blocked", covered, f"{covered_share:.0%} of the shelf's front is hidden")

    def _brightness(self, few: GreyPicture) -> None:
        count = np.bincount(few, minlength=256)
        total = max(few.size, 1)
        from_top = np.cumsum(count[::-1])
        tenth = max(total // 10, 1)
        brightest = 255 - int(np.searchsorted(from_top, tenth))
        white = float(from_top[5]) / total
        self._say("dark", 1.0 - falling(brightest, *DARK_GREY), f"its brightest tenth is at {brightest} of 255")
        self._say("overexposed", falling(white, *WHITE_SHARE), f"{white:.0%} of the picture is white")

    def _frozen(self, grey: GreyPicture, few: GreyPicture) -> None:
        last, self._last = self._last, grey
        same = last is not None and np.array_equal(last[::8, ::8], grey[::8, ::8]) and np.array_equal(last, grey)
        noisy = few.size > 0 and int(few.min()) < 250 and int(few.max()) > 5
        self._identical = self._identical + 1 if same and noisy else 0
        self._say(
            "frozen", falling(self._identical, *FROZEN_FRAMES), f"{self._identical + 1} identical pictures in a row"
        )

    def _lost(self, sequence: int) -> None:
        if self._sequence is not None:
            gap = sequence - self._sequence - 1
            if gap < 0 or gap > 10 * COUNTED_FRAMES:
                self._gaps.clear()  # the source was started anew
            else:
                self._gaps.append(gap)
        self._sequence = sequence
        lost = sum(self._gaps)
        share = lost / (lost + len(self._gaps)) if len(self._gaps) > 10 else 0.0
        self._say("dropping", falling(share, *LOST_SHARE), f"{share:.0%} of its pictures never came")

    def _examine(self, grey: GreyPicture, *, hidden: bool) -> None:
        """Look at sharpness and the reference; ``hidden``: the front is unlike the backdrop, the question is why."""
        half = cv2.resize(grey, (self._inner.shape[1], self._inner.shape[0]), interpolation=cv2.INTER_AREA)
        inside = self._inner > 0
        contrast = float(half[inside].std()) if inside.any() else 0.0
        detail = float(np.abs(cv2.Laplacian(half, cv2.CV_16S)[inside]).mean()) if inside.any() else 0.0
        sharpness = detail / max(contrast, 4.0)
        shift = None if self._reference is None else self._reference.shift_px(grey)
        self._in_view = hidden and shift is not None
        if not hidden:
            # Goods change and with them detail; the sharpest of late fades by half in a day of seconds.
            self._sharpest = max(self._sharpest * (1 - 1e-5), sharpness)
        share = sharpness / max(self._sharpest, 1e-6)
        self._say(
            "blurred", 1.0 - falling(share, *SHARPNESS), f"its pictures have {share:.0%} of their usual sharpness"
        )
        if shift is not None:
            weight = falling(shift.worst_mm, *MOVED_MM) if shift.worst_px >= LEAST_MOVED_PX else 1.0
            self._say("moved", weight, f"the opening's corners are up to {shift.worst_mm:.0f} mm from where they were")

    def _say(self, code: str, weight: float, seen: str) -> None:
        self._watches[code].weight = weight
        self._seen[code] = seen

    def _settle(self, name: str, watch: _Watch, t_ns: MonotonicNs) -> Finding | None:
        turning = watch.weight > CLEAR_ABOVE if watch.raised else watch.weight < RAISE_BELOW
        if not turning:
            watch.since_ns = None
            return None
        if watch.since_ns is None:
            watch.since_ns = t_ns
        hold_s = HOLD_S.get(name, HOLD_OTHERS_S) * (2.0 if watch.raised else 1.0)
        if (t_ns - watch.since_ns) * 1e-9 < hold_s:
            return None
        watch.raised, watch.since_ns = not watch.raised, None
        detail = f"{self._seen[name]}: {ADVICE[name]}" if watch.raised else self._seen[name]
        return Finding(f"camera_{name}", watch.raised, detail)


def falling(value: float, full: float, none: float) -> float:
    """Return 1 up to ``full``, 0 from ``none`` on, straight in between."""
    return min(max((none - value) / (none - full), 0.0), 1.0)

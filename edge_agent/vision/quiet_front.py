"""When the front may be compared: nobody before it, and nothing on it moves."""

from collections import deque

import numpy as np

from edge_agent.model import MonotonicNs
from edge_agent.vision.backdrop import Difference
from edge_agent.vision.frames import GreyPicture
from edge_agent.vision.hands import FrontScene
from edge_agent.vision.structure import RealPicture

FRAMES, SETTLED_S = 4, 0.25
"""So many still frames in a row, over at least so long, are averaged and compared (rule, 2026-12)."""
STILL_SHARE, STILL_SIGMAS = 0.97, 3.2
"""So much of what is in front changes by less than so many sigmas of two frames' noise: even a resting hand sways by
millimetres, which its outline shows (rule, 2026-12)."""
STUCK_S = 1.6
"""What touches the rim and is after so long where it was, within noise, is no arm: hands sway once a second or so, and
come by where they were, but not in every frame between (rule, 2026-12)."""
RESTLESS_S = 6.0
"""Nobody is before the front for so long, though something on it moves: it is compared as it is (assumed, 2026-12)."""


class QuietFront:
    """Collects the frames after an act."""

    def __init__(self) -> None:
        self._frames: deque[tuple[MonotonicNs, GreyPicture]] = deque(maxlen=FRAMES)
        self._last: RealPicture | None = None
        self._anchor: RealPicture | None = None
        self._still_since_ns: MonotonicNs | None = None
        self._free_since_ns: MonotonicNs | None = None

    def clear(self) -> None:
        """Begin anew."""
        self._frames.clear()
        self._last = None
        self._anchor = None
        self._still_since_ns = None
        self._free_since_ns = None

    def step(
        self, difference: Difference, scene: FrontScene | None, *, followed: bool, noise_grey: float, t_ns: MonotonicNs
    ) -> RealPicture | None:
        """Take in a frame; return the mean of the still ones once they are enough.

        Parameters
        ----------
        difference : Difference
        scene : FrontScene or None
            None for a frame without foreground.
        followed : bool
            Whether a hand is followed still.
        """
        last, self._last = self._last, difference.half
        still = last is not None and self._is_still(difference.half, last, scene, noise_grey)
        anchor = self._anchor
        if not still or anchor is None or not self._is_still(difference.half, anchor, scene, noise_grey):
            self._anchor, self._still_since_ns = difference.half, t_ns
        stuck = self._still_since_ns is not None and (t_ns - self._still_since_ns) * 1e-9 >= STUCK_S
        busy = followed or (scene is not None and bool(scene.arms))
        hidden = scene is not None and scene.body
        if busy or hidden:
            self._free_since_ns = None
        elif self._free_since_ns is None:
            self._free_since_ns = t_ns
        # Something that never rests (a swinging label, a screen) must not keep the front from being compared for ever.
        still = still or (self._free_since_ns is not None and (t_ns - self._free_since_ns) * 1e-9 >= RESTLESS_S)
        if (busy and not stuck) or hidden or not still:
            self._frames.clear()
            return None
        self._frames.append((t_ns, difference.whole))
        if len(self._frames) < FRAMES or (t_ns - self._frames[0][0]) * 1e-9 < SETTLED_S * (FRAMES - 1) / FRAMES:
            return None
        mean = np.mean([picture for _, picture in self._frames], axis=0, dtype=np.float32)
        self.clear()
        return np.asarray(mean)

    @staticmethod
    def _is_still(half: RealPicture, last: RealPicture, scene: FrontScene | None, noise_grey: float) -> bool:
        if scene is None:
            return True
        there = scene.inside | scene.arms_mask
        if not there.any():
            return True
        change = half - last
        # Light flickers row by row: each row's own change, beside what is in front, is none of what moves.
        beside = ~there & (half > 0)
        flicker = (change * beside).sum(axis=1) / np.maximum(beside.sum(axis=1), 1)
        moved = np.abs(change - flicker[:, None])[there]
        return float(np.quantile(moved, STILL_SHARE)) < STILL_SIGMAS * 2**0.5 * noise_grey + 1.0

"""When the front may be compared: nobody before it, and nothing on it moves."""

from collections import deque

import numpy as np

from edge_agent.model import MonotonicNs
from edge_agent.vision.front_change import mean_picture
from edge_agent.vision.hands import FrontScene
from edge_agent.vision.structure import RealPicture

FRAMES, SETTLED_S = 4, 0.25
"""So many still frames in a row, over at least so long, are averaged and compared (rule, 2026-12)."""
STILL_SIGMAS = 1.6
"""Mean difference of two frames where something is in front, over that of noise alone (rule, 2026-12)."""
STUCK_S = 12.0
"""What touches the rim and stays perfectly still for so long is no arm: it belongs to the front (assumed, 2026-12)."""


class QuietFront:
    """Collects the frames after an act."""

    def __init__(self) -> None:
        self._frames: deque[tuple[MonotonicNs, RealPicture]] = deque(maxlen=FRAMES)
        self._last: RealPicture | None = None
        self._still_since_ns: MonotonicNs | None = None

    def clear(self) -> None:
        """Begin anew."""
        self._frames.clear()
        self._last = None
        self._still_since_ns = None

    def step(
        self, half: RealPicture, scene: FrontScene | None, *, followed: bool, noise_grey: float, t_ns: MonotonicNs
    ) -> RealPicture | None:
        """Take in a frame; return the mean of the still ones once they are enough.

        Parameters
        ----------
        half : (half height, half width) float32
        scene : FrontScene or None
            None for a frame without foreground.
        followed : bool
            Whether a hand is followed still.
        """
        last, self._last = self._last, half
        still = last is not None and self._is_still(half, last, scene, noise_grey)
        if not still:
            self._still_since_ns = None
        elif self._still_since_ns is None:
            self._still_since_ns = t_ns
        stuck = self._still_since_ns is not None and (t_ns - self._still_since_ns) * 1e-9 >= STUCK_S
        busy = followed or (scene is not None and bool(scene.arms))
        hidden = scene is not None and scene.body
        if (busy and not stuck) or hidden or not still:
            self._frames.clear()
            return None
        self._frames.append((t_ns, half))
        if len(self._frames) < FRAMES or (t_ns - self._frames[0][0]) * 1e-9 < SETTLED_S * (FRAMES - 1) / FRAMES:
            return None
        mean = mean_picture([picture for _, picture in self._frames])
        self.clear()
        return mean

    @staticmethod
    def _is_still(half: RealPicture, last: RealPicture, scene: FrontScene | None, noise_grey: float) -> bool:
        if scene is None:
            return True
        there = scene.inside | scene.arms_mask
        if not there.any():
            return True
        change = half[there] - last[there]
        # Light may change between two frames; what moves does so against its surroundings.
        typical = float(np.mean(np.abs(change - np.median(change))))
        return typical < STILL_SIGMAS * 0.8 * 2**0.5 * noise_grey + 0.5

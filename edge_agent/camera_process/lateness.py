"""How long after its exposure a frame is told of: late word is as good as none, for nobody waits for it."""

from typing import Final

from edge_agent.config import CameraConfig
from edge_agent.model import CameraCondition, MonotonicNs

LATE_S: Final = 0.5
"""From here on a frame is late: a final waits 1.2 s for the camera, and hands leave within 0.8 s of letting go
(assumed, 2026-12)."""
AGAIN_S: Final = 0.3
"""Below this it is in time again."""
STANDING_S: Final = 2.0
"""How long either must hold without exception before it is said."""


class Lateness:
    """Watches one camera's frames and says when they begin and cease to be late."""

    def __init__(self, camera: CameraConfig) -> None:
        self._camera = camera
        self._late = False
        self._since_ns: int | None = None

    def step(self, t_ns: MonotonicNs, now_ns: int) -> CameraCondition | None:
        """Take a frame exposed at ``t_ns`` that was looked at by ``now_ns``; return what changes by it."""
        behind_s = (now_ns - t_ns) / 1e9
        if not (behind_s <= AGAIN_S if self._late else behind_s > LATE_S):
            self._since_ns = None
            return None
        if self._since_ns is None:
            self._since_ns = now_ns
        if now_ns - self._since_ns < STANDING_S * 1e9:
            return None
        self._late, self._since_ns = not self._late, None
        detail = f"its frames are told of {behind_s:.1f} s after their exposure" if self._late else ""
        return CameraCondition(t_ns, self._camera.camera_id, self._camera.shelf_id, "camera_late", self._late, detail)

"""Cameras that are away or not to be believed, as alarms: their word for a technician and for the store."""

from collections.abc import Sequence

from edge_agent.config import CameraConfig
from edge_agent.model import CameraCondition, HealthTransition, Message
from edge_agent.vocabulary import Severity

REMEDY = {
    "camera_down": "see the detail; until then the shelf sells by weight alone, with more acts for review",
    "camera_uncommissioned": "run `edge-agent camera commission` in front of the shelf",
    "camera_blocked": "see what stands or hangs in front of the camera",
    "camera_dark": "switch the light on, or open the camera's shutter",
    "camera_overexposed": "shade the lamp or window that shines into the camera",
    "camera_blurred": "wipe the lens and check its focus",
    "camera_frozen": "unplug the camera and plug it in again; look at its cable if that repeats",
    "camera_moved": "turn the camera back, or run `edge-agent camera commission` again",
    "camera_late": "see what else keeps this unit's processor busy",
    "camera_dropping": "see what else keeps this unit's processor busy; lower rate_hz in [[cameras]] if it lasts",
}


class CameraAlarms:
    """Turns what the cameras' processes say into transitions; part of the pipeline, so a replay tells the same.

    Parameters
    ----------
    cameras : sequence of CameraConfig
        The unit's cameras.
    """

    def __init__(self, cameras: Sequence[CameraConfig]) -> None:
        self._known = frozenset(camera.camera_id for camera in cameras if camera.driver != "none")
        self._raised: dict[tuple[str, str], str] = {}

    def step(self, message: Message) -> list[HealthTransition]:
        """Return what a message changes: a condition is raised (again with every new detail), or over."""
        if not isinstance(message, CameraCondition) or message.camera_id not in self._known:
            return []
        what = (message.camera_id, message.code)
        if self._raised.get(what) == (message.detail if message.raised else None):
            return []
        if message.raised:
            self._raised[what] = message.detail
        else:
            del self._raised[what]
        return [
            HealthTransition(
                message.t_ns,
                f"camera:{message.camera_id}",
                message.code,
                message.raised,
                Severity.WARNING if message.raised else Severity.INFO,
                message.detail,
                REMEDY.get(message.code, "") if message.raised else "",
            )
        ]

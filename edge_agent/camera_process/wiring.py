"""What a camera's process is made of: the real parts, imported where they are used, or others in a test."""

from collections.abc import Callable
from dataclasses import dataclass

from edge_agent.camera_process.looking import Eye
from edge_agent.camera_process.words import Setup
from edge_agent.config import CameraConfig
from edge_agent.ports import FrameSource
from edge_agent.vision.geometry import ShelfView


@dataclass(frozen=True, slots=True)
class Wiring:
    """Makers of the parts.

    Attributes
    ----------
    view : callable
        Returns where the shelf is in the picture, or None where nobody has commissioned the camera yet.
    source : callable
        Opens the camera; raises `CameraError`.
    eye : callable
        Returns what recognises.
    """

    view: Callable[[Setup], ShelfView | None]
    source: Callable[[CameraConfig], FrameSource]
    eye: Callable[[Setup, ShelfView], Eye]


def real_wiring() -> Wiring:
    """Return the parts of a unit in a store."""
    raise NotImplementedError

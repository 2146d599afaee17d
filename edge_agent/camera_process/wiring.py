"""What a camera's process is made of: the real parts, imported where they are used, or others in a test."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge_agent.camera_process.looking import Eye
from edge_agent.camera_process.words import Setup
from edge_agent.config import CameraConfig
from edge_agent.ports import FrameSource
from edge_agent.vision.frames import GreyPicture
from edge_agent.vision.geometry import ShelfView

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outlook:
    """Where the shelf is in the picture, and how its front looked when that was found: masked, small, or None."""

    view: ShelfView
    reference: GreyPicture | None = None


@dataclass(frozen=True, slots=True)
class Wiring:
    """Makers of the parts.

    Attributes
    ----------
    outlook : callable
        Returns where the shelf is, or None where nobody has commissioned the camera yet; raises `CameraError`.
    source : callable
        Opens the camera; raises `CameraError`.
    eye : callable
        Returns what recognises.
    """

    outlook: Callable[[Setup], Outlook | None]
    source: Callable[[CameraConfig], FrameSource]
    eye: Callable[[Setup, Outlook], Eye]


def real_wiring() -> Wiring:
    """Return the parts of a unit in a store."""
    return Wiring(_outlook, _source, _eye)


def _outlook(setup: Setup) -> Outlook | None:
    from edge_agent.view_store import read_view, view_path  # noqa: PLC0415 - only a camera's process needs it

    state_dir = Path(setup.state_dir)
    if not view_path(state_dir, setup.camera.camera_id).exists():
        return None
    commissioned = read_view(state_dir, setup.camera, setup.shelf_width_mm)
    return Outlook(commissioned.view, commissioned.reference)


def _source(camera: CameraConfig) -> FrameSource:
    from edge_agent.adapters.cameras.open_frames import open_frames  # noqa: PLC0415

    return open_frames(camera)


def _eye(setup: Setup, outlook: Outlook) -> Eye:
    from edge_agent.appearance_store import load_what_can_be_read  # noqa: PLC0415
    from edge_agent.vision.appearance import AppearanceModel  # noqa: PLC0415
    from edge_agent.vision.eye import ShelfEye  # noqa: PLC0415

    templates, errors = load_what_can_be_read(Path(setup.state_dir))
    for error in errors:
        log.warning("camera=%s %s", setup.camera.camera_id, error)
    sold = {lane.sku for lane in setup.lanes}
    known = {each.sku: each for each in templates if each.sku in sold}
    appearance = AppearanceModel(known) if known else None
    return ShelfEye(outlook.view, setup.lanes, setup.camera, appearance, reference=outlook.reference)

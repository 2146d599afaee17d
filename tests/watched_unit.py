"""A shelf unit of the demonstration's shop with a simulated camera, commissioned as a technician would."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_agent.config import CameraConfig
from edge_agent.demo.unit_files import UnitFiles
from edge_agent.model import MonotonicNs
from edge_agent.view_store import CommissionedView, store_view
from edge_agent.vision.frames import CameraFrame
from edge_agent.vision.geometry import ShelfView
from edge_agent.vision.mask import PrivacyMask

TABLE = """
[[cameras]]
shelf_id = "{shelf_id}"
driver = "simulated"
width_px = 640
height_px = 480
{clips}
"""
CLIPS = "[cameras.clips]\nenabled = true\n"


@dataclass(frozen=True, slots=True)
class Watched:
    """The shelf that is watched."""

    shelf_id: str
    width_mm: float


def add_camera(unit: UnitFiles, shelf: Watched, *, clips: bool = False) -> CameraConfig:
    """Give a unit a camera on one shelf and commission it."""
    text = unit.agent_toml.read_text()
    unit.agent_toml.write_text(text + TABLE.format(shelf_id=shelf.shelf_id, clips=CLIPS if clips else ""))
    camera = CameraConfig(shelf_id=shelf.shelf_id, driver="simulated", width_px=640, height_px=480)
    commission(unit.state_dir, camera, shelf.width_mm)
    return camera


def commission(state_dir: Path, camera: CameraConfig, width_mm: float) -> ShelfView:
    """Store a view in which the shelf's opening fills the middle of the picture."""
    scale_x, scale_z = camera.width_px * 0.6 / width_mm, camera.height_px * 0.5 / camera.opening_mm
    left, board = camera.width_px * 0.2, camera.height_px * 0.75
    front_to_px = np.array([[scale_x, 0.0, left], [0.0, -scale_z, board], [0.0, 0.0, 1.0]])
    view = ShelfView(front_to_px, camera.width_px, camera.height_px, width_mm, camera.opening_mm, "0")
    grey = np.random.default_rng(5).integers(40, 200, (camera.lores_height_px, camera.lores_width_px), np.uint8)
    colour = np.full((camera.height_px, camera.width_px, 3), 90, np.uint8)
    mask = PrivacyMask(
        view.kept(camera.width_px, camera.height_px), view.kept(camera.lores_width_px, camera.lores_height_px)
    )
    masked = mask.apply(CameraFrame(1, MonotonicNs(1), grey, lambda: colour))
    commissioned = CommissionedView(
        view=view,
        camera_id=camera.camera_id,
        shelf_id=camera.shelf_id,
        number=0,
        markers_px={},
        marker_mm=60.0,
        residual_px=0.1,
        residual_mm=0.1,
        sigma_mm=0.2,
        commissioned_at="2026-12-01T08:00:00Z",
        reference=masked.grey,
    )
    return store_view(state_dir, commissioned, masked)

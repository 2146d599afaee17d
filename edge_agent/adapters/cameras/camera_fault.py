"""The words in which every driver says what is wrong with a camera."""

from edge_agent.config import CameraConfig
from edge_agent.errors import CameraError

WITHOUT: str = "set driver = 'none' in [[cameras]] to run by weight alone"


def camera_fault(camera: CameraConfig, cause: str, fix: str = "") -> CameraError:
    """Return the error that names the camera, the cause, what mends it, and how to do without."""
    remedy = f"{fix}, or {WITHOUT}" if fix else WITHOUT
    return CameraError(
        f"camera {camera.camera_id} of shelf {camera.shelf_id} ({camera.driver} {camera.source!r}): {cause}: {remedy}"
    )

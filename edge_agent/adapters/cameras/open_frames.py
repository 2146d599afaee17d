"""The one place that picks a camera's driver. What is configured is opened or refused, never replaced by another."""

from edge_agent.adapters.cameras.camera_fault import camera_fault
from edge_agent.config import CameraConfig
from edge_agent.ports import FrameSource


def open_frames(camera: CameraConfig) -> FrameSource:
    """Return the configured source; its `start` opens the device. A driver's libraries are imported only with it.

    Raises
    ------
    CameraError
        The driver is 'none', or what it needs is not installed.
    """
    try:
        match camera.driver:
            case "picamera2":
                from edge_agent.adapters.cameras.picamera2_frames import Picamera2Frames  # noqa: PLC0415

                return Picamera2Frames(camera)
            case "v4l2":
                from edge_agent.adapters.cameras.v4l2_frames import V4l2Frames  # noqa: PLC0415

                return V4l2Frames(camera)
            case "file":
                from edge_agent.adapters.cameras.file_frames import FileFrames  # noqa: PLC0415

                return FileFrames(camera)
            case "simulated":
                from edge_agent.adapters.cameras.simulated_frames import SimulatedFrames  # noqa: PLC0415

                return SimulatedFrames(camera)
    except ImportError as error:
        raise camera_fault(
            camera, f"its driver needs what is not installed ({error})", "install shelf-edge-agent[camera]"
        ) from error
    raise camera_fault(camera, "driver = 'none' has no pictures", "set driver to picamera2, v4l2, file or simulated")

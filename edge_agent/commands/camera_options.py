"""What the camera commands share: which camera of which unit, and the pictures they may write."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge_agent.commands.options import add_config_option, config_path
from edge_agent.config import CameraConfig, ShelfConfig
from edge_agent.config.files import read_agent, read_site, readable_state_dir
from edge_agent.errors import CameraError, ConfigError, EdgeAgentError
from edge_agent.vision.drawing import DrawnLane
from edge_agent.vision.frames import ColourPicture

MOST_PICTURE_BYTES = 64 * 1024 * 1024
"""Of a file given by --from: an uncompressed 20-megapixel picture (2026-12)."""
ADD_ONE = (
    'add a [[cameras]] table with shelf_id and driver to agent.toml, as docs/camera.md shows under "Put a camera up"'
)


@dataclass(frozen=True, slots=True)
class WatchedShelf:
    """A configured camera with the shelf that it watches."""

    camera: CameraConfig
    shelf: ShelfConfig
    lanes: tuple[DrawnLane, ...]
    skus: tuple[str, ...]
    """Of the shelf's lanes, each once."""
    state_dir: Path


def add_camera_options(parser: argparse.ArgumentParser) -> None:
    """Add which camera, and where pictures come from and go to."""
    add_config_option(parser)
    parser.add_argument("--camera", metavar="ID", help="which of the configured cameras (default: the only one)")
    parser.add_argument(
        "--from", dest="source_picture", type=Path, metavar="PICTURE", help="look at this picture instead of the camera"
    )
    parser.add_argument(
        "--save-picture", type=Path, metavar="FILE", help="save the masked picture with the lanes drawn on it, as PNG"
    )


def watched_shelf(arguments: argparse.Namespace) -> WatchedShelf:
    """Return the camera that the options name, with its shelf as the planogram in force has it.

    Raises
    ------
    ConfigError
        No camera is configured, several are and none is named, the named one is not among them, or its shelf is not.
    """
    path = config_path(arguments)
    state_dir, _ = readable_state_dir(Path(read_agent(path).state_dir))
    site = read_site(path, state_dir=state_dir, calibrated=False).checked()
    camera = _chosen(site.agent.cameras, arguments.camera, path)
    if camera.driver == "none" and arguments.source_picture is None:
        raise ConfigError(f"{path}: camera {camera.camera_id} has driver = 'none': name the driver of its device")
    shelf = next((each for each in site.shelves if each.shelf_id == camera.shelf_id), None)
    if shelf is None:
        known = ", ".join(each.shelf_id for each in site.shelves)
        raise ConfigError(
            f"{path}: camera {camera.camera_id}: shelf_id = {camera.shelf_id!r}: shelves of this unit: {known}"
        )
    names = {item.sku: item.name for item in site.catalogue.items}
    lanes = site.planogram.on_shelf(shelf.shelf_id)
    return WatchedShelf(
        camera,
        shelf,
        tuple(DrawnLane(lane.lane_id, names.get(lane.sku, lane.sku), lane.x_mm) for lane in lanes),
        tuple(dict.fromkeys(lane.sku for lane in lanes)),
        Path(site.agent.state_dir),
    )


def read_picture(path: Path, camera: CameraConfig) -> ColourPicture:
    """Return a picture file, (height, width, 3) red, green, blue.

    Raises
    ------
    CameraError
        Missing, unreadable, too large, no picture, or of another size than the camera's.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_PICTURE_BYTES + 1)
    except OSError as error:
        raise CameraError(f"{path}: cannot be read: {error.strerror}; name a picture with --from") from error
    if len(content) > MOST_PICTURE_BYTES:
        raise CameraError(f"{path}: above {MOST_PICTURE_BYTES >> 20} MB; name a PNG or JPEG picture with --from")
    picture = _decoded(content)
    if picture is None:
        raise CameraError(f"{path}: is no picture that can be read; name a PNG or JPEG picture with --from")
    rows, columns = picture.shape[:2]
    if (columns, rows) != (camera.width_px, camera.height_px):
        raise CameraError(
            f"{path}: {columns} × {rows} px, camera {camera.camera_id} takes {camera.width_px} × {camera.height_px}: a"
            " view belongs to one camera's pixels; take the picture with it, or correct width_px and height_px"
        )
    return np.ascontiguousarray(picture[:, :, ::-1])


def save_picture(path: Path, drawn: ColourPicture) -> None:
    """Write a picture that shows nothing but the shelf, as PNG, mode 0600, whole or not at all.

    Raises
    ------
    EdgeAgentError
        It cannot be written.
    """
    written, content = cv2.imencode(".png", drawn[:, :, ::-1])
    if not written:
        raise CameraError(f"{path}: a picture of {drawn.shape} cannot be written as PNG")
    write_file(path, bytes(content), "--save-picture")


def write_file(path: Path, content: bytes, option: str) -> None:
    """Write what a technician asked for beside the file and rename it, mode 0600; ``option`` named it.

    Raises
    ------
    EdgeAgentError
        It cannot be written.
    """
    try:
        if path.exists() and not path.is_file():  # such as /dev/stdout: a rename would put a file in its place
            path.write_bytes(content)
            return
        beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise EdgeAgentError(f"{path}: {error.strerror}; name a file that can be written with {option}") from error


def _decoded(content: bytes) -> ColourPicture | None:
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    except cv2.error:  # a header that promises more pixels than OpenCV takes
        return None
    return None if picture is None else np.asarray(picture, dtype=np.uint8)


def _chosen(cameras: tuple[CameraConfig, ...], named: str | None, path: Path) -> CameraConfig:
    if not cameras:
        raise ConfigError(f"{path}: no camera is configured; {ADD_ONE}")
    listed = ", ".join(f"{each.camera_id} (at {each.shelf_id})" for each in cameras)
    if named is None:
        if len(cameras) > 1:
            raise ConfigError(f"{path}: several cameras are configured: name one by --camera: {listed}")
        return cameras[0]
    found = next((each for each in cameras if each.camera_id == named), None)
    if found is None:
        raise ConfigError(f"{path}: --camera {named}: configured here: {listed}; {ADD_ONE}")
    return found

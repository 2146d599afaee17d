"""Pictures of a product that a technician holds in front of the shelf, taken by the shelf's own camera."""

import importlib
from collections.abc import Callable
from pathlib import Path

from edge_agent.config import CameraConfig, Site
from edge_agent.config.files import read_site
from edge_agent.errors import CameraError, ConfigError
from edge_agent.ports import FrameSource
from edge_agent.vision.frames import ColourPicture, GreyPicture, MaskedFrame
from edge_agent.vision.geometry import ShelfView
from edge_agent.vision.held_product import held_product
from edge_agent.vision.mask import PrivacyMask

APART_S = 0.7
"""Between two pictures, while the technician turns the product."""
SETTLE_S = 1.0
"""Of the empty shelf, while exposure settles."""
PATIENCE_S = 5.0
GIVE_UP_S = 60.0
"""Without a product in front of the shelf, by the frames' own instants."""

Show = Callable[[str], None]


def portraits(config: Path, camera_id: str | None, number: int, show: Show) -> list[tuple[str, ColourPicture]]:
    """Return pictures of the held product, named by their number, cut out of the masked view.

    Raises
    ------
    ConfigError
        No such camera, or several and none named.
    CameraError
        It cannot be opened or stops, its view is not commissioned, or nothing was held in front of the shelf.
    """
    site = read_site(config, calibrated=False).site
    camera = _chosen(site.agent.cameras, camera_id, config)
    mask = _mask(site, camera)
    source: FrameSource = importlib.import_module("edge_agent.adapters.cameras.open_frames").open_frames(camera)
    try:
        source.start()
        return _taken(source, camera, mask, number, show)
    finally:
        source.stop()


def _taken(
    source: FrameSource, camera: CameraConfig, mask: PrivacyMask, number: int, show: Show
) -> list[tuple[str, ColourPicture]]:
    show("keep out of the view: the empty shelf is looked at")
    first = frame = _next(source, camera, mask)
    while frame.t_ns - first.t_ns < SETTLE_S * 1e9:
        frame = _next(source, camera, mask)
    empty: GreyPicture = frame.grey
    last_ns = frame.t_ns
    taken: list[tuple[str, ColourPicture]] = []
    while len(taken) < number:
        show(f"hold the product in front of the shelf and turn it: {len(taken)} of {number} pictures")
        frame = _next(source, camera, mask)
        if frame.t_ns - last_ns > GIVE_UP_S * 1e9:
            raise CameraError(
                f"{camera.camera_id}: nothing was held in front of the shelf for {GIVE_UP_S:.0f} s, after {len(taken)}"
                f" of {number} pictures; hold it before the shelf's boards, where the shoppers' hands are"
            )
        if taken and frame.t_ns - last_ns < APART_S * 1e9:
            continue
        picture = held_product(empty, frame.grey, frame.colour())
        if picture is not None:
            taken.append((f"picture {len(taken) + 1}", picture))
            last_ns = frame.t_ns
    return taken


def _next(source: FrameSource, camera: CameraConfig, mask: PrivacyMask) -> MaskedFrame:
    frame = source.take(PATIENCE_S)
    if frame is None:
        why = "it ended" if source.ended else f"no picture for {PATIENCE_S:.0f} s"
        raise CameraError(f"{camera.camera_id}: {why} before enough pictures were taken")
    return mask.apply(frame)


def _mask(site: Site, camera: CameraConfig) -> PrivacyMask:
    width_mm = next((each.width_mm for each in site.shelves if each.shelf_id == camera.shelf_id), None)
    if width_mm is None:
        raise ConfigError(f"camera {camera.camera_id}: shelf_id = {camera.shelf_id!r} is no shelf of this unit")
    # Loaded where a camera is opened, and nowhere else.
    views = importlib.import_module("edge_agent.view_store")
    view: ShelfView = views.read_view(Path(site.agent.state_dir), camera, width_mm).view
    return PrivacyMask(
        view.kept(camera.width_px, camera.height_px), view.kept(camera.lores_width_px, camera.lores_height_px)
    )


def _chosen(cameras: tuple[CameraConfig, ...], named: str | None, config: Path) -> CameraConfig:
    able = [each for each in cameras if each.driver != "none"]
    found = [each for each in able if named in (None, each.camera_id)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(each.camera_id for each in able) or "none"
    raise ConfigError(f"{config}: name one of its cameras by --camera (there: {listed}), or photographs by --from")

"""How a camera of picamera2 is found, opened and told what to deliver, and what it makes of that.

A format or size that the pipeline does not have is silently replaced by one that it has, so what `configure` made of
the wish is read back, and what the agent cannot read is refused by its name.
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Final

from edge_agent.adapters.cameras.camera_fault import camera_fault
from edge_agent.adapters.cameras.yuv import YuvLayout
from edge_agent.config import CameraConfig

BUFFERS: Final = 5
"""One at the reader, one as the newest, three under exposure; a large frame of 1280 × 960 takes 1.8 MB (2026-12)."""
READABLE: Final = ("NV12", "YUV420")


@dataclass(frozen=True, slots=True)
class Streams:
    """The two pictures of every exposure."""

    main: YuvLayout
    lores: YuvLayout

    def __str__(self) -> str:
        return f"main {_written(self.main)}, small {_written(self.lores)}"


def import_picamera2(camera: CameraConfig) -> Any:
    """Return the library.

    Raises
    ------
    CameraError
        It is not installed, or not for this interpreter.
    """
    try:
        return importlib.import_module("picamera2")
    except ImportError as error:
        raise camera_fault(
            camera,
            f"picamera2 cannot be imported ({error})",
            "install it by `apt install --no-install-recommends python3-picamera2` and make the agent's venv with "
            "--system-site-packages",
        ) from error


def find(camera: CameraConfig, cameras: Sequence[Mapping[str, Any]]) -> tuple[int, str]:
    """Return the number under which picamera2 opens the configured camera, and its model.

    Parameters
    ----------
    cameras : sequence of mapping
        ``Picamera2.global_camera_info()``; a camera's place in it is its number.

    Raises
    ------
    CameraError
        There is none, not that one, or several of that model; lists what there is.
    """
    models = [str(each.get("Model", each.get("Id", "?"))) for each in cameras]
    if not models:
        raise camera_fault(camera, "no camera is connected", "check its cable and `rpicam-hello --list-cameras`")
    numbers = [place for place, model in enumerate(models) if camera.source in (str(place), model)]
    if len(numbers) != 1:
        there = ", ".join(f"{place} ({model})" for place, model in enumerate(models))
        count = "several of that model" if numbers else "no such camera"
        raise camera_fault(camera, f"{count}; connected: {there}", "set source to one of these numbers")
    return numbers[0], models[numbers[0]]


def open_device(camera: CameraConfig, library: Any, number: int) -> Any:
    """Return the opened ``Picamera2``.

    Raises
    ------
    CameraError
        Another program holds it, or it cannot be opened.
    """
    try:
        return library.Picamera2(number)
    except (RuntimeError, OSError, IndexError) as error:
        causes: list[str] = []
        cause: BaseException | None = error
        while cause is not None:
            causes.append(str(cause))
            cause = cause.__cause__
        if any("busy" in each.lower() for each in causes):
            raise camera_fault(
                camera, "another program holds it", "end that program (a second agent, rpicam-hello)"
            ) from error
        raise camera_fault(camera, f"cannot be opened ({causes[-1]})", "check its cable") from error


def configure(camera: CameraConfig, device: Any, library: Any) -> Streams:
    """Ask for the two streams and return what will be delivered.

    Raises
    ------
    CameraError
        Of another size or format than can be used.
    """
    controls = {}
    if (limits := device.camera_controls.get("FrameDurationLimits")) is not None:
        period_us = min(max(round(1e6 / camera.rate_hz), int(limits[0])), int(limits[1]))
        controls["FrameDurationLimits"] = (period_us, period_us)
    colours = library.libcamera.ColorSpace
    device.configure(
        device.create_video_configuration(
            main={"size": (camera.width_px, camera.height_px), "format": "YUV420"},
            lores={"size": (camera.lores_width_px, camera.lores_height_px), "format": "YUV420"},
            colour_space=colours.Sycc(),  # full range: the luma is then what a picture file would show
            buffer_count=BUFFERS,
            queue=True,
            controls=controls,
        )
    )
    got = device.camera_configuration()
    space = got["colour_space"]
    full_range = space is None or space.range == colours.Range.Full
    streams = Streams(_layout(camera, got, "main", full_range), _layout(camera, got, "lores", full_range))
    main, lores = streams.main, streams.lores
    if (main.width, main.height) != (camera.width_px, camera.height_px):
        raise camera_fault(
            camera,
            f"delivers {main.width} × {main.height} where {camera.width_px} × {camera.height_px} was asked for",
            "set width_px and height_px to what it delivers",
        )
    if lores.width < camera.lores_width_px or lores.height < camera.lores_height_px:
        raise camera_fault(
            camera,
            f"delivers a small picture of {lores.width} × {lores.height} where {camera.lores_width_px} × "
            f"{camera.lores_height_px} was asked for",
            f"set lores_width_px = {lores.width}",
        )
    return streams


def versions(library: Any, device: Any) -> str:
    """Return the versions of picamera2 and libcamera, for the log."""
    try:
        version = metadata.version(library.__name__)
    except metadata.PackageNotFoundError:
        version = "of no stated version"
    return f"picamera2 {version}, libcamera {device.camera_manager.version}"


def _layout(camera: CameraConfig, got: Mapping[str, Any], name: str, full_range: bool) -> YuvLayout:
    stream = got[name]
    pixels = str(stream["format"])
    if pixels not in READABLE:
        raise camera_fault(
            camera,
            f"delivers its {name} stream as {pixels}, and the agent reads {' and '.join(READABLE)}",
            "set driver = 'v4l2' if it is a USB camera",
        )
    width, height = stream["size"]
    return YuvLayout("NV12" if pixels == "NV12" else "YUV420", width, height, int(stream["stride"]), full_range)


def _written(layout: YuvLayout) -> str:
    return f"{layout.width}x{layout.height} {layout.pixels} stride {layout.stride}"

"""How a V4L2 device is found and opened, and which of its formats is asked for."""

import errno
import logging
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from linuxpy.video import device as linuxpy_video

from edge_agent.adapters.cameras.camera_fault import camera_fault
from edge_agent.adapters.cameras.yuv import YuvLayout
from edge_agent.config import CameraConfig

BUFFERS: Final = 4
PIXELS: Final = ("NV12", "YUYV", "MJPG")
"""What the agent reads, the cheapest first: of an NV12 or YUYV picture the luma is copied, a JPEG has to be decoded.
But USB 2 carries a large uncompressed picture a few times a second only: one that reaches the rate goes before."""
SAME_RATE: Final = 0.95
"""A format that comes so near to the wanted rate reaches it: 14.985 is 15 (2026-12)."""
LASTING_NAMES: Final = Path("/dev/v4l/by-id")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the device sends.

    Attributes
    ----------
    layout : YuvLayout or None
        How a buffer holds a picture; None for a JPEG.
    rate_hz : float
        Of the device; 0 where it does not say.
    every : int
        Each how many-th frame is taken, for a device that knows no rate as low as the configured one.
    """

    card: str
    width: int
    height: int
    layout: YuvLayout | None
    rate_hz: float
    every: int

    def __str__(self) -> str:
        pixels = "MJPG" if self.layout is None else self.layout.pixels
        thinned = f", each {self.every}th taken" if self.every > 1 else ""
        return f"{self.card}, {self.width}x{self.height} {pixels} at {self.rate_hz:g} Hz{thinned}"


def open_device(camera: CameraConfig, io: Any) -> Any:
    """Return the opened linuxpy device.

    Raises
    ------
    CameraError
        There is none of that name, it may not be opened, or it is no camera; lists what there is.
    """
    path = f"/dev/video{camera.source}" if camera.source.isdigit() else camera.source
    device = linuxpy_video.Device(path, **({} if io is None else {"io": io}))
    try:
        device.open()
        capable = linuxpy_video.Capability.VIDEO_CAPTURE in device.info.device_capabilities
    except PermissionError as error:
        raise camera_fault(camera, f"{path} may not be opened", "put the agent's user into the group video") from error
    except FileNotFoundError as error:
        raise camera_fault(camera, f"{path} is not there; {_there()}", "set source to one of these") from error
    except OSError as error:
        device.close()
        if error.errno == errno.EBUSY:
            raise camera_fault(
                camera, "another program holds it", f"end that program (`fuser {camera.source}`)"
            ) from error
        raise camera_fault(camera, f"{path} is no camera ({error}); {_there()}", "set source to a camera") from error
    if not capable:
        device.close()
        raise camera_fault(camera, f"{path} takes no pictures; {_there()}", "set source to a camera")
    return device


def configure(camera: CameraConfig, device: Any, capture: Any) -> Delivery:
    """Set the format and the rate, and return what the device made of them.

    Raises
    ------
    CameraError
        It has none of the formats, or not the size.
    OSError
        From the kernel; EBUSY while another program streams.
    """
    offered = {
        each.pixel_format.human_str(): each.pixel_format
        for each in device.info.buffer_formats(linuxpy_video.BufferType.VIDEO_CAPTURE)
    }
    readable = [name for name in PIXELS if name in offered]
    if not readable:
        raise camera_fault(
            camera,
            f"delivers {', '.join(offered) or 'nothing'}, and the agent reads {', '.join(PIXELS)}",
            "use another camera",
        )
    size = (camera.width_px, camera.height_px)
    rates = {name: _rate(device, offered[name], size) for name in readable}
    reached = [name for name in readable if (rate := rates[name]) is None or rate >= SAME_RATE * camera.rate_hz]
    pixels = (reached or readable)[0]
    capture.set_format(*size, pixels)
    got = capture.get_format()
    delivered = linuxpy_video.PixelFormat(got.pixel_format).human_str()
    if delivered not in PIXELS:
        raise camera_fault(
            camera, f"delivers {delivered}, and the agent reads {', '.join(PIXELS)}", "use another camera"
        )
    if (got.width, got.height) != size:
        raise camera_fault(
            camera,
            f"delivers {got.width} × {got.height} where {size[0]} × {size[1]} was asked for",
            f"set width_px = {got.width} and height_px = {got.height}",
        )
    rate_hz = _set_rate(camera, capture)
    every = max(1, round(rate_hz / camera.rate_hz)) if rate_hz else 1
    layout = None
    if delivered != "MJPG":
        stride = int(got.bytes_per_line) or (2 * got.width if delivered == "YUYV" else got.width)
        # UVC 1.5, colour matching: where a camera states nothing it is BT.601 in the limited range.
        layout = YuvLayout("YUYV" if delivered == "YUYV" else "NV12", got.width, got.height, stride, full_range=False)
    return Delivery(device.info.card, got.width, got.height, layout, rate_hz, every)


def _rate(device: Any, pixel_format: Any, size: tuple[int, int]) -> Fraction | None:
    """Return the highest rate at that size, None where the device does not say, 0 for a size that it has not."""
    try:
        sizes = device.info.format_frame_sizes(pixel_format)
        discrete = [each.info for each in sizes if each.type == linuxpy_video.FrameSizeType.DISCRETE]
        if discrete and size not in [(each.width, each.height) for each in discrete]:
            return Fraction(0)
        rates = [Fraction(each.max_fps) for each in device.info.fps_intervals(pixel_format, *size)]
    except (OSError, ValueError):  # a driver that cannot list them
        return None
    return max(rates, default=Fraction(0)) or None


def _set_rate(camera: CameraConfig, capture: Any) -> float:
    try:
        capture.set_fps(camera.rate_hz)
        return float(capture.get_fps())
    except (OSError, ZeroDivisionError) as error:  # some devices have one rate only and no word for it
        log.info("camera=%s states no rate (%s)", camera.camera_id, error)
        return 0.0


def _there() -> str:
    lasting = sorted(str(name) for name in LASTING_NAMES.glob("*")) if LASTING_NAMES.is_dir() else []
    names = lasting or sorted(str(name) for name in Path("/dev").glob("video*"))
    return f"there {'is' if len(names) < 2 else 'are'} {', '.join(names) or 'no video device'}"

"""A USB camera, or any other that the kernel shows as a V4L2 device, through linuxpy.

linuxpy's own iteration waits for ever; here every wait ends. A frame is copied out of the driver's buffer as it is
taken, always into the same memory, and the buffer goes back at once: a slow reader loses frames, the newest waits for
it. The kernel stamps buffers on the monotonic clock at the start or the end of the exposure without saying how long it
was, so an instant here is off by up to half an exposure, 17 ms in poor light at 30 Hz.
"""

import errno
import logging
import select
import time
from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np
from linuxpy.video import device as linuxpy_video

from edge_agent.adapters.cameras.camera_fault import camera_fault
from edge_agent.adapters.cameras.large_picture import LargePicture
from edge_agent.adapters.cameras.v4l2_opening import BUFFERS, Delivery, configure, open_device
from edge_agent.adapters.cameras.yuv import Bytes, YuvLayout
from edge_agent.config import CameraConfig
from edge_agent.errors import CameraError
from edge_agent.model import MonotonicNs
from edge_agent.vision.frames import CameraFrame, ColourPicture, GreyPicture

SILENT_S: Final = 2.0
"""Without a frame for so long the stream is stopped and started, and for three frames at least (2026-12)."""
RESTARTS: Final = 3
"""After so many in a row without a frame the camera is given up."""
GONE: Final = frozenset({errno.ENODEV, errno.ENXIO, errno.EBADF, errno.ESHUTDOWN})

log = logging.getLogger(__name__)


def wait_readable(device: Any, timeout_s: float) -> bool:
    """Return whether the device has a frame, after at most ``timeout_s``."""
    return bool(select.select([device], [], [], max(0.0, timeout_s))[0])


class V4l2Frames:
    """One capture device.

    Parameters
    ----------
    io : object or None
        How linuxpy opens the device file; None for its own way.
    wait : callable
        ``(device, timeout_s)``: whether a frame is there.
    now_ns : callable
        The host's monotonic clock, by which silence is measured.
    """

    def __init__(
        self,
        camera: CameraConfig,
        io: Any = None,
        wait: Callable[[Any, float], bool] = wait_readable,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._camera = camera
        self._io = io
        self._wait = wait
        self._now_ns = now_ns
        self._small = (camera.lores_width_px, camera.lores_height_px)
        self._silent_ns = round(max(SILENT_S, 3 / camera.rate_hz) * 1e9)
        self._device: Any = None
        self._capture: Any = None
        self._delivery: Delivery | None = None
        self._large: LargePicture | None = None
        self._room = bytearray()
        self._heard_ns = 0
        self._restarts = 0
        self._first: int | None = None
        self._sequence = -1
        self._stamped = True

    @property
    def ended(self) -> bool:
        """Return False: a camera has no end."""
        return False

    def start(self) -> str:
        """Open the device and let it stream; see `FrameSource`."""
        camera = self._camera
        self._device = open_device(camera, self._io)
        try:
            self._capture = linuxpy_video.VideoCapture(self._device, size=BUFFERS, buffer_type=linuxpy_video.MemoryMap)
            self._delivery = configure(camera, self._device, self._capture)
            self._capture.open()
            self._room = bytearray(max(len(mapped) for mapped in self._capture.buffer.buffers))
        except CameraError:
            self.stop()
            raise
        except OSError as error:
            self.stop()
            if error.errno == errno.EBUSY:
                raise self._fault("another program holds it", f"end that program (`fuser {camera.source}`)") from error
            raise self._fault(f"does not start ({error})", "unplug it and plug it in again") from error
        self._heard_ns = self._now_ns()
        self._restarts, self._first, self._sequence, self._stamped = 0, None, -1, True
        described = str(self._delivery)
        log.info("camera=%s driver=v4l2 delivers=%s", camera.camera_id, described)
        return described

    def take(self, timeout_s: float) -> CameraFrame | None:
        """Return the newest frame or None; a camera that has been silent is made to go again; see `FrameSource`."""
        delivery = self._delivery
        if self._device is None or delivery is None:
            raise RuntimeError("take before start")
        self._expire()
        ends_ns = self._now_ns() + round(timeout_s * 1e9)
        while (left_ns := ends_ns - self._now_ns()) >= 0:
            buffer = self._newest(left_ns / 1e9)
            if buffer is None:
                break
            frame = self._frame(buffer, delivery)
            if frame is not None:
                return frame
            if left_ns == 0:
                break
        if self._now_ns() - self._heard_ns >= self._silent_ns:
            self._restart()
        return None

    def stop(self) -> None:
        """Close the device; see `FrameSource`."""
        self._expire()
        device, self._device = self._device, None
        capture, self._capture = self._capture, None
        for close in [each.close for each in (capture, device) if each is not None]:
            try:
                close()
            except (OSError, ValueError) as error:  # an unplugged device refuses every last wish
                log.info("camera=%s closed with %s", self._camera.camera_id, error)

    def _newest(self, timeout_s: float) -> Any:
        """Return the newest frame, copied into the one room there is for it, or None; older ones go back unread."""
        try:
            newest = None
            for _ in range(BUFFERS):
                if not self._wait(self._device, timeout_s if newest is None else 0.0):
                    break
                try:
                    newest = self._capture.buffer.raw_read(into=self._room)
                except BlockingIOError:  # it was there and is not any more
                    break
        except (OSError, ValueError) as error:
            gone = isinstance(error, ValueError) or error.errno in GONE
            raise self._fault(
                "was unplugged" if gone else f"has failed ({error})", "plug it in and check its cable"
            ) from error
        return newest

    def _frame(self, buffer: Any, delivery: Delivery) -> CameraFrame | None:
        """Return a frame of a buffer, or None for one that is damaged or between two that are wanted."""
        number = int(buffer.frame_nb)
        if self._first is None:
            self._first = number - (self._sequence + 1) * delivery.every
        sequence = (number - self._first) // delivery.every
        if sequence <= self._sequence:
            return None
        content = np.frombuffer(buffer.data, dtype=np.uint8)
        grey = self._grey(content, delivery)
        if grey is None:
            log.info("camera=%s exposure=%d damaged, skipped", self._camera.camera_id, number)
            return None
        self._sequence = sequence
        self._heard_ns, self._restarts = self._now_ns(), 0
        self._large = LargePicture(lambda: self._colour(content, delivery))
        return CameraFrame(sequence, self._instant(buffer), grey, self._large)

    def _instant(self, buffer: Any) -> MonotonicNs:
        if int(buffer.buff.flags) & linuxpy_video.BufferFlag.TIMESTAMP_MASK.value == _MONOTONIC:
            return MonotonicNs(int(buffer.buff.timestamp.secs) * 10**9 + int(buffer.buff.timestamp.usecs) * 1000)
        if self._stamped:
            log.warning("camera=%s stamps no monotonic instants: dated as they arrive", self._camera.camera_id)
            self._stamped = False
        return MonotonicNs(self._now_ns())

    def _grey(self, content: Bytes, delivery: Delivery) -> GreyPicture | None:
        layout = delivery.layout
        if isinstance(layout, YuvLayout):
            return layout.grey(content, self._small) if content.size >= layout.bytes_needed else None
        # A JPEG decoded at a half, a quarter or an eighth of its size costs a fraction.
        fits = [scale for scale in (8, 4, 2) if self._camera.width_px // scale >= self._small[0]]
        flag = {8: cv2.IMREAD_REDUCED_GRAYSCALE_8, 4: cv2.IMREAD_REDUCED_GRAYSCALE_4, 2: cv2.IMREAD_REDUCED_GRAYSCALE_2}
        luma = cv2.imdecode(content, flag[fits[0]] if fits else cv2.IMREAD_GRAYSCALE) if content.size else None
        if luma is None:
            return None
        return np.asarray(cv2.resize(luma, self._small, interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def _colour(self, content: Bytes, delivery: Delivery) -> ColourPicture:
        if isinstance(delivery.layout, YuvLayout):
            return delivery.layout.colour(content)
        picture = cv2.imdecode(content, cv2.IMREAD_COLOR)
        if picture is None:
            raise self._fault("delivered a damaged JPEG", "use a shorter cable")
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)

    def _restart(self) -> None:
        if self._restarts == RESTARTS:
            raise self._fault(f"delivers nothing, {RESTARTS} times started anew", "unplug it and plug it in again")
        self._restarts += 1
        log.warning("camera=%s silent: started anew, attempt %d", self._camera.camera_id, self._restarts)
        try:
            self._capture.close()
            self._capture.open()
        except (OSError, ValueError) as error:
            raise self._fault(f"was unplugged or does not start again ({error})", "check its cable") from error
        self._heard_ns = self._now_ns()
        self._first = None

    def _expire(self) -> None:
        if self._large is not None:
            self._large.expire()
            self._large = None

    def _fault(self, cause: str, fix: str) -> CameraError:
        return camera_fault(self._camera, cause, fix)


_MONOTONIC: Final = int(linuxpy_video.BufferFlag.TIMESTAMP_MONOTONIC.value)

"""A Raspberry Pi's camera through picamera2 and libcamera.

Two streams of every exposure: `main`, large and in colour, converted for the frames that show something, and `lores`,
small, of which the luma alone is copied out. What this file heeds, all of it met in picamera2 0.3.38 (2026-12):

- A camera that stops delivering is noticed by a wait that ends, never by an error. Afterwards `stop` waits for ever for
  the job that still waits for a frame: the order is time-out, `cancel_all_and_flush`, `stop`, `start`.
- A job may finish in the instant in which its wait ends. It is kept and asked again, because a request that nobody
  releases is a buffer lost, and four lost buffers are a stall. (`captured_request(wait=…)` is the same two calls with
  the job out of reach.)
- Contiguous memory is scarce and fragments: one `Picamera2` from `start` to `stop`, configured once, five buffers.
- Nothing is done in callbacks: an exception in one ends picamera2's event thread.
"""

import atexit
import logging
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any, Final

from edge_agent.adapters.cameras.bounded import finishes_within
from edge_agent.adapters.cameras.camera_fault import camera_fault
from edge_agent.adapters.cameras.large_picture import LargePicture
from edge_agent.adapters.cameras.picamera2_opening import (
    Streams,
    configure,
    find,
    import_picamera2,
    open_device,
    versions,
)
from edge_agent.adapters.cameras.sensor_clock import SensorClock, UnknownClockError
from edge_agent.config import CameraConfig
from edge_agent.errors import CameraError
from edge_agent.model import MonotonicNs
from edge_agent.vision.frames import CameraFrame, ColourPicture

SILENT_S: Final = 2.0
"""Without a frame for so long a camera is made to go again, and for three frames at least (2026-12)."""
RESTARTS: Final = 3
"""After so many in a row without a frame the camera is given up."""
RESTART_S: Final = 5.0
"""Within which a camera stops and starts; a sensor takes 0.3–0.6 s (picamera2's forum, 2026-12)."""
CLOSE_S: Final = 1.5
"""Within which it closes, of the two seconds that `stop` has."""
CROSSING_S: Final = 0.1
"""How long a job that finishes while it is cancelled may take to say so: a few lines of picamera2 (2026-12)."""

log = logging.getLogger(__name__)


class Picamera2Frames:
    """One camera of picamera2.

    Parameters
    ----------
    library : module or None
        picamera2; None imports it in `start`.
    clock : SensorClock or None
        None for the host's.
    now_ns : callable
        The host's monotonic clock, by which silence is measured.
    """

    def __init__(
        self,
        camera: CameraConfig,
        library: Any = None,
        clock: SensorClock | None = None,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._camera = camera
        self._library = library
        self._clock = clock or SensorClock(camera.camera_id)
        self._now_ns = now_ns
        self._silent_ns = round(max(SILENT_S, 3 / camera.rate_hz) * 1e9)
        self._device: Any = None
        self._streams: Streams | None = None
        self._held: Any = None
        self._large: LargePicture | None = None
        self._heard_ns = 0
        self._restarts = 0
        self._sequence = -1
        self._offset: int | None = None

    @property
    def ended(self) -> bool:
        """Return False: a camera has no end."""
        return False

    def start(self) -> str:
        """Open the camera and let it run; see `FrameSource`."""
        camera = self._camera
        library = self._library = self._library or import_picamera2(camera)
        number, model = find(camera, library.Picamera2.global_camera_info())
        device = self._device = open_device(camera, library, number)
        try:
            self._streams = configure(camera, device, library)
            device.start()
        except CameraError:
            self.stop()
            raise
        except (RuntimeError, OSError, ValueError, IndexError, MemoryError) as error:
            self.stop()
            raise self._fault(f"does not start ({error})", "look at the kernel's log (dmesg) for its cable") from error
        self._heard_ns = self._now_ns()
        self._restarts, self._sequence, self._offset = 0, -1, None
        described = f"{model}, {self._streams}, {versions(library, device)}"
        log.info("camera=%s driver=picamera2 delivers=%s", camera.camera_id, described)
        return described

    def take(self, timeout_s: float) -> CameraFrame | None:
        """Return the next frame or None; a camera that has been silent is made to go again; see `FrameSource`."""
        device, streams = self._device, self._streams
        if device is None or streams is None:
            raise RuntimeError("take before start")
        self._let_go()
        request = self._next_request(device, timeout_s)
        if request is None:
            if self._now_ns() - self._heard_ns >= self._silent_ns:
                self._restart(device)
            return None
        self._held = request
        frame = self._frame(request, streams)
        self._heard_ns, self._restarts = self._now_ns(), 0
        return frame

    def stop(self) -> None:
        """Close the camera in time, whatever state it is in; see `FrameSource`."""
        device, self._device = self._device, None
        if device is None:
            return
        try:
            self._let_go()
            if not finishes_within(CLOSE_S, lambda: _close(device)):
                atexit.unregister(device.close)  # or the end of the process would wait for it
                log.error("camera=%s does not close: its process must end", self._camera.camera_id)
        except Exception:  # nobody can do anything about a camera that closes badly
            log.exception("camera=%s closed badly", self._camera.camera_id)

    def _next_request(self, device: Any, timeout_s: float) -> Any:
        try:
            job = device.capture_request(wait=False)
            try:
                return job.get_result(timeout=timeout_s)
            except TimeoutError:
                device.cancel_all_and_flush()
            try:
                return job.get_result(timeout=CROSSING_S)
            except (CancelledError, TimeoutError):
                return None
        except (RuntimeError, OSError) as error:
            raise self._fault(f"has failed ({error})", "check its cable") from error

    def _restart(self, device: Any) -> None:
        if self._restarts == RESTARTS:
            raise self._fault(f"delivers nothing, {RESTARTS} times started anew", "check its cable")
        self._restarts += 1
        log.warning("camera=%s silent: started anew, attempt %d", self._camera.camera_id, self._restarts)

        def anew() -> None:
            device.stop()
            device.start()

        try:
            back = finishes_within(RESTART_S, anew)
        except (RuntimeError, OSError) as error:
            raise self._fault(f"was unplugged or does not start again ({error})", "check its cable") from error
        if not back:
            raise self._fault(f"does not stop within {RESTART_S:g} s", "restart the camera's process")
        self._heard_ns = self._now_ns()
        self._offset = None

    def _frame(self, request: Any, streams: Streams) -> CameraFrame:
        stamps = request.get_metadata()
        exposure_us = stamps.get("ExposureTime")
        try:
            begun_ns = self._clock.to_monotonic(int(stamps["SensorTimestamp"]))
        except KeyError as error:
            raise self._fault("stamps no exposure (no SensorTimestamp)", "update libcamera") from error
        except UnknownClockError as error:
            raise self._fault(str(error), "update libcamera") from error
        with self._library.MappedArray(request, "lores", reshape=False, write=False) as mapped:
            grey = streams.lores.grey(mapped.array, (self._camera.lores_width_px, self._camera.lores_height_px))
        self._large = LargePicture(lambda: self._colour(request, streams))
        middle_ns = begun_ns - round(float(exposure_us or 0) * 1e3 / 2)
        return CameraFrame(self._numbered(request), MonotonicNs(middle_ns), grey, self._large, exposure_us)

    def _colour(self, request: Any, streams: Streams) -> ColourPicture:
        with self._library.MappedArray(request, "main", reshape=False, write=False) as mapped:
            return streams.main.colour(mapped.array)

    def _numbered(self, request: Any) -> int:
        """Return the exposure's number since `start`: the sensor's own, which begins anew with every restart."""
        number = int(next(iter(request.request.buffers.values())).metadata.sequence)
        if self._offset is None:
            self._offset = self._sequence + 1 - number
        self._sequence = max(self._sequence + 1, number + self._offset)
        return self._sequence

    def _let_go(self) -> None:
        if self._large is not None:
            self._large.expire()
            self._large = None
        held, self._held = self._held, None
        if held is not None:
            held.release()

    def _fault(self, cause: str, fix: str) -> CameraError:
        return camera_fault(self._camera, cause, fix)


def _close(device: Any) -> None:
    device.cancel_all_and_flush()
    device.close()

"""The real picamera2 on libcamera's virtual pipeline, with what it takes for granted on a Raspberry Pi in its place.

Three things are not real here: pykms, which picamera2 imports for previews and no package carries; the buffers, which
are memory files where a Pi has DMA heaps; and the sensor's raw modes, of which a virtual camera has none. The rest is
the library as it is installed.
"""

import mmap
import os
import sys
import time
from types import ModuleType, SimpleNamespace
from typing import Any

PREVIEW_FORMATS = (
    "RGB888",
    "BGR888",
    "XRGB8888",
    "XBGR8888",
    "YUV420",
    "YVU420",
    "NV12",
    "MJPEG",
    "RGB161616",
    "BGR161616",
)

pykms = ModuleType("pykms")
pykms.PixelFormat = SimpleNamespace(**{name: name for name in PREVIEW_FORMATS})  # type: ignore[attr-defined]
sys.modules["pykms"] = pykms

import libcamera  # noqa: E402 - after the stub
import picamera2  # noqa: E402
from picamera2.allocators.allocator import Allocator  # noqa: E402


class MappedMemory:
    """A buffer's memory, mapped as long as its file is there."""

    def __init__(self, allocator: "MemoryFiles", buffer: Any, _write: bool) -> None:
        self._memory = allocator.mapped_buffers[buffer]

    def __enter__(self) -> mmap.mmap:
        return self._memory

    def __exit__(self, *_: object) -> None:
        pass


class MemoryFiles(Allocator):  # type: ignore[misc] # the library has no types
    """Buffers in memory files; NV12's two planes lie one after the other, as a Pi's."""

    def __init__(self) -> None:
        super().__init__()
        self.sync = MappedMemory
        self.mapped_buffers: dict[Any, mmap.mmap] = {}
        self._buffers: dict[Any, list[Any]] = {}
        self._files: list[int] = []

    def allocate(self, libcamera_config: Any, _use_case: Any) -> None:
        self.close()
        for stream in libcamera_config:
            made = []
            for _ in range(stream.buffer_count):
                file = os.memfd_create("frame")
                os.ftruncate(file, stream.frame_size)
                self._files.append(file)
                luma = stream.stride * stream.size.height
                planes = []
                for offset, length in ((0, luma), (luma, stream.frame_size - luma)):
                    plane = libcamera.FrameBuffer.Plane()
                    plane.fd, plane.offset, plane.length = file, offset, length
                    planes.append(plane)
                made.append(libcamera.FrameBuffer(planes))
                self.mapped_buffers[made[-1]] = mmap.mmap(file, stream.frame_size)
            self._buffers[stream.stream] = made

    def buffers(self, stream: Any) -> list[Any]:
        return self._buffers[stream]

    def close(self) -> None:
        for file in self._files:
            os.close(file)
        self._files, self._buffers, self.mapped_buffers = [], {}, {}


sys.modules["picamera2.picamera2"].DmaAllocator = MemoryFiles  # type: ignore[attr-defined]


class VirtualCamera(picamera2.Picamera2):  # type: ignore[misc] # the library has no types
    """A camera that can be paced, stalled and taken away, for all tests of a process at once."""

    pace_s = 0.0
    """After each delivery; the pipeline itself delivers thousands a second."""
    stalled = False
    mended_by_start = False
    gone = False

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._kept: list[Any] = []
        super().__init__(*arguments, **named)

    def _get_raw_modes(self) -> list[dict[str, Any]]:
        return [{"format": "SRGGB10", "size": (1280, 960)}]

    def process_requests(self, display: Any) -> None:
        if self.stalled:  # whatever the pipeline completes is held back: it starves as on a loose cable
            with self._requestslock:
                while self._requests:
                    self._kept.append(self._requests.pop())
        super().process_requests(display)
        time.sleep(self.pace_s)

    def start_(self) -> None:
        if self.gone:
            raise RuntimeError("Failed to start camera: No such device")
        if self.mended_by_start:
            type(self).stalled = False
        super().start_()

    def stop_(self, request: Any = None) -> Any:
        answer = super().stop_(request)
        kept, self._kept = self._kept, []
        for each in kept:
            each.release()
        return answer


LIBRARY = SimpleNamespace(
    __name__="picamera2", Picamera2=VirtualCamera, MappedArray=picamera2.MappedArray, libcamera=libcamera
)
"""What the driver is given for the module."""

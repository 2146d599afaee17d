"""A picamera2 without libcamera, which behaves where the driver could go wrong as the real one does.

Time is the clock's that it is given: waiting for a frame moves the clock. `fake_picamera2(shop)` stands in for the
module. `tests/camera/` holds its signatures to the real library's.
"""

from __future__ import annotations

from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Self

import numpy as np

from edge_agent.clock import ManualClock

MODELS = ("imx708_wide", "imx219")
PERIOD_NS = 66_666_667
EXPOSURE_US = 8_000
PADDING = 64


class WouldHangError(AssertionError):
    """The real library would wait here for ever."""


@dataclass
class FakeShop:
    """What is connected, and what befalls it."""

    clock: ManualClock
    models: tuple[str, ...] = MODELS
    held: set[int] = field(default_factory=set)
    stalled: bool = False
    mended_by_start: bool = False
    gone: bool = False
    crosses: bool = False
    pixels: str = "YUV420"
    sizes: tuple[tuple[int, int], ...] = ((1280, 960), (320, 240))
    stamped_ahead_ns: int = 0
    opened: list[Picamera2] = field(default_factory=list)


class Range:
    Full = "full"
    Limited = "limited"


class ColorSpace:
    Range = Range

    def __init__(self, range_: str) -> None:
        self.range = range_

    @staticmethod
    def Sycc() -> ColorSpace:  # noqa: N802 - libcamera's name
        return ColorSpace(Range.Full)


class Job:
    def __init__(self, camera: Picamera2) -> None:
        self._camera = camera
        self.cancelled = False
        self.crossed: CompletedRequest | None = None

    def get_result(self, timeout: float | None = None) -> CompletedRequest:
        if self.crossed is not None:
            return self.crossed
        if self.cancelled:
            raise CancelledError
        camera, clock = self._camera, self._camera.shop.clock
        if camera.next_ns is None or camera.shop.stalled or len(camera.out) >= camera.buffers:
            if timeout is None:
                raise WouldHangError("a wait without an end on a camera that delivers nothing")
            clock.advance(timeout)
            raise TimeoutError
        due_ns = max(camera.next_ns, clock.now_ns)
        if timeout is not None and (due_ns - clock.now_ns) / 1e9 > timeout:
            clock.advance(timeout)
            if camera.shop.crosses:  # the frame comes in the instant in which the wait ends
                clock.now_ns = due_ns
                camera.jobs.remove(self)
                self.crossed = camera.expose()
            raise TimeoutError
        clock.now_ns = due_ns
        camera.jobs.remove(self)
        return camera.expose()


class CompletedRequest:
    def __init__(self, camera: Picamera2, number: int, stamp_ns: int) -> None:
        self.camera = camera
        self.number = number
        self._metadata = {"SensorTimestamp": stamp_ns, "ExposureTime": EXPOSURE_US}
        sequence = SimpleNamespace(metadata=SimpleNamespace(sequence=number))
        self.request: Any = SimpleNamespace(buffers={"main": sequence, "lores": sequence})

    def get_metadata(self) -> dict[str, Any]:
        return dict(self._metadata)

    def release(self) -> None:
        if self.request is None:
            raise AssertionError("a request released twice")
        self.request = None
        self.camera.out.discard(self.number)


class MappedArray:
    def __init__(self, request: CompletedRequest, stream: str, *, reshape: bool = True, write: bool = True) -> None:
        if request.request is None:
            raise AssertionError("mapped after its release")
        if reshape or write:
            raise AssertionError("the driver reads the flat buffer and writes nothing")
        self.array = request.camera.buffer(stream, request.number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.array[:] = 0  # the driver writes the next exposure here


class Picamera2:
    """One camera; see the real one for every name."""

    shop: FakeShop
    camera_manager = SimpleNamespace(version="v0.0.0-fake")

    def __init__(self, camera_num: int = 0) -> None:
        if camera_num >= len(self.shop.models):
            raise RuntimeError(f"No camera number {camera_num} found")
        if camera_num in self.shop.held:
            cause = RuntimeError("Failed to acquire camera: Device or resource busy")
            raise RuntimeError("Camera __init__ sequence did not complete.") from cause
        self.shop.held.add(camera_num)
        self.shop.opened.append(self)
        self.number = camera_num
        self.camera_controls = {"FrameDurationLimits": (16_666, 100_000, None)}
        self.config: dict[str, Any] = {}
        self.jobs: list[Job] = []
        self.out: set[int] = set()
        self.buffers = 0
        self.next_ns: int | None = None
        self.exposed = 0
        self.starts = 0

    @classmethod
    def global_camera_info(cls) -> list[dict[str, Any]]:
        return [{"Model": model, "Num": number, "Id": f"/{model}"} for number, model in enumerate(cls.shop.models)]

    def create_video_configuration(
        self,
        main: dict[str, Any],
        lores: dict[str, Any],
        colour_space: ColorSpace,
        buffer_count: int,
        controls: dict[str, Any],
        *,
        queue: bool,
    ) -> dict[str, Any]:
        assert queue, "without it a frame is waited for even when a newest one is there"
        streams = {"main": dict(main), "lores": dict(lores)}
        return {**streams, "colour_space": colour_space, "buffer_count": buffer_count, "controls": controls}

    def configure(self, camera_config: Any = None) -> None:
        if self.next_ns is not None:
            raise RuntimeError("Camera must be stopped before configuring")
        self.config = camera_config
        self.buffers = camera_config["buffer_count"]
        for name in ("main", "lores"):
            stream = camera_config[name]
            width, height = min(self.shop.sizes, key=lambda size: abs(size[0] - stream["size"][0]))
            stream.update(size=(width, height), format=self.shop.pixels, stride=width + PADDING)

    def camera_configuration(self) -> dict[str, Any]:
        return self.config

    def start(self) -> None:
        if self.shop.gone:
            raise RuntimeError("Failed to start camera: No such device")
        if self.shop.mended_by_start and self.starts:
            self.shop.stalled = False
        self.starts += 1
        self.next_ns = self.shop.clock.now_ns + PERIOD_NS
        self.exposed = 0
        self.out.clear()

    def stop(self) -> None:
        if self.jobs:
            raise WouldHangError("stop waits behind a job that waits for a frame")
        self.next_ns = None

    def capture_request(self, wait: Any = None) -> Job:
        if wait is not False:
            raise AssertionError("the driver keeps the job")
        self.jobs.append(Job(self))
        return self.jobs[-1]

    def cancel_all_and_flush(self) -> None:
        for job in self.jobs:
            job.cancelled = True
        self.jobs = []

    def close(self) -> None:
        self.stop()
        self.shop.held.discard(self.number)

    def expose(self) -> CompletedRequest:
        """Deliver the newest exposure; those that nobody fetched are lost."""
        assert self.next_ns is not None
        missed = (self.shop.clock.now_ns - self.next_ns) // PERIOD_NS
        stamp_ns = self.next_ns + missed * PERIOD_NS
        request = CompletedRequest(self, self.exposed + missed, stamp_ns + self.shop.stamped_ahead_ns)
        self.exposed += missed + 1
        self.next_ns = stamp_ns + PERIOD_NS
        self.out.add(request.number)
        return request

    def buffer(self, stream: str, number: int) -> Any:
        """Return what the camera wrote: a ramp from left to right, with the padding filled with rubbish."""
        (width, height), stride = self.config[stream]["size"], self.config[stream]["stride"]
        flat = np.full(stride * height * 3 // 2, 255, dtype=np.uint8)
        flat[: stride * height].reshape(height, stride)[:, :width] = np.linspace(40, 200, width) + number % 16
        chroma = flat[stride * height :]
        if self.config[stream]["format"] == "NV12":
            chroma.reshape(height // 2, stride)[:, :width] = 128
        else:
            chroma.reshape(2, height // 2, stride // 2)[:, :, : width // 2] = 128
        return flat


def fake_picamera2(shop: FakeShop) -> Any:
    """Return what stands in for the module, with the shop's cameras."""
    camera = type("Picamera2", (Picamera2,), {"shop": shop})
    return SimpleNamespace(
        __name__="picamera2",
        Picamera2=camera,
        MappedArray=MappedArray,
        libcamera=SimpleNamespace(ColorSpace=ColorSpace),
    )

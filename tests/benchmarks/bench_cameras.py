"""What a driver's take of one frame costs, 1280 × 960 with a small picture of 320 × 240, grey only.

Kernel and picamera2 are stood in for by buffers that lie ready, so what is measured is the agent's share and linuxpy's;
`make test-camera` prints a take of the real picamera2. One thread, as in the camera's process: OpenCV's others wait for
work at full speed.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import pytest
from bench_row import Row

sys.path.insert(0, str(Path(__file__).parents[1]))

import fake_picamera2  # found through the path set above
from fake_v4l2 import PATH, FakeV4l2

from edge_agent.adapters.cameras.picamera2_frames import Picamera2Frames
from edge_agent.adapters.cameras.sensor_clock import SensorClock
from edge_agent.adapters.cameras.simulated_frames import SimulatedFrames
from edge_agent.adapters.cameras.v4l2_frames import V4l2Frames
from edge_agent.clock import ManualClock
from edge_agent.config import CameraConfig
from edge_agent.ports import FrameSource

FRAMES = 200
SIZE = (1280, 960, 30)


def take_ms(source: FrameSource) -> float:
    """Return the median CPU time of a take, over all threads."""
    source.start()
    costs = []
    for _ in range(FRAMES):
        begun = time.process_time()
        assert source.take(1.0) is not None
        costs.append(time.process_time() - begun)
    source.stop()
    return median(costs) * 1e3


def of_picamera2(patch: pytest.MonkeyPatch) -> FrameSource:
    """Return a source whose buffers are drawn once."""
    clock = ManualClock(now_ns=10**12)
    shop = fake_picamera2.FakeShop(clock)
    drawn = fake_picamera2.Picamera2.buffer
    ready: dict[str, object] = {}

    def buffer(camera: fake_picamera2.Picamera2, stream: str, _number: int) -> object:
        if stream not in ready:
            ready[stream] = drawn(camera, stream, 0)
        return ready[stream]

    patch.setattr(fake_picamera2.Picamera2, "buffer", buffer)
    patch.setattr(fake_picamera2.MappedArray, "__exit__", lambda *_: None)
    camera = CameraConfig(shelf_id="A", driver="picamera2")
    sensor = SensorClock("camera0", clock.monotonic_ns, clock.monotonic_ns)
    return Picamera2Frames(camera, fake_picamera2.fake_picamera2(shop), sensor, clock.monotonic_ns)


def of_v4l2(pixels: str) -> Callable[[pytest.MonkeyPatch], FrameSource]:
    """Return a maker of sources whose device delivers one picture again and again."""

    def make(patch: pytest.MonkeyPatch) -> FrameSource:
        device = FakeV4l2(ManualClock(now_ns=10**12), formats={pixels: (SIZE,)}, size=SIZE[:2], pixels=pixels)
        device.install(patch)
        content = device.content(0)
        patch.setattr(FakeV4l2, "content", lambda _device, _number: content)
        camera = CameraConfig(shelf_id="A", driver="v4l2", source=PATH)
        return V4l2Frames(camera, device.io, device.wait, device.clock.monotonic_ns)

    return make


def of_a_scene(_patch: pytest.MonkeyPatch) -> FrameSource:
    """Return a source of the drawn shelf."""
    return SimulatedFrames(CameraConfig(shelf_id="A", driver="simulated"), paced=False)


def rows() -> list[Row]:
    """Measure every driver that has a device."""
    makers: dict[str, Callable[[pytest.MonkeyPatch], FrameSource]] = {
        "picamera2": of_picamera2,
        **{f"v4l2 {pixels}": of_v4l2(pixels) for pixels in ("NV12", "YUYV", "MJPG")},
        "simulated": of_a_scene,
    }
    cv2.setNumThreads(1)
    measured = []
    for name, make in makers.items():
        with pytest.MonkeyPatch.context() as patch:
            measured.append(Row(f"take of a frame, {name}", take_ms(make(patch)), "ms"))
    return measured

"""One contract for every source of frames: drivers with a device that does as it is told, and the real picamera2.

`make test-camera` runs this suite on the real picamera2 (tests/camera); here a fake one stands in, whose signatures
that run holds to the real library's.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from frame_source_benches import NAMES, PICTURES, Bench, open_bench

from edge_agent.errors import CameraError
from edge_agent.ports import FrameSource
from edge_agent.vision.frames import CameraFrame

CAMERAS = [name for name in NAMES if "picamera2" in name or name == "v4l2"]
NAMED = [name for name in NAMES if name != "simulated"]
RECORDED = [name for name in NAMES if name in {"video", "folder"}]

on_all = pytest.mark.parametrize("bench_name", NAMES)
on_cameras = pytest.mark.parametrize("bench_name", CAMERAS)
on_recorded = pytest.mark.parametrize("bench_name", RECORDED)


@pytest.fixture
def bench(bench_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return open_bench(bench_name, tmp_path, monkeypatch)


@pytest.fixture
def source(bench: Bench) -> Iterator[FrameSource]:
    source = bench.source()
    yield source
    source.stop()


def taken(source: FrameSource, patience: int = 10) -> CameraFrame:
    """Return the next frame; a source that delivers none in ten waits of 0.4 s has failed the test."""
    for _ in range(patience):
        if (frame := source.take(0.4)) is not None:
            return frame
    raise AssertionError("no frame came")


def wait_in_vain(source: FrameSource, takes: int) -> None:
    for _ in range(takes):
        source.take(0.4)


@on_all
def test_start_tells_what_is_really_delivered(source: FrameSource) -> None:
    assert "1280x960" in source.start()


@on_all
def test_frames_come_in_order_with_the_sizes_that_the_mask_was_made_for(bench: Bench, source: FrameSource) -> None:
    source.start()
    frames = []
    for _ in range(6):
        frame = taken(source)
        assert frame.grey.shape == (240, 320)
        assert frame.grey.dtype == np.uint8
        colour = frame.colour()
        assert colour.shape == (960, 1280, 3)
        assert colour.dtype == np.uint8
        frames.append(frame)
    assert all(later.t_ns > earlier.t_ns for earlier, later in pairwise(frames))
    assert all(later.sequence > earlier.sequence for earlier, later in pairwise(frames))
    assert all(-0.005 <= bench.now_s() - frame.t_ns / 1e9 < 5 for frame in frames), (
        "instants on the host's monotonic clock"
    )


@on_all
def test_small_and_large_picture_show_the_same(source: FrameSource) -> None:
    source.start()
    frame = taken(source)
    luma = cv2.resize(cv2.cvtColor(frame.colour(), cv2.COLOR_RGB2GRAY), (320, 240), interpolation=cv2.INTER_AREA)
    differences = np.abs(luma.astype(int) - frame.grey.astype(int))
    # Test bars have colours whose luma BT.601 and BT.709 weigh differently, and edges that each scaler draws its way.
    assert np.median(differences) <= 12
    assert np.ptp(frame.grey) > 50, "a picture that shows nothing proves nothing"


@on_all
def test_the_small_picture_outlives_the_drivers_buffers(source: FrameSource) -> None:
    source.start()
    frame = taken(source)
    seen = frame.grey.copy()
    for _ in range(8):
        taken(source).colour()
    assert np.array_equal(frame.grey, seen)
    frame.grey[:] = 0  # may be written to: the mask and the eye need not know whose it is


@on_all
def test_the_large_picture_may_be_asked_for_until_the_next_take(source: FrameSource) -> None:
    source.start()
    frame = taken(source)
    first = frame.colour()
    assert np.array_equal(first, frame.colour())
    taken(source)
    with pytest.raises(RuntimeError, match="until the next take"):
        frame.colour()


@on_all
def test_the_large_picture_is_gone_with_the_source(source: FrameSource) -> None:
    source.start()
    frame = taken(source)
    source.stop()
    with pytest.raises(RuntimeError, match="until the next take"):
        frame.colour()


@on_all
def test_a_wait_ends_when_no_frame_is_due(bench: Bench, source: FrameSource) -> None:
    source.start()
    taken(source)
    begun_s = bench.now_s()
    for _ in range(3):
        source.take(0.001)
    assert bench.now_s() - begun_s < 1.0
    assert taken(source), "and the frame that was too late for it comes with the next"


@on_all
def test_stop_before_start_and_twice_is_no_trouble(bench: Bench) -> None:
    source = bench.source()
    source.stop()
    source.start()
    taken(source)
    begun_s = bench.now_s()
    source.stop()
    source.stop()
    assert bench.now_s() - begun_s < 2.0


@on_all
def test_a_stopped_source_opens_again_and_so_does_another_of_its_device(bench: Bench, source: FrameSource) -> None:
    for each in (source, source, bench.source()):
        each.start()
        assert taken(each).sequence == 0
        each.stop()


@on_all
def test_a_take_before_start_is_a_defect_of_the_caller(source: FrameSource) -> None:
    with pytest.raises(RuntimeError, match="take before start"):
        source.take(0.1)


@pytest.mark.parametrize("bench_name", NAMED)
def test_what_is_not_there_is_named_with_the_way_to_do_without(bench: Bench) -> None:
    source = bench.source(msgspec.structs.replace(bench.camera, source=bench.absent, camera_id="left"))
    with pytest.raises(CameraError) as caught:
        source.start()
    for word in ("camera left of shelf A", bench.absent, "set driver = 'none' in [[cameras]] to run by weight alone"):
        assert word in str(caught.value)
    source.stop()


@on_cameras
def test_a_camera_that_is_in_use_is_called_busy_and_its_user_is_not_disturbed(
    bench: Bench, source: FrameSource
) -> None:
    source.start()
    taken(source)
    second = bench.source()
    with pytest.raises(CameraError, match="another program holds it"):
        second.start()
    second.stop()
    assert taken(source)


@on_cameras
def test_a_size_that_the_camera_has_not_is_refused_and_its_own_told(bench: Bench) -> None:
    source = bench.source(msgspec.structs.replace(bench.camera, width_px=1000, height_px=750))
    with pytest.raises(CameraError, match=r"delivers \d+ × \d+ where 1000 × 750 was asked for"):
        source.start()
    source.stop()
    other = bench.source()
    other.start()  # the refusal has let go of the camera
    assert taken(other)
    other.stop()


@on_cameras
def test_a_camera_that_stalls_is_made_to_go_again(bench: Bench, source: FrameSource) -> None:
    source.start()
    before = [taken(source) for _ in range(30)][-1]
    bench.stall(mended_by_start=True)
    begun_s = bench.now_s()
    waits = [source.take(0.4) for _ in range(4)]
    assert None in waits, "a wait tells that nothing came"
    after = taken(source)
    assert bench.now_s() - begun_s < 6, "within seconds"
    assert after.sequence > before.sequence
    assert after.t_ns > before.t_ns
    bench.linger(0.5)
    taken(source)
    assert taken(source).sequence > after.sequence + 2, "what is missed after it counts as before it"


@on_cameras
def test_a_short_gap_restarts_nothing(bench: Bench, source: FrameSource) -> None:
    source.start()
    taken(source)
    bench.stall(mended_by_start=True)
    while source.take(0.4) is not None:
        pass
    source.take(0.4)
    assert source.take(0.4) is None, "0.8 s without a frame: no start has mended it"


@on_cameras
def test_a_camera_that_stays_silent_is_given_up(bench: Bench, source: FrameSource) -> None:
    source.start()
    taken(source)
    bench.stall(mended_by_start=False)
    with pytest.raises(CameraError, match="delivers nothing, 3 times started anew"):
        wait_in_vain(source, 60)
    begun_s = bench.now_s()
    source.stop()
    assert bench.now_s() - begun_s < 2.0


@on_cameras
def test_a_stalled_camera_stops_in_time(bench: Bench, source: FrameSource) -> None:
    source.start()
    taken(source)
    bench.stall(mended_by_start=False)
    source.take(0.1)
    begun_s = bench.now_s()
    source.stop()
    assert bench.now_s() - begun_s < 2.0


@on_cameras
def test_a_camera_that_is_unplugged_is_told_within_seconds(bench: Bench, source: FrameSource) -> None:
    source.start()
    taken(source)
    bench.unplug()
    begun_s = bench.now_s()
    with pytest.raises(CameraError, match="unplugged"):
        wait_in_vain(source, 20)
    assert bench.now_s() - begun_s < 5
    source.stop()
    assert bench.now_s() - begun_s < 7


@on_all
def test_a_reader_that_is_late_gets_the_newest_and_can_count_what_it_missed(
    bench: Bench, bench_name: str, source: FrameSource
) -> None:
    source.start()
    before = taken(source)
    bench.linger(0.5)
    frame = taken(source)
    # A driver's buffers may hold what was exposed when the reader fell behind: the frame after is fresh.
    frame = taken(source) if bench_name in CAMERAS else frame
    assert frame.sequence > before.sequence + 1
    assert (frame.t_ns - before.t_ns) / 1e9 > 0.4


@on_recorded
def test_a_recording_ends_and_says_so(source: FrameSource) -> None:
    source.start()
    instants, ends = [], []
    for _ in range(PICTURES):
        instants.append(taken(source).t_ns)
        ends.append(source.ended)
    assert source.take(0.4) is None
    assert not any(ends)
    assert source.ended
    assert np.allclose(np.diff(instants) / 1e9, 1 / 15, atol=1e-6), "dated as it was recorded"


@on_cameras
def test_a_camera_never_ends(source: FrameSource) -> None:
    source.start()
    taken(source)
    assert not source.ended

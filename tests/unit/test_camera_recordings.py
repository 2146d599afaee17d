"""Files as cameras: what a folder or a video with faults in it becomes, and which driver is opened for what."""

import subprocess
import sys
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from frame_source_benches import picture, record_folder, record_video

from edge_agent.adapters.cameras.drawn_shelf import drawn_shelf
from edge_agent.adapters.cameras.exposure_pace import Clockwork
from edge_agent.adapters.cameras.file_frames import FileFrames
from edge_agent.adapters.cameras.open_frames import open_frames
from edge_agent.adapters.cameras.simulated_frames import SimulatedFrames
from edge_agent.clock import ManualClock
from edge_agent.config import CameraConfig
from edge_agent.errors import CameraError
from edge_agent.vision.frames import CameraFrame


def recorded(path: Path, rate_hz: float = 15.0) -> CameraConfig:
    return CameraConfig(shelf_id="A", driver="file", source=str(path), rate_hz=rate_hz)


def all_frames(camera: CameraConfig) -> list[CameraFrame]:
    clock = ManualClock(now_ns=10**12)
    source = FileFrames(camera, Clockwork(clock.monotonic_ns, clock.advance), paced=False)
    source.start()
    frames = []
    while (frame := source.take(0.0)) is not None:
        frames.append(frame)
    assert source.ended
    assert clock.now_ns == 10**12, "as fast as it is read"
    source.stop()
    return frames


def test_a_corrupt_picture_is_named_and_skipped_as_a_lost_exposure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = record_folder(tmp_path / "front", 5)
    (folder / "0002.bmp").write_bytes(b"BM no picture")
    (folder / "0003.bmp").write_bytes(b"")
    frames = all_frames(recorded(folder))
    assert [frame.sequence for frame in frames] == [0, 1, 4]
    assert np.allclose(np.diff([frame.t_ns for frame in frames]) / 1e9, [1 / 15, 3 / 15])
    assert caplog.text.count("0002.bmp is no picture, skipped") == 1
    assert caplog.text.count("0003.bmp is no picture, skipped") == 1


def test_a_picture_of_another_shape_in_the_middle_is_skipped(tmp_path: Path) -> None:
    folder = record_folder(tmp_path / "front", 3)
    cv2.imwrite(str(folder / "0001.bmp"), picture(0, 640, 640))
    assert [frame.sequence for frame in all_frames(recorded(folder))] == [0, 2]


def test_pictures_of_another_size_and_the_same_shape_are_scaled(tmp_path: Path) -> None:
    (tmp_path / "front").mkdir()
    cv2.imwrite(str(tmp_path / "front" / "large.png"), picture(0, 1600, 1200))
    camera = recorded(tmp_path / "front")
    source = FileFrames(camera, paced=False)
    source.start()
    frame = source.take(0.0)
    assert frame is not None
    assert frame.colour().shape == (960, 1280, 3)
    assert frame.grey.shape == (240, 320)
    source.stop()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is no video that can be read"), (b"RIFF" + bytes(500), "is no video that can be read")],
)
def test_a_corrupt_video_is_refused_by_its_name(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "front.avi"
    file.write_bytes(content)
    with pytest.raises(CameraError, match=words) as caught:
        FileFrames(recorded(file)).start()
    assert str(file) in str(caught.value)


def test_an_empty_folder_and_one_without_a_single_picture_are_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "front"
    folder.mkdir()
    with pytest.raises(CameraError, match="there is no picture in this folder"):
        FileFrames(recorded(folder)).start()
    (folder / "a.jpg").write_text("no picture")
    with pytest.raises(CameraError, match=r"a\.jpg: is no picture, nor is any other"):
        FileFrames(recorded(folder)).start()


def test_pictures_of_another_shape_than_the_camera_are_refused(tmp_path: Path) -> None:
    (tmp_path / "front").mkdir()
    cv2.imwrite(str(tmp_path / "front" / "square.png"), picture(0, 900, 900))
    with pytest.raises(CameraError, match="its pictures are 900 × 900"):
        FileFrames(recorded(tmp_path / "front")).start()


def test_a_video_that_breaks_off_says_after_how_many_frames(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = record_video(tmp_path / "whole.avi", 30).read_bytes()
    broken = tmp_path / "broken.avi"
    broken.write_bytes(whole[: len(whole) // 2])
    frames = all_frames(recorded(broken))
    assert 10 <= len(frames) <= 20
    assert f"breaks off after {len(frames)} of " in caplog.text


def test_a_video_keeps_its_own_time_and_a_fast_one_is_thinned(tmp_path: Path) -> None:
    fast = all_frames(recorded(record_video(tmp_path / "fast.avi", 60, rate_hz=60)))
    assert len(fast) == 15
    assert np.allclose(np.diff([frame.t_ns for frame in fast]) / 1e9, 1 / 15, atol=1e-6)
    slow = all_frames(recorded(record_video(tmp_path / "slow.avi", 10, rate_hz=5)))
    assert len(slow) == 10
    assert np.allclose(np.diff([frame.t_ns for frame in slow]) / 1e9, 1 / 5, atol=1e-6)


def test_a_scene_is_asked_for_the_instants_of_its_exposures() -> None:
    asked: list[float] = []

    def scene(t_s: float) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        asked.append(t_s)
        return picture(len(asked))  # type: ignore[no-any-return]

    source = SimulatedFrames(CameraConfig(shelf_id="A", driver="simulated", rate_hz=10), scene, paced=False)
    source.start()
    instants = []
    for _ in range(4):
        frame = source.take(0.0)
        assert frame is not None
        instants.append(frame.t_ns)
    assert np.allclose(asked[1:], [0.0, 0.1, 0.2, 0.3])
    assert np.allclose(np.diff(instants), 10**8)


def test_a_scene_of_another_size_is_refused() -> None:
    source = SimulatedFrames(CameraConfig(shelf_id="A", driver="simulated"), lambda _t_s: picture(0, 640, 480))
    with pytest.raises(CameraError, match="render the scene at width_px and height_px"):
        source.start()


def test_the_drawn_shelf_is_the_same_at_the_same_instant_and_never_frozen() -> None:
    scene = drawn_shelf(320, 240)
    assert np.array_equal(scene(1.0), scene(1.0))
    difference = np.abs(scene(1.0).astype(int) - scene(1.1).astype(int))
    assert 0 < difference.mean() < 4
    assert difference.max() <= 6


def test_the_configured_driver_is_opened_and_none_is_refused(tmp_path: Path) -> None:
    assert isinstance(open_frames(recorded(tmp_path)), FileFrames)
    assert isinstance(open_frames(CameraConfig(shelf_id="A", driver="simulated")), SimulatedFrames)
    assert type(open_frames(CameraConfig(shelf_id="A", driver="picamera2"))).__name__ == "Picamera2Frames"
    assert type(open_frames(CameraConfig(shelf_id="A", driver="v4l2", source="0"))).__name__ == "V4l2Frames"
    with pytest.raises(CameraError, match="set driver to picamera2, v4l2, file or simulated"):
        open_frames(CameraConfig(shelf_id="A", driver="none"))


def test_a_driver_without_its_library_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    camera = CameraConfig(shelf_id="A", driver="v4l2", source="0")
    monkeypatch.delitem(sys.modules, "edge_agent.adapters.cameras.v4l2_frames", raising=False)
    monkeypatch.setitem(sys.modules, "linuxpy.video", None)
    with pytest.raises(CameraError, match=r"install shelf-edge-agent\[camera\]"):
        open_frames(camera)


def test_one_driver_imports_no_others_libraries() -> None:
    script = (
        "import sys; from edge_agent.adapters.cameras.open_frames import open_frames;"
        "from edge_agent.config import CameraConfig;"
        "open_frames(CameraConfig(shelf_id='A', driver='file', source='x'));"
        "print([name for name in ('linuxpy', 'picamera2', 'scipy') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout == "[]\n"


def test_a_whole_recording_replays_the_same(tmp_path: Path) -> None:
    camera = recorded(record_folder(tmp_path / "front", 4))
    first, again = all_frames(camera), all_frames(msgspec.structs.replace(camera))
    assert [frame.t_ns for frame in first] == [frame.t_ns for frame in again]
    assert all(np.array_equal(one.grey, other.grey) for one, other in zip(first, again, strict=True))

"""Evidence clips: what is in them, who may read them, and when they go."""

import errno
import hashlib
import os
import re
import stat
from pathlib import Path

import pytest
from clip_reading import pictures_of, shows
from stand_in_camera import GOODS, SENTINEL, painted, shelf_view

from edge_agent.camera_process.clip_store import ClipStore, forget_cameras
from edge_agent.camera_process.clips import MOST_PICTURES, ClipCutter
from edge_agent.camera_process.picture_ring import HELD_S, PictureRing
from edge_agent.camera_process.words import ClipWanted
from edge_agent.config import CameraConfig, ClipsConfig
from edge_agent.model import MonotonicNs
from edge_agent.vision.frames import CameraFrame
from edge_agent.vision.mask import PrivacyMask

CAMERA = CameraConfig(shelf_id="s1", driver="simulated", width_px=640, height_px=480)
KEEP = shelf_view(CAMERA).kept(640, 480)
MASK = PrivacyMask(KEEP, shelf_view(CAMERA).kept(320, 240))
HOUR_S = 3600.0


class Wall:
    """A wall clock that files are dated by."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def wall() -> Wall:
    return Wall()


def store_in(directory: Path, wall: Wall, **limits: float) -> ClipStore:
    return ClipStore(directory / "clips" / "camera0", ClipsConfig(enabled=True, **limits), wall)


def a_ring(seconds: float, *, busy: bool = True, max_bytes: int = 6_000_000) -> PictureRing:
    ring, picture = PictureRing(KEEP, max_bytes), painted(CAMERA)
    for tenth in range(round(seconds * 10)):
        frame = CameraFrame(tenth, MonotonicNs(tenth * 100_000_000), picture[:240, :320, 0].copy(), picture.copy)
        ring.see(MASK.apply(frame), busy=busy)
    return ring


def wanted(start_s: float, end_s: float, act_id: str = "s1-17") -> ClipWanted:
    return ClipWanted(act_id, "s1", round(start_s * 1e9), round(end_s * 1e9))


def kept(store: ClipStore, wall: Wall, name: str, size: int) -> Path:
    digest = store.write(name, os.urandom(size))
    path = store.directory / f"{name}-{digest[:12]}.html"
    os.utime(path, (wall.now_s, wall.now_s))
    return path


def test_a_clip_shows_the_shelf_from_before_the_act_to_after_it_and_nothing_beside_it(
    tmp_path: Path, wall: Wall
) -> None:
    store = store_in(tmp_path, wall)
    answer = ClipCutter("camera0", a_ring(10), store).keep(wanted(4.0, 6.0))
    (page,) = store.directory.iterdir()
    assert answer.sha256 == hashlib.sha256(page.read_bytes()).hexdigest()
    assert page.name == f"s1-17-{answer.sha256[:12]}.html"
    captions = [float(each) for each in re.findall(r"([+-]\d+\.\d+) s</figcaption>", page.read_text())]
    assert captions == sorted(captions)
    assert captions[0] < -0.9
    assert captions[-1] > 2.6
    pictures = pictures_of(page)
    assert 10 <= len(pictures) <= MOST_PICTURES
    for picture in pictures:
        assert shows(picture, GOODS)
        assert not shows(picture, SENTINEL)
        assert picture.shape[1] < 420, "cropped to the shelf: 320 px of opening in a picture of 640"


def test_nobody_else_may_read_a_clip_whatever_the_umask(tmp_path: Path, wall: Wall) -> None:
    before = os.umask(0)
    try:
        store = store_in(tmp_path, wall)
        ClipCutter("camera0", a_ring(5), store).keep(wanted(1.0, 2.0))
    finally:
        os.umask(before)
    (page,) = store.directory.iterdir()
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(store.directory.parent.stat().st_mode) == 0o700


def test_a_page_runs_nothing_and_loads_nothing(tmp_path: Path, wall: Wall) -> None:
    store = store_in(tmp_path, wall)
    evil = ClipWanted("s1-17", "<script>alert(1)</script>", 0, 10**9)
    ClipCutter("camera0", a_ring(2), store).keep(evil)
    text = next(store.directory.iterdir()).read_text()
    assert "<script" not in text
    assert "default-src 'none'" in text


def test_a_quiet_shelf_fills_the_ring_with_a_picture_a_second_and_an_act_with_four(tmp_path: Path, wall: Wall) -> None:
    cutter = ClipCutter("camera0", a_ring(10, busy=False), store_in(tmp_path, wall))
    assert cutter.keep(wanted(2.0, 8.0, "quiet")).sha256 is not None
    assert len(pictures_of(next((tmp_path / "clips" / "camera0").iterdir()))) in (9, 10)


def test_the_ring_holds_no_more_than_its_seconds_and_its_bytes() -> None:
    long, small = a_ring(60), a_ring(60, max_bytes=20_000)
    assert len(long.cut(0, 10**18, 1000)) <= HELD_S * 10 / 3 + 1
    assert long.cut(0, 10**18, 1000)[0].t_ns >= (60 - HELD_S - 0.1) * 1e9
    assert 0 < small.held_bytes <= 20_000


def test_an_act_of_which_nothing_is_held_any_more_has_no_clip_and_no_file(tmp_path: Path, wall: Wall) -> None:
    store = store_in(tmp_path, wall)
    answer = ClipCutter("camera0", a_ring(60), store).keep(wanted(1.0, 2.0))
    assert answer.sha256 is None
    assert not answer.trouble, "nothing that a technician could mend"
    assert not store.directory.exists()


def test_a_clip_expires(tmp_path: Path, wall: Wall) -> None:
    store = store_in(tmp_path, wall, keep_h=72.0)
    path = kept(store, wall, "a", 100)
    wall.now_s += 71.9 * HOUR_S
    store.tidy()
    assert path.exists()
    wall.now_s += 0.2 * HOUR_S
    store.tidy()
    assert not path.exists()


def test_a_clip_dated_by_a_clock_that_was_ahead_does_not_stay_for_years(tmp_path: Path, wall: Wall) -> None:
    store = store_in(tmp_path, wall)
    path = kept(store, wall, "a", 100)
    wall.now_s -= 365 * 24 * HOUR_S
    store.tidy()
    assert not path.exists()


def test_the_oldest_clips_make_room_for_the_newest(tmp_path: Path, wall: Wall) -> None:
    store = store_in(tmp_path, wall, max_mb=1.0)
    paths = []
    for place in range(5):
        paths.append(kept(store, wall, f"act-{place}", 300_000))
        wall.now_s += 60.0
        assert sum(each.stat().st_size for each in store.directory.iterdir()) <= 1_000_000
    assert [path.exists() for path in paths] == [False, False, True, True, True]


def test_what_a_power_cut_left_half_is_removed(tmp_path: Path, wall: Wall) -> None:
    store = store_in(tmp_path, wall)
    path = kept(store, wall, "a", 100)
    for name in (".b.new", "c-000000000000.html"):
        (store.directory / name).touch()
        os.utime(store.directory / name, (wall.now_s, wall.now_s))
    store.tidy()
    assert list(store.directory.iterdir()) == [path]


def test_a_full_disk_costs_the_clip_and_leaves_nothing_behind(
    tmp_path: Path, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: Path, _target: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    store = store_in(tmp_path, wall)
    monkeypatch.setattr(Path, "replace", full)
    answer = ClipCutter("camera0", a_ring(5), store).keep(wanted(1.0, 2.0))
    assert answer.sha256 is None
    assert answer.trouble
    assert "No space left on device; free space on the disk" in answer.reason
    assert list(store.directory.iterdir()) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "", ".hidden", "a/b", "x" * 200])
def test_an_act_cannot_name_a_file_elsewhere(tmp_path: Path, wall: Wall, name: str) -> None:
    answer = ClipCutter("camera0", a_ring(5), store_in(tmp_path, wall)).keep(wanted(1.0, 2.0, name))
    assert answer.sha256 is None
    assert list(tmp_path.rglob("*.html")) == []


def test_clips_of_a_camera_that_is_gone_go_with_it(tmp_path: Path, wall: Wall) -> None:
    path = kept(store_in(tmp_path, wall), wall, "a", 100)
    forget_cameras(tmp_path, ["camera0"])
    assert path.exists()
    forget_cameras(tmp_path, ["camera1"])
    assert not path.parent.exists()
    forget_cameras(tmp_path / "never-sold", [])

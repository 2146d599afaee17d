"""A technician puts a camera up: prints the sheet, commissions the view, and is told what is wrong."""

import io
import itertools
import json
import os
import stat
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from camera_pictures import OPENING_MM, SENTINEL, SIZE_PX, WIDTH_MM, camera_at, painted_front, photograph
from camera_unit import CAMERA, Drivers, drivers, with_camera, written

from edge_agent.cli import main
from edge_agent.config.files import read_agent
from edge_agent.errors import CameraError
from edge_agent.view_store import read_view, view_path
from edge_agent.vision.drawing import DrawnLane, lanes_drawn, plain
from edge_agent.vision.front_fit import through
from edge_agent.vision.geometry import ShelfView, front_rectangle_mm

__all__ = ["drivers"]
THERE = camera_at(x_mm=150, z_mm=550, away_mm=800)
CORNERS_MM = front_rectangle_mm((0.0, WIDTH_MM), OPENING_MM)


def commission(unit_files: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    """Run the command; return its status and all that it said."""
    status = main(["camera", "commission", "--config", str(unit_files / "agent.toml"), *options])
    said = capsys.readouterr()
    return status, " ".join((said.out + said.err).replace(f"{unit_files}/", "").split())


def answers(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


@pytest.fixture
def shelf_png(unit_files: Path) -> Path:
    with_camera(unit_files)
    return written(unit_files / "shelf.png", photograph(painted_front(), THERE))


def test_a_technician_commissions_a_view_and_the_agent_finds_the_lanes_there(
    unit_files: Path, shelf_png: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch, "y\n")
    lanes = unit_files / "lanes.png"
    status, said = commission(unit_files, capsys, "--from", str(shelf_png), "--save-picture", str(lanes))

    assert status == 0, said
    assert "camera camera0 at shelf snacks" in said
    assert "4 markers found" in said
    assert "they agree within 0.0" in said
    assert "2 lanes drawn into lanes.png" in said
    assert "Do all lanes lie where they are on the shelf? [y/N]" in said
    assert "kept as revision 1-" in said
    agent = read_agent(unit_files / "agent.toml")
    kept = read_view(unit_files / "state", agent.cameras[0], WIDTH_MM)
    assert kept.view.revision.startswith("1-")
    assert np.abs(kept.view.to_px(CORNERS_MM) - through(THERE, CORNERS_MM)).max() < 0.3
    assert kept.reference.shape == (240, 320)
    folder = view_path(unit_files / "state", "camera0").parent
    assert {each.name for each in folder.iterdir()} == {"view.json", "reference-000001.png"}
    assert {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(lanes.stat().st_mode) == 0o600


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "what?\n"])
def test_whoever_does_not_say_yes_keeps_what_was_there(
    answer: str, unit_files: Path, shelf_png: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert commission(unit_files, capsys, "--from", str(shelf_png), "--yes")[0] == 0
    before = view_path(unit_files / "state", "camera0").read_bytes()
    answers(monkeypatch, answer)
    status, said = commission(unit_files, capsys, "--from", str(shelf_png))
    assert status == 1
    assert "nothing was kept" in said
    assert view_path(unit_files / "state", "camera0").read_bytes() == before


def test_commissioning_again_raises_the_revision_and_leaves_one_reference(
    unit_files: Path, shelf_png: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        assert commission(unit_files, capsys, "--from", str(shelf_png), "--yes")[0] == 0
    camera = read_agent(unit_files / "agent.toml").cameras[0]
    assert read_view(unit_files / "state", camera, WIDTH_MM).number == 3
    folder = view_path(unit_files / "state", "camera0").parent
    assert [each.name for each in folder.glob("reference-*")] == ["reference-000003.png"]


def test_frames_of_the_camera_are_averaged_and_the_camera_is_given_back(
    unit_files: Path, drivers: Drivers, capsys: pytest.CaptureFixture[str]
) -> None:
    with_camera(unit_files)
    front = painted_front()
    noisy = [photograph(front, THERE, noise=8.0, seed=seed) for seed in range(4)]
    drivers.pictures = lambda: itertools.cycle(noisy)
    status, said = commission(unit_files, capsys, "--yes")
    assert status == 0, said
    assert "painted camera, 960 × 720 px" in said
    assert [each.stopped for each in drivers.opened] == [True]


def test_what_lies_around_the_shelf_is_written_nowhere(
    unit_files: Path, drivers: Drivers, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with_camera(unit_files)
    picture = photograph(painted_front(around=SENTINEL), THERE)
    assert sentinel_pixels(picture) > 10_000, "the surroundings are full of it"
    before = set(tmp_path.rglob("*"))
    pictures = [picture, photograph(painted_front(around=SENTINEL), THERE, seed=6)]
    drivers.pictures = lambda: itertools.cycle(pictures)
    for options in (("--save-picture", str(tmp_path / "lanes.png"), "--yes"), ("--yes",)):
        assert commission(unit_files, capsys, *options)[0] == 0
    assert main(["camera", "check", "--config", str(unit_files / "agent.toml"),
                 "--save-picture", str(tmp_path / "checked.png")]) == 0  # fmt: skip

    files = [each for each in set(tmp_path.rglob("*")) - before if each.is_file()]
    stored_in = {each: cv2.imread(str(each)) for each in files if each.suffix == ".png"}
    assert {each.name for each in stored_in} >= {"lanes.png", "checked.png", "reference-000002.png"}
    beyond = ~ShelfView(THERE, *SIZE_PX, WIDTH_MM, OPENING_MM, "").kept(*SIZE_PX, around_mm=41.0)
    for path, stored in stored_in.items():
        assert stored is not None
        if stored.shape[:2] == (SIZE_PX[1], SIZE_PX[0]):
            assert stored[beyond].max() == 0, path
        else:
            small = np.asarray(cv2.resize(beyond.astype(np.uint8), (320, 240), interpolation=cv2.INTER_AREA)) == 1
            eroded = cv2.erode(small.astype(np.uint8), np.ones((3, 3), np.uint8)) == 1
            assert stored[eroded].max() == 0, path
    assert {each.name for each in files if each not in stored_in} == {"view.json"}, "numbers, no pixels"


def sentinel_pixels(picture: np.typing.NDArray[np.uint8]) -> int:
    return int((np.abs(picture.astype(int) - SENTINEL).max(axis=2) < 40).sum())


def test_three_markers_need_a_persons_word(
    unit_files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_camera(unit_files)
    three = written(unit_files / "three.png", photograph(painted_front(markers={0: 0, 1: 1, 3: 3}), THERE))
    status, said = commission(unit_files, capsys, "--from", str(three), "--yes")
    assert status == 12
    assert "marker 2 (upper right) is not found" in said
    assert "only a person may confirm that; leave out --yes" in said
    answers(monkeypatch, "y\n")
    status, said = commission(unit_files, capsys, "--from", str(three))
    assert status == 0
    assert "note: marker 2 (upper right) is not found" in said


def test_the_sheet_needs_no_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["camera", "commission", "--sheet", "markers.pdf"]) == 0
    assert (tmp_path / "markers.pdf").read_bytes().startswith(b"%PDF")
    assert "print it at 100 %" in capsys.readouterr().out
    assert main(["camera", "commission", "--sheet", "markers.pdf", "--camera", "camera0"]) == 2
    assert "leave out --camera" in capsys.readouterr().err
    assert main(["camera", "commission", "--sheet", "absent/markers.pdf"]) == 1
    assert "name a file that can be written with --sheet" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["camera", "commission", "--sheet", "markers.pdf", "--marker-mm", "90"])
    assert "20-55 mm" in capsys.readouterr().err


def test_without_a_camera_in_the_configuration_it_says_how_to_add_one(
    unit_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = commission(unit_files, capsys)
    assert status == 3
    assert "no camera is configured; add a [[cameras]] table" in said
    assert "docs/camera.md" in said


def test_an_unknown_camera_is_answered_with_the_known_ones(
    unit_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_camera(unit_files, CAMERA + CAMERA.replace('"snacks"', '"drinks"\ncamera_id = "camera1"'))
    for options, start in ((("--camera", "camera7"), "--camera camera7: configured here"), ((), "several cameras")):
        status, said = commission(unit_files, capsys, *options)
        assert status == 3
        assert start in said
        assert "camera0 (at snacks), camera1 (at drinks)" in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('driver = "v4l2"', 'driver = "none"'), "camera camera0 has driver = 'none'"),
        (('shelf_id = "snacks"\ndriver', 'shelf_id = "attic"\ndriver'), "attic"),
    ],
)
def test_a_camera_that_watches_nothing_is_named(
    change: tuple[str, str], words: str, unit_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_camera(unit_files, CAMERA.replace(*change))
    status, said = commission(unit_files, capsys)
    assert status == 3
    assert words in said


def test_a_file_that_is_no_picture_is_named(unit_files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agent = with_camera(unit_files)
    empty, cut = unit_files / "empty.png", unit_files / "cut.png"
    empty.touch()
    whole = written(unit_files / "whole.png", photograph(painted_front(), THERE)).read_bytes()
    cut.write_bytes(whole[:40])
    for path, words in (
        (agent, "is no picture that can be read"),
        (empty, "is no picture that can be read"),
        (cut, "is no picture that can be read"),
        (unit_files / "absent.png", "No such file"),
        (unit_files, "Is a directory"),
    ):
        status, said = commission(unit_files, capsys, "--from", str(path))
        assert status == 12
        assert words in said
    wrong = written(unit_files / "wrong.png", photograph(painted_front(), THERE, size_px=(800, 600)))
    status, said = commission(unit_files, capsys, "--from", str(wrong))
    assert status == 12
    assert "wrong.png: 800 × 600 px, camera camera0 takes 960 × 720" in said


def test_a_mirrored_picture_or_missing_markers_keep_nothing(
    unit_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_camera(unit_files)
    picture = photograph(painted_front(), THERE)
    mirrored = written(unit_files / "mirrored.png", np.ascontiguousarray(picture[:, ::-1]))
    bare = written(unit_files / "bare.png", photograph(painted_front(markers={}), THERE))
    for path, words in ((mirrored, "camera0: the picture is mirrored"), (bare, "no marker is seen at all")):
        status, said = commission(unit_files, capsys, "--from", str(path), "--yes")
        assert status == 12
        assert words in said
    assert not view_path(unit_files / "state", "camera0").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_state_directory_of_another_user_is_named_before_the_camera_is_opened(
    unit_files: Path, drivers: Drivers, capsys: pytest.CaptureFixture[str]
) -> None:
    with_camera(unit_files)
    (unit_files / "state").mkdir(mode=0o500)
    status, said = commission(unit_files, capsys, "--yes")
    assert status == 3
    assert "cannot be written" in said
    assert drivers.opened == []


def test_a_state_directory_that_is_a_file_is_named_before_the_camera_is_opened(
    unit_files: Path, drivers: Drivers, capsys: pytest.CaptureFixture[str]
) -> None:
    with_camera(unit_files)
    (unit_files / "state").mkdir()
    (unit_files / "state" / "cameras").write_text("no directory")
    status, said = commission(unit_files, capsys, "--yes")
    assert status == 3
    assert "state/cameras/camera0/.trial: cannot be written" in said
    assert drivers.opened == []


def test_a_camera_that_cannot_be_opened_or_stays_silent_is_named(
    unit_files: Path, drivers: Drivers, capsys: pytest.CaptureFixture[str]
) -> None:
    with_camera(unit_files)
    status, said = commission(unit_files, capsys, "--yes")
    assert status == 12
    assert "camera0: no picture came within 5 s" in said
    assert drivers.opened[0].stopped
    drivers.ends = True
    status, said = commission(unit_files, capsys, "--yes")
    assert status == 12
    assert "ended before it had shown a single picture" in said
    drivers.error = CameraError("camera0: /dev/video0 is busy")
    status, said = commission(unit_files, capsys, "--yes")
    assert (status, said) == (12, "edge-agent: camera0: /dev/video0 is busy")


def test_a_driver_of_another_size_than_configured_is_named(
    unit_files: Path, drivers: Drivers, capsys: pytest.CaptureFixture[str]
) -> None:
    with_camera(unit_files)
    small = photograph(painted_front(), THERE, size_px=(640, 480))
    drivers.pictures = lambda: itertools.repeat(small)
    status, said = commission(unit_files, capsys, "--yes")
    assert status == 12
    assert "its driver delivers 640 × 480 px where width_px × height_px is 960 × 720" in said


def test_a_view_that_was_never_made_damaged_or_made_for_other_sizes_is_named_with_the_fix(
    unit_files: Path, shelf_png: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = unit_files / "state"
    camera = read_agent(unit_files / "agent.toml").cameras[0]
    fix = "run `edge-agent camera commission --camera camera0`"
    with pytest.raises(CameraError, match=f"^camera0 is not commissioned; {fix}$"):
        read_view(state, camera, WIDTH_MM)
    assert commission(unit_files, capsys, "--from", str(shelf_png), "--yes")[0] == 0
    path = view_path(state, "camera0")
    whole = path.read_bytes()
    reference = next(path.parent.glob("reference-*"))
    pixels = reference.read_bytes()

    with pytest.raises(CameraError, match=r"commissioned for shelf's width, mm, 600, configured is 650; run"):
        read_view(state, camera, 650.0)
    for content, words in (
        (b"", "no view that this version reads"),
        (whole[:200], "no view that this version reads"),
        (b'{"schema": "something else"}', "no view that this version reads"),
        (whole.replace(b'"sigma_mm": ', b'"sigma_mm": 1'), "its digest does not fit"),
        (whole.replace(b"shelf-view-1", b"shelf-view-9"), "schema is 'shelf-view-9'"),
        (b"x" * 2_000_000, "no file of a view"),
    ):
        path.write_bytes(content)
        with pytest.raises(CameraError, match=words) as raised:
            read_view(state, camera, WIDTH_MM)
        assert "camera commission --camera camera0" in str(raised.value)
    path.write_bytes(whole)
    reference.write_bytes(pixels[:-20])
    with pytest.raises(CameraError, match="damaged, or of another commissioning"):
        read_view(state, camera, WIDTH_MM)
    reference.unlink()
    with pytest.raises(CameraError, match="the picture of the commissioned view is missing"):
        read_view(state, camera, WIDTH_MM)
    assert commission(unit_files, capsys, "--from", str(shelf_png), "--yes")[0] == 0
    assert read_view(state, camera, WIDTH_MM).number == 2


def test_a_damaged_view_does_not_hinder_commissioning_anew(
    unit_files: Path, shelf_png: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commission(unit_files, capsys, "--from", str(shelf_png), "--yes")[0] == 0
    path = view_path(unit_files / "state", "camera0")
    path.write_bytes(b"\0" * 64)
    assert commission(unit_files, capsys, "--from", str(shelf_png), "--yes")[0] == 0
    assert json.loads(path.read_bytes())["number"] == 2


def test_lanes_are_drawn_where_they_are_and_names_in_letters_that_can_be_drawn() -> None:
    view = ShelfView(THERE, *SIZE_PX, WIDTH_MM, OPENING_MM, "")
    black = np.zeros((SIZE_PX[1], SIZE_PX[0], 3), np.uint8)
    lanes = [DrawnLane("B1", "Crème fraîche", (0.0, 200.0)), DrawnLane("B2", "Käse 牛", (200.0, 600.0))]
    drawn = lanes_drawn(black, view, lanes)
    assert black.max() == 0, "the picture itself is left alone"
    border = view.to_px(np.array([[200.0, 150.0]]))[0].round().astype(int)
    nearby = drawn[border[1] - 3 : border[1] + 4, border[0] - 6 : border[0] + 7]
    assert nearby.max() > 150
    assert drawn[border[1], border[0] + 40].max() == 0
    assert plain("Crème fraîche, Smørrebrød, Weiß 牛") == "Creme fraiche, Smorrebrod, Weiss ?"
    assert plain("\x1b[31mred\n") == "?[31mred?"

import json
import sys
import types
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from drawn_products import label, photograph

from edge_agent.cli import main
from edge_agent.model import MonotonicNs
from edge_agent.vision.frames import CameraFrame

CAMERA = """
[[cameras]]
shelf_id = "drinks"
driver = "simulated"
width_px = 640
height_px = 480
"""


def enrol(unit_files: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = main(["camera", "enrol", "--config", str(unit_files / "agent.toml"), *words])
    printed = capsys.readouterr()
    return status, " ".join((printed.out + printed.err).split())


def folder(tmp_path: Path, name: str, front: int, first: int, number: int = 8) -> str:
    place = tmp_path / name
    place.mkdir()
    for each in range(number):
        picture = photograph(label(front), first + each)
        cv2.imwrite(str(place / f"{each}.png"), np.ascontiguousarray(picture[:, :, ::-1]))
    return str(place)


def test_a_technician_enrols_products_sees_them_listed_replaces_and_forgets_one(
    unit_files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = enrol(unit_files, capsys, "cola-can", "--from", folder(tmp_path, "cola", 1, 0))
    assert status == 0
    assert "cola-can: version 1 of 8 photographs" in said
    status, said = enrol(unit_files, capsys, "lime-can", "--from", folder(tmp_path, "lime", 2, 50))
    assert status == 0
    assert "told from Cola 330 ml in 100%" in said
    status, said = enrol(unit_files, capsys, "cola-can", "--json", "--from", folder(tmp_path, "again", 1, 100, 9))
    document = json.loads(said)
    assert (document["version"], document["pictures"], document["looks_like"]) == (2, 9, [])
    assert document["told_from"]["lime-can"] == 1.0
    assert document["bytes"] < 400_000
    _, said = enrol(unit_files, capsys, "--list", "--json")
    listed = json.loads(said)
    assert listed["enrolled"]["cola-can"] == {"version": 2, "pictures": 9}
    assert "oat-milk" in listed["not_enrolled"]
    assert enrol(unit_files, capsys, "lime-can", "--remove")[0] == 0
    status, said = enrol(unit_files, capsys, "lime-can", "--remove")
    assert status == 12
    assert "lime-can is not enrolled" in said


def test_two_skus_enrolled_with_the_same_photographs_are_refused_by_name(
    unit_files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photographs = folder(tmp_path, "cola", 1, 0)
    enrol(unit_files, capsys, "cola-can", "--from", photographs)
    status, said = enrol(unit_files, capsys, "lime-can", "--from", photographs)
    assert status == 12
    assert "8 of the photographs of lime-can are those that cola-can was enrolled with" in said
    assert not (unit_files / "state" / "appearance" / "lime-can.npz").exists()


def test_a_sku_that_the_catalogue_does_not_know_is_refused_with_near_names(
    unit_files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = enrol(unit_files, capsys, "cola-cn", "--from", folder(tmp_path, "cola", 1, 0, 1))
    assert status == 3
    assert "sku 'cola-cn' is not in the catalogue: did you mean cola-can" in said


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("readme.txt", b"no picture", "no photograph in it"),
        ("broken.jpg", b"\xff\xd8\xff\xe0 cut", "broken.jpg: is no picture that can be read"),
        ("empty.png", b"", "empty.png: is no picture that can be read"),
    ],
)
def test_what_is_no_photograph_is_named(
    unit_files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, complaint: str
) -> None:
    place = tmp_path / "given"
    place.mkdir()
    (place / name).write_bytes(content)
    status, said = enrol(unit_files, capsys, "cola-can", "--from", str(place))
    assert status == 12
    assert complaint in said


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("cola-can", "--list"),
        ("--list", "--from", "x"),
        ("cola-can", "--remove", "--camera", "camera0"),
        ("cola-can", "--from", "x", "--pictures", "9"),
        ("cola-can", "--pictures", "3"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    unit_files: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert enrol(unit_files, capsys, *words)[0] == 2


def test_a_damaged_template_is_listed_and_replaced_by_enrolling_again(
    unit_files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = unit_files / "state" / "appearance" / "cola-can.npz"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"nothing")
    status, said = enrol(unit_files, capsys, "--list")
    assert status == 0
    assert "cola-can.npz: it is no appearance template" in said
    status, said = enrol(unit_files, capsys, "cola-can", "--from", folder(tmp_path, "cola", 1, 0))
    assert status == 0
    assert "no appearance template" not in said


class HeldInFront:
    """A camera at 2 frames a second: an empty shelf for two seconds, then a package that is turned."""

    ended = False

    def __init__(self, held: bool) -> None:
        self.count, self.held, self.stopped = 0, held, False

    def start(self) -> str:
        return "drawn"

    def take(self, _timeout_s: float) -> CameraFrame:
        self.count += 1
        colour = np.full((480, 640, 3), 110, np.uint8)
        if self.held and self.count > 4:
            front = photograph(label(1), self.count, hand=False)
            colour[100:360, 190:450] = front
        grey = np.asarray(cv2.resize(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY), (320, 240)), dtype=np.uint8)
        return CameraFrame(self.count, MonotonicNs(self.count * 500_000_000), grey, lambda: colour)

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def camera(unit_files: Path, monkeypatch: pytest.MonkeyPatch) -> list[HeldInFront]:
    """The unit with a camera whose view was commissioned: all of its picture is the shelf."""
    agent = unit_files / "agent.toml"
    agent.write_text(agent.read_text() + CAMERA)
    opened: list[HeldInFront] = [HeldInFront(held=True)]
    drivers = types.ModuleType("edge_agent.adapters.cameras.open_frames")
    drivers.open_frames = lambda _camera: opened[-1]  # type: ignore[attr-defined]
    views = types.ModuleType("edge_agent.view_store")
    all_of_it = SimpleNamespace(kept=lambda width, height: np.ones((height, width), bool))
    views.read_view = lambda *_whose: SimpleNamespace(view=all_of_it)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "edge_agent.adapters.cameras", types.ModuleType("cameras"))
    monkeypatch.setitem(sys.modules, "edge_agent.adapters.cameras.open_frames", drivers)
    monkeypatch.setitem(sys.modules, "edge_agent.view_store", views)
    return opened


def test_a_product_held_before_the_shelf_is_enrolled_by_the_shelfs_own_camera(
    unit_files: Path, camera: list[HeldInFront], capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = enrol(unit_files, capsys, "cola-can", "--pictures", "6")
    assert status == 0, said
    assert "cola-can: version 1 of 6 photographs" in said
    assert camera[0].stopped


def test_where_nothing_is_held_before_the_shelf_it_gives_up_and_lets_the_camera_go(
    unit_files: Path, camera: list[HeldInFront], capsys: pytest.CaptureFixture[str]
) -> None:
    camera.append(HeldInFront(held=False))
    status, said = enrol(unit_files, capsys, "cola-can", "--pictures", "6")
    assert status == 12
    assert "nothing was held in front of the shelf for 60 s, after 0 of 6 pictures" in said
    assert camera[-1].stopped
    assert not (unit_files / "state" / "appearance").exists()

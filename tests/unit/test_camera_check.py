"""A technician asks whether a camera is to be trusted, and is told what is wrong with it."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from camera_pictures import Picture, camera_at, painted_front, photograph
from camera_unit import Drivers, drivers, with_camera, written

from edge_agent.cli import main

__all__ = ["drivers"]
EYE = {"x_mm": 150.0, "z_mm": 550.0, "away_mm": 800.0}
THERE = camera_at(**EYE)  # type: ignore[arg-type]


@pytest.fixture
def agent_toml(unit_files: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A unit whose camera is commissioned."""
    agent = with_camera(unit_files)
    shelf = written(unit_files / "shelf.png", photograph(painted_front(), THERE))
    assert main(["camera", "commission", "--config", str(agent), "--from", str(shelf), "--yes"]) == 0
    capsys.readouterr()
    return agent


def check(agent: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    status = main(["camera", "check", "--config", str(agent), *options])
    said = capsys.readouterr()
    return status, " ".join((said.out + said.err).split())


def as_json(agent: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any]]:
    status = main(["camera", "check", "--config", str(agent), "--json", *options])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return status, document


def noisy() -> list[Picture]:
    front = painted_front()
    return [photograph(front, THERE, seed=seed) for seed in (8, 9)]


def faulty(document: dict[str, Any]) -> list[str]:
    return [finding["subject"] for finding in document["findings"] if not finding["well"]]


def test_a_good_camera_is_trusted_and_its_picture_shows_the_lanes(
    agent_toml: Path, drivers: Drivers, capsys: pytest.CaptureFixture[str]
) -> None:
    drivers.pictures = lambda: itertools.cycle(noisy())
    appearance = agent_toml.parent / "state" / "appearance"
    appearance.mkdir()
    (appearance / "nuts.npz").touch()
    (appearance / "oat-milk.npz").touch()  # of another shelf
    picture = agent_toml.parent / "checked.png"
    status, said = check(agent_toml, capsys, "--save-picture", str(picture))
    assert status == 0, said
    assert "painted camera, 960 × 720 px" in said
    assert "rate: well: 15.0 pictures a second of 15 wanted, 0 lost" in said
    assert "place: well: the view lies within " in said
    assert "sharpness: well: 9" in said
    assert "templates of 1 of the shelf's 2 SKUs; none of crisps: `edge-agent camera enrol SKU`" in said
    assert said.endswith("2 lanes drawn into " + str(picture) + " this camera would be trusted")
    assert cv2.imread(str(picture)) is not None
    assert drivers.opened[0].stopped


def test_what_a_script_reads_is_what_a_person_reads(
    agent_toml: Path, drivers: Drivers, capsys: pytest.CaptureFixture[str]
) -> None:
    drivers.pictures = lambda: itertools.cycle(noisy())
    status, document = as_json(agent_toml, capsys)
    assert status == 0
    assert document["trusted"] is True
    assert faulty(document) == []
    assert document["rate_hz"] == pytest.approx(15.0)
    assert document["shift"]["moved"] is False
    assert document["not_enrolled"] == ["crisps", "nuts"]
    assert document["view"]["revision"].startswith("1-")


@pytest.mark.parametrize(
    ("subject", "taken", "words"),
    [
        ("light", lambda: photograph(painted_front(), THERE, gain=0.03, noise=1.0), "too dark: switch the light on"),
        ("overexposure", lambda: photograph(painted_front(), THERE, gain=4.0), "keep light from shining into the lens"),
        ("sharpness", lambda: photograph(painted_front(), THERE, blur_px=9.0), "blurred: wipe the lens"),
        (
            "place",
            lambda: photograph(painted_front(), camera_at(**EYE, looks_at=(330.0, 150.0))),  # type: ignore[arg-type]
            "mount it as it was, or run `edge-agent camera commission --camera camera0`",
        ),
        ("place", lambda: np.full((720, 960, 3), 90, np.uint8), "see that nothing stands before the shelf"),
    ],
    ids=["dark", "glaring", "smeared", "knocked", "hidden"],
)
def test_each_trouble_is_named_with_what_to_do_and_the_camera_is_not_trusted(
    subject: str, taken: Callable[[], Picture], words: str, agent_toml: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later = written(agent_toml.parent / "later.png", taken())
    status, said = check(agent_toml, capsys, "--from", str(later))
    assert status == 1
    assert f"{subject}: error: " in said
    assert words in said
    assert "this camera would not be trusted: the shelf goes by weight alone" in said
    status, document = as_json(agent_toml, capsys, "--from", str(later))
    assert status == 1
    assert subject in faulty(document)


@pytest.mark.parametrize(("rate_hz", "lost_each", "words"), [(9.0, 0, "9.0 pictures a second"), (15.0, 1, "30 lost")])
def test_a_camera_too_slow_or_losing_pictures_is_not_trusted(
    rate_hz: float,
    lost_each: int,
    words: str,
    agent_toml: Path,
    drivers: Drivers,
    capsys: pytest.CaptureFixture[str],
) -> None:
    drivers.rate_hz, drivers.lost_each = rate_hz, lost_each
    drivers.pictures = lambda: itertools.cycle(noisy())
    status, said = check(agent_toml, capsys)
    assert status == 1
    assert "rate: error: " in said
    assert words in said


def test_a_camera_that_shows_the_same_picture_for_ever_is_not_trusted(
    agent_toml: Path, drivers: Drivers, capsys: pytest.CaptureFixture[str]
) -> None:
    drivers.pictures = lambda: itertools.repeat(noisy()[0])
    status, said = check(agent_toml, capsys)
    assert status == 1
    assert "life: error: 30 of 30 pictures were the same as the one before. Try: frozen: plug the camera" in said


def test_a_driver_whose_clock_stands_still_is_named_and_does_not_hold_the_command(
    agent_toml: Path, drivers: Drivers, capsys: pytest.CaptureFixture[str]
) -> None:
    drivers.rate_hz = 1e9
    picture = noisy()[0]
    drivers.pictures = lambda: itertools.repeat(picture)
    status, said = check(agent_toml, capsys)
    assert status == 12
    assert "600 pictures came within 0.0 s by their own instants: the driver's clock stands still" in said
    assert drivers.opened[0].stopped


def test_a_camera_that_was_never_commissioned_is_told_how(
    unit_files: Path, drivers: Drivers, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = check(with_camera(unit_files), capsys)
    assert status == 12
    assert said == ("edge-agent: camera0 is not commissioned; run `edge-agent camera commission --camera camera0`")
    assert drivers.opened == []


def test_a_camera_pulled_while_it_is_looked_at_is_named_and_released(
    agent_toml: Path, drivers: Drivers, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = photograph(painted_front(), THERE)
    drivers.pictures = lambda: iter([picture] * 5)
    status, said = check(agent_toml, capsys)
    assert status == 12
    assert "camera0: no picture came within 5 s; check its cable" in said
    assert drivers.opened[0].stopped


def test_a_driver_of_another_size_is_named(
    agent_toml: Path, drivers: Drivers, capsys: pytest.CaptureFixture[str]
) -> None:
    small = photograph(painted_front(), THERE, size_px=(640, 480))
    drivers.pictures = lambda: itertools.repeat(small)
    status, said = check(agent_toml, capsys)
    assert status == 12
    assert "its driver delivers a picture of (480, 640): the mask is for (720, 960)" in said


def test_a_picture_that_cannot_be_saved_is_named(agent_toml: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shelf = agent_toml.parent / "shelf.png"
    status, said = check(agent_toml, capsys, "--from", str(shelf), "--save-picture", "/proc/lanes.png")
    assert status == 1
    assert "name a file that can be written with --save-picture" in said

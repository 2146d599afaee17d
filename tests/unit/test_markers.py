"""What a technician is told of markers: found to a tenth of a pixel, or what hangs wrong, where, and what to do."""

import re
import zlib

import camera_pictures as pictures
import cv2
import numpy as np
import pytest
from camera_pictures import OPENING_MM, WIDTH_MM, camera_at, grey_of, painted_front, photograph
from rendered_shop import shop

from edge_agent.console.marker_sheet import sheet_pdf
from edge_agent.model import FloatArray
from edge_agent.simulation.scene import Scene, SceneLook, ScenePose, packages_for
from edge_agent.vision.commissioning import FoundFront, Refused, find_front
from edge_agent.vision.front_fit import through
from edge_agent.vision.geometry import front_rectangle_mm
from edge_agent.vision.markers import MARKER_MM, PLACES, find_markers, margin_mm

CORNERS_MM = front_rectangle_mm((0.0, WIDTH_MM), OPENING_MM)
USUAL = camera_at(x_mm=150, z_mm=550, away_mm=800)
CAMERAS = {
    "from the left above": USUAL,
    "straight on": camera_at(),
    "from the right, near": camera_at(x_mm=500, z_mm=700, away_mm=700),
    "from below, rolled": camera_at(x_mm=100, z_mm=20, away_mm=800, roll_rad=0.1),
}


def looked(picture: pictures.Picture, *, width_mm: float = WIDTH_MM, opening_mm: float = OPENING_MM,
           marker_mm: float = MARKER_MM) -> FoundFront | Refused:  # fmt: skip
    return find_front(grey_of(picture), width_mm, opening_mm, marker_mm)


def found(picture: pictures.Picture) -> FoundFront:
    front = looked(picture)
    assert isinstance(front, FoundFront), front
    return front


def refused(picture: pictures.Picture, *, width_mm: float = WIDTH_MM, opening_mm: float = OPENING_MM,
            marker_mm: float = MARKER_MM) -> Refused:  # fmt: skip
    front = looked(picture, width_mm=width_mm, opening_mm=opening_mm, marker_mm=marker_mm)
    assert isinstance(front, Refused), front
    return front


def worst_px(front: FoundFront, true: FloatArray) -> float:
    return float(np.abs(through(front.fit.front_to_px, CORNERS_MM) - through(true, CORNERS_MM)).max())


@pytest.mark.parametrize("name", CAMERAS)
@pytest.mark.parametrize(
    "light", [{}, {"gain": 0.15}, {"shade": 0.8}, {"noise": 6.0, "blur_px": 1.0}], ids=["day", "dark", "shade", "poor"]
)
def test_the_shelf_is_found_to_half_a_millimetre_in_any_usable_light(name: str, light: dict[str, float]) -> None:
    front = found(photograph(painted_front(), CAMERAS[name], **light))  # type: ignore[arg-type]
    assert front.missing is None
    assert worst_px(front, CAMERAS[name]) < 0.5
    assert front.fit.rms_mm < 0.5


def test_what_the_fit_says_of_its_sureness_holds_over_badly_stuck_markers() -> None:
    dice = np.random.default_rng(3)
    errors, said = [], []
    for seed in range(10):
        moved = {place: (float(dx), float(dz)) for place, (dx, dz) in enumerate(dice.normal(0, 1.0, (4, 2)))}
        front = found(photograph(painted_front(seed, moved_mm=moved), USUAL, seed=seed))
        back = np.asarray(np.linalg.inv(front.fit.front_to_px), np.float64)
        errors.append(through(back, through(USUAL, CORNERS_MM)) - CORNERS_MM)
        said.append(front.fit.sigma_mm)
    rms = float(np.sqrt(np.mean(np.square(errors))))
    assert 0.6 < rms / float(np.mean(said)) < 1.4


def test_a_camera_that_hangs_upside_down_is_pointed_out_not_refused() -> None:
    picture = np.ascontiguousarray(photograph(painted_front(), USUAL)[::-1, ::-1])
    assert any("upside down" in note for note in found(picture).notes)


def test_a_mirrored_picture_is_called_mirrored() -> None:
    front = refused(np.ascontiguousarray(photograph(painted_front(), USUAL)[:, ::-1]))
    assert front.code == "mirrored"
    assert "the picture is mirrored" in front.why


@pytest.mark.parametrize(
    ("markers", "turned", "words"),
    [
        ({0: 1, 1: 0, 2: 2, 3: 3}, {}, ("marker 0 (lower left) hangs at the lower right", "marker 1 (lower right)")),
        ({0: 1, 1: 2, 2: 3, 3: 0}, {}, ("marker 0 (lower left) hangs at the upper left", "marker 3 (upper left)")),
        ({0: 2, 1: 3, 2: 0, 3: 1}, {}, ("marker 2 (upper right) hangs at the lower left", "marker 0 (lower left)")),
        ({0: 0, 1: 2, 2: 1}, {}, ("marker 1 (lower right) hangs at the upper right",)),
        ({0: 0, 1: 1, 2: 2, 3: 3}, {1: 2}, ("marker 1 (lower right) hangs upside down",)),
        ({0: 0, 1: 1, 2: 2, 3: 3}, {3: 1}, ("marker 3 (upper left) hangs turned a quarter to the right",)),
        ({0: 0, 1: 1, 2: 2}, {2: 3}, ("marker 2 (upper right) hangs turned a quarter to the left",)),
    ],
)
def test_swapped_and_turned_markers_are_named(
    markers: dict[int, int], turned: dict[int, int], words: tuple[str, ...]
) -> None:
    front = refused(photograph(painted_front(markers=markers, turned=turned), USUAL))
    assert front.code == "swapped"
    assert [word for word in words if word not in front.why] == []


@pytest.mark.parametrize("place", range(4))
def test_a_marker_stuck_a_centimetre_off_is_the_one_that_is_named(place: int) -> None:
    front = refused(photograph(painted_front(moved_mm={place: (-8, 6)}), USUAL))
    assert front.code == "off place"
    assert front.why.startswith(f"marker {place} ({PLACES[place]}) hangs 10 mm off its place")
    assert "(8 mm to the left, 6 mm up)" in front.why


def test_a_marker_stuck_four_millimetres_off_is_told_and_left_to_the_technician() -> None:
    notes = found(photograph(painted_front(moved_mm={2: (-4, 0)}), USUAL)).notes
    assert [note for note in notes if note.startswith("marker 2 (upper right) seems to hang 4 mm off")] == list(notes)


def test_markers_stuck_as_well_as_hands_can_raise_no_suspicion() -> None:
    for seed in range(6):
        moved = {place: (float(dx), float(dz)) for place, (dx, dz) in
                 enumerate(np.random.default_rng(seed).uniform(-0.7, 0.7, (4, 2)))}  # fmt: skip
        assert found(photograph(painted_front(seed, moved_mm=moved), USUAL, seed=seed)).notes == ()


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"width_mm": 660.0}, ("the shelf looks 600 mm wide", "width_mm = 660")),
        ({"opening_mm": 330.0}, ("its opening looks 300 mm high", "opening_mm = 330")),
        ({"marker_mm": 28.0}, ("the markers look 30.0 mm large, not 28", "100 %")),
        ({"marker_mm": 45.0}, ("the markers look 30.0 mm large, not 45", "--marker-mm")),
    ],
)
def test_sizes_that_cannot_be_are_named_with_what_they_look_like(
    sizes: dict[str, float], words: tuple[str, ...]
) -> None:
    front = refused(photograph(painted_front(), USUAL), **sizes)
    assert front.code == "size"
    assert [word for word in words if word not in front.why] == []


def test_three_markers_will_do_and_the_missing_one_is_said_to_be_missing_where_it_belongs() -> None:
    front = found(photograph(painted_front(markers={0: 0, 2: 2, 3: 3}), USUAL))
    assert front.missing == 1
    assert "marker 1 (lower right) is not found; by the others it belongs at (720, 473) px" in front.notes[0]
    assert front.fit.sigma_mm[1] > 1.5 * front.fit.sigma_mm[3]
    assert worst_px(front, USUAL) < 1.0


def test_a_covered_marker_is_told_from_one_that_is_not_there() -> None:
    picture = photograph(painted_front(), USUAL)
    u, v = 720, 473
    picture[v - 3 : v + 3, u - 8 : u + 9] = 12  # a smear over the middle, the square stays a square
    front = found(picture)
    assert front.missing == 1
    assert "covered, dirty or glaring" in front.notes[0]


@pytest.mark.parametrize(
    ("markers", "words"),
    [
        (
            {},
            ("marker 0 (lower left), marker 1 (lower right), marker 2 (upper right) and", "no marker is seen"),
        ),
        ({0: 0, 2: 2}, ("marker 1 (lower right) and marker 3 (upper left) not found", "marker 2 (upper right) at (76")),
        ({0: 0, 2: 2, 3: 17}, ("a foreign marker 17 at (164", "marker 3 (upper left)")),
    ],
)
def test_missing_markers_are_named_with_what_is_seen_instead(markers: dict[int, int], words: tuple[str, ...]) -> None:
    front = refused(photograph(painted_front(markers=markers), USUAL))
    assert front.code == "missing"
    assert [word for word in words if word not in front.why] == []


def test_two_copies_of_a_marker_are_named_with_their_places() -> None:
    front = refused(photograph(painted_front(markers={0: 0, 1: 1, 2: 2, 3: 2}), USUAL))
    assert front.code == "twice"
    assert re.search(r"marker 2 \(upper right\) is seen 2 times, at \(\d+, \d+\) px and \(\d+, \d+\) px", front.why)


def test_a_marker_beyond_the_picture_tells_which_way_to_turn_the_camera() -> None:
    tight = camera_at(x_mm=300, z_mm=150, away_mm=640, looks_at=(258, 140), roll_rad=0.06)
    front = refused(photograph(painted_front(), tight))
    assert front.code == "outside"
    assert re.search(r"marker \d \((upper|lower) right\) lies beyond the picture's right edge", front.why)
    half = refused(photograph(painted_front(), camera_at(looks_at=(10, 150))))
    assert half.code == "missing"
    assert "perhaps beyond the picture's right edge" in half.why


def test_markers_too_far_away_are_called_too_small_before_they_are_misread() -> None:
    front = refused(photograph(painted_front(), camera_at(z_mm=400, away_mm=2200)))
    assert front.code == "small"
    assert "px wide or high, 14 are needed" in front.why


def test_a_camera_that_looks_along_the_shelf_is_refused() -> None:
    along = camera_at(x_mm=-1500, z_mm=150, away_mm=330, looks_at=(300, 150), focal_px=4600, size_px=(1920, 1440))
    front = refused(photograph(painted_front(marker_mm=55.0), along, size_px=(1920, 1440)), marker_mm=55.0)
    assert front.code == "oblique"
    assert "the camera looks along the shelf" in front.why


def test_goods_and_noise_are_no_markers() -> None:
    for seed in range(3):
        picture = photograph(painted_front(seed, markers={}), USUAL, seed=seed)
        assert find_markers(grey_of(picture)).seen == ()
        noise = np.random.default_rng(seed).integers(0, 256, (480, 640), dtype=np.uint8)
        assert find_markers(noise).seen == ()


@pytest.mark.parametrize("marker_mm", [20.0, 30.0, 55.0])
def test_the_printed_sheet_carries_the_markers_in_true_size_on_one_a4_page(marker_mm: float) -> None:
    per_mm = 4.0
    page = _page(sheet_pdf(marker_mm), per_mm)
    seen = {each.marker_id: each.corners_px / per_mm for each in find_markers(page).seen}
    assert sorted(seen) == [0, 1, 2, 3]
    for number, corners in seen.items():
        sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
        assert sides == pytest.approx(marker_mm, abs=0.15), PLACES[number]
        margin = margin_mm(marker_mm)
        assert (corners.min(axis=0) - margin > 5).all(), "a printer leaves the page's edge white"
        assert (corners.max(axis=0) + margin < np.array([205, 292])).all()
    assert seen[3].mean(axis=0)[1] < seen[0].mean(axis=0)[1], "as on the shelf: upper ones above"
    assert seen[0].mean(axis=0)[0] < seen[1].mean(axis=0)[0]


def test_the_sheet_says_in_plain_words_what_to_do() -> None:
    text = _text(sheet_pdf(40.0))
    for words in ("100 %", "100 mm", *PLACES, "opening_mm above that board", "--marker-mm 40"):
        assert words in text
    assert "--marker-mm" not in _text(sheet_pdf())


def _content(pdf: bytes) -> str:
    assert pdf.count(b"/Type /Page\n") == 1
    assert b"[0 0 595.28 841.89]" in pdf
    streams = re.findall(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL)
    return max((zlib.decompress(each).decode("latin-1") for each in streams), key=len)


def _text(pdf: bytes) -> str:
    words = " ".join(re.findall(r"\((.*?)(?<!\\)\) Tj", _content(pdf)))
    return words.replace("\\(", "(").replace("\\)", ")")


def _page(pdf: bytes, per_mm: float) -> pictures.Picture:
    """Paint the page's filled rectangles, which is what markers are made of; coordinates are points from below."""
    page = np.full((round(297 * per_mm), round(210 * per_mm)), 255, np.uint8)
    level = 0
    for line in _content(pdf).splitlines():
        if colour := re.search(r"(?:^| )([\d.]+) g$", line):
            level = round(float(colour[1]) * 255)
        if box := re.match(r"(-?[\d.]+) (-?[\d.]+) (-?[\d.]+) (-?[\d.]+) re f$", line):
            x, y, wide, high = (float(each) * 25.4 / 72 for each in box.groups())
            left, top = x, 297 - y
            low = np.round(np.array([left, min(top, top - high)]) * per_mm).astype(int)
            far = np.round(np.array([left + wide, max(top, top - high)]) * per_mm).astype(int)
            page[low[1] : far[1], low[0] : far[0]] = level
    return np.asarray(cv2.GaussianBlur(page, (0, 0), 1.0), np.uint8)


def test_a_shelf_that_another_renderer_drew_is_found_as_well() -> None:
    for side_deg, seed in ((15.0, 1), (-25.0, 2), (0.0, 3)):
        pose = ScenePose.before(900.0, 300.0, side_deg=side_deg)
        world = shop()
        packages = packages_for(world.site, "shelf", 300.0)
        scene = Scene.of_world(
            world, packages, seed=seed, look=SceneLook(markers=True, bodies_per_minute=0.0), pose=pose
        )
        front = find_front(grey_of(scene.picture(3.0)), 900.0, 300.0, MARKER_MM)
        assert isinstance(front, FoundFront), front
        corners = front_rectangle_mm((0.0, 900.0), 300.0)
        off = through(front.fit.front_to_px, corners) - through(pose.front_to_px, corners)
        assert np.abs(off).max() < 1.0
        assert front.notes == ()

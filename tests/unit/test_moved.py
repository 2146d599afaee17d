"""A camera that was knocked is noticed; light, shoppers and goods that come and go are not taken for it."""

import cv2
import numpy as np
import pytest
from camera_pictures import OPENING_MM, SIZE_PX, WIDTH_MM, Picture, camera_at, grey_of, painted_front, photograph
from rendered_shop import scene_of, shop

from edge_agent.simulation.scene import SceneLook, SceneTrouble
from edge_agent.vision.geometry import ShelfView
from edge_agent.vision.moved import MOVED_MM, Reference, Shift
from edge_agent.vision.picture_quality import quality_of

SMALL = (320, 240)
EYE = {"x_mm": 150.0, "z_mm": 550.0, "away_mm": 800.0}
THERE = camera_at(**EYE)  # type: ignore[arg-type]
VIEW = ShelfView(THERE, *SIZE_PX, WIDTH_MM, OPENING_MM, "1")
KEPT = VIEW.kept(*SMALL)
BARE: dict[int, int] = {}
"""Markers are taken down after commissioning, or they are not: neither may matter."""


def small(picture: Picture) -> Picture:
    """The masked small picture."""
    return np.asarray(cv2.resize(grey_of(picture), SMALL, interpolation=cv2.INTER_AREA), np.uint8) * KEPT


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference(VIEW, small(photograph(painted_front(markers=BARE), THERE)))


def seen(reference: Reference, picture: Picture) -> Shift:
    shift = reference.shift_px(small(picture))
    assert shift is not None
    return shift


@pytest.mark.parametrize(
    "light",
    [{}, {"gain": 0.3}, {"gain": 1.5}, {"shade": 0.7}, {"noise": 10.0}, {"blur_px": 1.5}],
    ids=["same", "dim", "bright", "shade", "noise", "soft"],
)
def test_light_does_not_move_a_camera(reference: Reference, light: dict[str, float]) -> None:
    shift = seen(reference, photograph(painted_front(markers=BARE), THERE, seed=9, **light))  # type: ignore[arg-type]
    assert not shift.moved
    assert shift.worst_mm < 3


@pytest.mark.parametrize("seed", range(11, 17))
def test_a_shelf_restocked_with_other_goods_has_not_moved(reference: Reference, seed: int) -> None:
    shift = seen(reference, photograph(painted_front(markers=BARE, goods_seed=seed), THERE, seed=seed))
    assert not shift.moved


@pytest.mark.parametrize("seed", range(5))
def test_goods_pushed_along_all_at_once_are_not_taken_for_the_camera(seed: int) -> None:
    front = painted_front(seed, markers=BARE)
    reference = Reference(VIEW, small(photograph(front, THERE, seed=seed)))
    rows, columns = slice(450, 1350), slice(450, 2250)
    front[rows, 495:2250] = front[rows, columns][:, :-45]  # 15 mm to the right
    assert not seen(reference, photograph(front, THERE)).moved


def test_a_shopper_before_half_of_the_shelf_does_not_move_it(reference: Reference) -> None:
    front = painted_front(markers=BARE)
    front[:, 1100:1900] = (170, 120, 100)
    assert not seen(reference, photograph(front, THERE)).moved


@pytest.mark.parametrize("aside_mm", [10, 20, 40, 80, 120])
def test_a_knocked_camera_is_noticed_and_the_shift_measured(reference: Reference, aside_mm: int) -> None:
    knocked = camera_at(**EYE, looks_at=(300.0 + aside_mm, 150.0))  # type: ignore[arg-type]
    shift = seen(reference, photograph(painted_front(markers=BARE), knocked, seed=3))
    middle = np.array([[[WIDTH_MM / 2, OPENING_MM / 2]]])
    true = cv2.perspectiveTransform(middle, knocked) - cv2.perspectiveTransform(middle, THERE)
    assert shift.moved
    assert abs(shift.right_px - float(true[0, 0, 0]) / 3) < max(0.6, 0.06 * abs(shift.right_px))


@pytest.mark.parametrize("half", [20, 21, 22])
def test_a_knocked_camera_is_noticed_though_half_of_the_goods_were_taken(reference: Reference, half: int) -> None:
    front, other = painted_front(markers=BARE), painted_front(markers=BARE, goods_seed=half)
    front[450:1350, 1350:2250] = other[450:1350, 1350:2250]
    knocked = camera_at(**EYE, looks_at=(325.0, 150.0))  # type: ignore[arg-type]
    assert seen(reference, photograph(front, knocked, seed=half)).moved


@pytest.mark.parametrize(
    "pose",
    [
        {**EYE, "roll_rad": 0.05},
        {**EYE, "away_mm": 760.0},
        {**EYE, "x_mm": 210.0},
        {**EYE, "z_mm": 610.0},
    ],
    ids=["turned about its axis", "nearer", "aside", "higher"],
)
def test_a_camera_that_was_remounted_is_noticed(reference: Reference, pose: dict[str, float]) -> None:
    shift = seen(reference, photograph(painted_front(markers=BARE), camera_at(**pose), seed=3))  # type: ignore[arg-type]
    assert shift.moved
    assert shift.worst_mm > MOVED_MM


@pytest.mark.parametrize("markers", [True, False], ids=["markers left", "markers taken down"])
def test_a_busy_half_minute_moves_nothing_and_a_knock_in_it_is_noticed(markers: bool) -> None:
    world = shop()
    lanes = [lane.lane_id for lane in world.site.planogram.lanes]
    for act in range(9):
        world.take(lanes[5 * act % 6], 4.0 + 3.0 * act)
    look = SceneLook(markers=markers, bodies_per_minute=3.0, steps_per_hour=120.0)
    scene = scene_of(world, look, [SceneTrouble("moved", 24.0)])
    view = ShelfView(scene.pose.front_to_px, 1280, 960, 900.0, OPENING_MM, "")
    kept = view.kept(*SMALL)
    reference = Reference(view, scene.grey(1.0) * kept)
    seen = [(t_s, reference.shift_px(scene.grey(t_s) * kept)) for t_s in np.arange(2.0, 32.0, 1.3).tolist()]
    assert [t_s for t_s, shift in seen if t_s < 24 and (shift is None or shift.moved)] == []
    assert [t_s for t_s, shift in seen if t_s > 24 and (shift is None or not shift.moved)] == []


def test_another_shelf_or_darkness_is_recognised_as_neither_place() -> None:
    reference = Reference(VIEW, small(photograph(painted_front(markers=BARE), THERE)))
    assert reference.shift_px(np.zeros((240, 320), np.uint8)) is None
    for seed in (70, 71, 72):
        elsewhere = photograph(
            painted_front(seed, markers=BARE, around=(30, 60, 90)),
            camera_at(x_mm=500, away_mm=500, looks_at=(100, 100)),
            seed=seed,
        )
        shift = reference.shift_px(small(elsewhere))
        assert shift is None or shift.moved


def test_a_bare_wall_offers_nothing_to_recognise() -> None:
    wall = np.full((240, 320), 128, np.uint8) * KEPT
    reference = Reference(VIEW, wall)
    assert reference.patches == 0
    assert reference.shift_px(wall) is None


def test_a_shelf_that_is_a_thin_strip_in_the_picture_offers_nothing_but_breaks_nothing() -> None:
    far = ShelfView(camera_at(away_mm=90_000.0), *SIZE_PX, WIDTH_MM, OPENING_MM, "1")
    strip = np.full((240, 320), 90, np.uint8) * far.kept(*SMALL)
    assert Reference(far, strip).shift_px(strip) is None


def test_a_picture_of_another_size_is_refused_by_name(reference: Reference) -> None:
    with pytest.raises(ValueError, match=r"a small picture of \(120, 160\): the reference is of \(240, 320\)"):
        reference.shift_px(np.zeros((120, 160), np.uint8))


def test_light_and_sharpness_are_told_apart() -> None:
    then = quality_of(small(photograph(painted_front(), THERE)), KEPT)
    dark = quality_of(small(photograph(painted_front(), THERE, gain=0.04, noise=1.0)), KEPT)
    glaring = quality_of(small(photograph(painted_front(), THERE, gain=4.0)), KEPT)
    smeared = quality_of(small(photograph(painted_front(), THERE, blur_px=9.0)), KEPT)
    restocked = quality_of(small(photograph(painted_front(goods_seed=8), THERE)), KEPT)
    pictures = (then, dark, glaring, smeared, restocked)
    assert [each.dark for each in pictures] == [False, True, False, False, False]
    assert [each.overexposed for each in pictures] == [False, False, True, False, False]
    assert [each.blurred(then) for each in pictures] == [False, False, False, True, False]

"""The camera before the rendered shelf: where it looks, what its light and sensor do, and what may be wrong with it."""

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from rendered_shop import OPENING_MM, SMALL, changed, scene_of, shop

from edge_agent.simulation.scene import STEADY, SceneLook, ScenePose, SceneTrouble, TroubleKind, marker_corners_mm
from edge_agent.vision.geometry import ShelfView

INSTANTS_S = (3.0, 10.6, 10.2, 42.0, 10.6)


def markers_in(picture: npt.NDArray[np.uint8]) -> dict[int, npt.NDArray[np.float32]]:
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_5X5_50))
    corners, ids, _ = detector.detectMarkers(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
    return {int(marker): np.asarray(found[0]) for marker, found in zip(ids.ravel(), corners, strict=True)}


def test_the_same_arguments_give_the_same_pixels_in_any_order_of_instants() -> None:
    pictures: dict[float, list[npt.NDArray[np.uint8]]] = {}
    for order in (INSTANTS_S, INSTANTS_S[::-1]):
        world = shop()
        world.take("OAT", 10.0)
        scene = scene_of(world, SceneLook(bodies_per_minute=4.0))
        for t_s in order:
            if order is INSTANTS_S:
                pictures.setdefault(t_s, []).append(scene.picture(t_s))
            pictures.setdefault(-t_s, []).append(scene.grey(t_s))
        if order is not INSTANTS_S:
            for t_s in order:
                pictures.setdefault(t_s, []).append(scene.picture(t_s))
    assert all(np.array_equal(first, again) for first, *more in pictures.values() for again in more)


def test_another_seed_gives_another_picture() -> None:
    assert changed(scene_of(shop(), seed=1).grey(3.0), scene_of(shop(), seed=2).grey(3.0)).mean() > 0.1


def test_the_small_grey_picture_shows_what_the_large_one_shows() -> None:
    world = shop()
    world.take("OAT", 10.0)
    scene = scene_of(world)
    for t_s in (3.0, 10.4):
        large = cv2.cvtColor(scene.picture(t_s), cv2.COLOR_RGB2GRAY)
        reduced = cv2.resize(large, SMALL, interpolation=cv2.INTER_AREA)
        assert np.abs(reduced.astype(int) - scene.grey(t_s)).mean() < 3


def test_the_pose_tells_where_the_front_is_as_a_commissioned_view_does() -> None:
    pose = ScenePose.before(900.0, OPENING_MM, side_deg=-12.0)
    view = ShelfView(pose.front_to_px, pose.width_px, pose.height_px, 900.0, OPENING_MM, "rendered")
    front = np.array([[0.0, 0.0], [900.0, 0.0], [900.0, 300.0], [0.0, 300.0], [450.0, 120.0]])
    points = np.insert(front, 1, 0.0, axis=1)
    assert np.allclose(view.to_px(front), pose.to_px(points))
    assert np.allclose(pose.seen_on_front(points), front)
    assert (pose.to_px(points) > 20).all()
    assert (pose.to_px(points) < [1260, 940]).all()
    x, z = view.front_of_grid(*SMALL)
    small = pose.resized(*SMALL).to_px(np.array([[x[100, 50], 0.0, z[100, 50]]]))
    assert np.allclose(small, [[50, 100]])


def test_what_is_behind_the_front_is_seen_through_it_along_the_line_of_sight() -> None:
    pose = ScenePose.before(900.0, OPENING_MM)
    hand = np.array([[300.0, 120.0, 80.0]])
    (x, z), _ = pose.seen_on_front(hand)[0], hand
    assert np.allclose(pose.to_px(np.array([[x, 0.0, z]])), pose.to_px(hand))
    assert z > 80.0


def test_markers_are_found_where_they_are_told_to_be() -> None:
    scene = scene_of(shop(), replace(STEADY, markers=True))
    found = markers_in(scene.picture(1.0))
    assert sorted(found) == [0, 1, 2, 3]
    for marker, told in enumerate(marker_corners_mm(900.0, OPENING_MM)):
        assert np.abs(found[marker] - scene.pose.to_px(np.insert(told, 1, 0.0, axis=1))).max() < 1.5


def test_the_markers_of_a_moved_camera_are_found_elsewhere() -> None:
    scene = scene_of(shop(), replace(STEADY, markers=True), [SceneTrouble("moved", 5.0)])
    before, after = markers_in(scene.picture(4.0)), markers_in(scene.picture(6.0))
    shifts = np.array([np.hypot(*(after[marker] - before[marker]).mean(axis=0)) for marker in range(4)])
    assert shifts.min() > 6
    assert shifts.max() < 25


def test_a_colour_painted_around_the_shelf_is_everywhere_but_on_it() -> None:
    sentinel = (255, 0, 255)
    world = shop()
    taken = world.take("OAT", 10.0)
    look = SceneLook(outside_rgb=sentinel, bodies_per_minute=20.0)
    scene = scene_of(world, look)
    view = ShelfView(scene.pose.front_to_px, 1280, 960, 900.0, OPENING_MM, "rendered")
    painted = (scene.picture(taken.moves[0].t_s) == sentinel).all(axis=2)
    assert painted[~view.kept(1280, 960, 64.0)].all()
    assert not painted[view.kept(1280, 960, 56.0)].any()


def test_a_frozen_camera_repeats_its_last_picture_while_the_shop_goes_on() -> None:
    world = shop()
    world.take("OAT", 10.0)
    scene = scene_of(world, SceneLook(), [SceneTrouble("frozen", 9.0, 20.0)])
    held = scene.grey(9.0)
    assert all(np.array_equal(held, scene.grey(t_s)) for t_s in (9.5, 10.5, 19.9))
    assert not np.array_equal(held, scene.grey(20.0))
    assert not np.array_equal(scene.grey(8.0), scene.grey(8.1))


@pytest.mark.parametrize("kind", ["blocked", "dark", "overexposed", "blurred", "moved", "lying", "mirrored"])
def test_a_trouble_lasts_as_long_as_it_is_told_to(kind: TroubleKind) -> None:
    well, ill = scene_of(shop()), scene_of(shop(), troubles=[SceneTrouble(kind, 5.0, 9.0)])
    for t_s, same in ((4.9, True), (5.0, False), (8.9, False), (9.0, True)):
        assert np.array_equal(well.grey(t_s), ill.grey(t_s)) == same, t_s


def test_every_trouble_is_what_it_is_called() -> None:
    kinds: tuple[TroubleKind, ...] = ("blocked", "dark", "overexposed", "blurred", "lying")
    well = scene_of(shop()).picture(6.0)
    seen = {kind: scene_of(shop(), troubles=[SceneTrouble(kind, 0.0)]).picture(6.0) for kind in kinds}

    def sharpness(picture: npt.NDArray[np.uint8]) -> float:
        return float(cv2.Laplacian(picture, cv2.CV_64F).var())

    assert sharpness(seen["blocked"]) < 0.01 * sharpness(well)
    assert seen["dark"].mean() < 0.15 * well.mean()
    assert (seen["overexposed"] == 255).mean() > 0.4
    assert sharpness(seen["blurred"]) < 0.05 * sharpness(well)
    assert changed(well, seen["lying"]).mean() > 0.05
    assert not changed(well, seen["lying"])[:200].any()


def test_noise_grows_with_the_light_and_lamps_flicker_in_bands() -> None:
    noisy = scene_of(shop(), SceneLook(flicker=0.0, drift=0.0, steps_per_hour=0.0))
    first, second = (noisy.picture(t_s).astype(np.float64) for t_s in (1.0, 1.1))
    bright, dim = (first > 180) & (first < 230), (first > 30) & (first < 60)
    assert 1.0 < np.abs(first - second)[bright].mean() < 4.0
    light = np.abs((first / 255) ** 2.2 - (second / 255) ** 2.2)
    assert light[bright].mean() > 2 * light[dim].mean()
    lamps = scene_of(shop(), replace(STEADY, flicker=0.5, exposure_s=0.002))
    rows = lamps.picture(1.0).mean(axis=(1, 2)) / scene_of(shop()).picture(1.0).mean(axis=(1, 2))
    assert 0.1 < np.ptp(rows) < 0.6


def test_light_that_changes_for_good_is_brighter_or_darker_everywhere() -> None:
    scene = scene_of(shop(), replace(STEADY, steps_per_hour=60.0, step=0.4))
    levels = np.array([scene.grey(t_s).mean() for t_s in np.arange(0.0, 600.0, 5.0)])
    steps = np.abs(np.diff(levels)) > 0.5
    assert 2 <= steps.sum() <= 20

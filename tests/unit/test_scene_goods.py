"""What stands on the rendered shelf: what is taken vanishes from the picture, what is put back is seen again."""

from pathlib import Path

import numpy as np
import pytest
from rendered_shop import changed, lane_in_picture, scene_of, shop

from edge_agent.bytes_level.shop import shop_of, world_of
from edge_agent.bytes_level.shopper import visit
from edge_agent.config.tree import PolicyConfig
from edge_agent.judging.habits import HABITS
from edge_agent.judging.hardware import HARDWARE, HardwareKind
from edge_agent.judging.suites import draw_shelf
from edge_agent.simulation.errors import NoPictureError
from edge_agent.simulation.scene import STEADY, Scene, packages_for, pictures_from

ICONIC = Path(__file__).parents[3] / "shared/data/grocery/iconic"


def test_what_is_taken_vanishes_from_its_lane_and_nowhere_else() -> None:
    world = shop()
    taken = world.take("OAT", 10.0)
    scene = scene_of(world)
    gone = changed(scene.picture(8.0), scene.picture(taken.t_release_s + 2.0))
    lane = world.goods.lane("OAT")
    assert gone.sum() > 1500
    assert not gone[~lane_in_picture(scene.pose, lane.x_mm, 400.0)].any()


def test_an_act_that_moves_nothing_leaves_the_picture_as_it_was() -> None:
    world = shop()
    pressed = world.press("RICE", 10.0, 900.0)
    scene = scene_of(world)
    before, meanwhile, after = (
        scene.picture(t_s) for t_s in (8.0, (pressed.t_start_s + pressed.t_release_s) / 2, pressed.t_release_s + 2.0)
    )
    assert changed(before, meanwhile).any()
    assert np.array_equal(before, after)
    assert scene.lanes_changed(8.0, pressed.t_release_s + 2.0) == frozenset()


def test_behind_what_was_taken_the_next_one_is_seen_farther_back() -> None:
    world = shop(opening=3)
    first = world.take("SOY", 10.0)
    last = world.take("SOY", 20.0, quantity=2)
    scene = scene_of(world)
    depths = [
        [item.y_mm for item in scene.standing_at(t_s) if item.lane_id == "SOY"]
        for t_s in (5.0, first.t_release_s, last.t_release_s)
    ]
    assert min(depths[1]) > min(depths[0])
    assert [len(each) for each in depths] == [3, 2, 0]


def test_goods_never_stand_in_one_another() -> None:
    world = shop(opening=8)
    world.take("GUM", 10.0, quantity=2)
    world.put_back("gum", "GUM", 20.0)
    world.put_back("gum", "GUM", 30.0)
    scene = scene_of(world)
    for t_s in (0.0, 18.0, 28.0, 40.0):
        row = sorted(item.y_mm for item in scene.standing_at(t_s) if item.lane_id == "GUM")
        assert np.diff(row).min() >= packages_for(world.site, "shelf", 300.0)["gum"].size_mm[1]


def test_what_is_put_into_another_lane_is_seen_there_before_all_others() -> None:
    world = shop()
    world.take("NUTS", 10.0)
    strayed = world.put_back("nuts", "RICE", 20.0)
    scene = scene_of(world)
    row = [item for item in scene.standing_at(strayed.t_release_s) if item.lane_id == "RICE"]
    assert min(row, key=lambda item: item.y_mm).sku == "nuts"
    gone = changed(scene.picture(18.0), scene.picture(strayed.t_release_s + 2.0))
    lane = world.goods.lane("RICE")
    assert gone.any()
    assert not gone[~lane_in_picture(scene.pose, lane.x_mm, 400.0)].any()


@pytest.mark.parametrize("kind", HARDWARE)
def test_after_a_visit_the_camera_sees_the_stock_that_the_cells_bear(kind: HardwareKind) -> None:
    site = shop_of(draw_shelf("variants", 6, 0), HARDWARE[kind], PolicyConfig())
    world = world_of(site, 6)
    opening = world.goods.stock()
    visit(world, HABITS, np.random.default_rng(6), 25)
    scene = Scene.of_world(world, packages_for(site, "shelf", 300.0), seed=6, look=STEADY)

    def seen(t_s: float) -> dict[str, dict[str, int]]:
        lanes: dict[str, dict[str, int]] = {lane_id: {} for lane_id in world.goods.standing}
        for item in scene.standing_at(t_s):
            lanes[item.lane_id][str(item.sku)] = lanes[item.lane_id].get(str(item.sku), 0) + 1
        return lanes

    assert seen(0.0) == opening
    assert seen(1e9) == world.goods.stock()


def test_acts_that_are_scheduled_later_are_seen_too() -> None:
    world = shop()
    scene = scene_of(world)
    full = scene.picture(5.0)
    taken = world.take("SOUP", 10.0)
    assert scene.lanes_changed(5.0, taken.t_release_s) == {"SOUP"}
    assert changed(full, scene.picture(taken.t_release_s + 2.0)).any()


def test_variants_of_a_product_look_alike_but_not_the_same() -> None:
    world = shop()
    looks = {"oat": 1, "soy": 1}
    plain = packages_for(world.site, "shelf", 300.0, looks=looks)
    same = (plain["oat"].front == plain["soy"].front).all(axis=2)
    assert 0.6 < same.mean() < 1.0


def test_product_pictures_lose_their_white_ground() -> None:
    if not ICONIC.is_dir():
        pytest.skip(f"{ICONIC} is absent")
    world = shop()
    skus = [item.sku for item in world.site.catalogue.items]
    packages = packages_for(world.site, "shelf", 300.0, pictures_from(ICONIC, skus, 1))
    for sku in skus:
        alpha = packages[sku].front[:, :, 3]
        assert alpha[0, 0] == 0 or alpha[0, -1] == 0, sku
        assert (alpha == 255).mean() > 0.7, sku
    scene = Scene.of_world(world, packages, seed=1)
    assert scene.picture(1.0).std() > 20


def test_a_folder_without_pictures_and_a_file_that_is_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(NoPictureError, match="name a folder of product pictures"):
        pictures_from(tmp_path, ["oat"], 1)
    broken = tmp_path / "oat.jpg"
    broken.write_bytes(b"no picture")
    with pytest.raises(NoPictureError, match=r"oat\.jpg"):
        packages_for(shop().site, "shelf", 300.0, {"oat": broken})

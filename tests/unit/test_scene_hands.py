"""The hands before the rendered shelf keep the instants of the truth, and carry what it says."""

from dataclasses import replace

import cv2
import numpy as np
from rendered_shop import changed, lane_in_picture, scene_of, shop

from edge_agent.simulation.scene import STEADY, SceneTrouble


def test_a_hand_is_at_the_item_when_it_leaves_the_shelf_and_away_before_and_after() -> None:
    world = shop()
    taken = world.take("OAT", 10.0)
    scene = scene_of(world)
    (move,) = taken.moves
    (hand,) = scene.hands_at(move.t_s)
    item = next(each for each in scene.standing_at(9.0) if each.true_x_mm == move.x_mm)
    assert hand.touching
    assert hand.across
    assert abs(hand.x_mm - item.x_mm) < 15
    assert scene.hands_at(taken.t_start_s - 1.0) == scene.hands_at(taken.t_release_s + 1.0) == ()


def test_an_item_is_in_the_hand_from_the_instant_at_which_it_leaves_the_shelf() -> None:
    world = shop()
    taken = world.take("OAT", 10.0)
    put = world.put_back("oat", "GUM", 20.0)
    scene = scene_of(world)
    carried = {
        t_s: scene.hands_at(t_s)[0].carrying
        for act in (taken, put)
        for t_s in (act.moves[0].t_s - 0.01, act.moves[0].t_s + 0.01)
    }
    assert list(carried.values()) == [(), ("oat",), ("oat",), ()]


def test_two_shoppers_at_once_are_two_arms() -> None:
    world = shop()
    first = world.press("GUM", 10.0, 500.0)
    second = world.press("RICE", 10.1, 500.0)
    scene = scene_of(world)
    t_s = (second.t_start_s + min(first.t_release_s, second.t_release_s)) / 2
    alone = scene_of(shop())
    opening = lane_in_picture(scene.pose, (0.0, 900.0), 0.0)
    arms = (opening & changed(alone.picture(t_s), scene.picture(t_s))).astype(np.uint8)
    opened = np.asarray(cv2.morphologyEx(arms, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8)))
    _, _, stats, _ = cv2.connectedComponentsWithStats(opened)
    assert (stats[1:, cv2.CC_STAT_AREA] > 5000).sum() == 2
    assert {hand.act_index for hand in scene.hands_at(t_s)} == {0, 1}
    assert scene.hands_across(t_s) == 2


def test_a_press_is_a_hand_on_its_lane_that_carries_nothing() -> None:
    world = shop()
    pressed = world.press("NUTS", 10.0, 700.0)
    scene = scene_of(world)
    (hand,) = scene.hands_at((pressed.t_start_s + pressed.t_release_s) / 2)
    left, right = world.goods.lane("NUTS").x_mm
    assert left < hand.x_mm < right
    assert hand.touching
    assert hand.carrying == ()


def test_a_hand_of_several_items_is_at_each_of_them_in_its_turn() -> None:
    world = shop()
    taken = world.take("SOUP", 10.0, quantity=4)
    scene = scene_of(world)
    left, right = world.goods.lane("SOUP").x_mm
    for move in taken.moves:
        (hand,) = scene.hands_at(move.t_s)
        assert hand.across
        assert left < hand.x_mm < right


def test_a_hand_that_touches_nothing_changes_nothing() -> None:
    scene = scene_of(shop(), replace(STEADY, idle_hands_per_minute=6.0))
    instants = [float(t_s) for t_s in np.arange(0, 60, 0.1)]
    seen = [hand for t_s in instants for hand in scene.hands_at(t_s) if hand.across]
    assert seen
    assert all(hand.act_index < 0 and not hand.touching for hand in seen)
    assert scene.lanes_changed(0.0, 60.0) == frozenset()


def test_a_body_hides_the_hand_behind_it() -> None:
    look = replace(STEADY, bodies_per_minute=40.0)
    world = shop()
    for place in range(12):
        world.press("OAT", 4.0 * place + 2.0, 500.0)
    scene, empty = scene_of(world, look), scene_of(shop(), look)
    hidden = [
        (float(t_s), hand)
        for t_s in np.arange(0, 50, 0.1)
        for hand in scene.hands_at(float(t_s))
        if hand.hidden and hand.across
    ]
    assert hidden
    for t_s, hand in hidden[:: max(len(hidden) // 5, 1)]:
        x, y = np.rint(scene.pose.to_px(np.array([[hand.x_mm, hand.y_mm, hand.z_mm]]))[0]).astype(int)
        assert np.array_equal(scene.picture(t_s)[y, x], empty.picture(t_s)[y, x])


def test_in_a_mirrored_picture_the_hand_is_at_the_other_end() -> None:
    world = shop()
    pressed = world.press("GUM", 10.0, 500.0)
    t_s = (pressed.t_start_s + pressed.t_release_s) / 2
    wrong = [SceneTrouble("mirrored", 0.0)]
    arm = changed(scene_of(shop(), troubles=wrong).picture(t_s), scene_of(world, troubles=wrong).picture(t_s))
    columns = np.flatnonzero(arm[300:640].any(axis=0))
    assert columns.min() > 640

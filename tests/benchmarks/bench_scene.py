"""What a rendered frame costs, with nobody at the shelf and with somebody; how far parallax shifts a hand."""

import time

import numpy as np
from bench_row import Row

from edge_agent.bytes_level.shop import shop_of, world_of
from edge_agent.bytes_level.shopper import visit
from edge_agent.config.tree import PolicyConfig
from edge_agent.judging.habits import HABITS
from edge_agent.judging.hardware import HARDWARE
from edge_agent.judging.suites import draw_shelf
from edge_agent.simulation.scene import Scene, packages_for

ACTS = 24
RATE_HZ = 5.0


def rows() -> list[Row]:
    """Return the median cost of small grey and of large colour frames over a visit, and of its moves the parallax."""
    site = shop_of(draw_shelf("distinct", 4, 0), HARDWARE["lane_cells"], PolicyConfig())
    world = world_of(site, 4)
    truths = visit(world, HABITS, np.random.default_rng(4), ACTS)
    scene = Scene.of_world(world, packages_for(site, site.shelves[0].shelf_id, 300.0), seed=4)
    instants = np.arange(0.0, truths[-1].t_release_s, 1 / RATE_HZ)
    busy = np.array([bool(scene.hands_at(t_s)) or scene.bodies_at(t_s) > 0 for t_s in instants])
    results = []
    for name, take, goal in (("grey 320×240", scene.grey, "≤ 3 ms"), ("colour 1280×960", scene.picture, "≤ 25 ms")):
        took_ms = np.zeros(len(instants))
        for place, t_s in enumerate(instants):
            start = time.process_time()
            take(float(t_s))
            took_ms[place] = 1e3 * (time.process_time() - start)
        for who, where in (("nobody", ~busy), ("somebody", busy)):
            results.append(
                Row(f"rendered frame, {name}, {who} there", float(np.median(took_ms[where])), "ms", goal=goal)
            )
    touches = [
        (hand.y_mm, abs(hand.seen_x_mm - hand.x_mm))
        for truth in truths
        for move in truth.moves
        for hand in scene.hands_at(move.t_s)
        if hand.act_index == truth.act_index
    ]
    behind_mm, beside_mm = np.median(touches, axis=0)
    results.append(Row("fingertips behind the front as an item moves", float(behind_mm), "mm"))
    results.append(Row("… and seen on it beside where they are", float(beside_mm), "mm"))
    return results

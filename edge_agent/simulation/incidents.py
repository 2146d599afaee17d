"""What else happens to a shelf: a slow hand, a bump, a compressor, water. Additions to a world's planned acts."""

import numpy as np

from edge_agent.model import FloatArray
from edge_agent.simulation.acts import Story
from edge_agent.simulation.forces import HandForce, LoadRamp, Vibration
from edge_agent.simulation.hands import reach_duration_s, touch_knots_g
from edge_agent.simulation.influence import load_shares
from edge_agent.simulation.truth import ActKind, ActTruth, ItemMove
from edge_agent.simulation.world import ShelfWorld

BUMP_S = (0.02, 0.08)
"""How long a trolley or a knee pushes, s (assumed, 2026-12)."""
SHAKEN_SHARE = (0.0005, 0.002)
"""Inertial force over the resting load: 5 to 20 mm/s², a floor beside a compressor (assumed, 2026-12)."""
COMPRESSOR_HZ = ((23.5, 24.9), (47.0, 49.8))
"""Four- and two-pole motors on 50 Hz mains, with slip, Hz (assumed, 2026-12)."""
WIPE_S = (1.0, 3.0)
WIPING_HAND_G = (200.0, 1000.0)

Rng = np.random.Generator


def lift_slowly(
    world: ShelfWorld,
    rng: Rng,
    lane_id: str,
    t_s: float,
    *,
    lift_s: float,
    hold_s: float = 0.0,
    held_share: float = 0.0,
) -> ActTruth:
    """Take the front-most item of a lane in ``lift_s``; before that hold ``held_share`` of its weight for ``hold_s``.

    The hand stays in contact all the time, and is as restless as any.
    """
    goods = world.goods
    shelf, sku = goods.shelf_of(lane_id), goods.lane(lane_id).sku
    item = goods.take(lane_id, sku)
    grasp_s, leave_s = 0.4 * reach_duration_s(rng, 1), 0.2
    load_g = goods.cell_load_g(shelf, item)
    half_s, gone_s = t_s + grasp_s + hold_s, t_s + grasp_s + hold_s + lift_s
    if held_share > 0:
        world.feel(shelf.shelf_id, LoadRamp(t_s + grasp_s / 2, t_s + grasp_s, -held_share * load_g))
    world.feel(shelf.shelf_id, LoadRamp(half_s, gone_s, -(1 - held_share) * load_g))
    _hand(world, rng, lane_id, t_s, gone_s + leave_s - t_s)
    move = ItemMove(sku, -1, lane_id, item.mass_g, gone_s, item.x_mm, item.y_mm)
    return _record(world, Story.LIFT_SLOWLY, ActKind.TAKE, shelf.shelf_id, (t_s, gone_s + leave_s), (move,))


def bump(world: ShelfWorld, rng: Rng, shelf_id: str, t_s: float, peak_g: float) -> ActTruth:
    """Push the whole shelf for an instant: its plates ring, and nothing moves."""
    lasts_s = float(rng.uniform(*BUMP_S))
    shares = rng.uniform(0.3, 1.0, size=_load_g(world, shelf_id).size)
    knots_g = peak_g * np.sin(np.pi * np.linspace(0.0, 1.0, 9))
    world.feel(shelf_id, HandForce(t_s, t_s + lasts_s, knots_g, shares / shares.sum()))
    return _record(world, Story.BUMP, ActKind.PRESS, shelf_id, (t_s, t_s + lasts_s), ())


def run_compressor(world: ShelfWorld, rng: Rng, shelf_id: str, from_s: float, until_s: float) -> None:
    """Shake a shelf with its goods by a motor's tone, every cell by what rests on it."""
    frequency_hz = float(rng.uniform(*COMPRESSOR_HZ[int(rng.integers(2))]))
    amplitude_g = float(rng.uniform(*SHAKEN_SHARE)) * np.abs(_load_g(world, shelf_id))
    world.feel(shelf_id, Vibration(from_s, until_s, frequency_hz, amplitude_g))


def condense(world: ShelfWorld, lane_id: str, from_s: float, until_s: float, mass_g: float) -> ActTruth:
    """Let water gather on a lane, evenly over a time: a thing that the store does not sell, left by nobody."""
    shelf_id = world.goods.lane(lane_id).shelf_id
    world.feel(shelf_id, LoadRamp(from_s, until_s, mass_g * _middle(world, lane_id)))
    move = ItemMove(None, 1, lane_id, mass_g, until_s)
    return _record(world, Story.CONDENSE, ActKind.FOREIGN_LEFT, shelf_id, (from_s, until_s), (move,))


def wipe(world: ShelfWorld, rng: Rng, lane_id: str, t_s: float, mass_g: float) -> ActTruth:
    """Wipe that water off, with a hand that leans on the cloth."""
    lasts_s = float(rng.uniform(*WIPE_S))
    shelf_id = world.goods.lane(lane_id).shelf_id
    world.feel(shelf_id, LoadRamp(t_s + 0.2 * lasts_s, t_s + 0.8 * lasts_s, -mass_g * _middle(world, lane_id)))
    _hand(world, rng, lane_id, t_s, lasts_s, float(rng.uniform(*WIPING_HAND_G)))
    move = ItemMove(None, -1, lane_id, mass_g, t_s + 0.8 * lasts_s)
    return _record(world, Story.WIPE, ActKind.FOREIGN_REMOVED, shelf_id, (t_s, t_s + lasts_s), (move,))


def _hand(world: ShelfWorld, rng: Rng, lane_id: str, t_s: float, lasts_s: float, press_g: float = 0.0) -> None:
    knots_g = touch_knots_g(rng, lasts_s, press_g)
    shelf_id = world.goods.lane(lane_id).shelf_id
    world.feel(shelf_id, HandForce(t_s, t_s + lasts_s, knots_g, _middle(world, lane_id)))


def _middle(world: ShelfWorld, lane_id: str) -> FloatArray:
    shelf = world.goods.shelf_of(lane_id)
    return load_shares(shelf, sum(world.goods.lane(lane_id).x_mm) / 2, shelf.depth_mm / 2)


def _load_g(world: ShelfWorld, shelf_id: str) -> FloatArray:
    return world.goods.load_g(shelf_id)


def _record(
    world: ShelfWorld,
    story: Story,
    kind: ActKind,
    shelf_id: str,
    t_s: tuple[float, float],
    moves: tuple[ItemMove, ...],
) -> ActTruth:
    return world.record(ActTruth(len(world.truths), story.value, kind, shelf_id, *t_s, moves))

"""What happens to a shelf besides planned acts: slow hands, bumps, motors, water, doors."""

import numpy as np
import pytest

from edge_agent.config import Site
from edge_agent.config.files import load_site
from edge_agent.demo.unit_files import seed_directory
from edge_agent.model import FloatArray
from edge_agent.simulation.incidents import bump, condense, lift_slowly, run_compressor, wipe
from edge_agent.simulation.truth import ActKind
from edge_agent.simulation.world import Air, ShelfWorld

SHELF = "ambient-lanes"


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(seed_directory() / "agent.toml")


@pytest.fixture
def world(site: Site) -> ShelfWorld:
    return ShelfWorld(site, 5)


def felt_g(world: ShelfWorld, *instants_s: float) -> FloatArray:
    return world.force_g(SHELF, np.array(instants_s))


def test_a_slow_hand_carries_part_of_the_weight_before_it_takes_the_rest(world: ShelfWorld) -> None:
    rng = np.random.default_rng(1)
    before_g = felt_g(world, 0.0)[0, 1]
    truth = lift_slowly(world, rng, "A2", 1.0, lift_s=0.5, hold_s=20.0, held_share=0.5)
    held_g = np.median(felt_g(world, *np.linspace(3.0, 20.0, 200))[:, 1])
    after_g = felt_g(world, truth.t_release_s + 0.1)[0, 1]
    assert before_g - after_g == pytest.approx(truth.moves[0].mass_g)
    assert before_g - held_g == pytest.approx(truth.moves[0].mass_g / 2, abs=150), "give or take a restless hand"
    assert (truth.kind, truth.items) == (ActKind.TAKE, (("spaghetti-500", -1, "A2"),))


def test_a_bump_is_over_at_once_and_moves_nothing(world: ShelfWorld) -> None:
    truth = bump(world, np.random.default_rng(1), SHELF, 1.0, 3000.0)
    before_g, pushed_g, after_g = felt_g(world, 0.5, (truth.t_start_s + truth.t_release_s) / 2, 1.2)
    assert (pushed_g - before_g).sum() == pytest.approx(3000.0)
    assert after_g.tolist() == before_g.tolist()
    assert (truth.kind, truth.moves) == (ActKind.PRESS, ())


def test_a_motor_shakes_every_cell_by_what_rests_on_it_and_leaves_nothing_behind(world: ShelfWorld) -> None:
    resting_g = felt_g(world, 0.0)[0]
    run_compressor(world, np.random.default_rng(1), SHELF, 1.0, 5.0)
    swing_g = felt_g(world, *np.linspace(2.0, 4.0, 2000)).std(axis=0) * np.sqrt(2)
    assert (swing_g / resting_g).min() * 1.02 >= 0.0005
    assert (swing_g / resting_g).max() <= 0.002 * 1.02
    assert np.ptp(swing_g / resting_g) < 1e-6
    assert felt_g(world, 5.5)[0].tolist() == resting_g.tolist()


def test_water_gathers_evenly_and_wiping_takes_it_off(world: ShelfWorld) -> None:
    dry_g, rng = felt_g(world, 0.0)[0, 0], np.random.default_rng(1)
    condense(world, "A1", 1.0, 61.0, 30.0)
    truth = wipe(world, rng, "A1", 70.0, 30.0)
    wet_g = felt_g(world, 31.0, 65.0, truth.t_release_s + 0.1)[:, 0] - dry_g
    assert wet_g == pytest.approx([15.0, 30.0, 0.0])
    assert truth.delta_g == -30.0
    assert truth.items == (), "nothing that the store sells"


def test_a_door_that_opens_is_a_step_of_the_air() -> None:
    air = Air(-18.0, step_c=10.0, step_at_s=5.0, step_s=4.0)
    assert [air.at(t_s) for t_s in (0.0, 5.0, 7.0, 9.0, 100.0)] == [-18.0, -18.0, -13.0, -8.0, -8.0]


def test_new_packs_and_half_used_items_are_put_up_with_their_own_weight(world: ShelfWorld) -> None:
    world.goods.bring("spaghetti-500", 2, factor=1.5)
    heavy = world.put_back("spaghetti-500", "A2", 1.0, 2)
    assert heavy.delta_g == pytest.approx(2 * 1.5 * 507, abs=20)
    taken = world.take("A1", 5.0)
    world.goods.use_up("coffee-beans-250", 0.4)
    returned = world.put_back("coffee-beans-250", "A1", 9.0)
    assert returned.delta_g == pytest.approx(-0.4 * taken.delta_g)
    assert returned.items == (("coffee-beans-250", 1, "A1"),), "it is what it is, however much is left"

"""What the level of bytes adds to physics: lagging cells, slow hands, lost readings, two shoppers, narrow plates."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from edge_agent.bytes_level.lost_rows import LONG_GAP_S, LostRows
from edge_agent.bytes_level.occasions import TOGETHER, occasions
from edge_agent.bytes_level.shop import HANDS, HYSTERESIS, draw_physics, shop_of, world_of
from edge_agent.bytes_level.shopper import visit
from edge_agent.config.tree import PolicyConfig
from edge_agent.judging.habits import HABITS
from edge_agent.judging.hardware import FOOTPRINT_MM, HARDWARE
from edge_agent.judging.suites import draw_shelf
from edge_agent.model import FloatArray
from edge_agent.simulation.adc import MainsTone
from edge_agent.simulation.board_source import BoardSource
from edge_agent.simulation.cell import CellPhysics, Cells
from edge_agent.simulation.hands import touch_knots_g
from edge_agent.simulation.truth import ActKind
from edge_agent.simulation.world import ShelfWorld


def lagging_only(hysteresis: float) -> Cells:
    physics = CellPhysics(10_000.0, nonlinearity=0, creep=0, zero_per_c=0, span_per_c=0, hysteresis=hysteresis)
    cells = Cells((physics,), np.zeros((1, 4)))
    cells.rest(np.zeros(1), 20.0)
    return cells


def up_and_down(cells: Cells, top_g: float) -> tuple[FloatArray, FloatArray]:
    """Return what is indicated beyond the load on the way up and down, (2, n), by rising load."""
    loads_g = np.linspace(0, top_g, 101)[:, None]
    up = (cells.sense(loads_g, 0.01, 20.0) - loads_g)[:, 0]
    down = (cells.sense(loads_g[::-1], 0.01, 20.0)[::-1] - loads_g)[:, 0]
    return up, down


def test_a_cell_indicates_more_on_the_way_down_by_what_its_data_sheet_states() -> None:
    up, down = up_and_down(lagging_only(HYSTERESIS), 10_000.0)
    assert (up[0], up[-1]) == pytest.approx((0, 0), abs=1e-9), "the calibration is true there"
    assert (down - up)[50] == pytest.approx(5.0), "0.05 % of 10 kg"
    assert (down >= up - 1e-9).all()


def test_small_loops_are_much_lower_than_their_width_and_no_loop_forgets_the_load() -> None:
    up, down = up_and_down(lagging_only(HYSTERESIS), 2_500.0)
    assert 0 < (down - up).max() < 5.0 / 4, "a quarter of the width, less than a quarter of the height"
    assert np.abs(up_and_down(lagging_only(0.0), 10_000.0)).max() == 0


def test_the_mains_leave_a_tone_of_tenths_of_a_gram() -> None:
    tone = MainsTone(np.array([0.2, 0.0]), np.random.default_rng(1)).at(np.arange(8000) / 80.0)
    assert np.abs(tone).max(axis=0) == pytest.approx([0.2, 0.0], abs=0.01)
    strongest = np.fft.rfftfreq(8000, 1 / 80)[np.abs(np.fft.rfft(tone[:, 0])).argmax()]
    assert strongest == pytest.approx(30.0, abs=0.15), "50 Hz folded down by 80 conversions a second"


def test_boards_differ_in_how_often_they_misread() -> None:
    site = shop_of(draw_shelf("store", 1, 0), HARDWARE["lane_cells"], PolicyConfig())
    shares = []
    for seed in range(6):
        physics = replace(
            draw_physics(np.random.default_rng(seed)), white_share=0.0, flicker_share=0.0, mains_share=0.0
        )
        source = BoardSource(world_of(site, seed), site.agent.boards[0].uid, physics)
        counts = source.block(np.arange(1, 1601) / 80).astype(np.float64)
        shares.append(float((np.abs(counts - np.median(counts, axis=0)) > 2000).mean()))
    assert 0.002 < min(shares) < max(shares) < 0.012
    assert max(shares) > 1.3 * min(shares)


def test_a_board_loses_a_few_readings_now_and_then_and_seldom_a_second_of_them() -> None:
    lost = LostRows(np.random.default_rng(3), 80.0)
    rows = [lost.due(t_s) for t_s in np.arange(0, 3000, 0.005)]
    short = sum(0 < each < 10 for each in rows) / 3000
    assert short == pytest.approx(lost.late_a_second, rel=0.15)
    assert {each for each in rows if each < 10} == {0, 1, 3}
    long_s = [each / 80 for each in rows if each >= 10]
    assert 4 <= len(long_s) <= 30
    assert LONG_GAP_S[0] - 0.01 <= min(long_s) <= max(long_s) <= LONG_GAP_S[1] + 0.01


def test_a_push_that_is_held_stays_above_half_for_nearly_all_of_it() -> None:
    knots_g = touch_knots_g(np.random.default_rng(1), 5.0, 10_000.0, 4.0)
    above_s = 0.05 * (knots_g > knots_g.max() / 2).sum()
    assert 3.5 < above_s <= 4.0
    assert knots_g.max() == pytest.approx(10_000, rel=0.1)


def test_slow_hands_lower_and_lift_in_their_time_and_their_acts_last_longer() -> None:
    site = shop_of(draw_shelf("distinct", 1, 0), HARDWARE["lane_cells"], PolicyConfig())
    slow = replace(
        HANDS, slow_lift_share=1.0, slow_landing_share=1.0, slow_landing_s=(0.8, 0.8), slow_lift_s=(0.6, 0.6)
    )
    world = ShelfWorld(site, 1, hands=slow)
    taken = world.take("L00", 5.0, 2)
    put = world.put_back("sku-00", "L00", 15.0)
    assert taken.t_release_s - taken.t_start_s > 1.2
    (move,) = put.moves
    assert move.t_s - put.t_start_s > 0.8, "nothing of it is there before the hand is"
    middle_s = move.t_s - 0.4
    before, at, after = (world.force_g("shelf", np.array([t_s]))[0, 0] for t_s in (14.9, middle_s, 20.0))
    assert before < at < after + 900


def test_a_shopper_in_twenty_is_not_alone_and_what_both_did_is_judged_together() -> None:
    pairs, total = 0, 0
    for number in range(12):
        site = shop_of(draw_shelf("distinct", 1, number), HARDWARE["lane_cells"], PolicyConfig())
        rng = np.random.default_rng(number)
        truths = visit(world_of(site, number), HABITS, rng, 25)
        joined = occasions(truths)
        assert len(joined) == 25
        assert all(first.t_release_s < second.t_start_s for first, second in pairwise(joined))
        assert sum(len(each.moves) for each in joined) == sum(len(each.moves) for each in truths)
        pairs, total = pairs + len(truths) - 25, total + 25
        both = [each for each in joined if each.story == TOGETHER]
        assert all(each.kind in {ActKind.TAKE, ActKind.PRESS} for each in both)
    assert 0.02 < pairs / total < 0.09


def test_items_stand_across_the_borders_of_narrow_plates_and_over_no_end() -> None:
    site = shop_of(draw_shelf("distinct", 1, 0), HARDWARE["narrow_plates"], PolicyConfig())
    world = world_of(site, 1)
    standing = [item for items in world.goods.standing.values() for item in items]
    assert {item.width_mm for item in standing} == {FOOTPRINT_MM}
    assert min(item.x_mm for item in standing) >= FOOTPRINT_MM / 2
    plates = [(world.goods.cell_load_g(site.shelves[0], item) > 0).sum() for item in standing]
    assert set(plates) == {2, 3}
    over = [
        item
        for lane_id, items in world.goods.standing.items()
        for item in items
        if item.x_mm + FOOTPRINT_MM / 2 > world.goods.lane(lane_id).x_mm[1]
    ]
    assert over, "lanes do not follow what stands in them"
    ideal = HARDWARE["narrow_plates"].shares(standing[0].x_mm, 0.0, 0)
    assert world.goods.cell_load_g(site.shelves[0], standing[0]) == pytest.approx(ideal * standing[0].mass_g)

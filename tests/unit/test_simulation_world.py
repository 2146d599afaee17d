"""A simulated shop: what the cells feel, what the truth says and what stands on the shelf are the same story."""

import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_agent.config import Site
from edge_agent.config.files import load_site
from edge_agent.model import AdcSamples, BoardUp, FloatArray, IntArray
from edge_agent.simulation.acts import Movement, PlannedAct, Story
from edge_agent.simulation.board_source import BoardSource
from edge_agent.simulation.errors import ImpossibleActError
from edge_agent.simulation.hardware import BoardPhysics
from edge_agent.simulation.offline import samples
from edge_agent.simulation.truth import ActKind
from edge_agent.simulation.world import Air, ShelfWorld

LANE_BOARD = "8c1f64a0e2070001"
PLATFORM_BOARD = "8c1f64a0e2070002"
RATE_HZ = 80.0


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(Path(__file__).parents[2] / "config" / "agent.toml")


def grams(site: Site, uid: str, counts: FloatArray | IntArray) -> FloatArray:
    """Convert as a technician would, by the calibration alone."""
    calibration = site.calibration(uid)
    assert calibration is not None
    zero = np.array([channel.zero_counts for channel in calibration.channels])
    span = np.array([channel.counts_per_g for channel in calibration.channels])
    return np.asarray((counts - zero) / span)


def recorded_g(world: ShelfWorld, uid: str, until_s: float, physics: BoardPhysics | None = None) -> FloatArray:
    """Return one board's readings, g, (rows, channels), from the world's start."""
    source = BoardSource(world, uid, physics)
    rows = [source.block(np.arange(first + 1, first + 17) / RATE_HZ) for first in range(0, int(until_s * RATE_HZ), 16)]
    return grams(world.site, uid, np.concatenate(rows))


def between(mass_g: FloatArray, start_s: float, end_s: float) -> FloatArray:
    return mass_g[int(start_s * RATE_HZ) : int(end_s * RATE_HZ)]


def test_a_taken_item_is_missing_from_its_lane_by_its_own_weight(site: Site) -> None:
    world = ShelfWorld(site, 3)
    truth = world.take("A4", 2.0)
    mass_g = recorded_g(world, LANE_BOARD, 8.0)
    change_g = between(mass_g, truth.t_release_s + 1.5, 8).mean(axis=0) - between(mass_g, 0, 2).mean(axis=0)
    assert change_g[3] == pytest.approx(-truth.moves[0].mass_g, abs=0.5)
    assert np.abs(np.delete(change_g, 3)).max() < 0.2
    assert truth.items == (("chopped-tomatoes-400", -1, "A4"),)


def test_on_a_platform_the_missing_weight_points_at_the_lane(site: Site) -> None:
    world = ShelfWorld(site, 4)
    truth = world.take("D4", 2.0, quantity=2)
    mass_g = recorded_g(world, PLATFORM_BOARD, 10.0)
    change_g = between(mass_g, truth.t_release_s + 1.5, 10).mean(axis=0) - between(mass_g, 0, 2).mean(axis=0)
    x_mm = np.array([channel.x_mm for channel in site.shelves[1].channels])
    assert change_g.sum() == pytest.approx(truth.delta_g, abs=1.0)
    assert 450 < change_g @ x_mm / change_g.sum() < 600


def test_the_opening_shelf_weighs_what_stands_on_it(site: Site) -> None:
    world = ShelfWorld(site, 5)
    expected_g = sum(
        item.mass_g for lane in site.planogram.on_shelf("dairy-platform") for item in world.goods.standing[lane.lane_id]
    )
    read_g = recorded_g(world, PLATFORM_BOARD, 2.0).mean(axis=0).sum()
    assert read_g == pytest.approx(expected_g, rel=1e-3)
    assert world.goods.stock() == {lane.lane_id: {lane.sku: lane.opening_count} for lane in site.planogram.lanes}


def test_quiet_readings_are_as_noisy_as_the_cells_data_sheet_says(site: Site) -> None:
    mass_g = recorded_g(ShelfWorld(site, 6), LANE_BOARD, 20.0)
    assert mass_g.std(axis=0) == pytest.approx(np.full(6, np.hypot(0.12, 0.03)), rel=0.15)


def test_a_press_of_ten_kilograms_shows_on_the_platform_and_leaves_nothing_behind(site: Site) -> None:
    world = ShelfWorld(site, 7)
    truth = world.press("D3", 2.0, 10_500)
    total_g = recorded_g(world, PLATFORM_BOARD, 8.0).sum(axis=1)
    before_g = between(total_g, 0, 2).mean()
    assert 9000 < total_g.max() - before_g < 13_000
    assert between(total_g, truth.t_release_s + 2, 8).mean() == pytest.approx(before_g, abs=0.5)
    assert truth.kind is ActKind.PRESS
    assert truth.items == ()


def test_a_press_beyond_the_stop_clamps_on_a_small_cell(site: Site) -> None:
    world = ShelfWorld(site, 7)
    world.press("A1", 2.0, 40_000)
    mass_g = recorded_g(world, LANE_BOARD, 5.0)
    assert mass_g[:, 0].max() == pytest.approx(7500, rel=0.01)


def test_a_landing_rings_and_the_ringing_dies_away(site: Site) -> None:
    world = ShelfWorld(site, 8)
    world.leave_foreign("A2", 2.0, 600.0)
    soft = BoardPhysics(white_share=0, flicker_share=0)
    released_s = world.truths[0].t_release_s
    lane_g = recorded_g(world, LANE_BOARD, released_s + 4, soft)[:, 1]
    final_g = lane_g[-1]
    at_release = np.abs(between(lane_g, released_s - 0.5, released_s) - final_g).max()
    later = np.abs(between(lane_g, released_s + 1.5, released_s + 2.5) - final_g).max()
    assert at_release > 10
    assert later < 0.1


def test_truth_items_stock_and_cell_loads_agree_after_a_busy_session(site: Site) -> None:
    world = ShelfWorld(site, 9)
    opening_g = world.goods.load_g("dairy-platform")
    opening_stock = world.goods.stock()
    world.take("D3", 2, 4)
    world.take("D6", 8)
    world.put_back("salted-butter-250", "D6", 14)
    world.take("D6", 20, sku="salted-butter-250")
    world.put_back("salted-butter-250", "D3", 26, quantity=2)
    told: dict[str, dict[str, int]] = {lane_id: dict(counts) for lane_id, counts in opening_stock.items()}
    for truth in world.truths:
        for sku, quantity, lane_id in truth.items:
            told[lane_id][sku] = told[lane_id].get(sku, 0) + quantity
    assert {lane: {sku: n for sku, n in counts.items() if n} for lane, counts in told.items()} == world.goods.stock()
    moved_g = sum(truth.delta_g for truth in world.truths)
    assert world.goods.load_g("dairy-platform").sum() - opening_g.sum() == pytest.approx(moved_g)
    assert world.force_g("dairy-platform", np.array([60.0]))[0] == pytest.approx(world.goods.load_g("dairy-platform"))


def test_every_item_of_a_take_leaves_at_its_own_instant_within_the_act(site: Site) -> None:
    world = ShelfWorld(site, 10)
    truth = world.take("A3", 5.0, quantity=4)
    instants = [move.t_s for move in truth.moves]
    assert len(instants) == 4
    assert instants == sorted(set(instants))
    assert instants[0] > 5.0
    assert instants[-1] < truth.t_release_s < 5.0 + 1.5 + 3 * 0.8
    fall_g = [world.force_g("ambient-lanes", np.array([each + 1e-6]))[0].sum() for each in (0.0, 60.0)]
    assert fall_g[0] - fall_g[1] == pytest.approx(-truth.delta_g)


def test_two_products_in_one_reach_are_one_act(site: Site) -> None:
    world = ShelfWorld(site, 11)
    movements = (Movement("A1", -1, "coffee-beans-250"), Movement("A5", -1, "sea-salt-crisps-150"))
    truth = world.perform(PlannedAct(3.0, Story.TAKE_TWO_PRODUCTS, movements))
    assert truth.kind is ActKind.TAKE
    assert truth.items == (("coffee-beans-250", -1, "A1"), ("sea-salt-crisps-150", -1, "A5"))
    swap = (Movement("A1", -1, "coffee-beans-250"), Movement("A1", 1, "coffee-beans-250"))
    assert world.perform(PlannedAct(9.0, Story.TAKE_ONE, swap)).kind is ActKind.EXCHANGE


def test_a_foreign_object_loads_the_shelf_and_is_no_stock(site: Site) -> None:
    world = ShelfWorld(site, 12)
    stock = world.goods.stock()
    left = world.leave_foreign("D1", 2.0, 333.0)
    removed = world.remove_foreign("D1", 9.0)
    assert (left.kind, removed.kind) == (ActKind.FOREIGN_LEFT, ActKind.FOREIGN_REMOVED)
    assert (left.delta_g, removed.delta_g) == (333.0, -333.0)
    assert world.goods.stock() == stock


def test_a_stale_catalogue_does_not_change_what_the_goods_weigh(site: Site) -> None:
    world = ShelfWorld(site, 13, true_weights_g={"spaghetti-500": 560.0})
    assert world.take("A2", 1.0).moves[0].mass_g == pytest.approx(560, abs=12)


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(site: Site) -> None:
    def recording(seed: int) -> bytes:
        world = ShelfWorld(site, seed)
        world.take("A1", 1.0)
        world.press("D2", 2.0, 2000)
        blocks = [each for each in samples(world, 4.0) if isinstance(each, AdcSamples)]
        return b"".join(each.counts.tobytes() for each in blocks)

    assert recording(1) == recording(1)
    assert recording(1) != recording(2)


def test_a_board_that_is_read_live_sees_what_the_offline_recording_says(site: Site) -> None:
    worlds = [ShelfWorld(site, 14), ShelfWorld(site, 14)]
    for world in worlds:
        world.take("A2", 0.5, press_g=3000)
    blocks = [each for each in samples(worlds[0], 3.0) if isinstance(each, AdcSamples) and each.board_uid == LANE_BOARD]
    source = BoardSource(worlds[1], LANE_BOARD)
    live = np.array([source.counts(index, (index + 1) / RATE_HZ) for index in range(240)])
    # Creep moves once a block: up to 0.01 g, at 430 counts a gram.
    assert np.abs(live - np.concatenate([block.counts for block in blocks])).max() <= 5


def test_a_minute_asked_for_at_once_is_the_minute_asked_for_in_pieces(site: Site) -> None:
    at_once, in_pieces = (BoardSource(ShelfWorld(site, 14), PLATFORM_BOARD) for _ in range(2))
    t_s = np.arange(1, 4801) / RATE_HZ
    pieces = np.concatenate([in_pieces.block(part) for part in np.split(t_s, 75)])
    assert np.array_equal(at_once.block(t_s), pieces)


def test_offline_messages_introduce_every_board_and_come_in_order_of_arrival(site: Site) -> None:
    messages = list(samples(ShelfWorld(site, 15), 2.0, start_ns=5_000_000_000))
    ups = [each for each in messages if isinstance(each, BoardUp)]
    blocks = [each for each in messages if isinstance(each, AdcSamples)]
    assert [(up.board_uid, up.channel_count) for up in ups] == [(LANE_BOARD, 6), (PLATFORM_BOARD, 4)]
    arrivals = [int(block.t_ns[-1]) for block in blocks]
    assert arrivals == sorted(arrivals)
    assert arrivals[-1] == 7_000_000_000
    first = [block.first_index for block in blocks if block.board_uid == LANE_BOARD]
    assert first == list(range(0, 160, 8))


def test_a_board_that_was_silent_for_a_minute_finds_the_shelf_as_it_is_now(site: Site) -> None:
    world = ShelfWorld(site, 16)
    truth = world.take("A6", 5.0, 3)
    source = BoardSource(world, LANE_BOARD)
    before_g = grams(site, LANE_BOARD, np.array([source.counts(k, (k + 1) / RATE_HZ) for k in range(80)]))
    after_g = grams(site, LANE_BOARD, np.array([source.counts(k, 60 + k / RATE_HZ) for k in range(80)]))
    assert (after_g - before_g)[:, 5].mean() == pytest.approx(truth.delta_g, abs=1.0)
    assert after_g[:, 5].std() < 0.3


def test_a_shelf_on_two_boards_loses_no_weight_between_them(site: Site) -> None:
    platform = site.shelves[1]
    channels = tuple(
        msgspec.structs.replace(channel, board_uid=LANE_BOARD, index=index + 4) if index < 2 else channel
        for index, channel in enumerate(platform.channels)
    )
    shelves = (msgspec.structs.replace(platform, channels=channels),)
    lanes = msgspec.structs.replace(site.planogram, lanes=site.planogram.on_shelf("dairy-platform"))
    world = ShelfWorld(msgspec.structs.replace(site, shelves=shelves, planogram=lanes), 17)
    truth = world.take("D2", 2.0)
    boards = {uid: BoardSource(world, uid) for uid in (LANE_BOARD, PLATFORM_BOARD)}
    assert [source.channel_count for source in boards.values()] == [6, 4]
    spans = {LANE_BOARD: 429.9, PLATFORM_BOARD: 107.4}  # the first board's inputs carry their own calibration
    change_g = 0.0
    for uid, source in boards.items():
        counts = np.array([source.counts(k, (k + 1) / RATE_HZ) for k in range(640)], dtype=float)
        change = counts[500:].mean(axis=0) - counts[:150].mean(axis=0)
        change_g += change.sum() / spans[uid]
    assert change_g == pytest.approx(truth.delta_g, rel=0.01)


def test_a_board_that_no_shelf_uses_is_refused_by_name(site: Site) -> None:
    with pytest.raises(ValueError, match="board 00000000000000ff: no shelf has a channel on it"):
        BoardSource(ShelfWorld(site, 1), "00000000000000ff")


def test_a_careless_board_misreads_as_often_as_told(site: Site) -> None:
    world = ShelfWorld(site, 18)
    mass_g = recorded_g(world, LANE_BOARD, 60.0, BoardPhysics(glitch_rate=0.02))
    off = np.abs(mass_g - np.median(mass_g, axis=0)) > 2.0
    assert 0.005 < off.mean() < 0.02  # the loss of the lowest bits alone hides below the noise


def test_a_warming_shop_moves_the_zero_slowly(site: Site) -> None:
    world = ShelfWorld(site, 19, air=Air(swing_c=8.0, period_s=1200.0))
    mass_g = recorded_g(world, PLATFORM_BOARD, 300.0).sum(axis=1)
    drift_g = abs(between(mass_g, 295, 300).mean() - between(mass_g, 0, 5).mean())
    assert 0.2 < drift_g < 20


def test_acts_that_cannot_happen_are_refused_with_the_reason(site: Site) -> None:
    world = ShelfWorld(site, 20)
    stock = world.goods.stock()
    with pytest.raises(ImpossibleActError, match="lane A6: no orange-marmalade-340 stands there"):
        world.take("A6", 5.0, 8)
    assert world.goods.stock() == stock
    world.take("A6", 5.0, 7)
    with pytest.raises(ImpossibleActError, match="lane A6: no orange-marmalade-340 stands there"):
        world.take("A6", 12.0)
    with pytest.raises(ImpossibleActError, match="nobody holds a spaghetti-500"):
        world.put_back("spaghetti-500", "A2", 20.0)
    with pytest.raises(ImpossibleActError, match="lane 'Z9' is not in the planogram"):
        world.take("Z9", 30.0)
    with pytest.raises(ImpossibleActError, match="lane A1: no foreign object stands there"):
        world.remove_foreign("A1", 40.0)
    both = (Movement("A1", -1, "coffee-beans-250"), Movement("D1", -1, "oat-drink-barista-1000"))
    with pytest.raises(ImpossibleActError, match="one act, one shelf"):
        world.perform(PlannedAct(50.0, Story.TAKE_TWO_PRODUCTS, both))
    with pytest.raises(ImpossibleActError, match=r"the act before it starts at 5\.0 s"):
        world.take("A1", 4.0)


def test_acts_can_be_scheduled_while_boards_are_being_read(site: Site) -> None:
    world = ShelfWorld(site, 21)
    source = BoardSource(world, LANE_BOARD)
    readings: list[list[int]] = []

    def read() -> None:
        readings.extend(source.counts(index, (index + 1) / RATE_HZ) for index in range(4000))

    reader = threading.Thread(target=read)
    reader.start()
    for index in range(12):
        world.take("A3", 46.0 + index * 0.1, 1)
    reader.join()
    mass_g = grams(site, LANE_BOARD, np.array(readings))
    # Scheduled late or in time: once a later instant is read, every item is gone.
    source.counts(0, 70.0)
    ended_g = grams(site, LANE_BOARD, np.array([source.counts(0, 70 + index / RATE_HZ) for index in range(1, 80)]))
    lost_g = -sum(truth.delta_g for truth in world.truths)
    assert mass_g[:40, 2].mean() - ended_g[:, 2].mean() == pytest.approx(lost_g, rel=0.01)

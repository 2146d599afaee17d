"""Dating: how near the host's time of a conversion is to the moment it happened."""

from __future__ import annotations

import random

import numpy as np
import pytest

from firmware_bridge.clocksync import (
    BURST_QUERIES,
    UNANSWERED_LIMIT,
    BoardClock,
    ClockAnswer,
    ForgettingLine,
    unwrap32,
)
from firmware_bridge.timeline import Int64Array, Misdated, SampleTimeline

NS = 1_000_000_000


class World:
    """A board whose crystal is off by `ppm`, behind a wire with jitter; host time starts at a machine's uptime."""

    def __init__(self, *, tick_rate_hz: int = 2_000_000, ppm: float = 40.0, tick_start: int = 0, seed: int = 1) -> None:
        self.tick_rate_hz = tick_rate_hz
        self.true_rate = tick_rate_hz * (1 + ppm * 1e-6)
        self.tick_start = tick_start
        self.host_start_ns = 86_400 * NS
        self.now_ns = self.host_start_ns
        self.random = random.Random(seed)
        self.clock = BoardClock(tick_rate_hz)

    def ticks(self, host_ns: int) -> int:
        return self.tick_start + int((host_ns - self.host_start_ns) / NS * self.true_rate)

    def host_of(self, tick: int) -> float:
        return self.host_start_ns + (tick - self.tick_start) / self.true_rate * NS

    def query(self, *, late_ns: int = 0) -> ClockAnswer:
        there = 300_000 + int(self.random.expovariate(1 / 100_000)) + late_ns
        back = 300_000 + int(self.random.expovariate(1 / 100_000))
        tick = self.ticks(self.now_ns + there)
        answer = self.clock.answered(self.now_ns, self.now_ns + there + back, tick & 0xFFFFFFFF)
        self.now_ns += max(self.clock.interval_ns, there + back)  # one query at a time
        return answer

    def run(self, seconds: float) -> None:
        until_ns = self.now_ns + int(seconds * NS)
        while self.now_ns < until_ns:
            self.query()

    def error_ms(self, host_ns: int) -> float:
        tick = self.ticks(host_ns)
        return (self.clock.host_ns(self.clock.unwrap(tick & 0xFFFFFFFF)) - self.host_of(tick)) / 1e6


def test_samples_can_be_dated_within_half_a_second_of_the_first_query() -> None:
    world = World()
    started_ns = world.now_ns
    while not world.clock.ready:
        world.query()
    assert world.now_ns - started_ns <= 1.5 * NS
    assert BURST_QUERIES * 50_000_000 <= 0.5 * NS
    assert abs(world.error_ms(world.now_ns)) < 0.5


@pytest.mark.parametrize("ppm", [-5000.0, -40.0, 0.0, 100.0, 5000.0])
def test_dates_stay_within_a_third_of_a_millisecond_for_crystal_and_ceramic_clocks(ppm: float) -> None:
    world = World(ppm=ppm)
    world.run(30)
    errors = []
    for _ in range(300):
        world.query()
        errors.append(world.error_ms(world.now_ns - 500_000_000))
    assert max(map(abs, errors)) < 0.33
    assert world.clock.rate_hz == pytest.approx(world.true_rate, rel=20e-6)
    assert world.clock.residual_sigma_ns < 300_000


def test_the_32_bit_tick_wraps_every_four_minutes_and_nobody_notices() -> None:
    world = World(tick_rate_hz=16_000_000, tick_start=(1 << 32) - 1_000_000)
    world.run(5)
    worst = 0.0
    for _ in range(3600):
        world.query()
        worst = max(worst, abs(world.error_ms(world.now_ns - 100_000_000)))
    assert world.ticks(world.now_ns) >> 32 >= 13
    assert worst < 0.4


def test_precision_survives_a_year_of_uptime() -> None:
    line = ForgettingLine()
    start = 365 * 86_400 * NS
    for second in range(100):
        line.add(start + second * NS, (start // NS + second) * 2_000_000 + 7)
    whole, rest = line.x_at((start // NS + 200) * 2_000_000 + 7, line.slope)
    assert whole + rest == pytest.approx(start + 200 * NS, abs=1)


def test_an_answer_held_up_by_the_host_is_dropped_and_moves_nothing() -> None:
    world = World()
    world.run(20)
    before = world.error_ms(world.now_ns)
    for _ in range(5):
        assert world.query(late_ns=20_000_000) is ClockAnswer.LATE
        assert world.query() is ClockAnswer.ACCEPTED
    assert world.clock.late == 5
    assert abs(world.error_ms(world.now_ns) - before) < 0.2


def test_a_hiccup_in_the_first_burst_does_not_bend_the_clock() -> None:
    world = World()
    for number in range(BURST_QUERIES):
        world.query(late_ns=30_000_000 if number in (2, 5) else 0)
    assert world.clock.ready
    world.run(3)
    assert abs(world.error_ms(world.now_ns)) < 0.5


@pytest.mark.parametrize("moved_s", [-10.0, -0.1, 0.1])
def test_a_clock_that_moved_for_good_is_a_step_within_a_fifth_of_a_second_of_the_first_doubt(moved_s: float) -> None:
    world = World()
    world.run(20)
    world.tick_start += round(world.tick_rate_hz * moved_s)
    first_ns = world.now_ns
    answers = [world.query() for _ in range(3)]
    assert answers == [ClockAnswer.DOUBTFUL] * 3
    assert world.now_ns - first_ns <= 0.2 * NS
    assert world.query() is ClockAnswer.STEPPED


def test_one_impossible_tick_is_forgotten_with_the_next_good_one() -> None:
    world = World()
    world.run(20)
    before = world.error_ms(world.now_ns)
    for _ in range(6):
        world.tick_start += world.tick_rate_hz
        assert world.query() is ClockAnswer.DOUBTFUL
        world.tick_start -= world.tick_rate_hz
        assert world.query() is ClockAnswer.ACCEPTED
    assert abs(world.error_ms(world.now_ns) - before) < 0.2


def test_a_host_at_full_load_for_a_minute_neither_moves_the_clock_nor_doubts_it() -> None:
    world = World(seed=7)
    world.run(20)
    for _ in range(60):
        answer = world.query(late_ns=round(world.random.expovariate(1 / 80e6)))
        assert answer in (ClockAnswer.ACCEPTED, ClockAnswer.LATE)
        assert abs(world.error_ms(world.now_ns)) < 3
    assert world.clock.late > 40
    world.run(10)
    assert abs(world.error_ms(world.now_ns)) < 1


def test_a_first_burst_on_a_stalled_host_asks_on_until_it_knows_the_time() -> None:
    world = World(seed=3)
    delays_ms = [1500, 400, 900, 0, 700, 300, 0, 600, 2000, 0, 800, 500, 0, 0]
    for delay_ms in delays_ms:
        world.query(late_ns=delay_ms * 1_000_000)
        if world.clock.ready:
            break
    assert world.clock.ready
    assert delay_ms == 0
    for _ in range(30):
        assert world.query() is ClockAnswer.ACCEPTED
        assert abs(world.error_ms(world.now_ns)) < 3
    assert abs(world.error_ms(world.now_ns)) < 1


def test_where_nothing_is_ever_prompt_the_best_answers_make_the_clock_and_good_ones_mend_it() -> None:
    world = World(seed=11)
    asked = 0
    while not world.clock.ready:
        world.query(late_ns=round(world.random.uniform(2e6, 60e6)))
        asked += 1
    assert asked <= 24
    for _ in range(20):
        assert world.query() in (ClockAnswer.ACCEPTED, ClockAnswer.LATE)
    assert abs(world.error_ms(world.now_ns)) < 3


def test_a_first_line_that_a_jittery_burst_bent_is_mended_and_not_taken_for_a_restart() -> None:
    world = World()
    for number in range(BURST_QUERIES):
        world.query(late_ns=100_000 * number)
    for _ in range(30):
        assert world.query() is ClockAnswer.ACCEPTED
    assert abs(world.error_ms(world.now_ns)) < 1


def test_a_stall_right_after_a_jittery_burst_does_not_stretch_its_jitter_into_tens_of_milliseconds() -> None:
    for seed in range(20):
        world = World(seed=seed)
        while not world.clock.ready:
            world.query(late_ns=round(world.random.uniform(0, 6e6)))
        assert abs(world.error_ms(world.now_ns + 3 * NS)) < 8


def test_a_minute_of_standing_still_is_no_doubt() -> None:
    world = World(ppm=3000.0)
    while not world.clock.ready:
        world.query()
    world.now_ns += 60 * NS
    assert world.query() is ClockAnswer.ACCEPTED


def test_answers_that_always_come_too_late_keep_the_board_for_half_a_minute_and_no_longer() -> None:
    world = World()
    world.run(5)
    for number in range(1, 31):
        world.clock.missed()
        assert world.clock.dead is (number == 30)
        world.clock.heard()


def test_a_reset_within_the_first_burst_starts_the_burst_over() -> None:
    world = World(tick_start=5_000_000)
    for _ in range(5):
        world.query()
    world.host_start_ns, world.tick_start = world.now_ns, 0
    ready = []
    for _ in range(BURST_QUERIES):
        world.query()
        ready.append(world.clock.ready)
    assert ready == [False] * (BURST_QUERIES - 1) + [True]
    assert abs(world.error_ms(world.now_ns)) < 0.5


def test_four_unanswered_queries_in_a_row_are_a_dead_clock_and_one_answer_revives_it() -> None:
    world = World()
    world.run(5)
    dead = []
    for _ in range(UNANSWERED_LIMIT):
        world.clock.missed()
        dead.append(world.clock.dead)
    assert dead == [False] * (UNANSWERED_LIMIT - 1) + [True]
    world.query()
    assert not world.clock.dead


@pytest.mark.parametrize(
    ("low", "near", "full"),
    [(5, (1 << 32) - 3, (1 << 32) + 5), (0xFFFFFFFF, 1 << 32, (1 << 32) - 1), (7, 7, 7)],
)
def test_unwrapping_takes_the_nearest_value(low: int, near: int, full: int) -> None:
    assert unwrap32(low, near) == full


def date(timeline: SampleTimeline, index: int, rows: int, tick: int, read_ns: int) -> Int64Array:
    """Date a frame that can be dated."""
    t_ns = timeline.date(index, rows, tick & 0xFFFFFFFF, read_ns)
    assert not isinstance(t_ns, Misdated)
    return t_ns


def dated(world: World, *, rate_hz: float, true_hz: float, rows: int, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Host times given to samples, and the true ones, for a converter with its own oscillator."""
    world.run(10)
    timeline = SampleTimeline(world.clock, rate_hz)
    given, true = [], []
    first_ns = world.now_ns
    for frame in range(frames):
        moments = [first_ns + round((frame * rows + row + 1) / true_hz * NS) for row in range(rows)]
        while world.now_ns < moments[-1]:
            world.query()
        given.append(date(timeline, frame * rows, rows, world.ticks(moments[-1]), world.now_ns))
        true.append(np.array(moments))
    return np.concatenate(given), np.concatenate(true)


@pytest.mark.parametrize(
    ("rate_hz", "true_hz", "rows", "frames", "bound_ms"),
    [(80.0, 80.0, 1, 800, 0.5), (80.0, 93.6, 1, 800, 0.5), (10.0, 9.6, 4, 100, 0.5), (1 / 30, 1 / 31, 1, 60, 0.5)],
)
def test_every_row_is_dated_truly_and_times_only_rise(
    rate_hz: float, true_hz: float, rows: int, frames: int, bound_ms: float
) -> None:
    given, true = dated(World(), rate_hz=rate_hz, true_hz=true_hz, rows=rows, frames=frames)
    assert given.dtype == np.int64
    assert np.all(np.diff(given) > 0)
    settled = slice(2 * rows, None)
    assert np.max(np.abs(given - true)[settled]) / 1e6 < bound_ms


def test_before_the_rate_is_known_rows_are_spaced_by_the_nominal_one() -> None:
    world = World()
    world.run(10)
    t_ns = date(SampleTimeline(world.clock, 100.0), 0, 5, world.ticks(world.now_ns), world.now_ns)
    assert np.diff(t_ns) == pytest.approx(10_000_000, rel=1e-4)


def test_a_pause_of_the_converters_restarts_the_line_instead_of_smearing_it() -> None:
    world = World()
    world.run(10)
    timeline = SampleTimeline(world.clock, 80.0)
    moment = world.now_ns
    for index in range(40):
        moment += NS // 80
        date(timeline, index, 1, world.ticks(moment), moment)
    moment += 400_000_000
    (t_ns,) = date(timeline, 40, 1, world.ticks(moment), moment)
    assert timeline.restarts == 1
    assert abs(t_ns - moment) / 1e6 < 0.5


@pytest.mark.parametrize("rows", [1, 3])
def test_time_never_turns_back_when_a_new_timeline_disagrees_with_the_old(rows: int) -> None:
    world = World()
    world.run(10)
    after_ns = world.now_ns + 5_000_000
    t_ns = date(SampleTimeline(world.clock, 80.0, after_ns), 0, rows, world.ticks(world.now_ns), world.now_ns)
    assert t_ns[0] > after_ns
    assert np.all(np.diff(t_ns) > 0)


@pytest.mark.parametrize(
    ("wild_s", "said"),
    [(1000.0, Misdated.AHEAD), (0.1, Misdated.AHEAD), (-0.1, Misdated.BEHIND), (-1000.0, Misdated.BEHIND)],
)
@pytest.mark.parametrize("rows", [1, 3])
def test_a_tick_that_cannot_be_true_is_refused_and_moves_no_later_date(
    wild_s: float, said: Misdated, rows: int
) -> None:
    world = World()
    world.run(10)
    timeline = SampleTimeline(world.clock, 80.0)
    errors = []
    for frame in range(60):
        moment = world.now_ns + (frame + 1) * rows * NS // 80
        read_ns = moment + 3_000_000
        tick = world.ticks(moment)
        if frame == 30:
            before_ns = timeline.last_ns
            wild = int(tick + wild_s * world.true_rate) & 0xFFFFFFFF
            assert timeline.date(frame * rows, rows, wild, read_ns) is said
            assert timeline.last_ns == before_ns
            continue
        errors.append(date(timeline, frame * rows, rows, tick, read_ns)[-1] - moment)
    assert np.max(np.abs(errors)) < 500_000
    assert timeline.restarts == 0


def test_no_row_is_dated_later_than_it_was_read_however_wrong_the_lines_are() -> None:
    world = World()
    world.run(10)
    read_ns = world.now_ns
    t_ns = date(SampleTimeline(world.clock, 80.0), 0, 3, world.ticks(read_ns + 8_000_000), read_ns)
    assert t_ns[-1] == read_ns
    assert np.diff(t_ns) == pytest.approx(12_500_000, rel=1e-3)

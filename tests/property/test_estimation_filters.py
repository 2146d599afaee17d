"""The filters against their textbook: Kalman bank, plain-float Kalman, GLR and the glitch gate."""

from statistics import NormalDist

import numpy as np
import pytest
from filterpy.kalman import KalmanFilter
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.estimation.fault_gate import FaultGate
from edge_agent.estimation.glr import LONGEST, WINDOWS, DyadicGlr
from edge_agent.estimation.kalman_bank import KalmanBank
from edge_agent.estimation.kalman_scalar import KalmanFew
from edge_agent.estimation.settings import EstimationSettings
from edge_agent.model import BoolArray, FloatArray, IntArray

THRESHOLD = EstimationSettings().detection_threshold
WEEK_ROWS = 80 * 7 * 24 * 3600
TIME_CONSTANT_S = 20.0
PERIOD_S = 0.0125

step_s = st.floats(0.001, 60.0)
reading_g = st.floats(-1e5, 1e5)
noise_g = st.floats(0.01, 100.0)


def textbook(noise_g2: float, level_g: float, variance_g2: float, drift_sigma: float) -> KalmanFilter:
    """filterpy's filter: x = [level, drift], H = [1 0], covariance in Joseph form."""
    kalman = KalmanFilter(dim_x=2, dim_z=1)
    kalman.x = np.array([[level_g], [0.0]])
    kalman.P = np.diag([variance_g2, drift_sigma**2])
    kalman.H = np.array([[1.0, 0.0]])
    kalman.R = np.array([[noise_g2]])
    return kalman


def textbook_predict(kalman: KalmanFilter, dt_s: float, noise_g2: float) -> None:
    wander = noise_g2 * PERIOD_S * dt_s / TIME_CONSTANT_S**2
    kalman.F = np.array([[1.0, dt_s], [0.0, 1.0]])
    kalman.Q = np.diag([wander, wander * 0.04 / TIME_CONSTANT_S**2])
    kalman.predict()


@pytest.mark.parametrize("kind", [KalmanBank, KalmanFew])
@settings(max_examples=40, deadline=None)
@given(
    noises=st.lists(noise_g, min_size=1, max_size=5),
    story=st.lists(st.tuples(step_s, reading_g, st.integers(1, 40), st.booleans()), min_size=1, max_size=25),
)
def test_every_column_is_a_textbook_filter_with_missing_readings_and_uneven_steps(
    kind: type[KalmanBank] | type[KalmanFew], noises: list[float], story: list[tuple[float, float, int, bool]]
) -> None:
    columns = len(noises)
    noise_g2 = np.square(np.array(noises))
    bank = kind(noise_g2, TIME_CONSTANT_S, PERIOD_S)
    peers = [textbook(each, 500.0, each, 0.01) for each in noise_g2.tolist()]
    bank.reset(np.arange(columns, dtype=np.int32), np.full(columns, 500.0), noise_g2, np.full(columns, 0.01))
    for dt_s, reading, rows, first_missing in story:
        readings: FloatArray = reading + 3.0 * np.arange(columns, dtype=np.float64)
        weight = np.ones(columns)
        weight[0] = 0.0 if first_missing else 1.0
        bank.predict(dt_s)
        bank.update(readings, float(rows), weight if first_missing else None)
        for place, peer in enumerate(peers):
            textbook_predict(peer, dt_s, float(noise_g2[place]))
            if weight[place]:
                peer.update(np.array([[readings[place]]]), R=noise_g2[place] / rows)
    expected = np.array([[*peer.x[:, 0], peer.P[0, 0], peer.P[0, 1], peer.P[1, 1]] for peer in peers])
    got = np.column_stack((bank.level_g, bank.drift_g_s, bank.covariance.T))
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    story=st.lists(st.tuples(step_s, reading_g, st.integers(1, 64)), min_size=1, max_size=60),
    noise=noise_g,
    start=st.floats(1e-6, 1e8),
)
def test_covariance_stays_symmetric_and_positive(
    story: list[tuple[float, float, int]], noise: float, start: float
) -> None:
    bank = KalmanBank(np.full(3, noise**2), TIME_CONSTANT_S, PERIOD_S)
    bank.reset(np.arange(3, dtype=np.int32), np.zeros(3), np.full(3, start), np.full(3, 1.0))
    for dt_s, reading, rows in story:
        bank.predict(dt_s)
        bank.update(np.full(3, reading), float(rows))
        p00, p01, p11 = bank.covariance
        assert (p00 > 0).all()
        assert (p11 > 0).all()
        assert (p00 * p11 - p01 * p01 >= -1e-9 * p00 * p11).all()


def test_a_block_counts_like_its_rows_one_by_one() -> None:
    random = np.random.default_rng(5)
    noise_g2 = np.full(4, 0.09)
    rows, blocks = KalmanBank(noise_g2, TIME_CONSTANT_S, PERIOD_S), KalmanBank(noise_g2, TIME_CONSTANT_S, PERIOD_S)
    for bank in (rows, blocks):
        bank.reset(np.arange(4, dtype=np.int32), np.zeros(4), np.full(4, 0.01), np.full(4, 0.001))
    for _ in range(400):
        grams = random.normal(0.0, 0.3, (8, 4))
        for row in grams:
            rows.predict(0.0125)
            rows.update(row)
        blocks.predict(0.1)
        blocks.update(grams.mean(axis=0), 8.0)
    np.testing.assert_allclose(blocks.level_g, rows.level_g, atol=0.02 * np.sqrt(rows.covariance[0]).max())


def test_the_threshold_is_one_false_alarm_a_week_by_the_union_bound() -> None:
    per_window = 1.0 / (WEEK_ROWS * len(WINDOWS) * 2)
    assert NormalDist().inv_cdf(1 - per_window) == pytest.approx(THRESHOLD, abs=0.01)


def alarm_share(threshold: float, rows: int, columns: int) -> float:
    random = np.random.default_rng(2026)
    glr = DyadicGlr(columns, threshold)
    alarms = 0
    for _ in range(rows // LONGEST):
        over = glr.push(random.standard_normal((LONGEST, columns)))
        alarms += 0 if over is None else int(over.sum())
    return alarms / (rows * columns)


@pytest.mark.parametrize("threshold", [4.0, 4.5, 5.0])
def test_the_union_bound_holds_where_it_can_be_counted(threshold: float) -> None:
    """A week of rows is too long to simulate; at lower thresholds alarms are frequent and the same bound applies."""
    bound = len(WINDOWS) * 2 * NormalDist().cdf(-threshold)
    share = alarm_share(threshold, 30_000, 512)
    assert 0.3 * bound < share < 1.15 * bound


@pytest.mark.parametrize(("size", "bound"), [(1.0, 32.1), (2.0, 8.8), (5.0, 1.8), (10.0, 1.0)])
def test_a_change_is_seen_within_a_quarter_more_than_the_best_possible_delay(size: float, bound: float) -> None:
    """Bound: Moustakides (1986), a CUSUM that knows the size beforehand, at the same false-alarm rate."""
    random = np.random.default_rng(11)
    columns = 2000
    glr = DyadicGlr(columns, THRESHOLD)
    glr.push(random.standard_normal((LONGEST, columns)))
    delays = np.zeros(columns)
    for row in range(1, 400):
        over = glr.push(random.standard_normal((1, columns)) + size)
        if over is not None:
            delays = np.where((delays == 0) & over[0], row, delays)
    assert (delays > 0).all(), "every change is seen"
    assert delays.mean() <= 1.25 * bound


def gated(counts: IntArray, jump: float) -> tuple[IntArray, BoolArray]:
    """Everything the gate lets out of one channel fed row by row, with its marks."""
    gate = FaultGate(np.array([jump]), 6.0)
    values, marks = [], []
    for row in range(counts.size):
        out = gate.push(
            np.array([row], dtype=np.int64), counts[row : row + 1, np.newaxis], np.zeros((1, 1), dtype=np.uint8)
        )
        if out is not None:
            values.append(out.counts[:, 0])
            marks.append(np.zeros(out.t_ns.size, dtype=np.bool_) if out.bad is None else out.bad[:, 0])
    return np.concatenate(values), np.concatenate(marks)


level = st.integers(-4_000_000, 4_000_000)


@settings(max_examples=150, deadline=None)
@given(before=level, after=level, seed=st.integers(0, 2**16))
def test_a_step_of_any_size_passes_the_gate_whole(before: int, after: int, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 20, 60)
    counts = np.round(noise + np.where(np.arange(60) < 30, before, after)).astype(np.int32)
    values, bad = gated(counts, 240.0)
    assert not bad.any()
    np.testing.assert_array_equal(values, counts[: values.size])
    assert values.size >= 58, "and after at most two rows of delay"


@settings(max_examples=150, deadline=None)
@given(
    resting=level,
    heights=st.lists(st.integers(2000, 4_000_000), min_size=1, max_size=2),
    sign=st.sampled_from([-1, 1]),
    seed=st.integers(0, 2**16),
)
def test_runs_of_one_or_two_glitches_never_pass_the_gate(
    resting: int, heights: list[int], sign: int, seed: int
) -> None:
    noise = np.random.default_rng(seed).normal(0, 20, 60)
    clean = np.round(noise + resting).astype(np.int32)
    counts = clean.copy()
    counts[30 : 30 + len(heights)] += sign * np.array(heights, dtype=np.int32)
    values, bad = gated(counts, 240.0)
    assert bad.nonzero()[0].tolist() == list(range(30, 30 + len(heights)))
    assert np.abs(values - resting).max() < 200


def test_blocks_and_rows_pass_the_gate_alike() -> None:
    random = np.random.default_rng(4)
    counts = np.round(random.normal(100_000, 20, (300, 3))).astype(np.int32)
    counts[150:, 1] += 5000
    counts[random.integers(0, 300, 12), random.integers(0, 3, 12)] += 700_000
    flags = np.zeros(counts.shape, dtype=np.uint8)
    t_ns = np.arange(300, dtype=np.int64)

    def through(rows: int) -> tuple[IntArray, FloatArray]:
        gate = FaultGate(np.full(3, 240.0), 6.0)
        outs = [gate.push(t_ns[i : i + rows], counts[i : i + rows], flags[i : i + rows]) for i in range(0, 300, rows)]
        return np.concatenate([out.counts for out in outs if out is not None]), gate.rejected.astype(np.float64)

    for rows in (3, 7, 60):
        single, rejected = through(1)
        block, block_rejected = through(rows)
        shorter = min(single.shape[0], block.shape[0])
        np.testing.assert_array_equal(single[:shorter], block[:shorter])
        np.testing.assert_array_equal(rejected, block_rejected)

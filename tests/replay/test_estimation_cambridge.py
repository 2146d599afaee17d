"""Load cells in real use, replayed through the estimation: what lay on the shelf, and nothing else, is found.

The shelf stands for one that sells nothing below about 100 g on cheap 5 kg cells: its deployer sets min_event_g to
20 g, well below half of that and above what the worst cell here does by itself (dips of 15 g for two seconds).
"""

from pathlib import Path

import numpy as np
import pytest

from edge_agent.config import BoardCalibration, ChannelCalibration, ChannelConfig, LimitsConfig, ShelfConfig
from edge_agent.estimation import Estimation, Finding
from edge_agent.model import AdcSamples, BoardUid, BoardUp, FloatArray, InstantArray, MonotonicNs, WeightStep
from edge_agent.vocabulary import StepCause

RECORDINGS = Path(__file__).parents[2].parent / "shared" / "data" / "cambridge"
BOARD = BoardUid("00000000000000c0")
COUNTS_PER_G = 365.0
START_NS = 1_000_000_000
LIMITS = LimitsConfig(cell_max_g=5000.0, min_event_g=20.0)
CORNERS = ((20.0, 20.0), (280.0, 20.0), (280.0, 280.0), (20.0, 280.0))

pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason=f"the recordings are not at {RECORDINGS}")

PLATE = ShelfConfig(
    shelf_id="plate",
    kind="platform",
    width_mm=300,
    depth_mm=300,
    channels=tuple(ChannelConfig(board_uid=BOARD, index=i, x_mm=x, y_mm=y) for i, (x, y) in enumerate(CORNERS)),
    limits=LIMITS,
)
PAN = ShelfConfig(
    shelf_id="pan",
    kind="lane_cells",
    width_mm=300,
    depth_mm=300,
    channels=(ChannelConfig(board_uid=BOARD, index=0, x_mm=150, y_mm=150),),
    limits=LIMITS,
)


def recording(name: str, *, skip: int = 0) -> tuple[InstantArray, FloatArray]:
    """Instants in ns from the start, strictly rising, and the columns beside them."""
    table = np.genfromtxt(RECORDINGS / name, delimiter=",", skip_header=skip)
    t_ns = START_NS + np.round((table[:, 0] - table[0, 0]) * 1e9).astype(np.int64)
    rising = np.concatenate(([True], t_ns[1:] > np.maximum.accumulate(t_ns)[:-1]))  # the host's clock was set back once
    return t_ns[rising], table[rising, 1:]


def replay(
    shelf: ShelfConfig, t_ns: InstantArray, counts: FloatArray, rate_hz: float
) -> tuple[Estimation, list[Finding]]:
    channels = counts.shape[1]
    calibration = BoardCalibration(
        board_uid=BOARD,
        revision=1,
        channels=tuple(
            ChannelCalibration(index=index, zero_counts=0.0, counts_per_g=COUNTS_PER_G) for index in range(channels)
        ),
    )
    raw = np.clip(np.round(counts), -(2**23), 2**23 - 1).astype(np.int32)
    estimation = Estimation([shelf], [calibration])
    found = estimation.step(BoardUp(MonotonicNs(START_NS - 1), BOARD, channels, rate_hz, 128, 1, "recording"))
    for row in range(t_ns.size):
        piece = slice(row, row + 1)
        found += estimation.step(
            AdcSamples(BOARD, row, t_ns[piece], raw[piece], np.zeros((1, channels), dtype=np.uint8))
        )
    return estimation, found


def finals(found: list[Finding]) -> list[WeightStep]:
    return [each for each in found if isinstance(each, WeightStep) and each.final]


def seconds(t_ns: int) -> float:
    return (t_ns - START_NS) * 1e-9


def test_seventeen_quiet_minutes_are_quiet() -> None:
    t_ns, grams = recording("2019-12-18_quiet_17min_grams.csv")
    estimation, found = replay(PAN, t_ns, grams * COUNTS_PER_G, 10.0)
    assert found == []
    assert estimation.quiet()
    resting = float(np.median(grams[-600:]))
    assert estimation.baselines()[0].level_g[0] == pytest.approx(resting, abs=1.0), "2.2 g of drift were followed"
    spikes = estimation.rejections()[f"{BOARD}/0"]["spike"]
    assert 60 <= spikes <= 130, "0.85 % of ten thousand samples are glitches"


def test_a_noisy_plate_with_dips_gaps_and_glitches_is_quiet() -> None:
    t_ns, columns = recording("2019-11-18_quiet_4ch.csv", skip=1)
    estimation, found = replay(PLATE, t_ns, columns[:, :4], 10.0)
    assert finals(found) == []
    assert estimation.quiet()


def test_pot_and_cup_are_five_changes_of_weight_and_no_press() -> None:
    t_ns, columns = recording("2019-11-22_pot_and_cup_4ch.csv", skip=1)
    estimation, found = replay(PLATE, t_ns, columns[:, :4], 10.0)
    total_g = columns[:, :4].sum(axis=1) / COUNTS_PER_G

    def resting(from_s: float, to_s: float) -> float:
        inside = (t_ns >= START_NS + from_s * 1e9) & (t_ns <= START_NS + to_s * 1e9)
        return float(np.median(total_g[inside]))

    levels = [
        resting(0, 5),
        resting(6.6, 10.6),
        resting(13, 20),
        resting(22, 26.8),
        resting(37.5, 41.2),
        resting(43, 50),
    ]
    windows = [(5, 10.6), (9.5, 13.5), (20, 23), (26.5, 38), (40, 43.5)]
    steps = finals(found)
    assert len(steps) == 5
    for step, before, after, (start_s, end_s) in zip(steps, levels, levels[1:], windows, strict=False):
        change = float(step.delta_g.sum())
        sigma = float(np.sqrt(step.covariance_g2.sum()))
        assert change == pytest.approx(after - before, abs=10), "within 10 g of the resting levels"
        assert abs(change - (after - before)) < 4 * sigma, "and within what it says of itself"
        assert start_s < seconds(step.t_start_ns) <= seconds(step.t_end_ns) < end_s
        assert step.cause is StepCause.ACT
    assert abs(steps[3].peak_g) > 10_000, "the presses show as a peak and not as a weight"
    assert [round(float(step.delta_g.sum()), -1) for step in steps[:3]] == pytest.approx([3420, -3420, 3420], abs=15)
    assert float(steps[3].delta_g.sum()) == pytest.approx(-145, abs=10)
    said = [each for each in found if isinstance(each, WeightStep) and not each.final]
    assert {each.act_id for each in said} <= {each.act_id for each in steps}, "nothing provisional was taken back"
    assert estimation.quiet()


def test_a_night_at_one_row_in_thirty_seconds_holds_one_removal() -> None:
    t_ns, grams = recording("2019-10-30_overnight_30s.csv")
    estimation, found = replay(PAN, t_ns, grams * COUNTS_PER_G, 1 / 30)
    (removal,) = finals(found)
    assert float(removal.delta_g[0]) == pytest.approx(-126, abs=3)
    assert 12.0 < seconds(removal.t_start_ns) / 3600 < 12.2
    assert removal.cause is StepCause.ACT
    assert estimation.quiet()

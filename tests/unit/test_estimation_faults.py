"""Cells, wires and boards that fail: the rest of the shelf goes on, and a technician is told what and where."""

import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from estimation_rig import (
    COUNTS_PER_G,
    START_NS,
    A,
    B,
    Scene,
    Told,
    board_up,
    calibration,
    corner_shares,
    lanes,
    platform,
    play,
    samples,
)

from edge_agent.errors import CalibrationError
from edge_agent.estimation import Estimation
from edge_agent.estimation.settings import INVALID_VARIANCE_G2
from edge_agent.model import (
    AuxReading,
    Baseline,
    BoardDown,
    BoardUid,
    HealthTransition,
    IntArray,
    MonotonicNs,
    SampleFlag,
    TimePassed,
)
from edge_agent.vocabulary import StepCause

RATE = 80


def at(seconds: float) -> MonotonicNs:
    return MonotonicNs(START_NS + round(seconds * 1e9))


def details(told: Told) -> str:
    return " ".join(each.detail + each.remedy for each in told.findings if isinstance(each, HealthTransition))


def test_a_channel_without_calibration_is_refused_with_the_file_and_the_fix() -> None:
    with pytest.raises(CalibrationError, match=rf"shelf s1: board {A} channel 3 .* calibration/{A}\.toml; calibrate"):
        Estimation([lanes(4)], [calibration(channels=3)])


def test_glitches_of_up_to_two_samples_are_counted_and_never_weighed() -> None:
    def glitches(counts: IntArray) -> None:
        for row in range(200, 1500, 97):
            counts[row, 0] += 4_000_000
        for row in range(250, 1500, 131):
            counts[row : row + 2, 1] -= 900_000
        counts[400, 2] = 2**20 - 1
        counts[500, 2] *= 2
        counts[600:602, 2] = 2**23 - 1
        counts[700, 2] = -(2**23)

    scene = Scene(3, 20).resting(800).lane(10, 0, -150)
    scene.edits.append(glitches)
    estimation = Estimation([lanes(3)], [calibration()])
    told = play(estimation, {A: scene})
    (step,) = told.finals
    assert step.delta_g == pytest.approx([-150, 0, 0], abs=1.5)
    assert told.health == []
    rejected = estimation.rejections()
    assert rejected[f"{A}/0"]["spike"] >= 13
    assert rejected[f"{A}/1"]["spike"] >= 18
    assert rejected[f"{A}/2"] == {"trailing_ones": 1, "gain_ratio": 1, "saturated": 3}


def test_a_glitch_as_the_very_first_sample_does_not_set_the_level() -> None:
    scene = Scene(1, 4).resting(640)
    scene.edits.append(lambda counts: np.copyto(counts[:2], 8_000_000))
    estimation = Estimation([lanes(1)], [calibration(channels=1)])
    assert play(estimation, {A: scene}).findings == []
    assert estimation.baselines()[0].level_g[0] == pytest.approx(640, abs=0.5)


def test_a_gap_of_over_a_second_is_bridged() -> None:
    estimation = Estimation([lanes(1)], [calibration(channels=1)])
    t_ns, counts = Scene(1, 12).resting(500).lane(6, 0, -120).counts()
    estimation.step(board_up(channels=1))
    found = []
    for row in range(t_ns.size):
        if not 5.5 < (t_ns[row] - START_NS) * 1e-9 < 6.8:
            found += estimation.step(samples(t_ns[row : row + 1], counts[row : row + 1]))
    told = Told(found)
    (step,) = told.finals
    assert step.delta_g[0] == pytest.approx(-120, abs=1)
    assert step.cause is StepCause.ACT
    assert told.health == []


def test_a_stuck_channel_is_named_and_the_other_lanes_sell_on() -> None:
    def freeze(counts: IntArray) -> None:
        counts[4 * RATE :, 1] = counts[4 * RATE, 1]

    scene = Scene(3, 20).resting(800).lane(12, 2, -300)
    scene.edits.append(freeze)
    estimation = Estimation([lanes(3)], [calibration()])
    told = play(estimation, {A: scene})
    assert told.health == [(f"channel:{A}/1", "channel_stuck", True)]
    assert "not changed by one count" in details(told)
    (step,) = told.finals
    assert step.valid.tolist() == [True, False, True]
    assert step.delta_g == pytest.approx([0, 0, -300], abs=1.5)
    assert step.covariance_g2[1, 1] == INVALID_VARIANCE_G2


def test_what_was_raised_about_a_board_is_taken_back_when_it_leaves() -> None:
    def freeze(counts: IntArray) -> None:
        counts[2 * RATE :, 1] = counts[2 * RATE, 1]

    scene = Scene(2, 8).resting(800)
    scene.edits.append(freeze)
    estimation = Estimation([lanes(2)], [calibration()])
    assert play(estimation, {A: scene}).health == [(f"channel:{A}/1", "channel_stuck", True)]
    for second in range(9, 14):
        estimation.step(TimePassed(at(second)))
    gone = Told(estimation.step(BoardDown(at(14), BoardUid(A), "gone", "")))
    assert gone.health == [(f"channel:{A}/1", "channel_stuck", False), (f"board:{A}", "board_silent", False)]
    assert "disconnected" in details(gone)


def test_a_torn_wire_shows_as_saturation_and_its_return_is_reconciled() -> None:
    def tear(counts: IntArray) -> None:
        counts[4 * RATE : 14 * RATE, 1] = 2**23 - 1

    scene = Scene(2, 24).resting(800).lane(9, 1, -250)
    scene.edits.append(tear)
    told = play(Estimation([lanes(2)], [calibration()]), {A: scene})
    subject = f"channel:{A}/1"
    assert told.health == [(subject, "channel_saturated", True), (subject, "channel_saturated", False)]
    assert "wire" in details(told)
    (step,) = told.finals
    assert step.cause is StepCause.RECONCILED
    assert step.delta_g == pytest.approx([0, -250], abs=1.5)


@pytest.mark.parametrize("fault", ["saturated", "settling"])
@pytest.mark.parametrize("block_rows", [1, 8, 40])
def test_cells_without_power_at_the_start_are_named_and_weighed_once_they_have_it(fault: str, block_rows: int) -> None:
    """The converters are dark for a minute while the board's own processor lives."""
    t_ns, counts = Scene(3, 70).resting(600).lane(65, 1, -200).counts()
    flags = np.zeros(counts.shape, dtype=np.uint8)
    dark = slice(0, 60 * RATE)
    counts[dark] = 2**23 - 1 if fault == "saturated" else 0
    flags[dark] = 0 if fault == "saturated" else SampleFlag.SETTLING
    estimation = Estimation([lanes(3)], [calibration()])
    told = Told(estimation.step(board_up(channels=3)))
    for start in range(0, t_ns.size, block_rows):
        piece = slice(start, start + block_rows)
        found = estimation.step(samples(t_ns[piece], counts[piece], flags=flags[piece]))
        told.findings += found
        if t_ns[start] < at(10) <= t_ns[start] + block_rows * 12_500_000:
            code = "channel_saturated" if fault == "saturated" else "channel_silent"
            assert told.health == [(f"channel:{A}/{lane}", code, True) for lane in range(3)], "within ten seconds"
    cleared = [each for each in told.health[3:] if each[1] != "unsettled"]
    assert sorted(cleared) == [(f"channel:{A}/{lane}", code, False) for lane in range(3)]
    (step,) = told.finals
    assert step.delta_g == pytest.approx([0, -200, 0], abs=1.5)
    rejected = estimation.rejections()
    assert {lane: rejected[f"{A}/{lane}"][fault] for lane in range(3)} == dict.fromkeys(range(3), 60 * RATE)


def test_a_reading_now_and_then_is_enough_to_start_from() -> None:
    t_ns, counts = Scene(1, 8).resting(600).counts()
    flags = np.full(counts.shape, SampleFlag.LATE, dtype=np.uint8)
    flags[::200] = 0
    estimation = Estimation([lanes(1)], [calibration(channels=1)])
    estimation.step(board_up(channels=1))
    for row in range(t_ns.size):
        estimation.step(samples(t_ns[row : row + 1], counts[row : row + 1], flags=flags[row : row + 1]))
    late = estimation.rejections()[f"{A}/0"]["late"]
    assert late == pytest.approx(t_ns.size * 199 / 200, abs=10), "no row is kept waiting"


def test_a_wrong_gain_is_a_fault_of_the_board_and_not_a_restock() -> None:
    def double(counts: IntArray) -> None:
        counts[4 * RATE : 9 * RATE] *= 2

    scene = Scene(3, 16).resting(800).lane(12, 1, -90)
    scene.edits.append(double)
    told = play(Estimation([lanes(3)], [calibration()]), {A: scene})
    assert [each for each in told.health if each[1] != "overload"] == [
        (f"board:{A}", "board_gain", True),
        (f"board:{A}", "board_gain", False),
    ]
    (step,) = told.finals
    assert step.delta_g == pytest.approx([0, -90, 0], abs=1.5)


def test_readings_that_the_board_flags_are_not_weighed() -> None:
    estimation = Estimation([lanes(2)], [calibration()])
    t_ns, counts = Scene(2, 10).resting(500).counts()
    flags = np.zeros(counts.shape, dtype=np.uint8)
    counts[400:404, 0] += 90_000
    flags[400:404, 0] = SampleFlag.SETTLING
    counts[500, 0] //= 2
    flags[500, 0] = SampleFlag.DESYNC
    flags[520, 0] = SampleFlag.LATE
    flags[320:, 1] = SampleFlag.SILENT
    found = estimation.step(board_up(channels=2))
    for start in range(0, t_ns.size, 4):
        piece = slice(start, start + 4)
        found += estimation.step(samples(t_ns[piece], counts[piece], flags=flags[piece]))
    told = Told(found)
    assert told.finals == []
    assert told.health == [(f"channel:{A}/1", "channel_silent", True)]
    rejected = estimation.rejections()
    assert rejected[f"{A}/0"] == {"settling": 4, "desync": 1, "late": 1}
    assert rejected[f"{A}/1"] == {"silent": t_ns.size - 320}


def test_a_channel_that_crackles_is_taken_out_and_the_shelf_stays_quiet() -> None:
    scene = Scene(2, 40).resting(500)
    noise = np.random.default_rng(3)

    def crackle(counts: IntArray) -> None:
        rows = counts.shape[0] - 5 * RATE
        counts[5 * RATE :, 0] += (noise.normal(0, 150, rows) * COUNTS_PER_G).astype(np.int32)

    scene.edits.append(crackle)
    estimation = Estimation([lanes(2)], [calibration()])
    told = play(estimation, {A: scene})
    assert (f"channel:{A}/0", "channel_noisy", True) in told.health
    assert told.finals == []
    assert estimation.quiet(), "the other lane can be sold from"


def test_overload_warns_but_does_not_blind() -> None:
    scene = Scene(1, 14).resting(500).press(4, np.ones(1), 7000, 2.5).lane(9, 0, -100)
    told = play(Estimation([lanes(1)], [calibration(channels=1)]), {A: scene})
    subject = f"channel:{A}/0"
    assert told.health == [(subject, "overload", True), (subject, "overload", False)]
    assert [step.delta_g[0] for step in told.finals] == pytest.approx([-100], abs=3)


def test_an_unplugged_board_leaves_its_shelf_selling_on_the_other_and_is_reconciled_on_return() -> None:
    estimation = Estimation([lanes(4, boards=(A, B))], [calibration(A), calibration(B)])
    rest = {A: Scene(2, 3, seed=1).resting(900), B: Scene(2, 3, seed=2).resting(900)}
    play(estimation, rest)
    lost = BoardDown(at(3), BoardUid(B), "gone", "/dev/ttyUSB1 is gone; plug it in again")
    assert estimation.step(lost) == []
    taken = Scene(2, 6, seed=3, start_s=3).resting(900).lane(3, 0, -200)
    told = play(estimation, {A: taken}, announce=False)
    (step,) = told.finals
    assert step.valid.tolist() == [True, True, False, False]
    assert step.delta_g == pytest.approx([-200, 0, 0, 0], abs=1.5)
    left = Scene(2, 4, seed=4, start_s=9.5).resting(900)
    left.loads_g[:, 0] -= 200
    right = Scene(2, 4, seed=5, start_s=9.5).resting(900)
    right.loads_g[:, 1] -= 330
    findings = estimation.step(board_up(B, channels=2, t_s=9.5, boot=2))
    told = play(estimation, {A: left, B: right}, announce=False)
    assert findings == []
    (step,) = told.finals
    assert step.cause is StepCause.RECONCILED
    assert step.delta_g == pytest.approx([0, 0, 0, -330], abs=1.5)


def test_a_board_that_falls_silent_is_reported_once_and_cleared_on_return() -> None:
    estimation = Estimation([lanes(2)], [calibration()])
    play(estimation, {A: Scene(2, 4).resting(700)})
    assert estimation.quiet()
    found = [each for second in range(4, 20) for each in estimation.step(TimePassed(at(second)))]
    (silent,) = found
    assert isinstance(silent, HealthTransition)
    assert (silent.subject, silent.code, silent.raised) == (f"board:{A}", "board_silent", True)
    assert "USB" in silent.remedy
    assert not estimation.quiet()
    told = play(estimation, {A: Scene(2, 4, seed=8, start_s=20).resting(700)}, announce=False)
    assert told.health == [(f"board:{A}", "board_silent", False)]
    assert told.finals == []
    assert estimation.quiet()


def test_a_board_s_silence_is_noticed_while_the_others_speak() -> None:
    estimation = Estimation([lanes(4, boards=(A, B))], [calibration(A), calibration(B)])
    speaking = Scene(2, 9, seed=1).resting(900).lane(7, 0, -200)
    told = play(estimation, {A: speaking, B: Scene(2, 3, seed=2).resting(900)})
    assert told.health == [(f"board:{B}", "board_silent", True)]
    (step,) = told.finals
    assert step.valid.tolist() == [True, True, False, False]
    assert step.delta_g == pytest.approx([-200, 0, 0, 0], abs=1.5)
    since = estimation.undecided_since_ns()
    assert since is not None
    assert (since - START_NS) * 1e-9 == pytest.approx(3, abs=0.1), "nobody vouches for what the silent board carries"


def test_a_board_that_never_sends_a_row_is_reported_too() -> None:
    estimation = Estimation([lanes(2)], [calibration()])
    estimation.step(board_up(channels=2))
    found = [each for second in range(6) for each in estimation.step(TimePassed(at(second)))]
    assert [(each.code, each.raised) for each in found if isinstance(each, HealthTransition)] == [
        ("board_silent", True)
    ]


def test_rows_before_a_board_said_who_it_is_are_refused_aloud() -> None:
    estimation = Estimation([lanes(2)], [calibration()])
    told = play(estimation, {A: Scene(2, 2).resting(700)}, announce=False)
    assert told.health == [(f"board:{A}", "board_unannounced", True)]
    assert estimation.step(board_up(channels=2, t_s=2)) != []


def test_a_foreign_board_and_other_messages_change_nothing() -> None:
    estimation = Estimation([lanes(2)], [calibration()])
    assert estimation.step(board_up(B)) == []
    assert play(estimation, {B: Scene(2, 1)}, announce=False).findings == []
    assert estimation.step(BoardDown(at(1), BoardUid(B), "gone", "")) == []
    assert estimation.step(AuxReading(at(1), BoardUid(A), (21.0,), 5000, 0, (0, 0))) == []
    assert not estimation.quiet()
    assert estimation.undecided_since_ns() is None


def test_an_input_that_the_board_does_not_have_is_named() -> None:
    estimation = Estimation([lanes(4)], [calibration()])
    told = play(estimation, {A: Scene(2, 6).resting(500).lane(4, 0, -100)})
    assert told.health == [(f"channel:{A}/2", "channel_missing", True), (f"channel:{A}/3", "channel_missing", True)]
    (step,) = told.finals
    assert step.valid.tolist() == [True, True, False, False]


def test_a_platform_with_a_dead_corner_still_says_that_something_was_taken() -> None:
    def tear(counts: IntArray) -> None:
        counts[4 * RATE :, 3] = -(2**23)

    scene = Scene(4, 20).resting(800).change(12, corner_shares(600, 150), -500)
    scene.edits.append(tear)
    told = play(Estimation([platform()], [calibration(channels=4)]), {A: scene})
    (step,) = told.finals
    assert step.valid.tolist() == [True, True, True, False]
    assert step.delta_g[:3] == pytest.approx(-500 * corner_shares(600, 150)[:3], abs=2)
    assert np.sqrt(step.covariance_g2.sum()) > 1000, "but not how much in all"


def test_a_platform_whose_corners_hang_on_two_boards_weighs_all_the_same() -> None:
    shelf = platform()
    corners = [
        msgspec.structs.replace(channel, board_uid=A if place in (0, 3) else B, index=int(place in (1, 3)))
        for place, channel in enumerate(shelf.channels)
    ]
    split = msgspec.structs.replace(shelf, channels=tuple(corners))
    shares = corner_shares(300, 150)
    left = Scene(2, 12, seed=1).resting(400).change(5, shares[[0, 3]], -500)
    right = Scene(2, 12, seed=2, rate_hz=84, start_s=0.003).resting(400).change(5, shares[[2, 1]], -500)
    told = play(Estimation([split], [calibration(A), calibration(B)]), {A: left, B: right})
    (step,) = told.finals
    assert step.delta_g == pytest.approx(-500 * shares, abs=1.5)
    assert np.sqrt(step.covariance_g2.sum()) < 2


def test_a_shelf_that_never_rests_is_reported() -> None:
    scene = Scene(1, 75, rate_hz=20).resting(500)
    scene.loads_g[:, 0] += np.where(scene.t_s > 4, 40 * np.sin(2 * np.pi * 0.7 * scene.t_s), 0)
    told = play(Estimation([lanes(1)], [calibration(channels=1)]), {A: scene})
    assert ("shelf:s1", "unsettled", True) in told.health
    assert told.finals == []


def test_readings_at_both_ends_of_the_range_break_nothing() -> None:
    extremes = np.where(np.arange(400)[:, np.newaxis] % 2 == 0, -(2**23), 2**23 - 1)
    counts = np.broadcast_to(extremes, (400, 2)).astype(np.int32)
    t_ns = START_NS + np.arange(400, dtype=np.int64) * 12_500_000
    estimation = Estimation([lanes(2)], [calibration()])
    found = estimation.step(board_up(channels=2))
    for row in range(400):
        found += estimation.step(samples(t_ns[row : row + 1], counts[row : row + 1]))
    assert Told(found).finals == []
    assert not estimation.quiet()


def test_rows_out_of_order_are_dropped_and_a_baseline_of_other_hardware_is_not_used() -> None:
    stale = Baseline("s1", np.array([1.0]), np.array([0.1]))
    estimation = Estimation([lanes(2)], [calibration()], [stale])
    t_ns, counts = Scene(2, 4).resting(500).counts()
    estimation.step(board_up(channels=2))
    found = []
    for start in range(0, t_ns.size, 8):
        piece = slice(start, start + 8)
        found += estimation.step(samples(t_ns[piece], counts[piece]))
        found += estimation.step(samples(t_ns[piece], counts[piece] + 100_000))
    assert found == []
    assert estimation.baselines()[0].level_g == pytest.approx([500, 500], abs=0.5)
    assert estimation.row_faults() == {A: {"lost": 0, "out_of_order": t_ns.size}}


def test_an_overloaded_plate_goes_blank_alone_and_what_happens_on_it_is_heard_but_no_weight() -> None:
    scene = Scene(3, 34).resting(900).lane(5, 0, 4500).lane(12, 1, -250).lane(20, 0, -1000).lane(27, 2, -120)
    told = play(Estimation([lanes(3)], [calibration()]), {A: scene})
    changes = [(step.delta_g.round(-1) + 0.0).tolist() for step in told.finals]
    assert changes == [[4500, 0, 0], [0, -250, 0], [-1000, 0, 0], [0, 0, -120]], (
        "lane 0 is beyond 5,000 g from 5 to 20 s"
    )
    assert [step.beyond_capacity for step in told.finals] == [True, False, True, False]
    assert [bool(step.covariance_g2[0, 0] > 100**2) for step in told.finals] == [True, True, True, False]
    assert [health[1:] for health in told.health] == [("overload", True), ("overload", False)]


def test_a_plate_that_is_relieved_by_a_trifle_does_not_tell_again_what_was_told_while_it_was_overloaded() -> None:
    scene = Scene(2, 34).resting(900).lane(5, 0, 4102).lane(13, 0, -4).lane(22, 1, -250)
    told = play(Estimation([lanes(2)], [calibration()]), {A: scene})
    changes = [(step.delta_g.round(-1) + 0.0).tolist() for step in told.finals]
    assert changes == [[4100, 0], [0, -250]], "lane 0 bears 5,002 g, then 4,998 g of its 5,000"

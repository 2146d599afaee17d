"""A board whose converters are not set as they were calibrated weighs nothing: half the grams, half the bill."""

import sys
from pathlib import Path

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from estimation_rig import START_NS, A, Scene, board_up, calibration, lanes, samples

from edge_agent.estimation import Estimation
from edge_agent.estimation.estimator import Finding
from edge_agent.model import BoardUp, HealthTransition, MonotonicNs, WeightStep

RATE = 80


def up(gain: int, at_s: float = 0.0) -> BoardUp:
    seen = board_up(channels=3)
    return BoardUp(
        MonotonicNs(START_NS + round(at_s * 1e9) - 1), seen.board_uid, 3, seen.rate_hz, gain, 1, seen.firmware
    )


def told(found: list[Finding]) -> list[tuple[str, str, bool]]:
    return [(each.subject, each.code, each.raised) for each in found if isinstance(each, HealthTransition)]


def finals(found: list[Finding]) -> list[WeightStep]:
    return [each for each in found if isinstance(each, WeightStep) and each.final]


def test_a_board_set_to_another_gain_is_told_by_name_and_nothing_is_weighed_until_it_is_set_back() -> None:
    t_ns, counts = Scene(3, 40).resting(800).lane(8, 0, -150).lane(30, 0, -90).counts()
    set_back = 20 * RATE
    counts[:set_back] //= 2
    estimation = Estimation([lanes(3)], [calibration()])
    found = list(estimation.step(up(64)))
    for row in range(set_back):
        found += estimation.step(samples(t_ns[row : row + 1], counts[row : row + 1]))
    assert told(found) == [(f"board:{A}", "board_settings", True)]
    (alarm,) = found
    assert isinstance(alarm, HealthTransition)
    assert alarm.detail == "its gain is set to 64, and it was calibrated at 128"
    assert "edge-agent board set --gain 128" in alarm.remedy
    assert estimation.undecided_since_ns() is not None, "nobody vouches for a shelf that is not weighed"

    found = list(estimation.step(up(128, at_s=20.0)))
    assert told(found) == [(f"board:{A}", "board_settings", False)]
    for row in range(set_back, len(t_ns)):
        found += estimation.step(samples(t_ns[row : row + 1], counts[row : row + 1]))
    assert [step.delta_g[0] for step in finals(found)] == [pytest.approx(-90, abs=1.5)]


def test_a_gain_that_changes_under_a_running_agent_invents_nothing() -> None:
    t_ns, counts = Scene(3, 30).resting(800).counts()
    halved = slice(10 * RATE, 20 * RATE)
    counts[halved] //= 2
    estimation = Estimation([lanes(3)], [calibration()])
    found = list(estimation.step(up(128)))
    for row in range(len(t_ns)):
        if row == halved.start:
            found += estimation.step(up(64, at_s=10.0))
        if row == halved.stop:
            found += estimation.step(up(128, at_s=20.0))
        found += estimation.step(samples(t_ns[row : row + 1], counts[row : row + 1]))
    assert finals(found) == []
    assert told(found) == [(f"board:{A}", "board_settings", True), (f"board:{A}", "board_settings", False)]


def test_a_calibration_made_at_another_gain_is_weighed_at_that_gain() -> None:
    t_ns, counts = Scene(3, 20).resting(800).lane(8, 0, -150).counts()
    estimation = Estimation([lanes(3)], [msgspec.structs.replace(calibration(), gain=64)])
    found = list(estimation.step(up(64)))
    for row in range(len(t_ns)):
        found += estimation.step(samples(t_ns[row : row + 1], counts[row : row + 1]))
    assert told(found) == []
    assert [step.delta_g[0] for step in finals(found)] == [pytest.approx(-150, abs=1.5)]

"""An input that its board calls dead is told within a second, by its own name, and the shelf's others sell on."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from estimation_rig import START_NS, A, Scene, board_up, calibration, lanes, samples

from edge_agent.estimation import Estimation
from edge_agent.model import HealthTransition, SampleFlag, WeightStep

RATE = 80
DIES_S, LIVES_S, END_S = 10, 15, 22
LOW = SampleFlag.SILENT | SampleFlag.DESYNC


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("open", "channel_silent", "no valid reading"),
        ("low", "channel_line_low", "data line has stayed low"),
        ("rail", "channel_saturated", "end of the converter's range"),
    ],
)
def test_a_dead_input_is_told_within_a_second_and_back_within_two(fault: str, code: str, words: str) -> None:
    scene = Scene(3, END_S).resting(800).lane(12.5, 0, -150)
    t_ns, counts = scene.counts()
    flags = (counts * 0).astype("uint8")
    dead = slice(DIES_S * RATE, LIVES_S * RATE)
    if fault == "rail":
        counts[dead, 1] = 2**23 - 1
    else:
        counts[dead, 1] = counts[DIES_S * RATE - 1, 1]
        flags[dead, 1] = SampleFlag.SILENT if fault == "open" else LOW
    estimation = Estimation([lanes(3)], [calibration()])
    found = estimation.step(board_up(channels=3))
    for row in range(len(t_ns)):
        piece = slice(row, row + 1)
        found += estimation.step(samples(t_ns[piece], counts[piece], flags=flags[piece]))
    told = [each for each in found if isinstance(each, HealthTransition)]
    assert [(each.subject, each.code, each.raised) for each in told] == [
        (f"channel:{A}/1", code, True),
        (f"channel:{A}/1", code, False),
    ]
    raised_s, cleared_s = ((each.t_ns - START_NS) * 1e-9 for each in told)
    assert DIES_S + 0.3 < raised_s < DIES_S + 1.0
    assert LIVES_S < cleared_s < LIVES_S + 2.0
    assert words in told[0].detail
    finals = [each for each in found if isinstance(each, WeightStep) and each.final]
    assert len(finals) == 1, "the take in the next lane, and nothing of the dead input's"
    assert finals[0].delta_g[0] == pytest.approx(-150, abs=1.5)


def test_a_few_refused_rows_are_no_dead_input() -> None:
    scene = Scene(3, 20).resting(800)
    t_ns, counts = scene.counts()
    flags = (counts * 0).astype("uint8")
    for start in range(400, 1500, 100):
        flags[start : start + 4, 1] = SampleFlag.SETTLING
        flags[start + 40, 2] = SampleFlag.DESYNC
    estimation = Estimation([lanes(3)], [calibration()])
    found = estimation.step(board_up(channels=3))
    for row in range(len(t_ns)):
        piece = slice(row, row + 1)
        found += estimation.step(samples(t_ns[piece], counts[piece], flags=flags[piece]))
    assert found == []
    assert estimation.rejections()[f"{A}/1"]["settling"] == 44

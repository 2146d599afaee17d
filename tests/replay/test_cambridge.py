"""Real load cells: a coffee pot on four of them, glitches, gaps and presses. No invented event, no lost one.

The recordings are not part of the project; without them the tests skip and say so.
"""

from pathlib import Path

import numpy as np
import pytest

from edge_agent.cli import main
from edge_agent.model import FloatArray, ItemEvent
from edge_agent.recording.csv_import import read_log
from edge_agent.recording.replay import replay

RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "cambridge"
COUNTS_PER_G = 365.0

pytestmark = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason="the Cambridge recordings are not at ../shared/data/cambridge"
)


def imported(name: str, directory: Path) -> Path:
    recording = directory / f"{name}.mcap"
    assert main(["lab", "import", str(RECORDINGS / f"{name}.csv"), "--output", str(recording)]) == 0
    return recording


def events_of(name: str, directory: Path) -> tuple[list[ItemEvent], int]:
    result = replay(imported(name, directory))
    return result.events, result.first_ns


def resting_g(t_s: FloatArray, total_g: FloatArray, span_s: tuple[float, float]) -> float:
    """The resting level between two instants, by nothing but a median over the raw log."""
    return float(np.median(total_g[(t_s >= span_s[0]) & (t_s <= span_s[1])]))


@pytest.mark.parametrize("name", ["2019-12-18_quiet_17min_grams", "2019-11-18_quiet_4ch"])
def test_nothing_is_said_of_a_shelf_that_nobody_touches(name: str, tmp_path: Path) -> None:
    events, _ = events_of(name, tmp_path)
    assert events == []


def test_the_one_removal_of_a_night_is_found_and_its_drift_is_not_an_event(tmp_path: Path) -> None:
    events, first_ns = events_of("2019-10-30_overnight_30s", tmp_path)
    log = read_log(RECORDINGS / "2019-10-30_overnight_30s.csv", COUNTS_PER_G)
    t_s, grams = log.t_s - log.t_s[0], log.counts.sum(axis=1) / COUNTS_PER_G
    [removal] = events
    before = resting_g(t_s, grams, (43_481.0 - 3_600, 43_481.0))
    after = resting_g(t_s, grams, (43_900.0, 43_900.0 + 3_600))
    assert (removal.t_start_ns - first_ns) / 1e9 == pytest.approx(43_500, abs=120)
    assert removal.delta_g == pytest.approx(after - before, abs=10)


def test_pot_and_cup_give_five_changes_each_within_ten_grams_and_no_press_is_one(tmp_path: Path) -> None:
    events, first_ns = events_of("2019-11-22_pot_and_cup_4ch", tmp_path)
    log = read_log(RECORDINGS / "2019-11-22_pot_and_cup_4ch.csv", COUNTS_PER_G)
    t_s, grams = log.t_s - log.t_s[0], log.counts.sum(axis=1) / COUNTS_PER_G
    rests_s = [(3.0, 5.0), (7.0, 10.5), (14.0, 20.0), (22.5, 27.0), (38.0, 41.0), (43.5, 60.0)]
    levels = [resting_g(t_s, grams, span) for span in rests_s]
    assert len(events) == 5
    for event, before, after, earlier, later in zip(events, levels, levels[1:], rests_s, rests_s[1:], strict=False):
        started_s, ended_s = ((each - first_ns) / 1e9 for each in (event.t_start_ns, event.t_end_ns))
        assert event.delta_g == pytest.approx(after - before, abs=10)
        assert earlier[0] < started_s < later[1]
        assert ended_s < later[1]


def test_a_recording_replays_to_the_same_bytes_twice_and_shows_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = imported("2019-11-22_pot_and_cup_4ch", tmp_path)
    assert replay(recording).payloads == replay(recording).payloads
    capsys.readouterr()
    assert main(["lab", "replay", str(recording)]) == 0
    shown = capsys.readouterr().out
    assert "5 events in 376 s" in shown
    assert "imported-item" in shown
    assert main(["lab", "replay", str(recording), "--json"]) == 0
    assert capsys.readouterr().out.encode().splitlines() == replay(recording).payloads

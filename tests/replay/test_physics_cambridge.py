"""Physics beside real load cells: what is alike stays alike, and what is not is said.

The recordings are not part of the project; without them the tests skip and say so.
"""

from functools import cache
from pathlib import Path

import pytest

from edge_agent.bytes_level.recorded import Figure, compare
from edge_agent.cli import main

RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "cambridge"
HERE = pytest.mark.skipif(not RECORDINGS.is_dir(), reason=f"the recordings are not at {RECORDINGS}")


@cache
def figures() -> dict[str, Figure]:
    return {each.name: each for each in compare(RECORDINGS, 1)}


@HERE
@pytest.mark.parametrize("name", ["noise of a cell", "glitches that come alone", "press: peak"])
def test_cells_and_hands_are_as_real_ones(name: str) -> None:
    assert figures()[name].met, figures()[name]


@HERE
def test_the_two_presses_and_the_four_moves_of_the_pot_are_found() -> None:
    peaks_kg = figures()["press: peak"].recorded
    assert sorted(round(each, 1) for each in peaks_kg) == [8.6, 11.5]
    assert len(figures()["put down: 10 to 90 %"].recorded) == len(figures()["lifted: 90 to 10 %"].recorded) == 2


@HERE
def test_the_command_prints_both_and_names_what_it_misses(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Path, int]] = []

    def compared(recordings: Path, seed: int) -> list[Figure]:
        asked.append((recordings, seed))
        return list(figures().values())

    monkeypatch.setattr("edge_agent.commands.lab_score.compare", compared)
    words = ["lab", "score", "--anchors", "--level", "bytes", "--recordings", str(RECORDINGS)]
    status = main(words)
    assert asked == [(RECORDINGS, 1)]
    printed = capsys.readouterr().out
    assert "recorded" in printed
    assert (status == 1) == ("missed" in printed)


def test_the_middle_of_physics_must_lie_where_real_cells_are_give_or_take_a_fifth() -> None:
    assert Figure("noise", "g", (1.0, 2.0), (0.1, 0.85, 9.0)).met
    assert not Figure("noise", "g", (1.0, 2.0), (0.8,)).met
    assert not Figure("presses", "kg", (1.0,), ()).met

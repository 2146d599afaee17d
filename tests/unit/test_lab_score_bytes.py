"""`edge-agent lab score --level bytes`: shelves in physics, boards that send bytes, the whole engine behind them."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from edge_agent.bytes_level.match import ACTS_A_SHELF, BytesPlayed, BytesTerms, Told, play_bytes
from edge_agent.bytes_level.rendered_camera import CameraTerms
from edge_agent.bytes_level.scenarios import SCENARIOS, play_scenario
from edge_agent.bytes_level.scores import score_bytes
from edge_agent.bytes_level.shop import draw_physics, shop_of
from edge_agent.bytes_level.shopper import visit
from edge_agent.bytes_level.wording import bytes_rows
from edge_agent.cli import build_parser, command_module, main
from edge_agent.config.files import load_site
from edge_agent.config.tree import PolicyConfig
from edge_agent.demo.unit_files import seed_directory
from edge_agent.errors import EdgeAgentError
from edge_agent.judging.habits import HABITS
from edge_agent.judging.hardware import HARDWARE, HardwareKind
from edge_agent.judging.suites import draw_shelf
from edge_agent.simulation.scoreboard import Outcome, Scored
from edge_agent.simulation.world import ShelfWorld

BYTES = ["lab", "score", "--level", "bytes", "--suite", "distinct", "--hardware", "platform", "--acts", "8"]


def terms(kind: HardwareKind, acts: int, suite: str = "distinct") -> BytesTerms:
    return BytesTerms(suite, kind, acts, 11, HABITS, PolicyConfig())


@cache
def played_alone(kind: HardwareKind, acts: int) -> BytesPlayed:
    """Return a match on one process, played once for all that look at it."""
    return play_bytes(terms(kind, acts))


@pytest.mark.parametrize("kind", ACTS_A_SHELF)
def test_every_act_of_a_visited_shelf_is_heard_once_soon_and_nearly_always_right(kind: HardwareKind) -> None:
    acts = 12 if kind == "narrow_plates" else 20  # its engine takes its time; of 20, two told wrong fail it
    score = score_bytes(played_alone(kind, acts))
    assert (score.recall, score.precision) == (1.0, 1.0)
    assert score.accuracy > 0.9
    assert score.billed_wrong == 0
    assert score.final_p50_s is not None
    assert score.final_p50_s < 0.6, "sooner than a second's rest"
    assert score.early_p50_s is not None
    assert score.early_p50_s <= score.final_p50_s


def test_however_many_processes_share_a_match_its_scores_are_the_same() -> None:
    assert score_bytes(play_bytes(terms("platform", 20), jobs=2)) == score_bytes(played_alone("platform", 20))


def test_the_truth_adds_up_to_what_was_asked_for() -> None:
    played = played_alone("platform", 20)
    assert len(played.told) == 20, "a shelf of 16 acts and one of 4"
    starts = [each.scored.truth.t_start_s for each in played.told]
    assert sorted(starts[:16]) == starts[:16]


@pytest.mark.parametrize("kind", ["lane_cells", "platform"])
def test_a_camera_before_the_shelf_loses_no_act_and_says_of_most_what_it_saw(kind: HardwareKind) -> None:
    played = play_bytes(replace(terms(kind, 6), camera=CameraTerms()))
    score = score_bytes(played)
    assert (score.recall, score.precision, score.billed_wrong) == (1.0, 1.0, 0.0)
    events = [each.event for act in played.told for each in act.scored.heard]
    seen = [event for event in events if "camera" in event.witnesses]
    assert len(seen) >= 0.8 * len(events)
    assert all("camera" in event.witnesses_missing for event in events if event not in seen)


def test_a_camera_that_was_covered_leaves_the_scale_to_itself() -> None:
    covered = play_bytes(replace(terms("platform", 7), camera=CameraTerms(trouble="blocked")))
    blind = play_bytes(terms("platform", 7))
    assert score_bytes(covered).recall == 1.0
    for with_camera, without in zip(covered.told[4:], blind.told[4:], strict=True):  # it is covered after 20 s
        (event,), (other,) = with_camera.scored.heard, without.scored.heard
        assert event.event.items == other.event.items
        assert "camera" in event.event.witnesses_missing


def test_figures_that_four_acts_cannot_give_are_not_given() -> None:
    score = score_bytes(played_alone("platform", 4))
    assert score.residual_error == {"0.001": None, "0.01": None, "0.05": None}
    assert score.billed_ratio is None, "not one error was foretold"
    rows = dict(bytes_rows(score))
    assert rows["wrong left at so much review"] == "- at 0.1 %, - at 1 %, - at 5 %"
    assert rows["billed and wrong"] == f"0.000 % of all {score.acts}; seen/foretold -"


def test_a_match_in_which_nothing_was_heard_is_scored_as_that() -> None:
    played = played_alone("platform", 4)
    silent = [Scored(each.scored.truth, Outcome.MISSED, (), None, None) for each in played.told]
    score = score_bytes(BytesPlayed(played.terms, tuple(Told(each, None) for each in silent), ()))
    assert (score.recall, score.accuracy, score.final_p50_s) == (0.0, 0.0, None)
    assert score.faults == {"segmentation": score.acts}


def test_the_shop_is_one_that_the_agent_would_start_with() -> None:
    for kind in ACTS_A_SHELF:
        site = shop_of(draw_shelf("store", 3, 0), HARDWARE[kind], PolicyConfig())
        assert len(site.agent.boards) == {"lane_cells": 2, "platform": 1, "narrow_plates": 3}[kind]
        assert all(site.calibration(cell.board_uid) is not None for cell in site.shelves[0].channels)


@pytest.mark.parametrize("kind", ACTS_A_SHELF)
def test_no_shopper_overloads_a_cell(kind: HardwareKind) -> None:
    """A lane beyond its cell's capacity is blank, and its acts would be missed for the judge's own fault."""
    site = shop_of(draw_shelf("store", 1, 7), HARDWARE[kind], PolicyConfig())  # its items weigh 1.5-1.7 kg
    world = ShelfWorld(site, 1)
    most_g = world.goods.load_g("shelf")
    rng = np.random.default_rng(1)
    for _ in range(25):
        visit(world, replace(HABITS, put_share=0.5), rng, 1)
        most_g = np.maximum(most_g, world.goods.load_g("shelf"))
    assert (most_g <= site.shelves[0].limits.cell_max_g).all()


def test_mountings_differ_and_one_seed_draws_one() -> None:
    drawn = [draw_physics(np.random.default_rng(seed)).lane_modes for seed in (1, 1, 2, 3, 4, 5, 6)]
    assert drawn[0] == drawn[1]
    assert {len(modes) for modes in drawn} == {1, 2}


def test_the_command_prints_every_figure_and_as_json_names_its_versions(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plays: list[BytesPlayed] = []

    def once(*words: object) -> BytesPlayed:
        plays.append(plays[0] if plays else play_bytes(*words))  # type: ignore[arg-type]
        return plays[0]

    monkeypatch.setattr("edge_agent.commands.lab_score.play_bytes", once)
    assert main(BYTES) == 0
    printed = capsys.readouterr().out
    for figure in ("recall, precision", "acts told right", "release → final", "premature finals", "went wrong"):
        assert figure in printed
    assert main([*BYTES, "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert (scores["judge"], scores["bytes"]) == ("judge-1", "bytes-1")
    assert scores["matches"][0]["score"]["recall"] == 1.0


@pytest.mark.parametrize(
    ("option", "answer"),
    [
        (["--anchors"], "--anchors: --level bytes compares with recordings; name their directory: --recordings"),
        (["--anchors", "--recordings", "/nowhere"], "quiet_4ch.csv: no such recording; name the directory"),
        (
            ["--camera", "0.9"],
            "--camera 0.9: only with --level ideal; a camera before board bytes is --camera rendered",
        ),
        (["--camera", "rendered", "--pictures", "/nowhere"], "/nowhere: no products in it; a folder of products holds"),
    ],
)
def test_what_this_level_does_not_have_is_refused_by_name(option: list[str], answer: str) -> None:
    module = command_module("lab score")
    with pytest.raises(EdgeAgentError, match=answer):
        module.run(build_parser("lab score", module).parse_args(["--level", "bytes", *option]))


CLEAR = ("single take", "several of one", "put back", "put back astray", "two hands", "press only", "glitch runs")
TIMES = 1
"""Every case as often: what it is told of must be right each time. How often it is right of many, `lab score
--scenarios` counts."""


@pytest.mark.parametrize("name", CLEAR)
def test_a_clear_case_is_right(name: str) -> None:
    score = play_scenario(name, SCENARIOS[name], load_site(seed_directory() / "agent.toml"), TIMES, seed=3)
    assert (score.passed, score.wrong, score.missed, score.invented) == (1.0, 0, 0, 0)


@pytest.mark.parametrize("name", ["equal swap", "on the border", "stale weight"])
def test_a_case_that_weight_cannot_decide_is_left_to_a_person_who_finds_the_truth(name: str) -> None:
    score = play_scenario(name, SCENARIOS[name], load_site(seed_directory() / "agent.toml"), TIMES, seed=3)
    assert (score.passed, score.wrong) == (1.0, 0)
    assert score.rightly_reviewed > 0


def test_a_case_that_does_not_exist_is_named_with_those_that_do() -> None:
    module = command_module("lab score")
    words = ["--scenarios", "earthquake"]
    with pytest.raises(EdgeAgentError, match="no case 'earthquake'; the cases are: single take, several of one"):
        module.run(build_parser("lab score", module).parse_args(words))


def test_the_table_of_cases_names_what_each_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "score", "--scenarios", "single take", "press only", "--times", "1"]) == 0
    printed = capsys.readouterr().out
    assert "a push of 2-12 kg, nothing taken" in printed
    assert "oracle %" in printed
    assert "held" in printed


def test_the_documentation_lists_every_case_in_its_words() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
    table = docs.partition("| case | what happens |\n|---|---|\n")[2].partition("\n\n")[0]
    assert table.splitlines() == [f"| `{name}` | {case.words} |" for name, case in SCENARIOS.items()]

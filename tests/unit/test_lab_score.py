"""`edge-agent lab score`, as one who wants to know how good the engine is types it."""

import json
import re
from pathlib import Path

import pytest

from edge_agent.cli import main

FEW = ["lab", "score", "--suite", "distinct", "--hardware", "platform", "--acts", "50"]


def test_the_table_names_the_judge_and_every_player(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(FEW) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("judge-1. Frozen")
    assert "suite distinct, platform: 50 acts, seed 1\n" in printed
    assert "  the oracle leaves out 0.037 % of acts: two or more items astray at once\n" in printed
    for player in ("oracle", "engine", "nearest unit weight", "0.8 location + 0.2 weight"):
        assert re.search(rf"^{re.escape(player)} +[\d.]+ ", printed, re.MULTILINE)


def test_one_seed_gives_the_same_bytes_and_another_gives_others(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for seed in ("3", "3", "4"):
        assert main([*FEW, "--seed", seed, "--json"]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != said[2]
    scores = json.loads(said[0])
    assert scores["judge"] == "judge-1"
    assert scores["frozen"] is True
    (match,) = scores["matches"]
    assert match["terms"]["acts"] == 50
    oracle, engine, *_ = match["players"]
    assert (oracle["name"], engine["name"]) == ("oracle", "engine")
    assert oracle["regret"] == 0 <= engine["regret"]
    assert set(engine["residual_error"]) == {"0.001", "0.01", "0.05"}


def test_a_camera_makes_the_oracle_surer(capsys: pytest.CaptureFixture[str]) -> None:
    accuracy = []
    for camera in ([], ["--camera", "0.95", "--camera-sees", "item"]):
        assert main([*FEW[:3], "variants", *FEW[4:-1], "150", *camera, "--json"]) == 0
        accuracy.append(json.loads(capsys.readouterr().out)["matches"][0]["players"][0]["accuracy"])
    assert accuracy[0] < accuracy[1]


def test_the_page_is_written_beside_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "score.html"
    assert main([*FEW, "--html", str(page)]) == 0
    assert "<svg" in page.read_text()
    assert str(page) in capsys.readouterr().err


def test_a_page_that_cannot_be_written_is_refused_before_the_match(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FEW, "--html", "/nowhere/score.html"]) == 1
    assert capsys.readouterr().err == (
        "edge-agent: /nowhere/score.html: No such file or directory; name a file that can be written with --html\n"
    )


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--suite", "fridge"], "invalid choice: 'fridge'"),
        (["--hardware", "carpet"], "invalid choice: 'carpet'"),
        (["--acts", "0"], "'0': give a whole number, 1 to 1000000"),
        (["--acts", "many"], "'many': give a whole number"),
        (["--seed", "-1"], "'-1': give a whole number from 0"),
        (["--camera", "1"], "'1': give a share, 0.8 to 0.99"),
    ],
)
def test_bad_input_is_named(words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["lab", "score", *words])
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


def test_the_examination_of_the_judge_says_what_it_misses(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["lab", "score", "--anchors", "--acts", "50"])
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) > 14
    assert re.search(r"^Beyond a fifth, \d+ of 45:$", printed, re.MULTILINE)
    assert re.search(r"^  \w+, .+: [\d.e-]+ for [\d.]+ \([+-]\d+ %\)$", printed, re.MULTILINE)
    assert status == 1, "fifty acts cannot meet every anchor"
    assert re.search(r"^variants +cell per lane \+ camera +0\.7 → [\d.]+ ", printed, re.MULTILINE)


def test_physics_has_no_plates_narrower_than_items_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "score", "--level", "bytes", "--hardware", "narrow_plates"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "--hardware narrow_plates: only with --level ideal; name lane_cells or platform" in said.err

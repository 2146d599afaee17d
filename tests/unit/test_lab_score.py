"""`edge-agent lab score`, as one who wants to know how good the engine is types it."""

import json
import os
import re
from pathlib import Path

import pytest

from edge_agent.cli import main
from edge_agent.commands import lab_score
from edge_agent.console.page_file import write_page

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


def test_a_page_that_is_broken_off_leaves_the_one_of_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "score.html"
    page.write_text("the page of yesterday")

    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(lab_score, "html_report", interrupted)
    assert main([*FEW, "--html", str(page)]) == 130
    assert page.read_text() == "the page of yesterday"
    assert list(tmp_path.iterdir()) == [page]


def test_a_page_may_go_to_a_link_or_to_what_is_no_file(tmp_path: Path) -> None:
    link, pipe = tmp_path / "latest.html", tmp_path / "pipe"
    link.symlink_to(tmp_path / "score.html")
    write_page(link, "page")
    assert (link.is_symlink(), (tmp_path / "score.html").read_text()) == (True, "page")
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_page(pipe, "page")
    assert (os.read(reader, 9), pipe.is_fifo()) == (b"page", True)
    os.close(reader)


def test_a_page_that_cannot_be_written_is_refused_before_the_match(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FEW, "--html", "/nowhere/score.html"]) == 1
    assert capsys.readouterr().err == (
        "edge-agent: /nowhere/score.html: No such file or directory; name a file that can be written with --html\n"
    )


@pytest.mark.parametrize("way", [["--scenarios"], ["--anchors"]])
def test_a_page_that_this_way_of_playing_does_not_have_is_refused_and_its_file_left_alone(
    way: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "score.html"
    assert main(["lab", "score", *way, "--html", str(page)]) == 2
    said = f"edge-agent: --html: only with --level ideal or --level bytes; leave it away with {' '.join(way)}\n"
    assert capsys.readouterr().err == said
    assert not page.exists()


CAMERA = ["--camera", "0.9"]
LEVELS = "only with --level ideal or --level bytes; leave it away"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--scenarios", *CAMERA], f"--camera: {LEVELS} with --scenarios"),
        (["--level", "ideal", "--camera", "rendered"], "--camera rendered: sees shelves in physics; add --level bytes"),
        (["--pictures", "."], "--pictures: only with --level bytes; add --level bytes, or leave --pictures away"),
        (
            ["--level", "bytes", "--pictures", "."],
            "--pictures: only with --camera rendered; add it, or leave --pictures",
        ),
        (["--level", "bytes", "--camera-trouble", "dark"], "--camera-trouble: only with --camera rendered; add it, or"),
        (["--scenarios", "--hardware", "platform"], f"--hardware: {LEVELS} with --scenarios"),
        (["--scenarios", "--suite", "all"], f"--suite: {LEVELS} with --scenarios"),
        (["--scenarios", "--jobs", "1"], f"--jobs: {LEVELS} with --scenarios"),
        (["--scenarios", "--acts", "9"], "leave it away with --scenarios; --times says how often a case is played"),
        (["--scenarios", "--level", "ideal"], "--level ideal: --scenarios go through board bytes; leave --level away"),
        (["--scenarios", "--anchors"], "--anchors: not together with --scenarios; leave one of them away"),
        (["--anchors", "--jobs", "2"], f"--jobs: {LEVELS} with --anchors"),
        (["--anchors", "--suite", "store"], f"--suite: {LEVELS} with --anchors"),
        (["--times", "10"], "--times: only with --scenarios; add --scenarios, or leave --times away"),
        (["--level", "bytes", "--times", "3"], "--times: only with --scenarios; leave it away with --level bytes"),
        (["--level", "bytes", "--camera-sees", "item"], "--camera-sees: only with --level ideal; leave it away"),
        (["--camera-sees", "event"], "--camera-sees: says what a camera sees; add --camera TOP1, or leave"),
        (["--scenarios", "earthquake"], "--scenarios: no case 'earthquake'; the cases are: single take, "),
    ],
)
def test_an_option_that_would_be_ignored_is_refused_with_what_to_do(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lab", "score", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert complaint in said.err


def test_figures_that_a_small_sample_cannot_give_are_dashes_and_null(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(FEW) == 0
    printed = capsys.readouterr().out
    assert re.search(r"left 0\.1 % .*billed wrong % of all", printed)
    assert re.search(r"^engine +[\d.]+ +- +- +[\d.]+ .* -$", printed, re.MULTILINE), "50 acts have no thousandth"
    assert main([*FEW, "--json"]) == 0
    engine = json.loads(capsys.readouterr().out)["matches"][0]["players"][1]
    assert (engine["residual_error"]["0.001"], engine["regret_share_upper"]) == (None, None)
    assert engine["residual_error"]["0.05"] is not None


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

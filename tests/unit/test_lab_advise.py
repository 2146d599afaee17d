"""`edge-agent lab advise`, as a deployer asks it before a shelf is bought and hung."""

import json
import re
import shutil
from pathlib import Path

import pytest

from edge_agent.advising.forecast import threshold_for
from edge_agent.cli import main
from edge_agent.errors import ConfigError, EdgeAgentError

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """Return a copy of the example configuration's agent.toml that may be changed."""
    shutil.copytree(CONFIG, tmp_path / "config")
    return tmp_path / "config" / "agent.toml"


def advise(plan: Path, *words: str) -> int:
    return main(["lab", "advise", "--config", str(plan), "--acts", "240", *words])


def crowd(plan: Path) -> None:
    """Make the platform's six lanes 40 mm wide, so that alike weights stand 40 mm from middle to middle."""
    planogram = plan.parent / "planogram.toml"
    before, platform = planogram.read_text(encoding="utf-8").split("# --- dairy-platform")
    for place in range(6):
        platform = platform.replace(
            f"x_mm = [{150 * place}, {150 * place + 150}]", f"x_mm = [{40 * place}, {40 * place + 40}]"
        )
    planogram.write_text(f"{before}# --- dairy-platform{platform}", encoding="utf-8")


def test_a_plate_a_lane_meets_the_targets_and_the_platform_is_told_that_it_cannot(
    plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert advise(plan, "--shelf", "ambient-lanes") == 0
    assert "Both targets can be met" in capsys.readouterr().out
    assert advise(plan, "--shelf", "dairy-platform") == 1
    printed = capsys.readouterr().out
    assert "These sensors cannot meet both targets" in printed
    pair = re.search(r"taken for +each other.*\n(\S+) +(\S+)", printed)
    assert pair is not None
    assert set(pair.groups()) == {"oat-drink-barista-1000", "oat-drink-unsweetened-1000"}


def test_a_crowded_plan_of_equal_weights_is_told_to_move_them_apart_and_how_much_that_helps(
    plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crowd(plan)
    assert advise(plan, "--shelf", "dairy-platform", "--step-noise", "30", "--json") == 1
    (shelf,) = json.loads(capsys.readouterr().out)["shelves"]
    worst = shelf["forecast"]["neighbours"][0]
    assert {worst["sku"], worst["other"]} == {"salted-butter-250", "greek-yoghurt-500"}, (
        "two of one weigh like the other"
    )
    swaps = [each for each in shelf["proposals"] if each["text"].startswith("swap lanes")]
    assert len(swaps) == 1
    assert worst["sku"] in swaps[0]["text"] or worst["other"] in swaps[0]["text"]
    assert swaps[0]["forecast"]["undecided"] < 0.8 * shelf["forecast"]["undecided"]
    own_cells = next(each for each in shelf["proposals"] if "a cell of its own" in each["text"])
    assert own_cells["forecast"]["undecided"] < shelf["forecast"]["undecided"]


def test_the_picture_shows_every_lane_and_an_arc_between_what_is_confused(plan: Path, tmp_path: Path) -> None:
    picture = tmp_path / "advice.html"
    advise(plan, "--shelf", "dairy-platform", "--no-proposals", "--html", str(picture))
    page = picture.read_text(encoding="utf-8")
    assert page.count("<rect") == 6
    assert "<path" in page
    assert "src=" not in page
    assert "href=" not in page


def test_the_same_seed_gives_the_same_advice(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for seed in ("3", "3", "4"):
        advise(plan, "--shelf", "ambient-lanes", "--json", "--seed", seed)
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != said[2]


def test_a_shelf_that_is_not_there_is_named_with_those_that_are(plan: Path) -> None:
    with pytest.raises(ConfigError, match=r"no shelf 'freezer'; --shelf takes one of: ambient-lanes, dairy-platform"):
        main_module_run(plan, "--shelf", "freezer")


def test_a_planogram_without_lanes_has_nothing_to_foretell(plan: Path) -> None:
    (plan.parent / "planogram.toml").write_text("revision = 1\nlanes = []\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="there is nothing to foretell; plan lanes first"):
        main_module_run(plan)


def test_a_picture_that_cannot_be_written_is_said_before_the_work(plan: Path, tmp_path: Path) -> None:
    with pytest.raises(EdgeAgentError, match="name a file that can be written with --html"):
        main_module_run(plan, "--html", str(tmp_path / "missing" / "advice.html"))


def main_module_run(plan: Path, *words: str) -> int:
    """Run the command itself, so that its error can be looked at."""
    from edge_agent.cli import build_parser, command_module  # noqa: PLC0415 - the command line's own way in

    module = command_module("lab advise")
    return int(module.run(build_parser("lab advise", module).parse_args(["--config", str(plan), *words])))


def test_the_threshold_bills_as_much_as_the_errors_allow() -> None:
    assert threshold_for((0.5, 0.9, 1.0, 1.0), 0.03) == (0.9, 0.25)
    assert threshold_for((0.5, 0.9, 1.0, 1.0), 0.01) == (1.0, 0.5)
    assert threshold_for((0.9, 0.99), 1e-6) == (1.0, 1.0), "nothing is sure enough: everything is reviewed"

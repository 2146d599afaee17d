"""`edge-agent lab advise`, as a deployer asks it before a shelf is bought and hung."""

import json
import re
import shutil
from pathlib import Path

import pytest

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
    assert advise(plan, "--shelf", "dairy-platform", "--no-proposals") == 1
    printed = capsys.readouterr().out
    assert "These sensors cannot meet both targets" in printed
    pair = re.search(r"taken for +each other.*\n(\S+) +(\S+)", printed)
    assert pair is not None
    assert set(pair.groups()) == {"oat-drink-barista-1000", "oat-drink-unsweetened-1000"}


def test_the_example_is_told_to_part_its_oat_drinks_and_how_many_reviews_that_spares(
    plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lab", "advise", "--config", str(plan), "--shelf", "dairy-platform", "--acts", "300"]) == 1
    printed = capsys.readouterr().out
    swaps = re.findall(r"- swap lanes D(\d) \((\S+)\) and\s+D(\d) \((\S+)\):\s+reviews\s+(\d+) ‰ -> (\d+) ‰", printed)
    assert swaps
    for left, left_sku, right, right_sku, before, after in swaps:
        places = {"oat-drink-barista-1000": 1, "oat-drink-unsweetened-1000": 2}
        places |= {left_sku: int(right), right_sku: int(left)}
        apart = abs(places["oat-drink-barista-1000"] - places["oat-drink-unsweetened-1000"])
        assert apart > 1, "the oat drinks still stand side by side"
        assert int(after) < int(before)
    assert int(swaps[0][5]) < 0.7 * int(swaps[0][4])


def test_a_crowded_plan_is_told_to_move_its_worst_neighbours_apart_and_nothing_that_does_not_help(
    plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crowd(plan)
    assert advise(plan, "--shelf", "dairy-platform", "--step-noise", "30", "--json") == 1
    (shelf,) = json.loads(capsys.readouterr().out)["shelves"]
    worst = {shelf["forecast"]["neighbours"][0]["sku"], shelf["forecast"]["neighbours"][0]["other"]}
    assert worst == {"double-cream-300", "mature-cheddar-350"}, "side by side, and 37 g apart under 30 g of noise"
    swaps = [each for each in shelf["proposals"] if each["text"].startswith("swap lanes")]
    assert any(sku in swaps[0]["text"] for sku in worst)
    reviewed = [each["at_target"]["reviewed"] for each in shelf["proposals"]]
    assert reviewed == sorted(reviewed)
    assert reviewed[-1] < shelf["at_target"]["reviewed"]
    assert not any("a cell of its own" in each["text"] for each in shelf["proposals"]), "40 mm plates do not help here"


def test_a_shelf_is_foretold_before_any_board_was_calibrated(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(plan.parent / "calibration")
    assert advise(plan, "--shelf", "ambient-lanes") == 0
    assert "Calibration files are not read: an act has the nominal noise of 1 g" in capsys.readouterr().out


def test_the_unit_gets_one_threshold_and_the_file_and_key_where_it_stands(
    plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert advise(plan, "--no-proposals") == 1
    printed = " ".join(capsys.readouterr().out.split())
    stands = r"store\.toml: policy\.min_confidence = 0\.99 misses a target: .*\d+ in 1,000 reviewed on dairy-platform"
    assert re.search(stands, printed)
    assert re.search(r"Recommended: policy\.min_confidence = 0\.\d{1,4}, the least that bills", printed)
    assert "1.0000" not in printed


def test_a_threshold_that_the_unit_sets_itself_and_that_meets_both_targets_is_left(
    plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan.write_text(plan.read_text(encoding="utf-8") + "\n[policy]\nmin_confidence = 0.97\n", encoding="utf-8")
    assert advise(plan, "--shelf", "ambient-lanes") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "agent.toml: policy.min_confidence = 0.97 meets both targets. Recommended: leave it." in printed
    assert "other shelves share this key" in printed


def test_too_few_acts_for_the_targets_are_called_that_and_lanes_without_any_show_no_figure(
    plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "advice.html"
    words = ["--shelf", "ambient-lanes", "--acts", "3", "--html", str(picture)]
    main(["lab", "advise", "--config", str(plan), *words])
    printed = capsys.readouterr().out
    assert "Too few acts: of 3 not one is expected at a target of 1 in 1,000; give --acts 1000 or more." in printed
    assert len(re.findall(r"^A\d +\S+ +- +-$", printed, flags=re.MULTILINE)) == 3
    assert "Too few acts" in picture.read_text(encoding="utf-8")
    advise(plan, "--shelf", "ambient-lanes", "--acts", "1000")
    assert "Too few acts" not in capsys.readouterr().out


def test_the_forecast_can_be_read_while_proposals_are_still_computed(
    plan: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []

    def slow(*_: object, **__: object) -> list[object]:
        read.append(capsys.readouterr().out)
        return []

    monkeypatch.setattr("edge_agent.commands.lab_advise.proposals", slow)
    advise(plan, "--shelf", "dairy-platform")
    assert "These sensors cannot meet both targets" in read[0]
    assert "Recommended:" in read[0]
    assert "nothing that was tried lowers the reviews" in capsys.readouterr().out


def test_a_shelf_of_one_lane_is_not_called_lanes(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planogram = plan.parent / "planogram.toml"
    first, second, *_ = planogram.read_text(encoding="utf-8").split("[[lanes]]")
    planogram.write_text(f"{first}[[lanes]]{second}", encoding="utf-8")
    advise(plan, "--shelf", "ambient-lanes", "--acts", "40")
    assert "ambient-lanes: lane_cells, 1 lane\n" in capsys.readouterr().out


def test_the_picture_shows_every_lane_and_an_arc_between_what_is_confused(plan: Path, tmp_path: Path) -> None:
    picture = tmp_path / "advice.html"
    advise(plan, "--shelf", "dairy-platform", "--no-proposals", "--html", str(picture))
    page = picture.read_text(encoding="utf-8")
    assert page.count("<rect") == 6
    assert "<th>reviewed per 1,000 at the target</th>" in page
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

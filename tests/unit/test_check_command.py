import json
import os
from pathlib import Path

import pytest

from edge_agent.cli import main
from edge_agent.config.files import load_site
from edge_agent.console.terminal import COLUMNS, width

LANES_BOARD = "8f3a1c5e7b902d46"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def check(unit_files: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    """Run the command; return its status and what it printed, the temporary directory left out."""
    status = main(["check", "--config", str(unit_files / "agent.toml"), *options])
    printed = capsys.readouterr()
    return status, (printed.out + printed.err).replace(f"{unit_files}/", "")


def test_a_technician_sees_the_shelf_as_the_agent_understands_it(
    unit_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, printed = check(unit_files, capsys)

    assert status == 0
    lines = printed.splitlines()
    start = lines.index("drinks: lane_cells, 450 x 400 mm")
    assert lines[start : start + 9] == [
        "drinks: lane_cells, 450 x 400 mm",
        "┌────────────────────────────────┬────────────────────────────────┬────────────────────────────────┐",
        "│A1                              │A2                              │A3                              │",
        "│oat-milk                        │cola-can                        │lime-can                        │",
        "│Oat milk 1 l                    │Cola 330 ml                     │Lime 330 ml                     │",
        "│3/4                             │8/8                             │0/8                             │",
        "└────────────────────────────────┴────────────────────────────────┴────────────────────────────────┘",
        "                 ▲a0                              ▲a1                              ▲a2",
        "╘════════════════════════════════╧════════════════════════════════╧════════════════════════════════╛",
    ]
    platform = lines.index("snacks: platform, 600 x 400 mm")
    assert [lines[platform + 1].split(), lines[platform + 8].split()] == [["▼b2", "▼b3"], ["▲b0", "▲b1"]]
    assert lines[-1] == "0 errors, 0 warnings: the agent would start with this configuration"
    assert max(width(line) for line in lines) <= COLUMNS


def test_a_lane_is_drawn_where_it_is_and_the_gap_beside_it_stays_empty(
    unit_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(unit_files / "planogram.toml", "[0, 300]", "[0, 60]")
    lines = check(unit_files, capsys)[1].splitlines()
    row = next(line for line in lines if line.startswith("│B1"))
    assert row == f"│{'B1':<9}│{'·' * 39}│{'B2':<48}│"


def test_cells_of_a_crowded_shelf_are_all_named(unit_files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = range(40)
    (unit_files / "shelves/drinks.toml").write_text(
        'shelf_id = "drinks"\nkind = "lane_cells"\nwidth_mm = 450\ndepth_mm = 400\n'
        + "".join(f'[[channels]]\nboard_uid = "{LANES_BOARD}"\nindex = {n}\nx_mm = {5 + 11 * n}\n' for n in cells)
    )
    rows = ", ".join(f"{{ index = {n}, zero_counts = 0, counts_per_g = 430 }}" for n in cells)
    (unit_files / f"calibration/{LANES_BOARD}.toml").write_text(
        f'board_uid = "{LANES_BOARD}"\nrevision = 1\nchannels = [{rows}]\n'
    )
    for old, new in (("[0, 150]", "[0, 10]"), ("[150, 300]", "[11, 21]"), ("[300, 450]", "[22, 32]")):
        edit(unit_files / "planogram.toml", old, new)

    status, printed = check(unit_files, capsys)

    assert status == 0
    for number in cells:
        assert f"a{number}" in printed
    assert "channels[39]: plate 40 of shelf 'drinks' carries no lane" in " ".join(printed.split())
    assert max(width(line) for line in printed.splitlines()) <= COLUMNS


def test_every_contradiction_is_listed_and_the_status_says_that_the_agent_would_not_start(
    unit_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(unit_files / "planogram.toml", '"crisps"', '"crips"')
    edit(unit_files / "shelves/snacks.toml", "= 12", "= 60")

    status, printed = check(unit_files, capsys)

    assert status == 3
    flat = " ".join(printed.split())
    assert "error: planogram.toml: lanes[3].sku = 'crips': lane 'B1' names an unknown SKU" in flat
    assert "error: shelves/snacks.toml: limits.min_event_g = 60: allowed up to 45.5" in flat
    assert printed.endswith("2 errors, 0 warnings: the agent would not start with this configuration\n")


def test_a_missing_calibration_has_its_own_status_and_still_shows_the_shelves(
    unit_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (unit_files / f"calibration/{LANES_BOARD}.toml").unlink()
    status, printed = check(unit_files, capsys)
    assert status == 4
    assert "│oat-milk" in printed
    assert "does not exist; calibrate this board" in " ".join(printed.split())


def test_a_broken_file_is_one_line_on_stderr(unit_files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(unit_files / "catalogue.toml", "[[items]]", "[[items]")
    assert main(["check", "--config", str(unit_files / "agent.toml")]) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"edge-agent: {unit_files}/catalogue.toml: broken TOML: ")
    assert printed.err.count("\n") == 1


def test_a_script_reads_the_same_as_json(unit_files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, printed = check(unit_files, capsys, "--json")
    document = json.loads(printed)
    assert (status, document["ok"], document["errors"]) == (0, True, [])
    assert document["site"]["agent"]["broker"]["host"] == "broker.shop"
    assert document["files"][0] == {
        "name": "planogram.toml",
        "standing": "seed_only",
        "in_force": 3,
        "seed": 3,
        "active": None,
    }


def test_a_script_reads_a_broken_file_as_json_too(unit_files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(unit_files / "store.toml", "1884", "0")
    status, printed = check(unit_files, capsys, "--json")
    (error,) = json.loads(printed)["errors"]
    assert (status, error["kind"], error["exit_status"]) == (3, "ConfigError", 3)
    assert error["message"] == "store.toml: broker.port = 0: allowed 1-65535"


def test_products_that_nothing_tells_apart_are_pointed_out(
    unit_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flat = " ".join(check(unit_files, capsys)[1].split())
    assert "hint: shelf snacks: 2 x crisps (B1) and 1 x nuts (B2) weigh alike: 1.0 g apart" in flat
    assert "lime-can (A3) and" not in flat  # weighs as much as cola, but each stands on a plate of its own


def test_two_products_on_one_plate_must_differ_in_weight(unit_files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(unit_files / "planogram.toml", "[150, 300]", "[300, 360]")
    edit(unit_files / "planogram.toml", "[300, 450]", "[380, 450]")
    flat = " ".join(check(unit_files, capsys)[1].split())
    assert "hint: shelf drinks: 1 x cola-can (A2) and 1 x lime-can (A3) weigh alike: 1.0 g apart" in flat


def test_a_gap_between_lanes_lets_a_platform_tell_them_apart(
    unit_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(unit_files / "planogram.toml", "[300, 600]", "[340, 600]")
    assert "weigh alike" not in check(unit_files, capsys)[1]


def test_an_edited_seed_with_an_unchanged_revision_is_an_error(
    unit_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load_site(unit_files / "agent.toml", adopt=True)
    edit(unit_files / "planogram.toml", "opening_count = 3", "opening_count = 2")

    status, printed = check(unit_files, capsys)

    assert status == 3
    flat = " ".join(printed.split())
    assert "error: planogram.toml: revision = 3: the active file has this revision too but another content" in flat
    assert "raise the revision" in flat


def test_older_and_newer_seeds_are_shown_and_change_nothing(
    unit_files: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    state = tmp_path / "other-state"
    load_site(unit_files / "agent.toml", state_dir=state, adopt=True)
    edit(unit_files / "planogram.toml", "revision = 3", "revision = 2")
    edit(unit_files / "catalogue.toml", "revision = 5", "revision = 6")

    status, printed = check(unit_files, capsys, "--state-dir", str(state))

    assert status == 0
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in printed.splitlines() if ".toml  " in line}
    assert rows["planogram.toml"] == "3 2 3 active; the seed is older and ignored"
    assert rows["catalogue.toml"].startswith("6 6 5 seed of a higher revision; replaces the active one")
    assert "revision = 5" in (state / "active/catalogue.toml").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_a_state_directory_of_another_user_is_a_warning(unit_files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load_site(unit_files / "agent.toml", adopt=True)
    for folder in (unit_files, *unit_files.parents[:4]):  # a parallel run adds a folder of its own
        folder.chmod(0o755)
    os.seteuid(65534)
    try:
        status, printed = check(unit_files, capsys)
    finally:
        os.seteuid(0)
    assert status == 0
    assert "state: Permission denied, so only the seeds were checked; run as the agent's user" in " ".join(
        printed.split()
    )


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2099-01-01T00:00:00Z", "lies in the future; check the clock"),
        ("last week", "write it as 2026-11-02T10:30:00Z"),
    ],
)
def test_a_calibration_date_that_cannot_be_is_a_warning(
    unit_files: Path, capsys: pytest.CaptureFixture[str], when: str, expected: str
) -> None:
    edit(unit_files / f"calibration/{LANES_BOARD}.toml", "2026-11-02T10:30:00Z", when)
    status, printed = check(unit_files, capsys)
    assert status == 0
    assert expected in " ".join(printed.split())


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("shelves/drinks.toml", "depth_mm = 400", "depth_mm = 400\n[limits]\ncell_max_g = 4000", "plate 1: full lanes"),
        ("shelves/snacks.toml", "= 20000", "= 100", "full lanes weigh 1360 g; its cells bear 400 g"),
        ("planogram.toml", 'x_mm = [300, 450]\nsku = "lime', 'x_mm = [290, 299.5]\nsku = "lime', "plate 3 of shelf"),
    ],
)
def test_what_is_allowed_but_hardly_meant_is_a_warning(
    unit_files: Path, capsys: pytest.CaptureFixture[str], file: str, old: str, new: str, expected: str
) -> None:
    if "[limits]" in new:  # a table header ends the top level: it goes to the end of the file
        path = unit_files / file
        path.write_text(path.read_text() + "\n[limits]\ncell_max_g = 4000\n")
    elif "lime" in new:
        edit(unit_files / file, "[150, 300]", "[150, 289]")
        edit(unit_files / file, old, new)
    else:
        edit(unit_files / file, old, new)
    status, printed = check(unit_files, capsys)
    assert status == 0
    assert expected in " ".join(printed.split())


def test_an_unused_board_and_an_empty_shelf_are_warnings(unit_files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planogram = (unit_files / "planogram.toml").read_text()
    (unit_files / "planogram.toml").write_text(planogram[: planogram.index('[[lanes]]\nlane_id = "B1"')])
    edit(
        unit_files / "agent.toml", "[[boards]]", '[[boards]]\nuid = "00000000000000ff"\nport = "/dev/spare"\n[[boards]]'
    )

    status, printed = check(unit_files, capsys)

    flat = " ".join(printed.split())
    assert status == 0
    assert "shelf 'snacks' has no lane in planogram.toml; every act there goes to review" in flat
    assert "boards[0].uid = '00000000000000ff': no shelf has a channel on this board" in flat


def test_an_escape_sequence_in_a_products_name_does_not_reach_the_terminal(
    unit_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(unit_files / "catalogue.toml", '"Cola 330 ml"', '"\\u001b[2JCola"')
    printed = check(unit_files, capsys)[1]
    assert "\x1b" not in printed
    assert "�[2JCola" in printed


def test_the_configuration_is_found_by_variable_or_where_it_belongs(
    unit_files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EDGE_AGENT_CONFIG", str(unit_files / "agent.toml"))
    assert main(["check"]) == 0

    monkeypatch.delenv("EDGE_AGENT_CONFIG")
    monkeypatch.chdir(unit_files.parent)
    assert main(["check"]) == 0
    assert "unit unit-7 of store corner-shop (config/agent.toml)" in capsys.readouterr().out

    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    assert main(["check"]) == 3
    assert "name one by --config or $EDGE_AGENT_CONFIG" in capsys.readouterr().err


def test_the_example_configuration_of_this_project_is_consistent(capsys: pytest.CaptureFixture[str]) -> None:
    example = Path(__file__).parents[2] / "config" / "agent.toml"
    assert main(["check", "--config", str(example)]) == 0
    printed = capsys.readouterr().out
    assert printed.endswith("0 errors, 2 warnings: the agent would start with this configuration\n")
    assert " ".join(printed.split()).count("the example's figures, no board's: every weight is wrong") == 2
    assert max(width(line) for line in printed.splitlines()) <= COLUMNS

import errno
import os
import stat
from pathlib import Path

import pytest

from edge_agent.config.files import load_site, read_site
from edge_agent.config.revisions import Standing, keep_revision, plan_activation
from edge_agent.errors import CalibrationError, ConfigError

BOARD = "8f3a1c5e7b902d46"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def standings(unit_files: Path, state: Path) -> dict[str, Standing]:
    reading = read_site(unit_files / "agent.toml", state_dir=state)
    return {activation.name: activation.standing for activation in reading.activations}


def test_the_first_start_copies_the_seed_for_the_agents_eyes_only(unit_files: Path, tmp_path: Path) -> None:
    state = tmp_path / "var" / "state"

    load_site(unit_files / "agent.toml", state_dir=state, adopt=True)

    written = sorted(str(path.relative_to(state)) for path in state.rglob("*.toml"))
    assert written == [
        "active/calibration/02d468f3a1c5e7b9.toml",
        "active/calibration/8f3a1c5e7b902d46.toml",
        "active/catalogue.toml",
        "active/planogram.toml",
    ]
    assert (state / "active/planogram.toml").read_bytes() == (unit_files / "planogram.toml").read_bytes()
    for path in state.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_reading_without_adopting_writes_nothing(unit_files: Path, tmp_path: Path) -> None:
    load_site(unit_files / "agent.toml", state_dir=tmp_path / "state")
    assert not (tmp_path / "state").exists()


def test_what_changed_at_run_time_outlives_a_restart(unit_files: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    load_site(unit_files / "agent.toml", state_dir=state, adopt=True)
    edit(state / "active/planogram.toml", "revision = 3", "revision = 4")
    edit(state / "active/planogram.toml", "opening_count = 3", "opening_count = 1")

    site = load_site(unit_files / "agent.toml", state_dir=state, adopt=True)

    assert site.opening_stock()["A1"] == {"oat-milk": 1}
    assert standings(unit_files, state)["planogram.toml"] is Standing.SEED_OLDER
    assert load_site(unit_files / "agent.toml").planogram.revision == 3


def test_a_seed_of_a_higher_revision_takes_over_and_the_old_one_is_kept(unit_files: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    load_site(unit_files / "agent.toml", state_dir=state, adopt=True)
    before = (state / "active/planogram.toml").read_bytes()
    edit(unit_files / "planogram.toml", "revision = 3", "revision = 4")
    edit(unit_files / "planogram.toml", "opening_count = 3", "opening_count = 2")

    site = load_site(unit_files / "agent.toml", state_dir=state, adopt=True)

    assert site.opening_stock()["A1"] == {"oat-milk": 2}
    assert (state / "revisions/planogram-000003.toml").read_bytes() == before
    assert standings(unit_files, state)["planogram.toml"] is Standing.SAME


def test_a_new_calibration_is_adopted_for_its_own_board_only(unit_files: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    load_site(unit_files / "agent.toml", state_dir=state, adopt=True)
    edit(unit_files / f"calibration/{BOARD}.toml", "revision = 2", "revision = 3")

    load_site(unit_files / "agent.toml", state_dir=state, adopt=True)

    assert [path.name for path in (state / "revisions").iterdir()] == [f"calibration-{BOARD}-000002.toml"]


def test_an_edited_seed_that_kept_its_revision_is_ignored(unit_files: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    load_site(unit_files / "agent.toml", state_dir=state, adopt=True)
    edit(unit_files / "planogram.toml", "opening_count = 3", "opening_count = 2")

    site = load_site(unit_files / "agent.toml", state_dir=state, adopt=True)

    assert site.opening_stock()["A1"] == {"oat-milk": 3}
    assert standings(unit_files, state)["planogram.toml"] is Standing.CONFLICT


def test_a_comment_in_the_seed_is_not_a_change(unit_files: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    load_site(unit_files / "agent.toml", state_dir=state, adopt=True)
    edit(unit_files / "planogram.toml", "revision = 3", "# summer range\nrevision = 3")
    assert standings(unit_files, state)["planogram.toml"] is Standing.SAME


def test_a_seed_that_contradicts_the_catalogue_never_becomes_the_truth(unit_files: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    load_site(unit_files / "agent.toml", state_dir=state, adopt=True)
    before = (state / "active/planogram.toml").read_bytes()
    edit(unit_files / "planogram.toml", "revision = 3", "revision = 4")
    edit(unit_files / "planogram.toml", '"nuts"', '"walnuts"')

    with pytest.raises(ConfigError, match="unknown SKU"):
        load_site(unit_files / "agent.toml", state_dir=state, adopt=True)

    assert (state / "active/planogram.toml").read_bytes() == before
    assert not (state / "revisions").exists()


def test_a_damaged_active_file_is_named_with_the_way_back(unit_files: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    load_site(unit_files / "agent.toml", state_dir=state, adopt=True)
    (state / "active/planogram.toml").write_bytes(b"\x00" * 40)
    with pytest.raises(ConfigError, match=r"active/planogram.toml: broken TOML.*restore it from .*revisions or delete"):
        load_site(unit_files / "agent.toml", state_dir=state)


def test_a_calibration_made_on_the_spot_needs_no_seed(unit_files: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    load_site(unit_files / "agent.toml", state_dir=state, adopt=True)
    (unit_files / f"calibration/{BOARD}.toml").unlink()
    assert load_site(unit_files / "agent.toml", state_dir=state).calibration(BOARD) is not None
    assert standings(unit_files, state)[f"calibration/{BOARD}.toml"] is Standing.NO_SEED


def test_an_active_calibration_of_another_board_is_refused(unit_files: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    load_site(unit_files / "agent.toml", state_dir=state, adopt=True)
    edit(state / f"active/calibration/{BOARD}.toml", BOARD, "0" * 16)
    with pytest.raises(CalibrationError, match=f"the file is named for board {BOARD}"):
        load_site(unit_files / "agent.toml", state_dir=state)


def test_neither_seed_nor_active_file_is_an_error() -> None:
    with pytest.raises(ConfigError, match="neither a seed nor an active file"):
        plan_activation("planogram.toml", None, None)


def test_keeping_a_revision_twice_never_overwrites_another_content(tmp_path: Path) -> None:
    first = keep_revision(tmp_path, "calibration/ab.toml", 2, b"one")
    again = keep_revision(tmp_path, "calibration/ab.toml", 2, b"one")
    other = keep_revision(tmp_path, "calibration/ab.toml", 2, b"two")

    assert first == again
    assert first.name == "calibration-ab-000002.toml"
    assert (first.read_bytes(), other.read_bytes()) == (b"one", b"two")


def test_a_full_disk_leaves_the_old_file_whole(
    unit_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    load_site(unit_files / "agent.toml", state_dir=state, adopt=True)
    before = (state / "active/planogram.toml").read_bytes()
    edit(unit_files / "planogram.toml", "revision = 3", "revision = 4")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="cannot be written: No space left on device; free space"):
        load_site(unit_files / "agent.toml", state_dir=state, adopt=True)

    assert (state / "active/planogram.toml").read_bytes() == before


def test_adopting_uses_the_configurations_own_state_directory_unless_told_otherwise(
    unit_files: Path, tmp_path: Path
) -> None:
    own = load_site(unit_files / "agent.toml", adopt=True)
    other = load_site(unit_files / "agent.toml", state_dir=tmp_path / "elsewhere", adopt=True)

    assert own.agent.state_dir == str(unit_files / "state")
    assert other.agent.state_dir == str(tmp_path / "elsewhere")
    assert (unit_files / "state/active/planogram.toml").exists()
    assert (tmp_path / "elsewhere/active/planogram.toml").exists()


def test_the_log_says_once_what_was_adopted_and_which_seed_was_passed_over(
    unit_files: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "edge_agent.config.files")
    load_site(unit_files / "agent.toml", adopt=True)
    assert "configuration adopted file=planogram.toml revision=3" in caplog.text
    caplog.clear()

    edit(unit_files / "planogram.toml", "revision = 3", "revision = 2")
    load_site(unit_files / "agent.toml", adopt=True)

    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "planogram.toml seed_revision=2 active_revision=3" in record.getMessage()

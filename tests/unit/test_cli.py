import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from edge_agent import cli, errors
from edge_agent.cli import COMMANDS, GROUPS, build_parser, command_module, main

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "commands.md").read_text()


def section(name: str) -> str:
    """Return what docs/commands.md says of one command; empty when it says nothing."""
    match = re.search(rf"^## edge-agent {re.escape(name)}\n(.*?)(?=^## |\Z)", DOCS, re.DOTALL | re.MULTILINE)
    return match[1] if match else ""


def actions(name: str) -> Iterator[argparse.Action]:
    parser = build_parser(name, command_module(name))
    return (action for action in parser._actions if not isinstance(action, argparse._HelpAction))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = command_module(name)
    with pytest.raises(SystemExit) as ended:
        main([*name.split(), "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert module.SUMMARY in printed
    assert module.EXAMPLE in printed
    undescribed = [action.dest for action in actions(name) if not action.help and not action.choices]
    assert undescribed == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_commands_example_is_a_command_line_that_it_accepts(name: str) -> None:
    module = command_module(name)
    words = module.EXAMPLE.split()
    assert words[: 1 + len(name.split())] == ["edge-agent", *name.split()]
    build_parser(name, module).parse_args(words[1 + len(name.split()) :])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented_with_its_example_options_and_exit_status(name: str) -> None:
    documented = section(name)
    assert documented, f"docs/commands.md has no section '## edge-agent {name}'"
    assert f"\n    {command_module(name).EXAMPLE}\n" in documented
    assert "\nExit status: " in documented
    options = [action.option_strings[-1] if action.option_strings else action.dest for action in actions(name)]
    missing = [option for option in options if not re.search(rf"`{re.escape(option)}[` ]", documented)]
    assert missing == []


@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_is_documented_that_the_command_does_not_have(name: str) -> None:
    described = re.findall(r"^- (.*?):(?: |$)", section(name), re.MULTILINE | re.DOTALL)
    documented = {option for listed in described for option in re.findall(r"`(--[a-z-]+)", listed)}
    assert documented <= {option for action in actions(name) for option in action.option_strings}


def test_the_documentation_names_no_command_that_does_not_exist() -> None:
    assert set(re.findall(r"^## edge-agent (.+)$", DOCS, re.MULTILINE)) == set(COMMANDS)


def test_every_error_has_its_own_documented_exit_status() -> None:
    table = dict(re.findall(r"^\| (\d+) \|[^|]*\| `(\w+)` \|$", DOCS, re.MULTILINE))
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.EdgeAgentError) and kind.__module__ == errors.__name__
    ]
    assert table == {str(kind.exit_status): kind.__name__ for kind in kinds}
    assert len(table) == len(kinds)


def test_without_a_command_all_of_them_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    listed = capsys.readouterr().out
    for name in COMMANDS:
        assert re.search(rf"^  {name} +{re.escape(command_module(name).SUMMARY)}$", listed, re.MULTILINE)
    assert main(["--help"]) == 0


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_lists_its_own_commands(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([group, "--help"]) == 0
    listed = re.findall(r"^  ([a-z -]+?)  ", capsys.readouterr().out, re.MULTILINE)
    assert listed == [name for name in COMMANDS if name.startswith(f"{group} ")]


def test_an_unknown_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sell", "everything"]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("edge-agent: no command 'sell everything'\n")
    assert printed.out == ""


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(r"edge-agent \d+\.\d+\S*\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("missing", "extra"), [("sqlalchemy", "store"), ("serial", "hardware"), ("numpy", "hardware"), ("mcap", "hardware")]
)
def test_a_part_that_is_not_installed_is_named_with_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str, extra: str
) -> None:
    def absent(_name: str) -> ModuleType:
        raise ModuleNotFoundError(f"No module named '{missing}.engine'", name=f"{missing}.engine")

    monkeypatch.setattr(cli, "command_module", absent)
    assert main(["store", "stock"]) == 1
    said = capsys.readouterr().err
    assert said == f"edge-agent: {missing}.engine is not installed: install this package with its extra [{extra}]\n"


def test_a_mistake_of_ours_is_not_passed_off_as_a_missing_part(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_name: str) -> ModuleType:
        raise ModuleNotFoundError("No module named 'edge_agent.chekc'", name="edge_agent.chekc")

    monkeypatch.setattr(cli, "command_module", broken)
    with pytest.raises(ModuleNotFoundError):
        main(["check"])


def test_a_reader_that_has_seen_enough_is_no_error(unit_files: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "edge_agent.cli", "check", "--config", str(unit_files / "agent.toml"), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as command:
        assert command.stdout is not None
        command.stdout.close()
        _, err = command.communicate(timeout=20)
    assert (command.returncode, err) == (0, b"")


def test_an_interrupt_ends_with_the_status_that_shells_expect(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_name: str) -> ModuleType:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "command_module", interrupted)
    assert main(["check"]) == 130


def test_product_names_reach_a_terminal_of_another_encoding(unit_files: Path) -> None:
    catalogue = unit_files / "catalogue.toml"
    catalogue.write_text(catalogue.read_text().replace("Crisps 40 g", "Chips für 牛 40 g"))
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-m", "edge_agent.cli", "check", "--config", str(unit_files / "agent.toml")],
        capture_output=True,
        check=False,
        timeout=20,
        env={"PYTHONIOENCODING": "latin-1"},
    )
    assert done.returncode == 0, done.stderr
    assert "Chips für ? 40 g".encode("latin-1") in done.stdout


def test_an_unwritable_terminal_ends_a_command_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_name: str) -> ModuleType:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cli, "command_module", full)
    assert main(["store", "stock"]) == 1
    assert capsys.readouterr().err == "edge-agent: [Errno 28] No space left on device\n"

"""The table of bad inputs, each with its message as printed: ``pytest tests/scenarios/test_bad_inputs.py …table``."""

from dataclasses import dataclass

import pytest
from command_line import Ended

OPTION = "--bad-input-table"


@dataclass(frozen=True, slots=True)
class Row:
    """One bad input and what came of it; ``status`` is None while the command runs on."""

    story: str
    command: str
    status: int | None
    message: str


ROWS: list[Row] = []


def note(story: str, ended: Ended) -> None:
    """Remember how a command refused an input."""
    ROWS.append(Row(story, ended.words, ended.status, ended.message))


def note_stop(story: str, ended: Ended) -> None:
    """Remember how a command stopped when told to."""
    ROWS.append(Row(story, ended.words, ended.status, f"stopped in {ended.seconds:.2f} s"))


def note_running(story: str, words: str, *said: str) -> None:
    """Remember what a command said that went on all the same."""
    ROWS.extend(Row(story, words, None, line) for line in said)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, action="store_true", help="print every bad input with its message as printed")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.getoption(OPTION):
        return
    terminalreporter.section("bad inputs: input | command | exit status | message as printed")
    for row in ROWS:
        status = "runs on" if row.status is None else str(row.status)
        terminalreporter.write_line(f"{row.story} | edge-agent {row.command} | {status} | {row.message}")

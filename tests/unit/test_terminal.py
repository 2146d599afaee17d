import io
import math

import pytest

from edge_agent.config import ChannelConfig, ShelfConfig
from edge_agent.config.assortment import Catalogue, Planogram
from edge_agent.console.shelf_picture import shelf_picture
from edge_agent.console.terminal import COLUMNS, Progress, figure, fitted, folded, say, table, width


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_rewritten_in_place_and_removed_at_the_end() -> None:
    terminal = Terminal()
    progress = Progress(terminal)
    progress.show("12 of 60 s")
    progress.show("12 of 60 s")
    progress.show("13 s")
    progress.end()
    progress.end()
    assert terminal.getvalue() == "\r12 of 60 s\r13 s      \r    \r"


def test_progress_is_silent_where_nobody_watches() -> None:
    piped = io.StringIO()
    progress = Progress(piped)
    progress.show("12 of 60 s")
    progress.end()
    assert piped.getvalue() == ""


def test_letters_that_the_terminal_lacks_become_question_marks() -> None:
    octets = io.BytesIO()
    terminal = io.TextIOWrapper(octets, encoding="latin-1", write_through=True)
    say("Käse 牛", stream=terminal)
    assert octets.getvalue() == "Käse ?\n".encode("latin-1")


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("milk", 6, "milk  "),
        ("oat milk", 6, "oat m…"),
        ("牛乳です", 6, "牛乳… "),
        ("a\x1b[0m", 6, "a�[0m "),
        ("ab", 1, "…"),
        ("a", 0, ""),
    ],
)
def test_a_cell_has_exactly_its_width(text: str, columns: int, expected: str) -> None:
    assert fitted(text, columns) == expected
    assert width(fitted(text, columns)) == columns


def test_columns_stay_aligned_under_wide_and_combining_letters() -> None:
    lines = table(("name", "g"), [("牛乳", "1"), ("cafe\u0301", "2"), ("milk", "3")])
    assert [width(line) for line in lines] == [7, 7, 7, 7]


def test_the_last_column_gets_what_is_left() -> None:
    lines = table(("a", "b"), [("x" * 90, "y" * 90)], (60, 0))
    assert [width(line) for line in lines] == [63, COLUMNS]


def test_a_long_message_keeps_its_paths_whole() -> None:
    path = "/etc/edge-agent/" + "x" * 120 + "/agent.toml"
    lines = folded(f"error: {path}: no such file")
    assert any(path in line for line in lines)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1045.21, "1045"), (45.21, "45.2"), (0.123, "0.12"), (-0.001, "0.00"), (-12.0, "-12.0"), (math.nan, "-")],
)
def test_a_figure_has_sensible_digits(value: float, expected: str) -> None:
    assert figure(value) == expected
    assert figure(2.0, sign=True) == "+2.00"


def test_a_cell_at_the_shelfs_very_edge_is_still_in_the_picture() -> None:
    uid = "8f3a1c5e7b902d46"
    corners = [(0.0, 0.0), (600.0, 0.0), (0.0, 400.0), (600.0, 400.0)]
    shelf = ShelfConfig(
        shelf_id="snacks",
        kind="platform",
        width_mm=600,
        depth_mm=400,
        channels=tuple(ChannelConfig(board_uid=uid, index=n, x_mm=x, y_mm=y) for n, (x, y) in enumerate(corners)),
    )
    lines = shelf_picture(shelf, Planogram(revision=1, lanes=()), Catalogue(revision=1, items=()), {uid: "a"})
    assert lines[1] == f"▼a2{'a3▼':>{COLUMNS - 3}}"
    assert all(width(line) <= COLUMNS for line in lines)

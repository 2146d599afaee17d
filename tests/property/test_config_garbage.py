import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.config.files import load_site
from edge_agent.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "config"
FILES = sorted(path.relative_to(EXAMPLE) for path in EXAMPLE.rglob("*.toml"))
WORDS = ["nan", "-1", "1e999", "[]", "{}", '""', "true", "9" * 400, "2026-01-01", '"\\u0000"', "[[[[", "\x00", "ÿ", "="]


@pytest.fixture(scope="module")
def unit() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copytree(EXAMPLE, Path(folder) / "config"))


def loads_or_says_why(unit: Path) -> None:
    """Whatever stands in the files, the answer is a configuration or one line."""
    try:
        load_site(unit / "agent.toml")
    except ConfigError as error:
        message = str(error)
        assert str(unit) in message  # names the file
        assert "\n" not in message
        assert len(message) < 2000


@settings(max_examples=150, deadline=None)
@given(file=st.sampled_from(FILES), place=st.floats(0, 1), length=st.integers(0, 40), octets=st.binary(max_size=20))
def test_damaged_bytes_never_end_in_another_error(
    unit: Path, file: Path, place: float, length: int, octets: bytes
) -> None:
    path = unit / file
    whole = path.read_bytes()
    start = int(place * len(whole))
    try:
        path.write_bytes(whole[:start] + octets + whole[start + length :])
        loads_or_says_why(unit)
    finally:
        path.write_bytes(whole)


@settings(max_examples=250, deadline=None)
@given(file=st.sampled_from(FILES), line=st.floats(0, 1, exclude_max=True), word=st.sampled_from(WORDS))
def test_a_nonsensical_value_at_any_key_never_ends_in_another_error(
    unit: Path, file: Path, line: float, word: str
) -> None:
    path = unit / file
    whole = path.read_text()
    lines = whole.splitlines()
    keys = [place for place, text in enumerate(lines) if "=" in text and not text.startswith("#")]
    place = keys[int(line * len(keys))]
    lines[place] = f"{lines[place].split('=')[0]}= {word}"
    try:
        path.write_text("\n".join(lines))
        loads_or_says_why(unit)
    finally:
        path.write_text(whole)

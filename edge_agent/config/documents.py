"""One configuration file: read with bounds, parsed, and turned into its type with errors that a technician can act on.

Every message is one line: file, key path, value, and the allowed range or the fix.
"""

import difflib
import math
import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import msgspec.inspect

from edge_agent.config.table import Table
from edge_agent.errors import ConfigError

MAX_FILE_BYTES = 4 * 1024 * 1024
"""A catalogue of 20,000 items is about 3 MB; anything larger is another kind of file (2026-11)."""
MAX_INTEGER = 2**63 - 1
"""TOML promises 64 bits; beyond that a number could not survive the way to the ledger."""

T = TypeVar("T", bound=Table)
WORDS = {
    "`int`": "a whole number",
    "`float`": "a number",
    "`str`": "text in quotes",
    "`bool`": "true or false",
    "`array`": "a list",
    "`object`": "a table",
    " | null": "",
}
SPOKEN_AT = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?", re.DOTALL)
NAMED_FIELD = re.compile(r"Object (?P<fault>missing required|contains unknown) field `(?P<key>[^`]*)`")
OWN_KEY_FIRST = re.compile(r"[a-z_]+(?: =|:)")
PATH_PART = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


@dataclass(frozen=True, slots=True)
class Document:
    """A TOML file as found: where it lies, its bytes and its top-level table."""

    path: Path
    content: bytes
    table: Mapping[str, Any]


def read_document(path: Path, named_by: str | None = None) -> Document:
    """Read and parse one TOML file.

    Parameters
    ----------
    path : Path
        The file.
    named_by : str, optional
        File and key that name it, for the message when it is missing.

    Raises
    ------
    ConfigError
        Missing, unreadable, no regular file, above 4 MB, not UTF-8, broken TOML, or a number that is not finite.
    """
    content = _read_bounded(path, named_by)
    try:
        text = content.decode("utf-8-sig")  # editors on Windows put a byte order mark first
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{path}: line {line}: byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from error
    try:
        table = tomllib.loads(text)
    except RecursionError as error:
        raise ConfigError(f"{path}: lists or tables are nested too deeply; no key here needs that") from error
    except ValueError as error:  # TOMLDecodeError, or an integer of thousands of digits
        raise ConfigError(f"{path}: broken TOML: {_one_line(str(error))}") from error
    for key, value in _numbers(table, ""):
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{path}: {key} = {value}: give a finite number")
        if abs(value) > MAX_INTEGER:
            raise ConfigError(f"{path}: {key} = {_shown(value)}: give a number within 64 bits")
    return Document(path, content, table)


def decode(document: Document, kind: type[T]) -> T:
    """Turn a document into its type.

    Raises
    ------
    ConfigError
        Unknown key (with a suggestion), missing key, wrong type or value out of range.
    """
    return convert(document.table, kind, str(document.path))


def convert(table: Mapping[str, Any], kind: type[T], where: str) -> T:
    """Turn a parsed table into its type; ``where`` names the file in the message."""
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {explain(str(error), table, kind)}") from error


def explain(fault: str, table: Mapping[str, Any], kind: type[Table]) -> str:
    """Reword a msgspec message as ``key.path = value: what is allowed``."""
    spoken = SPOKEN_AT.fullmatch(fault)
    what, path = (spoken["what"], spoken["path"] or "") if spoken else (fault, "")
    what = _one_line(what)
    named = NAMED_FIELD.match(what)
    if named is not None:
        key = f"{path}.{named['key']}".lstrip(".")
        if named["fault"] == "missing required":
            return f"{key}: this key is missing; add it"
        return f"{key}: unknown key; {_suggest(named['key'], _keys_at(kind, path))}"
    if OWN_KEY_FIRST.match(what):  # raised by a table's own range check
        return f"{path}.{what}".lstrip(".")
    for word, plain in WORDS.items():
        what = what.replace(word, plain)
    allowed = _allowed_values(kind, path)
    if what.startswith("Invalid enum value") and allowed:
        what = f"allowed {allowed}"
    return f"{path} = {_shown(value_at(table, path))}: {what[:1].lower()}{what[1:]}"


def value_at(table: Mapping[str, Any], path: str) -> Any:
    """Return what stands at a key path such as ``boards[1].port``; None where nothing does."""
    value: Any = table
    for index, name in PATH_PART.findall(path):
        try:
            value = value[int(index)] if index else value[name]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _read_bounded(path: Path, named_by: str | None) -> bytes:
    try:
        status = path.stat()
        regular = stat.S_ISREG(status.st_mode)  # reading a pipe or a device might never end
        content = b""
        if regular:
            with path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        named = f"; {named_by} names it: create the file or correct the key" if named_by else "; correct the path"
        raise ConfigError(f"{path}: no such file{named}") from error
    except PermissionError as error:
        fix = "make it readable for the agent's user (chown, chmod)"
        raise ConfigError(f"{path}: permission denied for user id {os.geteuid()}; {fix}") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(f"{path!s}: cannot be read: {reason}; correct the path".replace("\0", "\\0")) from error
    if not regular:
        directory = stat.S_ISDIR(status.st_mode)
        found = "a directory; name the TOML file in it" if directory else "not a regular file; name a TOML file"
        raise ConfigError(f"{path}: is {found}")
    if len(content) > MAX_FILE_BYTES:
        size = f"{status.st_size:,} bytes; allowed {MAX_FILE_BYTES:,}"
        raise ConfigError(f"{path}: {size}: is this the right file?")
    return content


def _numbers(value: Any, path: str) -> Iterator[tuple[str, int | float]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _numbers(inner, f"{path}[{place}]")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value


def _type_at(kind: type[Table], path: str) -> msgspec.inspect.Type | None:
    found: msgspec.inspect.Type | None = msgspec.inspect.type_info(kind)
    for _index, name in PATH_PART.findall(path):
        found = _without_none(found)
        if isinstance(found, msgspec.inspect.StructType):
            found = next((field.type for field in found.fields if field.encode_name == name), None)
        elif isinstance(found, msgspec.inspect.VarTupleType):
            found = found.item_type
        elif isinstance(found, msgspec.inspect.TupleType):
            found = found.item_types[0]
        else:
            return None
    return _without_none(found)


def _without_none(found: msgspec.inspect.Type | None) -> msgspec.inspect.Type | None:
    if isinstance(found, msgspec.inspect.UnionType):
        return next(each for each in found.types if not isinstance(each, msgspec.inspect.NoneType))
    return found


def _keys_at(kind: type[Table], path: str) -> list[str]:
    found = _type_at(kind, path)
    return [field.encode_name for field in found.fields] if isinstance(found, msgspec.inspect.StructType) else []


def _allowed_values(kind: type[Table], path: str) -> str:
    found = _type_at(kind, path)
    return ", ".join(map(repr, found.values)) if isinstance(found, msgspec.inspect.LiteralType) else ""


def _suggest(key: str, keys: list[str]) -> str:
    close = difflib.get_close_matches(key, keys, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(keys)}"


def _shown(value: Any) -> str:
    text = _one_line(repr(value))
    return text if len(text) <= 60 else f"{text[:57]}..."


def _one_line(text: str) -> str:
    return " ".join(text.split())

"""Pages that commands write: refused before the work where they cannot be, and whole or not there at all."""

import os
from pathlib import Path

from edge_agent.errors import EdgeAgentError


def require_writable(path: Path) -> None:
    """Raise EdgeAgentError where a page could not be written; what is there stays as it is."""
    try:
        if path.is_dir():
            raise IsADirectoryError(None, "Is a directory")
        if _replaceable(path):
            beside = _beside(path)
            with beside.open("x", encoding="utf-8"):
                beside.unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def write_page(path: Path, text: str) -> None:
    """Write beside the file and rename: a reader never finds half a page, and a broken run leaves the one of before."""
    try:
        if not _replaceable(path):
            path.write_text(text, encoding="utf-8")
            return
        beside = _beside(path)
        try:
            beside.write_text(text, encoding="utf-8")
            beside.replace(path.resolve())
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def _replaceable(path: Path) -> bool:
    """Return False for what is there and no file, such as /dev/stdout: a rename would put a file in its place."""
    return path.is_file() or not path.exists()


def _beside(path: Path) -> Path:
    whole = path.resolve()
    return whole.with_name(f".{whole.name}.{os.getpid()}.part")


def _unwritable(path: Path, error: OSError) -> EdgeAgentError:
    return EdgeAgentError(f"{path}: {error.strerror}; name a file that can be written with --html")

"""Where one camera's evidence clips lie: written whole or not at all, for nobody else to read, and gone in time."""

import contextlib
import hashlib
import logging
import os
import re
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from edge_agent.config import ClipsConfig

log = logging.getLogger(__name__)

AHEAD_S: Final = 3600.0
"""A file dated further ahead than this was dated by a wrong clock: its age is unknown, so it goes (2026-12)."""
SUFFIX: Final = ".html"
ACT_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,120}\Z")


def clip_directory(state_dir: Path, camera_id: str) -> Path:
    """Return where a camera's clips lie."""
    return state_dir / "clips" / camera_id


def forget_cameras(state_dir: Path, known: Collection[str]) -> None:
    """Remove the clips of cameras that the configuration does not name any more: nobody would let them expire."""
    everything = state_dir / "clips"
    if not everything.is_dir():
        return
    for directory in everything.iterdir():
        if directory.is_dir() and not directory.is_symlink() and directory.name not in known:
            log.warning("clips of a camera that is not configured any more are removed directory=%s", directory)
            shutil.rmtree(directory, ignore_errors=True)


class ClipStore:
    """Directory ``<state_dir>/clips/<camera_id>`` of files ``<act_id>-<first 12 digits of the SHA-256>.html``.

    An act's name is unique within a boot only, hence the digits.

    Parameters
    ----------
    now_s : callable
        Seconds since 1970 as files are dated; a wrong clock lets clips go early, never late.
    """

    def __init__(self, directory: Path, limits: ClipsConfig, now_s: Callable[[], float]) -> None:
        self.directory = directory
        self._limits = limits
        self._now_s = now_s

    def write(self, act_id: str, content: bytes) -> str:
        """Keep a clip and return its SHA-256; it is readable under its name at once and whole.

        Raises
        ------
        OSError
            The disk is full, read-only or not ours: nothing is left of it.
        ValueError
            An act's name that could not be a file's, or a clip larger than all of them may be.
        """
        if not ACT_NAME.match(act_id):
            raise ValueError(f"act {act_id!r}: no name for a file")
        if len(content) > self._limits.max_mb * 1e6:
            raise ValueError(f"a clip of {len(content) / 1e6:.1f} MB: max_mb = {self._limits.max_mb}")
        digest = hashlib.sha256(content).hexdigest()
        self._make_directory()
        self.tidy(room_bytes=len(content))
        fresh = self.directory / f".{act_id}.new"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(fresh, flags, 0o600), "wb") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(content)
            fresh.replace(self.directory / f"{act_id}-{digest[:12]}{SUFFIX}")
        except OSError:
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise
        return digest

    def tidy(self, room_bytes: int = 0) -> None:
        """Remove what has expired, what a power cut left half, and the oldest until ``room_bytes`` more fit."""
        kept: list[tuple[float, int, Path]] = []
        for path in self._files():
            with contextlib.suppress(FileNotFoundError):
                found = path.stat()
                age_s = self._now_s() - found.st_mtime
                whole = path.suffix == SUFFIX and found.st_size > 0
                if not whole or not -AHEAD_S <= age_s <= self._limits.keep_h * 3600:
                    self._remove(path)
                else:
                    kept.append((found.st_mtime, found.st_size, path))
        excess = sum(size for _, size, _ in kept) + room_bytes - self._limits.max_mb * 1e6
        for _, size, path in sorted(kept):
            if excess <= 0:
                return
            self._remove(path)
            excess -= size

    def _files(self) -> list[Path]:
        try:
            return [each for each in self.directory.iterdir() if each.is_file() and not each.is_symlink()]
        except FileNotFoundError:
            return []

    def _make_directory(self) -> None:
        for directory in (self.directory.parent, self.directory):
            directory.mkdir(mode=0o700, exist_ok=True)
            directory.chmod(0o700)

    def _remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        log.info("clip removed file=%s", path.name)

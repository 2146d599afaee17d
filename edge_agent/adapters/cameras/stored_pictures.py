"""Pictures on disk in their order: a video's frames, or a folder of picture files sorted by name.

A picture that cannot be read in the middle of a folder is skipped and named in the log once, as an exposure that was
lost: one bad file of a recording of thousands does not end it. A video that breaks off early ends there, and the log
says how much of it was read.
"""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn, Protocol

import cv2
import numpy as np

from edge_agent.vision.frames import ColourPicture

SUFFIXES: Final = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
SHORT_FRAMES: Final = 2
"""By how many frames a container's count may be off: it is an estimate from duration and rate (2026-12)."""

log = logging.getLogger(__name__)


class NoPictureError(ValueError):
    """A file that is none, or is no picture and no video; names it."""


class StoredPictures(Protocol):
    """What can be read one after the other, and passed over without being decoded."""

    rate_hz: float | None
    """At which it was recorded, where that is known."""

    def first(self) -> ColourPicture:
        """Return the first picture without taking it; raises `NoPictureError`."""

    def read(self) -> ColourPicture | None:
        """Return the next picture or None for one that cannot be read; raises `EOFError` at the end."""

    def skip(self) -> None:
        """Pass over the next picture; raises `EOFError` at the end."""

    def close(self) -> None:
        """Release the file."""


def stored_pictures(path: Path) -> StoredPictures:
    """Return the pictures of a video file or a folder.

    Raises
    ------
    NoPictureError
        There is none.
    """
    if path.is_dir():
        return FolderPictures(path)
    if not path.exists():
        raise NoPictureError(f"{path}: there is no such file or folder")
    return VideoPictures(path)


class FolderPictures:
    """Picture files of a folder, by name."""

    def __init__(self, folder: Path) -> None:
        self.rate_hz: float | None = None
        self._files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
        if not self._files:
            raise NoPictureError(f"{folder}: there is no picture in this folder ({', '.join(sorted(SUFFIXES))})")
        self._left: Iterator[Path] = iter(self._files)

    def first(self) -> ColourPicture:
        """Return the first picture that can be read."""
        for file in self._files:
            if (picture := _read(file)) is not None:
                return picture
        raise NoPictureError(f"{self._files[0]}: is no picture, nor is any other file of its folder")

    def read(self) -> ColourPicture | None:
        """Return the next picture, or None for a file that is none."""
        file = self._following()
        picture = _read(file)
        if picture is None:
            log.warning("file=%s is no picture, skipped", file)
        return picture

    def skip(self) -> None:
        """Pass over the next file."""
        self._following()

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def _following(self) -> Path:
        file = next(self._left, None)
        if file is None:
            raise EOFError
        return file


class VideoPictures:
    """Frames of a video file, as OpenCV decodes them."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._video = cv2.VideoCapture(str(file))
        rate_hz = float(self._video.get(cv2.CAP_PROP_FPS)) if self._video.isOpened() else 0.0
        self.rate_hz: float | None = rate_hz if 0.1 <= rate_hz <= 1000 else None
        self._waiting = self._decoded() if self._video.isOpened() and self._video.grab() else None
        self._count = 0
        if self._waiting is None:
            self._video.release()
            raise NoPictureError(f"{file}: is no video that can be read, or is damaged from its start")

    def first(self) -> ColourPicture:
        """Return the first frame."""
        if self._waiting is None:
            raise NoPictureError(f"{self._file}: its first frame has been read")
        return self._waiting

    def read(self) -> ColourPicture | None:
        """Return the next frame."""
        self._count += 1
        if self._waiting is not None:
            picture, self._waiting = self._waiting, None
            return picture
        if not self._video.grab():
            self._end()
        return self._decoded()

    def skip(self) -> None:
        """Pass over the next frame."""
        self._count += 1
        if self._waiting is not None:
            self._waiting = None
        elif not self._video.grab():
            self._end()

    def close(self) -> None:
        """Release the file."""
        self._video.release()

    def _decoded(self) -> ColourPicture | None:
        decoded, picture = self._video.retrieve()
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8) if decoded else None

    def _end(self) -> NoReturn:
        promised = int(self._video.get(cv2.CAP_PROP_FRAME_COUNT))
        if promised - (self._count - 1) > SHORT_FRAMES:
            log.warning("file=%s breaks off after %d of %d frames", self._file, self._count - 1, promised)
        raise EOFError


def _read(file: Path) -> ColourPicture | None:
    # imdecode, not imread: no warning of the library's on a file that is none, and any name.
    try:
        content = np.frombuffer(file.read_bytes(), dtype=np.uint8)
    except OSError:
        return None
    picture = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    return None if picture is None else np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)

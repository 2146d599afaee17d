"""Seed and truth: which revision of a planogram, catalogue or calibration is in force, and how a new one gets there.

config/ is the seed that a technician or an image ships; ``<state_dir>/active/`` is the truth, because these files
change at run time. Deciding (`plan_activation`, pure) is kept apart from writing (`activate`)::

    no active file            the seed is copied
    seed revision higher      the seed replaces the active file, which is kept under <state_dir>/revisions/
    seed revision lower       ignored, and reported by `edge-agent check`
    equal, same content       nothing to do
    equal, other content      ignored, and an error for `edge-agent check`: raise the seed's revision
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Generic, TypeVar

from edge_agent.config import BoardCalibration
from edge_agent.config.assortment import Catalogue, Planogram
from edge_agent.config.documents import Document
from edge_agent.errors import ConfigError

R = TypeVar("R", Planogram, Catalogue, BoardCalibration)
ACTIVE = "active"
KEPT = "revisions"


class Standing(StrEnum):
    """How a seed relates to the active file."""

    SEED_ONLY = "seed_only"
    """No state directory was asked for."""
    FIRST = "first"
    RAISED = "raised"
    SAME = "same"
    SEED_OLDER = "seed_older"
    CONFLICT = "conflict"
    NO_SEED = "no_seed"
    """Made at run time, such as a calibration by a technician on the spot."""


@dataclass(frozen=True, slots=True)
class Revisioned(Generic[R]):
    """A file that carries a revision, with what it says."""

    document: Document
    value: R


@dataclass(frozen=True, slots=True)
class Activation(Generic[R]):
    """What is in force for one revisioned file, and what has to be written for it.

    Attributes
    ----------
    name : str
        Path below ``<state_dir>/active``, e.g. ``calibration/8f3a1c5e7b902d46.toml``.
    in_force : Revisioned
        The seed or the active file.
    """

    name: str
    standing: Standing
    in_force: Revisioned[R]
    seed: Revisioned[R] | None
    active: Revisioned[R] | None

    @property
    def writes(self) -> bool:
        """Return whether activating changes the state directory."""
        return self.standing in (Standing.FIRST, Standing.RAISED)


AnyActivation = Activation[Planogram] | Activation[Catalogue] | Activation[BoardCalibration]


def active_path(state_dir: Path, name: str) -> Path:
    """Return where the truth for ``name`` lies."""
    return state_dir / ACTIVE / name


def plan_activation(
    name: str, seed: Revisioned[R] | None, active: Revisioned[R] | None, *, with_state: bool = True
) -> Activation[R]:
    """Decide which of seed and active is in force. Pure: reads and writes nothing.

    Raises
    ------
    ConfigError
        There is neither.
    """
    if active is None:
        if seed is None:
            raise ConfigError(f"{name}: neither a seed nor an active file; add one to the configuration directory")
        return Activation(name, Standing.FIRST if with_state else Standing.SEED_ONLY, seed, seed, None)
    if seed is None:
        return Activation(name, Standing.NO_SEED, active, None, active)
    if seed.value.revision > active.value.revision:
        return Activation(name, Standing.RAISED, seed, seed, active)
    if seed.value.revision < active.value.revision:
        return Activation(name, Standing.SEED_OLDER, active, seed, active)
    standing = Standing.SAME if seed.value == active.value else Standing.CONFLICT
    return Activation(name, standing, active, seed, active)


def activate(activations: Iterable[AnyActivation], state_dir: Path) -> None:
    """Carry out what was planned; each file survives a power cut whole, as the old or as the new one.

    Raises
    ------
    ConfigError
        The state directory cannot be written.
    """
    for activation in activations:
        if not activation.writes:
            continue
        old = activation.active
        if old is not None:
            keep_revision(state_dir, activation.name, old.value.revision, old.document.content)
        write_durably(active_path(state_dir, activation.name), activation.in_force.document.content)


def keep_revision(state_dir: Path, name: str, revision: int, content: bytes) -> Path:
    """Keep a file that is about to be replaced under ``revisions/``; never overwrites another one kept there.

    Raises
    ------
    ConfigError
        The state directory cannot be read or written.
    """
    stem = name.removesuffix(".toml").replace("/", "-")
    place = 0
    while True:
        suffix = f".{place}" if place else ""
        kept = state_dir / KEPT / f"{stem}-{revision:06d}{suffix}.toml"
        with _naming(kept):
            if not kept.exists():
                write_durably(kept, content)
                return kept
            if kept.read_bytes() == content:
                return kept
        place += 1


def write_durably(path: Path, content: bytes) -> None:
    """Replace ``path`` atomically: temporary file, fsync, rename, fsync of the directory; modes 0600 and 0700.

    Raises
    ------
    ConfigError
        Disk full, read-only or not ours to write.
    """
    fresh = path.with_name(f".{path.name}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with _naming(path):
        for parent in reversed(path.parents):
            if not parent.exists():
                parent.mkdir(mode=0o700)
                _sync_directory(parent.parent)
        with os.fdopen(os.open(fresh, flags, 0o600), "wb") as file:
            os.fchmod(file.fileno(), 0o600)  # a temporary file left by a power cut keeps its own mode
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    """Make a rename or a new entry durable: the file's own fsync does not cover its name."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        fix = "free space on the disk and check who owns the state directory"
        raise ConfigError(f"{path}: cannot be written: {error.strerror}; {fix}") from error

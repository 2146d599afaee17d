"""A unit to break: the seed configuration in a directory of its own, boards that are wrong, a disk that fills up."""

import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from edge_agent.config import Site
from edge_agent.config.files import load_site
from edge_agent.delivery.payload_codec import unpack
from edge_agent.delivery.wire import CloudEvent, decode
from edge_agent.demo.unit_files import seed_directory, write_unit
from edge_agent.demo.virtual_shop import VirtualShop

AGENT_TOML = "config/agent.toml"
RUN = f"run --config {AGENT_TOML} --state-dir state"
LANES_BOARD, PLATFORM_BOARD = "8c1f64a0e2070001", "8c1f64a0e2070002"
FOREIGN_BOARD = "8c1f64a0e20700ff"
SEED = 5
DISK_BYTES = 2 * 2**20


def lay_out(directory: Path, *, broker_port: int, state: Path | None = None) -> Path:
    """Write a unit's files; commands run in ``directory``, so messages show paths as a technician would type them."""
    unit = write_unit(seed_directory(), directory, broker_port=broker_port, protocol="5")
    text = unit.agent_toml.read_text().replace(f"{directory}/", "").replace('"/var/lib/edge-agent"', '"../state"')
    unit.agent_toml.write_text(text)
    if state is not None:
        shutil.copytree(state, directory / "state")
    return directory


def site_of(directory: Path) -> Site:
    return load_site(directory / AGENT_TOML)


def ports_of(directory: Path) -> list[Path]:
    """Where the unit expects its two boards: the lanes' first."""
    return [directory / board.port for board in site_of(directory).agent.boards]


def opened_shop(directory: Path) -> VirtualShop:
    """Goods on the unit's shelves, weighed by virtual boards on pseudo-terminals at the unit's ports."""
    return VirtualShop(site_of(directory), SEED, [str(port) for port in ports_of(directory)])


def events_in(state_dir: Path) -> list[int]:
    """Reopen an outbox that its agent has left: sound, and with these events still to be confirmed."""
    with contextlib.closing(sqlite3.connect(f"file:{state_dir}/outbox.db?mode=ro", uri=True)) as outbox:
        assert outbox.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [sequence for (sequence,) in outbox.execute("SELECT sequence FROM event ORDER BY sequence")]


def grams_in(state_dir: Path) -> float:
    """What the outbox's events say was moved, all told."""
    with contextlib.closing(sqlite3.connect(f"file:{state_dir}/outbox.db?mode=ro", uri=True)) as outbox:
        rows = outbox.execute("SELECT payload FROM event").fetchall()
    return sum(decode(unpack(payload), CloudEvent).data.grams for (payload,) in rows)


def recorded_in(ledger: Path) -> list[int]:
    """Reopen a ledger: sound, and with these events on record."""
    with contextlib.closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [sequence for (sequence,) in database.execute("SELECT sequence FROM events ORDER BY sequence")]


class Disk(Protocol):
    """A disk that can be full; ``full_for_all`` when a process that starts later finds it so, too."""

    full_for_all: bool

    def fill(self, state_dir: Path, writer: int) -> None:
        """Leave no room for the process ``writer`` to write more."""

    def free(self) -> None:
        """Make room again."""


class SmallDisk:
    """A file system of 2 MB."""

    full_for_all = True

    def __init__(self, at: Path) -> None:
        self._ballast = at / "somebody-elses-log"

    def fill(self, state_dir: Path, writer: int) -> None:  # noqa: ARG002 - the disk is full for everybody
        # A tmpfs counts its pages per processor and refuses a little early on each: fill it from all of them.
        # What one leaves, another may find: again, until a whole round finds nothing.
        allowed = os.sched_getaffinity(0)
        before = -1
        while before != (before := self._ballast.stat().st_size if self._ballast.exists() else 0):
            for cpu in sorted(allowed):
                os.sched_setaffinity(0, {cpu})
                with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as ballast:
                    while True:
                        ballast.write(b"\0" * 4096)
        os.sched_setaffinity(0, allowed)

    def free(self) -> None:
        self._ballast.unlink()


class CappedFiles:
    """Where mounting is not allowed: the kernel refuses to let a file grow; to SQLite that is a full disk, too."""

    full_for_all = False

    def fill(self, state_dir: Path, writer: int) -> None:
        written = (state_dir / "outbox.db-wal").stat().st_size
        resource.prlimit(writer, resource.RLIMIT_FSIZE, (written, written))

    def free(self) -> None:
        """The limit ends with the process."""


@contextlib.contextmanager
def small_disk(at: Path) -> Iterator[Disk]:
    """A disk of its own mounted on a directory; without the right to mount, a limit that looks the same."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(at)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        yield CappedFiles()
        return
    try:
        yield SmallDisk(at)
    finally:
        subprocess.run(["umount", str(at)], check=True)

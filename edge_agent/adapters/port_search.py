"""Finds the serial ports of this machine and asks on each, side by side, which board is there."""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serial.tools import list_ports

from edge_agent.adapters.connected_board import PATIENCE_S, ConnectedBoard, NoBoardError
from edge_agent.errors import BoardError
from firmware_bridge.events import DownReason
from firmware_bridge.frames import Hello
from firmware_bridge.port import PortConfig

LASTING_NAMES: Final = Path("/dev/serial")
STUCK_S: Final = 2.0
"""Beyond the patience with a board: opening and closing a port takes milliseconds (2026-11)."""


@dataclass(frozen=True, slots=True)
class Probed:
    """One port: the board on it, or why there is none."""

    port: PortConfig
    hello: Hello | None = None
    reason: DownReason | None = None
    detail: str = ""


def machine_ports(names: Path = LASTING_NAMES) -> list[str]:
    """Return every serial port of this machine, under the name that lasts longest.

    That is its name by-id when the adapter has a serial number of its own, else the one by-path: adapters without
    a number share one name by-id, which leads to whichever woke last.
    """
    by_path = _names(names / "by-path")
    by_id = _names(names / "by-id")
    found = []
    for port in list_ports.comports():
        device = str(Path(port.device).resolve())
        lasting = (by_id.get(device) if port.serial_number else None) or by_path.get(device) or by_id.get(device)
        found.append(lasting or port.device)
    return sorted(set(found))


def without_repeats(configured: Iterable[PortConfig], others: Iterable[PortConfig]) -> list[PortConfig]:
    """Return the configured ports and the others that are not one of them under another name."""
    ports: dict[str, PortConfig] = {}
    for port in (*configured, *others):
        ports.setdefault(str(Path(port.path).resolve()), port)
    return list(ports.values())


def probe(ports: Sequence[PortConfig], each: Callable[[int], None], *, patience_s: float = PATIENCE_S) -> list[Probed]:
    """Ask on all ports at once; ``each`` is told how many have been asked so far."""
    answers: queue.Queue[tuple[int, Probed]] = queue.Queue()
    for place, port in enumerate(ports):
        # Daemons, so that Ctrl-C need not wait for the slowest port.
        threading.Thread(
            target=lambda place=place, port=port: answers.put((place, _ask(port, patience_s))),
            name=f"port-search-{place}",
            daemon=True,
        ).start()
    found: dict[int, Probed] = {}
    ends_s = time.monotonic() + patience_s + STUCK_S
    while len(found) < len(ports):
        try:
            place, answer = answers.get(timeout=max(0.0, ends_s - time.monotonic()))
        except queue.Empty:  # a driver that does not come back from opening its port
            break
        found[place] = answer
        each(len(found))
    return [
        found.get(place, Probed(port, None, None, f"{port.path}: its driver hangs: unplug the adapter"))
        for place, port in enumerate(ports)
    ]


def _ask(port: PortConfig, patience_s: float) -> Probed:
    try:
        # Whoever answers: a board in the wrong socket is what a search is for.
        with ConnectedBoard(PortConfig(port.path, port.baud), patience_s=patience_s) as board:
            return Probed(port, board.hello)
    except NoBoardError as error:
        return Probed(port, None, error.reason, str(error))
    except BoardError as error:
        return Probed(port, None, None, str(error))


def _names(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        return {}
    return {str(name.resolve()): str(name) for name in sorted(folder.iterdir())}

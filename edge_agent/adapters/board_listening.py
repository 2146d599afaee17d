"""Listens to boards for a few seconds, for a diagnosis: rows as they come, and why a port gave none."""

import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from edge_agent.adapters.connected_board import STOP_THE_AGENT
from edge_agent.calibration.diagnosis import BoardRows
from edge_agent.errors import BoardError
from firmware_bridge.errors import BridgeError
from firmware_bridge.events import BoardDown, BoardUp, DownReason, Event, SampleBlock
from firmware_bridge.frames import Hello
from firmware_bridge.link import BoardLink
from firmware_bridge.port import PortConfig

PATIENCE_S = 10.0
"""Beyond the listening itself: a bootloader's two seconds, identification and clock synchronisation (2026-11)."""
TURN_S = 0.1


@dataclass(slots=True)
class Heard:
    """What came from one port.

    Attributes
    ----------
    failure : str | None
        Why listening ended early: names the port and what to do.
    resets : int
        How often the board restarted while it was listened to.
    """

    port: PortConfig
    hello: Hello | None = None
    failure: str | None = None
    resets: int = 0
    complete: bool = False
    blocks: list[SampleBlock] = field(default_factory=list)

    @property
    def span_s(self) -> float:
        """Return the time from the first row to the last."""
        return (self.blocks[-1].t_ns[-1] - self.blocks[0].t_ns[0]) / 1e9 if self.blocks else 0.0

    def rows(self) -> BoardRows | None:
        """Return everything heard as one table; None when nothing came."""
        if not self.blocks or self.hello is None:
            return None
        return BoardRows(
            t_ns=np.concatenate([block.t_ns for block in self.blocks]),
            counts=np.concatenate([block.counts for block in self.blocks]),
            flags=np.concatenate([block.flags for block in self.blocks]),
            lost_rows=sum(block.lost for block in self.blocks[1:]),  # the first may miss what came before us
            rate_hz=self.hello.rate_hz,
        )


def listen(
    ports: Sequence[PortConfig],
    seconds: float,
    progress: Callable[[float, int], None],
    *,
    patience_s: float = PATIENCE_S,
) -> list[Heard]:
    """Listen to every port until each gave ``seconds`` of rows or failed; never longer than ``patience_s`` more.

    Parameters
    ----------
    progress : callable(seconds heard, rows heard)
        Called about ten times a second.

    Raises
    ------
    BoardError
        The list of ports contradicts itself, or the link broke down.
    """
    arrived: queue.Queue[Event] = queue.Queue()
    heard = {port.path: Heard(port) for port in ports}
    try:
        link = BoardLink(ports, arrived.put)
        link.start()
        try:
            _collect(arrived, heard, seconds, progress, patience_s)
        finally:
            link.stop()
    except BridgeError as error:
        raise BoardError(str(error)) from error
    return list(heard.values())


def _collect(
    arrived: "queue.Queue[Event]",
    heard: dict[str, Heard],
    seconds: float,
    progress: Callable[[float, int], None],
    patience_s: float,
) -> None:
    ends = time.monotonic() + seconds + patience_s
    port_of: dict[str, str] = {}
    while any(not each.complete and each.failure is None for each in heard.values()):
        if time.monotonic() > ends:
            for each in heard.values():
                if not each.complete and each.failure is None:
                    each.failure = _too_slow(each, seconds + patience_s)
            return
        progress(
            min((each.span_s for each in heard.values() if each.failure is None), default=0.0),
            sum(len(block.t_ns) for each in heard.values() for block in each.blocks),
        )
        try:
            event = arrived.get(timeout=TURN_S)
        except queue.Empty:
            continue
        _take(event, heard, port_of, seconds)


def _take(event: Event, heard: dict[str, Heard], port_of: dict[str, str], seconds: float) -> None:
    if isinstance(event, BoardUp):
        port_of[event.hello.board_uid] = event.port
        heard[event.port].hello = event.hello
    elif isinstance(event, SampleBlock):
        each = heard[port_of[event.board_uid]]
        if not each.complete and each.failure is None:
            each.blocks.append(event)
            each.complete = each.span_s >= seconds
    elif isinstance(event, BoardDown):
        each = heard[event.port]
        if event.reason is DownReason.RESET:
            each.resets += 1
        elif not each.complete and each.failure is None:
            each.failure = event.detail
            if event.reason is DownReason.PORT_BUSY:
                each.failure += f"; {STOP_THE_AGENT}"


def _too_slow(each: Heard, waited_s: float) -> str:
    if each.hello is None:
        return f"{each.port.path}: no board within {waited_s:.0f} s: check its power, firmware and baud rate"
    return (
        f"{each.port.path}: board {each.hello.board_uid} sent only {each.span_s:.1f} s of readings in {waited_s:.0f} s:"
        " check its converters, or press its reset button"
    )

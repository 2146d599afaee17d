"""Load-cell boards on serial ports, as messages: the bridge's events in the core's types."""

from collections.abc import Callable, Mapping, Sequence

from edge_agent.config import BoardConfig
from edge_agent.errors import BoardError
from edge_agent.model import AdcSamples, AuxReading, BoardDown, BoardUid, BoardUp, LinkQuality, Message, MonotonicNs
from firmware_bridge import events
from firmware_bridge.errors import BridgeError
from firmware_bridge.link import BoardLink
from firmware_bridge.port import PortConfig


class SerialCells:
    """All boards of the unit, read by the bridge's one thread.

    Raises
    ------
    BoardError
        When the list of ports contradicts itself.
    """

    def __init__(self, boards: Sequence[BoardConfig]) -> None:
        try:
            self._ports = [PortConfig(board.port, board.baud, board.uid) for board in boards]
        except BridgeError as error:
            raise BoardError(str(error)) from error
        self._expected = {board.port: BoardUid(board.uid) for board in boards}
        self._link: BoardLink | None = None

    def start(self, deliver: Callable[[Message], None]) -> None:
        """Open the ports; messages come on the link's thread."""
        try:
            self._link = BoardLink(self._ports, lambda event: deliver(as_message(event, self._expected)))
            self._link.start()
        except BridgeError as error:
            raise BoardError(str(error)) from error

    def check(self) -> None:
        """Raise `BoardError` when the link's thread has ended: nobody reads the boards any more."""
        if self._link is not None and not self._link.running:
            self.stop()

    def stop(self) -> None:
        """Close the ports; raises `BoardError` when the link had ended before, with its cause."""
        link, self._link = self._link, None
        if link is None:
            return
        try:
            link.stop()
        except BridgeError as error:
            raise BoardError(f"the link to the boards has failed: {error.__cause__ or error}") from error


def as_message(event: events.Event, expected: Mapping[str, BoardUid]) -> Message:
    """Return the core's message for an event of the bridge.

    ``expected`` maps a port to the board that belongs there: when an impostor answers, that one is down.
    """
    if isinstance(event, events.SampleBlock):
        return AdcSamples(
            BoardUid(event.board_uid), event.first_index, event.t_ns, event.counts, event.flags, event.lost
        )
    if isinstance(event, events.AuxReport):
        return AuxReading(
            MonotonicNs(event.t_ns),
            BoardUid(event.board_uid),
            event.temperatures_c,
            event.supply_mv,
            event.digital_inputs,
            event.skipped,
        )
    if isinstance(event, events.BoardUp):
        hello = event.hello
        return BoardUp(
            MonotonicNs(event.t_ns),
            BoardUid(hello.board_uid),
            hello.channels,
            hello.rate_hz,
            hello.gain,
            hello.boot_counter,
            f"{hello.firmware_hash:08x}",
        )
    if isinstance(event, events.LinkQuality):
        # Judged only while a board is up, so it has a UID; the port's own one otherwise.
        uid = BoardUid(event.board_uid) if event.board_uid else expected[event.port]
        return LinkQuality(MonotonicNs(event.t_ns), uid, event.poor, event.detail)
    return BoardDown(MonotonicNs(event.t_ns), expected.get(event.port), event.reason.value, event.detail)

"""Talks to one board for a technician: who it is, what it answers, and in plain words why it does not."""

import queue
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TypeVar

from edge_agent.errors import BoardError
from firmware_bridge.errors import (
    BadCommandValueError,
    BoardBusyError,
    BridgeError,
    CommandRefusedError,
    CommandTimeoutError,
    UnknownCommandError,
)
from firmware_bridge.events import AuxReport, BoardDown, BoardUp, DownReason, Event
from firmware_bridge.frames import Ack, CommandKind, Hello
from firmware_bridge.link import BoardLink, PortStatus
from firmware_bridge.port import PortConfig

PATIENCE_S: Final = 4.0
"""The link gives up identifying after 3 s, an Arduino's bootloader included; the rest is a busy machine (2026-11)."""
ANSWER_S: Final = 2.0
"""Four tries of half a second: any command is answered within milliseconds, from what the board has seen (2026-11)."""
BUSY_S: Final = 5.0
"""How long a board may say that something longer is under way (2026-11)."""
BUSY_PAUSE_S: Final = 0.2
STORING_S: Final = 0.25
"""A board needs 200 ms to keep a change (PROTOCOL.md)."""
STOP_THE_AGENT: Final = "an agent that runs on this unit holds its ports: stop it first (systemctl stop edge-agent)"

E = TypeVar("E", bound=Event)


class NoBoardError(BoardError):
    """A port on which no board can be talked to, and why."""

    def __init__(self, reason: DownReason, detail: str, board_uid: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.board_uid = board_uid


class ConnectedBoard:
    """
    One board, identified; a context manager that gives the port back at its end.

    Parameters
    ----------
    port : PortConfig
    patience_s : float
        How long a board may take to say who it is.
    persistent : bool
        Try again when the port is away or silent at first, as after a board was programmed.

    Raises
    ------
    NoBoardError
        On entering: nothing to talk to; says why and what to do.
    """

    def __init__(self, port: PortConfig, *, patience_s: float = PATIENCE_S, persistent: bool = False) -> None:
        self.port = port
        self._patience_s = patience_s
        self._persistent = persistent
        self._events: queue.Queue[Event] = queue.Queue()
        self._link: BoardLink | None = None
        self._hello: Hello | None = None

    @property
    def hello(self) -> Hello:
        """What the board last said of itself."""
        if self._hello is None:
            raise RuntimeError("not connected")
        return self._hello

    @property
    def uid(self) -> str:
        """The board's UID."""
        return self.hello.board_uid

    @property
    def status(self) -> PortStatus:
        """Clock and counters of the link."""
        return self._running.status()[0]

    def __enter__(self) -> Self:
        try:
            self._link = BoardLink([self.port], self._events.put)
            self._link.start()
        except BridgeError as error:
            raise BoardError(str(error)) from error
        try:
            self._identify()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def ask(
        self, kind: CommandKind, payload: bytes = b"", *, unsupported: str = "", timeout_s: float = ANSWER_S
    ) -> Ack:
        """
        Have a command carried out.

        Parameters
        ----------
        unsupported : str
            What to say when the board does not support the value.

        Raises
        ------
        BoardError
            The board did not answer, went away or refused.
        """
        name = kind.name
        busy_until_s = time.monotonic() + BUSY_S
        while True:
            try:
                return self._running.command(self.uid, kind, payload, timeout_s)
            except BoardBusyError as error:
                if time.monotonic() > busy_until_s:
                    raise BoardError(
                        f"{self._named}: busy for {BUSY_S:g} s with something longer: try again"
                    ) from error
                time.sleep(BUSY_PAUSE_S)
            except UnknownCommandError as error:
                raise BoardError(
                    f"{self._named}: its firmware does not know {name}: give it newer firmware"
                    f" (edge-agent board flash --port {self.port.path})"
                ) from error
            except BadCommandValueError as error:
                raise BoardError(f"{self._named}: {unsupported or f'the value of {name} is refused'}") from error
            except CommandRefusedError as error:
                raise BoardError(f"{self._named}: {error}") from error
            except CommandTimeoutError as error:
                raise BoardError(f"{self._named}: no answer to {name}: check the cable and try again") from error
            except BridgeError as error:  # cut short, not there any more, or the link itself has stopped
                raise self._gone(name) from error

    def awaits(self, kind: type[E], where: Callable[[E], bool] = lambda _: True, *, within_s: float) -> E | None:
        """
        Wait for an event of the link; None when it did not come in time.

        Raises
        ------
        NoBoardError
            The board went meanwhile, otherwise than to start over.
        """
        ends_s = time.monotonic() + within_s
        while (left_s := ends_s - time.monotonic()) > 0:
            try:
                event = self._events.get(timeout=left_s)
            except queue.Empty:
                break
            if isinstance(event, BoardUp):
                self._hello = event.hello
            if isinstance(event, BoardDown) and event.reason is not DownReason.RESET:
                raise NoBoardError(event.reason, event.detail, event.board_uid)
            if isinstance(event, kind) and where(event):
                return event
        return None

    def rereads_hello(self, where: Callable[[Hello], bool], *, within_s: float = ANSWER_S) -> Hello | None:
        """Wait until the board says of itself what is expected; None when it does not."""
        if where(self.hello):
            return self.hello
        up = self.awaits(BoardUp, lambda event: where(event.hello), within_s=within_s)
        return None if up is None else up.hello

    def synchronises(self, *, within_s: float) -> bool:
        """Wait until the board's clock is known; False when it is not by then."""
        ends_s = time.monotonic() + within_s
        while not self.status.clock_ready and time.monotonic() < ends_s:
            self.awaits(AuxReport, within_s=BUSY_PAUSE_S)
        return self.status.clock_ready

    def stores(self) -> None:
        """
        Give the board the time to write what it was told into its EEPROM.

        Raises
        ------
        BoardError
            The cable was pulled meanwhile.
        """
        try:
            self.awaits(BoardDown, lambda _: False, within_s=STORING_S)
        except NoBoardError as down:
            lost = f"{down}; what it was told is perhaps not kept: look by board info"
            raise NoBoardError(down.reason, lost, down.board_uid) from down

    @property
    def _running(self) -> BoardLink:
        if self._link is None:
            raise RuntimeError("not connected")
        return self._link

    @property
    def _named(self) -> str:
        return f"{self.port.path}: board {self.uid}"

    def _identify(self) -> None:
        ends_s = time.monotonic() + self._patience_s
        failure: NoBoardError | None = None
        while (left_s := ends_s - time.monotonic()) > 0:
            try:
                if self.awaits(BoardUp, within_s=left_s) is not None:
                    return
            except NoBoardError as error:
                failure = error
                if not self._persistent:
                    break
        if failure is None:
            failure = NoBoardError(
                DownReason.SILENT, f"{self.port.path}: no board within {self._patience_s:g} s: check power and firmware"
            )
        if failure.reason is DownReason.PORT_BUSY:
            raise NoBoardError(failure.reason, f"{failure}; {STOP_THE_AGENT}") from failure
        raise failure

    def _gone(self, doing: str) -> BoardError:
        """Say why a command came to nothing, by what the link told just before it ended the command."""
        try:
            restart = self.awaits(BoardDown, within_s=0.1)
        except NoBoardError as down:
            return NoBoardError(down.reason, f"{down}; {doing} was under way", down.board_uid)
        if restart is not None:
            return BoardError(f"{restart.detail}; {doing} was under way: try again")
        return BoardError(f"{self._named}: went away while {doing} was under way: check the cable and try again")

    def _stop(self) -> None:
        link, self._link = self._link, None
        if link is None:
            return
        try:
            link.stop()
        except BridgeError as error:
            raise BoardError(str(error)) from error

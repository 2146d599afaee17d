"""
Requests to a board: stop and wait, three retries, NAKs as named errors.

`RequestLine` keeps at most one request of a board in flight, so that a board needs one small receive
buffer. It is driven with times as arguments; waiting for an answer is the caller's side, in `Request`.
"""

from __future__ import annotations

import struct
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from firmware_bridge.errors import (
    BadCommandLengthError,
    BadCommandValueError,
    BoardBusyError,
    BoardFaultError,
    CommandError,
    CommandNotAllowedError,
    CommandRefusedError,
    CommandTimeoutError,
    UnknownCommandError,
)
from firmware_bridge.frames import Ack, AckCode, Command, CommandKind, encode, uid_bytes

RETRIES: Final = 3

_REFUSALS: Final[dict[int, type[CommandRefusedError]]] = {
    AckCode.UNKNOWN_KIND: UnknownCommandError,
    AckCode.BAD_LENGTH: BadCommandLengthError,
    AckCode.BAD_VALUE: BadCommandValueError,
    AckCode.BUSY: BoardBusyError,
    AckCode.NOT_ALLOWED: CommandNotAllowedError,
    AckCode.HARDWARE_FAULT: BoardFaultError,
}


def identify_payload(duration_s: int) -> bytes:
    """Blink for 0 … 255 s; 0 stops."""
    return bytes((duration_s,))


def rate_payload(rate_mhz: int) -> bytes:
    """Rows a second, in thousandths."""
    return struct.pack("<I", rate_mhz)


def gain_payload(gain: int) -> bytes:
    """Amplifier gain: 128, 64 or 32 on an HX711."""
    return bytes((gain,))


def channels_payload(channels: int) -> bytes:
    """Give the channels converted and sent: the first of the board's inputs, 1 … as many as HELLO says."""
    return bytes((channels,))


def write_uid_payload(present_uid: str, new_uid: str) -> bytes:
    """Rename the board that has `present_uid`, and no other; both 16 lower-case hex digits."""
    return uid_bytes(present_uid) + uid_bytes(new_uid)


def clock_tick(ack: Ack) -> int | None:
    """Board tick in the answer to a clock query; None when it is not one."""
    if ack.code != AckCode.OK or len(ack.payload) < 4:
        return None
    return int.from_bytes(ack.payload[:4], "little")


def refusal(ack: Ack, kind: int, board_uid: str) -> CommandRefusedError | None:
    """Give the named error for a NAK, None for a plain ACK."""
    if ack.code == AckCode.OK:
        return None
    name = CommandKind(kind).name if kind in set(CommandKind) else f"0x{kind:02x}"
    code = AckCode(ack.code).name if ack.code in set(AckCode) else str(ack.code)
    return _REFUSALS.get(ack.code, CommandRefusedError)(f"board {board_uid} refused {name}: {code}")


class Request:
    """
    One command under way.

    Parameters
    ----------
    kind, payload
        What is sent.
    try_ns : int
        How long to wait for an answer before the next try.
    tries : int
        Times it is sent at most.
    on_done : callable or None
        Called with the outcome on the thread that drives the line; a clock query uses it, a waiting
        caller uses `wait`.
    """

    def __init__(
        self,
        kind: int,
        payload: bytes,
        *,
        try_ns: int,
        tries: int = 1 + RETRIES,
        on_done: Callable[[Request], None] | None = None,
    ) -> None:
        self.kind = kind
        self.payload = payload
        self.try_ns = try_ns
        self.tries_left = tries
        self.sent_ns = 0
        self.done_ns = 0
        self.ack: Ack | None = None
        self.error: CommandError | None = None
        self._on_done = on_done
        self._finished = threading.Event()

    def encoded_check(self) -> None:
        """
        Refuse what cannot be sent, before it is queued.

        Raises
        ------
        FrameError
            When the kind or the payload does not fit a CMD frame.
        """
        encode(Command(0, self.kind, self.payload))

    def finish(self, now_ns: int, outcome: Ack | CommandError) -> None:
        """End the request, once."""
        if self._finished.is_set():
            return
        self.done_ns = now_ns
        if isinstance(outcome, Ack):
            self.ack = outcome
        else:
            self.error = outcome
        self._finished.set()
        if self._on_done is not None:
            self._on_done(self)

    def wait(self, timeout_s: float) -> bool:
        """Block until finished; False when the time ran out."""
        return self._finished.wait(timeout_s)


class RequestLine:
    """One board's requests, one in flight at a time, answers matched by request id."""

    def __init__(self, port: str) -> None:
        self._port = port
        self._next_id = 0
        self._waiting: deque[Request] = deque()
        self._flying: Request | None = None
        self._flying_id = -1
        self._give_up_ns = 0

    def submit(self, request: Request) -> None:
        """Queue a request behind those already waiting."""
        self._waiting.append(request)

    @property
    def idle(self) -> bool:
        """Nothing waiting and nothing in flight."""
        return self._flying is None and not self._waiting

    @property
    def due_ns(self) -> int | None:
        """When `poll` has something to do; 0 for at once, None for never."""
        if self._flying is not None:
            return self._give_up_ns
        return 0 if self._waiting else None

    def poll(self, now_ns: int) -> bytes:
        """Bytes to write now: the next request, a retry, or nothing."""
        flying = self._flying
        if flying is not None and now_ns >= self._give_up_ns and not flying.tries_left:
            self._flying = None
            flying.finish(now_ns, CommandTimeoutError(f"{self._port}: no answer to command 0x{flying.kind:02x}"))
            flying = None
        if flying is None:
            if not self._waiting:
                return b""
            flying = self._flying = self._waiting.popleft()
            # One id for a request and its retries: the board may have carried it out and lost the answer.
            self._flying_id = self._next_id
            self._next_id = (self._next_id + 1) & 0xFF
        elif now_ns < self._give_up_ns:
            return b""
        flying.tries_left -= 1
        flying.sent_ns = now_ns
        self._give_up_ns = now_ns + flying.try_ns
        return encode(Command(self._flying_id, flying.kind, flying.payload))

    def answered(self, ack: Ack, now_ns: int) -> bool:
        """Match an ACK or NAK; False for one to another request: a late answer to a try already given up."""
        if self._flying is None or ack.request_id != self._flying_id:
            return False
        flying, self._flying = self._flying, None
        flying.finish(now_ns, ack)
        return True

    def away(self, gone_ns: int) -> None:
        """Wait longer for the answer by the time in which the host could not have heard it."""
        self._give_up_ns += gone_ns

    def abort(self, now_ns: int, error: CommandError) -> None:
        """End every request with `error`."""
        pending = [*([self._flying] if self._flying else []), *self._waiting]
        self._flying = None
        self._waiting.clear()
        for request in pending:
            request.finish(now_ns, error)

"""
Everything the bridge raises.

::

    BridgeError
    ├── FrameError            a frame that cannot be written in this protocol
    ├── PortConfigError       the same path or board twice, a baud rate out of range
    ├── LinkStoppedError           the link is not running
    └── CommandError          a command that did not end in an ACK
        ├── NoSuchBoardError       no identified board carries this UID
        ├── CommandTimeoutError    sent four times, never answered
        ├── CommandAbortedError    the board went down while the command was under way
        └── CommandRefusedError    the board answered with a NAK
            ├── UnknownCommandError, BadCommandLengthError, BadCommandValueError
            └── BoardBusyError, CommandNotAllowedError, BoardFaultError

What a board or a cable does wrong is no exception: it arrives as a value (`Rejected`, `BoardDown`).
"""

from __future__ import annotations


class BridgeError(Exception):
    """Root of the bridge's errors."""


class FrameError(BridgeError, ValueError):
    """A frame cannot be encoded: a field is out of range or the frame would pass 250 bytes."""


class PortConfigError(BridgeError, ValueError):
    """The list of ports contradicts itself."""


class LinkStoppedError(BridgeError, RuntimeError):
    """The link is not running, or has failed; the cause is chained."""


class CommandError(BridgeError):
    """A command did not end in an acknowledgement."""


class NoSuchBoardError(CommandError, LookupError):
    """No identified board carries the requested UID."""


class CommandTimeoutError(CommandError, TimeoutError):
    """The board did not answer the command or any of its retries."""


class CommandAbortedError(CommandError, ConnectionError):
    """The board went down, or the link stopped, while the command was under way."""


class CommandRefusedError(CommandError):
    """The board answered with a NAK."""


class UnknownCommandError(CommandRefusedError, NotImplementedError):
    """NAK 1: this firmware does not know the command kind."""


class BadCommandLengthError(CommandRefusedError, ValueError):
    """NAK 2: the payload is too short or too long for the kind."""


class BadCommandValueError(CommandRefusedError, ValueError):
    """NAK 3: the value is not one this board supports."""


class BoardBusyError(CommandRefusedError):
    """NAK 4: the board is carrying out something longer; ask again."""


class CommandNotAllowedError(CommandRefusedError, PermissionError):
    """NAK 5: refused in the present state."""


class BoardFaultError(CommandRefusedError):
    """NAK 6: the board's hardware failed while carrying the command out."""

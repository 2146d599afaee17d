"""Gives boards their UIDs."""

import secrets
from typing import Final

from edge_agent.adapters.connected_board import ConnectedBoard
from edge_agent.errors import BoardError
from firmware_bridge.answers import UNWRITTEN_UID
from firmware_bridge.commands import write_uid_payload
from firmware_bridge.frames import CommandKind

NOBODY: Final = ("0" * 16, UNWRITTEN_UID)
"""What no board may be called."""


def random_uid() -> str:
    """Return a UID by lot: with 64 bits no two boards of a store ever draw the same."""
    while (drawn := secrets.token_hex(8)) in NOBODY:
        pass
    return drawn


def require_uid(board: ConnectedBoard, uid: str | None) -> None:
    """
    Spare a board that was not meant; None means whichever is connected.

    Raises
    ------
    BoardError
        It has another UID.
    """
    if uid not in (None, board.uid):
        called = "has no UID yet" if board.uid == UNWRITTEN_UID else f"is {board.uid}"
        raise BoardError(f"{board.port.path}: the board there {called} and not {uid}: nothing was changed")


def write_uid(board: ConnectedBoard, new_uid: str) -> None:
    """
    Give the connected board another UID.

    Raises
    ------
    BoardError
        It refuses, or does not say so afterwards.
    """
    board.ask(
        CommandKind.WRITE_UID,
        write_uid_payload(board.uid, new_uid),
        unsupported=f"the board does not take {new_uid} as its UID",
    )
    if board.rereads_hello(lambda hello: hello.board_uid == new_uid) is None:
        raise BoardError(f"{board.port.path}: the board took UID {new_uid} but does not say so: check it by board info")

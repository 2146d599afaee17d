"""Make a board blink, to find it among others."""

import argparse

from edge_agent.adapters.connected_board import ConnectedBoard
from edge_agent.commands.board_options import add_board_options, chosen_port, uid_text
from edge_agent.console.terminal import folded, say
from firmware_bridge.commands import identify_payload
from firmware_bridge.frames import CommandKind

SUMMARY = "make a board blink, to find it among others"
EXAMPLE = "edge-agent board identify --port /dev/ttyUSB0 --seconds 30"

MOST_S = 255


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_board_options(parser)
    parser.add_argument(
        "--seconds", type=_whole_seconds, default=10, help=f"how long, 0 to {MOST_S}; 0 stops it (default %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Have the board blink; it goes on by itself when the command has ended."""
    with ConnectedBoard(chosen_port(arguments)) as board:
        board.ask(CommandKind.IDENTIFY, identify_payload(arguments.seconds))
        what = (
            f"its light blinks for {arguments.seconds} s: look for the board whose lamp L blinks fast"
            if arguments.seconds
            else "its light is at rest again"
        )
        say(*folded(f"board {uid_text(board.uid)} on {board.port.path}: {what}"))
    return 0


def _whole_seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:6]) <= MOST_S):
        raise argparse.ArgumentTypeError(f"{text!r}: give whole seconds, 0 to {MOST_S}")
    return int(text)

"""Change what a board keeps: its rate, gain, used inputs and UID."""

import argparse
import json
import sys
from collections.abc import Callable

from edge_agent.adapters.board_naming import random_uid, require_uid, write_uid
from edge_agent.adapters.connected_board import ConnectedBoard
from edge_agent.commands.board_options import (
    add_port_option,
    board_uid,
    hello_document,
    inputs_text,
    port_config,
    uid_text,
)
from edge_agent.commands.options import add_json_option
from edge_agent.console.terminal import folded, say
from edge_agent.errors import BoardError
from firmware_bridge.answers import UNWRITTEN_UID
from firmware_bridge.commands import channels_payload, gain_payload, rate_payload
from firmware_bridge.frames import CommandKind, Hello

SUMMARY = "change what a board keeps through a loss of power: rate, gain, used inputs, UID"
EXAMPLE = "edge-agent board set --port /dev/ttyUSB0 --rate 80 --gain 128 --channels 4"

RATES_HZ = (10, 80)
GAINS = (128, 64, 32)
WRONG_COMMAND_LINE = 2
"""What argparse ends with as well."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_port_option(parser)
    parser.add_argument("--rate", type=int, choices=RATES_HZ, help="readings a second")
    parser.add_argument("--gain", type=int, choices=GAINS, help="amplifier gain; 32 reads the converters' input B")
    parser.add_argument("--channels", type=int, metavar="N", help="use the first N of the board's inputs")
    name = parser.add_mutually_exclusive_group()
    name.add_argument("--write-uid", type=board_uid, metavar="UID", help="give the board this UID, 16 hex digits")
    name.add_argument("--new-uid", action="store_true", help="give the board a UID that no other has, by lot")
    add_json_option(parser, "what the board then says of itself")


def run(arguments: argparse.Namespace) -> int:
    """Set, and check that the board says so; what it refuses is named with what it supports."""
    new_uid = random_uid() if arguments.new_uid else arguments.write_uid
    if (arguments.rate, arguments.gain, arguments.channels, new_uid) == (None,) * 4:
        nothing = "edge-agent: nothing to set: name --rate, --gain, --channels, --write-uid or --new-uid"
        say(nothing, stream=sys.stderr)
        return WRONG_COMMAND_LINE
    with ConnectedBoard(port_config(arguments.port, arguments.baud)) as board:
        before = board.hello
        require_uid(board, arguments.uid)
        if arguments.channels is not None:
            _set_channels(board, arguments.channels)
        if arguments.rate is not None:
            _set_rate(board, arguments.rate)
        if arguments.gain is not None:
            _set_gain(board, arguments.gain)
        if new_uid is not None:
            write_uid(board, new_uid)
        board.stores()
        after = board.hello
    if arguments.json:
        say(json.dumps(hello_document(after), indent=2))
        return 0
    say(
        *folded(
            f"board {uid_text(after.board_uid)} on {arguments.port}: {inputs_text(after)} inputs at"
            f" {after.rate_hz:g} readings a second, gain {after.gain}"
        )
    )
    if before.board_uid not in (after.board_uid, UNWRITTEN_UID):
        say(*folded(f"it was {before.board_uid}: calibration and configuration that name this UID no longer fit it"))
    if before.gain != after.gain:
        say(*folded("its gain changed: calibrate its inputs anew, a gram is now another number of counts"))
    return 0


def _set_rate(board: ConnectedBoard, rate_hz: int) -> None:
    board.ask(
        CommandKind.SET_RATE,
        rate_payload(rate_hz * 1000),
        unsupported=f"{rate_hz} readings a second are not supported by this board, which stays at"
        f" {board.hello.rate_hz:g}: its RATE pins are perhaps tied",
    )
    _confirmed(board, lambda hello: hello.rate_mhz == rate_hz * 1000, f"{rate_hz} readings a second")


def _set_gain(board: ConnectedBoard, gain: int) -> None:
    board.ask(
        CommandKind.SET_GAIN,
        gain_payload(gain),
        unsupported=f"gain {gain} is not supported by this board, which stays at {board.hello.gain}",
    )
    _confirmed(board, lambda hello: hello.gain == gain, f"gain {gain}")


def _set_channels(board: ConnectedBoard, channels: int) -> None:
    most = board.hello.inputs
    if most is not None and not 1 <= channels <= most:
        raise BoardError(
            f"{board.port.path}: board {board.uid} has {most} inputs: --channels 1 to {most}, not {channels}"
        )
    if not 1 <= channels <= 255:
        raise BoardError(f"{board.port.path}: --channels {channels}: no board has so many inputs")
    board.ask(
        CommandKind.SET_CHANNELS,
        channels_payload(channels),
        unsupported=f"{channels} inputs are not supported by this board, which stays at {board.hello.channels}",
    )
    _confirmed(board, lambda hello: hello.channels == channels, f"{channels} inputs")


def _confirmed(board: ConnectedBoard, where: Callable[[Hello], bool], what: str) -> None:
    if board.rereads_hello(where) is None:
        raise BoardError(f"{board.port.path}: the board took {what} but does not say so: check it with board info")

"""Which board a technician's command means, and how boards are described; shared by the `board` commands."""

import argparse
import re
from pathlib import Path
from typing import Any

from edge_agent.adapters.board_naming import NOBODY
from edge_agent.commands.options import add_config_option, config_path
from edge_agent.config.files import read_agent
from edge_agent.errors import BoardError, ConfigError
from firmware_bridge.answers import UNWRITTEN_UID
from firmware_bridge.errors import PortConfigError
from firmware_bridge.frames import Hello
from firmware_bridge.port import PortConfig
from firmware_bridge.reset_causes import reset_name

DEFAULT_BAUD = PortConfig("").baud
NO_UID = "none yet"
BOARD_UID = re.compile(r"[0-9a-f]{16}\Z")


def add_board_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--port`` or ``--config`` with ``--uid``."""
    parser.add_argument("--port", metavar="PATH", help="the board on this port")
    add_config_option(parser)
    parser.add_argument("--uid", metavar="UID", help="of the configuration's boards, this one")
    add_baud_option(parser)


def add_port_option(parser: argparse.ArgumentParser) -> None:
    """Add a ``--port`` that must be named, for what changes a board, with a ``--uid`` that spares another one."""
    parser.add_argument("--port", metavar="PATH", required=True, help="the board on this port")
    parser.add_argument("--uid", type=board_uid, metavar="UID", help="change nothing if another board is there")
    add_baud_option(parser)


def add_baud_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--baud``."""
    parser.add_argument("--baud", type=int, help=f"bits a second (default: configured, else {DEFAULT_BAUD})")


def board_uid(text: str) -> str:
    """Read a UID that a board may have.

    Raises
    ------
    argparse.ArgumentTypeError
        It is not 16 lower-case hex digits, or stands for no board.
    """
    if BOARD_UID.match(text) is None or text in NOBODY:
        raise argparse.ArgumentTypeError(f"{text!r}: give 16 of 0-9 and a-f, not all 0 and not all f")
    return text


def port_config(path: str, baud: int | None, uid: str | None = None) -> PortConfig:
    """Return a port that was named on the command line.

    Raises
    ------
    BoardError
        The baud rate or the UID cannot be one.
    """
    try:
        return PortConfig(path, DEFAULT_BAUD if baud is None else baud, uid)
    except PortConfigError as error:
        raise BoardError(str(error)) from error


def configured_ports(path: Path, baud: int | None = None) -> list[PortConfig]:
    """Return the ports of a unit's boards.

    Raises
    ------
    BoardError
        The baud rate cannot be one.
    """
    try:
        boards = read_agent(path).boards
        return [PortConfig(board.port, board.baud if baud is None else baud, board.uid) for board in boards]
    except PortConfigError as error:
        raise BoardError(str(error)) from error


def chosen_ports(arguments: argparse.Namespace) -> list[PortConfig]:
    """Return the ports that the options of `add_board_options` name: one, or all of a configuration.

    Raises
    ------
    ConfigError
        The configuration has no such board.
    """
    if arguments.port:
        return [port_config(arguments.port, arguments.baud, arguments.uid)]
    path = config_path(arguments)
    ports = configured_ports(path, arguments.baud)
    if arguments.uid is None:
        return ports
    named = [port for port in ports if port.expected_uid == arguments.uid]
    if not named:
        known = ", ".join(port.expected_uid or "" for port in ports) or "none"
        raise ConfigError(f"{path}: boards: no board {arguments.uid!r}; configured: {known}")
    return named


def chosen_port(arguments: argparse.Namespace) -> PortConfig:
    """Return the one port that the options of `add_board_options` name.

    Raises
    ------
    ConfigError
        They name none, or several.
    """
    ports = chosen_ports(arguments)
    if len(ports) != 1:
        known = ", ".join(port.expected_uid or "" for port in ports) or "none"
        raise ConfigError(f"{config_path(arguments)}: boards: name one by --uid, or its --port; configured: {known}")
    return ports[0]


def uid_text(board_uid: str) -> str:
    """Return a UID as a technician reads it."""
    return NO_UID if board_uid == UNWRITTEN_UID else board_uid


def firmware_text(hello: Hello) -> str:
    """Return a firmware's version and hash."""
    if hello.firmware_version is None:
        return f"{hello.firmware_hash:08x}"
    return "{}.{} ({:08x})".format(*hello.firmware_version, hello.firmware_hash)


def inputs_text(hello: Hello) -> str:
    """Return how many inputs are used, and of how many where the board says."""
    return f"{hello.channels}" if hello.inputs is None else f"{hello.channels} of {hello.inputs}"


def hello_document(hello: Hello) -> dict[str, Any]:
    """Return what a board says of itself, for a script."""
    return {
        "uid": None if hello.board_uid == UNWRITTEN_UID else hello.board_uid,
        "protocol": f"{hello.protocol_major}.{hello.protocol_minor}",
        "firmware_version": None if hello.firmware_version is None else "{}.{}".format(*hello.firmware_version),
        "firmware_hash": f"{hello.firmware_hash:08x}",
        "boot_counter": hello.boot_counter,
        "reset_cause": reset_name(hello.reset_cause),
        "tick_rate_hz": hello.tick_rate_hz,
        "channels": hello.channels,
        "inputs": hello.inputs,
        "gain": hello.gain,
        "rate_hz": hello.rate_hz,
        "chip_signature": hello.chip_signature.hex() or None,
    }

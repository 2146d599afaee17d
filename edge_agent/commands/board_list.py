"""Ask on every serial port which board is there, and say in plain words why there is none."""

import argparse
import json
from pathlib import Path
from typing import Any

from edge_agent.adapters.port_search import Probed, machine_ports, probe, without_repeats
from edge_agent.commands.board_options import (
    add_baud_option,
    configured_ports,
    firmware_text,
    hello_document,
    inputs_text,
    port_config,
    uid_text,
)
from edge_agent.commands.options import add_json_option
from edge_agent.console.terminal import Progress, folded, say, table
from edge_agent.errors import BoardError

SUMMARY = "show every serial port with the board on it, or why there is none"
EXAMPLE = "edge-agent board list --json"

HEADS = ("port", "board", "firmware", "inputs", "rate", "gain", "")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--port", metavar="PATH", action="append", help="ask on this port only; may be repeated")
    parser.add_argument("--config", type=Path, metavar="FILE", help="also ask on the ports of this unit's agent.toml")
    add_baud_option(parser)
    add_json_option(parser, "every port")


def run(arguments: argparse.Namespace) -> int:
    """Ask, print a line a port; status 5 when no board answered anywhere."""
    configured = configured_ports(arguments.config, arguments.baud) if arguments.config else []
    named = arguments.port or machine_ports()
    ports = without_repeats(configured, (port_config(path, arguments.baud) for path in named))
    if not ports:
        raise BoardError("no serial port on this machine: plug a board in, by a cable that carries data")
    progress = Progress()
    progress.show(f"asking on {len(ports)} ports")
    try:
        probed = probe(ports, lambda done: progress.show(f"asking on {len(ports)} ports: {done} done"))
    finally:
        progress.end()
    if arguments.json:
        say(json.dumps({"ports": [_document(each) for each in probed]}, indent=2))
    else:
        answered = [each for each in probed if each.hello is not None]
        if answered:
            say(*table(HEADS, [_row(each) for each in answered]))
        for each in probed:
            if each.hello is None:
                say(*folded(_why(each)))
    if not any(each.hello for each in probed):
        raise BoardError(f"no board on {len(ports)} ports" if len(ports) > 1 else "no board on the only port")
    return 0


def _row(each: Probed) -> tuple[str, ...]:
    hello = each.hello
    assert hello is not None  # noqa: S101 - filtered by the caller
    expected = each.port.expected_uid
    remark = "" if expected in (None, hello.board_uid) else f"configured is {expected}"
    return (
        each.port.path,
        uid_text(hello.board_uid),
        firmware_text(hello),
        inputs_text(hello),
        f"{hello.rate_hz:g}",
        f"{hello.gain}",
        remark,
    )


def _why(each: Probed) -> str:
    expected = f" (configured: board {each.port.expected_uid})" if each.port.expected_uid else ""
    return f"{each.detail}{expected}"


def _document(each: Probed) -> dict[str, Any]:
    return {
        "port": each.port.path,
        "baud": each.port.baud,
        "configured_uid": each.port.expected_uid,
        "board": None if each.hello is None else hello_document(each.hello),
        "reason": None if each.reason is None else each.reason.value,
        "detail": each.detail or None,
    }

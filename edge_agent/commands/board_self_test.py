"""Have a board test its inputs, and say in plain words what is wrong and what to do."""

import argparse
import json
from typing import Any

from edge_agent.adapters.connected_board import ConnectedBoard
from edge_agent.commands.board_options import add_board_options, chosen_port, hello_document, uid_text
from edge_agent.commands.options import add_json_option
from edge_agent.console.terminal import folded, say
from edge_agent.errors import BoardError
from firmware_bridge.answers import SelfTestFault, read_self_test
from firmware_bridge.frames import CommandKind

SUMMARY = "have a board test its inputs and say what to do about the faulty ones"
EXAMPLE = "edge-agent board self-test --port /dev/ttyUSB0"

FAULTY = 1
"""Exit status when the board answers but an input is faulty."""
MEANINGS: dict[SelfTestFault, tuple[str, str]] = {
    SelfTestFault.NO_DATA_READY: (
        "its converter never has a reading ready",
        "check the converter's 5 V and ground and its DT and SCK wires, then put another converter in its place",
    ),
    SelfTestFault.LINE_LOW: (
        "its data line stays low",
        "look for a short from DT to ground and for a converter without supply",
    ),
    SelfTestFault.EXTRA_PULSE: (
        "its converter loses step with the board while it is read",
        "shorten its DT and SCK wires, keep them off mains leads, and check the ground between board and converter",
    ),
    SelfTestFault.UPPER_RAIL: (
        "it reads the most a converter can say",
        "check the cell's four wires at the converter: one is loose, or A+ and A- are shorted to the supply",
    ),
    SelfTestFault.LOWER_RAIL: (
        "it reads the least a converter can say",
        "check the cell's four wires at the converter: one is loose, or A+ and A- are swapped under a load",
    ),
    SelfTestFault.NO_NOISE: (
        "not one bit of its readings ever changes, which no working converter does",
        "power the board off and on; if it stays, put another converter in its place",
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_board_options(parser)
    add_json_option(parser, "what was found at every input")


def run(arguments: argparse.Namespace) -> int:
    """Test, print a line an input, and return 1 when one is faulty."""
    with ConnectedBoard(chosen_port(arguments)) as board:
        hello = board.hello
        faults = read_self_test(board.ask(CommandKind.SELF_TEST))
        if faults is None:
            raise BoardError(f"{board.port.path}: board {board.uid} answered the self-test with nonsense")
        path = board.port.path
    if arguments.json:
        inputs = [_document(index, found) for index, found in enumerate(faults)]
        say(json.dumps({"port": path, **hello_document(hello), "self_test": inputs}, indent=2))
    else:
        say(f"board {uid_text(hello.board_uid)} on {path}")
        for index, found in enumerate(faults):
            say(*(line for text in _lines(index, found) for line in folded(text)))
    return FAULTY if any(faults) else 0


def _lines(index: int, found: SelfTestFault) -> list[str]:
    if not found:
        return [f"input {index}: well"]
    return [f"input {index}: error: {cause}. Try: {remedy}." for cause, remedy in _meanings(found)]


def _meanings(found: SelfTestFault) -> list[tuple[str, str]]:
    known = [meaning for fault, meaning in MEANINGS.items() if fault in found]
    strange = int(found) & ~sum(MEANINGS)
    if strange:
        known.append((f"the board names a fault that this program does not know (bits {strange:#x})", "update it"))
    return known


def _document(index: int, found: SelfTestFault) -> dict[str, Any]:
    return {
        "input": index,
        "bits": int(found),
        "faults": [(fault.name or "").lower() for fault in MEANINGS if fault in found],
        "findings": [{"cause": cause, "remedy": remedy} for cause, remedy in _meanings(found)],
    }

"""Give a board firmware through its bootloader, and check that it runs."""

import argparse
import json
import re
import signal
import sys
from pathlib import Path
from typing import Any

from edge_agent.commands.board_options import (
    DEFAULT_BAUD,
    add_port_option,
    firmware_text,
    hello_document,
    inputs_text,
    port_config,
    uid_text,
)
from edge_agent.commands.options import add_json_option
from edge_agent.console.terminal import Progress, folded, say
from edge_agent.flashing.admission import Leave
from edge_agent.flashing.avrdude import Transcript
from edge_agent.flashing.flash import BOOTLOADER_BAUDS, USUAL_INPUTS, Flashed, Order, flash

SUMMARY = "give a board firmware through its bootloader, and check that it runs"
EXAMPLE = "edge-agent board flash --port /dev/ttyUSB0 --hex build/firmware/loadcell-4ch-115200.hex"

MOST_INPUTS = 8
"""Of the reference firmware."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_port_option(parser)
    image = parser.add_mutually_exclusive_group()
    image.add_argument(
        "--hex", type=Path, metavar="FILE", help="the image (default: what make firmware built for this board)"
    )
    image.add_argument(
        "--inputs",
        type=int,
        choices=range(1, MOST_INPUTS + 1),
        metavar="N",
        help=f"what make firmware built for N inputs (default: as many as the board says, else {USUAL_INPUTS})",
    )
    parser.add_argument("--blank", action="store_true", help="also write where no board answers: a new or broken one")
    parser.add_argument("--again", action="store_true", help="also write what the board has already")
    parser.add_argument("--force-downgrade", action="store_true", help="also write an older version than the board has")
    parser.add_argument(
        "--fewer-inputs", action="store_true", help="also write an image for fewer inputs than are used"
    )
    parser.add_argument(
        "--bootloader-baud",
        type=int,
        choices=BOOTLOADER_BAUDS,
        help="bits a second of the bootloader (default: one after the other)",
    )
    parser.add_argument(
        "--programmer",
        default="arduino",
        type=_programmer,
        metavar="NAME",
        help="avrdude's name for the way in (default %(default)s)",
    )
    add_json_option(parser, "the image and what the board said before and after")


def run(arguments: argparse.Namespace) -> int:
    """Flash and tell; an interrupt ends avrdude first and says what state the board is in."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    order = Order(
        port_config(arguments.port, arguments.baud),
        image=arguments.hex,
        inputs=arguments.inputs,
        uid=arguments.uid,
        leave=Leave(downgrade=arguments.force_downgrade, fewer_inputs=arguments.fewer_inputs),
        blank=arguments.blank,
        again=arguments.again,
        bootloader_baud=arguments.bootloader_baud,
        programmer=arguments.programmer,
    )
    progress = Progress()
    transcript = Transcript()
    try:
        flashed = flash(order, lambda text: progress.show(f"{arguments.port}: {text}"), transcript)
    except KeyboardInterrupt:
        progress.end()
        say(*folded(f"interrupted: {transcript.outcome}"), stream=sys.stderr)
        raise
    finally:
        progress.end()
    if arguments.json:
        say(json.dumps(_document(flashed), indent=2))
    else:
        say(*(line for text in _lines(flashed, arguments.port) for line in folded(text)))
    return 0


def _programmer(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_-]+", text) is None:
        raise argparse.ArgumentTypeError(f"{text!r}: give a name that `avrdude -c ?` lists")
    return text


def _lines(flashed: Flashed, path: str) -> list[str]:
    before, after, image = flashed.before, flashed.after, flashed.image
    if not flashed.written:
        return [f"board {uid_text(after.board_uid)} on {path} has firmware {image.named} already: nothing written"]
    was = "no firmware that answered" if before is None else firmware_text(before)
    written = f"firmware {firmware_text(after)} written and verified, {image.size} bytes; before: {was}"
    lines = [
        f"board {uid_text(after.board_uid)} on {path}: {written}",
        f"it runs: {inputs_text(after)} inputs at {after.rate_hz:g} readings a second, gain {after.gain}",
    ]
    if image.baud not in (None, DEFAULT_BAUD):
        lines.append(f"from now on it talks at {image.baud} baud: --baud {image.baud}, and baud in agent.toml")
    if flashed.inputs_assumed:
        lines.append(
            f"nothing there could say how many inputs it has: the image for {image.inputs} was taken;"
            " --inputs N takes another"
        )
    if before is None or before.board_uid == after.board_uid:
        return lines
    if uid_text(before.board_uid) == before.board_uid:
        lines.append(f"warning: it was {before.board_uid} before: give it this UID again by board set --write-uid")
    else:
        lines.append("it had no UID and was given this one by lot")
    return lines


def _document(flashed: Flashed) -> dict[str, Any]:
    image = flashed.image
    return {
        "written": flashed.written,
        "image": {
            "file": str(image.path),
            "bytes": image.size,
            "firmware_version": "{}.{}".format(*image.version),
            "firmware_hash": f"{image.firmware_hash:08x}",
            "protocol": "{}.{}".format(*image.protocol),
            "inputs": image.inputs,
            "chip_signature": image.chip_signature.hex(),
        },
        "before": None if flashed.before is None else hello_document(flashed.before),
        "after": hello_document(flashed.after),
    }

"""The options of `lab score`, and which of them each of its ways of playing reads: none is ignored in silence."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from edge_agent.bytes_level.rendered_camera import TROUBLES
from edge_agent.bytes_level.scenarios import SCENARIOS
from edge_agent.errors import CommandLineError
from edge_agent.judging.hardware import HARDWARE
from edge_agent.judging.suites import SUITES

MOST_ACTS = 1_000_000
MOST_JOBS = 64
RENDERED = "rendered"
IDEAL, BYTES, CASES, ANCHORS = "--level ideal", "--level bytes", "--scenarios", "--anchors"
RECORDED = "--anchors --level bytes"
READ: Mapping[str, frozenset[str]] = {
    IDEAL: frozenset({"level", "suite", "hardware", "acts", "seed", "jobs", "camera", "camera_sees", "json", "html"}),
    BYTES: frozenset(
        {
            "level",
            "suite",
            "hardware",
            "acts",
            "seed",
            "jobs",
            "camera",
            "pictures",
            "camera_trouble",
            "json",
            "html",
        }
    ),
    CASES: frozenset({"scenarios", "level", "times", "seed", "json"}),
    ANCHORS: frozenset({"anchors", "level", "acts", "seed", "json"}),
    RECORDED: frozenset({"anchors", "level", "recordings", "seed", "json"}),
}
"""Way of playing → the options that it reads."""
DEFAULTS: Mapping[str, object] = {
    "suite": "all",
    "level": "ideal",
    "hardware": "all",
    "acts": 2000,
    "seed": 1,
    "jobs": 1,
    "camera_sees": "event",
    "times": 10,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--suite", choices=[*SUITES, "all"], help="which goods stand on the shelf (all)")
    parser.add_argument(
        "--level",
        choices=["ideal", "bytes"],
        help="ideal: each act as one stated weight step; bytes: physics, board bytes, the whole engine (ideal)",
    )
    parser.add_argument("--hardware", choices=[*HARDWARE, "all"], help="which cells carry it (all)")
    parser.add_argument("--acts", type=_acts, help="how many acts a suite and hardware (2000)")
    parser.add_argument("--seed", type=_seed, help="the same seed draws the same acts (1)")
    parser.add_argument("--jobs", type=_jobs, help="processes that share the acts; same scores (1)")
    parser.add_argument(
        "--camera",
        type=_camera,
        metavar="TOP1|rendered",
        help="add a camera: one that is right this often, 0.8-0.99, or real vision on a rendered shelf (board bytes)",
    )
    parser.add_argument(
        "--pictures",
        type=Path,
        metavar="DIR",
        help="products for --camera rendered: DIR/iconic/NAME_Iconic.jpg to draw, DIR/photos/GROUP/NAME/*.jpg to enrol"
        " (drawn packages, and no word on SKUs)",
    )
    parser.add_argument(
        "--camera-trouble", choices=TROUBLES, help="what goes wrong with --camera rendered, 20 s from the start"
    )
    parser.add_argument("--camera-sees", choices=["event", "item"], help="one word an act, or one an item (event)")
    parser.add_argument(
        "--scenarios",
        nargs="*",
        metavar="NAME",
        help="play named cases on the example shop instead; all if none is named",
    )
    parser.add_argument("--times", type=_acts, help="how often each case is played (10)")
    parser.add_argument("--anchors", action="store_true", help="examine the judge: the oracle beside the known optima")
    parser.add_argument(
        "--recordings", type=Path, metavar="DIR", help="real load cells to compare with, for --anchors --level bytes"
    )
    parser.add_argument("--json", action="store_true", help="all scores as one JSON object")
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write the scores with plots as one HTML page")


def settle(arguments: argparse.Namespace) -> str:
    """Fill in the defaults and return the way of playing: `IDEAL`, `BYTES`, `CASES`, `ANCHORS` or `RECORDED`.

    Raises
    ------
    CommandLineError
        If an option was given that the way of playing does not read.
    """
    given = [name for name, value in vars(arguments).items() if value is not None and value is not False]
    way = _way(arguments)
    for name in given:
        if name not in READ[way]:
            _refuse(name, way)
    _settle_camera(arguments, way)
    if arguments.camera_sees is not None and arguments.camera is None:
        raise CommandLineError("--camera-sees: says what a camera sees; add --camera TOP1, or leave --camera-sees away")
    if way == RECORDED and arguments.recordings is None:
        raise CommandLineError("--anchors: --level bytes compares with recordings; name their directory: --recordings")
    for name in arguments.scenarios or ():
        if name not in SCENARIOS:
            raise CommandLineError(f"--scenarios: no case {name!r}; the cases are: {', '.join(SCENARIOS)}")
    for name, value in DEFAULTS.items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    return way


def _way(arguments: argparse.Namespace) -> str:
    if arguments.scenarios is not None:
        if arguments.anchors:
            raise CommandLineError("--anchors: not together with --scenarios; leave one of them away")
        if arguments.level == "ideal":
            raise CommandLineError("--level ideal: --scenarios go through board bytes; leave --level away")
        return CASES
    if arguments.anchors:
        return RECORDED if arguments.level == "bytes" else ANCHORS
    rendered = arguments.camera == RENDERED and arguments.level is None
    return BYTES if rendered or arguments.level == "bytes" else IDEAL


def _settle_camera(arguments: argparse.Namespace, way: str) -> None:
    """Refuse a camera that the way of playing does not have, and what belongs to a camera that is not there."""
    camera = arguments.camera
    if way == IDEAL and camera == RENDERED:
        raise CommandLineError("--camera rendered: sees shelves in physics; add --level bytes, or leave --level away")
    if way == BYTES and camera not in (None, RENDERED):
        raise CommandLineError(
            f"--camera {camera:g}: only with --level ideal; a camera before board bytes is --camera rendered"
        )
    for name in ("pictures", "camera_trouble"):
        if getattr(arguments, name) is not None and camera != RENDERED:
            option = f"--{name.replace('_', '-')}"
            raise CommandLineError(f"{option}: only with --camera rendered; add it, or leave {option} away")


def _refuse(name: str, way: str) -> None:
    option = f"--{name.replace('_', '-')}"
    *most, last = [each for each, read in READ.items() if name in read]
    readers = f"{', '.join(most)} or {last}" if most else last
    mend = f"add {readers}, or leave {option} away" if way == IDEAL else f"leave it away with {way}"
    instead = "; --times says how often a case is played" if (name, way) == ("acts", CASES) else ""
    raise CommandLineError(f"{option}: only with {readers}; {mend}{instead}")


def _acts(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) <= MOST_ACTS:
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number, 1 to {MOST_ACTS}")
    return int(text)


def _jobs(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= MOST_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number, 1 to {MOST_JOBS}")
    return int(text)


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) >= 2**63:
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number from 0")
    return int(text)


def _camera(text: str) -> float | str:
    if text == RENDERED:
        return text
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0.8 <= share <= 0.99:
        raise argparse.ArgumentTypeError(f"{text!r}: give a share, 0.8 to 0.99, or rendered")
    return share

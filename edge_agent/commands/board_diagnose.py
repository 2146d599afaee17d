"""Measure every input of the load-cell boards and say in plain words what is wrong with it."""

import argparse
import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from edge_agent.adapters.board_listening import Heard, listen
from edge_agent.calibration.complaints import Complaint, complaints
from edge_agent.calibration.diagnosis import ChannelFigures, measure, sparkline
from edge_agent.commands.board_options import add_board_options, chosen_ports
from edge_agent.commands.options import add_json_option, config_path, seconds
from edge_agent.config import BoardCalibration, Site
from edge_agent.config.files import read_agent, read_site, readable_state_dir
from edge_agent.console.terminal import Progress, figure, folded, say, table
from edge_agent.errors import BoardError
from edge_agent.vocabulary import Severity

SUMMARY = "measure every input of the load-cell boards and say what is wrong with it"
EXAMPLE = "edge-agent board diagnose --port /dev/ttyUSB0 --seconds 20"

FAULTY = 1
"""Exit status when the boards answer but an input is faulty."""
HEADS = ("input", "level", "noise", "rate", "gaps", "lost", "spikes", "rail", "values", "drift a minute")


@dataclass(frozen=True, slots=True)
class Judged:
    """One input: figures, and what they mean."""

    figures: ChannelFigures
    complaints: tuple[Complaint, ...]

    @property
    def faulty(self) -> bool:
        """Return whether the shelf cannot be trusted with this input."""
        return any(complaint.severity is Severity.ERROR for complaint in self.complaints)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_board_options(parser)
    parser.add_argument("--seconds", type=seconds, default=10.0, help="how long to measure (default %(default)g)")
    add_json_option(parser, "all figures and findings")


def run(arguments: argparse.Namespace) -> int:
    """Measure, print, and return 1 when an input is faulty; a board that does not answer is status 5."""
    # On a desk a port is enough; a configuration named beside it lends its calibration.
    site = None if arguments.port and arguments.config is None else _site(config_path(arguments))
    progress = Progress()
    try:
        heard = listen(
            chosen_ports(arguments),
            arguments.seconds,
            lambda span_s, rows: progress.show(
                f"measuring, hands off the shelves: {span_s:.0f} of {arguments.seconds:g} s, {rows} rows"
            ),
        )
    finally:
        progress.end()
    judged = [(each, _judge(each, site)) for each in heard]
    if arguments.json:
        say(json.dumps({"boards": [_document(each, found) for each, found in judged]}, indent=2))
    else:
        for each, found in judged:
            if found:
                say(*_board_lines(each, found), "")
    failures = [each.failure for each in heard if each.failure is not None]
    if failures:
        raise BoardError("; ".join(failures))
    faulty = any(
        complaint.severity is Severity.ERROR for _, found in judged for each in found for complaint in each.complaints
    )
    return FAULTY if faulty else 0


def _site(path: Path) -> Site:
    """Read what is there: a board may be diagnosed before it is calibrated."""
    state_dir, _ = readable_state_dir(Path(read_agent(path).state_dir))
    return read_site(path, state_dir=state_dir).site


def _judge(heard: Heard, site: Site | None) -> list[Judged]:
    rows = heard.rows()
    if rows is None or heard.hello is None:
        return []
    calibration = _calibration(site, heard.hello.board_uid)
    limits = {
        cell.index: shelf.limits.cell_max_g
        for shelf in (site.shelves if site else ())
        for cell in shelf.channels
        if cell.board_uid == heard.hello.board_uid
    }
    judged = []
    for index in range(rows.counts.shape[1]):
        channel = calibration.channel(index) if calibration else None
        figures = measure(rows, index, channel)
        judged.append(Judged(figures, complaints(figures, channel, limits.get(index))))
    return judged


def _calibration(site: Site | None, board_uid: str) -> BoardCalibration | None:
    return site.calibration(board_uid) if site else None


def _board_lines(heard: Heard, judged: Sequence[Judged]) -> list[str]:
    hello = heard.hello
    lines = []
    if hello is not None:
        about = f"{hello.channels} inputs at {hello.rate_hz:g} readings a second, gain {hello.gain}"
        lines += folded(
            f"board {hello.board_uid} on {heard.port.path}: {about}, firmware {hello.firmware_hash:08x},"
            f" boot {hello.boot_counter}, measured for {heard.span_s:.1f} s"
        )
    if heard.resets:
        lines += folded(f"  warning: the board restarted ({heard.resets}) while it was measured; check its supply")
    lines += table(HEADS, [_row(each.figures) for each in judged])
    for each in judged:
        lines.append(_trace_line(each.figures))
    for each in judged:
        for complaint in each.complaints:
            text = f"{complaint.severity.value}: {complaint.cause}. Try: {complaint.remedy}."
            lines += folded(f"input {each.figures.index}: {text}")
    if heard.failure is not None:
        lines += folded(f"NOT SOUND: measured for {heard.span_s:.1f} s only; {heard.failure}")
    elif not any(each.complaints for each in judged):
        lines.append("every input is sound")
    return lines


def _row(figures: ChannelFigures) -> tuple[str, ...]:
    unit = figures.unit
    drift = f"{figure(figures.drift_per_min, sign=True)} ± {figure(figures.drift_sigma_per_min)}"
    return (
        f"{figures.index}",
        f"{figure(figures.level)} {unit}",
        f"{figure(figures.noise)}",
        f"{figure(figures.rate_hz)}",
        f"{figures.gaps}",
        f"{figures.lost_rows + figures.unusable}",
        f"{figures.spikes}",
        f"{figures.saturated}",
        f"{figures.unique_values}",
        drift,
    )


def _trace_line(figures: ChannelFigures) -> str:
    known = figures.trace[np.isfinite(figures.trace)]
    if not len(known):
        return f"  {figures.index:>2} nothing came"
    low, high = float(known.min()), float(known.max())
    return f"  {figures.index:>2} {sparkline(figures.trace)} {figure(low)} to {figure(high)} {figures.unit}"


def _document(heard: Heard, judged: Sequence[Judged]) -> dict[str, Any]:
    return {
        "port": heard.port.path,
        "uid": heard.hello.board_uid if heard.hello else None,
        "failure": heard.failure,
        "resets": heard.resets,
        "span_s": float(heard.span_s),
        "inputs": [
            {
                **{key: _plain(value) for key, value in dataclasses.asdict(each.figures).items()},
                "findings": msgspec.to_builtins(each.complaints),
            }
            for each in judged
        ],
    }


def _plain(value: Any) -> Any:
    """Return a value that JSON has a word for: no NaN, no arrays."""
    if isinstance(value, np.ndarray):
        return [_plain(float(each)) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""Show what a board says of itself: who it is, its settings, counters, temperatures, supply, inputs and clock."""

import argparse
import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from edge_agent.adapters.connected_board import ConnectedBoard
from edge_agent.commands.board_options import (
    add_board_options,
    chosen_ports,
    firmware_text,
    hello_document,
    inputs_text,
    uid_text,
)
from edge_agent.commands.options import add_json_option
from edge_agent.console.terminal import Progress, folded, say
from edge_agent.errors import BoardError
from firmware_bridge.answers import Statistics, read_statistics
from firmware_bridge.events import AuxReport
from firmware_bridge.frames import CommandKind, Hello
from firmware_bridge.link import PortStatus
from firmware_bridge.port import PortConfig
from firmware_bridge.reset_causes import reset_words

SUMMARY = "show who a board is, its settings, counters, temperatures, supply, inputs and clock"
EXAMPLE = "edge-agent board info --port /dev/ttyUSB0"

AUX_PATIENCE_S = 2.5
"""A board tells its slow readings every second; one may be lost (PROTOCOL.md)."""
CLOCK_PATIENCE_S = 2.0
"""Eight clock queries 50 ms apart, and a lost one or two."""
INPUT_NAMES = ("door", "staff key")


@dataclass(frozen=True, slots=True)
class Said:
    """Everything one board said."""

    port: str
    hello: Hello
    statistics: Statistics | None
    slow: AuxReport | None
    status: PortStatus


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_board_options(parser)
    add_json_option(parser, "everything")


def run(arguments: argparse.Namespace) -> int:
    """Ask one board or all of a unit; a board that does not answer is status 5 and hides no other."""
    ports = chosen_ports(arguments)
    progress = Progress()
    told: list[Said] = []
    failures: list[str] = []
    for port in ports:
        progress.show(f"asking on {port.path}")
        try:
            told.append(_ask(port))
        except BoardError as error:
            failures.append(str(error))
        finally:
            progress.end()
    if arguments.json:
        say(json.dumps({"boards": [_document(each) for each in told], "failures": failures}, indent=2))
    else:
        for number, each in enumerate(told):
            say(*([""] if number else []), *_lines(each))
    if failures:
        raise BoardError("; ".join(failures))
    return 0


def _ask(port: PortConfig) -> Said:
    with ConnectedBoard(port) as board:
        statistics = read_statistics(board.ask(CommandKind.STATS))
        slow = board.awaits(AuxReport, within_s=AUX_PATIENCE_S)
        board.synchronises(within_s=CLOCK_PATIENCE_S)
        return Said(port.path, board.hello, statistics, slow, board.status)


def _lines(said: Said) -> list[str]:
    hello = said.hello
    signature = f", chip {hello.chip_signature.hex(' ')}" if any(hello.chip_signature) else ""
    facts = [
        f"board {uid_text(hello.board_uid)} on {said.port}",
        f"  firmware     {firmware_text(hello)}, protocol {hello.protocol_major}.{hello.protocol_minor}{signature}",
        f"  settings     {inputs_text(hello)} inputs at {hello.rate_hz:g} readings a second, gain {hello.gain}",
        f"  last start   {reset_words(hello.reset_cause)}, number {hello.boot_counter}",
        f"  clock        {_clock_text(said.status)}",
    ]
    counted = said.statistics
    if counted is not None:
        facts.append(
            f"  since start  frames sent {counted.frames_sent}, rows dropped for want of room {counted.overflow},"
            f" damaged frames heard {counted.bad_frames}, bytes from the host lost {counted.receive_overruns},"
            f" failed extra-pulse checks {counted.desyncs}"
        )
    slow = said.slow
    if slow is None:
        facts.append(f"  readings     none within {AUX_PATIENCE_S:g} s")
    else:
        facts += [
            f"  supply       {slow.supply_mv / 1000:.2f} V",
            f"  temperature  {_temperature_text(slow)}",
            f"  contacts     {_contacts_text(slow.digital_inputs)}",
            f"  skipped      {', '.join(map(str, slow.skipped)) or 'none'} (surplus readings of each input)",
        ]
    return [line for fact in facts for line in folded(fact)]


def _clock_text(status: PortStatus) -> str:
    if status.clock_ppm is None or status.clock_sigma_ms is None:
        return "not yet synchronised"
    return f"{status.clock_ppm:+.0f} ppm, answers scatter by {status.clock_sigma_ms:.2f} ms"


def _temperature_text(slow: AuxReport) -> str:
    if not slow.temperatures_c:
        return "no sensor"
    return ", ".join("the sensor does not answer" if each is None else f"{each:.2f} °C" for each in slow.temperatures_c)


def _contacts_text(inputs: int) -> str:
    named = [f"{name} {'closed' if inputs >> bit & 1 else 'open'}" for bit, name in enumerate(INPUT_NAMES)]
    others = [f"input {bit} closed" for bit in range(len(INPUT_NAMES), 8) if inputs >> bit & 1]
    return ", ".join(named + others)


def _document(said: Said) -> dict[str, Any]:
    slow = said.slow
    return {
        "port": said.port,
        **hello_document(said.hello),
        "statistics": None if said.statistics is None else dataclasses.asdict(said.statistics),
        "supply_mv": None if slow is None else slow.supply_mv,
        "temperatures_c": None if slow is None else slow.temperatures_c,
        "digital_inputs": None if slow is None else slow.digital_inputs,
        "skipped": None if slow is None else slow.skipped,
        "clock_ppm": said.status.clock_ppm,
        "clock_sigma_ms": said.status.clock_sigma_ms,
    }

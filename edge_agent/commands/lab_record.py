"""Record what the boards say, with the events it leads to, without broker or outbox."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from edge_agent.app import record_session
from edge_agent.commands.options import add_config_option, config_path, seconds
from edge_agent.config.files import load_site
from edge_agent.console.event_text import event_row
from edge_agent.model import Decision, HealthTransition, Mark, Output

SUMMARY = "record what the boards say and what would be decided, selling nothing"
EXAMPLE = "edge-agent lab record --seconds 60 --output shelf.mcap"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config_option(parser)
    parser.add_argument("--output", type=Path, required=True, help="the recording to make; it must not exist yet")
    parser.add_argument("--seconds", type=seconds, help="stop by itself after this long (default: at Ctrl-C)")


def run(arguments: argparse.Namespace) -> int:
    """Record until Ctrl-C, SIGTERM or the time is up."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    site = load_site(config_path(arguments))
    timer = threading.Timer(arguments.seconds or threading.TIMEOUT_MAX, stop.set)
    timer.daemon = True
    timer.start()
    print(f"recording to {arguments.output}; Ctrl-C ends it", file=sys.stderr)
    try:
        record_session(site, stop, arguments.output, _Terminal())
    finally:
        timer.cancel()
    print(f"{arguments.output}: {arguments.output.stat().st_size / 1024:.0f} KiB", file=sys.stderr)
    return 0


class _Terminal:
    """An uplink that ends at the technician's eyes."""

    def __init__(self) -> None:
        self._first_ns: int | None = None

    def commit(self, decision: Decision) -> None:
        event = decision.event
        print("  ".join(event_row(event, self._first_ns or event.t_start_ns)), flush=True)

    def publish(self, output: Output) -> None:
        if isinstance(output, Mark) and self._first_ns is None:
            self._first_ns = output.t_ns
        elif isinstance(output, HealthTransition):
            word = "raised" if output.raised else "cleared"
            print(f"{word} {output.subject} {output.code}: {output.detail}", file=sys.stderr, flush=True)

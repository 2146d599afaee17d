"""Run the agent of this shelf unit until it is told to stop."""

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from edge_agent.app import run_agent
from edge_agent.commands.options import add_config_option, config_path
from edge_agent.config.files import adopt_seeds, read_agent, read_site

SUMMARY = "run the agent of this shelf unit"
EXAMPLE = "edge-agent run --config /etc/edge-agent/agent.toml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config_option(parser)
    parser.add_argument("--state-dir", type=Path, help="instead of the configuration's state_dir")
    parser.add_argument("--record", type=Path, metavar="FILE", help="also record the session (MCAP)")
    parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"), default="info")


def run(arguments: argparse.Namespace) -> int:
    """Load the configuration, run, and end cleanly on SIGINT or SIGTERM."""
    logging.basicConfig(
        level=arguments.log_level.upper(), stream=sys.stderr, format="%(levelname)s %(name)s %(message)s"
    )
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    agent_toml = config_path(arguments)
    state_dir = arguments.state_dir or Path(read_agent(agent_toml).state_dir)
    reading = read_site(agent_toml, state_dir=state_dir)
    # Seeds are adopted once the state directory is ours: a second agent must not change what the first one sells by.
    run_agent(reading.checked(), stop, owned=lambda: adopt_seeds(reading, state_dir), record=arguments.record)
    return 0

"""Show the whole line: a shopper at two shelves, and what the agent made of it."""

import argparse
import contextlib
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from edge_agent.commands.options import seed_number
from edge_agent.config import Site
from edge_agent.config.files import load_site
from edge_agent.demo.child import Child, ChildFailedError
from edge_agent.demo.embedded_broker import EmbeddedBroker
from edge_agent.demo.listener import Listener
from edge_agent.demo.screen import Screen
from edge_agent.demo.unit_files import UnitFiles, seed_directory, write_unit
from edge_agent.demo.virtual_shop import VirtualShop
from edge_agent.errors import BrokerError, ConfigError
from edge_agent.simulation.scoreboard import Heard, Scoreboard, score
from edge_agent.simulation.shopper import scripted_session
from edge_agent.simulation.truth import ActTruth

SUMMARY = "show the whole line with virtual boards, a scripted shopper, a broker and a ledger"
EXAMPLE = "edge-agent demo --acts 12 --seed 7"

READY_S = 60.0
"""An agent that is not ready by then will not be: 1.5 s here, ten times as long on the slowest Pi (2026-11)."""
SETTLE_S = 1.0
"""Quiet between the agent's word that it is ready and the first act (2026-11)."""
VERDICT_S = 3.0
"""After an act's release the agent has this long before the act counts as unheard (2026-11)."""
KINDS = {
    "lane_cells": "a cell per lane",
    "platform": "one plate on four corner cells",
    "narrow_plates": "plates narrower than the goods",
}
STOPPED = "broker, boards, agent and ledger are stopped"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--acts", type=int, default=12, help="how many acts the shopper plays (default %(default)s)")
    parser.add_argument("--seed", type=seed_number, default=7, help="same seed, same shopper (default %(default)s)")
    parser.add_argument("--config", type=Path, metavar="DIR", help="another seed configuration than the built-in one")
    parser.add_argument(
        "--broker", choices=("mosquitto", "amqtt"), help="which broker to start (default: mosquitto where installed)"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep configuration, state, ledger and logs there")


def run(arguments: argparse.Namespace) -> int:
    """Play, judge, show the ledger's stock; 1 when an unambiguous act was not told right, 0 when told to stop."""
    if not 1 <= arguments.acts <= 500:
        raise ConfigError(f"--acts {arguments.acts}: allowed 1-500")
    # A flag, not an exception: nothing may come between a part's start and the note of how to end it.
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        return _show(arguments, stop)
    except (BrokerError, ChildFailedError):
        if not stop.is_set():  # Ctrl-C reaches the parts as well, and may end them before us
            raise
        print(f"\n{STOPPED}")
        return 0


def _show(arguments: argparse.Namespace, stop: threading.Event) -> int:
    with contextlib.ExitStack() as ending:
        directory = _directory(arguments.keep, ending)
        broker = EmbeddedBroker(directory, arguments.broker)
        ending.callback(broker.stop)
        # The broker that pip brings speaks MQTT 3.1.1 only.
        protocol = "5" if broker.name == "mosquitto" else "3.1.1"
        seed_config = arguments.config or seed_directory()
        if not (seed_config / "agent.toml").is_file():
            raise ConfigError(f"--config {seed_config}: holds no agent.toml")
        unit = write_unit(seed_config, directory, broker_port=broker.port, protocol=protocol)
        site = load_site(unit.agent_toml)
        print(_introduction(site, broker.name, arguments.seed), flush=True)
        shop = ending.enter_context(VirtualShop(site, arguments.seed, [board.port for board in site.agent.boards]))
        children = _start(unit, site, directory, broker.port, protocol, ending)
        listener = Listener(site.agent.broker, site, shop.start_ns)
        ending.callback(listener.close)
        ready = children[-1].await_output("ready:", READY_S)
        if not ready:
            raise ChildFailedError(f"the agent was not ready within {READY_S:.0f} s; look with --keep DIR")
        first_act_s = shop.now_s + SETTLE_S
        truths = shop.perform(scripted_session(site, arguments.seed, act_count=arguments.acts, first_act_s=first_act_s))
        screen = Screen(site)
        board = _play(shop, truths, listener, screen, children, stop)
        status = 0 if stop.is_set() else _sum_up(board, screen, directory / "ledger.db")
    print(f"\n{STOPPED}" + (f"; files are in {directory}" if arguments.keep else ""))
    return status


def _sum_up(board: Scoreboard, screen: Screen, ledger: Path) -> int:
    print(f"\n{screen.summary(board)}\n\nthe ledger's stock, as `edge-agent store stock` prints it:", flush=True)
    stock = [sys.executable, "-m", "edge_agent.cli", "store", "stock", "--database", str(ledger)]
    shown = subprocess.run(stock, check=False).returncode  # noqa: S603 - our own command
    return shown or (0 if board.summary().clean else 1)


def _directory(keep: Path | None, ending: contextlib.ExitStack) -> Path:
    if keep is None:
        return Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="edge-agent-demo-")))
    if keep.exists() and any(keep.iterdir()):
        raise ConfigError(f"--keep {keep}: is not empty; name a new directory")
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--keep {keep}: cannot be made: {error.strerror}") from error
    return keep.resolve()


def _introduction(site: Site, broker: str, seed: int) -> str:
    shelves = " and ".join(f"{shelf.shelf_id} ({KINDS[shelf.kind]})" for shelf in site.shelves)
    return (
        f"shelves: {shelves}\n"
        f"parts: {broker}, {len(site.agent.boards)} virtual boards on pseudo-terminals, `edge-agent run`, "
        f"`edge-agent store ledger`; shopper's seed {seed}\n"
    )


def _start(
    unit: UnitFiles, site: Site, directory: Path, port: int, protocol: str, ending: contextlib.ExitStack
) -> tuple[Child, ...]:
    ledger_words = ["store", "ledger", "--broker", f"127.0.0.1:{port}", "--store", site.agent.store_id]
    ledger_words += ["--database", str(directory / "ledger.db"), "--protocol", protocol]
    agent_words = ["run", "--config", str(unit.agent_toml), "--state-dir", str(unit.state_dir)]
    children = []
    for words, log in ((ledger_words, "ledger.log"), (agent_words, "agent.log")):
        child = Child(words, directory / log)
        ending.callback(child.stop)
        children.append(child)
    return tuple(children)


def _play(
    shop: VirtualShop,
    truths: list[ActTruth],
    listener: Listener,
    screen: Screen,
    children: tuple[Child, ...],
    stop: threading.Event,
) -> Scoreboard:
    heard: list[Heard] = []
    shown = 0
    print(screen.head(), flush=True)
    while shown < len(truths) and not stop.is_set():
        heard += listener.poll(0.05)
        for child in children:
            child.require_running()
        # An act is shown when its verdict can no longer change: the agent's time for it is over.
        if shop.now_s > truths[shown].t_release_s + VERDICT_S:
            print(screen.row(score(truths, heard, shop.start_ns).scored[shown]), flush=True)
            shown += 1
    return score(truths, heard, shop.start_ns)

"""Keep the store's ledger: record every event at the broker, and tell the agents how far."""

import argparse
import json
import signal
from pathlib import Path
from typing import Final

import msgspec

from edge_agent.commands.options import add_broker_options, add_json_option, broker_config, topic_level
from edge_agent.config.assortment import Planogram
from edge_agent.console.terminal import printable, say
from edge_agent.errors import ConfigError
from edge_agent.subscriber.ledger import Ledger, Recorded
from edge_agent.subscriber.service import LedgerService, Notice
from edge_agent.subscriber.wording import event_line

SUMMARY = "keep the store's ledger: record every event, tell the agents how far"
EXAMPLE = "edge-agent store ledger --broker 10.0.0.5 --store corner-shop --database /var/lib/edge-agent/ledger.db"
DATABASE_HELP: Final = "file (SQLite) or URL, e.g. postgresql+psycopg://ledger@db/store"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_broker_options(parser)
    parser.add_argument("--store", type=topic_level, required=True, metavar="ID", help="whose agents to record")
    parser.add_argument("--database", required=True, metavar="FILE_OR_URL", help=DATABASE_HELP)
    parser.add_argument(
        "--planogram",
        type=Path,
        metavar="FILE",
        help="take opening counts from its opening_count; otherwise from each agent's stock belief",
    )
    add_json_option(parser, "one JSON object a line: each event as recorded, and notices")


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; 0 then."""
    broker = broker_config(arguments)
    planogram = None if arguments.planogram is None else _planogram(arguments.planogram)
    ledger = Ledger(arguments.database)
    try:
        if planogram is not None:
            _open_shelves(ledger, planogram, arguments.planogram)
        printer = _Printer(as_json=arguments.json)
        service = LedgerService(ledger, broker, arguments.store, recorded=printer.recorded, notice=printer.notice)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: service.stop())
        printer.notice(Notice("started", f"ledger {ledger.name}: {ledger.totals()['events']} events on record"))
        service.run()
        printer.notice(Notice("stopped", f"stopped with {ledger.totals()['events']} events on record"))
    finally:
        ledger.close()
    return 0


class _Printer:
    """Prints what is confirmed, and what needs a person's eye."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def recorded(self, recorded: Recorded) -> None:
        """Print a line per event that is now on record."""
        for agent_id, event, _ in recorded.new:
            if self._as_json:
                say(json.dumps({"recorded": msgspec.to_builtins(event), "agent": agent_id}, ensure_ascii=False))
            else:
                say(printable(f"#{event.sequence_number:<6} {agent_id:<12}  {event_line(event)}"))

    def notice(self, notice: Notice) -> None:
        """Print a notice."""
        if self._as_json:
            say(json.dumps({"notice": notice.code, "text": notice.text}, ensure_ascii=False))
        else:
            say(printable(f"— {notice.text}"))


def _planogram(path: Path) -> Planogram:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Planogram)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name the planogram by --planogram FILE") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _open_shelves(ledger: Ledger, planogram: Planogram, path: Path) -> None:
    for shelf_id in sorted({lane.shelf_id for lane in planogram.lanes}):
        counts = {lane.lane_id: {lane.sku: lane.opening_count} for lane in planogram.on_shelf(shelf_id)}
        ledger.open_shelf(shelf_id, counts, f"{path}, revision {planogram.revision}")

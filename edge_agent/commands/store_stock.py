"""Show what stands where, as the store's ledger has it."""

import argparse
import json
from pathlib import Path

from edge_agent.commands.options import add_json_option
from edge_agent.commands.store_ledger import DATABASE_HELP
from edge_agent.console.terminal import say, table
from edge_agent.errors import LedgerError
from edge_agent.subscriber.ledger import Gap, Ledger, StockRow

SUMMARY = "show what stands where, as the store's ledger has it"
EXAMPLE = "edge-agent store stock --database /var/lib/edge-agent/ledger.db"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--database", required=True, metavar="FILE_OR_URL", help=DATABASE_HELP)
    add_json_option(parser, "the table, totals and lost ranges")


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    if "://" not in arguments.database and not Path(arguments.database).exists():
        raise LedgerError(f"ledger {arguments.database}: no such file; `edge-agent store ledger` makes it")
    ledger = Ledger(arguments.database)
    try:
        rows, totals, gaps = ledger.stock(), ledger.totals(), ledger.gaps()
    finally:
        ledger.close()
    if arguments.json:
        document = {
            "stock": [row._asdict() for row in rows],
            **totals,
            "lost": [gap._asdict() for gap in gaps],
        }
        say(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        say(*_text(rows, totals, gaps))
    return 0


def _text(rows: tuple[StockRow, ...], totals: dict[str, int], gaps: tuple[Gap, ...]) -> list[str]:
    lines = []
    if rows:
        lines += table(
            ("shelf", "lane", "SKU", "count"),
            [(row.shelf, row.lane or "(no lane)", row.sku, _count(row)) for row in rows],
        )
    elif totals["events"]:
        lines.append("No stock yet: no shelf is opened, and no recorded event moved an item by itself.")
    else:
        lines.append("No stock yet: no event is recorded and no shelf is opened.")
    if any(not row.opened for row in rows):
        lines.append("+ and −: change since the first event; the shelf's opening count is not known yet.")
    lines += ["", f"{totals['events']} events on record, {totals['reviews']} for review, {totals['rejected']} rejected"]
    lines += [f"lost to this ledger: events {gap.first} to {gap.last} of {gap.source}; count the shelf" for gap in gaps]
    return lines


def _count(row: StockRow) -> str:
    return str(row.quantity) if row.opened else f"{row.quantity:+d}".replace("-", "−")

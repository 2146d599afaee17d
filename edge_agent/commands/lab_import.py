"""Make a recording of a load-cell log in CSV."""

import argparse
from pathlib import Path

from edge_agent.commands.options import positive
from edge_agent.errors import RecordingError
from edge_agent.recording.csv_import import ImportSettings, imported_initial, imported_site, log_messages, read_log
from edge_agent.recording.writer import RecordingWriter

SUMMARY = "make a recording of a load-cell log in CSV"
EXAMPLE = "edge-agent lab import quiet.csv --counts-per-g 365 --output quiet.mcap"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    default = ImportSettings()
    parser.add_argument("log", type=Path, help="CSV: 'ts,c0,c1,…' with a header and raw counts, or 'epoch_s,grams'")
    parser.add_argument("--output", type=Path, help="the recording to make (default: the log's name with .mcap)")
    parser.add_argument("--counts-per-g", type=positive, default=default.counts_per_g, help="default %(default)s")
    parser.add_argument(
        "--cell-max-g", type=positive, default=default.cell_max_g, help="a cell's capacity (%(default)s)"
    )
    parser.add_argument("--min-event-g", type=positive, default=default.min_event_g, help="least change (%(default)s)")
    parser.add_argument("--item-g", type=positive, default=default.item_g, help="weight of the item sold (%(default)s)")
    parser.add_argument("--item-sigma-g", type=positive, default=default.item_sigma_g, help="its spread (%(default)s)")
    parser.add_argument("--item-name", default=default.item_name, help="its name (%(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Convert the log and say what came of it."""
    settings = ImportSettings(
        counts_per_g=arguments.counts_per_g,
        cell_max_g=arguments.cell_max_g,
        min_event_g=arguments.min_event_g,
        item_g=arguments.item_g,
        item_sigma_g=arguments.item_sigma_g,
        item_name=arguments.item_name,
    )
    output = arguments.output or Path(arguments.log.name).with_suffix(".mcap")
    log = read_log(arguments.log, settings.counts_per_g)
    try:
        site = imported_site(log, settings)
    except ValueError as error:  # the settings contradict each other, e.g. a spread above the weight
        raise RecordingError(f"{arguments.log}: cannot be imported so: {error}") from error
    with RecordingWriter(output, site, imported_initial(site)) as writer:
        for message in log_messages(log, settings.board_uid):
            writer.consumed(message)
    rows, cells = log.counts.shape
    left_out = f", {log.dropped_rows} out of order left out" if log.dropped_rows else ""
    span_s = log.t_s[-1] - log.t_s[0]
    print(f"{output}: {rows} readings of {cells} cell{'s' * (cells > 1)} over {span_s:.0f} s{left_out}")
    return 0

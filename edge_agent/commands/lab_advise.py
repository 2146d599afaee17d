"""Foretell what a planned shelf's sensors can tell, show what they will confuse, and propose what would help."""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from edge_agent.advising.forecast import Forecast, forecast, threshold_for
from edge_agent.advising.picture import Advice, page
from edge_agent.advising.proposals import Proposal, proposals
from edge_agent.commands.options import add_config_option, add_json_option, config_path
from edge_agent.config import ShelfConfig, Site
from edge_agent.config.files import read_site
from edge_agent.console.terminal import Progress, folded, say, table
from edge_agent.errors import ConfigError, EdgeAgentError

SUMMARY = "foretell a planogram's errors and reviews, and propose what would lessen them"
EXAMPLE = "edge-agent lab advise --config config/agent.toml --html advice.html"
SHOWN_PAIRS = 6
SHOWN_PER_1000 = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config_option(parser)
    parser.add_argument("--shelf", metavar="ID", help="one shelf only (all)")
    parser.add_argument("--acts", type=_number(1, 100_000), default=1000, help="acts drawn a shelf (1000)")
    parser.add_argument("--seed", type=_number(0, 2**63 - 1), default=1, help="the same seed, the same shoppers (1)")
    parser.add_argument(
        "--step-noise", type=_share(0.01, 1000.0), default=1.0, metavar="G", help="σ of one act's change, g (1.0)"
    )
    parser.add_argument(
        "--target-reviewed", type=_share(1e-6, 1.0), default=0.01, metavar="SHARE", help="acts reviewed at most (0.01)"
    )
    parser.add_argument(
        "--target-wrong", type=_share(1e-6, 1.0), default=0.001, metavar="SHARE", help="acts wrong at most (0.001)"
    )
    parser.add_argument("--no-proposals", action="store_true", help="the forecast alone, which is quicker")
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write the picture as one HTML page")
    add_json_option(parser, "forecasts and proposals")


def run(arguments: argparse.Namespace) -> int:
    """Print the advice; 0 where every shelf meets both targets, 1 where one does not."""
    path = config_path(arguments)
    reading = read_site(path)
    if reading.errors:
        raise reading.errors[0]
    if arguments.html is not None:
        _require_writable(arguments.html)
    site = reading.site
    advices = []
    for shelf in _shelves(site, path, arguments.shelf):
        advices.append(_advise(site, shelf, arguments))
        if not arguments.json:
            _print(advices[-1], arguments)
    met = all(_meets(each.now, arguments) for each in advices)
    note = (
        f"{arguments.acts} acts a shelf, seed {arguments.seed}, {arguments.step_noise:g} g of noise an act. Drawn from "
        "the catalogue as it stands: the best case for these sensors."
    )
    if arguments.json:
        say(json.dumps({"met": met, "shelves": [_as_json(each, arguments) for each in advices]}, indent=1))
    else:
        say("", *folded(note))
    if arguments.html is not None:
        arguments.html.write_text(page(advices, note), encoding="utf-8")
        if not arguments.json:
            say(f"picture: {arguments.html}")
    return 0 if met else 1


def _shelves(site: Site, path: Path, wanted: str | None) -> list[ShelfConfig]:
    shelves = [shelf for shelf in site.shelves if wanted in (None, shelf.shelf_id)]
    if not shelves:
        known = ", ".join(shelf.shelf_id for shelf in site.shelves)
        raise ConfigError(f"{path}: no shelf {wanted!r}; --shelf takes one of: {known}")
    planned = [shelf for shelf in shelves if site.planogram.on_shelf(shelf.shelf_id)]
    if not planned:
        names = ", ".join(shelf.shelf_id for shelf in shelves)
        raise ConfigError(
            f"{path}: the planogram has no lane on {names}: there is nothing to foretell; plan lanes first"
        )
    return planned


def _advise(site: Site, shelf: ShelfConfig, arguments: argparse.Namespace) -> Advice:
    progress = Progress()
    now = forecast(
        site,
        shelf,
        acts=arguments.acts,
        seed=arguments.seed,
        noise_g=arguments.step_noise,
        progress=lambda done: progress.show(f"{shelf.shelf_id}: {done} of {arguments.acts} acts"),
    )
    changes: list[Proposal] = []
    if not arguments.no_proposals and not _meets(now, arguments):
        changes = proposals(
            site,
            shelf,
            now,
            seed=arguments.seed,
            noise_g=arguments.step_noise,
            progress=lambda what: progress.show(f"{shelf.shelf_id}: {what}"),
        )
    progress.end()
    return Advice(
        title=f"{shelf.shelf_id}: {shelf.kind}, {len(site.planogram.on_shelf(shelf.shelf_id))} lanes",
        width_mm=shelf.width_mm,
        lanes=site.planogram.on_shelf(shelf.shelf_id),
        now=now,
        proposals=tuple(changes),
        verdict=_verdict(now, arguments),
        target_reviewed=arguments.target_reviewed,
    )


def _meets(now: Forecast, arguments: argparse.Namespace) -> bool:
    _, reviewed = threshold_for(now.confidences, arguments.target_wrong)
    return reviewed <= float(arguments.target_reviewed)


def _verdict(now: Forecast, arguments: argparse.Namespace) -> str:
    threshold, reviewed = threshold_for(now.confidences, arguments.target_wrong)
    wrong = f"{1000 * arguments.target_wrong:g} wrong in 1,000"
    if reviewed <= arguments.target_reviewed:
        return (
            f"Both targets can be met: with min_confidence = {max(threshold, 0.5):.4f} at most {wrong} acts are billed "
            f"and {1000 * reviewed:.1f} reviewed."
        )
    return (
        f"These sensors cannot meet both targets: to bill at most {wrong} acts, {1000 * reviewed:.1f} in 1,000 go to "
        f"review (min_confidence = {min(max(threshold, 0.5), 0.999999):.4f}); the target is "
        f"{1000 * arguments.target_reviewed:g}."
    )


def _print(advice: Advice, arguments: argparse.Namespace) -> None:
    now = advice.now
    say("", advice.title, *folded(advice.verdict))
    rows = [
        [each.lane_id, each.sku, f"{1000 * each.reviewed:.1f}", f"{1000 * each.wrong:.2f}", _bar(each.reviewed)]
        for each in now.products
    ]
    say("", *table(["lane", "SKU", "reviewed ‰", "wrong ‰", ""], rows))
    pairs = [each for each in now.neighbours if each.undecided_per_1000 >= SHOWN_PER_1000][:SHOWN_PAIRS]
    if pairs:
        named = [
            [each.sku, each.other, f"{each.undecided_per_1000:.1f}", _bar(each.undecided_per_1000 / 1000)]
            for each in pairs
        ]
        say("", *table(["taken for", "each other", "undecided ‰", ""], named))
    if advice.proposals:
        plans = [("as it is", now), *((each.text, each.forecast) for each in advice.proposals)]
        cells = [
            [
                text,
                f"{1000 * plan.reviewed:.1f}",
                f"{1000 * plan.wrong:.2f}",
                f"{1000 * threshold_for(plan.confidences, arguments.target_wrong)[1]:.1f}",
            ]
            for text, plan in plans
        ]
        say("", *table(["plan", "reviewed ‰", "wrong ‰", "reviewed ‰ at the target"], cells))


def _bar(share: float) -> str:
    return "█" * min(round(100 * share), 30)


def _as_json(advice: Advice, arguments: argparse.Namespace) -> dict[str, object]:
    threshold, reviewed = threshold_for(advice.now.confidences, arguments.target_wrong)
    return {
        "shelf": advice.now.shelf_id,
        "met": _meets(advice.now, arguments),
        "min_confidence": threshold,
        "reviewed_at_target": reviewed,
        "forecast": _figures(advice.now),
        "proposals": [{"text": each.text, "forecast": _figures(each.forecast)} for each in advice.proposals],
    }


def _figures(of: Forecast) -> dict[str, object]:
    return {name: value for name, value in asdict(of).items() if name != "confidences"}


def _require_writable(path: Path) -> None:
    try:
        with path.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise EdgeAgentError(f"{path}: {error.strerror}; name a file that can be written with --html") from error


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r}: give a whole number, {low} to {high}")
        return int(text)

    return parse


def _share(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r}: give a number, {low:g} to {high:g}")
        return value

    return parse

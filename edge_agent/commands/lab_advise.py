"""Foretell what a planned shelf's sensors can tell, show what they will confuse, and propose what would help."""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from edge_agent.advising.advice import KEY, Advice, Targets, UnitAdvice, fall_text, lanes_text, per_1000
from edge_agent.advising.forecast import Draw, Forecast, forecast
from edge_agent.advising.picture import page
from edge_agent.advising.proposals import proposals
from edge_agent.advising.thresholds import threshold_for
from edge_agent.commands.options import add_config_option, add_json_option, config_path
from edge_agent.config import ShelfConfig, Site
from edge_agent.config.files import file_of, read_site
from edge_agent.console.terminal import Progress, folded, say, table
from edge_agent.errors import ConfigError, EdgeAgentError

SUMMARY = "foretell a planogram's errors and reviews, and propose what would lessen them"
EXAMPLE = "edge-agent lab advise --config config/agent.toml --html advice.html"
MOST_ACTS = 100_000
SHOWN_PAIRS = 6
SHOWN_PER_1000 = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config_option(parser)
    parser.add_argument("--shelf", metavar="ID", help="one shelf only (all)")
    parser.add_argument("--acts", type=_number(1, MOST_ACTS), default=1000, help="acts drawn a shelf (1000)")
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
    """Print the advice; 0 where one threshold meets both targets on every shelf, 1 where none does."""
    path = config_path(arguments)
    reading = read_site(path, calibrated=False)
    if reading.errors:
        raise reading.errors[0]
    if arguments.html is not None:
        _require_writable(arguments.html)
    tell = (lambda *_: None) if arguments.json else say
    site, targets = reading.site, Targets(arguments.target_reviewed, arguments.target_wrong)
    draw = Draw(arguments.acts, arguments.seed, arguments.step_noise)
    shelves = _shelves(site, path, arguments.shelf)
    warnings = _warnings(draw, targets) + _unplanned(site, arguments.shelf)
    tell(*(line for each in warnings for line in folded(each)))
    advices = []
    for shelf in shelves:
        advices.append(_foretold(site, shelf, draw, targets))
        tell(*_forecast_lines(advices[-1]))
    unit = UnitAdvice(file_of(path, KEY), site.agent.policy.certain_from, advices, targets)
    about_unit = _about(unit, site)
    tell("", *(line for each in about_unit for line in folded(each)), *_unit_table(unit))
    if not arguments.no_proposals:
        for place, shelf in enumerate(shelves):
            if not targets.met_by(advices[place].at_target):
                advices[place] = _with_proposals(site, shelf, advices[place], draw)
                tell(*_proposal_lines(advices[place]))
    notes = [_note(draw)]
    tell("", *(line for each in notes for line in folded(each)))
    if arguments.json:
        say(json.dumps(_as_json(unit, warnings), indent=1))
    if arguments.html is not None:
        arguments.html.write_text(page(advices, [*warnings, *about_unit, *notes]), encoding="utf-8")
        tell(f"picture: {arguments.html}")
    return 0 if unit.met() else 1


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


def _unplanned(site: Site, wanted: str | None) -> list[str]:
    return [
        f"{shelf.shelf_id}: the planogram has no lane on it: nothing is foretold of it, every act there is reviewed."
        for shelf in site.shelves
        if wanted is None and not site.planogram.on_shelf(shelf.shelf_id)
    ]


def _warnings(draw: Draw, targets: Targets) -> list[str]:
    least = targets.least_acts()
    if draw.acts >= least:
        return []
    smaller = per_1000(min(targets.reviewed, targets.wrong))
    fix = f"give --acts {least} or more" if least <= MOST_ACTS else f"give a target of {1 / MOST_ACTS:g} or more"
    return [f"Too few acts: of {draw.acts} not one is expected at a target of {smaller} in 1,000; {fix}."]


def _foretold(site: Site, shelf: ShelfConfig, draw: Draw, targets: Targets) -> Advice:
    progress = Progress()
    now = forecast(
        site, shelf, draw, progress=lambda done: progress.show(f"{shelf.shelf_id}: {done} of {draw.acts} acts")
    )
    progress.end()
    lanes = site.planogram.on_shelf(shelf.shelf_id)
    return Advice(
        title=f"{shelf.shelf_id}: {shelf.kind}, {lanes_text(len(lanes))}",
        width_mm=shelf.width_mm,
        lanes=lanes,
        now=now,
        at_target=threshold_for(now.confidences, targets.wrong),
        targets=targets,
    )


def _with_proposals(site: Site, shelf: ShelfConfig, advice: Advice, draw: Draw) -> Advice:
    progress = Progress()
    found = proposals(
        site,
        shelf,
        advice.now,
        draw,
        target_wrong=advice.targets.wrong,
        progress=lambda what: progress.show(f"{shelf.shelf_id}: {what}"),
    )
    progress.end()
    return replace(advice, proposals=tuple(found))


def _about(unit: UnitAdvice, site: Site) -> list[str]:
    """Return the sentences on the threshold, and for whom it holds."""
    tolerated = site.agent.policy.tolerated_error
    said = unit.sentences() if tolerated is None else unit.about_tolerated(tolerated)
    if len(unit.advices) < sum(bool(site.planogram.on_shelf(shelf.shelf_id)) for shelf in site.shelves):
        said.append("The unit's other shelves share this key: leave --shelf out before you set it.")
    return [" ".join(said)]


def _note(draw: Draw) -> str:
    return (
        f"{draw.acts} acts a shelf, seed {draw.seed}. Calibration files are not read: an act has the nominal noise of "
        f"{draw.noise_g:g} g (--step-noise). Drawn from the catalogue as it stands: the best case for these sensors."
    )


def _forecast_lines(advice: Advice) -> list[str]:
    now = advice.now
    rows = [
        [each.lane_id, each.sku, _per_1000(each.reviewed, 1), _per_1000(each.wrong, 2), _bar(each.reviewed or 0.0)]
        for each in now.products
    ]
    lines = ["", advice.title, *folded(advice.verdict())]
    lines += ["", *table(["lane", "SKU", "reviewed ‰", "wrong ‰", ""], rows)]
    pairs = [each for each in now.neighbours if each.undecided_per_1000 >= SHOWN_PER_1000][:SHOWN_PAIRS]
    if pairs:
        named = [
            [each.sku, each.other, f"{each.undecided_per_1000:.1f}", _bar(each.undecided_per_1000 / 1000)]
            for each in pairs
        ]
        lines += ["", *table(["taken for", "each other", "undecided ‰", ""], named)]
    return lines


def _unit_table(unit: UnitAdvice) -> list[str]:
    values = list(dict.fromkeys([unit.configured, unit.recommended]))
    columns = [unit.at(value) for value in values]
    heads = ["shelf", *(head for value in values for head in (f"reviewed ‰ at {value}", "wrong ‰"))]
    rows = [
        [
            advice.now.shelf_id,
            *(
                text
                for column in columns
                for text in (_per_1000(column[row].reviewed, 1), _per_1000(column[row].wrong, 2))
            ),
        ]
        for row, advice in enumerate(unit.advices)
    ]
    return ["", *table(heads, rows)]


def _proposal_lines(advice: Advice) -> list[str]:
    if not advice.proposals:
        return ["", f"{advice.now.shelf_id}: nothing that was tried lowers the reviews by more than chance"]
    plans = [("as it is", advice.now, advice.at_target)]
    plans += [(each.name, each.forecast, each.at_target) for each in advice.proposals]
    cells = [
        [text, _per_1000(plan.reviewed, 1), _per_1000(plan.wrong, 2), _per_1000(at_target.reviewed, 1)]
        for text, plan, at_target in plans
    ]
    return [
        "",
        f"{advice.now.shelf_id}: what would lower the reviews at {per_1000(advice.targets.wrong)} wrong in 1,000",
        *(line for each in advice.proposals for line in folded(f"- {fall_text(each)}")),
        "",
        *table(["plan", "reviewed ‰", "wrong ‰", "reviewed ‰ at the target"], cells),
    ]


def _per_1000(share: float | None, digits: int) -> str:
    return "-" if share is None else f"{1000 * share:.{digits}f}"


def _bar(share: float) -> str:
    return "█" * min(round(100 * share), 30)


def _as_json(unit: UnitAdvice, warnings: list[str]) -> dict[str, object]:
    shelves = [
        {
            "shelf": each.now.shelf_id,
            "met": each.targets.met_by(each.at_target),
            "at_target": asdict(each.at_target),
            "as_configured": asdict(configured),
            "as_recommended": asdict(recommended),
            "forecast": _figures(each.now),
            "proposals": [
                {
                    "text": proposal.text,
                    "at_target": asdict(proposal.at_target),
                    "forecast": _figures(proposal.forecast),
                }
                for proposal in each.proposals
            ],
        }
        for each, configured, recommended in zip(
            unit.advices, unit.at(unit.configured), unit.at(unit.recommended), strict=True
        )
    ]
    threshold = {
        "file": str(unit.file),
        "key": KEY,
        "configured": unit.configured,
        "recommended": unit.recommended,
    }
    return {"met": unit.met(), "threshold": threshold, "warnings": warnings, "shelves": shelves}


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

"""Check a unit's configuration and show what the agent understood."""

import argparse
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from edge_agent.clock import SystemClock
from edge_agent.commands.options import add_config_option, add_json_option, config_path
from edge_agent.config import AgentConfig, BoardCalibration, ShelfConfig, Site
from edge_agent.config.checks import hints_of
from edge_agent.config.confusable import Confusable, confusable_neighbours
from edge_agent.config.files import SiteReading, read_agent, read_site, readable_state_dir
from edge_agent.config.revisions import AnyActivation, Standing
from edge_agent.config.tree import PolicyConfig
from edge_agent.console.shelf_picture import shelf_picture
from edge_agent.console.terminal import folded, say, table
from edge_agent.errors import ConfigError

SUMMARY = "check the configuration and show what the agent understood"
EXAMPLE = "edge-agent check --config config/agent.toml"

MEANING = {
    Standing.SEED_ONLY: "seed; no state directory here",
    Standing.FIRST: "seed; becomes active at the next start",
    Standing.RAISED: "seed of a higher revision; replaces the active one at the next start",
    Standing.SAME: "active, same as the seed",
    Standing.SEED_OLDER: "active; the seed is older and ignored",
    Standing.CONFLICT: "active; the seed differs but has the same revision and is ignored",
    Standing.NO_SEED: "active; made at run time, no seed",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config_option(parser)
    parser.add_argument("--state-dir", type=Path, metavar="DIR", help="instead of the configuration's state_dir")
    add_json_option(parser, "everything understood, errors and warnings")


def run(arguments: argparse.Namespace) -> int:
    """Print the picture; 0 when the agent would start with all of it, else the first error's status."""
    path = config_path(arguments)
    try:
        state_dir, unreadable = readable_state_dir(arguments.state_dir or Path(read_agent(path).state_dir))
        reading = read_site(path, state_dir=state_dir)
    except ConfigError as error:
        if arguments.json:
            say(json.dumps({"ok": False, "errors": [_as_json(error)], "warnings": []}, indent=2))
            return error.exit_status
        raise
    errors = [*reading.errors, *_conflicts(reading)]
    hints = [*unreadable, *hints_of(reading.site, reading.files), *_calibration_hints(reading)]
    neighbours = confusable_neighbours(reading.site)
    if arguments.json:
        say(json.dumps(_document(reading, errors, hints, neighbours), indent=2))
    else:
        say(*_picture(reading), *_verdict(errors, hints, neighbours, ignored=len(errors) - len(reading.errors)))
    return errors[0].exit_status if errors else 0


def _conflicts(reading: SiteReading) -> list[ConfigError]:
    return [
        ConfigError(
            f"{each.seed.document.path}: revision = {each.seed.value.revision}: the active file has this revision too"
            f" but another content ({each.in_force.document.path}); raise the revision"
        )
        for each in reading.activations
        if each.standing is Standing.CONFLICT and each.seed is not None
    ]


def _calibration_hints(reading: SiteReading) -> list[str]:
    hints = []
    for calibration in reading.site.calibrations:
        path = reading.files.calibrations[calibration.board_uid]
        age_days = _age_days(calibration)
        if calibration.calibrated_at and age_days is None:
            hints.append(f"{path}: calibrated_at = {calibration.calibrated_at!r}: write it as 2026-11-02T10:30:00Z")
        elif age_days is not None and age_days < 0:
            hints.append(f"{path}: calibrated_at = {calibration.calibrated_at!r}: lies in the future; check the clock")
    return hints


def _age_days(calibration: BoardCalibration) -> int | None:
    try:
        made = datetime.fromisoformat(calibration.calibrated_at)
    except ValueError:
        return None
    made = made if made.tzinfo else made.replace(tzinfo=UTC)
    return math.floor((SystemClock().utc_ns() / 1e9 - made.timestamp()) / 86_400)


def _letters(site: Site) -> dict[str, str]:
    """Return a short name for each board: a to z, then a1: and so on."""
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    return {
        board.uid: alphabet[place % 26] + (f"{place // 26}:" if place >= 26 else "")
        for place, board in enumerate(site.agent.boards)
    }


def _cameras(agent: AgentConfig) -> str:
    watching = [
        f"{each.camera_id} ({each.driver}) at {each.shelf_id}" for each in agent.cameras if each.driver != "none"
    ]
    return f"camera {', '.join(watching)}" if watching else "no camera"


def _picture(reading: SiteReading) -> list[str]:
    site = reading.site
    agent, broker = site.agent, site.agent.broker
    letters = _letters(site)
    policy = agent.policy
    broker_line = (
        f"broker {broker.host}:{broker.port}, MQTT {broker.protocol}, {'TLS' if broker.tls else 'no TLS'};"
        f" outbox of {agent.outbox_max_rows} events; {_cameras(agent)}"
    )
    policy_line = (
        f"policy: {_billed(policy)}; beforehand {policy.misplaced_prior:g} of items stand in a foreign lane and"
        f" {policy.unknown_prior:g} are not sold here"
    )
    head = (f"unit {agent.agent_id} of store {agent.store_id} ({reading.files.agent})", broker_line, policy_line)
    lines = [line for text in head for line in folded(text)] + [""]
    for shelf in site.shelves:
        lines += [*shelf_picture(shelf, site.planogram, site.catalogue, letters), *_lane_table(site, shelf), ""]
    tables = (
        _board_table(site, letters),
        _calibration_table(site, letters),
        _channel_table(site, letters),
        _revision_table(reading.activations),
    )
    return [*lines, *(line for rows in tables for line in (*rows, ""))]


def _billed(policy: PolicyConfig) -> str:
    told = (
        "" if policy.tolerated_review is None else f", and told where more than {policy.tolerated_review:g} is reviewed"
    )
    if policy.tolerated_error is None:
        return f"billed without a person from {policy.certain_from:g} sure{told}"
    return (
        f"billed without a person so that {policy.tolerated_error:g} of it may be wrong, to begin with from"
        f" {policy.certain_from:g} sure{told}"
    )


def _lane_table(site: Site, shelf: ShelfConfig) -> list[str]:
    items = {item.sku: item for item in site.catalogue.items}
    rows = []
    for lane in site.planogram.on_shelf(shelf.shelf_id):
        item = items.get(lane.sku)
        weight = f"{item.unit_weight_g:g} ± {item.unit_sigma_g:g}" if item else "?"
        span = f"{lane.x_mm[0]:g}-{lane.x_mm[1]:g}"
        name = item.name if item else "unknown SKU"
        rows.append((lane.lane_id, span, f"{lane.opening_count}/{lane.capacity}", weight, lane.sku, name))
    return table(("lane", "mm", "stock", "g", "sku", "name"), rows, (8, 11, 9, 14, 26, 0)) if rows else []


def _board_table(site: Site, letters: dict[str, str]) -> list[str]:
    rows = [(letters[board.uid], board.uid, f"{board.baud}", board.port) for board in site.agent.boards]
    return table(("board", "uid", "baud", "port"), rows)


def _calibration_table(site: Site, letters: dict[str, str]) -> list[str]:
    rows = []
    for board in site.agent.boards:
        calibration = site.calibration(board.uid)
        if calibration is None:
            rows.append((letters[board.uid], "none", "", "", ""))
            continue
        age = _age_days(calibration)
        inputs = ", ".join(str(channel.index) for channel in calibration.channels)
        shown_age = "not stated" if age is None else f"{age} day{'s' * (age != 1)}"
        rows.append((letters[board.uid], f"{calibration.revision}", shown_age, calibration.calibrated_by, inputs))
    return table(("board", "calibration revision", "age", "by", "inputs"), rows, (0, 0, 0, 24, 40))


def _channel_table(site: Site, letters: dict[str, str]) -> list[str]:
    rows = []
    for shelf in site.shelves:
        for cell in shelf.channels:
            calibration = site.calibration(cell.board_uid)
            channel = calibration.channel(cell.index) if calibration else None
            known = (
                ("none", "", "")
                if channel is None
                else (
                    f"{channel.counts_per_g:g}",
                    f"{channel.zero_counts:g}",
                    "learned live" if channel.noise_g is None else f"{channel.noise_g:g}",
                )
            )
            name = f"{letters.get(cell.board_uid, '?')}{cell.index}"
            rows.append((name, shelf.shelf_id, f"{cell.x_mm:g}", f"{cell.y_mm:g}", *known))
    return table(("cell", "shelf", "x mm", "y mm", "counts/g", "zero", "noise g"), rows, (0, 30))


def _revision_table(activations: tuple[AnyActivation, ...]) -> list[str]:
    rows = [
        (
            each.name,
            f"{each.in_force.value.revision}",
            f"{each.seed.value.revision}" if each.seed else "-",
            f"{each.active.value.revision}" if each.active else "-",
            MEANING[each.standing],
        )
        for each in activations
    ]
    return table(("file", "in force", "seed", "active", "meaning"), rows)


def _verdict(errors: list[ConfigError], hints: list[str], neighbours: list[Confusable], *, ignored: int) -> list[str]:
    said = [_alike(each) for each in neighbours]
    said += [f"warning: {hint}" for hint in hints]
    said += [f"error: {error}" for error in errors]
    lines = [line for text in said for line in folded(text)]
    counts = f"{len(errors)} error{'s' * (len(errors) != 1)}, {len(hints)} warning{'s' * (len(hints) != 1)}"
    if not errors:
        return [*lines, f"{counts}: the agent would start with this configuration"]
    if len(errors) == ignored:  # an edit without a new revision stops nothing, it only has no effect
        return [*lines, f"{counts}: the agent would start, but ignore {'that edit' if ignored == 1 else 'those edits'}"]
    return [*lines, f"{counts}: the agent would not start with this configuration"]


def _alike(found: Confusable) -> str:
    one = f"{found.count} x {found.lane.sku} ({found.lane.lane_id})"
    other = f"{found.other_count} x {found.other.sku} ({found.other.lane_id})"
    return (
        f"hint: shelf {found.shelf_id}: {one} and {other} weigh alike: {found.apart_g:.1f} g apart, seen to"
        f" ± {2 * found.sigma_g:.1f} g; acts at their border go to review, better move them apart"
    )


def _as_json(error: ConfigError) -> dict[str, Any]:
    return {"kind": type(error).__name__, "exit_status": error.exit_status, "message": str(error)}


def _document(
    reading: SiteReading, errors: list[ConfigError], hints: list[str], neighbours: list[Confusable]
) -> dict[str, Any]:
    return {
        "ok": not errors,
        "errors": [_as_json(error) for error in errors],
        "warnings": hints,
        "confusable": msgspec.to_builtins(neighbours),
        "files": [
            {
                "name": each.name,
                "standing": each.standing.value,
                "in_force": each.in_force.value.revision,
                "seed": each.seed.value.revision if each.seed else None,
                "active": each.active.value.revision if each.active else None,
            }
            for each in reading.activations
        ],
        "site": msgspec.to_builtins(reading.site),
    }

"""Play the engine against the oracle on drawn acts, and print what it lost."""

import argparse
import itertools
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import msgspec

from edge_agent.bytes_level import BYTES_VERSION
from edge_agent.bytes_level.match import BytesTerms, play_bytes
from edge_agent.bytes_level.recorded import compare
from edge_agent.bytes_level.regret import camera_gain
from edge_agent.bytes_level.rendered_camera import CameraTerms
from edge_agent.bytes_level.report import BytesResult, bytes_report
from edge_agent.bytes_level.scenarios import SCENARIOS, ScenarioScore, play_scenario
from edge_agent.bytes_level.wording import (
    RECORDED_HEADS,
    SCENARIO_HEADS,
    SPLIT_HEADS,
    bytes_line,
    bytes_rows,
    camera_lines,
    heard_line,
    recorded_row,
    scenario_row,
)
from edge_agent.commands.score_options import (
    ANCHORS,
    BYTES,
    CASES,
    IDEAL,
    RECORDED,
    RENDERED,
    add_arguments,
    settle,
)
from edge_agent.config.files import load_site
from edge_agent.config.tree import PolicyConfig
from edge_agent.console.page_file import require_writable, write_page
from edge_agent.console.terminal import Progress, say, table
from edge_agent.demo.unit_files import seed_directory
from edge_agent.judging import VERSION
from edge_agent.judging.anchors import SHARES, WHY, Anchor, examine
from edge_agent.judging.habits import HABITS
from edge_agent.judging.hardware import HARDWARE, HardwareKind
from edge_agent.judging.match import CameraSkill, Played, Terms, left_out_of, play
from edge_agent.judging.references import LocationAndWeight, NearestWeight
from edge_agent.judging.report import html_report
from edge_agent.judging.scores import Score, score
from edge_agent.judging.suites import SUITES
from edge_agent.judging.wording import HEADS, STANDING, causes, left_out_line, missed_lines, score_row, terms_line
from edge_agent.scoring_engine import Engine

__all__ = ["EXAMPLE", "SUMMARY", "add_arguments", "run"]

SUMMARY = "score the identification beside the best that its sensors could support"
EXAMPLE = "edge-agent lab score --suite all --hardware all --acts 2000 --seed 1"


def run(arguments: argparse.Namespace) -> int:
    """Play all matches asked for."""
    ways = {
        IDEAL: _run_matches,
        BYTES: _run_bytes,
        CASES: _run_scenarios,
        ANCHORS: _run_anchors,
        RECORDED: _run_recorded,
    }
    way = settle(arguments)
    if arguments.html is not None:
        require_writable(arguments.html)
    return ways[way](arguments)


def _run_bytes(arguments: argparse.Namespace) -> int:
    policy, progress, results = PolicyConfig(), Progress(), []
    camera = CameraTerms(arguments.pictures, arguments.camera_trouble) if arguments.camera == RENDERED else None
    if not arguments.json:
        say(f"{VERSION}, level of bytes {BYTES_VERSION}")
    for suite, hardware in _wanted(arguments):
        terms = BytesTerms(suite, hardware, arguments.acts, arguments.seed, HABITS, policy, camera)
        line = bytes_line(terms)
        shown = lambda done, line=line: progress.show(f"{line}: {done} played")  # noqa: E731
        results.append(BytesResult.of(play_bytes(terms, shown, arguments.jobs)))
        progress.end()
        if not arguments.json:
            say("", line, *table(HEADS, [score_row(each) for each in results[-1].players]))
            say(f"  {heard_line(results[-1].split)}", *camera_lines(results[-1].played))
            say(*(f"  {name:<30} {value}" for name, value in bytes_rows(results[-1].score)))
    if arguments.json:
        matches = [_bytes_as_json(each) for each in results]
        say(json.dumps({"judge": VERSION, "bytes": BYTES_VERSION, "matches": matches}, indent=1))
    else:
        say("", "regret over the oracle's error (95 % below):")
        say(*table(SPLIT_HEADS, [each.split_row() for each in results]))
    if arguments.html is not None:
        _write(arguments.html, bytes_report(results))
    return 0


def _bytes_as_json(result: BytesResult) -> dict[str, object]:
    gain = camera_gain(result.played)
    return {
        "terms": msgspec.to_builtins(result.played.terms),
        "score": asdict(result.score),
        "players": [asdict(each) for each in result.players],
        "regret": asdict(result.split),
        "camera_gain": None if gain is None else asdict(gain),
    }


def _run_recorded(arguments: argparse.Namespace) -> int:
    """Put physics beside recordings of real cells; 1 where a figure is missed."""
    figures = compare(arguments.recordings, arguments.seed)
    if arguments.json:
        rows = [{**asdict(each), "met": each.met} for each in figures]
        say(json.dumps({"bytes": BYTES_VERSION, "seed": arguments.seed, "recorded": rows}, indent=1))
    else:
        say(f"{BYTES_VERSION}: real load cells beside physics, seed {arguments.seed}", "")
        say(*table(RECORDED_HEADS, [recorded_row(each) for each in figures]))
    return 0 if all(each.met for each in figures) else 1


def _run_scenarios(arguments: argparse.Namespace) -> int:
    """Play the cases; 1 where one is passed in fewer than 98 of 100 acts, or reviewed much oftener than need be."""
    site, progress, scores = load_site(seed_directory() / "agent.toml"), Progress(), []
    for name in arguments.scenarios or SCENARIOS:
        progress.show(f"playing {name!r} {arguments.times} times")
        scores.append(play_scenario(name, SCENARIOS[name], site, arguments.times, arguments.seed))
    progress.end()
    if arguments.json:
        rows = [_scenario_as_json(each) for each in scores]
        say(json.dumps({"bytes": BYTES_VERSION, "seed": arguments.seed, "scenarios": rows}, indent=1))
    else:
        terms = f"{arguments.times} times each, seed {arguments.seed}"
        say(f"{BYTES_VERSION}: cases on the example shop, board bytes, {terms}", "")
        say(*table(SCENARIO_HEADS, [scenario_row(each, SCENARIOS[each.name].words) for each in scores]))
    return 0 if all(each.clears_the_bar for each in scores) else 1


def _scenario_as_json(score: ScenarioScore) -> dict[str, object]:
    shares = {name: getattr(score, name) for name in ("passed", "reviewed", "oracle_reviewed", "clears_the_bar")}
    return {**asdict(score), **shares, "no_oracle": SCENARIOS[score.name].no_oracle}


def _wanted(arguments: argparse.Namespace) -> list[tuple[str, HardwareKind]]:
    suites = list(SUITES) if arguments.suite == "all" else [arguments.suite]
    kinds = list(HARDWARE) if arguments.hardware == "all" else [arguments.hardware]
    return list(itertools.product(suites, kinds))


def _run_matches(arguments: argparse.Namespace) -> int:
    camera = CameraSkill(arguments.camera, arguments.camera_sees == "item") if arguments.camera is not None else None
    policy = PolicyConfig()
    matches: list[tuple[Played, Sequence[Score]]] = []
    progress = Progress()
    if not arguments.json:
        say(f"{VERSION}. {STANDING}")
    for suite, hardware in _wanted(arguments):
        terms = Terms(suite, hardware, arguments.acts, arguments.seed, HABITS, policy.certain_from, camera)
        line = terms_line(terms)
        played = play(
            terms,
            [Engine(policy, sees_items=camera is not None and camera.per_item), NearestWeight(), LocationAndWeight()],
            lambda done, line=line: progress.show(f"{line}: {done} played"),  # type: ignore[misc]
            arguments.jobs,
        )
        progress.end()
        matches.append((played, score(played)))
        if not arguments.json:
            _print_match(played, matches[-1][1])
    if arguments.json:
        scores = [_as_json(*each) for each in matches]
        say(json.dumps({"judge": VERSION, "frozen": True, "matches": scores}, indent=1))
    if arguments.html is not None:
        _write(arguments.html, html_report(matches))
    return 0


def _print_match(played: Played, scores: Sequence[Score]) -> None:
    say("", terms_line(played.terms), *table(HEADS, [score_row(each) for each in scores]))
    say(f"  {left_out_line(played.terms)}")
    for each in scores:
        if each.review_causes:
            say(f"  {each.name} reviewed for {causes(each)}")


def _as_json(played: Played, scores: Sequence[Score]) -> dict[str, object]:
    left_out = left_out_of(played.terms)
    return {"terms": asdict(played.terms), "left_out_share": left_out, "players": [asdict(each) for each in scores]}


def _run_anchors(arguments: argparse.Namespace) -> int:
    progress = Progress()
    anchors = list(
        examine(HABITS, arguments.acts, arguments.seed, lambda done: progress.show(f"examining the judge: {done} acts"))
    )
    progress.end()
    if arguments.json:
        rows = [{**asdict(each), "met": each.met} for each in anchors]
        say(json.dumps({"judge": VERSION, "acts": arguments.acts, "seed": arguments.seed, "anchors": rows}, indent=1))
    else:
        heads = [
            "suite",
            "evidence",
            *(f"left {100 * share:g} %" if share else "error %" for share in SHARES),
            "missed",
        ]
        say(f"{VERSION}: errors of the known optimum → of the oracle, %, {arguments.acts} acts a suite")
        say(*table(heads, [_anchor_row(each) for each in anchors]))
        missed = [line for each in anchors for line in missed_lines(each)]
        if missed:
            say("", f"Beyond a fifth, {len(missed)} of {sum(len(each.met) for each in anchors)}:", *missed, *WHY)
    return 0 if all(all(each.met) for each in anchors) else 1


def _anchor_row(anchor: Anchor) -> list[str]:
    known = [f"{value:g} → " for value in anchor.table] + ["  "] * (len(SHARES) - len(anchor.table))
    cells = [f"{left}{error:.3g}" for left, error in zip(known, anchor.oracle, strict=True)]
    return [anchor.suite, anchor.evidence, *cells, str(anchor.met.count(False) or "")]


def _write(path: Path, page: str) -> None:
    write_page(path, page)
    print(f"report: {path}", file=sys.stderr)

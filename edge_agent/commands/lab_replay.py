"""Run a recording through the pipeline and show the events."""

import argparse
import json
import sys
from pathlib import Path

from edge_agent.console.event_text import HEADS, event_row
from edge_agent.console.terminal import say, table
from edge_agent.recording.replay import Replay, replay

SUMMARY = "run a recording through the pipeline and show the events it leads to"
EXAMPLE = "edge-agent lab replay quiet.mcap --verify"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("recording", type=Path, help="an MCAP file made by lab record, lab import or run --record")
    parser.add_argument("--json", action="store_true", help="one event a line, canonical JSON")
    parser.add_argument("--verify", action="store_true", help="status 1 unless the recorded events come out again")
    parser.add_argument("--partial", action="store_true", help="accept a file that ends in the middle")


def run(arguments: argparse.Namespace) -> int:
    """Replay, print, and compare if asked."""
    shows_progress = sys.stderr.isatty()

    def progress(count: int) -> None:
        if shows_progress:
            print(f"\r{count} messages", end="", file=sys.stderr, flush=True)

    result = replay(arguments.recording, partial=arguments.partial, progress=progress)
    if shows_progress:
        print("\r" + " " * 24 + "\r", end="", file=sys.stderr)
    if arguments.json:
        for payload in result.payloads:
            print(payload.decode())
    else:
        _print_table(result)
    return _verify(result) if arguments.verify else 0


def _print_table(result: Replay) -> None:
    if result.events:
        for line in table(HEADS, [event_row(event, result.first_ns) for event in result.events]):
            say(line)
    span_s = (result.last_ns - result.first_ns) / 1e9
    cut = ", recording cut short" if result.truncated else ""
    count = len(result.events)
    print(f"{count or 'no'} event{'s' * (count != 1)} in {span_s:.0f} s, {result.message_count} messages{cut}")
    for each in result.transitions:
        word = "raised" if each.raised else "cleared"
        at_s = (each.t_ns - result.first_ns) / 1e9
        print(f"  {at_s:8.2f} s  {word} {each.subject} {each.code}: {each.detail}")


def _verify(result: Replay) -> int:
    replayed = result.payloads
    if replayed and not result.recorded:
        print("nothing to verify: this recording holds no events of its own (lab import writes none)", file=sys.stderr)
        return 1
    if replayed == result.recorded:
        print(f"verified: {len(replayed)} events, byte for byte", file=sys.stderr)
        return 0
    for place in range(max(len(replayed), len(result.recorded))):
        recorded, again = (each[place] if place < len(each) else b"" for each in (result.recorded, replayed))
        if recorded != again:
            difference = {"event": place + 1, "recorded": recorded.decode(), "replayed": again.decode()}
            print(f"differs from the recording: {json.dumps(difference, ensure_ascii=False)}", file=sys.stderr)
            break
    return 1

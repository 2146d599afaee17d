"""An hour of shop in seconds: scripted shoppers at simulated shelves, judged act by act.

The simulator shares neither code nor parameters with the engine, and keeps the truth.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from edge_agent.config import Site
from edge_agent.config.files import load_site
from edge_agent.demo.unit_files import seed_directory
from edge_agent.model import (
    AdcSamples,
    Decision,
    HealthTransition,
    InitialState,
    Mark,
    Message,
    Output,
    Provisional,
    instant_ns,
)
from edge_agent.pipeline import Pipeline
from edge_agent.recording.codec import encode
from edge_agent.recording.replay import replay
from edge_agent.recording.writer import RecordingWriter
from edge_agent.simulation.offline import samples
from edge_agent.simulation.scoreboard import Heard, Outcome, Scoreboard, score
from edge_agent.simulation.shopper import scripted_session
from edge_agent.simulation.truth import ActKind
from edge_agent.simulation.world import ShelfWorld
from edge_agent.vocabulary import Verdict

ACTS = 40


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(seed_directory() / "agent.toml")


def session(site: Site, seed: int, acts: int = ACTS) -> tuple[ShelfWorld, Iterator[Message]]:
    world = ShelfWorld(site, seed)
    world.perform_all(scripted_session(site, seed, act_count=acts))
    return world, samples(world, world.truths[-1].t_release_s + 5, block_rows=1)


def outputs_of(site: Site, messages: Iterator[Message]) -> list[tuple[float, Output]]:
    pipeline = Pipeline(site, InitialState(site.opening_stock()))
    return [(instant_ns(message) / 1e9, output) for message in messages for output in pipeline.step(message)]


def judged(world: ShelfWorld, outputs: Sequence[tuple[float, Output]]) -> Scoreboard:
    heard = [Heard(output.event, known_s) for known_s, output in outputs if isinstance(output, Decision)]
    return score(world.truths, heard, 0)


@pytest.mark.parametrize("seed", range(20, 26))
def test_every_clear_act_is_billed_right_and_every_unclear_one_right_or_offered_for_review(
    site: Site, seed: int
) -> None:
    world, messages = session(site, seed)
    board = judged(world, outputs_of(site, messages))
    for scored in board.scored:
        allowed = {Outcome.RIGHT, Outcome.QUIET}
        foreign = scored.truth.kind in {ActKind.FOREIGN_LEFT, ActKind.FOREIGN_REMOVED}
        if scored.truth.ambiguous or foreign:  # what the shop does not sell can only be a person's decision
            allowed.add(Outcome.REVIEWED_WITH_TRUTH)
        assert scored.outcome in allowed, f"seed {seed}: {scored.truth} was told as {scored.heard}"
    assert board.invented == ()


def test_the_belief_follows_the_shelf(site: Site) -> None:
    world, messages = session(site, 31, acts=15)
    pipeline = Pipeline(site, InitialState(site.opening_stock()))
    reviewed = 0
    for message in messages:
        for output in pipeline.step(message):
            reviewed += isinstance(output, Decision) and output.event.verdict is Verdict.REVIEW
    true_total = sum(sum(counts.values()) for counts in world.goods.stock().values())
    believed = sum(sum(counts.values()) for counts in pipeline.stock.values())
    assert abs(true_total - believed) <= reviewed, "only reviewed acts may leave the belief behind"


def test_an_early_word_comes_before_the_final_one_and_names_the_same_act(site: Site) -> None:
    world, messages = session(site, 33, acts=12)
    outputs = outputs_of(site, messages)
    finals = {output.event.act_id: known_s for known_s, output in outputs if isinstance(output, Decision)}
    early = {
        output.event.act_id: known_s
        for known_s, output in reversed(outputs)
        if isinstance(output, Provisional) and output.event.act_id in finals
    }
    assert len(early) >= len(finals) / 2, "most acts are spoken of before they are final"
    assert all(known_s <= finals[act_id] for act_id, known_s in early.items())
    assert world.truths


def test_silence_is_vouched_for_and_never_beyond_an_act_in_progress(site: Site) -> None:
    world, messages = session(site, 35, acts=8)
    outputs = outputs_of(site, messages)
    decided_at = {output.event.act_id: known_s for known_s, output in outputs if isinstance(output, Decision)}
    marks = [(known_s, output) for known_s, output in outputs if isinstance(output, Mark)]
    assert len(marks) > world.truths[-1].t_release_s / 3
    for _, decision in outputs:
        if not isinstance(decision, Decision):
            continue
        for marked_s, mark in marks:
            if marked_s < decided_at[decision.event.act_id]:
                assert mark.complete_through_ns <= decision.event.t_start_ns, "a receipt would have closed too early"


def test_a_board_that_goes_dark_stops_the_marks_and_the_others_go_on(site: Site) -> None:
    world, messages = session(site, 37, acts=6)
    silent_uid = site.agent.boards[1].uid
    lost_s = world.truths[1].t_start_s - 1

    def without_board() -> Iterator[Message]:
        for message in messages:
            dark = isinstance(message, AdcSamples) and message.board_uid == silent_uid
            if not dark or instant_ns(message) / 1e9 < lost_s:
                yield message

    outputs = outputs_of(site, without_board())
    last_mark = [output for _, output in outputs if isinstance(output, Mark)][-1]
    assert last_mark.complete_through_ns / 1e9 <= lost_s + 1, "nobody may vouch for a shelf that nobody reads"
    codes = {output.code for _, output in outputs if isinstance(output, HealthTransition) and output.raised}
    assert codes, "a technician must hear of it"


def test_a_recorded_session_replays_to_the_same_bytes(site: Site, tmp_path: Path) -> None:
    _, messages = session(site, 41, acts=6)
    initial = InitialState(site.opening_stock())
    pipeline = Pipeline(site, initial)
    decided = []
    path = tmp_path / "session.mcap"
    with RecordingWriter(path, site, initial) as tap:
        for message in messages:
            tap.consumed(message)
            for output in pipeline.step(message):
                tap.produced(output)
                if isinstance(output, Decision):
                    decided.append(encode(output.event))
    result = replay(path)
    assert len(decided) >= 4
    assert result.payloads == decided == result.recorded

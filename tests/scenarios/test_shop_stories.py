"""An hour of shop in seconds: scripted shoppers at simulated shelves, judged act by act.

The simulator shares neither code nor parameters with the engine, and keeps the truth.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from edge_agent.config import Site
from edge_agent.config.files import load_site
from edge_agent.demo.unit_files import seed_directory
from edge_agent.model import (
    AdcSamples,
    Baseline,
    BoardDown,
    BoardUid,
    BoardUp,
    Checkpoint,
    Decision,
    HealthTransition,
    InitialState,
    Mark,
    Message,
    ModeChange,
    MonotonicNs,
    Output,
    Provisional,
    instant_ns,
)
from edge_agent.pipeline import Pipeline
from edge_agent.recording.codec import encode
from edge_agent.recording.replay import replay
from edge_agent.recording.writer import RecordingWriter
from edge_agent.simulation.offline import BLOCK_ROWS, samples
from edge_agent.simulation.scoreboard import Heard, Outcome, Scoreboard, score
from edge_agent.simulation.shopper import scripted_session
from edge_agent.simulation.truth import ActKind
from edge_agent.simulation.world import ShelfWorld
from edge_agent.vocabulary import EventKind, Mode, Verdict

ACTS = 40


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(seed_directory() / "agent.toml")


def session(
    site: Site, seed: int, acts: int = ACTS, block_rows: int = BLOCK_ROWS
) -> tuple[ShelfWorld, Iterator[Message]]:
    world = ShelfWorld(site, seed)
    world.perform_all(scripted_session(site, seed, act_count=acts))
    return world, samples(world, world.truths[-1].t_release_s + 5, block_rows=block_rows)


def outputs_of(site: Site, messages: Iterator[Message]) -> list[tuple[float, Output]]:
    pipeline = Pipeline(site, InitialState(site.opening_stock()))
    return [(instant_ns(message) / 1e9, output) for message in messages for output in pipeline.step(message)]


def judged(world: ShelfWorld, outputs: Sequence[tuple[float, Output]]) -> Scoreboard:
    heard = [Heard(output.event, known_s) for known_s, output in outputs if isinstance(output, Decision)]
    return score(world.truths, heard, 0)


@pytest.mark.parametrize(
    ("seed", "acts", "block_rows"), [*((seed, ACTS, BLOCK_ROWS) for seed in range(20, 26)), (26, 12, 1)]
)
def test_every_clear_act_is_billed_right_and_every_unclear_one_right_or_offered_for_review(
    site: Site, seed: int, acts: int, block_rows: int
) -> None:
    """Rows come as many at a time as a board's frame carries; in one session each by itself."""
    world, messages = session(site, seed, acts, block_rows)
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
    _, messages = session(site, 33, acts=12)
    outputs = outputs_of(site, messages)
    finals = {output.event.act_id: known_s for known_s, output in outputs if isinstance(output, Decision)}
    early = {
        output.event.act_id: known_s
        for known_s, output in reversed(outputs)
        if isinstance(output, Provisional) and output.event.act_id in finals
    }
    assert len(early) >= len(finals) / 2, "most acts are spoken of before they are final"
    assert all(known_s <= finals[act_id] for act_id, known_s in early.items())


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


def with_a_dark_board(
    messages: Iterator[Message], uid: str, dark_s: tuple[float, float], *, by_the_link: bool
) -> Iterator[Message]:
    """The same messages without those of one board while it is dark; the link may say so or not."""
    from_s, until_s = dark_s
    said_down = said_up = not by_the_link
    announced = None
    for message in messages:
        now_s = instant_ns(message) / 1e9
        ours = isinstance(message, AdcSamples | BoardUp) and message.board_uid == uid
        if ours and isinstance(message, BoardUp):
            announced = message
        if now_s >= from_s and not said_down:
            said_down = True
            yield BoardDown(MonotonicNs(round(now_s * 1e9)), BoardUid(uid), "gone", "plug it in again")
        if now_s >= until_s and not said_up:
            said_up = True
            assert announced is not None
            yield replace(announced, t_ns=MonotonicNs(round(now_s * 1e9)), boot_counter=announced.boot_counter + 1)
        if not ours or not from_s <= now_s < until_s:
            yield message


def test_a_board_that_goes_dark_stops_the_marks_and_the_others_go_on(site: Site) -> None:
    world, messages = session(site, 37, acts=6)
    silent_uid = site.agent.boards[1].uid
    lost_s = world.truths[1].t_start_s - 1
    outputs = outputs_of(site, with_a_dark_board(messages, silent_uid, (lost_s, 1e9), by_the_link=False))
    last_mark = [output for _, output in outputs if isinstance(output, Mark)][-1]
    assert last_mark.complete_through_ns / 1e9 <= lost_s, "nobody may vouch for a shelf that nobody reads"
    raised = [
        (output.subject, output.code) for _, output in outputs if isinstance(output, HealthTransition) and output.raised
    ]
    assert raised == [(f"board:{silent_uid}", "board_silent")], "a technician must hear of it"
    sold = {output.event.shelf_id for _, output in outputs if isinstance(output, Decision)}
    assert sold == {"ambient-lanes"}, "the other shelf sells on"


@pytest.mark.parametrize("by_the_link", [False, True])
@pytest.mark.parametrize("into_the_act_s", [-1.0, 0.6])
def test_what_was_taken_in_the_dark_is_decided_before_anybody_vouches_for_it(
    site: Site, into_the_act_s: float, by_the_link: bool
) -> None:
    """The board is lost before a shopper takes two creams, or between the two."""
    world, messages = session(site, 37, acts=6)
    uid = site.agent.boards[1].uid
    act = world.truths[1]
    lost_s, back_s = act.t_start_s + into_the_act_s, act.t_release_s + 7
    outputs = outputs_of(site, with_a_dark_board(messages, uid, (lost_s, back_s), by_the_link=by_the_link))
    ((decided_s, event),) = [
        (known_s, output.event)
        for known_s, output in outputs
        if isinstance(output, Decision) and output.event.kind is EventKind.RECONCILED
    ]
    assert back_s < decided_s < back_s + 4
    assert event.delta_g == pytest.approx(act.delta_g, abs=3)
    assert min(lost_s, act.t_start_s) - 0.25 < event.t_start_ns / 1e9 <= lost_s
    before = [output for known_s, output in outputs if isinstance(output, Mark) and known_s < decided_s]
    assert before[-1].complete_through_ns <= event.t_start_ns, "a receipt would have closed without it"
    last_mark = [output for _, output in outputs if isinstance(output, Mark)][-1]
    assert last_mark.complete_through_ns / 1e9 > decided_s, "once it is decided, receipts close again"


def test_what_was_taken_while_the_agent_was_down_is_decided_before_anybody_vouches_for_it(site: Site) -> None:
    """After the restart the board of the shelf in question answers 7.5 s later than the other."""
    world, messages = session(site, 37, acts=4)
    late_uid = site.agent.boards[1].uid
    first = Pipeline(site, InitialState(site.opening_stock()))
    act = world.truths[1]
    second: Pipeline | None = None
    outputs: list[tuple[float, Output]] = []
    announced: dict[str, BoardUp] = {}
    started_s = act.t_release_s + 1
    for message in messages:
        now_s = instant_ns(message) / 1e9
        if isinstance(message, BoardUp):
            announced[message.board_uid] = message
        if now_s < act.t_start_s - 1:
            first.step(message)
        if now_s < started_s or not isinstance(message, AdcSamples):
            continue
        second = second or Pipeline(site, InitialState(first.stock, first.checkpoint().baselines))
        if message.board_uid == late_uid and now_s < started_s + 7.5:  # half a second before a mark
            continue
        if message.board_uid in announced:
            up = replace(announced.pop(message.board_uid), t_ns=MonotonicNs(int(message.t_ns[0]) - 1))
            outputs += [(now_s, each) for each in second.step(up)]
        outputs += [(now_s, each) for each in second.step(message)]
    ((decided_s, event),) = [
        (known_s, output.event)
        for known_s, output in outputs
        if isinstance(output, Decision) and output.event.kind is EventKind.RECONCILED
    ]
    assert event.delta_g == pytest.approx(act.delta_g, abs=3)
    for known_s, output in outputs:
        if isinstance(output, Mark) and known_s < decided_s:
            assert output.complete_through_ns / 1e9 <= started_s + 0.1


def test_what_staff_moved_is_kept_before_a_crash_can_make_an_event_of_it(site: Site) -> None:
    """Two creams are taken out in maintenance; the power fails three seconds after selling begins again."""
    world, messages = session(site, 37, acts=3)
    act = world.truths[1]
    pipeline = Pipeline(site, InitialState(site.opening_stock()))
    modes = [
        ModeChange(MonotonicNs(round(at_s * 1e9)), mode)
        for at_s, mode in ((act.t_start_s - 1, Mode.MAINTENANCE), (act.t_release_s + 0.2, Mode.SELLING))
    ]
    kept: dict[str, Baseline] = {}
    rest: list[Message] = []
    for message in messages:
        if instant_ns(message) / 1e9 > act.t_release_s + 3.2:
            rest.append(message)
            continue
        while modes and modes[0].t_ns <= instant_ns(message):
            pipeline.step(modes.pop(0))
        for output in pipeline.step(message):
            if isinstance(output, Checkpoint | Decision):
                kept |= {each.shelf_id: each for each in output.baselines}
    ups = [BoardUp(instant_ns(rest[0]), BoardUid(each.uid), 8, 80.0, 128, 2, "test") for each in site.agent.boards]
    again = Pipeline(site, InitialState(pipeline.stock, tuple(kept.values())))
    events = [
        output.event for message in [*ups, *rest] for output in again.step(message) if isinstance(output, Decision)
    ]
    assert events == [], "what staff moved is nobody's purchase"


def test_acts_that_arrive_in_one_message_are_committed_each_with_its_own_weight(site: Site) -> None:
    world = ShelfWorld(site, 37)
    world.perform_all(scripted_session(site, 37, act_count=8))
    whole = samples(world, world.truths[-1].t_release_s + 5, block_rows=80 * 60)
    decisions = [output for _, output in outputs_of(site, whole) if isinstance(output, Decision)]
    for shelf in site.shelves:
        ours = [decision for decision in decisions if decision.event.shelf_id == shelf.shelf_id]
        totals = [float(decision.baselines[0].level_g.sum()) for decision in ours]
        assert len(totals) >= 3
        changes = [after - before for before, after in pairwise(totals)]
        assert changes == pytest.approx([decision.event.delta_g for decision in ours[1:]], abs=5)


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

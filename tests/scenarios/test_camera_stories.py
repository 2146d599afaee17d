"""A shopper's hand under a camera, from the cells' physics to the bill: what is held, what waits, what goes on without.

The camera here is a script of what one would say and when; its eye has tests of its own.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from camera_shop import front_said

from edge_agent.config import CameraConfig, Site
from edge_agent.config.files import load_site
from edge_agent.demo.unit_files import seed_directory
from edge_agent.model import (
    Baseline,
    BoardUid,
    BoardUp,
    CameraCondition,
    CameraProgress,
    Checkpoint,
    Decision,
    HealthTransition,
    InitialState,
    ItemChange,
    ItemEvent,
    Mark,
    Message,
    ModeChange,
    MonotonicNs,
    Output,
    VisionObservation,
    instant_ns,
)
from edge_agent.pipeline import Pipeline
from edge_agent.recording.codec import encode
from edge_agent.recording.replay import replay
from edge_agent.recording.writer import RecordingWriter
from edge_agent.simulation.forces import HandForce
from edge_agent.simulation.influence import load_shares
from edge_agent.simulation.offline import samples
from edge_agent.simulation.world import ShelfWorld
from edge_agent.vocabulary import EventKind, Mode, Verdict

DAIRY, AMBIENT = "dairy-platform", "ambient-lanes"
BUTTER = ItemChange("salted-butter-250", -1, "D3")
LATENCY_S = 0.12
"""From the middle of an exposure until the agent hears of it."""
SPEAKS_EVERY_S = 0.4
Script = list[tuple[float, Message]]
"""What is heard, each with the instant at which it is."""


@pytest.fixture(scope="module")
def site() -> Site:
    """The example shop with a camera over each of its shelves."""
    plain = load_site(seed_directory() / "agent.toml")
    cameras = tuple(
        CameraConfig(shelf_id=shelf_id, driver="simulated", camera_id=f"eye-{shelf_id}")
        for shelf_id in (DAIRY, AMBIENT)
    )
    return msgspec.structs.replace(plain, agent=msgspec.structs.replace(plain.agent, cameras=cameras))


def at(seconds: float) -> MonotonicNs:
    return MonotonicNs(round(seconds * 1e9))


def filmed(
    until_s: float, *visits: tuple[float, float], shelf_id: str = DAIRY, settles_s: float = 0.5, off_s: float = 0.0
) -> Script:
    """Return a camera's progress: a hand during each visit, the front still unsettled for a moment after it.

    Parameters
    ----------
    off_s : float
        How far the camera's clock is ahead.
    """
    instants = {*np.arange(0.2, until_s, SPEAKS_EVERY_S).tolist()}
    instants |= {t_s for begin_s, end_s in visits for t_s in (begin_s, end_s, end_s + settles_s)}
    script: Script = []
    for t_s in sorted(instants):
        hands = sum(begin_s <= t_s < end_s for begin_s, end_s in visits)
        since_s = min((begin_s for begin_s, end_s in visits if begin_s <= t_s < end_s + settles_s), default=None)
        since_ns = None if since_s is None else at(since_s + off_s)
        said = CameraProgress(at(t_s + off_s), f"eye-{shelf_id}", shelf_id, hands, since_ns)
        script.append((t_s + LATENCY_S, said))
    return script


def compared(begin_s: float, end_s: float, settles_s: float = 0.5, **changes: int) -> tuple[float, Message]:
    """Return the word on the dairy's front after a visit."""
    lane_ids, said = front_said({f"D{place}": changes.get(f"D{place}", 0) for place in range(1, 7)})
    seen_s = end_s + settles_s
    word = VisionObservation(
        f"front-{begin_s}", DAIRY, at(begin_s), at(seen_s), 0.0, np.inf, "lanes", 0, -1, None, (), np.zeros(0),
        "front-1", lane_ids, said,
    )  # fmt: skip
    return seen_s + LATENCY_S - 0.01, word


def interleaved(world: ShelfWorld, until_s: float, *scripts: Script) -> Iterator[tuple[float, Message]]:
    boards = ((instant_ns(message) / 1e9, message) for message in samples(world, until_s))
    said = [sorted(script, key=lambda each: each[0]) for script in scripts]
    return heapq.merge(boards, *said, key=lambda each: each[0])


def outputs_of(pipeline: Pipeline, messages: Iterable[tuple[float, Message]]) -> list[tuple[float, Output]]:
    return [(heard_s, output) for heard_s, message in messages for output in pipeline.step(message)]


def told(outputs: Sequence[tuple[float, Output]]) -> list[tuple[float, ItemEvent]]:
    return [(heard_s, output.event) for heard_s, output in outputs if isinstance(output, Decision)]


def begun(site: Site) -> Pipeline:
    return Pipeline(site, InitialState(site.opening_stock()))


def take_under_a_hand(site: Site, hand_g: float, lies_s: float, seed: int = 5) -> tuple[ShelfWorld, float, float]:
    """Take a butter, leave the hand on the goods beside; return when it let go of the butter, and of the goods."""
    world = ShelfWorld(site, seed)
    truth = world.take("D3", 5.0)
    shelf = next(each for each in site.shelves if each.shelf_id == DAIRY)
    end_s = truth.t_release_s + lies_s
    knots_g = np.full(round((end_s - 5.0) / 0.05), hand_g)
    knots_g[0] = knots_g[-1] = 0.0
    world.feel(DAIRY, HandForce(5.0, end_s, knots_g, load_shares(shelf, 460.0, 120.0)))
    return world, truth.t_release_s, end_s


@pytest.mark.parametrize("hand_g", [45.0, 65.0, 90.0])
def test_a_hand_that_lies_on_the_goods_deceives_the_scale_but_not_the_camera(site: Site, hand_g: float) -> None:
    """For two seconds the shelf weighs the hand with the goods, as still as if nobody were there."""
    world, _, lifted_s = take_under_a_hand(site, hand_g, 2.0)
    deceived = told(outputs_of(begun(site), interleaved(world, 16.0)))
    assert deceived[0][1].items != (BUTTER,)
    assert deceived[0][1].delta_g == pytest.approx(-254 + hand_g, abs=12)
    assert len(deceived) == 2, "the hand's leaving is told as an act, too"
    left_s = lifted_s + 0.35
    script = filmed(16.0, (4.6, left_s))
    ((heard_s, event),) = told(outputs_of(begun(site), interleaved(world, 16.0, script)))
    assert (event.items, event.verdict) == ((BUTTER,), Verdict.AUTO)
    assert event.delta_g == pytest.approx(-254, abs=8)
    assert heard_s < left_s + 2.0


def test_a_hand_that_never_leaves_is_given_up_on(site: Site) -> None:
    """It lies there for twelve seconds: the receipt is not kept waiting, a reviewer sees the rest."""
    world, released_s, lifted_s = take_under_a_hand(site, 65.0, 12.0)
    events = told(outputs_of(begun(site), interleaved(world, 26.0, filmed(26.0, (4.6, 26.0)))))
    assert events[0][0] < released_s + 3.0 + 0.5
    assert events[1][1].t_start_ns / 1e9 == pytest.approx(lifted_s, abs=0.6)
    assert sum(event.delta_g for _, event in events) == pytest.approx(-254, abs=10)


def test_a_camera_that_sees_a_hand_where_none_is_merges_no_acts_for_ever(site: Site) -> None:
    """A bag hangs before the shelf: after half a minute takes are told one by one again."""
    world = ShelfWorld(site, 5)
    for t_s in (33.0, 38.0, 43.0):
        world.take("D3", t_s)
    events = told(outputs_of(begun(site), interleaved(world, 50.0, filmed(50.0, (1.0, 50.0)))))
    assert [event.items for _, event in events] == [(BUTTER,)] * 3


def test_goods_at_rest_do_not_wait_for_the_next_shopper(site: Site) -> None:
    """The second hand comes after the first take came to rest, and stays: the first is told all the same."""
    world = ShelfWorld(site, 5)
    truth = world.take("D3", 5.0)
    script = filmed(14.0, (4.6, truth.t_release_s + 0.1), (truth.t_release_s + 0.8, 14.0))
    heard_s, event = told(outputs_of(begun(site), interleaved(world, 14.0, script)))[0]
    assert event.items == (BUTTER,)
    assert heard_s < truth.t_release_s + 2.0


def test_a_camera_that_lies_about_the_front_is_not_believed_about_hands_either(site: Site) -> None:
    """It saw goods leave a lane where none did, again and again; then a hand that it sees holds no receipt."""
    world, script = ShelfWorld(site, 5), []
    visits = []
    for number in range(5):
        truth = world.take("D3", 5.0 + 6 * number)
        visits.append((truth.t_start_s - 0.4, truth.t_release_s + 0.2))
        script.append(compared(*visits[-1], D6=-1))
    last = world.take("D5", 36.0)
    script += filmed(46.0, *visits, (35.6, 46.0))
    outputs = outputs_of(begun(site), interleaved(world, 46.0, script))
    assert [o.code for _, o in outputs if isinstance(o, HealthTransition)] == ["camera_contradicts"]
    heard_s, event = told(outputs)[-1]
    assert [item.sku for item in event.items] == ["mature-cheddar-350"]
    assert event.witnesses_missing == ("camera",)
    assert heard_s < last.t_release_s + 1.9, "a hand that holds would have kept it for three seconds"


# --- a final that waits for the camera's word ----------------------------------------------------------------------


class Waiting:
    """A butter is taken; the hand leaves a second later, and the front is compared after that: the final waits."""

    def __init__(self, site: Site, off_s: float = 0.0) -> None:
        self.world = ShelfWorld(site, 5)
        self.truth = self.world.take("D3", 5.0)
        self.visit = (4.6, self.truth.t_release_s + 0.9)
        self.script = [*filmed(14.0, self.visit, off_s=off_s), compared(*self.visit, D3=-1)]
        self.told_s = self.visit[1] + 0.5 + LATENCY_S

    def messages(self, until_s: float = 14.0) -> list[tuple[float, Message]]:
        return list(interleaved(self.world, until_s, [each for each in self.script if each[0] < until_s]))


def test_the_word_on_the_front_is_in_the_event(site: Site) -> None:
    waiting = Waiting(site)
    (blind_s, _), ((heard_s, event),) = (
        told(outputs_of(begun(site), interleaved(waiting.world, 14.0)))[0],
        told(outputs_of(begun(site), waiting.messages())),
    )
    assert blind_s < heard_s == pytest.approx(waiting.told_s, abs=0.1)
    assert event.items == (BUTTER,)
    assert event.witnesses == ("weight", "position", "camera")
    assert event.witnesses_missing == ()


def test_power_fails_while_it_waits_and_nothing_is_lost(site: Site) -> None:
    """Its resting weight is on no disk yet: after the restart the take is found as a change that nobody watched."""
    waiting = Waiting(site)
    cut_s = waiting.told_s - 0.25
    first = begun(site)
    outputs = outputs_of(first, waiting.messages(cut_s))
    assert told(outputs) == [], "it waits"
    kept: dict[str, Baseline] = {}
    for _, output in outputs:
        if isinstance(output, Checkpoint):
            kept |= {each.shelf_id: each for each in output.baselines}
    assert DAIRY in kept
    rest = [(t_s, each) for t_s, each in interleaved(waiting.world, 14.0) if t_s > cut_s]
    ups = [(cut_s, BoardUp(at(cut_s), BoardUid(each.uid), 8, 80.0, 128, 2, "test")) for each in site.agent.boards]
    ((_, event),) = told(outputs_of(Pipeline(site, InitialState(first.stock, tuple(kept.values()))), [*ups, *rest]))
    assert event.kind is EventKind.RECONCILED
    assert event.delta_g == pytest.approx(-254, abs=8)


def test_nobody_vouches_for_the_time_in_which_it_waits(site: Site) -> None:
    waiting = Waiting(site)
    outputs = outputs_of(begun(site), waiting.messages())
    ((heard_s, event),) = told(outputs)
    marks = [output for t_s, output in outputs if isinstance(output, Mark) and t_s < heard_s]
    assert all(mark.complete_through_ns <= event.t_start_ns for mark in marks)
    assert max(o.complete_through_ns for _, o in outputs if isinstance(o, Mark)) > event.t_end_ns


def test_a_clean_stop_decides_it_first(site: Site) -> None:
    waiting, pipeline = Waiting(site), begun(site)
    assert told(outputs_of(pipeline, waiting.messages(waiting.told_s - 0.25))) == []
    (decision,) = pipeline.conclude()
    assert isinstance(decision, Decision)
    assert decision.event.items == (BUTTER,)
    kept = {each.shelf_id: each for each in pipeline.checkpoint().baselines}
    assert decision.baselines[0].level_g.sum() == pytest.approx(kept[DAIRY].level_g.sum(), abs=1.0)
    assert pipeline.conclude() == []


def test_a_change_of_mode_decides_it_first_and_as_it_was_begun(site: Site) -> None:
    """Staff takes over a moment after the shopper: the shopper's take is sold."""
    waiting, pipeline = Waiting(site), begun(site)
    outputs_of(pipeline, waiting.messages(waiting.told_s - 0.25))
    (decision, *_) = pipeline.step(ModeChange(at(waiting.told_s - 0.2), Mode.MAINTENANCE))
    assert isinstance(decision, Decision)
    assert (decision.event.mode, decision.event.items) == (Mode.SELLING, (BUTTER,))


@pytest.mark.parametrize("says_so", [True, False], ids=["told", "silent"])
def test_a_camera_that_dies_while_it_waits_leaves_a_working_scale(site: Site, says_so: bool) -> None:
    waiting = Waiting(site)
    waiting.world.take("D5", 12.0)
    dies_s = waiting.truth.t_release_s + 0.5
    script = [each for each in waiting.script if each[0] < dies_s]
    if says_so:
        down = CameraCondition(at(dies_s), f"eye-{DAIRY}", DAIRY, "camera_down", True, "exit status -9")
        script.append((dies_s, down))
    outputs = outputs_of(begun(site), interleaved(waiting.world, 20.0, script))
    (first_s, first), (second_s, second) = told(outputs)
    assert first.items == (BUTTER,)
    assert first_s < waiting.truth.t_release_s + 1.8
    assert second_s < waiting.world.truths[1].t_release_s + 1.8, "nobody waits for a dead camera again"
    assert second.witnesses_missing == ("camera",)
    codes = [o.code for _, o in outputs if isinstance(o, HealthTransition) and o.subject.startswith("camera")]
    assert codes == ["camera_down"] * says_so


@pytest.mark.parametrize("off_s", [-3600.0, -4.0, -0.3, 0.3, 4.0, 3600.0])
def test_a_camera_whose_clock_is_wrong_harms_no_receipt(site: Site, off_s: float) -> None:
    """It may not help; but bills, marks and the time of day are the boards'."""
    waiting = Waiting(site, off_s)
    outputs = outputs_of(begun(site), waiting.messages())
    ((heard_s, event),) = told(outputs)
    assert event.items == (BUTTER,)
    assert heard_s < waiting.truth.t_release_s + 3.8 + 0.6
    marks = [(t_s, output) for t_s, output in outputs if isinstance(output, Mark)]
    assert all(mark.t_ns / 1e9 == pytest.approx(t_s, abs=0.01) for t_s, mark in marks)
    assert len(marks) >= 6, "one every two seconds"


def test_a_camera_speaks_before_any_board_does(site: Site) -> None:
    """The boards are plugged in after the cameras: their time begins with them."""
    waiting, pipeline = Waiting(site), begun(site)
    early = [replace(each, t_ns=at(-1.0)) for _, each in filmed(1.0) if isinstance(each, CameraProgress)]
    assert [output for each in early for output in pipeline.step(each)] == []
    ((_, event),) = told(outputs_of(pipeline, waiting.messages()))
    assert event.items == (BUTTER,)


def test_each_shelf_has_its_own_camera(site: Site) -> None:
    """A hand lies on the dairy for 2.6 s; a can taken from the shelf beside is told at once."""
    world, _, lifted_s = take_under_a_hand(site, 65.0, 2.6)
    can = world.take("A4", 5.5)
    scripts = filmed(16.0, (4.6, lifted_s + 0.35)), filmed(16.0, (5.2, can.t_release_s + 0.2), shelf_id=AMBIENT)
    (can_s, first), (butter_s, second) = told(outputs_of(begun(site), interleaved(world, 16.0, *scripts)))
    assert [item.sku for item in first.items] == ["chopped-tomatoes-400"]
    assert second.items == (BUTTER,)
    assert can_s < can.t_release_s + 1.8 < lifted_s < butter_s


def test_a_recording_with_cameras_in_it_decides_the_same_byte_for_byte(site: Site, tmp_path: Path) -> None:
    waiting, initial = Waiting(site), InitialState(site.opening_stock())
    pipeline = Pipeline(site, initial)
    with RecordingWriter(tmp_path / "filmed.mcap", site, initial) as tap:
        for _, message in waiting.messages(waiting.told_s - 0.1):  # the agent is stopped while the step waits
            tap.consumed(message)
            for output in pipeline.step(message):
                tap.produced(output)
        decided = [output for output in pipeline.conclude() if isinstance(output, Decision)]
        for output in decided:
            tap.produced(output)
    result = replay(tmp_path / "filmed.mcap")
    assert len(decided) == 1
    assert result.payloads == result.recorded == [encode(decided[0].event)]


def test_a_recording_that_a_power_cut_ended_decides_no_more_than_the_agent_did(site: Site, tmp_path: Path) -> None:
    waiting, initial = Waiting(site), InitialState(site.opening_stock())
    pipeline = Pipeline(site, initial)
    whole = tmp_path / "whole.mcap"
    with RecordingWriter(whole, site, initial) as tap:
        for _, message in waiting.messages(waiting.told_s - 0.1):
            tap.consumed(message)
            for output in pipeline.step(message):
                tap.produced(output)
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(whole.read_bytes()[: -whole.stat().st_size // 200])
    result = replay(cut, partial=True)
    assert result.truncated
    assert result.payloads == result.recorded == []

"""The scoreboard blames an agent for what it said wrong, and for nothing else."""

from itertools import count

import pytest

from edge_agent.model import Alternative, ItemChange, ItemEvent, MonotonicNs, Revisions
from edge_agent.simulation.scoreboard import Heard, Outcome, Scoreboard, score
from edge_agent.simulation.truth import ActKind, ActTruth, ItemMove
from edge_agent.vocabulary import EventKind, Mode, Verdict

WORLD_START_NS = 7_000_000_000
NUMBERS = count()
TAKE_ONE_MILK = (("milk", -1, "L1"),)


def act(
    t_s: float, *moves: tuple[str | None, int, str], kind: ActKind = ActKind.TAKE, ambiguous: str | None = None
) -> ActTruth:
    singles = tuple(
        ItemMove(sku, 1 if quantity > 0 else -1, lane, 500.0, t_s + 0.5)
        for sku, quantity, lane in moves
        for _ in range(abs(quantity))
    )
    return ActTruth(next(NUMBERS), "story", kind, "shelf", t_s, t_s + 1.0, singles, ambiguous)


def said(
    t_s: float,
    *items: tuple[str, int, str],
    verdict: Verdict = Verdict.AUTO,
    alternatives: tuple[tuple[tuple[str, int, str], ...], ...] = (),
    shelf: str = "shelf",
    end_s: float | None = None,
    known_s: float | None = None,
) -> Heard:
    changes = tuple(ItemChange(*item) for item in items)
    event = ItemEvent(
        act_id="a",
        shelf_id=shelf,
        kind=EventKind.TAKE if items else EventKind.UNKNOWN,
        mode=Mode.SELLING,
        verdict=verdict,
        reasons=(),
        items=changes,
        confidence=0.9,
        alternatives=tuple(Alternative(tuple(ItemChange(*one) for one in each), 0.3) for each in alternatives),
        delta_g=-500,
        sigma_g=1,
        position_mm=None,
        position_sigma_mm=None,
        t_start_ns=MonotonicNs(WORLD_START_NS + round(t_s * 1e9)),
        t_end_ns=MonotonicNs(WORLD_START_NS + round((t_s + 1.0 if end_s is None else end_s) * 1e9)),
        hands=None,
        witnesses=("weight",),
        witnesses_missing=(),
        stock_before={},
        stock_after={},
        revisions=Revisions(1, 1, {}, "0"),
    )
    return Heard(event, known_s)


def told(truth: ActTruth, *heard: Heard) -> Outcome:
    board = score([truth], heard, WORLD_START_NS)
    assert not board.invented
    return board.scored[0].outcome


def test_a_take_told_as_it_was_is_right_and_its_latency_counts_from_the_release() -> None:
    board = score([act(3, *TAKE_ONE_MILK)], [said(3.1, *TAKE_ONE_MILK, known_s=4.25)], WORLD_START_NS)
    assert board.scored[0].outcome is Outcome.RIGHT
    assert board.scored[0].latency_s == pytest.approx(0.25)
    assert board.scored[0].lanes_right is True


def test_the_right_goods_from_the_wrong_lane_are_billed_right_but_stand_in_the_wrong_place() -> None:
    board = score([act(3, *TAKE_ONE_MILK)], [said(3, ("milk", -1, "L2"))], WORLD_START_NS)
    assert board.scored[0].outcome is Outcome.RIGHT
    assert board.scored[0].lanes_right is False
    assert board.scored[0].latency_s is None


def test_another_item_another_count_or_another_direction_is_wrong() -> None:
    for wrong in (("bread", -1, "L1"), ("milk", -2, "L1"), ("milk", 1, "L1")):
        assert told(act(3, *TAKE_ONE_MILK), said(3, wrong)) is Outcome.WRONG


def test_a_review_counts_by_whether_the_truth_is_offered() -> None:
    take = act(3, *TAKE_ONE_MILK, ambiguous="weighs like bread")
    bread = ("bread", -1, "L1")
    offered = said(3, bread, verdict=Verdict.REVIEW, alternatives=((bread,), TAKE_ONE_MILK))
    assert told(take, offered) is Outcome.REVIEWED_WITH_TRUTH
    assert told(take, said(3, *TAKE_ONE_MILK, verdict=Verdict.REVIEW)) is Outcome.REVIEWED_WITH_TRUTH
    unoffered = said(3, bread, verdict=Verdict.REVIEW, alternatives=((bread,),))
    assert told(take, unoffered) is Outcome.REVIEWED_WITHOUT_TRUTH


def test_silence_about_a_take_is_a_miss_and_about_a_press_is_right() -> None:
    assert told(act(3, *TAKE_ONE_MILK)) is Outcome.MISSED
    assert told(act(3, kind=ActKind.PRESS)) is Outcome.QUIET


def test_what_is_said_of_a_press_or_of_nothing_is_invented() -> None:
    acts = [act(3, kind=ActKind.PRESS), act(20, *TAKE_ONE_MILK)]
    heard = [
        said(3, *TAKE_ONE_MILK),
        said(12, *TAKE_ONE_MILK),
        said(20, *TAKE_ONE_MILK, shelf="another"),
        said(20, *TAKE_ONE_MILK),
    ]
    board = score(acts, heard, WORLD_START_NS)
    assert board.invented == (heard[0], heard[1], heard[2])
    assert [each.outcome for each in board.scored] == [Outcome.QUIET, Outcome.RIGHT]
    assert not board.summary().clean


def test_an_act_told_in_parts_is_judged_by_their_sum() -> None:
    take_two = act(3, ("milk", -2, "L1"), ("bread", -1, "L2"))
    parts = (said(3, ("milk", -1, "L1"), end_s=3.4), said(3.5, ("milk", -1, "L1"), ("bread", -1, "L2")))
    assert told(take_two, *parts) is Outcome.RIGHT
    assert told(take_two, parts[0]) is Outcome.WRONG
    guess = said(
        3.5,
        ("milk", -2, "L1"),
        verdict=Verdict.REVIEW,
        alternatives=((("milk", -2, "L1"),), (("milk", -1, "L1"), ("bread", -1, "L2"))),
    )
    assert told(take_two, parts[0], guess) is Outcome.REVIEWED_WITH_TRUTH


def test_an_event_belongs_to_the_act_that_it_overlaps_longest() -> None:
    acts = [act(3, *TAKE_ONE_MILK), act(5, ("milk", 1, "L1"), kind=ActKind.PUT_BACK)]
    heard = [said(5.0, ("milk", 1, "L1")), said(3.0, *TAKE_ONE_MILK)]
    board = score(acts, heard, WORLD_START_NS)
    assert [each.outcome for each in board.scored] == [Outcome.RIGHT, Outcome.RIGHT]


def test_a_foreign_object_is_right_as_unknown_reviewed_as_a_guess_and_wrong_as_a_sale() -> None:
    foreign = act(3, (None, 1, "L1"), kind=ActKind.FOREIGN_LEFT)
    assert told(foreign, said(3, verdict=Verdict.REVIEW)) is Outcome.RIGHT
    assert told(foreign, said(3, ("milk", 1, "L1"), verdict=Verdict.REVIEW)) is Outcome.REVIEWED_WITH_TRUTH
    assert told(foreign, said(3, ("milk", 1, "L1"))) is Outcome.WRONG
    assert told(foreign) is Outcome.MISSED


def test_the_summary_is_clean_only_if_clear_acts_are_right_and_unclear_ones_right_or_rightly_reviewed() -> None:
    clear, unclear = act(3, *TAKE_ONE_MILK), act(9, *TAKE_ONE_MILK, ambiguous="weighs like bread")
    right = said(3, *TAKE_ONE_MILK, known_s=4.4)
    review = said(9, *TAKE_ONE_MILK, verdict=Verdict.REVIEW, known_s=10.2)

    def board(*heard: Heard) -> Scoreboard:
        return score([clear, unclear], heard, WORLD_START_NS)

    good = board(right, review).summary()
    assert good.clean
    assert (good.acts, good.ambiguous, good.invented) == (2, 1, 0)
    assert good.outcomes == {Outcome.RIGHT: 1, Outcome.REVIEWED_WITH_TRUTH: 1}
    assert good.latency_p50_s == pytest.approx(0.4)
    assert good.latency_p95_s == pytest.approx(0.4)
    assert not board(said(3, *TAKE_ONE_MILK, verdict=Verdict.REVIEW), review).summary().clean
    assert not board(right).summary().clean
    assert not board(right, review, said(30, *TAKE_ONE_MILK)).summary().clean
    assert score([], [], WORLD_START_NS).summary().latency_p50_s is None

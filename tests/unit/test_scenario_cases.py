"""Named cases: what is right in each, and that what goes wrong does not pass for it."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.bytes_level.course import UNDISTURBED, Away, CellFault, Course
from edge_agent.bytes_level.line import START_NS
from edge_agent.bytes_level.scenario_judge import Observed, judged_acts, outcome_of, visible
from edge_agent.bytes_level.scenario_shops import narrow_plates
from edge_agent.bytes_level.scenarios import SCENARIOS, ScenarioScore, play_scenario
from edge_agent.bytes_level.wire import FaultyCells
from edge_agent.config import Site
from edge_agent.config.files import load_site
from edge_agent.demo.unit_files import seed_directory
from edge_agent.model import ItemChange, ItemEvent, MonotonicNs, Revisions
from edge_agent.simulation.incidents import bump
from edge_agent.simulation.scoreboard import Heard, Outcome, score
from edge_agent.simulation.world import ShelfWorld
from edge_agent.vocabulary import EventKind, Mode, Verdict

CASE = replace(SCENARIOS["single take"], words="a case")
RIGHT_AT_ONCE = (
    "take beside put-back",
    "slow lift",
    "bumped shelf",
    "empty lane",
    "overfull lane",
    "straddled plates",
    "restock",
    "compressor",
    "door opened",
    "lost board",
)
FOR_A_PERSON = ("half-consumed return", "gap in the readings", "agent restarted", "power back after a night")


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(seed_directory() / "agent.toml")


def event_of(world: ShelfWorld, act: int, verdict: Verdict = Verdict.AUTO, mode: Mode = Mode.SELLING) -> ItemEvent:
    """What an engine would say that tells an act right."""
    truth = world.truths[act]
    return ItemEvent(
        "act",
        truth.shelf_id,
        EventKind.TAKE,
        mode,
        verdict,
        (),
        tuple(ItemChange(*item) for item in truth.items),
        1.0,
        (),
        truth.delta_g,
        0.1,
        None,
        None,
        MonotonicNs(START_NS + round(truth.t_start_s * 1e9)),
        MonotonicNs(START_NS + round(truth.t_release_s * 1e9)),
        None,
        (),
        (),
        {},
        {},
        Revisions(1, 1, {}, ""),
    )


def judged(world: ShelfWorld, *events: ItemEvent, course: Course = UNDISTURBED) -> list[Observed]:
    truths = [visible(truth, course) for truth in world.truths]
    return judged_acts(score(truths, [Heard(event) for event in events], START_NS), CASE, course, START_NS)


@pytest.mark.parametrize("name", RIGHT_AT_ONCE)
def test_a_case_that_can_be_told_is_right(site: Site, name: str) -> None:
    told = play_scenario(name, SCENARIOS[name], site, 1, seed=3)
    assert (told.right, told.invented) == (told.acts, 0)


@pytest.mark.parametrize("name", FOR_A_PERSON)
def test_what_nobody_can_know_is_left_to_a_person_and_the_rest_is_right(site: Site, name: str) -> None:
    told = play_scenario(name, SCENARIOS[name], site, 1, seed=3)
    assert (told.passed, told.wrong, told.missed, told.invented) == (1.0, 0, 0, 0)
    assert told.rightly_reviewed == 1


def test_a_bump_that_is_told_as_an_event_does_not_pass(site: Site) -> None:
    world = ShelfWorld(site, 1)
    bump(world, np.random.default_rng(1), "ambient-lanes", 5.0, 2000.0)
    (silent,) = judged(world)
    (told,) = judged(world, event_of(world, 0, Verdict.REVIEW))
    assert (outcome_of(silent, CASE), outcome_of(told, CASE)) == (Outcome.QUIET, Outcome.WRONG)


def test_what_staff_move_is_told_as_staffs_or_is_wrong(site: Site) -> None:
    world, course = ShelfWorld(site, 1), Course(modes=((2.0, Mode.STAFF), (20.0, Mode.SELLING)))
    world.take("A1", 5.0)
    billed = event_of(world, 0)
    removed = replace(billed, mode=Mode.STAFF, kind=EventKind.REMOVE)
    as_take = replace(billed, mode=Mode.STAFF)
    outcomes = [outcome_of(judged(world, each, course=course)[0], CASE) for each in (removed, as_take, billed)]
    assert outcomes == [Outcome.RIGHT, Outcome.WRONG, Outcome.WRONG]
    assert [course.mode_at(t_s) for t_s in (0.0, 2.0, 19.0, 20.0)] == [
        Mode.SELLING,
        Mode.STAFF,
        Mode.STAFF,
        Mode.SELLING,
    ]


def test_what_a_shelf_lost_unseen_is_one_act_and_nobodys_to_bill(site: Site) -> None:
    world, course = ShelfWorld(site, 1), Course(away=Away(4.0, 20.0, power_cut=True))
    world.take("A1", 5.0)
    world.take("A2", 10.0)
    both = ItemChange("coffee-beans-250", -1, "A1"), ItemChange("spaghetti-500", -1, "A2")
    found_ns = MonotonicNs(START_NS + 21_000_000_000)
    found = replace(event_of(world, 0, Verdict.REVIEW), items=both, t_start_ns=found_ns, t_end_ns=found_ns)
    (reviewed,) = judged(world, found, course=course)
    (billed,) = judged(world, replace(found, verdict=Verdict.AUTO), course=course)
    assert reviewed.unseen
    assert outcome_of(reviewed, CASE) is Outcome.REVIEWED_WITH_TRUTH
    assert outcome_of(billed, CASE) is Outcome.WRONG


def test_a_half_used_item_that_is_credited_in_full_is_wrong(site: Site) -> None:
    world = ShelfWorld(site, 1)
    world.take("A1", 5.0)
    (told,) = judged(world, event_of(world, 0))
    assert outcome_of(told, CASE) is Outcome.RIGHT
    assert outcome_of(told, replace(CASE, never_billed=True)) is Outcome.WRONG


def test_the_bar_is_missed_by_what_is_told_of_nothing() -> None:
    told = ScenarioScore("a case", 10, 10, 0, 0, 0, invented=0, reviews=0, oracle_reviews=None)
    assert told.clears_the_bar
    assert not replace(told, invented=1).clears_the_bar


def test_a_stuck_input_repeats_itself_and_a_noisy_one_never_does(site: Site) -> None:
    uid = site.agent.boards[0].uid
    faults = (CellFault(uid, 0, 1.0, "stuck"), CellFault(uid, 1, 1.0, "noisy", noise_g=50.0))
    cells = FaultyCells(site, uid, faults, seed=1)
    assert cells.reading([10, 10, 10], 0.5) == [10, 10, 10]
    rows = np.array([cells.reading([number, 0, number], 2.0) for number in range(200)])
    calibration = site.calibration(uid)
    assert calibration is not None
    assert set(rows[:, 0]) == {0}
    assert rows[:, 1].std() == pytest.approx(50.0 * abs(calibration.channels[1].counts_per_g), rel=0.2)
    assert rows[:, 2].tolist() == list(range(200))


def test_narrow_plates_leave_lanes_and_goods_as_they_are(site: Site) -> None:
    narrow = narrow_plates(site)
    assert narrow.shelves[0].plate_edges_mm()[:3] == (0.0, 75.0, 150.0)
    assert (narrow.planogram, narrow.shelves[1]) == (site.planogram, site.shelves[1])
    calibration = narrow.calibration(narrow.shelves[0].channels[0].board_uid)
    assert calibration is not None
    assert all(calibration.channel(each.index) is not None for each in narrow.shelves[0].channels)


def test_a_platform_with_three_cells_left_sells_on_or_asks(site: Site) -> None:
    told = play_scenario("lost cell", SCENARIOS["lost cell"], site, 1, seed=3)
    assert (told.passed, told.wrong, told.missed, told.invented) == (1.0, 0, 0, 0)
    assert told.rightly_reviewed == 1

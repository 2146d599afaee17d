"""How a named case's acts are judged: by what was said of them, in the mode that it was said in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge_agent.bytes_level.course import Course
from edge_agent.bytes_level.scenario import Scenario
from edge_agent.simulation.scoreboard import AFTER_S, BEFORE_S, Heard, Outcome, Scoreboard, Scored, judge
from edge_agent.simulation.truth import ActKind, ActTruth
from edge_agent.vocabulary import EventKind, Mode, Verdict

FOUND_S = 3.0
"""What changed unseen is compared at the first rest after the return, s (2026-12)."""
FOREIGN = {ActKind.FOREIGN_LEFT, ActKind.FOREIGN_REMOVED}
STAFFS_KINDS = {EventKind.RESTOCK, EventKind.REMOVE}


@dataclass(frozen=True, slots=True)
class Observed:
    """A judged act, or several that can only be told together.

    Attributes
    ----------
    mode : Mode
        What the shelf was for.
    unseen : bool
        Whether it happened while nobody watched.
    disturbed : bool
        Whether something was said of it though it moved nothing.
    """

    scored: Scored
    mode: Mode
    unseen: bool
    disturbed: bool


def visible(truth: ActTruth, course: Course) -> ActTruth:
    """Return an act that nobody watched as lasting until it can be found."""
    if course.away is None or not course.unseen(truth.t_start_s):
        return truth
    return replace(truth, t_release_s=course.away.until_s + FOUND_S)


def judged_acts(board: Scoreboard, scenario: Scenario, course: Course, world_start_ns: int) -> list[Observed]:
    """Return the acts that a case judges: overlapping ones, and what one shelf lost unseen, as one each."""
    single: list[Scored] = []
    grouped: dict[tuple[str, bool], list[Scored]] = {}
    for each in board.scored[scenario.judged_from :]:
        unseen = course.unseen(each.truth.t_start_s)
        if unseen or scenario.together:
            grouped.setdefault((each.truth.shelf_id, unseen), []).append(each)
        else:
            single.append(each)
    judged = single + [_together(group) for group in grouped.values()]
    return [
        Observed(
            each,
            course.mode_at(each.truth.t_start_s),
            course.unseen(each.truth.t_start_s),
            _disturbed(each.truth, board.invented, world_start_ns),
        )
        for each in sorted(judged, key=lambda one: one.truth.t_start_s)
    ]


def outcome_of(observed: Observed, scenario: Scenario) -> Outcome:
    """Return an act's outcome in its case.

    A review that names nothing leaves the truth to a person, and bills nobody; so does any where no name would be true.
    What is settled without a person is wrong where nobody can know, and so is whatever names another mode than the
    shelf's: staff would pay.
    """
    scored = observed.scored
    events = [each.event for each in scored.heard]
    settled = [event for event in events if event.verdict is Verdict.AUTO]
    if observed.disturbed or any(event.mode is not observed.mode for event in events):
        return Outcome.WRONG
    if settled and (observed.unseen or scenario.never_billed):
        return Outcome.WRONG
    if observed.mode is Mode.STAFF and any(event.kind not in STAFFS_KINDS for event in settled):
        return Outcome.WRONG
    if scored.outcome is Outcome.MISSED and scenario.may_be_silent and scored.truth.kind in FOREIGN:
        return Outcome.QUIET
    nameless = scenario.never_billed or all(not event.items for event in events)
    if scored.outcome is Outcome.REVIEWED_WITHOUT_TRUTH and nameless:
        return Outcome.REVIEWED_WITH_TRUTH
    return scored.outcome


def _together(parts: Sequence[Scored]) -> Scored:
    """Return several acts judged as one."""
    truths = [each.truth for each in parts]
    whole = replace(
        truths[0],
        t_release_s=max(truth.t_release_s for truth in truths),
        moves=tuple(move for truth in truths for move in truth.moves),
    )
    return judge(whole, tuple(heard for each in parts for heard in each.heard))


def _disturbed(truth: ActTruth, invented: Sequence[Heard], world_start_ns: int) -> bool:
    """Return whether anything was said of an act that moved nothing."""
    if truth.kind is not ActKind.PRESS:
        return False
    from_ns = world_start_ns + (truth.t_start_s - BEFORE_S) * 1e9
    until_ns = world_start_ns + (truth.t_release_s + AFTER_S) * 1e9
    return any(
        each.event.shelf_id == truth.shelf_id and each.event.t_start_ns <= until_ns and each.event.t_end_ns >= from_ns
        for each in invented
    )

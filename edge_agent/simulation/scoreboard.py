"""What the agent said, beside what happened."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from edge_agent.model import ItemChange, ItemEvent
from edge_agent.simulation.truth import ActKind, ActTruth
from edge_agent.vocabulary import Verdict

BEFORE_S = 0.5
AFTER_S = 1.5
"""An event stamped this much before the first touch or after the release still means the act, s (2026-11)."""


class Outcome(StrEnum):
    """How one act was told."""

    RIGHT = "right"
    WRONG = "wrong"
    """Billed something else."""
    REVIEWED_WITH_TRUTH = "reviewed, truth among the alternatives"
    REVIEWED_WITHOUT_TRUTH = "reviewed, truth not among the alternatives"
    MISSED = "missed"
    QUIET = "rightly silent"
    """Nothing was moved and nothing was said."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An event, and the world time at which it was known to be final (None where nobody kept it)."""

    event: ItemEvent
    known_s: float | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """One act with what was said of it.

    Attributes
    ----------
    heard : tuple of Heard
        Events that overlap the act, in time order; more than one is an act told in parts.
    latency_s : float | None
        From the release to the last of them being known.
    lanes_right : bool | None
        Whether the lanes were right too, for acts told right.
    """

    truth: ActTruth
    outcome: Outcome
    heard: tuple[Heard, ...]
    latency_s: float | None
    lanes_right: bool | None


@dataclass(frozen=True, slots=True)
class Summary:
    """The scores of a session."""

    acts: int
    outcomes: dict[Outcome, int]
    ambiguous: int
    ambiguous_outcomes: dict[Outcome, int]
    invented: int
    latency_p50_s: float | None
    latency_p95_s: float | None

    @property
    def clean(self) -> bool:
        """Return whether every clear act was right, every ambiguous one right or rightly reviewed, none invented."""
        allowed = {Outcome.RIGHT, Outcome.QUIET}
        rightly_reviewed = self.ambiguous_outcomes.get(Outcome.REVIEWED_WITH_TRUTH, 0)
        others = sum(count for outcome, count in self.outcomes.items() if outcome not in allowed)
        return others == rightly_reviewed and self.invented == 0


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """Every act with its outcome, and the events that belong to none."""

    scored: tuple[Scored, ...]
    invented: tuple[Heard, ...]

    def summary(self) -> Summary:
        """Return the totals."""
        latencies = sorted(each.latency_s for each in self.scored if each.latency_s is not None)
        unclear = [each for each in self.scored if each.truth.ambiguous is not None]
        return Summary(
            acts=len(self.scored),
            outcomes=dict(Counter(each.outcome for each in self.scored)),
            ambiguous=len(unclear),
            ambiguous_outcomes=dict(Counter(each.outcome for each in unclear)),
            invented=len(self.invented),
            latency_p50_s=_quantile(latencies, 0.5),
            latency_p95_s=_quantile(latencies, 0.95),
        )


def score(truths: Iterable[ActTruth], heard: Iterable[Heard], world_start_ns: int) -> Scoreboard:
    """Match events with acts by shelf and overlap in time, and judge each act.

    An event belongs to the act on its shelf that it overlaps longest, within a margin; events that overlap none are
    invented, and so is whatever is said of an act that moved nothing.

    Parameters
    ----------
    truths : iterable of ActTruth
        What happened, in world time.
    heard : iterable of Heard
        Final events only.
    world_start_ns : int
        Host monotonic instant of world time 0.
    """
    acts = list(truths)
    told: dict[int, list[Heard]] = {act.act_index: [] for act in acts}
    invented: list[Heard] = []
    for each in sorted(heard, key=lambda one: one.event.t_start_ns):
        act = _act_of(each.event, acts, world_start_ns)
        if act is None or act.kind is ActKind.PRESS:
            invented.append(each)
        else:
            told[act.act_index].append(each)
    return Scoreboard(tuple(judge(act, tuple(told[act.act_index])) for act in acts), tuple(invented))


def judge(truth: ActTruth, heard: tuple[Heard, ...]) -> Scored:
    """Judge what was said of one act.

    Billed items are compared over all of the act's events, by SKU and quantity. A foreign object is told right by a
    review, or an event of kind unknown, whose explanation names no items.
    """
    known_s = [each.known_s for each in heard if each.known_s is not None]
    latency_s = max(known_s) - truth.t_release_s if known_s and len(known_s) == len(heard) else None
    outcome = _outcome(truth, [each.event for each in heard])
    lanes_right = None
    if outcome is Outcome.RIGHT:
        said = {(item.sku, item.quantity, item.lane_id) for each in heard for item in each.event.items}
        lanes_right = said == set(truth.items)
    return Scored(truth, outcome, heard, latency_s, lanes_right)


def _outcome(truth: ActTruth, events: list[ItemEvent]) -> Outcome:
    if not events:
        return Outcome.QUIET if truth.kind is ActKind.PRESS else Outcome.MISSED
    happened = _by_sku((sku, quantity) for sku, quantity, _ in truth.items)
    said = _by_sku((item.sku, item.quantity) for event in events for item in event.items)
    reviewed = [event for event in events if event.verdict is Verdict.REVIEW]
    foreign = truth.kind in {ActKind.FOREIGN_LEFT, ActKind.FOREIGN_REMOVED}
    if not reviewed or (foreign and not said):
        return Outcome.RIGHT if said == happened else Outcome.WRONG
    if foreign:  # "something else" is what an event's alternatives leave to 1
        return Outcome.REVIEWED_WITH_TRUTH
    among = _truth_among(events, happened)
    return Outcome.REVIEWED_WITH_TRUTH if among else Outcome.REVIEWED_WITHOUT_TRUTH


def _truth_among(events: Sequence[ItemEvent], happened: dict[str, int]) -> bool:
    """Return whether one alternative per reviewed event, with what was billed, makes up the truth."""
    sums: list[dict[str, int]] = [{}]
    for event in events:
        options = [event.items]
        if event.verdict is Verdict.REVIEW:
            options.extend(alternative.items for alternative in event.alternatives)
        sums = [_add(total, option) for total in sums for option in options]
    return happened in sums


def _add(total: dict[str, int], items: tuple[ItemChange, ...]) -> dict[str, int]:
    return _by_sku([*total.items(), *((item.sku, item.quantity) for item in items)])


def _by_sku(changes: Iterable[tuple[str, int]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for sku, quantity in changes:
        counts[sku] = counts.get(sku, 0) + quantity
    return {sku: quantity for sku, quantity in counts.items() if quantity}


def _act_of(event: ItemEvent, acts: Sequence[ActTruth], world_start_ns: int) -> ActTruth | None:
    start_s = (event.t_start_ns - world_start_ns) / 1e9
    end_s = (event.t_end_ns - world_start_ns) / 1e9

    def overlap_s(act: ActTruth) -> float:
        return min(end_s, act.t_release_s + AFTER_S) - max(start_s, act.t_start_s - BEFORE_S)

    near = [act for act in acts if act.shelf_id == event.shelf_id and overlap_s(act) >= 0]
    return max(near, key=overlap_s, default=None)


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else None

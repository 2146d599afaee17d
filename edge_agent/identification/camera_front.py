"""What the shelf's front looked like before and after: log p(front | hypothesis).

A hypothesis says by how many items each lane changed; the camera says for each lane that it could compare how well
every such number fits. The words of lanes add up, but what shows in the wrong lane is missing in the right one: two
words for one error. So the front is a mixture of what is seen where it is, and one lane beside it.
"""

from collections.abc import Sequence

import numpy as np

from edge_agent.identification.gaussian import log_sum_exp
from edge_agent.model import LANE_CHANGES, FloatArray, IntArray, VisionObservation
from edge_agent.ports import HypothesisTable

UNCHANGED = LANE_CHANGES.index(0)
CLEAREST_NATS = 20.0
"""A camera is never surer of one lane than this; −∞ is a wish (rule, 2026-12)."""
BESIDE = 0.02
"""Chance that a change shows in the lane on the left of its own, and the same on the right: goods that stand on a
border, or lean over it as the camera sees them (assumed, 2026-12; on rendered shelves 7 in 100 comparisons of one
changed lane name another one)."""
DISTURBED = 0.1
"""Chance that a lane beside one that changed looks changed too: goods lean over, are pushed or uncovered (assumed,
2026-12; of all unchanged lanes of rendered shelves 1.7 in 100 do)."""
TOUCHED_TWICE = 0.1
"""Chance that a lane which changed between two pictures changes again before the next one (assumed, 2026-12)."""


def lane_quantities(hypotheses: HypothesisTable, lane_ids: Sequence[str]) -> IntArray:
    """Return by how many items each hypothesis changes each of some lanes, (hypotheses, lanes)."""
    column = {lane_id: place for place, lane_id in enumerate(lane_ids)}
    # One more column takes what moved elsewhere, or nothing.
    place = np.array([*(column.get(lane_id, len(lane_ids)) for lane_id in hypotheses.lane_ids), len(lane_ids)])
    changed = np.zeros((len(hypotheses), len(lane_ids) + 1), dtype=np.int32)
    rows = np.broadcast_to(np.arange(len(hypotheses))[:, None], hypotheses.lane_index.shape)
    np.add.at(changed, (rows, place[hypotheses.lane_index]), hypotheses.quantity)
    return changed[:, :-1]


def words_on_lanes(hypotheses: HypothesisTable, observations: Sequence[VisionObservation]) -> FloatArray | None:
    """Return nats per hypothesis over what chance would say, (hypotheses,); None where no front was compared.

    Chance is a camera that sees each of L lanes changed with probability 1/L, by any number, without having seen the
    act. So it sees as many lanes changed as a camera that lies, and what a word may weigh is bounded by ln 8L a lane.
    Something that the shelf does not sell comes or goes as chance does.
    """
    lane_ids, said = _whole_change([each for each in observations if each.lane_ids])
    lanes = len(lane_ids)
    if not lanes:
        return None
    over_unchanged = said - said[:, [UNCHANGED]]
    others = np.delete(over_unchanged, UNCHANGED, axis=1)
    seen_changed = np.logaddexp.reduce(others, axis=1) - np.log(others.shape[1] * lanes)
    by_chance = np.logaddexp(seen_changed, np.log1p(-1 / lanes) if lanes > 1 else -np.inf).sum()
    change = np.clip(lane_quantities(hypotheses, lane_ids), LANE_CHANGES[0], LANE_CHANGES[-1]) - LANE_CHANGES[0]
    nats = over_unchanged[np.arange(lanes)[None, :], change].sum(axis=1)
    if lanes > 1:
        nats = nats + _disturbed(others, change)
        left, right = (_beside(over_unchanged, change, shift) + np.log(BESIDE) for shift in (-1, 1))
        nats = np.logaddexp.reduce([nats + np.log1p(-2 * BESIDE), left, right])
    nats = nats - by_chance
    over_chance: FloatArray = np.where(hypotheses.unknown, 0.0, nats)
    return over_chance


def _disturbed(others: FloatArray, change: IntArray) -> FloatArray:
    """Return nats per hypothesis for lanes that did not change beside one that did: some look as if they had."""
    changed = change != UNCHANGED
    beside = np.zeros_like(changed)
    beside[:, 1:] |= changed[:, :-1]
    beside[:, :-1] |= changed[:, 1:]
    looks_changed = np.logaddexp.reduce(others, axis=1) - np.log(others.shape[1])
    each = np.logaddexp(np.log1p(-DISTURBED), np.log(DISTURBED) + looks_changed)
    nats: FloatArray = np.where(beside & ~changed, each, 0.0).sum(axis=1)
    return nats


def _beside(over_unchanged: FloatArray, change: IntArray, shift: int) -> FloatArray:
    """Return nats per hypothesis if every change showed in the next lane on one side; an end lane's in its own."""
    lanes = len(over_unchanged)
    shown = np.full_like(change, UNCHANGED)
    for lane in range(lanes):
        place = min(max(lane + shift, 0), lanes - 1)
        moved = change[:, lane] != UNCHANGED
        shown[moved, place] = change[moved, lane]
    nats: FloatArray = over_unchanged[np.arange(lanes)[None, :], shown].sum(axis=1)
    return nats


def _whole_change(compared: Sequence[VisionObservation]) -> tuple[tuple[str, ...], FloatArray]:
    """Return lanes and nats, (lanes, 9), of the whole act: hands may leave and come back before the weight rests.

    Comparisons that follow each other are joined; of two over the same time the later one counts.
    """
    lane_ids: tuple[str, ...] = ()
    said = np.zeros((0, len(LANE_CHANGES)))
    begins_ns: int | None = None
    for each in sorted(compared, key=lambda seen: (-seen.t_end_ns, seen.observation_id)):
        if begins_ns is not None and each.t_end_ns > begins_ns:
            continue
        own = _bounded(each.lane_log_likelihood)
        if begins_ns is None:
            lane_ids, said = each.lane_ids, own
        else:
            row = {lane_id: place for place, lane_id in enumerate(each.lane_ids)}
            both = [place for place, lane_id in enumerate(lane_ids) if lane_id in row]
            joined = [_joined(said[place], own[row[lane_ids[place]]]) for place in both]
            lane_ids = tuple(lane_ids[place] for place in both)
            said = np.array(joined).reshape(-1, len(LANE_CHANGES))
        begins_ns = each.t_start_ns
    return lane_ids, said


def _bounded(said: FloatArray) -> FloatArray:
    bounded: FloatArray = np.maximum(said, np.nan_to_num(said.max(axis=1, keepdims=True)) - CLEAREST_NATS)
    return bounded


def _joined(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return nats for the sum of two changes, (9,): the mean over all ways in which it may have come about."""
    changes = np.arange(LANE_CHANGES[0], LANE_CHANGES[-1] + 1, dtype=np.int32)
    often = np.full(len(changes), np.log(TOUCHED_TWICE / (len(changes) - 1)))
    often[UNCHANGED] = np.log1p(-TOUCHED_TWICE)
    total = np.clip(changes[:, None] + changes[None, :], changes[0], changes[-1])
    ways = often[:, None] + often[None, :]
    fit = one[:, None] + other[None, :] + ways
    return np.array([log_sum_exp(fit[total == each]) - log_sum_exp(ways[total == each]) for each in LANE_CHANGES])

"""What the shelf's front looked like before and after: log p(front | hypothesis).

A hypothesis says by how many items each lane changed; the camera says for each lane that it could compare how well
every such number fits. Lanes are compared with pictures of their own, so their words add up.
"""

from collections.abc import Sequence

import numpy as np

from edge_agent.identification.gaussian import log_sum_exp
from edge_agent.model import LANE_CHANGES, FloatArray, IntArray, VisionObservation
from edge_agent.ports import HypothesisTable

UNCHANGED = LANE_CHANGES.index(0)


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

    Chance is a camera that sees one lane change, any and by any number, without having seen the act. Something that the
    shelf does not sell comes or goes as chance does. Of several comparisons in one act the last one counts: it spans
    the whole of it.
    """
    compared = [each for each in observations if each.lane_ids]
    if not compared:
        return None
    last = max(compared, key=lambda each: (each.t_end_ns, each.observation_id))
    over_unchanged = last.lane_log_likelihood - last.lane_log_likelihood[:, [UNCHANGED]]
    others = np.delete(over_unchanged, UNCHANGED, axis=1).ravel()
    by_chance = log_sum_exp(others) - float(np.log(len(others)))
    change = np.clip(lane_quantities(hypotheses, last.lane_ids), LANE_CHANGES[0], LANE_CHANGES[-1]) - LANE_CHANGES[0]
    nats = over_unchanged[np.arange(len(last.lane_ids))[None, :], change].sum(axis=1) - by_chance
    return np.where(hypotheses.unknown, 0.0, nats)

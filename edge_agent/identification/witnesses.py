"""The witnesses of this room: weight, position and, where a camera speaks, its word on the items.

Weight and position share one joint Gaussian of the channels by the chain rule: weight scores the total, position
what the single channels say once the total is known. Their sum is the joint log-density exactly, so neither counts
evidence twice.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.identification.gaussian import log_density, log_density_scalar
from edge_agent.model import BoolArray, FloatArray, VisionObservation, WeightStep
from edge_agent.ports import HypothesisTable


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """A witness's testimony: nats per hypothesis, (hypotheses,), and what they rest on."""

    log_likelihood: FloatArray
    calibration_id: str
    silent: bool = False


def silence(hypotheses: HypothesisTable) -> Words:
    """Return the testimony of a witness that saw nothing: it favours no hypothesis."""
    return Words(np.zeros(len(hypotheses)), calibration_id="", silent=True)


def _total(hypotheses: HypothesisTable, act: WeightStep) -> FloatArray:
    used = hypotheses.channels
    residual = act.delta_g[used].sum() - hypotheses.mean_g.sum(axis=1)
    variance = act.covariance_g2[np.ix_(used, used)].sum() + hypotheses.covariance_g2.sum(axis=(1, 2))
    return log_density_scalar(residual, variance)


class WeightWitness:
    """What the scale says of the total change: log p(total | hypothesis).

    Parameters
    ----------
    calibration_id : str
        Names the calibration behind the grams.
    """

    name = "weight"

    def __init__(self, calibration_id: str = "") -> None:
        self.calibration_id = calibration_id

    def log_likelihood(
        self, hypotheses: HypothesisTable, act: WeightStep, observations: Sequence[VisionObservation]
    ) -> Words:
        """Score every hypothesis by the sum over the readable channels of the regions that changed."""
        del observations
        return Words(_total(hypotheses, act), self.calibration_id)


class PositionWitness:
    """What the single channels say beyond their total: log p(channels | total, hypothesis).

    On a shelf with one readable channel it is silent. On separate plates the choice of plates is made before (a plate
    that did not change explains nothing), so what it adds here is how the total divides among the changed ones.
    """

    name = "position"

    def __init__(self, calibration_id: str = "") -> None:
        self.calibration_id = calibration_id

    def log_likelihood(
        self, hypotheses: HypothesisTable, act: WeightStep, observations: Sequence[VisionObservation]
    ) -> Words:
        """Score every hypothesis by the joint density of the channels over that of their total."""
        del observations
        if np.count_nonzero(act.valid) < 2:
            return silence(hypotheses)
        used = hypotheses.channels
        if len(used) == 1:
            return Words(np.zeros(len(hypotheses)), self.calibration_id)
        residual = act.delta_g[used] - hypotheses.mean_g
        covariance = act.covariance_g2[np.ix_(used, used)] + hypotheses.covariance_g2
        # The sum of the channels replaces the last one: a change of variables with determinant 1.
        return Words(log_density(residual, covariance) - _total(hypotheses, act), self.calibration_id)


ITEM_SEEN = 0.8
"""Chance of a moved item to be seen, where the camera looks at every one: hands hide some (assumed, 2026-11)."""
SEES_ONE_SHARE = 0.1
"""Acts of which the camera sees as many items as it happens to, whatever moved: a stack swept at once (assumed,
2026-11)."""
TOO_MANY_WORDS = 0.01
"""Factor for every word on an item beyond those that moved: one item was seen twice (assumed, 2026-11)."""
MOST_ASSIGNED = 4
"""Items up to which words are assigned to items; of more, each word is taken to be of any of them (2026-11)."""


class VisionWitness:
    """What the camera recognised in the hand or gone from the shelf: log p(appearance | hypothesis).

    An observation speaks of one of the moved items without saying which, so an explanation with several SKUs is as
    likely as their mean, weighted by number. Observations of one track and item index are frames of one item, their
    words add up. Different items are assigned to those that moved in every possible way, and how many were seen speaks
    for how many there were. Evidence from the same pixels must come calibrated jointly, in one observation.
    """

    name = "camera"

    def log_likelihood(
        self, hypotheses: HypothesisTable, act: WeightStep, observations: Sequence[VisionObservation]
    ) -> Words:
        """Score every hypothesis by the observations of this shelf that overlap the act in time."""
        seen = [
            each
            for each in observations
            if each.shelf_id == act.shelf_id and each.t_start_ns <= act.t_end_ns and each.t_end_ns >= act.t_start_ns
        ]
        if not seen:
            return silence(hypotheses)
        of_items = np.array([each.item_index is not None for each in seen])
        said = np.array([_per_sku(each, hypotheses.skus) for each in seen])
        said, of_items = _by_item(said, [(each.track_id, each.item_index) for each in seen], of_items)
        top = said.max(axis=1)
        likelihood = np.exp(said - top[:, None])
        share = np.abs(hypotheses.quantity).astype(np.float64)
        number = share.sum(axis=1)
        nameless = hypotheses.unknown | (number == 0)
        single = (likelihood[:, hypotheses.sku_index] * share).sum(axis=2) / np.maximum(number, 1)
        single = np.where(nameless, likelihood[:, -1:], single)
        together = single[~of_items].prod(axis=0)
        if of_items.any():
            together = together * _assigned(likelihood[of_items], single[of_items], hypotheses, nameless)
        nats = np.log(np.maximum(together, np.finfo(np.float64).tiny)) + float(top.sum())
        calibrations = sorted({observation.calibration_id for observation in seen})
        return Words(nats, "+".join(calibrations))


def _per_sku(observation: VisionObservation, skus: Sequence[str]) -> list[float]:
    """Return what an observation says of the table's SKUs, and of none of them, nats."""
    word = dict(zip(observation.sku_ids, observation.log_likelihood[:-1].tolist(), strict=True))
    none_of_them = float(observation.log_likelihood[-1])
    return [*(word.get(sku, none_of_them) for sku in skus), none_of_them]


def _by_item(
    said: FloatArray, items: Sequence[tuple[int, int | None]], of_items: BoolArray
) -> tuple[FloatArray, BoolArray]:
    """Return words of which each is on an item of its own, or on any, and which are the former."""
    frames: dict[tuple[int, int | None], list[int]] = {}
    for row in np.flatnonzero(of_items).tolist():
        frames.setdefault(items[row], []).append(row)
    added = [said[rows].sum(axis=0) for rows in frames.values()]
    words = np.array([*said[~of_items], *added])
    return words, np.arange(len(words)) >= np.count_nonzero(~of_items)


def _assigned(
    likelihood: FloatArray, single: FloatArray, hypotheses: HypothesisTable, nameless: BoolArray
) -> FloatArray:
    """Return p(words on different items | hypothesis), (hypotheses,).

    Parameters
    ----------
    likelihood : (words, skus + 1)
    single : (words, hypotheses)
        Of each word taken alone.
    """
    words = len(likelihood)
    number = np.abs(hypotheses.quantity).sum(axis=1)
    result = single.prod(axis=0) * TOO_MANY_WORDS ** np.maximum(words - number, 0)
    for items in range(words, MOST_ASSIGNED + 1):
        rows = np.flatnonzero((number == items) & ~nameless)
        if not len(rows):
            continue
        count = np.abs(hypotheses.quantity[rows])
        sku = np.repeat(hypotheses.sku_index[rows].ravel(), count.ravel()).reshape(len(rows), items)
        ways = [
            np.prod([likelihood[word, sku[:, place]] for word, place in enumerate(order)], axis=0)
            for order in itertools.permutations(range(items), words)
        ]
        result[rows] = np.mean(ways, axis=0)
    number = np.minimum(number, max(words, MOST_ASSIGNED))
    so_many = np.where(
        number >= words,
        np.array([math.comb(max(each, words), words) for each in number.tolist()])
        * ITEM_SEEN**words
        * (1 - ITEM_SEEN) ** np.maximum(number - words, 0),
        ITEM_SEEN**number,
    )
    so_many = (1 - SEES_ONE_SHARE) * so_many + SEES_ONE_SHARE
    scored: FloatArray = np.where(nameless, result, result * so_many)
    return scored

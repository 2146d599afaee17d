"""The witnesses of this room: weight, position and, where a camera speaks, its word on the items.

Weight and position share one joint Gaussian of the channels by the chain rule: weight scores the total, position
what the single channels say once the total is known. Their sum is the joint log-density exactly, so neither counts
evidence twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.identification.gaussian import log_density, log_density_scalar
from edge_agent.model import FloatArray, VisionObservation, WeightStep
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


class VisionWitness:
    """What the camera recognised in the hand or gone from the shelf: log p(appearance | hypothesis).

    An observation speaks of one of the moved items (or of all of them at once) without saying which, so an explanation
    with several SKUs is as likely as their mean, weighted by number. Observations are taken as independent: evidence
    from the same pixels must come calibrated jointly, in one observation.
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
        share = np.abs(hypotheses.quantity).astype(np.float64)
        number = share.sum(axis=1)
        nats = np.zeros(len(hypotheses))
        for observation in seen:
            word = dict(zip(observation.sku_ids, observation.log_likelihood[:-1].tolist(), strict=True))
            none_of_them = float(observation.log_likelihood[-1])
            per_sku = np.array([*(word.get(sku, none_of_them) for sku in hypotheses.skus), none_of_them])
            top = float(per_sku.max())
            likelihood = np.exp(per_sku - top)
            mean = (share * likelihood[hypotheses.sku_index]).sum(axis=1) / np.maximum(number, 1)
            mean = np.where(hypotheses.unknown | (number == 0), likelihood[-1], mean)
            nats += np.log(np.maximum(mean, np.finfo(np.float64).tiny)) + top
        calibrations = sorted({observation.calibration_id for observation in seen})
        return Words(nats, "+".join(calibrations))

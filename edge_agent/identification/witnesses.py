"""The scale's two witnesses: weight and position (the camera's is in camera_witness.py).

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

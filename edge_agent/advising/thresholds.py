"""What a confidence below which a person decides costs in reviews, and lets through in wrong bills.

Confidences are calibrated, so an act of confidence c that is billed adds 1 − c to the errors expected. Acts of the same
confidence are billed together or not at all: that is all that a threshold can do.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.model import FloatArray

LEAST_DECIMALS = 4
"""Decimals of a threshold that is recommended; more only where the tolerated error asks for them (2026-11)."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What one ``min_confidence`` does to a shelf's acts.

    Attributes
    ----------
    min_confidence : float
        0.5 up to below 1, as the configuration allows it.
    reviewed, wrong : float
        Shares of all acts: those that go to review, and those expected to be billed wrongly.
    """

    min_confidence: float
    reviewed: float
    wrong: float


def standing_at(confidences: Sequence[float] | FloatArray, min_confidence: float) -> Standing:
    """Return what a threshold does.

    Parameters
    ----------
    confidences : (acts,) float
        In any order; 0 where an act is reviewed whatever the threshold.
    min_confidence : float
        Acts of this confidence and above are billed.
    """
    confidence = np.asarray(confidences, dtype=np.float64)
    billed = confidence >= min_confidence
    acts = max(len(confidence), 1)
    wrong = float(np.sum(1 - confidence[billed])) / acts
    return Standing(min_confidence, float(np.count_nonzero(~billed)) / acts, wrong)


def threshold_for(confidences: Sequence[float] | FloatArray, target_wrong: float) -> Standing:
    """Return the least threshold at which no more than ``target_wrong`` of all acts are billed wrongly.

    It has four decimals, as it will be typed into a file, and its shares are those at just this value. Targets below
    1 in 10,000 get as many decimals as they need: where all that is billed is surer than 1 − target, the target is met.

    Parameters
    ----------
    confidences : (acts,) float
        As for `standing_at`.
    target_wrong : float
        Above 0, share of all acts.
    """
    scale = 10 ** max(LEAST_DECIMALS, math.ceil(-math.log10(target_wrong) - 1e-9))
    confidence = np.asarray(confidences, dtype=np.float64)
    allowed = range(scale // 2, scale - 1)
    place = bisect_left(allowed, True, key=lambda level: standing_at(confidence, level / scale).wrong <= target_wrong)
    return standing_at(confidence, (scale // 2 + place) / scale)

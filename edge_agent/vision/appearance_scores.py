"""How well a picture's features fit each SKU's template: two numbers a SKU, not yet a likelihood.

*Nearness* is a local naive-Bayes nearest-neighbour score (McCann and Lowe 2012): each feature speaks for the SKUs whose
nearest feature is nearer than that of the SKU of rank `BACKGROUND_RANK`, by the square of how much nearer. *Shared* is
the number of features that one view of the SKU shows in the same arrangement.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.vision.appearance_features import STEP, Features, Numbers
from edge_agent.vision.appearance_matching import agreeing
from edge_agent.vision.templates import SkuTemplate

BACKGROUND_RANK = 4
"""SKUs nearer than the one of this rank share what a feature says; what is as near to so many is nobody's (2026-12)."""
FARTHEST = 0.8
"""Distance at which a feature says nothing even where few SKUs are asked about; 1 in 20 of any SKU is that far
(2026-12)."""
FULL_GAIN = 0.1
"""Gain of distance with which a shared feature counts 1."""
VERIFIED_SKUS = 4
"""SKUs with the best nearness whose arrangement is looked at: it costs most."""
VERIFIED_VIEWS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What a picture shows of each SKU, (skus,) each; ``features`` counts what stands out in the picture, by centre."""

    nearness: Numbers
    shared: Numbers
    features: float


def scores(seen: Features, templates: Sequence[SkuTemplate]) -> Scores:
    """Return how well a picture fits each template."""
    number = len(templates)
    if not len(seen) or not number:
        return Scores(np.zeros(number), np.zeros(number), 0.0)
    asked = seen.descriptors.astype(np.float32) * np.float32(STEP)
    asked_squares = (asked * asked).sum(axis=1)
    rows = np.arange(len(seen))
    squares = np.empty((len(seen), number), np.float32)
    nearest = np.empty((len(seen), number), np.int32)
    for index, template in enumerate(templates):
        to_known = _without_asked(asked, template.descriptors)  # 4 MB: not kept
        nearest[:, index] = to_known.argmin(axis=1)
        squares[:, index] = to_known[rows, nearest[:, index]]
    distance = np.sqrt(np.maximum(squares + asked_squares[:, None], 0))
    rank = min(BACKGROUND_RANK, number - 1)
    usual = np.partition(distance, rank, axis=1)[:, rank] if number > 1 else np.full(len(seen), FARTHEST)
    usual = np.minimum(usual, FARTHEST)
    gain = np.maximum(usual[:, None] - distance, 0) * np.sqrt(seen.centrality)[:, None]
    nearness = np.sqrt((gain**2).sum(axis=0))
    shared = np.zeros(number)
    for index in np.argsort(-nearness, kind="stable")[:VERIFIED_SKUS].tolist():
        template = templates[index]
        votes = np.bincount(template.view[nearest[:, index]], weights=gain[:, index])
        for view in np.argsort(-votes, kind="stable")[:VERIFIED_VIEWS].tolist():
            columns = np.flatnonzero(template.view == view)
            to_view = _without_asked(asked, template.descriptors[columns]) + asked_squares[:, None]
            arranged = _arranged(seen, to_view, usual, template.xy_px[columns])
            shared[index] = max(shared[index], arranged)
    return Scores(nearness, shared, float(seen.centrality.sum()))


def _without_asked(asked: Numbers, descriptors: Numbers) -> Numbers:
    """Return squared distances less the asked features' own squares, (asked, descriptors) float32."""
    known = descriptors.astype(np.float32) * np.float32(STEP)
    squares: Numbers = asked @ (-2 * known.T)
    squares += (known * known).sum(axis=1)
    return squares


def _arranged(seen: Features, to_view: Numbers, usual: Numbers, view_px: Numbers) -> float:
    """Return how many features a view shows in the same arrangement, weighted by centrality and gain.

    Parameters
    ----------
    to_view : (features, of the view)
        Squared distances.
    usual : (features,)
        Distance at which a feature says nothing.
    view_px : (of the view, 2)
    """
    rows = np.arange(len(seen))
    nearest = to_view.argmin(axis=1)
    gain = (usual - np.sqrt(np.maximum(to_view[rows, nearest], 0))) * seen.centrality
    matched = np.flatnonzero((to_view.argmin(axis=0)[nearest] == rows) & (gain > 0))
    agrees = agreeing(view_px[nearest[matched]], seen.xy_px[matched])
    return float(gain[matched][agrees].sum()) / FULL_GAIN

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

BACKGROUND_RANK = 6
"""SKUs nearer than this one share what a feature says; what is as near to so many is nobody's (2026-12)."""
FARTHEST = 0.55
"""Distance at which a feature says nothing even where few SKUs are asked about: the sixth nearest of 31 SKUs is about
that near (2026-12)."""
VERIFIED_SKUS = 4
"""SKUs with the best nearness whose arrangement is looked at: it costs most."""
VERIFIED_VIEWS = 2


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
    nearest = np.empty((len(seen), number), np.float32)
    for index, template in enumerate(templates):
        nearest[:, index] = _without_asked(asked, template).min(axis=1)
    distance = np.sqrt(np.maximum(nearest + asked_squares[:, None], 0))
    rank = min(BACKGROUND_RANK, number - 1)
    usual = np.partition(distance, rank, axis=1)[:, rank] if number > 1 else np.full(len(seen), FARTHEST)
    usual = np.minimum(usual, FARTHEST)
    gain = np.maximum(usual[:, None] - distance, 0)
    nearness = np.sqrt((gain**2 * seen.centrality[:, None]).sum(axis=0))
    shared = np.zeros(number)
    for index in np.argsort(-nearness, kind="stable")[:VERIFIED_SKUS].tolist():
        squares = _without_asked(asked, templates[index]) + asked_squares[:, None]  # kept for all, 4 MB each
        shared[index] = _shared(seen, squares, usual, templates[index])
    return Scores(nearness, shared, float(seen.centrality.sum()))


def _without_asked(asked: Numbers, template: SkuTemplate) -> Numbers:
    """Return squared distances less the asked features' own squares, (asked, known) float32."""
    known = template.descriptors.astype(np.float32) * np.float32(STEP)
    squares: Numbers = (known * known).sum(axis=1) - 2 * (asked @ known.T)
    return squares


def _shared(seen: Features, squares: Numbers, usual: Numbers, template: SkuTemplate) -> float:
    """Return how many features one view of a SKU shows in the same arrangement, weighted by centrality."""
    near_enough = usual**2
    found: list[tuple[float, Numbers, Numbers]] = []
    for view in range(int(template.view[-1]) + 1):
        columns = np.flatnonzero(template.view == view)
        of_view = squares[:, columns]
        nearest = of_view.argmin(axis=1)
        rows = np.arange(len(seen))
        matched = (of_view.argmin(axis=0)[nearest] == rows) & (of_view[rows, nearest] < near_enough)
        weight = float(((usual - np.sqrt(np.maximum(of_view[rows, nearest], 0))) * seen.centrality)[matched].sum())
        found.append((weight, np.flatnonzero(matched), columns[nearest[matched]]))
    found.sort(key=lambda each: -each[0])
    best = 0.0
    for _, rows, columns in found[:VERIFIED_VIEWS]:
        agrees = agreeing(template.xy_px[columns], seen.xy_px[rows])
        best = max(best, float(seen.centrality[rows[agrees]].sum()))
    return best

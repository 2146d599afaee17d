"""From a product's photographs to its template: the views that show most, and of them what belongs to the product.

A photograph shows more than the product. What other photographs, not of the same burst, show in the same arrangement is
the product's; so is more likely what lies in the middle. A shelf behind the product moves between photographs.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge_agent.vision.appearance_bursts import SAME_BURST, likeness, small_grey
from edge_agent.vision.appearance_features import Features, Numbers, features
from edge_agent.vision.appearance_matching import agreement
from edge_agent.vision.frames import ColourPicture
from edge_agent.vision.templates import SkuTemplate

MOST_FEATURES = 2500
"""Of a template: 210 kB in memory."""
MOST_VIEWS = 16
"""More pay nothing: 25 views with fewer features each know as many (2026-12)."""
SURE_SHARED = 8
"""Features under one map from which two photographs surely show the same side (2026-12)."""
ENOUGH_SHARED = 30.0
"""Shared features, weighted by centrality, from which one view stands for another (2026-12)."""
CONFIRMED_ENOUGH = 3.0
"""Photographs that confirm a feature; more make it no surer."""
PER_RANK = 0.001
"""What a stronger response counts against a confirmation, per rank."""


@dataclass(frozen=True, slots=True, eq=False)
class Photograph:
    """What enrolment keeps of one photograph."""

    seen: Features
    small: Numbers
    digest: str


Pair = tuple[int, int]
Shared = dict[Pair, tuple[Numbers, Numbers]]
"""Per pair of photographs, the lower number first: rows of features that both show."""


def photograph(picture: ColourPicture) -> Photograph:
    """Return what enrolment needs of a picture, (height, width, 3) uint8."""
    digest = hashlib.sha256(repr(picture.shape).encode() + np.ascontiguousarray(picture).tobytes()).hexdigest()
    return Photograph(features(picture), small_grey(picture), digest)


def shared_features(photographs: Sequence[Photograph], alike: Numbers) -> Shared:
    """Return what every two photographs of different bursts surely share.

    Parameters
    ----------
    alike : (n, n)
        Of `likeness`.
    """
    shared: Shared = {}
    for one in range(len(photographs)):
        for other in range(one + 1, len(photographs)):
            if alike[one, other] > SAME_BURST:
                continue
            first, second = photographs[one].seen, photographs[other].seen
            same = agreement(first.xy_px, first.descriptors, second.xy_px, second.descriptors)
            if same is not None and len(same.first) >= SURE_SHARED:
                shared[one, other] = same.first, same.second
    return shared


def template_of(
    sku: str,
    photographs: Sequence[Photograph],
    *,
    version: int = 1,
    shared: Shared | None = None,
    use: Sequence[int] | None = None,
) -> SkuTemplate:
    """Return a SKU's template.

    Parameters
    ----------
    photographs : sequence of Photograph
    shared : Shared, optional
        Where it is known already; computed where None.
    use : sequence of int, optional
        The photographs to make it of, all where None.

    Raises
    ------
    ValueError
        None of the photographs shows anything that could be known again.
    """
    chosen = [each for each in (range(len(photographs)) if use is None else use) if len(photographs[each].seen)]
    if not chosen:
        raise ValueError(f"nothing stands out in the photographs of {sku}")
    if shared is None:
        shared = shared_features(photographs, likeness([each.small for each in photographs]))
    confirmed, covers = _confirmations(photographs, shared, chosen)
    views = _views(covers)
    per_view = MOST_FEATURES // len(views)
    rows: list[Numbers] = []
    for view in views:
        worth = np.minimum(confirmed[view], CONFIRMED_ENOUGH) + photographs[chosen[view]].seen.centrality
        worth = worth - PER_RANK * np.arange(len(worth))
        rows.append(np.argsort(-worth, kind="stable")[:per_view].astype(np.int32))
    seen = [photographs[chosen[view]].seen for view in views]
    used = [photographs[each] for each in chosen]
    return SkuTemplate(
        sku,
        version,
        len(used),
        tuple(each.digest for each in used),
        np.repeat(np.arange(len(views)), [len(each) for each in rows]).astype(np.int32),
        np.concatenate([each.xy_px[row] for each, row in zip(seen, rows, strict=True)]),
        np.concatenate([each.descriptors[row] for each, row in zip(seen, rows, strict=True)]),
        np.array([cv2.resize(each.small, (16, 16), interpolation=cv2.INTER_AREA) for each in used]).astype(np.uint8),
    )


def _confirmations(
    photographs: Sequence[Photograph], shared: Shared, chosen: Sequence[int]
) -> tuple[list[Numbers], Numbers]:
    """Return how often each feature was confirmed, and how far each photograph stands for each, (n, n)."""
    place = {number: index for index, number in enumerate(chosen)}
    confirmed = [np.zeros(len(photographs[each].seen)) for each in chosen]
    covers = np.eye(len(chosen)) * ENOUGH_SHARED
    for (one, other), (first, second) in shared.items():
        if one not in place or other not in place:
            continue
        weight = np.minimum(photographs[one].seen.centrality[first], photographs[other].seen.centrality[second])
        confirmed[place[one]][first] += weight
        confirmed[place[other]][second] += weight
        covers[place[one], place[other]] = covers[place[other], place[one]] = min(float(weight.sum()), ENOUGH_SHARED)
    return confirmed, covers


def _views(covers: Numbers) -> list[int]:
    """Return the photographs that together stand for all, greedily (facility location; Nemhauser et al. 1978)."""
    covered = np.zeros(len(covers))
    views: list[int] = []
    for _ in range(min(MOST_VIEWS, len(covers))):
        gain = (np.maximum(covers, covered) - covered).sum(axis=1)
        gain[views] = -1.0
        views.append(int(gain.argmax()))
        covered = np.maximum(covered, covers[views[-1]])
    return views

"""What the pauses of an act say: log p(what the shelf weighed in them | total change, explanation).

An act whose weight paused K − 1 times came in K parts. Under an explanation with n items every part is some of them, in
an order that nobody knows: the mean over all ways of dealing n items into K parts, each way weighed by how well the
items gone so far explain each pause. Given the whole change Δ with covariance R, items of mean M and covariance V, of
which those so far have mean m and covariance v, a pause reads (conditional Gaussian)

    m + v (V + R)⁻¹ (Δ − M)  ±  v − v (V + R)⁻¹ v + P

with P what a hand may have pressed. The mean over ways is a recursion over pauses and sub-multisets. A pause may also
be a hand's work alone: a broad density that favours no explanation has a small share in each.
"""

import itertools
import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from edge_agent.identification.bundles import MAX_TERMS
from edge_agent.identification.gaussian import log_density
from edge_agent.identification.hypotheses import Hypotheses
from edge_agent.identification.witnesses import Words
from edge_agent.model import FloatArray, IntArray, WeightStep
from edge_agent.ports import Testimony

ONE_GRASP_SHARE = 0.3
"""Acts on several items that show no pause at all: one grasp, or two hands (simulated, 2026-11)."""
SEEN_SHARE = 0.8
"""Of the others, passages from one item to the next that show as a pause (simulated, 2026-11)."""
HAND_ALONE = 0.01
"""Share of acts in which a pause is not what the items say: a hand leaned on the goods (assumed, 2026-11; none in 451
simulated acts on one item)."""
HEARD_NATS = 20.0
"""Explanations less likely than the best by more than this, without the pauses, are not dealt out (2026-11)."""
MOST_DEALT = 8
"""Items of an explanation up to which they are dealt out; of more, pauses tell nothing but that there were several
(2026-11)."""
BROAD_G = 20.0
"""Least σ per channel of the broad density, g (2026-11)."""

_UP_TO = range(MOST_DEALT + 1)
_BINOMIAL = np.array([[math.comb(n, k) for k in _UP_TO] for n in _UP_TO], dtype=np.float64)


def with_pauses(hypotheses: Hypotheses, step: WeightStep, testimonies: Sequence[Testimony]) -> list[Testimony]:
    """Return the testimonies with what the pauses say beyond them."""
    if len(step.sub_steps) < 2:
        return list(testimonies)
    log_joint = hypotheses.log_prior + sum((each.log_likelihood for each in testimonies), np.zeros(len(hypotheses)))
    return [*testimonies, Words(log_of_pauses(hypotheses, step, log_joint), calibration_id="")]


def log_of_pauses(hypotheses: Hypotheses, step: WeightStep, log_joint: FloatArray) -> FloatArray:
    """Return nats per explanation, (hypotheses,); zeros where the step has no pauses.

    Parameters
    ----------
    log_joint : (hypotheses,)
        Log of prior times likelihood without the pauses.
    """
    parts = len(step.sub_steps)
    if parts < 2 or not len(hypotheses):
        return np.zeros(len(hypotheses))
    used = hypotheses.channels
    levels = np.cumsum([each.delta_g[used] for each in step.sub_steps[:-1]], axis=0)
    doubts = np.array([each.so_far_covariance_g2[np.ix_(used, used)] for each in step.sub_steps[:-1]])
    change, noise = step.delta_g[used], step.covariance_g2[np.ix_(used, used)]
    wide = doubts + np.diag((np.abs(change) / 2 + BROAD_G) ** 2)
    broad = float(log_density(levels - change / 2, wide).sum())
    # What is not of the tables' items: one thing that the shelf does not sell, or more items than the tables list.
    strange = hypotheses.foreign.any(axis=1) | (hypotheses.load_taken >= 0).any(axis=1)
    nats = np.where(strange, math.log(HAND_ALONE), math.log(_shown(parts, max(parts, MOST_DEALT)))) + broad
    heard = ~hypotheses.unknown & ~strange & (log_joint > log_joint.max() - HEARD_NATS)
    nats[~hypotheses.unknown & ~strange & ~heard] = math.log(HAND_ALONE) + broad
    rows = np.flatnonzero(heard).astype(np.int32)
    quantity = hypotheses.quantity[rows]
    order = np.argsort(-np.abs(quantity), axis=1, kind="stable").astype(np.int32)
    numbers = np.take_along_axis(np.abs(quantity), order, axis=1)
    for pattern in {tuple(row[row > 0].tolist()) for row in numbers}:
        padded = np.pad(np.array(pattern), (0, numbers.shape[1] - len(pattern)))
        alike = np.flatnonzero((numbers == padded).all(axis=1))
        if sum(pattern) > MOST_DEALT:
            continue
        terms = order[alike][:, : len(pattern)]
        mean, covariance = _items(hypotheses, rows[alike], terms)
        dealt = _dealt(pattern, mean, covariance, levels, doubts, change, noise)
        nats[rows[alike]] = np.logaddexp(
            math.log1p(-HAND_ALONE) + math.log(max(_shown(parts, sum(pattern)), 1e-300)) + dealt,
            math.log(HAND_ALONE) + broad,
        )
    return nats


def _shown(parts: int, items: int) -> float:
    """Return P(an act on so many items comes in so many parts)."""
    if parts > items:
        return 0.0
    seen = math.comb(items - 1, parts - 1) * SEEN_SHARE ** (parts - 1) * (1 - SEEN_SHARE) ** (items - parts)
    return (1 - ONE_GRASP_SHARE) * seen + (ONE_GRASP_SHARE if parts == 1 else 0.0)


def _items(hypotheses: Hypotheses, rows: IntArray, terms: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return signed mean, (rows, terms, channels), and covariance, (…, channels), of one item of each term."""
    channels = len(hypotheses.channels)
    mean = np.zeros((*terms.shape, channels))
    covariance = np.zeros((*terms.shape, channels, channels))
    block = terms // MAX_TERMS
    sku, spot, sign = (
        np.take_along_axis(each[rows], terms, axis=1)
        for each in (hypotheses.sku_index, hypotheses.spot_index, np.sign(hypotheses.quantity))
    )
    start = 0
    for index, on in enumerate(hypotheses.units):
        end = start + len(on.arms)
        row, term = np.nonzero(block == index)
        here = spot[row, term], sku[row, term]
        mean[row, term, start:end] = sign[row, term][:, None] * on.mean_g[here]
        covariance[row, term, start:end, start:end] = on.covariance_g2[here]
        start = end
    return mean, covariance


def _dealt(
    pattern: tuple[int, ...],
    mean: FloatArray,
    covariance: FloatArray,
    levels: FloatArray,
    doubts: FloatArray,
    change: FloatArray,
    noise: FloatArray,
) -> FloatArray:
    """Return log of the mean over ways of dealing the items into parts, (rows,); −inf for fewer items than parts."""
    pauses, rows = len(levels), len(mean)
    if sum(pattern) <= pauses:
        return np.full(rows, -np.inf)
    subsets, ways = _subsets(pattern)
    whole = np.array(pattern, dtype=np.float64)
    total, spread = np.einsum("t,rtc->rc", whole, mean), np.einsum("t,rtcd->rcd", whole, covariance)
    so_far = np.einsum("st,rtc->rsc", subsets, mean)
    loose = np.einsum("st,rtcd->rscd", subsets, covariance)
    gain = loose @ np.linalg.pinv(spread + noise, hermitian=True)[:, None]
    expected = so_far + np.einsum("rscd,rd->rsc", gain, change - total)
    left = loose - gain @ loose
    many, channels = len(subsets), len(change)
    log_weight = np.full((rows, many), -np.inf)
    log_weight[:, 0] = 0.0  # Nothing moved yet.
    count = np.zeros(many)
    count[0] = 1.0
    for pause in range(pauses):
        fit = log_density(
            (levels[pause] - expected).reshape(-1, channels), (left + doubts[pause]).reshape(-1, channels, channels)
        ).reshape(rows, many)
        log_weight = _onward(log_weight, ways) + fit
        count = count @ ways
    log_weight = _onward(log_weight, ways)
    dealt: FloatArray = log_weight[:, -1] - math.log((count @ ways)[-1])
    return dealt


def _onward(log_weight: FloatArray, ways: FloatArray) -> FloatArray:
    """Return the log of weights times ways, (rows, subsets)."""
    top = np.maximum(log_weight.max(axis=1, keepdims=True), -1e300)
    with np.errstate(divide="ignore"):
        onward: FloatArray = np.log(np.exp(log_weight - top) @ ways) + top
    return onward


@lru_cache(maxsize=64)
def _subsets(pattern: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    """Return sub-multisets, (subsets, terms), none first and all last, and in how many ways one grows to another."""
    subsets = np.array(list(itertools.product(*(range(number + 1) for number in pattern))), dtype=np.float64)
    more = subsets[None, :, :] - subsets[:, None, :]
    left = (np.array(pattern) - subsets)[:, None, :]
    chosen = _BINOMIAL[left.astype(np.int32), np.maximum(more, 0).astype(np.int32)].prod(axis=2)
    ways = np.where((more >= 0).all(axis=2) & (more > 0).any(axis=2), chosen, 0.0)
    return subsets, ways

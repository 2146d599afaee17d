"""What the camera recognised in hands or gone from the shelf: log p(appearances | hypothesis).

A word speaks of one of the moved items without saying which, so an explanation with several SKUs is as likely as their
mean, weighted by number. Words of one track and item index are of one item and add up. Different items are assigned to
those that moved in every possible way, and how many were seen speaks for how many there were. Evidence from the same
pixels must come calibrated jointly, in one observation.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from edge_agent.model import BoolArray, FloatArray, VisionObservation
from edge_agent.ports import HypothesisTable

ITEM_SEEN = 0.8
"""Chance of a moved item to be seen, where the camera looks at every one: hands hide some (assumed, 2026-11)."""
SEES_ONE_SHARE = 0.1
"""Acts of which the camera sees as many items as it happens to, whatever moved: a stack swept at once (assumed,
2026-11)."""
TOO_MANY_WORDS = 0.01
"""Factor for every word on an item beyond those that moved: one item was seen twice (assumed, 2026-11)."""
PUSHED = 0.15
"""Chance that a word on what changed at the front is on a package that was only pushed or uncovered: it says nothing of
what was moved (assumed, 2026-12)."""
MOST_ASSIGNED = 4
"""Items up to which words are assigned to items; of more, each word is taken to be of any of them (2026-11)."""

CLEAREST_NATS = 30.0
"""A camera is never surer of one item than this; −∞ is a wish (rule, 2026-12)."""


def words_on_items(hypotheses: HypothesisTable, observations: Sequence[VisionObservation]) -> FloatArray | None:
    """Return nats per hypothesis over what chance would say, (hypotheses,); None where no observation names SKUs.

    Chance is a camera that names the shelf's SKUs, or none of them, without having seen the act; where it tells items
    apart, it tells as many as it happens to, one to `MOST_ASSIGNED`.
    """
    seen = [each for each in observations if len(each.log_likelihood)]
    if not seen:
        return None
    of_items = np.array([each.item_index is not None for each in seen])
    said = np.array([_per_sku(each, hypotheses.skus) for each in seen])
    said, of_items = _by_item(said, [(each.track_id, each.item_index) for each in seen], of_items)
    top = np.nan_to_num(said.max(axis=1))
    likelihood = np.exp(np.maximum(said - top[:, None], -CLEAREST_NATS))
    share = np.abs(hypotheses.quantity).astype(np.float64)
    number = share.sum(axis=1)
    nameless = hypotheses.unknown | (number == 0)
    single = (likelihood[:, hypotheses.sku_index] * share).sum(axis=2) / np.maximum(number, 1)
    single = np.where(nameless, likelihood[:, -1:], single)
    of_front = np.array([each.kind == "carried" for each in seen if each.item_index is None], dtype=np.bool_)
    pushed = np.where(np.append(of_front, np.zeros(len(single) - len(of_front), np.bool_)), PUSHED, 0.0)[:, None]
    single = (1 - pushed) * single + pushed * likelihood.mean(axis=1, keepdims=True)
    together = single[~of_items].prod(axis=0)
    if of_items.any():
        together = together * _assigned(likelihood[of_items], single[of_items], hypotheses, nameless)
    by_chance = float(np.log(likelihood.mean(axis=1)).sum()) - (math.log(MOST_ASSIGNED) if of_items.any() else 0.0)
    nats: FloatArray = np.log(np.maximum(together, np.finfo(np.float64).tiny)) - by_chance
    return nats


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

"""From testimonies to probabilities of bills: what would be charged, over all ways in which it may have happened."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.identification.gaussian import log_sum_exp
from edge_agent.identification.hypotheses import Hypotheses
from edge_agent.model import FloatArray, IntArray, ItemChange
from edge_agent.ports import Testimony

MAX_WEIGHED = 256
"""Hypotheses gathered into bills; the rest, below a millionth each, ends in "something else" (2026-11)."""
LIKELY_NATS = 12.0
"""What is less likely than the best by more than this does not speak for what was cut off (2026-11)."""
NEGLIGIBLE = 1e-6
"""Probability below which a hypothesis is not gathered into a bill (2026-11)."""


@dataclass(frozen=True, slots=True)
class Bill:
    """One outcome for the shopper: SKUs and signed quantities, with its most probable placement in ``items``."""

    items: tuple[ItemChange, ...]
    probability: float


@dataclass(frozen=True, slots=True)
class Posterior:
    """Bills, most probable first, and the probability of something else; together they sum to 1.

    ``foreign_removed`` is the part of the latter in which a thing left here before was taken away again.
    """

    bills: tuple[Bill, ...]
    something_else: float
    foreign_removed: float = 0.0


def probabilities(hypotheses: Hypotheses, testimonies: Sequence[Testimony]) -> tuple[FloatArray, float]:
    """Return every hypothesis's probability, (hypotheses,), and that of all which were cut off; summing to 1.

    The cut-off ones were weighed by their totals alone. What the other witnesses would have said of them is not known;
    it is taken as the best they said of any hypothesis of the tables that was kept, which errs towards review.
    """
    log_joint = hypotheses.log_prior + sum(
        (testimony.log_likelihood for testimony in testimonies), np.zeros(len(hypotheses))
    )
    of_tables = (hypotheses.load_taken < 0).all(axis=1) & (log_joint > log_joint.max(initial=-np.inf) - LIKELY_NATS)
    beyond_total = np.where(of_tables, log_joint - hypotheses.log_screen, -np.inf)
    log_cut = hypotheses.log_cut + float(beyond_total.max())
    log_total = log_sum_exp(np.append(log_joint, log_cut))
    return np.exp(log_joint - log_total), float(np.exp(log_cut - log_total))


def _placements(hypotheses: Hypotheses, rows: IntArray) -> list[tuple[ItemChange, ...]]:
    """Return the item changes of some hypotheses, per SKU and lane, in a fixed order."""
    columns = hypotheses.sku_index, hypotheses.lane_index, hypotheses.quantity
    placements = []
    for terms in zip(*(each[rows].tolist() for each in columns), strict=True):
        moved: dict[tuple[str, str], int] = {}
        for sku, lane, quantity in zip(*terms, strict=True):
            if quantity:
                place = hypotheses.skus[sku], hypotheses.lane_ids[lane]
                moved[place] = moved.get(place, 0) + quantity
        changes = (ItemChange(sku, quantity, lane) for (sku, lane), quantity in moved.items() if quantity)
        placements.append(tuple(sorted(changes)))
    return placements


def bill_of(items: Sequence[ItemChange]) -> tuple[tuple[str, int], ...]:
    """Return SKUs and their signed sums over all lanes; empty for a mere move."""
    net: dict[str, int] = {}
    for item in items:
        net[item.sku] = net.get(item.sku, 0) + item.quantity
    return tuple(sorted((sku, quantity) for sku, quantity in net.items() if quantity))


def combine(hypotheses: Hypotheses, probability: FloatArray) -> Posterior:
    """Return the posterior over bills; whatever is not gathered into one is something else.

    Parameters
    ----------
    probability : (hypotheses,)
        As `probabilities` returns it.
    """
    named = np.where(hypotheses.unknown, 0.0, probability)
    order = np.argsort(-named, kind="stable")[:MAX_WEIGHED]
    placements: dict[tuple[tuple[str, int], ...], dict[tuple[ItemChange, ...], float]] = {}
    gathered = order[named[order] > NEGLIGIBLE].astype(np.int32)
    for row, items in zip(gathered.tolist(), _placements(hypotheses, gathered), strict=True):
        if not items:  # an item shifted within its lane: nobody's bill
            continue
        placed = placements.setdefault(bill_of(items), {})
        placed[items] = placed.get(items, 0.0) + float(named[row])
    bills = [
        Bill(min(placed, key=lambda items: (-round(placed[items], 9), items)), sum(placed.values()))
        for placed in placements.values()
    ]
    # Rounded, so that neighbours of equal weight keep one order however the floating-point sums fell.
    bills.sort(key=lambda bill: (-round(bill.probability, 9), bill.items))
    removed = ((hypotheses.load_taken >= 0) & hypotheses.foreign).any(axis=1)
    return Posterior(
        tuple(bills), max(0.0, 1.0 - sum(bill.probability for bill in bills)), float(probability[removed].sum())
    )

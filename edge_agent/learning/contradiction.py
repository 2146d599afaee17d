"""When a catalogue weight is contradicted so clearly that a person should look at it.

Two ways, for a weight that is a little wrong shows elsewhere than one that is quite wrong:

- **A little**: acts are still billed surely, and the posterior's mean departs from the catalogue.
- **Quite**: no act of that product is sure any more, and all go to review. There plates help on which one product
  alone stands: every take off one, billed or not, is some whole number of items. The change over the nearest whole
  number of catalogue weights is a candidate for the weight, and candidates that agree, away from the catalogue, are
  proposed. That every take counts matters: reviewed ones alone are those that happened to weigh too much or too little.

Not seen: a product whose wrong weight is another's right one, so that its takes are billed as that; and a quite wrong
weight on a platform of several products, where a change that fits nothing could be anything.
"""

from dataclasses import replace
from statistics import median

from edge_agent.config.assortment import ItemConfig
from edge_agent.learned import Proposal, UnitWeight
from edge_agent.learning.unit_weight import mean_sigma_g

SIGNIFICANT = 4.0
"""Standard deviations between catalogue and shelf (rule, 2026-11)."""
LEAST_SHARE = 0.01
LEAST_G = 2.0
"""What a catalogue must be off, the larger of the two: a shop's scales are right to about that (rule, 2026-11)."""
SURE_EVENTS = 20
"""Sure acts before the mean speaks (rule, 2026-11)."""
AGREEING_TAKES = 5
"""Candidates that must agree, and be more than half of the recent ones (rule, 2026-11)."""
AGREE_SIGMA = 3.0
"""Standard deviations of an item around the candidates' median (rule, 2026-11)."""
RECENT_TAKES = 12
MOST_ITEMS = 4
"""Items of one take at most: a weight wrong by 10 % is half an item wrong at five (2026-11)."""


def with_take(unit: UnitWeight, item: ItemConfig, mass_g: float, variance_g2: float) -> UnitWeight:
    """Return the unit with a take off its own plate among the recent ones, unless it was no number of items."""
    number = round(mass_g / item.unit_weight_g)
    if not 1 <= number <= MOST_ITEMS:
        return unit
    sigma_g = (unit.spread_g**2 / number + variance_g2 / number**2) ** 0.5
    return replace(unit, recent=(*unit.recent, (mass_g / number, sigma_g))[-RECENT_TAKES:])


def proposal(unit: UnitWeight, item: ItemConfig) -> Proposal | None:
    """Return what is to be proposed for a product, None where the catalogue stands or the word was given."""
    if unit.proposal is not None:
        return None
    return _by_takes(unit, item) or _by_mean(unit, item)


def _by_mean(unit: UnitWeight, item: ItemConfig) -> Proposal | None:
    sigma_g = mean_sigma_g(unit)
    if unit.events < SURE_EVENTS or not _away(unit.mean_g, sigma_g, item):
        return None
    return Proposal(item.unit_weight_g, unit.mean_g, sigma_g, unit.events)


def _by_takes(unit: UnitWeight, item: ItemConfig) -> Proposal | None:
    """Return the weight on which takes agree that each by itself refutes the catalogue."""
    if not unit.recent:
        return None
    middle_g = median(each_g for each_g, _ in unit.recent)
    agreeing = [
        (each_g, sigma_g)
        for each_g, sigma_g in unit.recent
        if abs(each_g - middle_g) <= AGREE_SIGMA * sigma_g and _away(each_g, sigma_g, item)
    ]
    if len(agreeing) < AGREEING_TAKES or 2 * len(agreeing) <= len(unit.recent):
        return None
    worth = [1 / sigma_g**2 for _, sigma_g in agreeing]
    learned_g = sum(w * each_g for w, (each_g, _) in zip(worth, agreeing, strict=True)) / sum(worth)
    return Proposal(item.unit_weight_g, learned_g, sum(worth) ** -0.5, len(agreeing))


def _away(weight_g: float, sigma_g: float, item: ItemConfig) -> bool:
    off_g = abs(weight_g - item.unit_weight_g)
    return off_g > max(SIGNIFICANT * sigma_g, LEAST_SHARE * item.unit_weight_g, LEAST_G)

"""One SKU's unit weight as a conjugate posterior, and the spread that may be reckoned with.

The weight of a product's items is N(μ, σ²) with both unknown, under a normal-inverse-gamma prior around the
catalogue. An act of n items gives the measurement y = total / n with the variance σ²/n + R/n², R being the step's own.
With w = 1 / (1/n + R/(n²σ²)) that is σ²/w, and (Murphy, Conjugate Bayesian analysis of the Gaussian distribution,
2007, with weights)

    κ' = κ + w    μ' = (κμ + wy) / κ'    α' = α + 1/2    β' = β + κw(y − μ)² / 2κ'

σ² within w is that of the spread in use; where R outweighs it, the posterior learns little of σ.

Only acts that the engine was sure of come here, so both tails are cut: the spread comes out too small, and next to a
product of nearly the same weight the mean leans away from it. Neither is corrected. So the result may widen what is
reckoned with, never narrow it, and the mean is proposed to a person, never used.
"""

from dataclasses import replace

from edge_agent.config.assortment import ItemConfig
from edge_agent.learned import UnitWeight

MEAN_COUNT = 1.0
"""Items that the catalogue's weight counts for (rule, 2026-11)."""
SPREAD_COUNT = 40.0
"""Items that the catalogue's spread counts for: twenty acts do not widen it by chance (rule, 2026-11)."""
REMEMBERED_ITEMS = 500.0
"""Items in the posterior at most; older ones fade, so that a new batch shows (rule, 2026-11)."""
WIDEN_EVENTS = 30
"""Acts before the spread may widen (rule, 2026-11)."""
WIDEN_FACTOR = 1.2
"""A spread in use that is this much too small is widened; less is not worth new tables, 30-50 ms (2026-11)."""


def begin(item: ItemConfig) -> UnitWeight:
    """Return what is known of an item before anything was sold."""
    half = SPREAD_COUNT / 2
    return UnitWeight(
        mean_g=item.unit_weight_g,
        mean_count=MEAN_COUNT,
        shape=1 + half,
        scale_g2=half * item.unit_sigma_g**2,
        spread_g=item.unit_sigma_g,
    )


def updated(unit: UnitWeight, mass_g: float, number: int, variance_g2: float) -> UnitWeight:
    """Return the posterior after an act of ``number`` items that weighed ``mass_g`` together, with that variance."""
    worth = 1 / (1 / number + variance_g2 / (number * unit.spread_g) ** 2)
    count = unit.mean_count + worth
    surprise = mass_g / number - unit.mean_g
    shape = unit.shape + 0.5
    scale = unit.scale_g2 + unit.mean_count * worth * surprise**2 / (2 * count)
    fade = min(1.0, REMEMBERED_ITEMS / count)
    return replace(
        unit,
        mean_g=unit.mean_g + worth / count * surprise,
        mean_count=count * fade,
        shape=1 + (shape - 1) * fade,
        scale_g2=scale * fade,
        events=unit.events + 1,
    )


def mean_sigma_g(unit: UnitWeight) -> float:
    """Return the standard deviation of the posterior mean, g."""
    return float((_variance_g2(unit) / unit.mean_count) ** 0.5)


def widened(unit: UnitWeight, item: ItemConfig) -> UnitWeight:
    """Return the unit with the spread to reckon with: wider where items scatter more about the catalogue's weight.

    A mean that is off counts as spread, for the mean itself stays the catalogue's; that the items of one act are then
    off all to the same side is left out.
    """
    found_g = min((_variance_g2(unit) + (unit.mean_g - item.unit_weight_g) ** 2) ** 0.5, item.unit_weight_g)
    if unit.events < WIDEN_EVENTS or found_g < WIDEN_FACTOR * unit.spread_g:
        return unit
    return replace(unit, spread_g=found_g)


def _variance_g2(unit: UnitWeight) -> float:
    """Return the expected variance of one item's weight."""
    return unit.scale_g2 / (unit.shape - 1)

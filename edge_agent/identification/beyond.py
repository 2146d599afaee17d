"""What a shelf's table of bundles leaves out: how likely it is, and what it would weigh.

Acts are drawn from the prior and looked up. Those that a shelf could bear and the table does not list (three of one,
two of another and two of a third, five SKUs …) are "something else", as a few broad weights: not to be billed, but not
to be forgotten either, or one of the listed bundles that happens to weigh as much would be sure.
"""

from dataclasses import dataclass

import numpy as np

from edge_agent.identification.bundles import MAX_ITEMS_AT_ONCE, Bundles
from edge_agent.identification.prior import ActPrior, number_share
from edge_agent.model import FloatArray

DRAWS = 4000
"""Acts drawn once for a shelf and a kind of actor: a share of 1 in 1,000 is known to half of itself (2026-11)."""
RUNGS = 6
"""Weights into which the drawn acts are gathered, as many of them in each (2026-11)."""
APART = 3.0
"""Lanes over which such an act spreads: its centre of mass scatters over the shelf by so much less (2026-11)."""


@dataclass(frozen=True, slots=True, eq=False)
class Beyond:
    """Acts that are not listed.

    Attributes
    ----------
    share : float
        Of all that the shelf could bear.
    mean_g, sigma_g : (rungs,)
        Their weights; every rung is as likely.
    """

    share: float
    mean_g: FloatArray
    sigma_g: FloatArray


def beyond_the_table(bundles: Bundles, weight_g: FloatArray, most: FloatArray, act: ActPrior, seed: int = 1) -> Beyond:
    """Return what the table leaves out, SKUs being equally likely to lead.

    Parameters
    ----------
    weight_g, most : (skus,)
        Of one item; the largest number that one act may move of it.
    """
    skus = len(weight_g)
    if not skus:
        return Beyond(0.0, np.zeros(0), np.zeros(0))
    order = np.lexsort((most, weight_g))  # What the SKUs are called does not change what is drawn.
    weight_g, most = weight_g[order], most[order]
    rng = np.random.default_rng(seed)
    number = 1 + rng.choice(MAX_ITEMS_AT_ONCE, size=DRAWS, p=number_share(act))
    others = rng.binomial(number - 1, 1 - act.same_share)
    counts = rng.multinomial(others, np.full(skus, 1 / skus))
    counts[np.arange(DRAWS), rng.integers(skus, size=DRAWS)] += number - others
    possible = (counts <= most).all(axis=1)
    listed = set(bundles.patterns)
    outside = np.array([tuple(sorted(row[row > 0].tolist())) not in listed for row in counts]) & possible
    if not outside.any():
        return Beyond(0.0, np.zeros(0), np.zeros(0))
    rungs = [rung for rung in np.array_split(np.sort(counts[outside] @ weight_g), RUNGS) if len(rung)]
    middle = np.array([rung.mean() for rung in rungs])
    gap_g = max(float(np.ptp(middle)) / max(len(middle) - 1, 1), float(weight_g.mean()))
    sigma = np.array([max(float(rung.std()), gap_g / 2) for rung in rungs])
    return Beyond(float(outside.sum() / possible.sum()), middle, sigma)

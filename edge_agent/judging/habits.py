"""What shoppers do: how many items an act moves, how often of several SKUs, how often in the wrong lane.

An act is a sequence: the first SKU is any of the shelf's, each further item is of the first's SKU with `same_share`,
else of one of the others. The bill is its multiset, so that the prior of a bill with counts c over K SKUs is

    P(c) = p(n) / K · Σ_f  q^(c_f − 1) · ((1 − q) / (K − 1))^(n − c_f) · (n − 1)! / ((c_f − 1)! · ∏_{j ≠ f} c_j!)

with n = Σ c and the sum over every SKU f that may have been the first.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FACTORIAL = np.array([1.0, 1.0, 2.0, 6.0, 24.0])


@dataclass(frozen=True, slots=True)
class Habits:
    """The free parameters of an act.

    The design record's table of optima states 12 SKUs, 1 to 4 items an act and 2 % misplaced, but neither how often an
    act has how many items nor how often it mixes SKUs. The defaults were sought at random, about 200 trials of 800 to
    2,000 acts, and then by hand, so that the oracle's errors come near to all of that table's; `anchors` says how near
    (2026-11).

    Attributes
    ----------
    number_share : tuple of float
        Share of acts that move 1, 2, 3 and 4 items.
    same_share : float
        Chance that a further item is of the first one's SKU.
    misplaced_share : float
        Chance of each item, apart from the others, to stand in another lane than its own, each one as likely.
    put_share : float
        Share of acts that put the items back instead of taking them (assumed; the table has takes alone, 2026-11).
    x_sigma_mm, y_sigma_mm : float
        Scatter of an item's middle about the middle of its lane, Gaussian: across nearly as if anywhere in the lane of
        75 mm (75/√12 = 21.7), along over most of the depth (assumed; no evidence of the table depends on it, 2026-11).
    """

    number_share: tuple[float, float, float, float] = (0.68, 0.13, 0.105, 0.085)
    same_share: float = 0.805
    misplaced_share: float = 0.02
    put_share: float = 0.1
    x_sigma_mm: float = 20.5
    y_sigma_mm: float = 60.0


HABITS = Habits()


def log_prior(counts: IntArray, habits: Habits) -> FloatArray:
    """Return log P of every bill, (bills,), direction apart.

    Parameters
    ----------
    counts : (bills, skus) int
        Items per SKU, 1 to 4 in all.
    """
    skus = counts.shape[1]
    number = counts.sum(axis=1)
    ways = FACTORIAL[number - 1] / FACTORIAL[counts].prod(axis=1)
    other = (1 - habits.same_share) / max(skus - 1, 1)
    as_first = counts * habits.same_share ** np.maximum(counts - 1, 0) * other ** (number[:, None] - counts)
    share = np.array(habits.number_share)[number - 1]
    with np.errstate(divide="ignore"):
        result: FloatArray = np.log(share / skus * ways * as_first.sum(axis=1))
    return result

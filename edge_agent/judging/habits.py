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

    Attributes
    ----------
    number_share : tuple of float
        Share of acts that move 1, 2, 3 and 4 items.
    same_share : float
        Chance that a further item is of the first one's SKU.
    misplaced_share : float
        Chance of each item, apart from the others, to stand in another lane than its own, each one as likely.
    put_share : float
        Share of acts that put the items back instead of taking them.
    x_sigma_mm, y_sigma_mm : float
        Scatter of an item's middle about the middle of its lane, across and along, Gaussian.
    """

    number_share: tuple[float, float, float, float] = (0.7, 0.15, 0.1, 0.05)
    same_share: float = 0.85
    misplaced_share: float = 0.02
    put_share: float = 0.1
    x_sigma_mm: float = 18.0
    y_sigma_mm: float = 80.0


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

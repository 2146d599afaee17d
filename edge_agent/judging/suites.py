"""The shelves that acts are played on: twelve SKUs side by side on 900 mm, drawn anew for every block of acts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from edge_agent.judging.habits import FloatArray, IntArray

WIDTH_MM, DEPTH_MM = 900.0, 400.0
LANES = 12
WEIGHTS_G = (60.0, 1600.0)
"""Range of the unit weights of `distinct` and `variants`, uniform, g (sought with `Habits`, 2026-11)."""
SPREADS = (0.005, 0.015)
"""Range of σ of one item's weight over its mean, uniform (design record on fusion: 0.5-1.5 %, 2026-11)."""
LEAST_GAP = 0.008
"""Different products of one shelf differ by this much of their weight at least (sought with `Habits`, 2026-11)."""
VARIANT_PAIRS = 5
"""Pairs among the twelve SKUs. With six, no act could be told better than even by weight; the table has 59 % (2026-11).
"""


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """Twelve lanes of equal width, one SKU each, from left to right.

    Attributes
    ----------
    weight_g, sigma_g : (lanes,)
        Mean and standard deviation of one item's weight.
    looks : (lanes,) int
        SKUs with the same number are variants of one product, and look alike.
    """

    suite: str
    weight_g: FloatArray
    sigma_g: FloatArray
    looks: IntArray

    @property
    def lane_mm(self) -> float:
        """Return a lane's width, mm."""
        return WIDTH_MM / len(self.weight_g)

    def middles_mm(self) -> FloatArray:
        """Return the lanes' middles from the shelf's left edge, (lanes,) mm."""
        middles: FloatArray = (np.arange(len(self.weight_g), dtype=np.float64) + 0.5) * self.lane_mm
        return middles


def _apart(rng: np.random.Generator, products: int) -> FloatArray:
    """Return weights of different products, drawn anew until none is nearer than `LEAST_GAP` to another."""
    while True:
        weight_g = rng.uniform(*WEIGHTS_G, products)
        ordered = np.sort(weight_g)
        if (np.diff(ordered) >= LEAST_GAP * ordered[:-1]).all():
            return weight_g


def _distinct(rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
    return _apart(rng, LANES), np.arange(LANES)


def _variants(rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
    """Pairs of equal weight side by side, and single SKUs between them, in any order."""
    singles = LANES - 2 * VARIANT_PAIRS
    products = rng.permutation(np.repeat([2, 1], [VARIANT_PAIRS, singles]))
    looks = np.repeat(np.arange(len(products)), products)
    return _apart(rng, len(products))[looks], looks


NOMINAL_G = (30, 50, 60, 75, 100, 120, 125, 150, 170, 180, 200, 250, 300, 330, 350, 400, 500, 750, 1000, 1500)
"""Pack sizes that shops sell, g (a walk through a supermarket's shelves, assumed, 2026-11)."""
STORE_SKUS = 500
ODD_SIZE_SHARE = 0.3
"""Products whose pack size is up to a tenth off a usual one (assumed, 2026-11)."""
VARIANTS_A_PRODUCT = 2.5
"""Mean number of flavours or colours of one product in a store, geometric (assumed, 2026-11)."""
PACKAGING = (0.02, 0.15)
"""Packaging's weight over the content's, uniform, one for a product (assumed, 2026-11)."""
VARIANT_SPREAD = 0.01
"""Standard deviation of a variant's mean weight about its product's (assumed, 2026-11)."""


def _store(rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
    """Twelve neighbours of a store of 500 SKUs: products of one pack size stand together, with all their variants."""
    sizes = rng.geometric(1 / VARIANTS_A_PRODUCT, STORE_SKUS)
    products = int(np.searchsorted(np.cumsum(sizes), STORE_SKUS)) + 1
    looks = np.repeat(np.arange(products), sizes[:products])[:STORE_SKUS]
    odd_sizes = (rng.random(products) < ODD_SIZE_SHARE) * rng.uniform(-0.1, 0.1, products)
    content_g = np.sort(rng.choice(NOMINAL_G, products) * (1 + odd_sizes))
    product_g = content_g * (1 + rng.uniform(*PACKAGING, products))
    weight_g = product_g[looks] * (1 + VARIANT_SPREAD * rng.standard_normal(STORE_SKUS))
    # A shelf holds a few pack sizes: three runs of four neighbours each from different places of the store.
    starts = rng.choice(STORE_SKUS // 4, 3, replace=False) * 4
    rows = (starts[:, None] + np.arange(4)).ravel()
    return weight_g[rows], looks[rows]


SUITES: Mapping[str, Callable[[np.random.Generator], tuple[FloatArray, IntArray]]] = {
    "distinct": _distinct,
    "variants": _variants,
    "store": _store,
}


def draw_shelf(suite: str, seed: int, number: int) -> Shelf:
    """Return one shelf of a suite; the same arguments give the same shelf."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, list(SUITES).index(suite), number, 0]))
    weight_g, looks = SUITES[suite](rng)
    return Shelf(suite, weight_g, weight_g * rng.uniform(*SPREADS, LANES), looks)

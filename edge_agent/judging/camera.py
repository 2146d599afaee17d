"""A simulated camera: descriptors of items, as far apart for different SKUs as its stated skill allows.

The descriptor of SKU k is z ~ N(d·e_k, I) in as many dimensions as there are SKUs, e being unit vectors: at right
angles for different products, and for variants of one product so close that their distance is `ALIKE` of that. Its word
is calibrated by construction: log p(z | k) for every SKU. d is set so that the best guess among all SKUs of a shelf of
different products is right with the stated share.
"""

from functools import cache

import numpy as np

from edge_agent.judging.habits import FloatArray, IntArray
from edge_agent.judging.suites import Shelf

ALIKE = 0.3
"""Distance of two variants' descriptors over that of two different products' (sought with `Habits`, 2026-11)."""
SEEN_SHARE = 0.83
"""Chance of each item to be seen at all where the camera looks at every one, for hands hide some (sought with `Habits`,
2026-11)."""


@cache
def separation(skus: int, top1: float) -> float:
    """Return d: P(best guess among so many right) = ∫ φ(x) Φ(x + d)^(skus − 1) dx = top1, by bisection."""
    x = np.linspace(-8, 8, 4001)
    step = x[1] - x[0]
    density = np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi)
    below = np.cumsum(density) * step
    low, high = 0.0, 8.0
    for _ in range(60):
        middle = (low + high) / 2
        right = (density * np.interp(x + middle, x, below) ** (skus - 1)).sum() * step
        low, high = (middle, high) if right < top1 else (low, middle)
    return (low + high) / 2


def appearances(looks: IntArray, top1: float, alike: float = ALIKE) -> FloatArray:
    """Return the mean descriptor of every SKU, (skus, skus)."""
    skus = len(looks)
    same = looks[:, None] == looks[None, :]
    # Unit vectors with inner product 1 − alike² within a product, 0 between products: the rows of a Cholesky factor.
    gram = np.where(same, 1 - alike**2, 0.0) + np.eye(skus) * alike**2
    means: FloatArray = separation(skus, top1) * np.linalg.cholesky(gram).astype(np.float64)
    return means


def look(means: FloatArray, sku: int, rng: np.random.Generator) -> FloatArray:
    """Return log p(descriptor of one item | SKU), (skus,) nats up to a constant."""
    descriptor = means[sku] + rng.standard_normal(len(means))
    word: FloatArray = -0.5 * ((descriptor - means) ** 2).sum(axis=1)
    return word


def look_at(
    shelf: Shelf, skus: list[int], top1: float, rng: np.random.Generator, *, per_item: bool
) -> list[FloatArray]:
    """Return the camera's words on one act: on any one of its items, or on each one that it saw."""
    means = appearances(shelf.looks, top1)
    if per_item:
        return [look(means, sku, rng) for sku in skus if rng.random() < SEEN_SHARE]
    return [look(means, skus[int(rng.integers(len(skus)))], rng)]

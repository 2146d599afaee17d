"""Which sets of groups are considered in one region: none, one, and bounded mixed sets.

Mixed sets are what one act of one shopper can be: takes of up to six items each of two planned SKUs, takes of up to
four items of three or four, put-backs and exchanges of up to three each of two, an exchange against a stray on the same
spot, and an item moved from its lane to another one. What lies beyond is part of "something else", by its prior.
"""

import itertools
import math
from collections.abc import Iterator

import numpy as np

from edge_agent.identification.item_groups import ItemGroups
from edge_agent.model import IntArray

MAX_ROWS = 200_000
"""Rows of one region's table: 60 SKUs on a platform need 180,000 without sets of four SKUs, 20 MB (2026-11)."""
MAX_TERMS = 4

PATTERNS: dict[int, tuple[tuple[int, ...], ...]] = {
    2: (
        *((-a, -b) for a in range(1, 7) for b in range(1, 7)),
        *((a, b) for a in range(1, 4) for b in range(1, 4)),
        *((sign * a, -sign * b) for a in range(1, 4) for b in range(1, 4) for sign in (-1, 1)),
    ),
    3: ((-1, -1, -1), (-2, -1, -1), (-1, -2, -1), (-1, -1, -2)),
    4: ((-1, -1, -1, -1),),
}
"""Signed quantities of the sets of two, three and four planned SKUs."""


def _planned(groups: ItemGroups, own: list[tuple[int, int]], room: int) -> Iterator[IntArray]:
    """Yield blocks of mixed sets among the planned (sku, spot) pairs, small ones first, at most ``room`` rows."""
    middle = groups.row_of.shape[2] // 2
    skus, spots = np.array(own, dtype=np.int32).reshape(-1, 2).T
    for size, patterns in PATTERNS.items():
        if math.comb(len(own), size) > room:
            continue
        members = np.array(list(itertools.combinations(range(len(own)), size)), dtype=np.int32).reshape(-1, size)
        for pattern in patterns:
            if max(abs(quantity) for quantity in pattern) > middle or len(members) > room:
                continue
            rows = groups.row_of[skus[members], spots[members], np.array(pattern, dtype=np.int32) + middle]
            known = rows[(rows >= 0).all(axis=1)]
            room -= len(known)
            yield known


def _strays(groups: ItemGroups, own: list[tuple[int, int]]) -> IntArray:
    """Return the pairs that involve a stray: exchanged against a planned item, or moved away from its own spot."""
    planned = set(own)
    pairs = []
    for sku, spot in own:
        others = (other for other in range(groups.row_of.shape[0]) if (other, spot) not in planned)
        pairs += [(groups.row(sku, spot, -1), groups.row(other, spot, 1)) for other in others]
        elsewhere = (place for place in range(groups.row_of.shape[1]) if (sku, place) not in planned)
        pairs += [(groups.row(sku, spot, -1), groups.row(sku, place, 1)) for place in elsewhere]
    return np.array(pairs, dtype=np.int32).reshape(-1, 2)


def enumerate_sets(groups: ItemGroups, own: list[tuple[int, int]]) -> IntArray:
    """Return rows of groups per explanation of one region, (sets, `MAX_TERMS`), filled up with "nothing".

    Parameters
    ----------
    groups : ItemGroups
        The region's groups.
    own : list of (sku, spot)
        Which SKU is planned at which spot.
    """
    singles = np.arange(len(groups.sku), dtype=np.int32)[:, None]
    blocks = [singles, _strays(groups, own)]
    blocks += _planned(groups, own, MAX_ROWS - sum(len(block) for block in blocks))
    filled = [
        np.pad(block, ((0, 0), (0, MAX_TERMS - block.shape[1])), constant_values=groups.nothing) for block in blocks
    ]
    return np.concatenate(filled).astype(np.int32)

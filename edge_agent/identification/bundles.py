"""What one act can move, apart from where it stood: signed numbers of up to four SKUs, in one table for a whole shelf.

A row is a multiset of items, all onto the shelf; read with the opposite sign it is the same taken away. Rows with both
signs are exchanges; their set is its own negation, so one sign of reading covers them. In the order in which they are
admitted to a table of bounded size: any number of one SKU up to its lane's capacity, one item moved from lane to lane,
pairs and exchanges from the smallest on, three SKUs, four SKUs. What is beyond is part of "something else", see
`beyond`.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.model import BoolArray, FloatArray, IntArray

MAX_TERMS = 4
MAX_ROWS = 200_000
"""Rows of a shelf's table: 12 SKUs need 6,000, 24 SKUs 35,000; 60 SKUs reach it within the sets of three (2026-11)."""
MAX_ITEMS_AT_ONCE = 40
"""Most items of one SKU moved in one act: a lane swept empty holds 6-30 in shops; bounds the table (2026-11)."""
MAX_MISPLACED_AT_ONCE = 2
"""Most items put into, or taken from, lanes that are not theirs in one act (2026-11)."""

PAIRS = tuple(sorted(itertools.product(range(1, 7), repeat=2), key=lambda each: (sum(each), each)))
EXCHANGES = tuple((a, -b) for a, b in sorted(itertools.product(range(1, 4), repeat=2), key=sum))
SEVERAL = (
    *((1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2), (1, 1, 1, 1)),
    *((2, 2, 1), (2, 1, 2), (1, 2, 2), (3, 1, 1), (1, 3, 1), (1, 1, 3)),
)
"""Numbers of the sets of two, three and four SKUs, the likelier ones first."""


@dataclass(frozen=True, slots=True, eq=False)
class Bundles:
    """The rows; SKU number ``skus`` stands for "none".

    Attributes
    ----------
    sku : (rows, `MAX_TERMS`) int16
    quantity : (rows, `MAX_TERMS`) int8
        0 where there is no term.
    pure : (rows,) bool
        Whether all terms have one sign.
    patterns : frozenset of tuple of int
        Numbers per SKU, ascending, of the pure sets that were admitted for all SKUs.
    """

    skus: int
    sku: npt.NDArray[np.int16]
    quantity: npt.NDArray[np.int8]
    pure: BoolArray
    patterns: frozenset[tuple[int, ...]]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.sku)

    def sums(self, rows: IntArray | slice, unit: FloatArray, unit_spread: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return Σ quantity·unit and Σ |quantity|·unit_spread over a row's SKUs, (rows,) each.

        Parameters
        ----------
        unit, unit_spread : (skus,)
            Of one item of each SKU.
        """
        sku, quantity = self.sku[rows], self.quantity[rows]
        return (
            (quantity * np.append(unit, 0.0)[sku]).sum(axis=1),
            (np.abs(quantity) * np.append(unit_spread, 0.0)[sku]).sum(axis=1),
        )


def enumerate_bundles(most: Sequence[int], room: int = MAX_ROWS) -> Bundles:
    """Return the table of a shelf.

    Parameters
    ----------
    most : sequence of int
        Per SKU the largest number that one act may move.
    room : int
        Rows at most; singles are admitted whatever it is.
    """
    skus = len(most)
    blocks = []
    patterns: set[tuple[int, ...]] = {(number,) for number in range(1, MAX_ITEMS_AT_ONCE + 1)}
    for pattern, sku, quantity in _blocks(most, room):
        if pattern and min(pattern) > 0:
            patterns.add(tuple(sorted(pattern)))
        width = ((0, 0), (0, MAX_TERMS - sku.shape[1]))
        blocks.append(
            (
                np.pad(sku, width, constant_values=skus).astype(np.int16),
                np.pad(quantity, width).astype(np.int8),
            )
        )
    sku_all = np.concatenate([sku for sku, _ in blocks]) if blocks else np.zeros((0, MAX_TERMS), dtype=np.int16)
    quantity_all = np.concatenate([quantity for _, quantity in blocks]) if blocks else np.zeros((0, MAX_TERMS), np.int8)
    return Bundles(
        skus,
        sku_all,
        quantity_all,
        pure=np.logical_and.reduce(quantity_all >= 0, axis=1),
        patterns=frozenset(patterns),
    )


def _blocks(most: Sequence[int], room: int) -> Iterator[tuple[tuple[int, ...], IntArray, IntArray]]:
    """Yield a pattern of numbers with its SKUs and quantities, (rows, terms) each, until the room is used up."""
    skus = len(most)
    limit = np.array(most, dtype=np.int32)
    number = np.concatenate([np.arange(1, each + 1, dtype=np.int32) for each in most]) if skus else limit
    singles = np.repeat(np.arange(skus, dtype=np.int32), limit)
    yield (), singles[:, None], number[:, None]
    same = np.arange(skus, dtype=np.int32)
    yield (), np.column_stack([same, same]), np.tile(np.array([1, -1], dtype=np.int32), (skus, 1))
    room -= len(singles) + skus
    for pattern in (*PAIRS, *EXCHANGES, *SEVERAL):
        ordered = min(pattern) < 0
        rows = math.perm(skus, 2) if ordered else math.comb(skus, len(pattern))
        if rows > room:
            continue
        among = itertools.permutations if ordered else itertools.combinations
        sku = np.array(list(among(range(skus), len(pattern))), dtype=np.int32).reshape(-1, len(pattern))
        quantity = np.tile(np.array(pattern, dtype=np.int32), (len(sku), 1))
        fits = (np.abs(quantity) <= limit[sku]).all(axis=1)
        room -= int(fits.sum())
        yield pattern, sku[fits], quantity[fits]

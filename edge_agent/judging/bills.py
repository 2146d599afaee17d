"""Every bill that an act can have: the multisets of one to four items of a shelf's SKUs."""

import itertools
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from edge_agent.judging.habits import IntArray

MAX_ITEMS = 4

Bill = tuple[tuple[int, int], ...]
"""(SKU's row, signed quantity), sorted; negative is taken off the shelf."""


@dataclass(frozen=True, eq=False)
class Bills:
    """All bills of a shelf with so many SKUs; 1,819 of them for 12.

    Attributes
    ----------
    skus : int
        How many.
    items : (bills, 4) int
        SKU of every item in rising order, −1 where there are fewer.
    counts : (bills, skus) int
    number : (bills,) int
        Items in all.
    """

    skus: int
    items: IntArray = field(init=False)
    counts: IntArray = field(init=False)
    number: IntArray = field(init=False)

    def __post_init__(self) -> None:
        sets = [
            each
            for n in range(1, MAX_ITEMS + 1)
            for each in itertools.combinations_with_replacement(range(self.skus), n)
        ]
        items = np.full((len(sets), MAX_ITEMS), -1, dtype=np.int64)
        for row, each in enumerate(sets):
            items[row, : len(each)] = each
        counts = (items[:, :, None] == np.arange(self.skus)).sum(axis=1)
        object.__setattr__(self, "items", items)
        object.__setattr__(self, "counts", counts)
        object.__setattr__(self, "number", counts.sum(axis=1))

    def __len__(self) -> int:
        """Return the number of bills."""
        return len(self.items)

    @cached_property
    def keys(self) -> IntArray:
        """A number for every bill, (bills,), such that the key of two bills together is the sum of theirs."""
        return self.counts @ (5 ** np.arange(self.skus, dtype=np.int64) if self.skus <= 26 else self._large())

    @cached_property
    def _by_key(self) -> IntArray:
        return np.argsort(self.keys)

    def rows_of(self, keys: IntArray) -> IntArray:
        """Return the rows of bills with these keys; every key must be one's."""
        ordered = self._by_key
        rows: IntArray = ordered[np.searchsorted(self.keys, keys, sorter=ordered)]
        return rows

    def row(self, items: list[int]) -> int:
        """Return the row of a list of SKUs."""
        counts = np.bincount(items, minlength=self.skus)
        return int(np.flatnonzero((self.counts == counts).all(axis=1))[0])

    def bill(self, row: int, sign: int) -> Bill:
        """Return a row as a bill in one direction."""
        return tuple((int(sku), sign * int(self.counts[row, sku])) for sku in np.flatnonzero(self.counts[row]))

    def _large(self) -> IntArray:
        raise ValueError(f"{self.skus} SKUs: a shelf of the judge has at most 26")

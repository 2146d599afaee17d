"""Bundles with a place for every item: first each in its likeliest lane, then one or all of a SKU in another one."""

from dataclasses import dataclass

import numpy as np

from edge_agent.identification.bundles import MAX_TERMS
from edge_agent.identification.gaussian import log_density_pair
from edge_agent.identification.prior import LOG_FACTORIAL, ActLogPrior
from edge_agent.identification.region_units import RegionUnits, SeenUnits
from edge_agent.model import FloatArray, IntArray

MOST_SPLIT = 6
"""Fewer items than this may come from a second facing of a product, or a stray's lane, beside those from the first
(2026-11)."""


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """Changes of a placing: ``number`` items of a term in another spot, and what that changes; number 0 for none."""

    term: IntArray
    spot: IntArray
    number: IntArray
    log_prior: FloatArray
    first: FloatArray
    second: FloatArray

    def at(self, places: IntArray) -> "Moved":
        """Return some of the variants."""
        return Moved(
            self.term[places],
            self.spot[places],
            self.number[places],
            self.log_prior[places],
            self.first[places],
            self.second[places],
        )


class Placing:
    """Bundles with every item in its likeliest spot of the region, and their variants.

    Parameters
    ----------
    sku, quantity : (bundles, `MAX_TERMS`) int
        Signed.
    home : (2, skus) int
        Likeliest spot of every SKU, taken and put.
    log_place : (2, spots, skus)
        log q(spot | SKU).

    Attributes
    ----------
    spot : (bundles, `MAX_TERMS`) int
    first : (bundles, 2)
        Mean of total and moment.
    second : (bundles, 3)
        Their variance, covariance, variance.
    log_prior : (bundles,)
        Without `ActLogPrior.act`.
    """

    def __init__(
        self,
        sku: IntArray,
        quantity: IntArray,
        home: IntArray,
        log_place: FloatArray,
        on: SeenUnits,
        units: RegionUnits,
        prior: ActLogPrior,
    ) -> None:
        self.sku, self.quantity = sku, quantity
        self._on, self._units, self._prior = on, units, prior
        self._home = np.pad(home, ((0, 0), (0, 1)))
        self._log_place = np.pad(log_place, ((0, 0), (0, 0), (0, 1)))
        self._way = (self.quantity > 0).astype(np.int32)
        self.spot: IntArray = self._home[self._way, self.sku].astype(np.int32)
        number = np.abs(self.quantity)
        self.first = (self.quantity[:, :, None] * on.first[self.spot, self.sku]).sum(axis=1)
        self.second = (number[:, :, None] * on.second[self.spot, self.sku]).sum(axis=1)
        kind = self._terms(np.minimum(self.sku, home.shape[1] - 1), self._way, self.spot, number)
        self.log_prior = np.where(number > 0, kind, 0.0).sum(axis=1)

    def of(self, rows: IntArray) -> "Placing":
        """Return some of the bundles."""
        chosen = object.__new__(Placing)
        chosen.__dict__.update(self.__dict__)
        for name in ("sku", "quantity", "spot", "first", "second", "log_prior", "_way"):
            setattr(chosen, name, getattr(self, name)[rows])
        return chosen

    def hope(self, reading: FloatArray, noise: FloatArray, log_astray: float) -> FloatArray:
        """Return what total and moment say of each bundle: its items at home, or the heaviest one anywhere, (bundles,).

        Parameters
        ----------
        reading, noise : (2,), (2, 2)
        log_astray : float
            Log of the chance that an item is not in a lane of its own.
        """
        residual = reading - self.first
        second = self.second + np.array([noise[0, 0], noise[0, 1], noise[1, 1]])
        at_home = log_density_pair(residual, second)
        heaviest = np.where(self.quantity != 0, self._on.first[self.spot, self.sku, 0], 0.0).max(axis=1)
        wide = second + np.stack([np.zeros_like(heaviest), np.zeros_like(heaviest), heaviest**2], axis=-1)
        elsewhere = log_density_pair(residual, wide)
        likely: FloatArray = np.logaddexp(at_home, log_astray + elsewhere)
        return likely

    def variants(self) -> tuple[IntArray, Moved]:
        """Return bundles and what to move: nothing, one item, some or all of a term; (variants,) each."""
        spots = len(self._units.lane)
        number = np.abs(self.quantity)
        there = np.arange(spots)[None, None, :] != self.spot[:, :, None]
        one = there & (number > 0)[:, :, None]
        sku = np.minimum(self.sku, self._log_place.shape[2] - 2)
        met = self._prior.belief.expected[self._units.lane[None, None, :], sku[:, :, None]]
        every = there & (number > 1)[:, :, None] & (met | ~self._units.homed[self.sku][:, :, None])
        blocks = []
        for mask, all_of_it in ((one, False), (every, True)):
            row, term, spot = (each.astype(np.int32) for each in np.nonzero(mask))
            moved = number[row, term] if all_of_it else np.ones(len(row), dtype=np.int32)
            blocks.append((row, term, spot, moved))
        for some in range(2, MOST_SPLIT):
            row, term, spot = (each.astype(np.int32) for each in np.nonzero(every & (number > some)[:, :, None]))
            blocks.append((row, term, spot, np.full(len(row), some, dtype=np.int32)))
        stay = np.arange(len(self.sku), dtype=np.int32)
        none = np.zeros(len(stay), dtype=np.int32)
        row, term, spot, moved = (
            np.concatenate([first, *others]) for first, *others in zip((stay, none, none, none), *blocks, strict=True)
        )
        return row, self._changes(row, term, spot, moved)

    def _changes(self, row: IntArray, term: IntArray, spot: IntArray, moved: IntArray) -> Moved:
        sku, start, way = self.sku[row, term], self.spot[row, term], self._way[row, term]
        quantity = self.quantity[row, term]
        number = np.abs(quantity)
        first = self._on.first[spot, sku] - self._on.first[start, sku]
        second = self._on.second[spot, sku] - self._on.second[start, sku]
        known = np.minimum(sku, self._log_place.shape[2] - 2)
        left = number - moved
        log_prior = self._terms(known, way, spot, moved, kinds=False)
        log_prior = log_prior + np.where(left > 0, self._terms(known, way, start, left, kinds=False), 0.0)
        log_prior = np.where(moved > 0, log_prior - self._terms(known, way, start, number, kinds=False), 0.0)
        return Moved(
            term,
            spot,
            moved,
            log_prior,
            (np.sign(quantity) * moved)[:, None] * first,
            moved[:, None] * second,
        )

    def _terms(
        self, sku: IntArray, way: IntArray, spot: IntArray, number: IntArray, *, kinds: bool = True
    ) -> FloatArray:
        """Return log ∏ q^c / c! of terms with the doubts about them, and with `ActLogPrior.kinds` if that is wanted."""
        nats = number * self._log_place[way, spot, sku] - LOG_FACTORIAL[number]
        nats = nats + self._prior.doubt(way, self._units.lane[spot], sku, number)
        placed: FloatArray = nats + self._prior.kinds(way, sku, number) if kinds else nats
        return placed

    def placed(self, row: IntArray, moved: Moved) -> tuple[IntArray, IntArray, IntArray]:
        """Return SKUs, spots and quantities of variants, (variants, `MAX_TERMS`) each."""
        sku, spot, quantity = self.sku[row], self.spot[row], self.quantity[row]
        here = np.arange(len(row))
        whole = (moved.number > 0) & (moved.number == np.abs(quantity[here, moved.term]))
        spot[here[whole], moved.term[whole]] = moved.spot[whole]
        part = np.flatnonzero((moved.number > 0) & ~whole)
        free = (quantity[part] != 0).sum(axis=1)  # Terms fill up from the first; one that is split has a free one.
        part, free = part[free < MAX_TERMS], free[free < MAX_TERMS]
        sign = np.sign(quantity[part, moved.term[part]])
        sku[part, free], spot[part, free] = sku[part, moved.term[part]], moved.spot[part]
        quantity[part, free] = sign * moved.number[part]
        quantity[part, moved.term[part]] -= sign * moved.number[part]
        return sku, spot, quantity

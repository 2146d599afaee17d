"""From one region's change to the placed bundles that may explain it, best first.

1. Every bundle that fits the region's total is weighed by its prior, that total and the first moment along the shelf,
   all items in their likeliest lanes, or one of them anywhere; the best are kept.
2. Each of them is also tried with one item, or all items of one SKU, in another lane of the region, and weighed by
   total and first moment along the shelf; the best are kept.

What is not kept is not forgotten: its weight is added up and ends in "something else".
"""

from dataclasses import dataclass

import numpy as np

from edge_agent.identification.bundles import MAX_MISPLACED_AT_ONCE, MAX_TERMS, Bundles
from edge_agent.identification.gaussian import log_density_pair, log_density_scalar, log_sum_exp
from edge_agent.identification.placing import Placing
from edge_agent.identification.prior import ActLogPrior, Tally
from edge_agent.identification.region_units import RegionUnits, SeenUnits
from edge_agent.model import BoolArray, FloatArray, IntArray

SCREEN_SIGMAS = 8.0
"""Bundles whose total misses by more than this many sigmas are not weighed: e⁻³² of a fitting one (2026-11)."""
MAX_TOTALS = 4
"""Sets of totals remembered per region: one while all cells work, one more for each way of their failing (2026-11)."""
KEPT_BUNDLES = 192
"""Bundles whose places are varied: at 12 SKUs under 200 fit any total (2026-11)."""
VARIED_NATS = 13.0
"""Bundles that are less likely than the best by more than this, by total and moment, are not varied (2026-11)."""
KEPT_NATS = 11.0
"""Placed bundles that are less likely than the best by more than this, by total and first moment, are not kept: what
the other moments add differs by some nats among those that fit (2026-11)."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Placed bundles of one region.

    Attributes
    ----------
    sku, spot, quantity : (candidates, `MAX_TERMS`) int
        SKU number ``skus`` and quantity 0 where there is no term.
    tally : Tally
    log_prior : (candidates,)
        Without `ActLogPrior.act`, which speaks of all regions together.
    log_likelihood : (candidates,)
        Of total and moment.
    log_cut : float
        log Σ prior · likelihood of what was left out, this region taken alone.
    """

    sku: IntArray
    spot: IntArray
    quantity: IntArray
    tally: Tally
    log_prior: FloatArray
    log_likelihood: FloatArray
    log_cut: float

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self.sku)


def best(scores: FloatArray, most: int, window: float = np.inf) -> IntArray:
    """Return the places of the highest scores, at most ``most``, highest first, the earlier first among equals.

    None lower than the highest by more than ``window`` is among them.
    """
    threshold = scores.max(initial=-np.inf) - window
    if len(scores) > most:
        threshold = max(threshold, np.partition(scores, len(scores) - most)[len(scores) - most])
    places = np.flatnonzero(scores >= threshold)
    return places[np.argsort(-scores[places], kind="stable")][:most].astype(np.int32)


class RegionSearch:
    """Searches one region of a shelf; holds no state but tables.

    Parameters
    ----------
    bundles : Bundles
        The shelf's, shared by its regions.
    units : RegionUnits
        The region's.
    """

    def __init__(self, bundles: Bundles, units: RegionUnits) -> None:
        self.units = units
        self._bundles = bundles
        strays = np.where(units.homed[bundles.sku], 0, np.abs(bundles.quantity)).sum(axis=1)
        few = np.flatnonzero(strays <= MAX_MISPLACED_AT_ONCE).astype(np.int32)
        self._rows: IntArray | slice = slice(None) if len(few) == len(bundles) else few
        self._sku, self._quantity = bundles.sku[self._rows], bundles.quantity[self._rows]
        self._pure = bundles.pure[self._rows]
        self._totals: dict[bytes, tuple[FloatArray, FloatArray]] = {}

    def explain(
        self, change_g: FloatArray, noise_g2: FloatArray, seen: BoolArray, prior: ActLogPrior, kept: int
    ) -> Candidates:
        """Return at most ``kept`` candidates for a change of the region.

        Parameters
        ----------
        change_g, noise_g2 : (channels,), (channels, channels)
            Of the channels that can be read.
        seen : (region's channels,) bool
            Which ones those are.
        """
        on = self.units.on(seen)
        if not len(self.units.lane):
            none = np.zeros((0, MAX_TERMS), dtype=np.int32)
            return Candidates(none, none, none, Tally.of_nothing(0), np.zeros(0), np.zeros(0), float("-inf"))
        levers = on.levers
        reading, noise = levers @ change_g, levers @ noise_g2 @ levers.T
        log_place = prior.log_place[:, self.units.lane] + self.units.log_share[:, None]  # (2, spots, skus)
        home = log_place.argmax(axis=1)  # (2, skus)
        rows, sign = self._fitting(reading[0], float(noise[0, 0]), on, home)
        sku, quantity = self._sku[rows].astype(np.int32), sign[:, None] * self._quantity[rows]
        found = Placing(sku, quantity, home, log_place, on, self.units, prior)
        tally = prior.tally(found.sku, found.quantity)
        alone = prior.act(tally)
        fit = log_density_scalar(reading[0] - found.first[:, 0], found.second[:, 0] + noise[0, 0])
        varied = len(on.arms) > 1 or len(self.units.lane) > 1
        hope = fit if len(on.arms) < 2 else found.hope(reading, noise, prior.log_astray)
        scores = found.log_prior + alone + hope
        chosen = best(scores, KEPT_BUNDLES, VARIED_NATS) if varied else best(scores, kept)
        left_out = _log_difference(log_sum_exp(scores), log_sum_exp(scores[chosen]))
        found, tally, alone, fit = found.of(chosen), tally.at(chosen), alone[chosen], fit[chosen]
        if not varied:
            return Candidates(found.sku, found.spot, found.quantity, tally, found.log_prior, fit, left_out)
        row, moved = found.variants()
        log_prior = found.log_prior[row] + moved.log_prior
        residual = reading - (found.first[row] + moved.first)
        second = found.second[row] + moved.second + (noise[0, 0], noise[0, 1], noise[1, 1])
        pair = log_density_pair(residual, second) if len(on.arms) > 1 else fit[row]
        both = log_prior + alone[row] + pair
        places = best(both, kept, KEPT_NATS)
        beyond = _log_difference(log_sum_exp(both), log_sum_exp(both[places]))
        gained = float((both - scores[chosen][row]).max(initial=0.0))
        placed = found.placed(row[places], moved.at(places))
        left_out = log_sum_exp(np.array([left_out + gained, beyond]))
        return Candidates(*placed, tally.at(row[places]), log_prior[places], pair[places], left_out)

    def _fitting(self, total_g: float, noise_g2: float, on: SeenUnits, home: IntArray) -> tuple[IntArray, IntArray]:
        """Return the rows that fit a total, and with which sign each is read."""
        reach = SCREEN_SIGMAS**2
        directions = [1 if total_g > 0 else -1]
        if total_g**2 < reach * noise_g2:
            directions.append(-directions[0])
        rows, signs = [], []
        for place, sign in enumerate(directions):
            mean, variance = self._total(on, home[1 if sign > 0 else 0])
            fits = (total_g - sign * mean) ** 2 < reach * (variance + noise_g2)
            if place:
                fits &= self._pure  # Exchanges are their own reverse.
            found = np.flatnonzero(fits)
            rows.append(found)
            signs.append(np.full(len(found), sign))
        return np.concatenate(rows).astype(np.int32), np.concatenate(signs).astype(np.int32)

    def _total(self, on: SeenUnits, home: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and variance of every row's total with its items at home; the same for most acts."""
        skus = np.arange(len(home))
        unit, spread = on.first[home, skus, 0], on.second[home, skus, 0]
        key = unit.tobytes() + spread.tobytes()
        if key not in self._totals:
            if len(self._totals) >= MAX_TOTALS:
                self._totals.clear()
            self._totals[key] = self._bundles.sums(self._rows, unit, spread)
        return self._totals[key]


def _log_difference(whole: float, part: float) -> float:
    """Return log(exp(whole) − exp(part)), −inf where they are the same but for rounding."""
    rest = -np.expm1(min(part - whole, 0.0)) if np.isfinite(whole) else 0.0
    return whole + float(np.log(rest)) if rest > 1e-12 else float("-inf")

"""The judge's own examination: the oracle beside the design record's table of Bayes-optimal identification.

Errors are what the posteriors foretell, 1 − p of the best bill, not counted ones: their mean is the same (the posterior
is calibrated by construction) and their scatter far smaller, so that 4,000 acts do for errors of a tenth of a percent.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from edge_agent.judging.acts import act_rng, draw_act
from edge_agent.judging.camera import look_at
from edge_agent.judging.habits import FloatArray, Habits
from edge_agent.judging.hardware import HARDWARE
from edge_agent.judging.lane_oracle import LaneOracle
from edge_agent.judging.match import ACTS_A_SHELF
from edge_agent.judging.oracle import CoarseOracle, Enumeration, enumeration, moments
from edge_agent.judging.scores import residual_errors
from edge_agent.judging.suites import LANES, Shelf, draw_shelf

TOP1 = 0.9
TOLERANCE = 0.2
"""An anchor is met within a fifth of the table's error."""
ROUNDING = 0.005
"""Half of the table's last digit, in percent: its errors are no better known than that."""
SHARES = (0.0, 0.05, 0.01, 0.001)
"""Review shares of the four errors: none, 5 %, 1 %, 0.1 %."""

WHY = (
    "Likely reasons: the table does not say how its camera comes to one word when several items move, nor how acts are",
    "mixed. Words that name a SKU (instead of giving a descriptor's likelihoods) meet most of these figures, but leave",
    "twice the table's error with a cell per lane + camera on distinct weights.",
)
"""Of the misses. Tried on 10,000 acts, seed 202, with the habits as they are: words that name one SKU, wrong ones
spread evenly, 85 % right within a product, 95 % of single items seen: 39 of 45 met, but 0.10 for 0.05 % and 0.062 for
0.02 % in that row. Descriptors in 3, 4 or 8 dimensions, products at random places: 24 to 34 of 45 (6,000 acts). No
model tried meets every row, so the camera was left as it is (2026-11)."""

TABLE: dict[tuple[str, str], tuple[float, ...]] = {
    ("distinct", "weight alone"): (14.0, 11, 13, 14),
    ("distinct", "+ centre of mass"): (3.6, 1.1, 2.9, 3.5),
    ("distinct", "+ camera per event"): (1.9, 0.18, 1.2, 1.8),
    ("distinct", "+ camera per item"): (0.4, 0.02, 0.12, 0.34),
    ("distinct", "cell per lane"): (0.3, 0.03, 0.07, 0.25),
    ("distinct", "cell per lane + camera"): (0.05, 0, 0.01, 0.02),
    ("variants", "weight alone"): (41.0,),
    ("variants", "+ centre of mass"): (7.7, 4.6, 7.0, 7.6),
    ("variants", "+ camera per event"): (5.5, 2.7, 4.7, 5.4),
    ("variants", "+ camera per item"): (4.3, 2.1, 3.7, 4.2),
    ("variants", "cell per lane"): (1.1, 0.24, 0.49, 1.0),
    ("variants", "cell per lane + camera"): (0.7, 0.14, 0.26, 0.62),
}
"""Errors in percent without review, then at 5, 1 and 0.1 % (design record on fusion, simulated, 2026-11)."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One row: the table's errors beside the oracle's, percent, in the order of `SHARES`."""

    suite: str
    evidence: str
    table: tuple[float, ...]
    oracle: tuple[float, ...]

    @property
    def met(self) -> tuple[bool, ...]:
        """Return which of the errors are within tolerance."""
        return tuple(
            abs(ours - theirs) <= TOLERANCE * theirs + ROUNDING
            for theirs, ours in zip(self.table, self.oracle, strict=False)
        )


Reader = Callable[[dict[str, FloatArray], dict[str, list[FloatArray]]], FloatArray]
"""From what scales and camera say to the posterior over bills."""


def _readers(known: Enumeration, shelf: Shelf) -> dict[str, Reader]:
    weight = CoarseOracle(known, shelf, "weight", per_item=False)
    centre = CoarseOracle(known, shelf, "centre", per_item=False)
    every = CoarseOracle(known, shelf, "centre", per_item=True)
    lanes = LaneOracle(known, shelf, per_item=False)
    return {
        "weight alone": lambda scale, _: weight.posterior(scale["corners"], []),
        "+ centre of mass": lambda scale, _: centre.posterior(scale["corners"], []),
        "+ camera per event": lambda scale, words: centre.posterior(scale["corners"], words["event"]),
        "+ camera per item": lambda scale, words: every.posterior(scale["corners"], words["item"]),
        "cell per lane": lambda scale, _: lanes.posterior(scale["lanes"], []),
        "cell per lane + camera": lambda scale, words: lanes.posterior(scale["lanes"], words["event"]),
    }


def _doubts(suite: str, habits: Habits, acts: int, seed: int, progress: Callable[[int], None]) -> dict[str, FloatArray]:
    """Return 1 − p of the best bill per act, for every kind of evidence."""
    known = enumeration(LANES, habits)
    doubts: dict[str, list[float]] = {}
    for number in range(acts):
        if number % ACTS_A_SHELF == 0:
            shelf = draw_shelf(suite, seed, number // ACTS_A_SHELF)
            readers = _readers(known, shelf)
            progress(number)
        act = draw_act(shelf, habits, seed, number)
        scale = {
            "corners": moments(HARDWARE["platform"].weigh(act, act_rng(suite, seed, number, 2))),
            "lanes": HARDWARE["lane_cells"].weigh(act, act_rng(suite, seed, number, 2)),
        }
        skus = [item.sku for item in act.items]
        words = {
            "event": look_at(shelf, skus, TOP1, act_rng(suite, seed, number, 3), per_item=False),
            "item": look_at(shelf, skus, TOP1, act_rng(suite, seed, number, 4), per_item=True),
        }
        for evidence, read in readers.items():
            doubts.setdefault(evidence, []).append(1.0 - float(read(scale, words).max()))
    return {evidence: np.array(each) for evidence, each in doubts.items()}


def examine(habits: Habits, acts: int, seed: int, progress: Callable[[int], None] = lambda _: None) -> Iterator[Anchor]:
    """Yield every row of the table; takes alone, as the table has no put-backs."""
    takes = replace(habits, put_share=0.0)
    for suite in ("distinct", "variants"):
        for evidence, doubt in _doubts(suite, takes, acts, seed, progress).items():
            errors = tuple(100 * error for error in residual_errors(doubt, -doubt, SHARES))
            yield Anchor(suite, evidence, TABLE[suite, evidence], errors)

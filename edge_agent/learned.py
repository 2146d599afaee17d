"""What a unit has learned while selling, as it is kept over restarts and recorded with a session.

Records only; how they come about is in identification/threshold.py and learning/.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

LOG_ODDS_STEP = 0.25
"""Width of a step of `Confidences`, in log-odds: a factor of 1.28 in odds (2026-11)."""
STEPS = 56
"""Steps from even odds to a million to one; what is surer counts in the last (2026-11)."""
UNIT = "*"
"""Under which the confidences of the whole unit are kept; no shelf is called so."""


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)


@dataclass(frozen=True, slots=True)
class Confidences:
    """How sure the engine was of selling acts: a fading histogram over the log-odds of the best bill.

    Attributes
    ----------
    acts : (STEPS + 1,) or none
        Acts in each step, faded by age; the first is below even odds.
    doubt : (STEPS + 1,) or none
        Sum of 1 − p over the same acts: the errors that are expected when all of them are billed.

    Raises
    ------
    ValueError
        For other lengths, and for numbers that are no counts.
    """

    acts: tuple[float, ...] = ()
    doubt: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        _check(len(self.acts) == len(self.doubt) and len(self.acts) in (0, STEPS + 1), f"not {STEPS + 1} steps")
        counts = all(0 <= each < math.inf for each in (*self.acts, *self.doubt))
        _check(counts, "a count below 0 or without end")


NONE_SEEN = Confidences()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A catalogue weight that the shelf contradicts: for a person to look at.

    Attributes
    ----------
    catalogue_g, learned_g : float
        Of one item.
    sigma_g : float
        Standard deviation of ``learned_g``; not the spread from item to item.
    events : int
        Acts that it rests on.
    """

    catalogue_g: float
    learned_g: float
    sigma_g: float
    events: int

    def __post_init__(self) -> None:
        sound = 0 < self.learned_g < math.inf and 0 < self.catalogue_g < math.inf and 0 <= self.sigma_g < math.inf
        _check(sound and self.events > 0, "a proposal without weight")


@dataclass(frozen=True, slots=True)
class UnitWeight:
    """What is known of one SKU's items: a normal-inverse-gamma posterior of mean and variance, and what came of it.

    μ | σ² ~ N(``mean_g``, σ² / ``mean_count``), σ² ~ inverse gamma(``shape``, ``scale_g2``).

    Attributes
    ----------
    spread_g : float
        Standard deviation of an item that identification reckons with; the catalogue's or more.
    events : int
        Acts in the posterior.
    recent : tuple of (g, g)
        Weight of an item and its standard deviation, from the last takes off plates where nothing else stands, oldest
        first.
    proposal : Proposal or None
        Made once, and kept until the catalogue changes.
    """

    mean_g: float
    mean_count: float
    shape: float
    scale_g2: float
    spread_g: float
    events: int = 0
    recent: tuple[tuple[float, float], ...] = ()
    proposal: Proposal | None = None

    def __post_init__(self) -> None:
        numbers = (
            self.mean_g,
            self.mean_count,
            self.scale_g2,
            self.spread_g,
            *(x for pair in self.recent for x in pair),
        )
        _check(all(0 < each < math.inf for each in numbers), "a weight, spread or count that is not above 0")
        _check(1 < self.shape < math.inf and self.events >= 0, "a shape or number of events out of range")


@dataclass(frozen=True, slots=True)
class Learned:
    """All of it, or the part that one act changed: unit weights by SKU, confidences by shelf and for the `UNIT`."""

    units: Mapping[str, UnitWeight] = field(default_factory=dict)
    confidences: Mapping[str, Confidences] = field(default_factory=dict)

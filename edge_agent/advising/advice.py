"""What is advised, in words: of each shelf what its sensors can reach, of the unit which threshold to set."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edge_agent.advising.forecast import Forecast
from edge_agent.advising.proposals import Proposal
from edge_agent.advising.thresholds import Standing, standing_at
from edge_agent.config.assortment import LaneConfig

KEY = "policy.min_confidence"


@dataclass(frozen=True, slots=True)
class Targets:
    """What is tolerated, shares of all acts."""

    reviewed: float
    wrong: float

    def met_by(self, standing: Standing) -> bool:
        """Return whether neither is exceeded."""
        return standing.reviewed <= self.reviewed and standing.wrong <= self.wrong

    def least_acts(self) -> int:
        """Return how many acts it takes until one of them would reach the smaller target."""
        return math.ceil(1 / min(self.reviewed, self.wrong) - 1e-9)


@dataclass(frozen=True, slots=True)
class Advice:
    """One shelf's advice.

    Attributes
    ----------
    at_target : Standing
        With the least ``min_confidence`` that keeps the tolerated error on this shelf.
    proposals : tuple of Proposal
        Empty where none lowers the reviews, or none was asked for.
    """

    title: str
    width_mm: float
    lanes: tuple[LaneConfig, ...]
    now: Forecast
    at_target: Standing
    targets: Targets
    proposals: tuple[Proposal, ...] = ()

    def verdict(self) -> str:
        """Return in a sentence or two what these sensors can reach."""
        at = self.at_target
        wrong = f"{per_1000(self.targets.wrong)} wrong in 1,000"
        if self.targets.met_by(at):
            return (
                f"Both targets can be met: with min_confidence = {at.min_confidence} at most {wrong} acts are billed "
                f"and {1000 * at.reviewed:.1f} reviewed."
            )
        return (
            f"These sensors cannot meet both targets: to bill at most {wrong} acts, {1000 * at.reviewed:.1f} in 1,000 "
            f"go to review (min_confidence = {at.min_confidence}); the target is {per_1000(self.targets.reviewed)}."
        )


@dataclass(frozen=True, slots=True)
class UnitAdvice:
    """The one threshold that all shelves of a unit share: as configured, and as recommended.

    Parameters
    ----------
    file : Path
        Where the key stands.
    configured : float
        What it says now.
    advices : sequence of Advice
        Of the unit's shelves, at least one.
    targets : Targets
    """

    file: Path
    configured: float
    advices: Sequence[Advice]
    targets: Targets

    @property
    def recommended(self) -> float:
        """The configured value where it meets both targets on every shelf, else the least that keeps the error on all.

        Lower ones than the configured may meet both too. They would spare reviews, but lean on a forecast that is the
        best case.
        """
        if self._met_at(self.configured):
            return self.configured
        return max(each.at_target.min_confidence for each in self.advices)

    def at(self, min_confidence: float) -> list[Standing]:
        """Return what a value would do to each shelf."""
        return [standing_at(each.now.confidences, min_confidence) for each in self.advices]

    def met(self) -> bool:
        """Return whether one value meets both targets on every shelf."""
        return self._met_at(self.recommended)

    def sentences(self) -> list[str]:
        """Return how the configured value stands, and what to set instead."""
        said = [f"{self.file}: {KEY} = {self.configured} {self._standing(self.configured)}."]
        if self.recommended == self.configured or self.at(self.recommended) == self._like_configured():
            said.append("Recommended: leave it.")
        else:
            said.append(
                f"Recommended: {KEY} = {self.recommended}, the least that bills no more than "
                f"{per_1000(self.targets.wrong)} in 1,000 wrongly on any shelf; it {self._standing(self.recommended)}."
            )
        return said

    def about_tolerated(self, tolerated: float) -> list[str]:
        """Return how a tolerated error stands, whose threshold follows from the unit's own acts."""
        target = max(each.at_target.min_confidence for each in self.advices)
        first = f"{self.file}: policy.tolerated_error = {tolerated:g}: until 200 acts are seen the threshold is"
        then = f"Then it follows from the unit's own acts, to about {target:.4g} for"
        return [
            f"{first} {self.configured:.6g}, which {self._standing(self.configured)}.",
            f"{then} {per_1000(self.targets.wrong)} in 1,000 wrong. Leave {KEY} unset.",
        ]

    def _like_configured(self) -> list[Standing]:
        """Return how the recommended value would stand if it made no difference."""
        return [replace(each, min_confidence=self.recommended) for each in self.at(self.configured)]

    def _met_at(self, min_confidence: float) -> bool:
        return all(self.targets.met_by(each) for each in self.at(min_confidence))

    def _standing(self, min_confidence: float) -> str:
        """Return which targets a value misses, and the worst shelf's figure."""
        standings = self.at(min_confidence)
        where = [each.now.shelf_id for each in self.advices]
        missed = []
        for what, target, shares in (
            ("wrong", self.targets.wrong, [each.wrong for each in standings]),
            ("reviewed", self.targets.reviewed, [each.reviewed for each in standings]),
        ):
            if max(shares) > target:
                shelf = where[shares.index(max(shares))]
                missed.append(f"{1000 * max(shares):.3g} in 1,000 {what} on {shelf} (target {per_1000(target)})")
        return f"misses a target: {' and '.join(missed)}" if missed else "meets both targets"


def per_1000(share: float) -> str:
    """Return a target as it was given, per 1,000."""
    return f"{1000 * share:g}"


def lanes_text(number: int) -> str:
    """Return a number of lanes in words."""
    return f"{number} lane{'' if number == 1 else 's'}"


def fall_text(proposal: Proposal) -> str:
    """Return a proposal with what it does to the reviews at the tolerated error."""
    before, after = 1000 * proposal.before.reviewed, 1000 * proposal.at_target.reviewed
    return f"{proposal.text}: reviews {before:.0f} ‰ -> {after:.0f} ‰"

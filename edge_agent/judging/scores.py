"""From verdicts to scores: what is right, what is left wrong after review, how honest the confidence, what it lost."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from edge_agent.judging.habits import FloatArray, IntArray
from edge_agent.judging.match import Played, Verdicts

REVIEW_SHARES = (0.001, 0.01, 0.05)
BIN_EDGES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0)
BOOTSTRAPS = 1000
UPPER = 0.95
LEAST_SHELVES = 10
"""With fewer there is no bound by resampling them (rule, 2026-11)."""


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Answers of about the same confidence: how many, how many were wrong, how many should have been."""

    low: float
    high: float
    acts: int
    observed_errors: int
    expected_errors: float


@dataclass(frozen=True, slots=True)
class Score:
    """One player's scores in one match; shares are of all acts unless said otherwise.

    Attributes
    ----------
    residual_error : dict
        Review share → share of wrong bills among those left when the least sure ones are reviewed (rightly); None where
        that share is less than one act.
    review_rate, review_causes
        At the configured policy; None for a player without one.
    billed_wrong, billed_foretold, billed_ratio
        Billed without review and wrong; as many as the confidences foretell; and the first over the second, None where
        neither is one act.
    regret, regret_share, regret_share_upper
        Mean of what the oracle gives its own choice less what it gives this one; as a share of the oracle's error; and
        the 95 % upper bound of that, by resampling shelves, None where they are fewer than `LEAST_SHELVES`.
    """

    name: str
    acts: int
    accuracy: float
    residual_error: dict[str, float | None]
    review_rate: float | None
    review_causes: dict[str, int]
    billed_wrong: float | None
    billed_foretold: float | None
    billed_ratio: float | None
    reliability: tuple[ReliabilityBin, ...]
    regret: float
    regret_share: float | None
    regret_share_upper: float | None


def score(played: Played) -> tuple[Score, ...]:
    """Return the scores of the oracle and of every contestant."""
    return tuple(_score(each, played) for each in played.players)


def residual_errors(
    wrong: FloatArray, confidence: FloatArray, shares: tuple[float, ...] = REVIEW_SHARES
) -> list[float]:
    """Return the mean of ``wrong`` over what is left when the least sure share is taken away, for every share.

    ``wrong`` may be 0 and 1, or an expectation.
    """
    left = wrong[np.argsort(confidence, kind="stable")]
    return [float(left[round(share * len(left)) :].mean()) for share in shares]


def residual_by_share(wrong: FloatArray, confidence: FloatArray) -> dict[str, float | None]:
    """Return `residual_errors` by `REVIEW_SHARES`; None where the share is less than one act."""
    errors = residual_errors(wrong, confidence)
    return {
        f"{share:g}": error if share * len(wrong) >= 1 else None
        for share, error in zip(REVIEW_SHARES, errors, strict=True)
    }


def seen_over_foretold(seen: float, foretold: float) -> float | None:
    """Return the ratio of errors seen to those foretold; None where neither is one: so few acts say nothing of it."""
    return seen / foretold if foretold > 0 and max(seen, foretold) >= 1 else None


def _score(player: Verdicts, played: Played) -> Score:
    wrong = player.wrong
    billed = np.array([not reasons for reasons in player.reasons])
    foretold = float((1 - player.confidence[billed]).sum()) if player.calibrated else 0.0
    observed = float(wrong[billed].sum())
    best = played.players[0].merit
    lost = best - player.merit
    share, upper = share_of_error(lost, 1 - best, played.shelf)
    return Score(
        name=player.name,
        acts=len(wrong),
        accuracy=float(player.right.mean()),
        residual_error=residual_by_share(wrong, player.confidence),
        review_rate=float(1 - billed.mean()) if player.calibrated else None,
        review_causes=dict(sorted(Counter(word for words in player.reasons for word in words).items())),
        billed_wrong=observed / len(wrong) if player.calibrated else None,
        billed_foretold=foretold / len(wrong) if player.calibrated else None,
        billed_ratio=seen_over_foretold(observed, foretold),
        reliability=reliability(wrong, player.confidence) if player.calibrated else (),
        regret=float(lost.mean()),
        regret_share=share,
        regret_share_upper=upper,
    )


def reliability(wrong: FloatArray, confidence: FloatArray) -> tuple[ReliabilityBin, ...]:
    """Return answers grouped by confidence, the last bin closed above."""
    place = np.clip(np.searchsorted(BIN_EDGES, confidence, side="right") - 1, 0, len(BIN_EDGES) - 2)
    return tuple(
        ReliabilityBin(
            BIN_EDGES[each],
            BIN_EDGES[each + 1],
            int((place == each).sum()),
            int(wrong[place == each].sum()),
            float((1 - confidence[place == each]).sum()),
        )
        for each in range(len(BIN_EDGES) - 1)
    )


def share_of_error(lost: FloatArray, error: FloatArray, shelf: IntArray) -> tuple[float | None, float | None]:
    """Return Σ lost / Σ error and its 95 % upper bound: shelves resampled, both sums taken from the same ones."""
    if error.sum() <= 0:
        return None, None
    lost_by_shelf, error_by_shelf = np.bincount(shelf, lost), np.bincount(shelf, error)
    if len(lost_by_shelf) < LEAST_SHELVES:
        return float(lost.sum() / error.sum()), None
    dice = np.random.default_rng(len(lost))
    drawn = dice.integers(len(lost_by_shelf), size=(BOOTSTRAPS, len(lost_by_shelf)))
    errors = error_by_shelf[drawn].sum(axis=1)
    shares = lost_by_shelf[drawn].sum(axis=1)[errors > 0] / errors[errors > 0]
    return float(lost.sum() / error.sum()), float(np.quantile(shares, UPPER))

"""From what was told to scores: found or missed, right or wrong, how honest, how late, and where it went wrong."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.bytes_level.match import BytesPlayed, Told
from edge_agent.bytes_level.regret import told_confidence, told_right
from edge_agent.judging.scores import ReliabilityBin, reliability, residual_by_share, seen_over_foretold
from edge_agent.simulation.scoreboard import Outcome
from edge_agent.simulation.truth import ActKind
from edge_agent.vocabulary import Verdict

WRONG_BY_G, WRONG_BY_SIGMAS = 1.0, 4.0
"""A change is wrong by more than is tolerated beyond both (design record on performance, 2026-11)."""
PREMATURE_S = 0.02
"""A final word earlier than this before the release is too soon: bytes take up to 10 ms to be read."""


@dataclass(frozen=True, slots=True)
class BytesScore:
    """The scores of a match at the level of bytes; shares are of the acts that moved something.

    Attributes
    ----------
    recall, precision : float
        Acts of which something was said; events that belong to an act.
    accuracy : float
        Acts whose leading explanation, over all their events, is the truth.
    residual_error : dict
        Review share → wrong acts left when the least sure ones are reviewed; None where that is less than one act.
    billed_wrong : float
        Acts billed without review and wrong.
    billed_ratio : float | None
        Those over what the confidences foretell; None where neither is one act.
    wrong_by : float
        Acts whose change is off by more than 1 g and 4 σ.
    faults : dict
        Where the wrong acts went wrong: ``segmentation`` (told in no event, or several), ``estimation`` (its change off
        by more than 4 σ), ``identification`` (the rest).
    """

    acts: int
    recall: float
    precision: float
    invented: int
    accuracy: float
    residual_error: dict[str, float | None]
    review_rate: float
    review_causes: dict[str, int]
    billed_wrong: float
    billed_ratio: float | None
    reliability: tuple[ReliabilityBin, ...]
    final_p50_s: float | None
    final_p95_s: float | None
    early_p50_s: float | None
    premature: float
    wrong_by: float
    faults: dict[str, int]


def score_bytes(played: BytesPlayed) -> BytesScore:
    """Return the scores of a match."""
    moved = [each for each in played.told if each.scored.truth.kind is not ActKind.PRESS]
    heard = sum(len(each.scored.heard) for each in moved)
    right = np.array([told_right(each) for each in moved])
    confidence = np.array([told_confidence(each) for each in moved])
    reviewed = np.array([_reviewed(each) for each in moved])
    billed = ~reviewed & np.array([bool(each.scored.heard) for each in moved])
    foretold = float((1 - confidence[billed]).sum())
    wrong = np.where(right, 0.0, 1.0).astype(np.float64)
    finals = [each.scored.latency_s for each in moved if each.scored.latency_s is not None]
    early = [each.early_s for each in moved if each.early_s is not None]
    off = np.array([_off(each) for each in moved])
    causes = Counter(
        reason
        for each in moved
        for one in each.scored.heard
        if one.event.verdict is Verdict.REVIEW
        for reason in one.event.reasons
    )
    return BytesScore(
        acts=len(moved),
        recall=float(np.mean([each.scored.outcome is not Outcome.MISSED for each in moved])),
        precision=heard / max(heard + len(played.invented), 1),
        invented=len(played.invented),
        accuracy=float(right.mean()),
        residual_error=residual_by_share(wrong, confidence),
        review_rate=float(reviewed.mean()),
        review_causes=dict(sorted(causes.items())),
        billed_wrong=float((billed & ~right).mean()),
        billed_ratio=seen_over_foretold(float(wrong[billed].sum()), foretold),
        reliability=reliability(wrong, confidence),
        final_p50_s=_quantile(finals, 0.5),
        final_p95_s=_quantile(finals, 0.95),
        early_p50_s=_quantile(early, 0.5),
        premature=float(np.mean([value < -PREMATURE_S for value in finals])) if finals else 0.0,
        wrong_by=float(off.mean()),
        faults=dict(
            sorted(
                Counter(_fault(each, bool(o)) for each, r, o in zip(moved, right, off, strict=True) if not r).items()
            )
        ),
    )


def _reviewed(told: Told) -> bool:
    return any(each.event.verdict is Verdict.REVIEW for each in told.scored.heard)


def _off(told: Told) -> bool:
    """Return whether the change that was told is further from the truth than is tolerated."""
    if not told.scored.heard:
        return False
    miss_g = abs(sum(each.event.delta_g for each in told.scored.heard) - told.scored.truth.delta_g)
    sigma_g = float(np.sqrt(sum(each.event.sigma_g**2 for each in told.scored.heard)))
    return miss_g > max(WRONG_BY_G, WRONG_BY_SIGMAS * sigma_g)


def _fault(told: Told, off: bool) -> str:
    if len(told.scored.heard) != 1:
        return "segmentation"
    return "estimation" if off else "identification"


def _quantile(values: Sequence[float], share: float) -> float | None:
    return float(np.quantile(values, share)) if len(values) else None

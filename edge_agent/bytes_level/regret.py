"""What was lost against the oracle, by the stage that lost it; and the match as the judge's scores know matches."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from edge_agent.bytes_level.beside import ON_IDEAL_STEPS, REFERENCES, Beside, HeardAs
from edge_agent.bytes_level.ideal import felt_habits
from edge_agent.bytes_level.match import BytesPlayed, Told
from edge_agent.identification.posterior import bill_of
from edge_agent.judging.habits import FloatArray
from edge_agent.judging.match import ORACLE, Played, Terms, Verdicts
from edge_agent.judging.scores import share_of_error
from edge_agent.model import ItemChange
from edge_agent.vocabulary import Verdict

ENGINE = "engine"
SEEING = "oracle with the camera"
CALIBRATED = {ORACLE, ON_IDEAL_STEPS}
STAGES = ("identification", "estimation", "segmentation")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the regret.

    Attributes
    ----------
    regret : float
        Mean over all acts of what the oracle gives the better choice less what it gives the worse.
    share, upper : float | None
        The same over the oracle's error, and below what it lies at 95 %, by resampling shelves; None where the oracle
        foresees no error.
    """

    regret: float
    share: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class CameraGain:
    """What a camera lessens of the error on ideal steps, shares of acts, by the oracle that was told what it saw.

    ``lower`` is above what ``gained`` over ``possible`` lies at 95 %, by resampling shelves; None for too few shelves.
    """

    gained: float
    possible: float
    lower: float | None


def camera_gain(played: BytesPlayed) -> CameraGain | None:
    """Return what the engine gained of what the oracle gained by the same words; None without a camera."""
    rows = [each.beside for each in played.told if each.beside is not None]
    seen = [(each.seeing, each.shelf) for each in rows if each.seeing is not None]
    if not seen:
        return None
    gained = np.array([seeing.gain for seeing, _ in seen])
    possible = np.array([seeing.possible for seeing, _ in seen])
    shelf = np.array([number for _, number in seen], dtype=np.int64)
    lost, upper = share_of_error(possible - gained, possible, shelf)
    del lost
    return CameraGain(float(gained.mean()), float(possible.mean()), None if upper is None else 1 - upper)


@dataclass(frozen=True, slots=True)
class Split:
    """The regret of a match in parts that add up to ``total``.

    Attributes
    ----------
    identification : Part
        The oracle's choice against the engine's, both told the ideal step.
    estimation : Part
        The engine's choice on the ideal step against what was said, of acts heard as one event.
    segmentation : Part
        The same of acts unheard, heard as several events, or merged with another.
    heard_as : dict
        How many acts were heard how.
    """

    identification: Part
    estimation: Part
    segmentation: Part
    total: Part
    heard_as: dict[str, int]


def split_regret(played: BytesPlayed) -> Split:
    """Return where the match's regret came about."""
    rows = [each.beside for each in played.told if each.beside is not None]
    ideal = REFERENCES.index(ON_IDEAL_STEPS)
    best = np.array([each.merits[0] for each in rows])
    known = np.array([each.merits[ideal] for each in rows])
    said = np.array([each.said_merit for each in rows])
    cut_right = np.array([each.heard_as is HeardAs.ONE for each in rows])
    shelf = np.array([each.shelf for each in rows], dtype=np.int64)

    def part(lost: FloatArray) -> Part:
        return Part(float(lost.mean()), *share_of_error(lost, 1 - best, shelf))

    return Split(
        identification=part(best - known),
        estimation=part(np.where(cut_right, known - said, 0.0)),
        segmentation=part(np.where(cut_right, 0.0, known - said)),
        total=part(best - said),
        heard_as=dict(Counter(each.heard_as.value for each in rows)),
    )


def as_judged(played: BytesPlayed) -> Played:
    """Return the match as one of ideal acts: the oracle, the engine as heard, and who answered the ideal steps."""
    rows = [(told, told.beside) for told in played.told if told.beside is not None]
    terms = played.terms
    players = [_reference(index, [beside for _, beside in rows]) for index in range(len(REFERENCES))]
    players.insert(1, _heard(rows))
    if all(beside.seeing is not None for _, beside in rows):
        players.insert(1, _seeing([beside for _, beside in rows]))
    return Played(
        Terms(
            terms.suite,
            terms.hardware,
            len(rows),
            terms.seed,
            felt_habits(terms.habits),
            terms.policy.certain_from,
        ),
        np.array([beside.shelf for _, beside in rows], dtype=np.int64),
        tuple(players),
    )


def _reference(index: int, rows: list[Beside]) -> Verdicts:
    answers = [each.answers[index] for each in rows]
    return Verdicts(
        REFERENCES[index],
        REFERENCES[index] in CALIBRATED,
        np.array([answer.bill == each.bill for answer, each in zip(answers, rows, strict=True)]),
        np.array([answer.confidence for answer in answers]),
        np.array([each.merits[index] for each in rows]),
        tuple(answer.reasons for answer in answers),
    )


def _seeing(rows: list[Beside]) -> Verdicts:
    """Return the oracle that was told what the camera saw; its own posterior is what it is worth by."""
    answers = [each.seeing.answer for each in rows if each.seeing is not None]
    confidence = np.array([answer.confidence for answer in answers])
    right = np.array([answer.bill == each.bill for answer, each in zip(answers, rows, strict=True)])
    return Verdicts(SEEING, True, right, confidence, confidence, tuple(answer.reasons for answer in answers))


def _heard(rows: list[tuple[Told, Beside]]) -> Verdicts:
    """Return what was said of each act; one of which nothing was said is not billed, and counts as reviewed."""
    return Verdicts(
        ENGINE,
        calibrated=True,
        right=np.array([told_right(told) for told, _ in rows]),
        confidence=np.array([told_confidence(told) for told, _ in rows]),
        merit=np.array([beside.said_merit for _, beside in rows]),
        reasons=tuple(told_reasons(told) if told.scored.heard else (beside.heard_as.value,) for told, beside in rows),
    )


def told_right(told: Told) -> bool:
    """Return whether the leading explanation, over all the act's events, is the truth."""
    said = [item for each in told.scored.heard for item in each.event.items]
    happened = [ItemChange(sku, quantity, lane) for sku, quantity, lane in told.scored.truth.items]
    return bool(told.scored.heard) and bill_of(said) == bill_of(happened)


def told_confidence(told: Told) -> float:
    """Return the least confidence of the act's events, 0 where there is none."""
    return min((each.event.confidence for each in told.scored.heard), default=0.0)


def told_reasons(told: Told) -> tuple[str, ...]:
    """Return why any of the act's events was left to a person."""
    return tuple(
        reason for each in told.scored.heard if each.event.verdict is Verdict.REVIEW for reason in each.event.reasons
    )

"""A match: the same acts for the oracle and for every contestant, and what each made of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from edge_agent.judging.acts import act_rng, draw_act
from edge_agent.judging.bills import Bill
from edge_agent.judging.camera import look_at
from edge_agent.judging.contestant import Answer, Contestant, Evidence
from edge_agent.judging.habits import FloatArray, Habits, IntArray
from edge_agent.judging.hardware import HARDWARE, HardwareKind
from edge_agent.judging.lane_oracle import LaneOracle
from edge_agent.judging.narrow_oracle import NarrowOracle
from edge_agent.judging.oracle import Enumeration, Oracle, enumeration
from edge_agent.judging.placements import left_out_share
from edge_agent.judging.platform_oracle import PlatformOracle
from edge_agent.judging.suites import LANES, Shelf, draw_shelf
from edge_agent.processes import worker_pool

ACTS_A_SHELF = 25
"""Acts on one drawn shelf before the next is drawn: 80 shelves in 2,000 acts, for shelves differ more than acts do
(2026-11)."""
ACTS_A_BLOCK = 40 * ACTS_A_SHELF
"""Acts that one process plays at a time (2026-11)."""
ORACLE = "oracle"
LOW_CONFIDENCE = "low_confidence"


BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CameraSkill:
    """How well the simulated camera tells products apart, and whether it sees each item or one of an act."""

    top1: float
    per_item: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """What a match is played on."""

    suite: str
    hardware: HardwareKind
    acts: int
    seed: int
    habits: Habits
    min_confidence: float
    camera: CameraSkill | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """What one player made of every act.

    Attributes
    ----------
    right : (acts,) bool
        Whether its bill is the truth.
    confidence : (acts,)
    merit : (acts,)
        The oracle's probability of its bill.
    reasons : tuple of tuple of str
        Per act; empty where it would be billed.
    """

    name: str
    calibrated: bool
    right: BoolArray
    confidence: FloatArray
    merit: FloatArray
    reasons: tuple[tuple[str, ...], ...]

    @property
    def wrong(self) -> FloatArray:
        """Return 1 where its bill is not the truth, else 0, (acts,)."""
        return np.where(self.right, 0.0, 1.0).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """A match played: the oracle first, then the contestants; ``shelf`` (acts,) says which acts shared one."""

    terms: Terms
    shelf: IntArray
    players: tuple[Verdicts, ...]


def make_oracle(known: Enumeration, shelf: Shelf, terms: Terms) -> Oracle:
    """Return the oracle for the hardware."""
    per_item = terms.camera is not None and terms.camera.per_item
    if terms.hardware == "lane_cells":
        return LaneOracle(known, shelf, per_item=per_item)
    if terms.hardware == "narrow_plates":
        return NarrowOracle(known, shelf, per_item=per_item)
    return PlatformOracle(known, shelf, per_item=per_item)


def left_out_of(terms: Terms) -> float:
    """Return the share of acts whose truth is not among what the oracle enumerates."""
    return left_out_share(terms.habits) if terms.hardware == "platform" else 0.0


def play(
    terms: Terms, contestants: Sequence[Contestant], progress: Callable[[int], None] = lambda _: None, jobs: int = 1
) -> Played:
    """Play every act for the oracle and all contestants.

    Parameters
    ----------
    progress : callable, optional
        Told now and then how many acts are done.
    jobs : int
        Processes that share the acts; what comes of them is the same however many there are. Contestants are pickled.
    """
    names = [(ORACLE, True), *((each.name, each.calibrated) for each in contestants)]
    blocks = [range(start, min(start + ACTS_A_BLOCK, terms.acts)) for start in range(0, terms.acts, ACTS_A_BLOCK)]
    played: list[_Block] = []
    if jobs == 1 or len(blocks) == 1:
        for block in blocks:
            played.append(_play_block(terms, contestants, block))
            progress(block.stop)
    else:
        with worker_pool(min(jobs, len(blocks))) as pool:
            for block, result in zip(blocks, pool.map(partial(_play_block, terms, contestants), blocks), strict=True):
                played.append(result)
                progress(block.stop)
    right, confidence, merit = (
        np.concatenate([getattr(each, part) for each in played], axis=1) for part in ("right", "confidence", "merit")
    )
    players = [
        Verdicts(
            name,
            calibrated,
            right[i],
            confidence[i],
            merit[i],
            tuple(reasons for each in played for reasons in each.reasons[i]),
        )
        for i, (name, calibrated) in enumerate(names)
    ]
    return Played(terms, np.arange(terms.acts) // ACTS_A_SHELF, tuple(players))


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Some consecutive acts, (players, acts) each."""

    right: BoolArray
    confidence: FloatArray
    merit: FloatArray
    reasons: tuple[tuple[tuple[str, ...], ...], ...]


def _play_block(terms: Terms, contestants: Sequence[Contestant], block: range) -> _Block:
    """Play some acts; a block starts with a shelf of its own."""
    known = enumeration(LANES, terms.habits)
    rows = {known.bills.bill(row, 1): row for row in range(len(known.bills))}
    shape = (1 + len(contestants), len(block))
    right, confidence, merit = np.zeros(shape, dtype=np.bool_), np.zeros(shape), np.zeros(shape)
    reasons: list[list[tuple[str, ...]]] = [[] for _ in range(shape[0])]
    for number, truth, posterior, sign, answers in _acts(terms, known, contestants, block):
        for player, answer in enumerate(answers):
            row = rows.get(tuple((sku, sign * quantity) for sku, quantity in answer.bill))
            place = number - block.start
            right[player, place] = answer.bill == truth
            confidence[player, place] = answer.confidence
            merit[player, place] = 0.0 if row is None else posterior[row]
            reasons[player].append(answer.reasons)
    return _Block(right, confidence, merit, tuple(tuple(each) for each in reasons))


def _acts(
    terms: Terms, known: Enumeration, contestants: Sequence[Contestant], block: range
) -> Iterator[tuple[int, Bill, FloatArray, int, list[Answer]]]:
    """Yield per act its number, true bill, the oracle's posterior and direction, and the answers, oracle's first."""
    hardware = HARDWARE[terms.hardware]
    for number in block:
        if number % ACTS_A_SHELF == 0:
            shelf = draw_shelf(terms.suite, terms.seed, number // ACTS_A_SHELF)
            oracle = make_oracle(known, shelf, terms)
            for each in contestants:
                each.meet(shelf, hardware)
        act = draw_act(shelf, terms.habits, terms.seed, number)
        delta_g = hardware.weigh(act, act_rng(terms.suite, terms.seed, number, 2))
        words: list[FloatArray] = []
        if terms.camera is not None:
            dice = act_rng(terms.suite, terms.seed, number, 3)
            skus = [item.sku for item in act.items]
            words = look_at(shelf, skus, terms.camera.top1, dice, per_item=terms.camera.per_item)
        posterior = oracle.posterior(delta_g, words)
        best = int(posterior.argmax())
        sign = 1 if delta_g.sum() > 0 else -1
        sure = float(posterior[best])
        reasons = () if sure >= terms.min_confidence else (LOW_CONFIDENCE,)
        answers = [Answer(known.bills.bill(best, sign), sure, reasons)]
        answers += [each.answer(Evidence(number, delta_g, tuple(words))) for each in contestants]
        yield number, act.bill, posterior, sign, answers

"""Beside every act of a shelf: what the oracle, the engine and two rules of others make of its ideal step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from edge_agent.bytes_level.ideal import Ground, StockedOracle, stocks_before
from edge_agent.bytes_level.seen_acts import BillTable, camera_nats, seen_during
from edge_agent.bytes_level.shop import shop_of
from edge_agent.config import Site
from edge_agent.config.tree import PolicyConfig
from edge_agent.identification.posterior import bill_of
from edge_agent.judging.bills import MAX_ITEMS, Bill, Bills
from edge_agent.judging.contestant import Answer, Evidence
from edge_agent.judging.habits import FloatArray, Habits
from edge_agent.judging.match import LOW_CONFIDENCE, ORACLE
from edge_agent.judging.references import LocationAndWeight, NearestWeight
from edge_agent.model import Message, VisionObservation
from edge_agent.scoring_engine import Engine
from edge_agent.simulation.scoreboard import Scored
from edge_agent.simulation.truth import ActTruth

ON_IDEAL_STEPS = "engine, ideal steps"
REFERENCES = (ORACLE, ON_IDEAL_STEPS, NearestWeight.name, LocationAndWeight.name)
"""Who answers the ideal step, in order."""
DICE = 6


class HeardAs(StrEnum):
    """How an act was cut out of the readings."""

    ONE = "one event"
    SEVERAL = "several events"
    MERGED = "merged with another act"
    UNHEARD = "unheard"


@dataclass(frozen=True, slots=True)
class Beside:
    """What was made of one act's ideal step, and what the oracle holds of it and of what was said.

    Attributes
    ----------
    shelf : int
        Number of the drawn shelf.
    bill : Bill
        The truth.
    answers : tuple of Answer
        Of `REFERENCES`.
    merits : tuple of float
        What the oracle gives each of them.
    said_merit : float
        What it gives to that which was said of the act: of several events their sum, of acts told together the share
        of the sum that suits the act.
    """

    shelf: int
    items: int
    bill: Bill
    answers: tuple[Answer, ...]
    merits: tuple[float, ...]
    said_merit: float
    heard_as: HeardAs
    seeing: "Seeing | None" = None


@dataclass(frozen=True, slots=True)
class Seeing:
    """The same act where a camera watched it: what it tells the oracle, and what the engine makes of the same words.

    Attributes
    ----------
    answer : Answer
        Of the oracle that was told what the camera saw.
    gain, possible : float
        What its posterior gives the seeing engine's choice more than the blind one's, both on the ideal step; and the
        seeing oracle's more than the blind one's.
    """

    answer: Answer
    gain: float
    possible: float


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """One act's posterior."""

    oracle: StockedOracle
    posterior: FloatArray
    sign: int

    def merit(self, bill: Mapping[int, int]) -> float:
        return self.oracle.merit(self.posterior, tuple(sorted(bill.items())), self.sign)


def stand_beside(
    site: Site,
    scored: Sequence[Scored],
    start_ns: int,
    policy: PolicyConfig,
    habits: Habits,
    seeds: tuple[int, int],
    seen: Sequence[Message] | None = None,
) -> list[Beside | None]:
    """Return what stands beside each act of a site's one shelf, None where nothing was moved.

    Parameters
    ----------
    scored : sequence of Scored
        All acts of the shelf from its opening on: what stands there before each follows from them.
    start_ns : int
        Host instant of world time 0.
    habits : Habits
        By which the oracle explains.
    seeds : (int, int)
        The match's, and the shelf's number.
    seen : sequence of Message, optional
        What a camera said.
    """
    truths = [each.truth for each in scored]
    ground = Ground.of(site, site.shelves[0].shelf_id)
    oracle = ground.oracle(habits)
    engine = Engine(policy, shop=shop_of)
    rules = (engine, NearestWeight(), LocationAndWeight())
    for rule in rules:
        rule.meet(ground.shelf, ground.hardware)
    known: dict[int, _Known] = {}
    answered: dict[int, tuple[Bill, tuple[Answer, ...]]] = {}
    watched = None if seen is None else _Watched(site, ground, seen, truths)
    with_camera: dict[int, Seeing] = {}
    for place, (truth, stock) in enumerate(zip(truths, stocks_before(site.opening_stock(), truths), strict=True)):
        act = ground.act(truth)
        if act is None:
            continue
        rng = np.random.default_rng(np.random.SeedSequence([*seeds, truth.act_index, DICE]))
        delta_g = ground.hardware.weigh(act, rng)
        sign = 1 if delta_g.sum() > 0 else -1
        posterior = oracle.posterior(delta_g, ground.standing(stock))
        bill, sure = oracle.choice(posterior, sign)
        engine.believe(stock)
        evidence = Evidence(truth.act_index, delta_g)
        best = Answer(bill, sure, () if sure >= policy.certain_from else (LOW_CONFIDENCE,))
        known[place] = _Known(oracle, posterior, sign)
        answered[place] = act.bill, (best, *(rule.answer(evidence) for rule in rules))
        if watched is not None:
            told = watched.during(place)
            knows_more = _Known(oracle, watched.posterior(told, posterior, oracle.known.bills, sign), sign)
            choice, surer = oracle.choice(knows_more.posterior, sign)
            bills = (engine.answer(evidence, told).bill, answered[place][1][1].bill, bill)
            seeing, blind, oracle_blind = (knows_more.merit(dict(each)) for each in bills)
            with_camera[place] = Seeing(
                Answer(choice, surer, () if surer >= policy.certain_from else (LOW_CONFIDENCE,)),
                seeing - blind,
                surer - oracle_blind,
            )
    heard = _heard(scored, start_ns, known, ground.skus)
    return [
        Beside(
            seeds[1],
            len(truth.moves),
            answered[place][0],
            answered[place][1],
            tuple(known[place].merit(dict(answer.bill)) for answer in answered[place][1]),
            *heard[place],
            with_camera.get(place),
        )
        if place in known
        else None
        for place, truth in enumerate(truths)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Watched:
    """What a camera said of a shelf's acts."""

    site: Site
    ground: Ground
    seen: Sequence[Message]
    truths: Sequence[ActTruth]

    def during(self, place: int) -> list[VisionObservation]:
        """Return what was seen of an act."""
        return seen_during(self.seen, self.truths, place)

    def posterior(self, told: Sequence[VisionObservation], unseen: FloatArray, bills: Bills, sign: int) -> FloatArray:
        """Return an act's posterior with what was seen of it."""
        lanes = {lane.lane_id: lane.x_mm for lane in self.site.planogram.on_shelf(self.site.shelves[0].shelf_id)}
        skus = sorted(self.ground.skus, key=self.ground.skus.__getitem__)
        ordered = sorted(self.ground.lanes, key=self.ground.lanes.__getitem__)
        table = BillTable.of(bills, sign, skus, ordered)
        nats = camera_nats(table, told, lanes)
        if nats is None:
            return unseen
        weighed: FloatArray = unseen * np.exp(nats - nats.max())
        return np.asarray(weighed / weighed.sum(), dtype=np.float64)


def _heard(
    scored: Sequence[Scored], start_ns: int, known: Mapping[int, _Known], skus: Mapping[str, int]
) -> dict[int, tuple[float, HeardAs]]:
    """Return per act what the oracle gives to what was said of it, and how it was heard."""
    result: dict[int, tuple[float, HeardAs]] = {}
    owners = {place: _told_with(place, scored, start_ns) for place in known if not scored[place].heard}
    for place, act in known.items():
        events = scored[place].heard
        company = [place, *(other for other, owner in owners.items() if owner == place)]
        if events and len(company) > 1:
            shares = best_shares(_said(scored[place], skus), [known[each] for each in company])
            result |= {each: (share, HeardAs.MERGED) for each, share in zip(company, shares, strict=True)}
        elif events:
            how = HeardAs.ONE if len(events) == 1 else HeardAs.SEVERAL
            result[place] = act.merit(_said(scored[place], skus)), how
        elif owners[place] is None:
            result[place] = 0.0, HeardAs.UNHEARD
    return result


def _told_with(place: int, scored: Sequence[Scored], start_ns: int) -> int | None:
    """Return the other act whose event lasted into this one, of which nothing was said by itself."""
    truth = scored[place].truth
    for other, each in enumerate(scored):
        for heard in each.heard:
            start_s, end_s = ((t_ns - start_ns) / 1e9 for t_ns in (heard.event.t_start_ns, heard.event.t_end_ns))
            if start_s < truth.t_release_s and end_s > truth.t_start_s:
                return other
    return None


def _said(scored: Scored, skus: Mapping[str, int]) -> dict[int, int]:
    items = [item for each in scored.heard for item in each.event.items]
    return {skus[sku]: quantity for sku, quantity in bill_of(items)}


def best_shares(said: Mapping[int, int], acts: Sequence[_Known]) -> list[float]:
    """Return what each of several acts that were told together gets, everything that was said divided at its best."""
    if len(acts) == 1:
        return [acts[0].merit(said)]
    first, rest = acts[0], acts[1:]
    best: list[float] = []
    for part in _parts(said, first.sign):
        left = {sku: quantity - part.get(sku, 0) for sku, quantity in said.items() if quantity != part.get(sku, 0)}
        shares = [first.merit(part), *best_shares(left, rest)]
        best = max(best, shares, key=sum)
    return best


def _parts(said: Mapping[int, int], sign: int) -> list[dict[int, int]]:
    """Return all bills of up to four items in one direction that are within what was said, the empty one too."""
    parts: list[dict[int, int]] = [{}]
    for sku, quantity in said.items():
        here = range(1, sign * quantity + 1)
        parts += [{**part, sku: sign * count} for part in parts for count in here]
    return [part for part in parts if sum(map(abs, part.values())) <= MAX_ITEMS]

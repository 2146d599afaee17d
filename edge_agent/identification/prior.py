"""What is likely before any sensor speaks: direction, number, mixture, planogram and stock belief.

An act takes, puts back, or does both. How many items it moves follows who acts. One SKU leads: the first item is of
it, each further one too with probability s, else of any, this one included. Where each item stood, or goes, is drawn
apart from the others: in a lane of its own, where the belief counts it, or astray. A placed bundle of n items, c of
them of SKU k with share a_k,
c_t of them in lane t, weighs, with r_k = (1 − s) a_k,

    P(n) (n − 1)! · Σ_k c_k a_k (s + r_k)^(c_k − 1) / r_k^c_k · ∏_k r_k^c_k · ∏_t q(lane_t | k_t)^(c_t) / c_t!

times the doubts about the belief; the sum is over the SKU that leads. In both directions at once, each has its own such
factor. All but the sum is a product over terms, and the sum adds up over regions: `Tally` carries it.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from edge_agent.config.assortment import LaneConfig
from edge_agent.identification.bundles import MAX_ITEMS_AT_ONCE, MAX_TERMS
from edge_agent.model import BoolArray, FloatArray, IntArray, Stock
from edge_agent.vocabulary import Mode, StepCause

SAME_SHARE = 0.8
"""s, of shoppers: every fifth further item is of another SKU, so that one act in ten mixes (assumed, 2026-11)."""
EXCHANGE_SHARE = 0.02
"""Share of acts that take and put back at once (assumed, 2026-11)."""
MOVED_SHARE = 0.005
"""Share of acts that move an item from one lane to another (assumed, 2026-11)."""
COUNT_WRONG = 0.02
"""Chance that a lane holds one item more than believed; each further one halves it (assumed, 2026-11)."""
NEVER_TAKEN = 0.1
"""Factor on putting back what by the belief nobody took: brought from elsewhere, or the belief is wrong; each further
item halves it (assumed, 2026-11)."""
OVERFULL = 0.1
"""Further factor on putting back more than the planned lanes can hold (2026-11)."""
EMPTY_LANE_ITEMS = 0.5
"""What a planned lane that is believed empty counts as among the lanes of its SKU, items: the belief may be wrong
(2026-11)."""
HANDFUL, HANDFUL_EXPONENT = 4, 1.5
"""Hands take up to four items (design record on fusion, 2026-11), n of them with P(n) ∝ n^(−1.5): 60 % single ones
(assumed, 2026-11)."""
SWEEP_SHARE, SWEEP_EXPONENT = 0.01, 2.0
"""Share of acts that move more than a handful, and how their number falls (assumed, 2026-11)."""
LONGEST = 4 * MAX_ITEMS_AT_ONCE
"""Items of one act, over all lanes, up to which the number's prior is tabled; more weigh as much as so many."""


LOG_FACTORIAL = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, LONGEST + 1)))])
"""log n!, n = 0 … `LONGEST`."""


@dataclass(frozen=True, slots=True)
class ActPrior:
    """Who may have acted: which way items go, how many, how seldom SKUs mix.

    ``put_share`` is the share of acts that go onto the shelf. ``by_shopper``: items come by the handful, and what is
    put on should have been taken before; else any number is as likely.
    """

    put_share: float
    same_share: float
    by_shopper: bool


SHOPPER = ActPrior(0.2, SAME_SHARE, by_shopper=True)
"""One put-back in five acts (assumed, 2026-11)."""
STAFF = ActPrior(0.85, 0.9, by_shopper=False)
"""Restocking moves any number, mostly of one kind at a time and onto the shelf (assumed, 2026-11)."""
UNSEEN = ActPrior(0.5, 0.9, by_shopper=False)
"""Found changed after a time without power: anything may have been done, by anyone (2026-11)."""


ACT_PRIORS = (SHOPPER, STAFF, UNSEEN)


def act_prior(mode: Mode, cause: StepCause) -> ActPrior:
    """Return whose habits to expect."""
    if cause is StepCause.RECONCILED:
        return UNSEEN
    return STAFF if mode is Mode.STAFF else SHOPPER


class Belief:
    """The stock belief as arrays over a shelf's lanes and SKUs, beside what the planogram says of them.

    Parameters
    ----------
    lanes : tuple of LaneConfig
        The shelf's lanes.
    skus : tuple of str
        SKUs that explanations may name.
    stock : Stock
        Believed counts; a lane or SKU that is absent counts 0.
    """

    def __init__(self, lanes: tuple[LaneConfig, ...], skus: tuple[str, ...], stock: Stock) -> None:
        row = {sku: index for index, sku in enumerate(skus)}
        self.count = np.zeros((len(lanes), len(skus)), dtype=np.int32)
        self.planned = np.zeros((len(lanes), len(skus)), dtype=np.bool_)
        full = np.zeros(len(skus), dtype=np.int32)
        capacity = np.zeros(len(skus), dtype=np.int32)
        for lane_index, lane in enumerate(lanes):
            self.planned[lane_index, row[lane.sku]] = True
            full[row[lane.sku]] += lane.opening_count or lane.capacity
            capacity[row[lane.sku]] += lane.capacity
            for sku, count in stock.get(lane.lane_id, {}).items():
                if sku in row:
                    self.count[lane_index, row[sku]] = count
        on_shelf = self.count.sum(axis=0)
        self.missing = full - on_shelf
        """(skus,) Items that shoppers must have, if none came or went unseen."""
        self.room = capacity - on_shelf
        """(skus,) Items that the planned lanes still hold."""
        self.expected: BoolArray = self.planned | (self.count > 0)
        """(lanes, skus) Where items of a SKU may be met."""


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """What the prior of whole acts needs to know of explanations, (explanations,) each.

    Attributes
    ----------
    taken, put : int
        Items each way.
    lead_taken, lead_put : float
        log Σ over SKUs of the chance that this one leads, relative to none; −inf where nothing goes that way.
    """

    taken: IntArray
    put: IntArray
    lead_taken: FloatArray
    lead_put: FloatArray

    @staticmethod
    def of_nothing(explanations: int) -> "Tally":
        """Return the tally of explanations that move no known item."""
        number, lead = np.zeros(explanations, dtype=np.int32), np.full(explanations, -np.inf)
        return Tally(number, number, lead, lead)

    def at(self, rows: IntArray) -> "Tally":
        """Return some of the explanations."""
        return Tally(self.taken[rows], self.put[rows], self.lead_taken[rows], self.lead_put[rows])

    def plus(self, other: "Tally") -> "Tally":
        """Return what both move together, one by one."""
        return Tally(
            self.taken + other.taken,
            self.put + other.put,
            np.logaddexp(self.lead_taken, other.lead_taken),
            np.logaddexp(self.lead_put, other.lead_put),
        )

    def beside(self, other: "Tally") -> "Tally":
        """Return this one's explanations and then the other's."""
        return Tally(
            np.concatenate([self.taken, other.taken]),
            np.concatenate([self.put, other.put]),
            np.concatenate([self.lead_taken, other.lead_taken]),
            np.concatenate([self.lead_put, other.lead_put]),
        )


class ActLogPrior:
    """The prior of one act's explanations, looked up by arrays; all numbers in nats.

    Direction 0 is a take, 1 a put-back.

    Parameters
    ----------
    belief : Belief
        Before the act.
    act : ActPrior
        Whose habits.
    misplaced : float
        Share of items that are taken from a lane that is not theirs.
    """

    def __init__(self, belief: Belief, act: ActPrior, misplaced: float) -> None:
        self.belief, self._act = belief, act
        skus = belief.count.shape[1]
        wanted = np.where((belief.missing > 0) | (not act.by_shopper), 1.0, NEVER_TAKEN)
        self._log_share = np.log(np.stack([np.ones(skus), wanted]) / max(skus, 1))
        standing = np.maximum(belief.count, EMPTY_LANE_ITEMS * belief.planned)
        from_lane = _shares(standing, belief.expected, misplaced)
        into_lane = _shares(belief.planned, belief.planned, strayed_share(misplaced, act))
        self.log_place = np.log(np.stack([from_lane, into_lane]))
        """(2, lanes, skus) log q(lane | SKU) of one item taken, and put."""
        self.log_astray = float(np.log(misplaced))
        self._number = _number_log_prior(act)
        self._same_moved = np.log(MOVED_SHARE / EXCHANGE_SHARE * max(skus, 1))

    def act(self, tally: Tally) -> FloatArray:
        """Return log P(direction) · P(n) (n − 1)! Σ, the part that is not a product over terms; 0 where none moves."""
        share = self._act.put_share
        takes, puts = tally.taken > 0, tally.put > 0
        log_way = np.log([1.0, 1 - share - EXCHANGE_SHARE, share, EXCHANGE_SHARE])
        nats: FloatArray = log_way[takes + 2 * puts]
        for number, lead in ((tally.taken, tally.lead_taken), (tally.put, tally.lead_put)):
            nats += np.where(number > 0, self._number[np.minimum(number, LONGEST)] + lead, 0.0)
        return nats

    def kinds(self, direction: IntArray, sku: IntArray, number: IntArray) -> FloatArray:
        """Return log ((1 − s) a_k)^c of c items of SKU k, of the arrays' common shape."""
        nats: FloatArray = number * (np.log(1 - self._act.same_share) + self._log_share[direction, sku])
        return nats

    def leads(self, direction: IntArray, sku: IntArray, number: IntArray) -> FloatArray:
        """Return log of SKU k's part in the leading SKU's sum, c of its items moving, of the arrays' common shape."""
        same, share = self._act.same_share, self._log_share[direction, sku]
        count = np.maximum(number, 1)
        again = np.log(same + (1 - same) * np.exp(share))
        nats: FloatArray = np.log(count) + share + (count - 1) * again - self.kinds(direction, sku, count)
        return np.where(number > 0, nats, -np.inf)

    def tally(self, sku: IntArray, quantity: IntArray) -> Tally:
        """Return the tally of explanations, each SKU in one term at most, (explanations, terms) signed."""
        taken, put = np.maximum(-quantity, 0), np.maximum(quantity, 0)
        known = np.minimum(sku, max(self._log_share.shape[1] - 1, 0))
        return Tally(
            taken.sum(axis=1, dtype=np.int32),
            put.sum(axis=1, dtype=np.int32),
            np.logaddexp.reduce(self.leads(np.zeros_like(taken), known, taken), axis=1),
            np.logaddexp.reduce(self.leads(np.ones_like(put), known, put), axis=1),
        )

    def doubt(self, direction: IntArray, lane: IntArray, sku: IntArray, number: IntArray) -> FloatArray:
        """Return what the stock belief holds against c items of a SKU from, or into, a lane, of the arrays' shape.

        Taking more than is believed there, and putting back what nobody took, is less likely but never impossible: the
        belief may be wrong.
        """
        put = direction.astype(np.bool_)
        if not put.any():
            return self._doubt_taking(lane, sku, number)
        if put.all():
            return self._doubt_putting(sku, number)
        nats: FloatArray = np.where(put, self._doubt_putting(sku, number), self._doubt_taking(lane, sku, number))
        return nats

    def _doubt_taking(self, lane: IntArray, sku: IntArray, number: IntArray) -> FloatArray:
        beyond = np.where(self.belief.expected[lane, sku], number - self.belief.count[lane, sku], 0)
        nats: FloatArray = np.where(beyond > 0, np.log(COUNT_WRONG) + (beyond - 1) * np.log(0.5), 0.0)
        return nats

    def _doubt_putting(self, sku: IntArray, number: IntArray) -> FloatArray:
        putting = np.where(number > self.belief.room[sku], np.log(OVERFULL), 0.0)
        if self._act.by_shopper:
            held = np.maximum(self.belief.missing[sku], 0)
            surplus = number - held
            putting = putting + np.where((surplus > 0) & (held > 0), np.log(NEVER_TAKEN), 0.0)
            putting = putting + np.maximum(surplus - 1, 0) * np.log(0.5)
        nats: FloatArray = putting
        return nats

    def shared_kinds(self, sku: IntArray, quantity: IntArray, tally: Tally) -> FloatArray:
        """Return what is owed to explanations whose terms share a SKU, (explanations,).

        Tallies were added up region by region, as if each had SKUs of its own. And an item that is taken and put down
        again is in the hand that moves it, whatever the belief says.

        Parameters
        ----------
        sku, quantity : (explanations, regions · `MAX_TERMS`) int
            Signed; 0 and any SKU where there is no term.
        """
        nats = np.zeros(len(sku))
        first, second = np.triu_indices(sku.shape[1], 1)
        alike = (sku[:, first] == sku[:, second]) & (quantity[:, first] != 0) & (quantity[:, second] != 0)
        alike &= (first // MAX_TERMS != second // MAX_TERMS) | (quantity[:, first] * quantity[:, second] < 0)
        rows = np.flatnonzero(alike.any(axis=1))
        if not len(rows):
            return nats
        skus = self._log_share.shape[1]
        every = np.arange(skus, dtype=np.int32)
        for row in rows.tolist():
            there = quantity[row] != 0
            moved = sku[row, there], quantity[row, there]
            taken = np.bincount(moved[0], np.maximum(-moved[1], 0), skus).astype(np.int32)
            put = np.bincount(moved[0], np.maximum(moved[1], 0), skus).astype(np.int32)
            if tally.taken[row]:
                lead = np.logaddexp.reduce(self.leads(np.zeros_like(every), every, taken))
                nats[row] += lead - tally.lead_taken[row]
            if tally.put[row]:
                lead = np.logaddexp.reduce(self.leads(np.ones_like(every), every, put))
                nats[row] += lead - tally.lead_put[row]
            both = (taken > 0) & (put > 0)
            if both.any():
                nats[row] += self._same_moved
                if self._act.by_shopper:
                    nats[row] -= np.log(NEVER_TAKEN) * np.count_nonzero(both & (self.belief.missing <= 0))
        return nats


def strayed_share(misplaced: float, act: ActPrior) -> float:
    """Return the share of put-backs that go astray: fewer than takes, they put there all that is found astray."""
    return min(0.5, misplaced * (1 - act.put_share) / act.put_share)


def number_share(act: ActPrior) -> FloatArray:
    """Return P(n) of 1 to `MAX_ITEMS_AT_ONCE` items."""
    number = np.arange(1, MAX_ITEMS_AT_ONCE + 1, dtype=np.float64)
    if not act.by_shopper:
        return np.full(MAX_ITEMS_AT_ONCE, 1 / MAX_ITEMS_AT_ONCE)
    few = number <= HANDFUL
    hands, swept = few * number**-HANDFUL_EXPONENT, ~few * number**-SWEEP_EXPONENT
    share: FloatArray = (1 - SWEEP_SHARE) * hands / hands.sum() + SWEEP_SHARE * swept / swept.sum()
    return share


@lru_cache(maxsize=len(ACT_PRIORS))
def _number_log_prior(act: ActPrior) -> FloatArray:
    """Return log P(n) (n − 1)!, (`LONGEST` + 1,); 0 for none. Beyond 40 items the last share holds on."""
    share = np.pad(number_share(act), (0, LONGEST - MAX_ITEMS_AT_ONCE), mode="edge")
    return np.append(0.0, np.log(share) + LOG_FACTORIAL[:LONGEST])


def _shares(weight: FloatArray | BoolArray, expected: BoolArray, misplaced: float) -> FloatArray:
    """Return q(lane | SKU), (lanes, skus): by weight among the expected lanes, the misplaced evenly over the others."""
    elsewhere = np.maximum((~expected).sum(axis=0), 1)
    total = weight.sum(axis=0)
    astray = np.where(total > 0, misplaced, 1.0) / elsewhere
    shares: FloatArray = np.where(expected, (1 - misplaced) * weight / np.maximum(total, 1e-9), astray)
    return np.maximum(shares, 1e-12)

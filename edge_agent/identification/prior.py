"""What is likely before any sensor speaks: planogram, stock belief, direction and number.

A group's prior is a product of few factors, each a number with an origin below. Groups of one act arrive as a Poisson
process: an explanation of k groups weighs ∏ (rate · prior(group)), so a second group must earn its place.
"""

from dataclasses import dataclass

import numpy as np

from edge_agent.config import PolicyConfig
from edge_agent.config.assortment import LaneConfig
from edge_agent.identification.item_groups import MAX_ITEMS_AT_ONCE, UNKNOWN_SCALES, ItemGroups
from edge_agent.model import FloatArray, IntArray, Stock
from edge_agent.vocabulary import Mode, StepCause

GROUP_RATE = 0.1
"""Mean number of further SKUs or directions in one act: one act in ten moves two kinds at once (assumed, 2026-11)."""
COUNT_WRONG = 0.02
"""Chance that a lane holds one item more than believed; each further one halves it (assumed, 2026-11)."""
NEVER_TAKEN = 0.1
"""Factor on putting back what by the belief nobody took: brought from elsewhere, or the belief is wrong; each further
item halves it (assumed, 2026-11)."""
OVERFULL = 0.1
"""Further factor on putting back more than the planned lanes can hold (2026-11)."""


@dataclass(frozen=True, slots=True)
class ActPrior:
    """Who may have acted: which way items go, and how fast the chance of n items falls.

    ``put_share`` is the share of groups that go onto the shelf; P(n) ∝ n^(−number_exponent), n = 1 … 40.
    ``by_shopper`` says whether what is put on should have been taken before.
    """

    put_share: float
    number_exponent: float
    by_shopper: bool


SHOPPER = ActPrior(0.2, 2.0, by_shopper=True)
"""One put-back in five acts; n⁻² gives 62 % single items and still 0.4 % for a dozen swept (assumed, 2026-11)."""
STAFF = ActPrior(0.85, 0.0, by_shopper=False)
"""Restocking moves any number, mostly onto the shelf (assumed, 2026-11)."""
UNSEEN = ActPrior(0.5, 0.0, by_shopper=False)
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


def _number_log_prior(quantity: IntArray, exponent: float) -> FloatArray:
    number = np.maximum(np.abs(quantity), 1).astype(np.float64)
    ladder = np.arange(1, MAX_ITEMS_AT_ONCE + 1, dtype=np.float64)
    log_prior: FloatArray = -exponent * np.log(number) - np.log((ladder**-exponent).sum())
    return log_prior


def group_log_prior(
    groups: ItemGroups,
    belief: Belief,
    policy: PolicyConfig,
    act: ActPrior,
    region_share: float,
    beyond_table: float = 0,
) -> FloatArray:
    """Return log(rate · prior) of every group of a region, (groups,), nats; 0 for "nothing".

    A take chooses a lane, then one of what is expected there (planned or believed strays) or, rarely, what is not. A
    put-back chooses a SKU among those that shoppers hold, then one of its lanes or, rarely, another. Taking more than
    is believed there, and putting back what nobody took, is less likely but never impossible: the belief may be wrong.

    Parameters
    ----------
    region_share : float
        The region's part of the shelf, where things that the shelf does not sell may be left.
    beyond_table : float
        Prior of the mixed sets that the region's table leaves out; weighed like what the shelf does not sell.
    """
    lane_count, sku_count = belief.count.shape
    last = groups.first_unknown
    sku, lane, quantity = groups.sku[:last], groups.lane[:last], groups.quantity[:last]
    number = np.abs(quantity)
    misplaced = policy.misplaced_prior

    expected = belief.planned | (belief.count > 0)
    among = expected.sum(axis=1)
    share_of_lane = np.where(
        expected,
        (1 - misplaced) / np.maximum(among, 1)[:, None],
        misplaced / np.maximum(sku_count - among, 1)[:, None],
    )
    beyond = number - belief.count[lane, sku]
    take = np.log(share_of_lane[lane, sku] / max(lane_count, 1))
    take += np.where(beyond > 0, np.log(COUNT_WRONG) + (beyond - 1) * np.log(0.5), 0.0)

    own_lanes = belief.planned.sum(axis=0)
    # What is taken from a wrong lane was put there before: as many items go astray as are found astray, and with fewer
    # put-backs than takes each put-back goes astray that much more often.
    strayed = min(0.5, misplaced * (1 - act.put_share) / act.put_share)
    share_of_sku = np.where(
        belief.planned,
        (1 - strayed) / np.maximum(own_lanes, 1),
        np.where(own_lanes > 0, strayed, 1.0) / np.maximum(lane_count - own_lanes, 1),
    )
    wanted = np.where((belief.missing > 0) | (not act.by_shopper), 1.0, NEVER_TAKEN)
    put = np.log((share_of_sku * wanted)[lane, sku] / max(float(wanted.sum()), 1.0))
    if act.by_shopper:
        held = np.maximum(belief.missing[sku], 0)
        surplus = number - held
        put += np.where((surplus > 0) & (held > 0), np.log(NEVER_TAKEN), 0.0) + np.maximum(surplus - 1, 0) * np.log(0.5)
    put += np.where(number > belief.room[sku], np.log(OVERFULL), 0.0)

    log_prior = np.zeros(len(groups.sku))
    log_prior[:last] = np.where(quantity < 0, take + np.log(1 - act.put_share), put + np.log(act.put_share))
    log_prior[:last] += _number_log_prior(quantity, act.number_exponent) + np.log(groups.spot_share[:last])
    log_prior[:last] += np.log(GROUP_RATE)
    something_else = GROUP_RATE * policy.unknown_prior * region_share + beyond_table
    log_prior[last : groups.nothing] = np.log(something_else / UNKNOWN_SCALES)
    return log_prior


def in_hand_log_factor(sku_index: IntArray, quantity: IntArray, belief: Belief, act: ActPrior) -> FloatArray:
    """Return what is owed to explanations that put back what they also take, (explanations,), nats.

    `group_log_prior` looks at one group at a time and doubts a put-back of what nobody holds. Who moves an item from
    one lane to another holds it.

    Parameters
    ----------
    sku_index, quantity : (explanations, terms) int
        As in `Hypotheses`.
    """
    if not act.by_shopper or not len(belief.missing):
        return np.zeros(len(quantity))
    taken = np.where(quantity < 0, sku_index, -1)
    both = (sku_index[:, :, None] == taken[:, None, :]).any(axis=2) & (quantity > 0)
    doubted = both & (belief.missing[sku_index] <= 0)
    factor: FloatArray = np.where(doubted.any(axis=1), -np.log(NEVER_TAKEN), 0.0)
    return factor


def prior_beyond(groups: ItemGroups, sets: IntArray, log_prior: FloatArray) -> float:
    """Return the prior of all pairs of groups that are not among the sets of a region's table.

    Sets of three and more that are missing weigh `GROUP_RATE` less again and are neglected.
    """
    named = np.exp(log_prior[: groups.first_unknown])
    places = groups.row_of.shape[1]
    of_one_kind = np.bincount(groups.sku[: groups.first_unknown] * places + groups.spot[: groups.first_unknown], named)
    all_pairs = (named.sum() ** 2 - (of_one_kind**2).sum()) / 2
    is_pair = (sets != groups.nothing).sum(axis=1) == 2
    return max(0.0, float(all_pairs - np.exp(log_prior[sets[is_pair]].sum(axis=1)).sum()))

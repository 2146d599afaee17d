"""From a changed shelf to the explanations worth scoring: screen each region by its total, join regions, keep the best.

What a region's channels read in total hardly depends on where in it an item stands, so a scalar Gaussian per set of
groups screens tables of 10⁵ sets in a millisecond. Regions (plates) that changed in the same act are joined by a beam:
the sets of one times the best so far. What falls off the table is not forgotten: its weight is added up, exactly for
independent regions, and ends in "something else". Loads that were set down lately stand beside the tables: "this very
one was taken away again" is one more row of their region.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edge_agent.config import PolicyConfig
from edge_agent.config.assortment import ItemConfig
from edge_agent.identification.gaussian import log_density_scalar, log_sum_exp
from edge_agent.identification.hypotheses import Hypotheses
from edge_agent.identification.item_groups import build_groups
from edge_agent.identification.left_loads import LeftLoad, TakenAgain, taken_again
from edge_agent.identification.multisets import enumerate_sets
from edge_agent.identification.observation_model import ObservationModel, Region
from edge_agent.identification.prior import (
    ACT_PRIORS,
    ActPrior,
    Belief,
    group_log_prior,
    in_hand_log_factor,
    prior_beyond,
)
from edge_agent.model import BoolArray, FloatArray, IntArray, WeightStep

KEPT_ALONE = 1024
"""Explanations kept where one region changed: at 12 SKUs under 200 sets fit any total (2026-11)."""
KEPT_JOINED = 256
"""Explanations kept where several regions changed; 32 where more than eight did (2026-11)."""
KEPT_JOINED_MANY = 32
MANY_REGIONS = 8
SCREEN_SIGMAS = 8.0
"""Sets whose total misses by more than this many sigmas are not scored: e⁻³² of a fitting one (2026-11)."""
MAX_VARIANCE_G2 = 1e9
"""A variance beyond (30 kg)² is the estimator's way of saying that a channel has no evidence, g² (2026-11)."""


def readable(step: WeightStep) -> BoolArray:
    """Return which channels carry evidence of this step, (channels,) bool."""
    variance = np.diagonal(step.covariance_g2)
    finite = np.isfinite(step.delta_g) & np.isfinite(step.covariance_g2).all(axis=1)
    seen: BoolArray = step.valid.astype(np.bool_) & finite & (variance < MAX_VARIANCE_G2)
    return seen


def _best(scores: FloatArray, most: int) -> IntArray:
    """Return the places of the highest scores, at most ``most``, highest first, the earlier first among equals."""
    if len(scores) > most:
        threshold = np.partition(scores, len(scores) - most)[len(scores) - most]
        places = np.flatnonzero(scores >= threshold)
    else:
        places = np.arange(len(scores))
    return places[np.argsort(-scores[places], kind="stable")][:most].astype(np.int32)


class RegionTable:
    """One region's sets of groups, built once; per act only priors and totals are looked up.

    Parameters
    ----------
    model : ObservationModel
        The shelf.
    region : Region
        Channels and spots.
    items : tuple of ItemConfig
        The SKUs that may occur.
    policy : PolicyConfig
        Priors of the misplaced and of the unknown.
    """

    def __init__(
        self, model: ObservationModel, region: Region, items: tuple[ItemConfig, ...], policy: PolicyConfig
    ) -> None:
        lanes = model.lanes
        self.region = region
        self.policy = policy
        self.groups = build_groups(model, region, items)
        row = {item.sku: index for index, item in enumerate(items)}
        own = [(row[lanes[spot.lane_index].sku], place) for place, spot in enumerate(region.spots)]
        self.sets = enumerate_sets(self.groups, own)
        self.set_unknown: BoolArray = np.logical_or.reduce(self.groups.unknown[self.sets], axis=1)
        self._beyond = dict.fromkeys(ACT_PRIORS, 0.0)
        opening = {lane.lane_id: {lane.sku: lane.opening_count} for lane in lanes}
        usual = Belief(lanes, tuple(item.sku for item in items), opening)
        self._beyond = {
            act: prior_beyond(self.groups, self.sets, self.group_log_prior(usual, act)) for act in ACT_PRIORS
        }
        self._totals: dict[bytes, tuple[FloatArray, FloatArray]] = {}
        self.totals(np.ones(len(region.channels), dtype=np.bool_))

    def totals(self, seen: BoolArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and variance of each set's total over the channels that can be read, (sets,) each."""
        key = seen.tobytes()
        if key not in self._totals:
            weights = seen.astype(np.float64)
            mean = (self.groups.mean_g @ weights)[self.sets].sum(axis=1)
            variance = np.einsum("gij,i,j->g", self.groups.covariance_g2, weights, weights)[self.sets].sum(axis=1)
            self._totals[key] = (mean, variance)
        return self._totals[key]

    def group_log_prior(self, belief: Belief, act: ActPrior) -> FloatArray:
        """Return the log prior of every group, (groups,).

        What the table leaves out is weighed once, by the opening stock: it moves little with counts.
        """
        return group_log_prior(self.groups, belief, self.policy, act, self.region.share, self._beyond[act])

    def screen(
        self, total_g: float, variance_g2: float, seen: BoolArray, group_prior: FloatArray
    ) -> tuple[IntArray, FloatArray, FloatArray]:
        """Return the sets that could explain a total: their rows, log priors and log prior × likelihood."""
        mean, variance = self.totals(seen)
        residual = total_g - mean
        fits = residual**2 < SCREEN_SIGMAS**2 * (variance + variance_g2)
        rows = np.flatnonzero(fits | self.set_unknown).astype(np.int32)
        log_prior: FloatArray = group_prior[self.sets[rows]].sum(axis=1)
        return rows, log_prior, log_prior + log_density_scalar(residual[rows], variance[rows] + variance_g2)


class ShelfHypotheses:
    """Everything about one shelf's explanations that does not change from act to act.

    Parameters
    ----------
    model : ObservationModel
        The shelf's hardware and lanes.
    items : tuple of ItemConfig
        SKUs that explanations may name: the planned ones and believed strays.
    policy : PolicyConfig
        Priors of the misplaced and of the unknown.
    """

    def __init__(self, model: ObservationModel, items: tuple[ItemConfig, ...], policy: PolicyConfig) -> None:
        self.model = model
        self.skus = tuple(item.sku for item in items)
        self.lane_ids = tuple(lane.lane_id for lane in model.lanes)
        self.tables = tuple(RegionTable(model, region, items, policy) for region in model.regions)

    def changed_regions(self, step: WeightStep) -> list[int]:
        """Return the regions that the act changed; the most significant one alone if none reaches the least event.

        Only regions with a readable channel count, so there may be none.
        """
        seen = readable(step)
        totals: dict[int, tuple[float, float]] = {}
        for index, region in enumerate(self.model.regions):
            channels = region.channels[seen[region.channels]]
            if len(channels):
                variance = float(step.covariance_g2[np.ix_(channels, channels)].sum())
                totals[index] = float(step.delta_g[channels].sum()), max(variance, 1e-6)
        least = self.model.shelf.limits.min_event_g
        changed = [index for index, (total, _) in totals.items() if abs(total) >= least]
        if changed or not totals:
            return changed
        return [max(totals, key=lambda index: totals[index][0] ** 2 / totals[index][1])]

    def explain(
        self, step: WeightStep, belief: Belief, act: ActPrior, left: Sequence[LeftLoad] = ()
    ) -> Hypotheses | None:
        """Return the explanations worth scoring, None where no channel can be read.

        Parameters
        ----------
        left : sequence of LeftLoad
            What stands on this shelf since it was set down, and may be taken away again.
        """
        regions = self.changed_regions(step)
        if not regions:
            return None
        seen = readable(step)
        kept = KEPT_ALONE if len(regions) == 1 else KEPT_JOINED if len(regions) <= MANY_REGIONS else KEPT_JOINED_MANY
        chosen = np.zeros((1, 0), dtype=np.int32)
        log_prior = log_screen = np.zeros(1)
        log_all = 0.0
        again = []
        for index in regions:
            table = self.tables[index]
            channels = table.region.channels
            valid = seen[channels]
            used = channels[valid]
            total_g = float(step.delta_g[used].sum())
            variance_g2 = float(step.covariance_g2[np.ix_(used, used)].sum())
            rows, priors, scores = table.screen(total_g, variance_g2, valid, table.group_log_prior(belief, act))
            leaving = taken_again(left, index, used, self.skus, self.lane_ids)
            again.append(leaving)
            if len(leaving.load):
                beside = len(table.sets) + np.arange(len(leaving.load), dtype=np.int32)
                rows = np.concatenate([rows, beside])
                priors = np.concatenate([priors, leaving.log_prior])
                fit = log_density_scalar(
                    total_g - leaving.mean_g.sum(axis=1), variance_g2 + leaving.covariance_g2.sum(axis=(1, 2))
                )
                scores = np.concatenate([scores, leaving.log_prior + fit])
            log_all += log_sum_exp(scores)
            best = _best(scores, kept)
            joined = _best((log_screen[:, None] + scores[best]).ravel(), kept)
            before, added = np.divmod(joined, len(best))
            chosen = np.column_stack([chosen[before], rows[best][added]])
            log_prior = log_prior[before] + priors[best][added]
            log_screen = log_screen[before] + scores[best][added]
        cut = -np.expm1(min(log_sum_exp(log_screen) - log_all, 0.0))
        log_cut = log_all + float(np.log(cut)) if cut > 1e-12 else float("-inf")
        scored = self._table(regions, chosen, again, seen, log_prior, log_cut, log_screen)
        in_hand = in_hand_log_factor(scored.sku_index, scored.quantity, belief, act)
        return replace(scored, log_prior=log_prior + in_hand, log_screen=log_screen + in_hand)

    def _table(
        self,
        regions: list[int],
        chosen: IntArray,
        again: list[TakenAgain],
        seen: BoolArray,
        log_prior: FloatArray,
        log_cut: float,
        log_screen: FloatArray,
    ) -> Hypotheses:
        tables = [self.tables[index] for index in regions]
        used = [table.region.channels[seen[table.region.channels]] for table in tables]
        channels = np.concatenate(used)
        mean = np.zeros((len(chosen), len(channels)))
        covariance = np.zeros((len(chosen), len(channels), len(channels)))
        foreign = np.zeros(chosen.shape, dtype=np.bool_)
        load_taken = np.full(chosen.shape, -1, dtype=np.int32)
        sku: list[IntArray] = []
        lane: list[IntArray] = []
        quantity: list[IntArray] = []
        start = 0
        for place, (table, own, leaving) in enumerate(zip(tables, used, again, strict=True)):
            of_load = np.flatnonzero(chosen[:, place] >= len(table.sets))
            which = chosen[of_load, place] - len(table.sets)
            sets = table.sets[np.where(chosen[:, place] < len(table.sets), chosen[:, place], 0)]
            end = start + len(own)
            at = np.flatnonzero(seen[table.region.channels])
            mean[:, start:end] = table.groups.mean_g[:, at][sets].sum(axis=1)
            covariance[:, start:end, start:end] = table.groups.covariance_g2[:, at[:, None], at][sets].sum(axis=1)
            foreign[:, place] = table.groups.unknown[sets].any(axis=1)
            terms = table.groups.sku[sets], table.groups.lane[sets], table.groups.quantity[sets]
            if len(of_load):
                mean[of_load, start:end] = leaving.mean_g[which]
                covariance[of_load, start:end, start:end] = leaving.covariance_g2[which]
                foreign[of_load, place] = leaving.foreign[which]
                load_taken[of_load, place] = leaving.load[which]
                for whole, part in zip(terms, (leaving.sku, leaving.lane, leaving.quantity), strict=True):
                    whole[of_load] = part[which]
            for gathered, own_terms in zip((sku, lane, quantity), terms, strict=True):
                gathered.append(own_terms)
            start = end
        quantities = np.concatenate(quantity, axis=1)
        unnamed = np.logical_or(foreign.any(axis=1), ~quantities.any(axis=1))
        return Hypotheses(
            skus=self.skus,
            lane_ids=self.lane_ids,
            channels=channels,
            mean_g=mean,
            covariance_g2=covariance,
            sku_index=np.concatenate(sku, axis=1),
            lane_index=np.concatenate(lane, axis=1),
            quantity=quantities,
            unknown=unnamed,
            regions=tuple(regions),
            foreign=foreign,
            load_taken=load_taken,
            log_prior=log_prior,
            log_cut=log_cut,
            log_screen=log_screen,
        )

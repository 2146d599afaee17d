"""From a changed shelf to the explanations worth scoring: search each region, join regions, keep the best.

Regions (plates) that changed in the same act are joined by a beam: the candidates of one times the best so far, under
one prior of the whole act. What falls off is added up and ends in "something else". Loads that were set down lately
stand beside the bundles: "this very one was taken away again" is one more candidate of their region.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.config import PolicyConfig
from edge_agent.config.assortment import ItemConfig
from edge_agent.identification.beyond import APART, beyond_the_table
from edge_agent.identification.bundles import MAX_ITEMS_AT_ONCE, MAX_MISPLACED_AT_ONCE, MAX_TERMS, enumerate_bundles
from edge_agent.identification.gaussian import log_density_pair, log_density_scalar, log_sum_exp
from edge_agent.identification.hypotheses import Hypotheses
from edge_agent.identification.left_loads import LeftLoad, taken_again
from edge_agent.identification.mixed_moment import MixedMoment
from edge_agent.identification.observation_model import ObservationModel, Region
from edge_agent.identification.prior import ACT_PRIORS, ActLogPrior, ActPrior, Belief, Tally
from edge_agent.identification.region_search import RegionSearch, best
from edge_agent.identification.region_units import RegionUnits, SeenUnits, unknown_spreads_g
from edge_agent.identification.straddled_plates import StraddledPlates, touched_windows
from edge_agent.model import BoolArray, FloatArray, IntArray, WeightStep

KEPT_ALONE = 512
"""Explanations kept where one region changed (2026-11)."""
KEPT_JOINED = 256
"""Explanations kept where several regions changed; 32 where more than eight did (2026-11)."""
KEPT_JOINED_MANY = 32
MANY_REGIONS = 8
MAX_WINDOW_CELLS = 1_000_000
"""Numbers in the tables of windows of narrow plates that are kept, the latest: 8 MB twice over (2026-12)."""
STRANGER_TAKEN = 0.25
"""Things that the shelf does not sell and that are taken, though nobody was seen to leave them, over those that are
left: set down while the agent was off (assumed, 2026-11)."""
MAX_VARIANCE_G2 = 1e9
"""A variance beyond (30 kg)² is the estimator's way of saying that a channel has no evidence, g² (2026-11)."""


def readable(step: WeightStep) -> BoolArray:
    """Return which channels carry evidence of this step, (channels,) bool."""
    variance = np.diagonal(step.covariance_g2)
    finite = np.isfinite(step.delta_g) & np.isfinite(step.covariance_g2).all(axis=1)
    seen: BoolArray = step.valid.astype(np.bool_) & finite & (variance < MAX_VARIANCE_G2)
    return seen


@dataclass(frozen=True, slots=True, eq=False)
class _Explained:
    """One region's explanations: placed bundles, unknown things, what the table leaves out, remembered loads.

    ``log_prior`` is without `ActLogPrior.act`, ``log_cut`` is with it.
    """

    mean_g: FloatArray
    covariance_g2: FloatArray
    on: SeenUnits
    sku: IntArray
    lane: IntArray
    spot: IntArray
    quantity: IntArray
    tally: Tally
    foreign: BoolArray
    load_taken: IntArray
    misfit: BoolArray
    log_prior: FloatArray
    log_screen: FloatArray
    log_cut: float

    def __len__(self) -> int:
        return len(self.log_prior)


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
        self.policy = policy
        self.skus = tuple(item.sku for item in items)
        self.lane_ids = tuple(lane.lane_id for lane in model.lanes)
        capacity = dict.fromkeys(self.skus, 0)
        for lane in model.lanes:
            capacity[lane.sku] += lane.capacity  # A product may have several facings.
        most = [min(max(capacity[sku], MAX_MISPLACED_AT_ONCE), MAX_ITEMS_AT_ONCE) for sku in self.skus]
        self._bundles = enumerate_bundles(most)
        weight_g = np.array([item.unit_weight_g for item in items], dtype=np.float64)
        self._beyond = {act: beyond_the_table(self._bundles, weight_g, np.array(most), act) for act in ACT_PRIORS}
        self._items = items
        self._searches: OrderedDict[bytes, RegionSearch] = OrderedDict()
        for region in model.regions:
            self._search(region)
        self._corners = self._plates = None
        if model.shelf.kind == "platform":
            places = np.array([(cell.x_mm, cell.y_mm) for cell in model.shelf.channels])
            self._corners = MixedMoment(self._search(model.regions[0]).units, places[:, 0], places[:, 1])
        elif model.shelf.kind == "narrow_plates":
            self._plates = StraddledPlates(model.shelf, model.lanes, items)

    def _search(self, region: Region) -> RegionSearch:
        """Return the search of a region; of narrow plates the latest ones are kept."""
        key = region.channels.tobytes()
        if key not in self._searches:
            self._searches[key] = RegionSearch(self._bundles, RegionUnits(self.model, region, self._items))
            kept = [each.units.cells for each in self._searches.values()]
            while not self.model.regions and len(kept) > 1 and sum(kept) > MAX_WINDOW_CELLS:
                self._searches.popitem(last=False)
                del kept[0]
        self._searches.move_to_end(key)
        return self._searches[key]

    def _window(self, plates: IntArray) -> Region:
        known = self._searches.get(plates.tobytes())
        return self.model.window(plates) if known is None else known.units.region

    def changed_regions(self, step: WeightStep) -> list[Region]:
        """Return the regions that the act changed; the most significant one alone if none reaches the least event.

        Only regions with a readable channel count, so there may be none.
        """
        seen = readable(step)
        least = self.model.shelf.limits.min_event_g
        if self.model.shelf.kind == "narrow_plates":
            if not seen.any():
                return []
            sigma_g = np.sqrt(np.where(seen, np.diagonal(step.covariance_g2), 1.0))
            windows = touched_windows(step.delta_g, sigma_g, least, seen)
            return [self._window(each) for each in windows if seen[each].any()]
        totals: dict[int, tuple[float, float]] = {}
        for index, region in enumerate(self.model.regions):
            channels = region.channels[seen[region.channels]]
            if len(channels):
                variance = float(step.covariance_g2[np.ix_(channels, channels)].sum())
                totals[index] = float(step.delta_g[channels].sum()), max(variance, 1e-6)
        changed = [self.model.regions[index] for index, (total, _) in totals.items() if abs(total) >= least]
        if changed or not totals:
            return changed
        return [self.model.regions[max(totals, key=lambda index: totals[index][0] ** 2 / totals[index][1])]]

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
        prior = ActLogPrior(belief, act, self.policy.misplaced_prior)
        found = [self._explain_region(region, step, seen, prior, act, left, kept) for region in regions]
        chosen, tally, log_prior, log_screen, log_cut = _join(found, prior, kept)
        return self._table(regions, found, chosen, seen, prior, tally, log_prior, log_screen, log_cut)

    def _explain_region(
        self,
        region: Region,
        step: WeightStep,
        seen: BoolArray,
        prior: ActLogPrior,
        act: ActPrior,
        left: Sequence[LeftLoad],
        kept: int,
    ) -> _Explained:
        search = self._search(region)
        valid = seen[region.channels]
        used = region.channels[valid]
        change, noise = step.delta_g[used], step.covariance_g2[np.ix_(used, used)]
        on = search.units.on(valid)
        named = search.explain(change, noise, valid, prior, kept)
        sku, spot, number = named.sku, named.spot, np.abs(named.quantity)
        mean = np.einsum("ht,htc->hc", named.quantity.astype(np.float64), on.mean_g[spot, sku])
        covariance = np.einsum("ht,htcd->hcd", number.astype(np.float64), on.covariance_g2[spot, sku])
        spreads = unknown_spreads_g(self.model.shelf.limits, len(region.channels))
        unknown_mean = np.zeros((len(spreads), len(used)))
        unknown_covariance = spreads[:, None, None] ** 2 * on.everywhere
        if self._corners is not None and valid.all():
            terms = sku, spot, named.quantity
            mean, covariance = self._corners.foretell(change, noise, terms, mean, covariance)
            unknown_mean[:], unknown_covariance = self._corners.one_object(change, noise, unknown_covariance)
        log_more, misfit = np.zeros(len(named)), np.zeros(len(named), dtype=np.bool_)
        unknown_more = np.zeros(len(spreads))
        if self._plates is not None:
            thing = self._plates.one_thing(used, change, noise, spreads, self.model.usual_width_mm)
            unknown_mean, unknown_covariance, unknown_more = thing.mean_g, thing.covariance_g2, thing.log_more
        if self._plates is not None and len(named):
            at = search.units.lane[spot]
            terms = np.minimum(sku, len(self.skus) - 1), at, named.quantity
            foretold = self._plates.foretell(used, change, noise, terms, (mean, covariance))
            mean, covariance, misfit = foretold.mean_g, foretold.covariance_g2, foretold.misfit
            # The place's density is the whole lane's there, so how much of the lane lies in this window is in it.
            log_more = np.where(
                foretold.placed, foretold.log_more - (number * search.units.log_share[spot]).sum(axis=1), 0.0
            )
        leaving = taken_again(left, region.channels, used, self.skus, self.lane_ids)
        stranger = self.policy.unknown_prior * (1.0 if change.sum() > 0 else STRANGER_TAKEN)
        unknown_prior = np.full(len(spreads), np.log(stranger * region.share / len(spreads)))
        many_mean, many_covariance, many_prior = self._many(region, on, act, float(np.sign(change.sum())))
        beside_mean = np.concatenate([unknown_mean, many_mean, leaving.mean_g])
        beside_covariance = np.concatenate([unknown_covariance, many_covariance, leaving.covariance_g2])
        beside_prior = np.concatenate([unknown_prior, many_prior, leaving.log_prior])
        beside_more = np.concatenate([unknown_more, np.zeros(len(many_prior) + len(leaving.log_prior))])
        beside_fit = _screen(on, change, noise, beside_mean, beside_covariance)
        there = named.quantity != 0
        nameless = len(spreads) + len(many_prior)
        filler = np.full((nameless, MAX_TERMS), -1, dtype=np.int32)
        lane = search.units.lane[spot] if len(search.units.lane) else spot
        return _Explained(
            mean_g=np.concatenate([mean, beside_mean]),
            covariance_g2=np.concatenate([covariance, beside_covariance]),
            on=on,
            sku=np.concatenate([np.where(there, sku, -1), filler, leaving.sku]).astype(np.int32),
            spot=np.concatenate([np.where(there, spot, -1), filler, np.full_like(leaving.sku, -1)]).astype(np.int32),
            lane=np.concatenate([np.where(there, lane, -1), filler, leaving.lane]).astype(np.int32),
            quantity=np.concatenate([named.quantity, np.zeros_like(filler), leaving.quantity]).astype(np.int32),
            tally=named.tally.beside(Tally.of_nothing(len(beside_prior))),
            foreign=np.concatenate(
                [
                    np.zeros(len(named), np.bool_),
                    np.ones(len(spreads), np.bool_),
                    np.zeros(len(many_prior), np.bool_),
                    leaving.foreign,
                ]
            ),
            load_taken=np.concatenate([np.full(len(named) + nameless, -1, dtype=np.int32), leaving.load]),
            misfit=np.concatenate([misfit, np.zeros(len(beside_prior), np.bool_)]),
            log_prior=np.concatenate([named.log_prior + log_more, beside_more + beside_prior]),
            log_screen=np.concatenate([named.log_prior + named.log_likelihood, beside_prior + beside_fit]),
            log_cut=named.log_cut,
        )

    def _many(
        self, region: Region, on: SeenUnits, act: ActPrior, sign: float
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return mean, covariance and log prior of what the table of bundles leaves out, (rungs, …), in one region.

        Only where several lanes share their cells: on a plate of its own lane three strays are not to be expected.
        """
        beyond = self._beyond[act]
        channels = len(on.arms)
        if len(region.spots) < 2 or not len(beyond.mean_g):
            return np.zeros((0, channels)), np.zeros((0, channels, channels)), np.zeros(0)
        middle, place = on.middle, on.scatter / APART
        mean = sign * beyond.mean_g[:, None] * middle
        spread = (beyond.sigma_g**2)[:, None, None] * (np.outer(middle, middle) + place)
        covariance = spread + (beyond.mean_g**2)[:, None, None] * place
        way = act.put_share if sign > 0 else 1 - act.put_share
        return mean, covariance, np.full(len(mean), np.log(way * beyond.share / len(mean)))

    def _table(
        self,
        regions: list[Region],
        found: list[_Explained],
        chosen: IntArray,
        seen: BoolArray,
        prior: ActLogPrior,
        tally: Tally,
        log_prior: FloatArray,
        log_screen: FloatArray,
        log_cut: float,
    ) -> Hypotheses:
        used = [region.channels[seen[region.channels]] for region in regions]
        channels = np.concatenate(used)
        mean = np.concatenate([each.mean_g[rows] for each, rows in zip(found, chosen.T, strict=True)], axis=1)
        covariance = np.zeros((len(chosen), len(channels), len(channels)))
        start = 0
        for each, rows in zip(found, chosen.T, strict=True):
            end = start + each.mean_g.shape[1]
            covariance[:, start:end, start:end] = each.covariance_g2[rows]
            start = end
        sku, lane, spot, quantity = (
            np.concatenate([getattr(each, name)[rows] for each, rows in zip(found, chosen.T, strict=True)], axis=1)
            for name in ("sku", "lane", "spot", "quantity")
        )
        foreign = np.column_stack([each.foreign[rows] for each, rows in zip(found, chosen.T, strict=True)])
        load_taken = np.column_stack([each.load_taken[rows] for each, rows in zip(found, chosen.T, strict=True)])
        misfit = np.column_stack([each.misfit[rows] for each, rows in zip(found, chosen.T, strict=True)])
        # A region that only something beside the tables explains leaves the act unknown, whatever moved in the others.
        named = (quantity != 0).reshape(len(quantity), len(found), MAX_TERMS).any(axis=2)
        shared = prior.shared_kinds(sku, np.where(np.repeat(load_taken < 0, MAX_TERMS, axis=1), quantity, 0), tally)
        return Hypotheses(
            skus=self.skus,
            lane_ids=self.lane_ids,
            channels=channels,
            mean_g=mean,
            covariance_g2=covariance,
            sku_index=sku,
            lane_index=lane,
            spot_index=spot,
            quantity=quantity,
            unknown=foreign.any(axis=1) | misfit.any(axis=1) | ~named.all(axis=1),
            regions=tuple(regions),
            foreign=foreign,
            load_taken=load_taken,
            log_prior=log_prior + shared,
            log_cut=log_cut,
            log_screen=log_screen + shared,
            units=tuple(each.on for each in found),
        )


def _screen(
    on: SeenUnits, change_g: FloatArray, noise_g2: FloatArray, mean_g: FloatArray, covariance_g2: FloatArray
) -> FloatArray:
    """Return the log-likelihood of total and moment, or of the total alone where there is one channel, (n,)."""
    levers = on.levers
    residual = (change_g - mean_g) @ levers.T
    second = levers @ (covariance_g2 + noise_g2) @ levers.T
    if len(change_g) == 1:
        return log_density_scalar(residual[:, 0], second[:, 0, 0])
    return log_density_pair(residual, np.stack([second[:, 0, 0], second[:, 0, 1], second[:, 1, 1]], axis=-1))


def _join(
    found: list[_Explained], prior: ActLogPrior, kept: int
) -> tuple[IntArray, Tally, FloatArray, FloatArray, float]:
    """Return the best joint explanations: rows per region, tally, prior, screen, and the log weight of the others."""
    chosen = np.zeros((1, 0), dtype=np.int32)
    tally = Tally.of_nothing(1)
    log_prior = log_screen = np.zeros(1)
    dropped = 0.0
    for each in found:
        before, added = np.indices((len(chosen), len(each)), dtype=np.int32).reshape(2, -1)
        together = tally.at(before).plus(each.tally.at(added))
        screens = log_screen[before] + each.log_screen[added]
        whole = screens + prior.act(together)
        places = best(whole, kept)
        alone = log_sum_exp(each.log_screen + prior.act(each.tally))
        dropped += -float(np.expm1(min(log_sum_exp(whole[places]) - log_sum_exp(whole), 0.0)))
        dropped += float(np.exp(min(each.log_cut - alone, 50.0)))
        chosen = np.column_stack([chosen[before[places]], added[places].astype(np.int32)])
        tally, log_screen = together.at(places), screens[places]
        log_prior = log_prior[before[places]] + each.log_prior[added[places]]
    act = prior.act(tally)
    log_cut = log_sum_exp(log_screen + act) + float(np.log(dropped)) if dropped > 1e-12 else float("-inf")
    return chosen, tally, log_prior + act, log_screen + act, log_cut

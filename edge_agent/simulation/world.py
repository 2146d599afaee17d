"""The shop: shelves with goods on them, and hands that move them. Keeps the truth."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from edge_agent.config import Site
from edge_agent.model import FloatArray
from edge_agent.simulation.acts import Movement, PlannedAct, Story
from edge_agent.simulation.ambiguity import confusable_with
from edge_agent.simulation.errors import ImpossibleActError
from edge_agent.simulation.forces import Force, ForceTimeline, HandForce, LoadRamp
from edge_agent.simulation.goods import Goods, StandingItem
from edge_agent.simulation.hands import (
    BRISK,
    LANDING_S,
    LIFT_S,
    Hands,
    item_instants_s,
    reach_duration_s,
    touch_knots_g,
)
from edge_agent.simulation.influence import load_shares
from edge_agent.simulation.truth import ActKind, ActTruth, ItemMove


@dataclass(frozen=True, slots=True)
class Air:
    """The air's temperature, °C: a mean, a slow swing, and a step (a door that opens) of ``step_s`` length."""

    mean_c: float = 20.0
    swing_c: float = 0.0
    period_s: float = 1200.0
    step_c: float = 0.0
    step_at_s: float = 0.0
    step_s: float = 1.0

    def at(self, t_s: float) -> float:
        """Return the temperature at world time ``t_s``."""
        stepped = np.clip((t_s - self.step_at_s) / self.step_s, 0.0, 1.0)
        return float(self.mean_c + self.swing_c * np.sin(2 * np.pi * t_s / self.period_s) + self.step_c * stepped)


@dataclass(slots=True)
class _Reach:
    """One visit of a hand to a lane: when, and what it moved."""

    start_s: float
    end_s: float
    moves: list[tuple[ItemMove, float]] = field(default_factory=list)
    """Each with the x, mm, at which the item stands or stood."""


class ShelfWorld:
    """Goods on shelves, and acts on them.

    Acts are performed in the order of their time: goods change as soon as an act is scheduled, forces when its time
    comes. Sources may read forces from other threads meanwhile.

    Parameters
    ----------
    site : Site
        Shelves, planogram and catalogue; the goods follow them at the start.
    seed : int
        Decides every weight, place and hand.
    true_weights_g : mapping sku → g, optional
        Mean weights that differ from the catalogue's.
    air : Air
        Temperature around the shelves.
    hands : Hands
        How slow hands are.
    footprint_mm : float
        Width of the items of which the catalogue tells none, see `Goods`, and of what hands press on.
    """

    def __init__(
        self,
        site: Site,
        seed: int,
        *,
        true_weights_g: Mapping[str, float] | None = None,
        air: Air | None = None,
        hands: Hands = BRISK,
        footprint_mm: float = 0.0,
    ) -> None:
        self.site = site
        self.seed = seed
        self.air = air or Air()
        goods_rng, self._rng = (np.random.default_rng(each) for each in np.random.SeedSequence(seed).spawn(2))
        self._hands, self._footprint_mm = hands, footprint_mm
        self.goods = Goods(site, goods_rng, true_weights_g or {}, footprint_mm)
        self.truths: list[ActTruth] = []
        self._timelines = {shelf.shelf_id: ForceTimeline(self.goods.load_g(shelf.shelf_id)) for shelf in site.shelves}

    def force_g(self, shelf_id: str, t_s: FloatArray) -> FloatArray:
        """Return the force on each cell's place of a shelf at rising instants ``t_s`` (n,), (n, channels)."""
        return self._timelines[shelf_id].force_g(t_s)

    def take(
        self, lane_id: str, t_s: float, quantity: int = 1, sku: str | None = None, press_g: float = 0.0
    ) -> ActTruth:
        """Take items from a lane: of its own SKU unless ``sku`` names another."""
        sku = sku or self.goods.lane(lane_id).sku
        story = Story.TAKE_ONE if quantity == 1 else Story.TAKE_SEVERAL
        return self.perform(PlannedAct(t_s, story, (Movement(lane_id, -quantity, sku),), press_g))

    def put_back(self, sku: str, lane_id: str, t_s: float, quantity: int = 1, x_mm: float | None = None) -> ActTruth:
        """Put items that were taken before into a lane."""
        story = Story.PUT_BACK if sku == self.goods.lane(lane_id).sku else Story.PUT_BACK_ELSEWHERE
        return self.perform(PlannedAct(t_s, story, (Movement(lane_id, quantity, sku, x_mm=x_mm),)))

    def press(self, lane_id: str, t_s: float, press_g: float) -> ActTruth:
        """Lean on a lane with a peak of ``press_g`` and take nothing."""
        return self.perform(PlannedAct(t_s, Story.PRESS, (), press_g, lane_id))

    def leave_foreign(self, lane_id: str, t_s: float, mass_g: float) -> ActTruth:
        """Leave a thing that the store does not sell."""
        return self.perform(PlannedAct(t_s, Story.LEAVE_FOREIGN, (Movement(lane_id, 1, None, mass_g),)))

    def remove_foreign(self, lane_id: str, t_s: float) -> ActTruth:
        """Take such a thing away again."""
        return self.perform(PlannedAct(t_s, Story.REMOVE_FOREIGN, (Movement(lane_id, -1, None),)))

    def perform_all(self, acts: Iterable[PlannedAct]) -> list[ActTruth]:
        """Schedule a whole session."""
        return [self.perform(act) for act in acts]

    def perform(self, act: PlannedAct) -> ActTruth:
        """Schedule one act and return what will then have happened.

        Raises
        ------
        ImpossibleActError
            The lane is empty, nobody holds the goods, the act spans two shelves, or an earlier act starts later.
        """
        if self.truths and act.t_s < self.truths[-1].t_start_s:
            raise ImpossibleActError(f"act at {act.t_s} s: the act before it starts at {self.truths[-1].t_start_s} s")
        lane_ids = [movement.lane_id for movement in act.movements] or [act.press_lane_id or ""]
        shelf_ids = {self.goods.lane(lane_id).shelf_id for lane_id in lane_ids}
        if len(shelf_ids) != 1:
            raise ImpossibleActError(f"act at {act.t_s} s spans shelves {sorted(shelf_ids)}: one act, one shelf")
        self.goods.require(act.movements)
        if act.movements:
            reaches = self._reach_for(act)
        else:
            duration_s = self._touch(lane_ids[0], act.t_s, reach_duration_s(self._rng, 1), act.press_g)
            reaches = [_Reach(act.t_s, act.t_s + duration_s)]
        moved = [each for reach in reaches for each in reach.moves]
        return self.record(
            ActTruth(
                act_index=len(self.truths),
                story=act.story.value,
                kind=_kind_of(act.movements),
                shelf_id=shelf_ids.pop(),
                t_start_s=act.t_s,
                t_release_s=max(reach.end_s for reach in reaches),
                moves=tuple(sorted((move for move, _ in moved), key=lambda move: move.t_s)),
                ambiguous=confusable_with(self.site, moved),
                pressed_lane_id=None if act.movements else act.press_lane_id,
            )
        )

    def feel(self, shelf_id: str, force: Force) -> None:
        """Schedule a force on a shelf that belongs to no planned act; see `incidents`."""
        self._timelines[shelf_id].add(force)

    def record(self, truth: ActTruth) -> ActTruth:
        """Keep the truth of an act whose forces were scheduled."""
        self.truths.append(truth)
        return truth

    def _reach_for(self, act: PlannedAct) -> list[_Reach]:
        reaches: list[_Reach] = []
        start_s, press_g = act.t_s, act.press_g
        for movement in act.movements:
            reach = self._move(movement, start_s, press_g)
            reaches.append(reach)
            start_s, press_g = start_s + self._rng.uniform(0.7, 1.0) * (reach.end_s - start_s), 0.0
        return reaches

    def _move(self, movement: Movement, start_s: float, press_g: float) -> _Reach:
        count = abs(movement.quantity)
        brisk_s = reach_duration_s(self._rng, count)
        slow_s = self._hands.slow_ramps_s(self._rng, count, movement.quantity)
        slower_s = np.zeros(count) if slow_s is None else np.cumsum(slow_s)
        duration_s = self._touch(movement.lane_id, start_s, brisk_s + float(slower_s[-1]), press_g)
        reach = _Reach(start_s, start_s + duration_s)
        shelf = self.goods.shelf_of(movement.lane_id)
        brisk_s = duration_s - float(slower_s[-1])
        for place, instant_s in enumerate(item_instants_s(self._rng, start_s, brisk_s, count) + slower_s):
            item, sign = self._move_one(movement)
            brisk = LANDING_S if sign > 0 else LIFT_S
            ramp_s = self._rng.uniform(*brisk) if slow_s is None else slow_s[place]
            begin_s = max(instant_s - ramp_s, start_s)
            load_g = sign * self.goods.cell_load_g(shelf, item)
            self._timelines[shelf.shelf_id].add(LoadRamp(begin_s, float(instant_s), load_g))
            move = ItemMove(item.sku, sign, movement.lane_id, item.mass_g, float(instant_s), item.x_mm, item.y_mm)
            reach.moves.append((move, item.x_mm))
        return reach

    def _move_one(self, movement: Movement) -> tuple[StandingItem, int]:
        if movement.quantity < 0:
            return self.goods.take(movement.lane_id, movement.sku), -1
        if movement.sku is None:
            return self.goods.leave_foreign(movement.lane_id, movement.foreign_g, movement.x_mm), 1
        return self.goods.put_back(movement.lane_id, movement.sku, movement.x_mm), 1

    def _touch(self, lane_id: str, start_s: float, duration_s: float, press_g: float) -> float:
        """Let a hand touch a lane; return for how long: a push that is held takes longer than the reach."""
        held_s = self._hands.held_s(self._rng, press_g)
        if held_s is not None:
            duration_s += held_s
        shelf, lane = self.goods.shelf_of(lane_id), self.goods.lane(lane_id)
        x_mm = lane.x_mm[0] + self._rng.uniform(0.25, 0.75) * (lane.x_mm[1] - lane.x_mm[0])
        # A hand is among goods: what it presses on stands as they do.
        shares = load_shares(shelf, x_mm, self._rng.uniform(0.1, 0.9) * shelf.depth_mm, self._footprint_mm)
        knots_g = touch_knots_g(self._rng, duration_s, press_g, held_s)
        self._timelines[shelf.shelf_id].add(HandForce(start_s, start_s + duration_s, knots_g, shares))
        return duration_s


def _kind_of(movements: tuple[Movement, ...]) -> ActKind:
    if not movements:
        return ActKind.PRESS
    if any(movement.sku is None for movement in movements):
        return ActKind.FOREIGN_LEFT if movements[0].quantity > 0 else ActKind.FOREIGN_REMOVED
    if all(movement.quantity < 0 for movement in movements):
        return ActKind.TAKE
    return ActKind.PUT_BACK if all(movement.quantity > 0 for movement in movements) else ActKind.EXCHANGE

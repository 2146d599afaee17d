"""Who is before the shelf: the hands of the acts, hands that touch nothing, people who pass."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from edge_agent.config.assortment import LaneConfig
from edge_agent.model import FloatArray
from edge_agent.simulation.acts import Story
from edge_agent.simulation.scene.arm_drawing import Limb
from edge_agent.simulation.scene.look import SceneLook
from edge_agent.simulation.scene.packages import Package
from edge_agent.simulation.scene.passers import Passer, draw_passers
from edge_agent.simulation.scene.people import Person, draw_person
from edge_agent.simulation.scene.reaches import Reach, reach_of
from edge_agent.simulation.scene.rows import SeenMove
from edge_agent.simulation.truth import ActKind, ActTruth

NO_HAND = frozenset({Story.BUMP.value, Story.CONDENSE.value})
"""Acts of the truth in which no hand comes over the shelf's front."""
MINUTE_S = 60.0
LONGEST_S = 6.0
"""Nobody who passes, and no hand that touches nothing, is there longer."""
IDLE_S = (0.2, 1.6)
"""How long a hand hovers that touches nothing (assumed, 2026-12)."""
IDLE_STORY = "touches nothing"
MOST_AT_ONCE = 24
"""Reaches before the latest that may still last."""


class Visits:
    """The people of one shelf over time.

    Parameters
    ----------
    lanes : sequence of LaneConfig
        Of the shelf.
    width_mm : float
        Of the shelf.
    packages : mapping sku → Package
    look : SceneLook
    seed : int
    """

    def __init__(
        self,
        lanes: Sequence[LaneConfig],
        width_mm: float,
        packages: Mapping[str | None, Package],
        look: SceneLook,
        seed: int,
    ) -> None:
        self._lanes = {lane.lane_id: lane for lane in lanes}
        self._width_mm, self._packages, self._look, self._seed = width_mm, packages, look, seed
        self._goods = _colours_of(packages)
        self._reaches: list[tuple[Reach, Person]] = []
        self._idle: dict[int, list[tuple[Reach, Person]]] = {}
        self._passers: dict[int, list[Passer]] = {}

    def follow(self, truth: ActTruth, moves: Sequence[SeenMove]) -> None:
        """Let somebody do an act."""
        if truth.story in NO_HAND:
            return
        rng = np.random.default_rng(np.random.SeedSequence([self._seed, 67, truth.act_index]))
        lane = self._lanes.get(truth.moves[0].lane_id if truth.moves else truth.pressed_lane_id or "")
        self._reaches.append(self._reach(truth, moves, lane, rng))
        self._reaches.sort(key=lambda each: each[0].from_s)

    def limbs(self, t_s: float, exposure_s: float) -> list[Limb]:
        """Return the arms that are near at an instant, the farthest from the camera first."""
        limbs = []
        for reach, person in [*self._near(t_s), *self._idling(t_s)]:
            if reach.from_s < t_s < reach.until_s:
                tips = reach.place_mm(t_s)
                moved = reach.place_mm(t_s + exposure_s) - tips
                limbs.append(Limb(reach, person, tips, reach.carried(t_s), moved))
        return sorted(limbs, key=lambda limb: -float(limb.tips_mm[1]))

    def passing(self, t_s: float) -> list[Passer]:
        """Return who passes at an instant, the nearest to the shelf first."""
        if self._look.bodies_per_minute == 0:
            return []
        here: list[Passer] = []
        for minute in _minutes(t_s):
            if minute not in self._passers:
                self._passers[minute] = draw_passers(
                    minute, self._seed, self._look.bodies_per_minute, self._width_mm, self._goods
                )
            here += [each for each in self._passers[minute] if each.from_s < t_s < each.until_s]
        return sorted(here, key=lambda each: each.before_mm)

    def _reach(
        self, truth: ActTruth, moves: Sequence[SeenMove], lane: LaneConfig | None, rng: np.random.Generator
    ) -> tuple[Reach, Person]:
        left, right = lane.x_mm if lane is not None else (0.0, self._width_mm)
        touched_x_mm = float(left + rng.uniform(0.25, 0.75) * (right - left))
        person = draw_person(rng, self._goods)
        return reach_of(truth, moves, self._packages, touched_x_mm, self._look.hands_hide, rng), person

    def _near(self, t_s: float) -> list[tuple[Reach, Person]]:
        after = bisect_left(self._reaches, t_s, key=lambda each: each[0].from_s)
        return self._reaches[max(after - MOST_AT_ONCE, 0) : after]

    def _idling(self, t_s: float) -> list[tuple[Reach, Person]]:
        if self._look.idle_hands_per_minute == 0:
            return []
        here: list[tuple[Reach, Person]] = []
        for minute in _minutes(t_s):
            if minute not in self._idle:
                self._idle[minute] = self._draw_idle(minute)
            here += self._idle[minute]
        return here

    def _draw_idle(self, minute: int) -> list[tuple[Reach, Person]]:
        rng = np.random.default_rng(np.random.SeedSequence([self._seed, 71, minute + 1_000_000]))
        reaches = []
        for place in range(int(rng.poisson(self._look.idle_hands_per_minute))):
            start_s = (minute + float(rng.random())) * MINUTE_S
            end_s = start_s + float(rng.uniform(*IDLE_S))
            truth = ActTruth(-1 - 100 * abs(minute) - place, IDLE_STORY, ActKind.PRESS, "", start_s, end_s, ())
            reaches.append(self._reach(truth, (), None, rng))
        return reaches


def mirrored(limb: Limb, width_mm: float) -> Limb:
    """Return an arm on the other side of the shelf."""
    flip, middle = np.array([-1.0, 1.0, 1.0]), np.array([width_mm, 0.0, 0.0])
    return replace(
        limb,
        reach=replace(limb.reach, shoulder_mm=middle + flip * limb.reach.shoulder_mm),
        person=replace(limb.person, left=not limb.person.left),
        tips_mm=middle + flip * limb.tips_mm,
        carried=tuple(replace(item, x_mm=width_mm - item.x_mm) for item in limb.carried),
        moved_mm=flip * limb.moved_mm,
    )


def _minutes(t_s: float) -> range:
    """Return the minutes in which whoever is there may have set out."""
    return range(int((t_s - LONGEST_S) // MINUTE_S), int(t_s // MINUTE_S) + 1)


def _colours_of(packages: Mapping[str | None, Package]) -> FloatArray:
    """Return each package's mean colour, (n, 3)."""
    means = [
        package.front[:, :, :3].reshape(-1, 3).sum(axis=0) / max(float(package.front[:, :, 3].sum()) / 255, 1.0)
        for sku, package in packages.items()
        if sku is not None
    ]
    return np.array(means) if means else np.full((1, 3), 128.0)

"""How a hand moves through an act: in from outside, from touch to touch, out again; the truth's instants are kept.

Hands move along minimum-jerk paths (Flash and Hogan 1985), x(τ) = x₀ + (x₁ − x₀)·(10τ³ − 15τ⁴ + 6τ⁵), with tremor.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.model import FloatArray
from edge_agent.simulation.scene.packages import Package
from edge_agent.simulation.scene.rows import SeenItem, SeenMove
from edge_agent.simulation.truth import ActTruth

TRAVEL_S = (0.35, 0.8)
"""From outside the picture to the first touch, and back (assumed, 2026-12)."""
OUT_MM = np.array([0.0, -470.0, -230.0])
"""Where hands rest, relative to the foot of the lane: below the picture."""
WITHDRAWN_MM = np.array([0.0, -200.0, -60.0])
"""Where a hand turns that leaves the shelf between two items of one act."""
WITHDRAW_S = 0.6
"""Two items of one act so far apart in time may be two reaches of the hand."""
WITHDRAW_SHARE = 0.4
"""How often they are, where the hand is not full (assumed, 2026-12)."""
FAR_MM = 120.0
"""To an item farther away than this a hand sets out at once."""
TREMOR_MM = 0.8
"""At 8-10 Hz (assumed, 2026-12)."""
SWAY_MM = 5.0
FULL_HAND = 2
"""Items that one hand holds at most."""
GRASP_SHARE = (0.45, 0.75)
"""How far up an item is taken hold of where it stands, over its height (assumed, 2026-12)."""


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """One act's hand from when it comes into view until it is gone.

    Attributes
    ----------
    act_index : int
    from_s, until_s : float
        When it is anywhere near.
    touches_s : (float, float)
        First touch and release.
    times_s : list of n rising instants
    places_mm : (n, 3)
        Fingertips at these instants.
    grips : list of (instant, items)
        What is held from then on.
    grasp : float
        How far up an item the fingertips are while it stands, over its height.
    cover : float
        Share of a carried item that the fingers cover.
    tilt_deg : float
        How a carried item ends up turned.
    shoulder_mm : (3,)
    """

    act_index: int
    from_s: float
    until_s: float
    touches_s: tuple[float, float]
    times_s: list[float]
    places_mm: FloatArray
    grips: list[tuple[float, tuple[SeenItem, ...]]]
    grasp: float
    cover: float
    tilt_deg: float
    shoulder_mm: FloatArray
    phases: FloatArray

    def place_mm(self, t_s: float) -> FloatArray:
        """Return where the fingertips are, (3,)."""
        after = min(max(bisect_right(self.times_s, t_s), 1), len(self.times_s) - 1)
        start_s, end_s = self.times_s[after - 1], self.times_s[after]
        share = min(max((t_s - start_s) / max(end_s - start_s, 1e-6), 0.0), 1.0)
        along = share**3 * (10 - 15 * share + 6 * share**2)
        start, end = self.places_mm[after - 1], self.places_mm[after]
        swing = 2 * np.pi * t_s
        restless = TREMOR_MM * np.sin(9.0 * swing + self.phases[0]) + SWAY_MM * np.sin(0.8 * swing + self.phases[1])
        place: FloatArray = start + along * (end - start) + restless * np.array([0.6, 0.3, 0.5])
        return place

    def carried(self, t_s: float) -> tuple[SeenItem, ...]:
        """Return what the hand holds."""
        held: tuple[SeenItem, ...] = ()
        for instant_s, items in self.grips:
            if instant_s > t_s:
                break
            held = items
        return held


def reach_of(
    truth: ActTruth,
    moves: Sequence[SeenMove],
    packages: Mapping[str | None, Package],
    lane_x_mm: float,
    cover_range: tuple[float, float],
    rng: np.random.Generator,
) -> Reach:
    """Return the hand of one act.

    Parameters
    ----------
    moves : sequence of SeenMove
        Its moves in time order; none where the hand presses only.
    lane_x_mm : float
        Where it presses then.
    cover_range : (low, high)
        See `Reach.cover`.
    """
    cover, travel_s = float(rng.uniform(*cover_range)), rng.uniform(*TRAVEL_S, size=2)
    grasp = float(rng.uniform(*GRASP_SHARE))
    touches = [touch_mm(each.item, packages[each.item.sku], grasp) for each in moves]
    if not touches:
        touches = [np.array([lane_x_mm, rng.uniform(20.0, 120.0), rng.uniform(60.0, 150.0)])]
    foot = np.array([touches[0][0] + rng.uniform(-180, 180), 0.0, 0.0])
    outside = foot + OUT_MM + rng.uniform(-40, 40, 3)
    start_s, end_s = truth.t_start_s, truth.t_release_s
    knots: list[tuple[float, FloatArray]] = [(start_s - travel_s[0], outside)]
    grips: list[tuple[float, tuple[SeenItem, ...]]] = []
    hold = list[SeenItem]()
    coming = [each.item for each in moves if each.move.quantity > 0]
    if coming:
        hold = coming[:FULL_HAND]
        coming = coming[FULL_HAND:]
        grips.append((start_s - travel_s[0], tuple(hold)))
    near = np.array([rng.uniform(-8, 8), -14.0, 16.0])
    knots.append((start_s, touches[0] + near))
    last_s = start_s
    for place, (touch, each) in enumerate(zip(touches, moves, strict=False)):
        t_s = max(each.move.t_s, last_s + 0.02)
        putting = each.move.quantity > 0
        gap_s = t_s - last_s
        fetches = putting and all(item.number != each.item.number for item in hold)
        pauses = gap_s >= WITHDRAW_S and (len(hold) >= FULL_HAND or rng.random() < WITHDRAW_SHARE)
        if place and (fetches or pauses):
            turn = np.array([(touches[place - 1][0] + touch[0]) / 2, 0.0, 0.0]) + WITHDRAWN_MM
            knots.append((last_s + 0.42 * gap_s, turn))
            if not putting:
                hold = []
            elif fetches:
                hold, coming = coming[:FULL_HAND], coming[FULL_HAND:]
            grips.append((last_s + 0.42 * gap_s, tuple(hold)))
            knots.append((t_s - 0.12 * gap_s, touch + near))
        elif place:
            far = abs(float(touch[0] - touches[place - 1][0])) > FAR_MM
            knots.append((last_s + (0.12 if far else 0.35) * gap_s, touches[place - 1] + near * 1.5))
            knots.append((t_s - (0.08 if far else 0.2) * gap_s, touch + near))
        elif gap_s > 0.3:
            knots.append((t_s - 0.15, touch + near))
        knots.append((t_s, touch))
        hold = [item for item in hold if item.number != each.item.number] if putting else [*hold, each.item]
        grips.append((t_s, tuple(hold[-FULL_HAND:])))
        last_s = t_s
    leaving_s = max(end_s, last_s + 0.05)
    knots.append((max(leaving_s - 0.05, last_s + 0.02), touches[-1] + near * 1.6))
    knots.append((leaving_s + 0.45 * travel_s[1], (touches[-1] + outside) / 2 + np.array([0.0, 0.0, 60.0])))
    knots.append((leaving_s + travel_s[1], outside))
    times = np.maximum.accumulate([instant for instant, _ in knots]).tolist()
    return Reach(
        act_index=truth.act_index,
        from_s=times[0],
        until_s=times[-1],
        touches_s=(start_s, end_s),
        times_s=times,
        places_mm=np.array([where for _, where in knots]),
        grips=grips,
        grasp=grasp,
        cover=cover,
        tilt_deg=float(rng.uniform(-30, 30)),
        shoulder_mm=foot + np.array([rng.uniform(-60, 60), -560.0, -60.0 + rng.uniform(-60, 60)]),
        phases=rng.uniform(0, 2 * np.pi, 2),
    )


def touch_mm(item: SeenItem, package: Package, grasp: float) -> FloatArray:
    """Return where the fingertips hold an item that stands on the shelf, (3,)."""
    _, depth_mm, height_mm = package.size_mm
    return np.array([item.x_mm, item.y_mm - depth_mm / 2 - 2.0, grasp * height_mm])

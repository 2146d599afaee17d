"""When a hand's dwell is a reach: it stays at its deepest for a moment, and what it then does may come of that."""

from dataclasses import dataclass

from edge_agent.model import MonotonicNs
from edge_agent.vision.hand import Hand

DWELL_RADIUS_MM = 60.0
DWELL_SPEED_MM_S = 350.0
"""Within a dwell the tip stays in this radius and below this speed (assumed, 2026-12)."""
DWELL_LEAST_S = 0.12
DEEPEST_WITHIN_MM = 70.0
"""A dwell counts as at the deepest when it is as deep as that below the deepest so far."""
ARRIVAL_FRAMES = 3
"""A reach is where the hand was when it arrived: later, what it lifts belongs to its outline (rule, 2026-12)."""
ELSEWHERE_MM, RETREAT_MM = 80.0, 70.0
"""The next reach of a hand is so far beside the last one, or comes after so much of a retreat (rule, 2026-12)."""
REACH_SIGMA_MM = 35.0
"""Of a reach's place: of 60 reaches two thirds were within it of what was moved (rendered seeds 11-14, 2026-12)."""
MERGED_REACH_SIGMA_MM = 90.0
"""... of a hand that was seen as one with another, besides: a hand's width."""
QUICK_SIGMA_MM = 60.0
"""Of a hand that never dwelt: where it was deepest (assumed, 2026-12)."""


@dataclass(frozen=True, slots=True)
class Reach:
    """One dwell of a hand at its deepest.

    Attributes
    ----------
    t_start_ns, t_end_ns : MonotonicNs
        Of its first and last frame.
    x_mm, x_sigma_mm : float
    track_id : int
    merged : bool
        Whether the hand was seen as one with another meanwhile.
    """

    t_start_ns: MonotonicNs
    t_end_ns: MonotonicNs
    x_mm: float
    x_sigma_mm: float
    track_id: int
    merged: bool


def dwelt(hand: Hand, t_ns: MonotonicNs) -> list[Reach]:
    """Follow a hand's dwell; return the reach that this frame ends."""
    if hand.seen_ns != t_ns:
        return []
    if hand.crossing and (hand.peak is None or hand.depth_mm > hand.deepest_mm):
        hand.peak = (t_ns, hand.x_mm)
    hand.deepest_mm = max(hand.deepest_mm, hand.depth_mm)
    hand.shallowest_mm = min(hand.shallowest_mm, hand.depth_mm)
    now = (t_ns, hand.x_mm, hand.z_mm, hand.depth_mm)
    if hand.dwell:
        count = len(hand.dwell)
        x = sum(each[1] for each in hand.dwell) / count
        z = sum(each[2] for each in hand.dwell) / count
        if (hand.x_mm - x) ** 2 + (hand.z_mm - z) ** 2 <= DWELL_RADIUS_MM**2:
            hand.dwell.append(now)
            return []
    reaches = ended(hand)
    slow = hand.speed_x_mm_s**2 + hand.speed_z_mm_s**2 < DWELL_SPEED_MM_S**2
    if slow and hand.crossing:
        hand.dwell = [now]
    return reaches


def ended(hand: Hand, *, last: bool = False) -> list[Reach]:
    """Return the reach that a hand's dwell was, if it was one; of a hand that leaves, the quickest one counts too."""
    dwell, hand.dwell = hand.dwell, []
    if not hand.confirmed:
        return []
    deep = max((each[3] for each in dwell), default=0.0)
    lasted_s = (dwell[-1][0] - dwell[0][0]) * 1e-9 if dwell else 0.0
    if deep < hand.deepest_mm - DEEPEST_WITHIN_MM or lasted_s < DWELL_LEAST_S:
        if not last or hand.reaches or hand.peak is None:
            return []
        t_ns, x_mm = hand.peak
        return [Reach(t_ns, t_ns, x_mm, QUICK_SIGMA_MM, hand.track_id, hand.was_merged)]
    arrival = dwell[:ARRIVAL_FRAMES]
    x = sum(each[1] for each in arrival) / len(arrival)
    spread2 = sum((each[1] - x) ** 2 for each in arrival) / len(arrival)
    if hand.last_reach is not None:
        elsewhere = abs(x - hand.last_reach[0]) > ELSEWHERE_MM
        if not elsewhere and hand.shallowest_mm > hand.last_reach[1] - RETREAT_MM:
            return []
    hand.reaches += 1
    hand.deepest_mm = deep  # the next item may lie less deep
    hand.last_reach = (x, deep)
    hand.shallowest_mm = deep
    sigma = (REACH_SIGMA_MM**2 + spread2 + (MERGED_REACH_SIGMA_MM**2 if hand.merged else 0.0)) ** 0.5
    merged, hand.was_merged = hand.was_merged, hand.merged
    return [Reach(dwell[0][0], dwell[-1][0], x, sigma, hand.track_id, merged)]

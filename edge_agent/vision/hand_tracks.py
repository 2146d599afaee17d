"""Hands followed from frame to frame: a Kalman filter for each, and the dwells that are reaches.

State of a hand: x = [x_mm, z_mm, v_x, v_z] of its tip on the front, constant velocity with white-noise acceleration of
spectral density q (Bar-Shalom, Li and Kirubarajan 2001, section 6.3.2). Both axes share one covariance P of (place,
speed), for they share F, Q and R::

    predict   F = [[1, dt], [0, 1]]     Q = q [[dt³/3, dt²/2], [dt²/2, dt]]
    update    S = P_00 + R    K = (P_00, P_01)ᵀ / S    P ← (I − K H) P (I − K H)ᵀ + K R Kᵀ

Arms are assigned to hands by the least sum of normalised innovations squared d² = (dx² + dz²) / S, each within the
gate. Where hands touch, one arm may be all that is seen of two: both go on, the unseen one *merged* into it with the arm's
place at a wide sigma, until they part or both are gone. Which is which afterwards is then marked by the wider sigma.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from edge_agent.model import MonotonicNs
from edge_agent.vision.hands import Arm

TIP_SIGMA_MM = 14.0
"""Of one frame's tip: fingers open and close, the outline frays (assumed, 2026-12)."""
MERGED_SIGMA_MM = 90.0
"""Of a hand that is seen as one with another: a hand's width."""
ACCELERATION_MM2_S3 = 4.0e6
"""q: a hand changes its speed by about half a metre a second within 0.06 s (assumed, 2026-12)."""
GATE_CHI2 = 18.4
"""Two degrees of freedom, one in ten thousand (chi-squared table)."""
FIRST_SPEED_SIGMA_MM_S = 700.0
CONFIRM_FRAMES = 2
"""Frames in which a hand must be seen before it counts."""
MOST_ASSIGNED = 4
"""Hands between which arms are divided (rule, 2026-12)."""
LOST_S = 0.3
"""A hand unseen for longer has left, unless it is merged with one that is seen."""
DWELL_RADIUS_MM = 45.0
DWELL_SPEED_MM_S = 350.0
"""Within a dwell the tip stays in this radius and below this speed (assumed, 2026-12)."""
DWELL_LEAST_S = 0.12
DEEPEST_WITHIN_MM = 70.0
"""A dwell counts as at the deepest when it is as deep as that below the deepest so far."""
REACH_SIGMA_FLOOR_MM = 22.0
"""Of a reach's place: what was grasped is not exactly where the tip is seen (assumed, 2026-12)."""
QUICK_SIGMA_MM = 45.0
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


@dataclass(slots=True)
class Hand:
    """A hand that is followed."""

    track_id: int
    x_mm: float
    z_mm: float
    born_ns: MonotonicNs
    seen_ns: MonotonicNs
    depth_mm: float
    crossing: bool
    speed_x_mm_s: float = 0.0
    speed_z_mm_s: float = 0.0
    p00: float = TIP_SIGMA_MM**2
    p01: float = 0.0
    p11: float = FIRST_SPEED_SIGMA_MM_S**2
    frames: int = 1
    merged: bool = False
    was_merged: bool = False
    deepest_mm: float = 0.0
    reaches: int = 0
    dwell: list[tuple[MonotonicNs, float, float, float]] = field(default_factory=list)
    """(t, x, z, depth) of the frames of the dwell that is on."""
    peak: tuple[MonotonicNs, float] | None = None
    """(t, x) of where it was deepest inside the opening."""

    @property
    def confirmed(self) -> bool:
        """Return whether it was seen often enough to count."""
        return self.frames >= CONFIRM_FRAMES

    def predict(self, dt_s: float) -> None:
        """Move on by ``dt_s`` seconds."""
        q = ACCELERATION_MM2_S3
        self.x_mm += dt_s * self.speed_x_mm_s
        self.z_mm += dt_s * self.speed_z_mm_s
        self.p00 += dt_s * (2 * self.p01 + dt_s * self.p11) + q * dt_s**3 / 3
        self.p01 += dt_s * self.p11 + q * dt_s**2 / 2
        self.p11 += q * dt_s

    def distance2(self, arm: Arm) -> float:
        """Return the normalised innovation squared of an arm's tip."""
        variance = self.p00 + TIP_SIGMA_MM**2
        return ((arm.x_mm - self.x_mm) ** 2 + (arm.z_mm - self.z_mm) ** 2) / variance

    def update(self, arm: Arm, t_ns: MonotonicNs, sigma_mm: float) -> None:
        """Take in where an arm's tip is seen."""
        noise = sigma_mm**2
        variance = self.p00 + noise
        place, speed = self.p00 / variance, self.p01 / variance
        dx, dz = arm.x_mm - self.x_mm, arm.z_mm - self.z_mm
        self.x_mm += place * dx
        self.z_mm += place * dz
        self.speed_x_mm_s += speed * dx
        self.speed_z_mm_s += speed * dz
        p00, p01 = self.p00, self.p01
        self.p11 += speed * speed * variance - 2 * speed * p01
        self.p01 = (1 - place) * p01 - (1 - place) * speed * p00 + place * speed * noise
        self.p00 = (1 - place) ** 2 * p00 + place**2 * noise
        self.seen_ns = t_ns
        self.depth_mm, self.crossing = arm.depth_mm, arm.crossing


class HandTracks:
    """All hands at one shelf's front."""

    def __init__(self) -> None:
        self.hands: list[Hand] = []
        self._born = 0
        self._t_ns: MonotonicNs | None = None

    @property
    def crossing(self) -> list[Hand]:
        """Return the confirmed hands that reach into the opening."""
        return [hand for hand in self.hands if hand.confirmed and hand.crossing]

    def step(self, arms: Sequence[Arm], t_ns: MonotonicNs) -> list[Reach]:
        """Take in one frame's arms; return the reaches that ended."""
        dt_s = 0.0 if self._t_ns is None else max((t_ns - self._t_ns) * 1e-9, 0.0)
        self._t_ns = t_ns
        for hand in self.hands:
            hand.predict(dt_s)
        pairs = assigned(self.hands, arms)
        taken = {arm for _, arm in pairs}
        for hand_index, arm_index in pairs:
            hand = self.hands[hand_index]
            hand.update(arms[arm_index], t_ns, TIP_SIGMA_MM)
            hand.frames += 1
            hand.merged = False
        self._merge([i for i in range(len(self.hands)) if i not in {hand for hand, _ in pairs}], arms, pairs, t_ns)
        reaches = [reach for hand in self.hands for reach in _dwelt(hand, t_ns)]
        for index, arm in enumerate(arms):
            if index not in taken:
                self._born += 1
                self.hands.append(
                    Hand(
                        self._born, arm.x_mm, arm.z_mm, t_ns, t_ns, arm.depth_mm, arm.crossing, deepest_mm=arm.depth_mm
                    )
                )
        return reaches + self._left(t_ns)

    def end(self) -> list[Reach]:
        """Let go of all hands (nothing is seen any more); return the reaches that so ended."""
        reaches = [reach for hand in self.hands for reach in _ended(hand, last=True)]
        self.hands = []
        return reaches

    def _merge(
        self, unseen: Sequence[int], arms: Sequence[Arm], pairs: Sequence[tuple[int, int]], t_ns: MonotonicNs
    ) -> None:
        """Let hands that are not seen apart go on in the piece that swallowed them."""
        for index in unseen:
            hand = self.hands[index]
            if not hand.confirmed:
                continue
            near = [arms[arm] for other, arm in pairs if self.hands[other].confirmed and _touches(arms[arm], hand)]
            if near:
                hand.merged = hand.was_merged = True
                hand.update(near[0], t_ns, MERGED_SIGMA_MM)

    def _left(self, t_ns: MonotonicNs) -> list[Reach]:
        reaches: list[Reach] = []
        kept = []
        for hand in self.hands:
            limit_s = LOST_S if hand.confirmed else 0.0
            if (t_ns - hand.seen_ns) * 1e-9 > limit_s:
                reaches += _ended(hand, last=True)
            else:
                kept.append(hand)
        self.hands = kept
        return reaches


def _touches(arm: Arm, hand: Hand) -> bool:
    """Return whether a hand may be hidden in an arm: near the line from where that comes in to its tip."""
    along_x, along_z = arm.x_mm - arm.enters_x_mm, arm.z_mm - arm.enters_z_mm
    length2 = max(along_x**2 + along_z**2, 1.0)
    at = ((hand.x_mm - arm.enters_x_mm) * along_x + (hand.z_mm - arm.enters_z_mm) * along_z) / length2
    at = min(max(at, 0.0), 1.0)
    off_x = hand.x_mm - arm.enters_x_mm - at * along_x
    off_z = hand.z_mm - arm.enters_z_mm - at * along_z
    return off_x**2 + off_z**2 < MERGED_SIGMA_MM**2 + arm.width_mm**2 / 4


def assigned(hands: Sequence[Hand], arms: Sequence[Arm]) -> list[tuple[int, int]]:
    """Return (hand, arm) pairs: as many as gates allow, and of those the least sum of innovations squared.

    Every assignment of the first `MOST_ASSIGNED` hands is tried, which is more than fit before a shelf.
    """
    gain = [[2 * GATE_CHI2 - hand.distance2(arm) for arm in arms] for hand in hands[:MOST_ASSIGNED]]
    return _best(gain, 0, frozenset())[1]


def _best(gain: list[list[float]], hand: int, taken: frozenset[int]) -> tuple[float, list[tuple[int, int]]]:
    """Return the best (sum of gains, pairs) of the hands from ``hand`` on; a gain below `GATE_CHI2` is no pair."""
    if hand == len(gain):
        return 0.0, []
    best = _best(gain, hand + 1, taken)
    for arm, worth in enumerate(gain[hand]):
        if arm not in taken and worth > GATE_CHI2:
            value, pairs = _best(gain, hand + 1, taken | {arm})
            if value + worth > best[0]:
                best = (value + worth, [(hand, arm), *pairs])
    return best


def _dwelt(hand: Hand, t_ns: MonotonicNs) -> list[Reach]:
    """Follow a hand's dwell; return the reach that this frame ends."""
    if hand.seen_ns != t_ns:
        return []
    if hand.crossing and (hand.peak is None or hand.depth_mm > hand.deepest_mm):
        hand.peak = (t_ns, hand.x_mm)
    hand.deepest_mm = max(hand.deepest_mm, hand.depth_mm)
    now = (t_ns, hand.x_mm, hand.z_mm, hand.depth_mm)
    if hand.dwell:
        count = len(hand.dwell)
        x = sum(each[1] for each in hand.dwell) / count
        z = sum(each[2] for each in hand.dwell) / count
        if (hand.x_mm - x) ** 2 + (hand.z_mm - z) ** 2 <= DWELL_RADIUS_MM**2:
            hand.dwell.append(now)
            return []
    reaches = _ended(hand)
    slow = hand.speed_x_mm_s**2 + hand.speed_z_mm_s**2 < DWELL_SPEED_MM_S**2
    if slow and hand.crossing:
        hand.dwell = [now]
    return reaches


def _ended(hand: Hand, *, last: bool = False) -> list[Reach]:
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
    hand.reaches += 1
    hand.deepest_mm = deep  # the next item may lie less deep
    x = sum(each[1] for each in dwell) / len(dwell)
    spread2 = sum((each[1] - x) ** 2 for each in dwell) / len(dwell)
    sigma = (REACH_SIGMA_FLOOR_MM**2 + spread2 + (MERGED_SIGMA_MM**2 if hand.merged else 0.0)) ** 0.5
    merged, hand.was_merged = hand.was_merged, hand.merged
    return [Reach(dwell[0][0], dwell[-1][0], x, sigma, hand.track_id, merged)]

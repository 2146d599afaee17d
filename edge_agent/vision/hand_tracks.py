"""Hands followed from frame to frame: which arm is whose, who came, who left.

Arms are assigned to hands by the least sum of normalised innovations squared d² = (dx² + dz²) / S, each in its gate.
Where hands touch, one arm may be all that is seen of two: both go on, the unseen one *merged* into it with the arm's
place at a wide sigma, until they part or both are gone. Which is which afterwards is then marked by the wider sigma.
"""

from collections.abc import Sequence

from edge_agent.model import MonotonicNs
from edge_agent.vision.hand import CONFIRM_FRAMES, TIP_SIGMA_MM, Hand
from edge_agent.vision.hands import Arm
from edge_agent.vision.reaches import Reach, dwelt, ended

GATE_CHI2 = 18.4
"""Two degrees of freedom, one in ten thousand (chi-squared table)."""
MOST_ASSIGNED = 4
"""Hands between which arms are divided (rule, 2026-12)."""
SAME_ENTRY_MM = 110.0
"""An arm that comes in so near to where a hand's arm did is that hand's, wherever its tip is now (rule, 2026-12)."""
MERGED_SIGMA_MM = 90.0
"""Of a hand that is seen as one with another: a hand's width."""
MERGED_FOR_S = 2.0
"""A hand that was seen as one with another for longer has left meanwhile, or will be found anew (assumed, 2026-12)."""
LOST_S = 0.3
"""A hand unseen for longer has left, unless it is merged with one that is seen."""
UNSEEN_S = 0.08
"""A hand that was not seen for longer does not count, though it may be found again (rule, 2026-12)."""


class HandTracks:
    """All hands at one shelf's front."""

    def __init__(self) -> None:
        self.hands: list[Hand] = []
        self._born = 0
        self._t_ns: MonotonicNs | None = None

    @property
    def crossing(self) -> list[Hand]:
        """Return the confirmed hands that reach into the opening."""
        now_ns = self._t_ns or 0
        return [
            hand
            for hand in self.hands
            if hand.confirmed and hand.crossing and (now_ns - hand.seen_ns) * 1e-9 <= UNSEEN_S
        ]

    def step(self, arms: Sequence[Arm], t_ns: MonotonicNs) -> list[Reach]:
        """Take in one frame's arms; return the reaches that ended."""
        dt_s = 0.0 if self._t_ns is None else max((t_ns - self._t_ns) * 1e-9, 0.0)
        self._t_ns = t_ns
        for hand in self.hands:
            hand.predict(dt_s)
        wide = [arm for arm in arms if arm.wide]
        arms = [arm for arm in arms if not arm.wide]
        pairs = assigned(self.hands, arms)
        pairs += self._same_entry(arms, pairs)
        taken = {arm for _, arm in pairs}
        for hand_index, arm_index in pairs:
            hand = self.hands[hand_index]
            hand.update(arms[arm_index], t_ns, TIP_SIGMA_MM)
            hand.frames += 1
            hand.merged, hand.merged_since_ns = False, None
        self._accompany([self.hands[hand] for hand, _ in pairs])
        self._merge([i for i in range(len(self.hands)) if i not in {hand for hand, _ in pairs}], arms, pairs, t_ns)
        self._hide(wide, t_ns)
        reaches = [reach for hand in self.hands for reach in dwelt(hand, t_ns)]
        for index, arm in enumerate(arms):
            if index not in taken:
                self._born += 1
                self.hands.append(
                    Hand(
                        self._born,
                        arm.x_mm,
                        arm.z_mm,
                        t_ns,
                        t_ns,
                        arm.depth_mm,
                        arm.crossing,
                        deepest_mm=arm.depth_mm,
                        enters_x_mm=arm.enters_x_mm,
                        enters_z_mm=arm.enters_z_mm,
                    )
                )
        return reaches + self._left(t_ns)

    def end(self) -> list[Reach]:
        """Let go of all hands (nothing is seen any more); return the reaches that so ended."""
        reaches = [reach for hand in self.hands for reach in ended(hand, last=True)]
        self.hands = []
        return reaches

    def _same_entry(self, arms: Sequence[Arm], pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return pairs of the hands and arms left over that come in at the same place."""
        hands = {hand for hand, _ in pairs}
        left = [index for index in range(len(arms)) if index not in {arm for _, arm in pairs}]
        found = []
        for index, hand in enumerate(self.hands):
            near = [
                arm
                for arm in left
                if abs(arms[arm].enters_x_mm - hand.enters_x_mm) + abs(arms[arm].enters_z_mm - hand.enters_z_mm)
                < SAME_ENTRY_MM
            ]
            if index not in hands and near:
                left.remove(near[0])
                hand.jump(arms[near[0]])
                found.append((index, near[0]))
        return found

    @staticmethod
    def _accompany(seen: Sequence[Hand]) -> None:
        for hand in seen:
            for other in seen:
                if other is not hand:
                    hand.companions[other.track_id] = hand.companions.get(other.track_id, 0) + 1

    def _merge(
        self, unseen: Sequence[int], arms: Sequence[Arm], pairs: Sequence[tuple[int, int]], t_ns: MonotonicNs
    ) -> None:
        """Let hands that are not seen apart go on in the arm of another that was seen beside them before."""
        for index in unseen:
            hand = self.hands[index]
            near = [
                arms[arm]
                for other, arm in pairs
                if hand.companions.get(self.hands[other].track_id, 0) >= CONFIRM_FRAMES and _touches(arms[arm], hand)
            ]
            if not hand.confirmed or not near:
                continue
            hand.merged = hand.was_merged = True
            hand.merged_since_ns = hand.merged_since_ns or t_ns
            if (t_ns - hand.merged_since_ns) * 1e-9 <= MERGED_FOR_S:
                hand.update(near[0], t_ns, MERGED_SIGMA_MM)

    def _hide(self, wide: Sequence[Arm], t_ns: MonotonicNs) -> None:
        """Let hands stay where they were while something too wide for one arm is around them."""
        for hand in self.hands:
            around = next((arm for arm in wide if _around(arm, hand)), None)
            if hand.confirmed and hand.seen_ns != t_ns and around is not None:
                hand.merged = hand.was_merged = True
                hand.merged_since_ns = hand.merged_since_ns or t_ns
                if (t_ns - hand.merged_since_ns) * 1e-9 > MERGED_FOR_S:
                    continue
                hand.seen_ns = t_ns
                half_mm = around.width_mm / 2
                hand.x_mm = min(max(hand.x_mm, around.enters_x_mm - half_mm), around.enters_x_mm + half_mm)
                hand.speed_x_mm_s = hand.speed_z_mm_s = 0.0

    def _left(self, t_ns: MonotonicNs) -> list[Reach]:
        reaches: list[Reach] = []
        kept = []
        for hand in self.hands:
            limit_s = LOST_S if hand.confirmed else 0.0
            if (t_ns - hand.seen_ns) * 1e-9 > limit_s:
                reaches += ended(hand, last=True)
            else:
                kept.append(hand)
        self.hands = kept
        return reaches


def _around(arm: Arm, hand: Hand) -> bool:
    """Return whether a hand may be behind something that is too wide for one arm."""
    return abs(hand.x_mm - arm.enters_x_mm) < arm.width_mm / 2 + MERGED_SIGMA_MM


def _touches(arm: Arm, hand: Hand) -> bool:
    """Return whether a hand may be hidden in an arm: near the line from where that comes in to its tip."""
    along_x, along_z = arm.x_mm - arm.enters_x_mm, arm.z_mm - arm.enters_z_mm
    length2 = max(along_x**2 + along_z**2, 1.0)
    at = ((hand.x_mm - arm.enters_x_mm) * along_x + (hand.z_mm - arm.enters_z_mm) * along_z) / length2
    at = min(max(at, 0.0), 1.0)
    off_x = hand.x_mm - arm.enters_x_mm - at * along_x
    off_z = hand.z_mm - arm.enters_z_mm - at * along_z
    return off_x**2 + off_z**2 < (MERGED_SIGMA_MM + arm.width_mm / 2) ** 2


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

"""When to cut out what a hand holds: as it comes in, and after each reach as it goes, few times and at good moments."""

from dataclasses import dataclass, field

import numpy as np

from edge_agent.model import FloatArray, MonotonicNs
from edge_agent.vision.carried import AROUND_HAND_MM, PER_ITEM, Item, cut
from edge_agent.vision.frames import MaskedFrame
from edge_agent.vision.geometry import ShelfView
from edge_agent.vision.hand import Hand
from edge_agent.vision.reaches import Reach

COMING = 0
"""Item index of what a hand brings; what it takes counts from 1."""
APART_S = 0.1
"""Between two cuttings of one item: the next frame shows the same."""
X_SIGMA_MM = 40.0


@dataclass(slots=True)
class _Phase:
    item: Item
    last_ns: MonotonicNs | None = None


@dataclass(slots=True)
class InHand:
    """Cuttings of what the hands at one shelf hold.

    Parameters
    ----------
    view : ShelfView
    """

    view: ShelfView
    _phases: dict[int, list[_Phase]] = field(default_factory=dict)

    def watch(self, hands: list[Hand], frame: MaskedFrame) -> None:
        """Cut out what is due of the hands that cross the front in this frame; calls ``colour`` at most once."""
        due = [hand for hand in hands if self._is_due(hand, frame.t_ns)]
        if not due:
            return
        colour = frame.colour()
        for hand in due:
            phase = self._phases[hand.track_id][-1]
            phase.last_ns = frame.t_ns
            middle = np.array([hand.x_mm, hand.z_mm])
            corners: FloatArray = np.stack([middle - AROUND_HAND_MM, middle + AROUND_HAND_MM])
            if (cutting := cut(colour, self.view, corners)) is not None:
                phase.item.add(cutting, frame.t_ns)
                phase.item.x_mm = hand.x_mm

    def reached(self, reach: Reach) -> None:
        """Begin with what a hand takes with it from a reach."""
        phases = self._phases.setdefault(reach.track_id, [])
        index = max((phase.item.item_index or 0 for phase in phases), default=0) + 1
        item = Item(reach.t_start_ns, reach.t_end_ns, reach.x_mm, X_SIGMA_MM, 0, reach.track_id, index)
        phases.append(_Phase(item))

    def end(self) -> list[Item]:
        """Return everything that was cut out, and forget the hands."""
        items = [phase.item for phases in self._phases.values() for phase in phases if phase.item.cuttings]
        self._phases = {}
        return items

    def _is_due(self, hand: Hand, t_ns: MonotonicNs) -> bool:
        phases = self._phases.get(hand.track_id)
        if phases is None:
            item = Item(t_ns, t_ns, hand.x_mm, X_SIGMA_MM, 0, hand.track_id, COMING)
            phases = self._phases[hand.track_id] = [_Phase(item)]
        phase = phases[-1]
        full = len(phase.item.cuttings) >= PER_ITEM
        moving = not hand.dwell and hand.seen_ns == t_ns and not hand.merged
        rested = phase.last_ns is None or (t_ns - phase.last_ns) * 1e-9 >= APART_S
        return moving and rested and not full

"""How high each lane's packages are, learnt from changes that were seen in full: it tells where a hidden foot stands.

Goods deep in a lane are seen over those before them, top first. The top of a package of known height tells its depth as
well as its foot would; and a lane whose goods stand that deep has given away others before, so that their height was
seen.
"""

from collections.abc import Callable

from edge_agent.model import FloatArray
from edge_agent.vision.upright import UprightFront

NEW_SHARE = 0.5
"""Share of the latest height in what is known."""
AGREE_MM = 45.0
"""A foot and a top that tell depths nearer than this to each other agree (rule, 2026-12)."""
HEIGHT_RANGE_MM = (40.0, 400.0)


class PackageHeights:
    """Heights by lane.

    Parameters
    ----------
    front : UprightFront
    edges_mm : (lanes, 2)
        Left and right of every lane.
    """

    def __init__(self, front: UprightFront, edges_mm: FloatArray) -> None:
        self._front, self._edges_mm = front, edges_mm
        self._height_mm: dict[int, float] = {}

    def learn(self, x_mm: float, depth_mm: float, top_mm: float) -> None:
        """Take in what was seen in full: where it truly stood, and the height at which its top appeared."""
        lane = self._lane_at(x_mm)
        eye_z, away = float(self._front.eye_mm[2]), -float(self._front.eye_mm[1])
        height = eye_z - (eye_z - top_mm) * (1.0 + depth_mm / away)
        if lane is not None and HEIGHT_RANGE_MM[0] <= height <= HEIGHT_RANGE_MM[1]:
            known = self._height_mm.get(lane, height)
            self._height_mm[lane] = known + NEW_SHARE * (height - known)

    def depth_mm(self, foot_depth_mm: float, top_mm: float, x_at: Callable[[float], float]) -> float:
        """Return how deep something stands whose foot may be hidden.

        Parameters
        ----------
        foot_depth_mm : float
            How deep by the lowest that is seen of it: at most so deep.
        x_at : callable
            Its true x, mm, by its depth.
        """
        places = []
        for lane, height in self._height_mm.items():
            depth = self._front.depth_by_top_mm(top_mm, height)
            left, right = self._edges_mm[lane]
            x = x_at(depth)
            if left <= x < right and depth <= foot_depth_mm + AGREE_MM:
                places.append((abs(depth - foot_depth_mm) >= AGREE_MM, abs(x - (left + right) / 2), depth))
        if places:
            hidden, _, depth = min(places)
            return depth if hidden else foot_depth_mm
        depth = foot_depth_mm
        low, high = float(self._edges_mm.min()), float(self._edges_mm.max())
        while depth > 1.0 and not low <= x_at(depth) <= high:  # nothing stands beside the shelf
            depth *= 0.9
        return depth

    def _lane_at(self, x_mm: float) -> int | None:
        for lane, (left, right) in enumerate(self._edges_mm):
            if left <= x_mm < right:
                return lane
        return None

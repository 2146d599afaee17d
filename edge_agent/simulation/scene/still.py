"""The shelf with its goods and nobody before it, kept while nothing changes; small pictures are made of large ones."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2

from edge_agent.config import ShelfConfig
from edge_agent.config.assortment import LaneConfig
from edge_agent.simulation.scene.compositing import Rgb, pixels
from edge_agent.simulation.scene.look import FULL_WIDTH_PX, SceneLook, Troubles
from edge_agent.simulation.scene.markers import draw_markers
from edge_agent.simulation.scene.packages import Package
from edge_agent.simulation.scene.pose import ScenePose
from edge_agent.simulation.scene.rows import Rows
from edge_agent.simulation.scene.shelf_layer import ShelfLayer
from edge_agent.simulation.scene.surroundings import surroundings

KEPT = 8
"""Drawn pictures that are kept; a large one is 4 MB."""
MOVED_PX, MOVED_DEG = (12.0, 7.0), 0.35
"""How far a camera's picture shifts that was moved by 1."""


class StillShelf:
    """Draws the shelf's states, each once.

    Parameters
    ----------
    shelf : ShelfConfig
    lanes : sequence of LaneConfig
    rows : Rows
        The goods over time.
    packages : mapping sku → Package
    pose : ScenePose
        The camera where it belongs, with its largest picture.
    look : SceneLook
    opening_mm : float
    seed : int
        Decides what is around the shelf.
    """

    def __init__(
        self,
        shelf: ShelfConfig,
        lanes: Sequence[LaneConfig],
        rows: Rows,
        packages: Mapping[str | None, Package],
        pose: ScenePose,
        look: SceneLook,
        opening_mm: float,
        seed: int,
    ) -> None:
        self._shelf, self._lanes, self._rows, self._pose, self._look = shelf, lanes, rows, pose, look
        self._packages, self._wrong = packages, _swapped(packages, lanes)
        self._opening_mm, self._seed = opening_mm, seed
        self._drawn: OrderedDict[tuple[object, ...], Rgb] = OrderedDict()
        self._layers: dict[tuple[object, ...], ShelfLayer] = {}

    def pose(self, troubles: Troubles) -> ScenePose:
        """Return the camera where it hangs now."""
        far = troubles.get("moved")
        if far is None:
            return self._pose
        share = far * self._pose.width_px / FULL_WIDTH_PX
        return self._pose.turned(MOVED_PX[0] * share, MOVED_PX[1] * share, MOVED_DEG * far)

    def packages(self, troubles: Troubles) -> Mapping[str | None, Package]:
        """Return what the goods look like to the camera."""
        return self._wrong if "lying" in troubles else self._packages

    def at(self, t_s: float, width_px: int, height_px: int, troubles: Troubles) -> Rgb:
        """Return the picture at an instant; not to be written on."""
        seen_so = ("lying" in troubles, "mirrored" in troubles, troubles.get("moved"))
        key = (self._rows.state_at(t_s), *seen_so, width_px, height_px)
        if key in self._drawn:
            self._drawn.move_to_end(key)
            return self._drawn[key]
        if (width_px, height_px) == (self._pose.width_px, self._pose.height_px):
            drawn = self._draw(t_s, troubles, seen_so)
        else:
            large = self.at(t_s, self._pose.width_px, self._pose.height_px, troubles)
            drawn = pixels(cv2.resize(large, (width_px, height_px), interpolation=cv2.INTER_AREA))
        self._drawn[key] = drawn
        while len(self._drawn) > KEPT:
            self._drawn.popitem(last=False)
        return drawn

    def _draw(self, t_s: float, troubles: Troubles, seen_so: tuple[object, ...]) -> Rgb:
        pose = self.pose(troubles)
        if seen_so not in self._layers:
            around = surroundings(pose, self._shelf.width_mm, self._opening_mm, self._lanes, self._seed)
            self._layers[seen_so] = ShelfLayer(
                self._shelf, self._lanes, self._opening_mm, self.packages(troubles), pose, around
            )
        items = self._rows.items(self._rows.state_at(t_s))
        if "mirrored" in troubles:
            items = tuple(replace(item, x_mm=self._shelf.width_mm - item.x_mm) for item in items)
        drawn = self._layers[seen_so].draw(items)
        if self._look.markers:
            draw_markers(drawn, pose, self._shelf.width_mm, self._opening_mm)
        blur_px = self._look.defocus_px * pose.width_px / FULL_WIDTH_PX
        return pixels(cv2.GaussianBlur(drawn, (0, 0), blur_px)) if blur_px > 0 else drawn


def _swapped(packages: Mapping[str | None, Package], lanes: Sequence[LaneConfig]) -> dict[str | None, Package]:
    """Return every SKU in another one's package, not its neighbour's: variants stand side by side."""
    skus = list(dict.fromkeys(lane.sku for lane in lanes))
    turned = skus[len(skus) // 2 :] + skus[: len(skus) // 2]
    wrong: dict[str | None, Package] = {
        sku: replace(packages[other], size_mm=packages[sku].size_mm) for sku, other in zip(skus, turned, strict=True)
    }
    return {**packages, **wrong}

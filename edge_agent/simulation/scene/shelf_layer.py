"""What stands still: the shelf's inside with its goods, and what is around it. Drawn anew only when goods change."""

from collections.abc import Iterable, Mapping

import cv2
import numpy as np

from edge_agent.config import ShelfConfig
from edge_agent.config.assortment import LaneConfig
from edge_agent.model import FloatArray
from edge_agent.simulation.scene.compositing import Colour, Rgb, pixels, warp_over
from edge_agent.simulation.scene.packages import Package
from edge_agent.simulation.scene.pose import ScenePose
from edge_agent.simulation.scene.rows import SeenItem

SIDE_GAIN, TOP_GAIN = 0.66, 0.86
"""Light on a package's sides and on its top over that on its front."""
DEEP_MM = 330.0
"""Lamps in the aisle: light falls to 0.37 so far behind the front (assumed, 2026-12)."""
BOARD, WALL, SIDE_WALL, DIVIDER = (168, 170, 172), (96, 97, 100), (120, 121, 124), (205, 208, 210)


class ShelfLayer:
    """Draws the shelf as one camera sees it.

    Parameters
    ----------
    shelf : ShelfConfig
    lanes : lanes of that shelf
    opening_mm : float
    packages : mapping sku → package
    pose : ScenePose
    around : (height, width, 3)
        What is seen around the opening.
    """

    def __init__(
        self,
        shelf: ShelfConfig,
        lanes: Iterable[LaneConfig],
        opening_mm: float,
        packages: Mapping[str | None, Package],
        pose: ScenePose,
        around: Rgb,
    ) -> None:
        self._shelf, self._packages, self._pose, self._around = shelf, packages, pose, around
        self._opening_mm = opening_mm
        self._empty = self._inside(tuple(lanes))
        front = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1]]) * [shelf.width_mm, 0.0, opening_mm]
        inside = np.zeros(around.shape[:2], np.uint8)
        cv2.fillPoly(inside, [np.rint(pose.to_px(front) * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
        self._inside_mask = pixels(cv2.cvtColor(inside, cv2.COLOR_GRAY2RGB))
        self._lit = self._lamps()

    def draw(self, items: Iterable[SeenItem]) -> Rgb:
        """Return the picture of the shelf with these goods, the hindmost first."""
        picture = self._empty.copy()
        for item in items:
            package = self._packages[item.sku]
            if item.y_mm - package.size_mm[1] / 2 < self._shelf.depth_mm:
                self._contact(picture, item, package)
                self._stand(picture, item, package)
        seen = cv2.multiply(cv2.multiply(picture, self._lit, scale=1 / 200), self._inside_mask, scale=1 / 255)
        beside = cv2.multiply(self._around, cv2.bitwise_not(self._inside_mask), scale=1 / 255)
        return pixels(cv2.add(seen, beside))

    def _stand(self, picture: Rgb, item: SeenItem, package: Package) -> None:
        _, depth_mm, height_mm = package.size_mm
        near_mm = item.y_mm - depth_mm / 2
        placed = package_to_mm(package, item.x_mm, height_mm / 2)
        to_px = self._pose.upright_to_px(near_mm) @ placed
        to_far_px = self._pose.upright_to_px(near_mm + depth_mm) @ placed
        light = brightness(item.y_mm)
        for place, band in enumerate(package.bands):
            top = place == len(package.bands) - 1
            outline = np.column_stack([band.corners_px, np.ones(4)])
            ends = [mapped[:, :2] / mapped[:, 2:] for mapped in (outline @ to_px.T, outline @ to_far_px.T)]
            solid = cv2.convexHull(np.rint(np.concatenate(ends) * 16).astype(np.int32))
            gain = light * (TOP_GAIN if top else SIDE_GAIN)
            cv2.fillConvexPoly(picture, solid, tuple(gain * each for each in band.colour), cv2.LINE_AA, 4)
        warp_over(picture, package.front, to_px, brightness(near_mm))

    def _contact(self, picture: Rgb, item: SeenItem, package: Package) -> None:
        """Darken the board around an item's foot."""
        half, near_mm = package.size_mm[0] / 2 + 5, item.y_mm - package.size_mm[1] / 2
        foot = [
            [-half, near_mm - 9, 0.0],
            [half, near_mm - 9, 0.0],
            [half, near_mm + 4, 0.0],
            [-half, near_mm + 4, 0.0],
        ]
        corners = np.array(foot) + np.array([item.x_mm, 0.0, 0.0])
        cv2.fillConvexPoly(
            picture, np.rint(self._pose.to_px(corners) * 16).astype(np.int32), (46, 46, 48), cv2.LINE_AA, 4
        )

    def _inside(self, lanes: tuple[LaneConfig, ...]) -> Rgb:
        picture: Rgb = np.full(self._around.shape, WALL, np.uint8)
        width, depth, top = self._shelf.width_mm, self._shelf.depth_mm, self._opening_mm
        strips = np.linspace(0.0, depth, 13)
        for near, far in zip(strips[-2::-1], strips[:0:-1], strict=True):
            light = brightness((near + far) / 2)
            self._face(picture, [[0, near, 0], [width, near, 0], [width, far, 0], [0, far, 0]], BOARD, light)
            for x in (0.0, width):
                self._face(picture, [[x, near, 0], [x, near, top], [x, far, top], [x, far, 0]], SIDE_WALL, light)
        divided = self._shelf.kind == "lane_cells"
        for x in sorted({edge for lane in lanes for edge in lane.x_mm if divided and 0 < edge < width}):
            line = self._pose.to_px(np.array([[x, depth, 2.0], [x, 0.0, 2.0]]))
            start, end = np.rint(line * 16).astype(int).tolist()
            cv2.line(picture, start, end, DIVIDER, max(self._pose.width_px // 400, 1), cv2.LINE_AA, 4)
        return picture

    def _face(self, picture: Rgb, corners: list[list[float]], colour: Colour, light: float) -> None:
        outline = np.rint(self._pose.to_px(np.array(corners, dtype=np.float64)) * 16).astype(np.int32)
        shaded = tuple(light * each for each in colour)
        cv2.fillConvexPoly(picture, outline, shaded, cv2.LINE_AA, 4)

    def _lamps(self) -> Rgb:
        """Return light that is stronger on one side: 200 is as it is."""
        columns: FloatArray = np.linspace(212.0, 182.0, self._pose.width_px)
        rows = np.linspace(0.94, 1.03, self._pose.height_px)
        return np.repeat((rows[:, None] * columns).astype(np.uint8)[:, :, None], 3, axis=2)


def brightness(y_mm: float) -> float:
    """Return the light so far behind the front, as a share of that before it."""
    return float(0.3 + 0.7 * np.exp(-max(y_mm, 0.0) / DEEP_MM))


def package_to_mm(package: Package, x_mm: float, z_mm: float, turned_deg: float = 0.0) -> FloatArray:
    """Return the homography of a package's picture to (x, z) mm of its upright plane, its middle at that place."""
    height, width = package.front.shape[:2]
    across, up = package.size_mm[0] / width, package.size_mm[2] / height
    turn = np.radians(turned_deg)
    middle = np.array([[across, 0.0, -package.size_mm[0] / 2], [0.0, -up, package.size_mm[2] / 2], [0.0, 0.0, 1.0]])
    placed = np.array([[np.cos(turn), -np.sin(turn), x_mm], [np.sin(turn), np.cos(turn), z_mm], [0.0, 0.0, 1.0]])
    homography: FloatArray = placed @ middle
    return homography

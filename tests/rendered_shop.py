"""A shelf of six lanes before a camera, for the stories of what the camera sees; no file is read for it."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from identification_shop import WEIGHTS_G, site

from edge_agent.simulation.scene import STEADY, Scene, SceneLook, ScenePose, SceneTrouble, packages_for
from edge_agent.simulation.world import ShelfWorld

OPENING_MM = 300.0
SMALL = (320, 240)


def shop(opening: int = 6) -> ShelfWorld:
    return ShelfWorld(site("lane_cells", WEIGHTS_G, opening=opening), 5)


def scene_of(
    world: ShelfWorld, look: SceneLook = STEADY, troubles: Sequence[SceneTrouble] = (), seed: int = 8
) -> Scene:
    packages = packages_for(world.site, "shelf", OPENING_MM)
    return Scene.of_world(world, packages, seed=seed, look=look, troubles=troubles)


def changed(before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Return which pixels are not the same."""
    different: npt.NDArray[np.bool_] = np.abs(before.astype(int) - after).reshape(*before.shape[:2], -1).max(axis=2) > 4
    return different


def lane_in_picture(pose: ScenePose, x_mm: Sequence[float], depth_mm: float) -> npt.NDArray[np.bool_]:
    """Return where a lane's goods may be seen, from its front to its back, with two pixels for the lens's blur."""
    corners = [[x, y, z] for x in (x_mm[0] - 6, x_mm[1] + 6) for y in (-8.0, depth_mm + 80) for z in (0.0, OPENING_MM)]
    inside = np.zeros((pose.height_px, pose.width_px), np.uint8)
    hull = cv2.convexHull(np.rint(pose.to_px(np.array(corners))).astype(np.int32))
    cv2.fillConvexPoly(inside, hull, (1,))
    return np.asarray(cv2.dilate(inside, np.ones((5, 5), np.uint8))) > 0

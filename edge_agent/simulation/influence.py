"""How a load at a place divides over a shelf's cells: statics, from the shelf's geometry alone."""

import numpy as np

from edge_agent.config import ShelfConfig
from edge_agent.model import FloatArray

POINT_MM = 1.0
"""A load narrower than this stands on one plate."""


def load_shares(shelf: ShelfConfig, x_mm: float, y_mm: float, footprint_mm: float = 0.0) -> FloatArray:
    """Return the share of a load that each cell bears, (channels,), summing to 1.

    Parameters
    ----------
    shelf : ShelfConfig
        The shelf's hardware.
    x_mm, y_mm : float
        Middle of the load, from the shelf's front left corner.
    footprint_mm : float
        Extent of the load along x; what stands over two plates presses on both.
    """
    if shelf.kind == "platform":
        return _four_point_plate(shelf, x_mm, y_mm)
    return _separate_plates(shelf, x_mm, footprint_mm)


def _four_point_plate(shelf: ShelfConfig, x_mm: float, y_mm: float) -> FloatArray:
    """Divide bilinearly: moments about both axes balance, and equal bearings share the one redundant force.

    Beyond the cells' rectangle a share turns negative: an overhanging load lifts the far corner.
    """
    x = np.array([channel.x_mm for channel in shelf.channels])
    y = np.array([channel.y_mm for channel in shelf.channels])
    along = (x_mm - x.min()) / np.ptp(x)
    across = (y_mm - y.min()) / np.ptp(y)
    return np.asarray(np.where(x > x.min(), along, 1 - along) * np.where(y > y.min(), across, 1 - across))


def _separate_plates(shelf: ShelfConfig, x_mm: float, footprint_mm: float) -> FloatArray:
    """Divide by the footprint's overlap with each plate; the outer plates bear what hangs over the shelf's ends."""
    edges = np.array(shelf.plate_edges_mm())
    edges[0], edges[-1] = -np.inf, np.inf
    if footprint_mm < POINT_MM:
        plate = int(np.searchsorted(edges[1:-1], x_mm, side="right"))
        return np.asarray(np.eye(len(shelf.channels))[plate])
    left, right = x_mm - footprint_mm / 2, x_mm + footprint_mm / 2
    overlap = np.minimum(edges[1:], right) - np.maximum(edges[:-1], left)
    return np.asarray(np.clip(overlap, 0.0, None) / footprint_mm)

"""A shelf's resting weight per channel, gathered over all its boards."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.config import ShelfConfig
from edge_agent.estimation.layout import ShelfPart, corner_signs
from edge_agent.estimation.settings import INVALID_VARIANCE_G2, EstimationSettings
from edge_agent.estimation.settling import Window
from edge_agent.model import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class ShelfLevel:
    """Levels of a shelf's channels, in shelf order.

    ``covariance_g2`` (channels, channels) is block-diagonal over boards: their clocks, and so their noise, are
    independent. A channel without evidence is not ``valid``; its level is NaN and its variance huge.
    """

    level_g: FloatArray
    covariance_g2: FloatArray
    valid: BoolArray


def merge_parts(shelf: ShelfConfig, parts: Sequence[tuple[ShelfPart, Window, FloatArray]]) -> ShelfLevel:
    """Put the rests of a shelf's boards together.

    Parameters
    ----------
    parts : sequence of (part, window, wander_g)
        The window over all columns of the part's board, and their learned slow noise, (columns,), g.
    """
    channels = len(shelf.channels)
    level = np.full(channels, np.nan)
    covariance = np.diag(np.full(channels, INVALID_VARIANCE_G2))
    valid = np.zeros(channels, dtype=np.bool_)
    for part, window, wander_g in parts:
        variance = window.variance_g2 + np.square(wander_g)
        good = window.valid[part.cells]
        places = part.places[good]
        level[places] = window.mean_g[part.cells[good]]
        valid[places] = True
        if part.derived.size and good.all():
            covariance = _platform_covariance(shelf, variance[part.derived], variance[part.cells])
        else:
            covariance[places, places] = variance[part.cells[good]]
    return ShelfLevel(level, covariance, valid)


def _platform_covariance(shelf: ShelfConfig, modes_g2: FloatArray, cells_g2: FloatArray) -> FloatArray:
    """Return four cells' covariance from the variances of their modes.

    A mode is a signed sum s·g of the cells, so Σ = Σₘ var(sₘ·g) sₘ sₘᵀ / 16; the total's variance is then exactly
    what was measured of the total. The twist mode was not watched: it gets what independent cells would have.
    """
    signs = corner_signs(shelf)
    variances = np.append(modes_g2, cells_g2.sum())
    product: FloatArray = (signs.T * variances) @ signs / 16.0
    return product


def twist_covariance(shelf: ShelfConfig, settings: EstimationSettings) -> FloatArray:
    """Return what a platform's covariance is widened by, (channels, channels): zero for lane cells.

    A plate on four corners is statically indeterminate, so a change along its twist mode says nothing of weight or
    place.
    """
    channels = len(shelf.channels)
    if shelf.kind != "platform":
        return np.zeros((channels, channels))
    twist = corner_signs(shelf)[3]
    sigma_g = settings.twist_share * shelf.limits.cell_max_g
    product: FloatArray = np.outer(twist, twist) * sigma_g**2
    return product

"""Where along the shelf an act happened, by weight alone."""

from dataclasses import dataclass

import numpy as np

from edge_agent.config import ShelfConfig
from edge_agent.model import BoolArray, IntArray, WeightStep


@dataclass(frozen=True, slots=True)
class ActPosition:
    """Place along the shelf from its left edge and its standard deviation, mm."""

    x_mm: float
    sigma_mm: float


def locate(shelf: ShelfConfig, step: WeightStep, seen: BoolArray, changed: IntArray) -> ActPosition | None:
    """Return the centre of mass of a change, None where the channels cannot tell.

    ``platform``: x = Σ Δ·x / Σ Δ over the four cells, its variance by the first-order propagation of Δ's covariance.
    None with a dead corner, or where the change is so small, or so near to a swap, that sigma is wider than the shelf.
    ``lane_cells``: the plates' centres weighted by |Δ|; within a plate any place is as likely.

    Parameters
    ----------
    seen : (channels,) bool
        Channels that could be read.
    changed : (k,) int
        Channels that the act changed.
    """
    if shelf.kind == "platform":
        total_g = float(step.delta_g[seen].sum())
        if not seen.all() or abs(total_g) < 1e-3:
            return None
        xs = np.array([channel.x_mm for channel in shelf.channels])
        x_mm = float(step.delta_g @ xs) / total_g
        gradient = (xs - x_mm) / total_g
        sigma_mm = max(float(gradient @ step.covariance_g2 @ gradient), 0.0) ** 0.5
        return None if sigma_mm > shelf.width_mm else ActPosition(min(max(x_mm, 0.0), shelf.width_mm), sigma_mm)
    edges = np.array(shelf.plate_edges_mm())
    weight = np.abs(step.delta_g[changed])
    if not len(changed) or weight.sum() < 1e-3:
        return None
    share = weight / weight.sum()
    centre_mm = ((edges[1:] + edges[:-1]) / 2)[changed]
    width_mm = np.diff(edges)[changed]
    x_mm = float(share @ centre_mm)
    variance_mm2 = float(share @ ((centre_mm - x_mm) ** 2 + width_mm**2 / 12))
    return ActPosition(x_mm, float(np.sqrt(variance_mm2)))

"""What an act weighed: the change of the plates that it touched, and what is sold from them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.identification.observation_model import ObservationModel, Region
from edge_agent.model import IntArray, Stock, WeightStep


@dataclass(frozen=True, slots=True)
class Weighed:
    """The total over the regions that changed.

    Attributes
    ----------
    mass_g : float
        Positive onto the shelf.
    variance_g2 : float
        Of the measurement.
    skus : frozenset of str
        Planned for those regions, or believed to stand there.
    """

    mass_g: float
    variance_g2: float
    skus: frozenset[str]


def weigh(
    step: WeightStep, model: ObservationModel, regions: Sequence[Region], channels: IntArray, stock: Stock
) -> Weighed | None:
    """Return what changed in the regions of an act, None where one of their channels could not be read.

    Parameters
    ----------
    channels : (channels,) int
        Those that could be read.
    """
    wanted = np.concatenate([region.channels for region in regions])
    if not np.array_equal(np.sort(wanted), np.sort(channels)):
        return None
    lanes = [model.lanes[spot.lane_index] for region in regions for spot in region.spots]
    believed = {sku for lane in lanes for sku, count in stock.get(lane.lane_id, {}).items() if count > 0}
    return Weighed(
        mass_g=float(step.delta_g[channels].sum()),
        variance_g2=float(step.covariance_g2[np.ix_(channels, channels)].sum()),
        skus=frozenset(believed | {lane.sku for lane in lanes}),
    )

"""Tell a change that is somebody's doing from one that is the cells'."""

from dataclasses import dataclass

import numpy as np

from edge_agent.config import ShelfConfig
from edge_agent.estimation.layout import corner_signs
from edge_agent.estimation.settings import EstimationSettings
from edge_agent.model import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """After minus before.

    ``valid`` marks the channels known on both sides; ``delta_g`` is zero elsewhere. ``covariance_g2`` does not
    contain the twist widening.
    """

    delta_g: FloatArray
    covariance_g2: FloatArray
    valid: BoolArray
    peak_g: float


def is_significant(shelf: ShelfConfig, change: Change, settings: EstimationSettings, *, returned: bool) -> bool:
    """Return whether a change is reported.

    Lane cells: any lane, or the sum of all, moved by more than the limit and k σ. A platform: its total did, or its
    centre of mass moved at an unchanged total. A platform with a dead cell is judged by its other cells.

    Parameters
    ----------
    returned : bool
        The shelf was not watched in between, so its zero may have drifted: allow for that too.
    """
    limits = shelf.limits
    valid = change.valid
    if not valid.any():
        return False
    press_g = settings.press_share * abs(change.peak_g)
    drift_g = settings.zero_drift_share * limits.cell_max_g if returned else 0.0
    cells = float(valid.sum()) ** 0.5
    k = settings.significance_sigmas
    delta = np.where(valid, change.delta_g, 0.0)
    covariance = change.covariance_g2[np.ix_(valid, valid)]
    total_sigma = float(np.sqrt(covariance.sum() + press_g**2))
    total_limit = max(limits.min_event_g, k * total_sigma, drift_g * cells)
    if shelf.kind == "platform" and valid.all():
        if abs(delta.sum()) > total_limit:
            return True
        moment_floor = max(2.0 * limits.min_event_g, settings.moment_press_share * abs(change.peak_g), drift_g * cells)
        for signs in corner_signs(shelf)[1:3]:
            sigma = float(np.sqrt(signs @ change.covariance_g2 @ signs))
            if abs(float(signs @ delta)) > max(moment_floor, k * sigma):
                return True
        return False
    sigma_g = np.sqrt(np.diag(change.covariance_g2) + press_g**2)
    lane_limit = np.maximum(np.maximum(limits.min_event_g, k * sigma_g), drift_g)
    return bool((np.abs(delta) > lane_limit).any()) or abs(float(delta.sum())) > total_limit

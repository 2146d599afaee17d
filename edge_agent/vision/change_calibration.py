"""What scores of a lane's front are worth: counted on rendered scenes, as nats over `LANE_CHANGES`."""

import math

import numpy as np

from edge_agent.model import LANE_CHANGES, FloatArray

CALIBRATION_ID = "lanes-0"


def lane_nats(changed_share: float, lean: float, extent_mm: float) -> FloatArray:
    """Return (9,) nats over `LANE_CHANGES` for one lane's scores."""
    del extent_mm
    changed = 4.0 if changed_share > 0.25 else -3.0 if changed_share < 0.05 else 0.0
    more = max(min(2.0 * lean, 3.0), -3.0)
    nats = [0.0 if change == 0 else changed + math.copysign(1, change) * more / 2 for change in LANE_CHANGES]
    return np.array(nats)

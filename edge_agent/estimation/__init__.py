"""Samples of load-cell boards in, steps of the shelves' resting weights out.

gate (`fault_gate`) → grams, trackers and detection (`board_track`: `kalman_bank`, `glr`) → rest
(`settling`, `rest_finder`) or free ringing (`free_decay`, `decay_finder`) → step (`segmentation`: `disturbance`,
`sub_steps`, `shelf_level`, `significance`, `zero_tracking`). `Estimation` is the front.
"""

from edge_agent.estimation.estimator import Estimation, Finding
from edge_agent.estimation.settings import EstimationSettings

__all__ = ["Estimation", "EstimationSettings", "Finding"]

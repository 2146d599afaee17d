"""What scores of a lane's front are worth: counted on rendered scenes, as nats over `LANE_CHANGES`.

A lane's word is ln p(scores | change) − ln p(scores | no change), which factors into three counts: of share and
size among changed lanes against unchanged ones, of lean among lanes with fewer and with more, of height by number of
items. Each count begins with `BEFORE` of every bin, so that what was never seen is not held impossible, and no word is
more certain than so many lanes can show.

Counted by ``python tests/benchmarks/vision_table.py --seeds 1-12 --acts 14 --rows FILE`` and
``python tests/benchmarks/fit_lane_words.py FILE`` on shelves of all three kinds (2026-12).
"""

import numpy as np

from edge_agent.model import LANE_CHANGES, FloatArray

CALIBRATION_ID = "lanes-2"
SHARE_EDGES = (0.02, 0.15, 0.35, 0.5, 0.65, 0.85, 0.97)
CLEAR_EDGES_MM2 = (2000.0, 5000.0, 10000.0)
LEAN_EDGES = (-1.5, -0.8, -0.4, 0.0, 0.4, 0.8, 1.5)
EXTENT_EDGES_MM = (60.0, 100.0, 140.0, 170.0, 200.0, 230.0)
BEFORE = 0.5
"""Count of every bin before the first lane (Jeffreys' prior)."""
UNCHANGED = np.array(
    [
        [5533, 1, 0, 6],
        [0, 4, 7, 25],
        [3, 7, 1, 28],
        [1, 3, 5, 17],
        [0, 2, 0, 12],
        [0, 1, 1, 2],
        [1, 1, 0, 1],
        [8, 0, 6, 6],
    ],
    dtype=np.float64,
)
"""Lanes that did not change, by share (rows) and clear size."""
CHANGED = np.array(
    [
        [15, 0, 0, 0],
        [1, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 2, 0, 7],
        [1, 3, 3, 17],
        [3, 6, 0, 29],
        [0, 3, 5, 23],
        [28, 49, 52, 287],
    ],
    dtype=np.float64,
)
FEWER = np.array([284.0, 88.0, 44.0, 43.0, 18.0, 4.0, 3.0, 0.0])
MORE = np.array([0.0, 2.0, 0.0, 1.0, 4.0, 3.0, 3.0, 12.0])
BY_NUMBER = np.array(
    [
        [2, 12, 47, 96, 99, 113, 5],
        [0, 5, 4, 5, 12, 14, 29],
        [0, 0, 1, 6, 10, 10, 17],
        [0, 0, 0, 0, 6, 5, 11],
    ],
    dtype=np.float64,
)
"""Height of what changed, by how many items came or went: 1, 2, 3, 4 and more."""


def _nats(counts: FloatArray, against: FloatArray) -> FloatArray:
    """Return ln of how much more likely each bin is by ``counts`` than by ``against``."""
    own, other = counts + BEFORE, against + BEFORE
    nats: FloatArray = np.log(own / own.sum()) - np.log(other / other.sum())
    return nats


_CHANGE_NATS = _nats(CHANGED, UNCHANGED)
_SIGN_NATS = {-1: _nats(FEWER, FEWER + MORE), 1: _nats(MORE, FEWER + MORE)}
_NUMBER_NATS = np.array([_nats(row, BY_NUMBER.sum(axis=0)) for row in BY_NUMBER])


def lane_nats(share: float, clear_mm2: float, lean: float, extent_mm: float) -> FloatArray:
    """Return (9,) nats over `LANE_CHANGES` for one lane's scores.

    Parameters
    ----------
    share : float
        Of the largest change that is partly this lane's, how much of its middle half is; 0 to 1.
    clear_mm2, lean, extent_mm : float
        Of that change, see front_change.py.
    """
    changed = float(_CHANGE_NATS[np.digitize(share, SHARE_EDGES), np.digitize(clear_mm2, CLEAR_EDGES_MM2)])
    if share < SHARE_EDGES[0]:
        return np.array([0.0 if change == 0 else changed for change in LANE_CHANGES])
    lean_bin, extent_bin = int(np.digitize(lean, LEAN_EDGES)), int(np.digitize(extent_mm, EXTENT_EDGES_MM))
    nats = []
    for change in LANE_CHANGES:
        if change == 0:
            nats.append(0.0)
        else:
            sign = float(_SIGN_NATS[1 if change > 0 else -1][lean_bin])
            nats.append(changed + sign + float(_NUMBER_NATS[abs(change) - 1, extent_bin]))
    return np.array(nats)

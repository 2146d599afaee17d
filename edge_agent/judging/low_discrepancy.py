"""Points that fill a space more evenly than dice do: the lattice of the golden ratio's kin in any dimension."""

from statistics import NormalDist

import numpy as np

from edge_agent.judging.habits import FloatArray


def uniform_points(points: int, dimensions: int) -> FloatArray:
    """Return points in the unit cube, (points, dimensions)."""
    ratio = 1.5
    for _ in range(60):
        ratio = (1 + ratio) ** (1 / (dimensions + 1))
    steps = ratio ** -np.arange(1, dimensions + 1)
    uniform: FloatArray = (0.5 + np.arange(1, points + 1)[:, None] * steps) % 1.0
    return uniform


def normal_points(points: int, dimensions: int) -> FloatArray:
    """Return standard normal points, (points, dimensions)."""
    clipped = np.clip(uniform_points(points, dimensions), 1e-9, 1 - 1e-9)
    normal: FloatArray = np.vectorize(NormalDist().inv_cdf)(clipped)
    return normal

"""Batched Gaussian log-densities for small dimensions, without LAPACK's cost per matrix and without an inverse."""

import numpy as np

from edge_agent.model import FloatArray

MIN_VARIANCE_G2 = 1e-6
"""No weight is known better than to a milligram, g²: keeps a covariance stated as singular usable (2026-11)."""

LOG_2PI = float(np.log(2 * np.pi))


def log_density(residual: FloatArray, covariance: FloatArray) -> FloatArray:
    """Return log N(residual; 0, covariance) for each of n small problems.

    LDLᵀ elimination over all problems at once: after step j, row j is independent of the rows below it, so the density
    is the product of the pivots' one-dimensional densities (Golub and Van Loan, Matrix Computations, section 4.1).

    Parameters
    ----------
    residual : (n, channels)
        Observed minus predicted.
    covariance : (n, channels, channels)
        Symmetric, positive semidefinite; pivots are kept at or above `MIN_VARIANCE_G2`.

    Returns
    -------
    (n,)
        Nats.
    """
    remaining = residual.copy()
    schur = covariance.copy()
    channels = residual.shape[1]
    log_likelihood = np.full(len(residual), -0.5 * channels * LOG_2PI)
    for j in range(channels):
        pivot = np.maximum(schur[:, j, j], MIN_VARIANCE_G2)
        log_likelihood -= 0.5 * (np.log(pivot) + remaining[:, j] ** 2 / pivot)
        if j + 1 < channels:
            column = schur[:, j + 1 :, j] / pivot[:, None]
            remaining[:, j + 1 :] -= column * remaining[:, j : j + 1]
            schur[:, j + 1 :, j + 1 :] -= column[:, :, None] * schur[:, None, j, j + 1 :]
    return log_likelihood


def log_density_scalar(residual: FloatArray, variance: FloatArray) -> FloatArray:
    """Return log N(residual; 0, variance), element by element."""
    bounded = np.maximum(variance, MIN_VARIANCE_G2)
    density: FloatArray = -0.5 * (LOG_2PI + np.log(bounded) + residual**2 / bounded)
    return density


def log_sum_exp(values: FloatArray) -> float:
    """Return log Σ exp(values); −inf for none."""
    if len(values) == 0:
        return float("-inf")
    top = float(values.max())
    return top if not np.isfinite(top) else top + float(np.log(np.exp(values - top).sum()))


def log_density_pair(residual: FloatArray, covariance: FloatArray) -> FloatArray:
    """Return log N(residual; 0, covariance) of pairs.

    Parameters
    ----------
    residual : (n, 2)
    covariance : (n, 3)
        Variance of the first, covariance, variance of the second.
    """
    first = np.maximum(covariance[:, 0], MIN_VARIANCE_G2)
    gain = covariance[:, 1] / first
    left = np.maximum(covariance[:, 2] - gain * covariance[:, 1], MIN_VARIANCE_G2)
    miss = residual[:, 1] - gain * residual[:, 0]
    density: FloatArray = -LOG_2PI - 0.5 * (np.log(first) + residual[:, 0] ** 2 / first + np.log(left) + miss**2 / left)
    return density

"""A first-order linear recursion over many samples at once."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Scalar = TypeVar("Scalar", np.float64, np.complex128)


def first_order(
    factor: npt.NDArray[Scalar], start: npt.NDArray[Scalar], drive: npt.NDArray[Scalar]
) -> npt.NDArray[Scalar]:
    """Return z₁ … zₙ of z_k = factor · z_{k−1} + drive_k, shape of ``drive`` (n, channels).

    Closed form z_k = factorᵏ (start + Σ_{j≤k} factor⁻ʲ drive_j), so a block costs a few array operations instead of n.
    The caller keeps blocks short enough that ``|factor|⁻ⁿ`` stays far below 1e300; the terms grow towards the end of
    the block, so the sum is as exact there as a loop would be.

    Parameters
    ----------
    factor : (channels,)
        Between 0 and 1 in size, exclusive of 0.
    start : (channels,)
        z₀.
    drive : (n, channels)
    """
    steps = np.arange(1, len(drive) + 1)[:, None]
    powers = factor[None, :] ** steps
    return np.asarray(powers * (start + np.cumsum(drive / powers, axis=0)))

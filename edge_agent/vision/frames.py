"""A picture on its way: as a driver hands it over, and as everything behind the mask sees it.

A `CameraFrame` shows people. `PrivacyMask.apply` (mask.py) is the one place that looks at its pixels, and the one that
makes a `MaskedFrame`; whatever recognises, stores or draws takes a `MaskedFrame`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.model import MonotonicNs

GreyPicture = npt.NDArray[np.uint8]
"""(height, width), 0 black to 255 white."""
ColourPicture = npt.NDArray[np.uint8]
"""(height, width, 3), red, green, blue."""
PixelMask = npt.NDArray[np.bool_]
"""(height, width), true where the picture is kept."""


@dataclass(frozen=True, slots=True, eq=False)
class CameraFrame:
    """One exposure as the driver delivers it, with everything that was in view.

    Attributes
    ----------
    sequence : int
        Counts the exposures of this source since it was started; lost ones are counted too where the driver knows.
    t_ns : MonotonicNs
        Middle of the exposure, host monotonic.
    grey : (lores height, lores width)
        The small picture; the frame's own memory, never the driver's.
    colour : callable
        Returns the large picture, (height, width, 3). May be called until the source's next `take`, not after.
    exposure_us : float or None
        Length of the exposure, where the driver knows.
    """

    sequence: int
    t_ns: MonotonicNs
    grey: GreyPicture
    colour: Callable[[], ColourPicture]
    exposure_us: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class MaskedFrame:
    """A frame of which everything but the shelf is black. Only the mask makes one.

    ``colour`` may be called until the source's next `take`; it masks what it returns.
    """

    sequence: int
    t_ns: MonotonicNs
    grey: GreyPicture
    colour: Callable[[], ColourPicture]
    exposure_us: float | None = None

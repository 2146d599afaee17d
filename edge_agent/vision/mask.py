"""The privacy mask: the first to see a frame, and what it blacks nobody else ever sees."""

import numpy as np

from edge_agent.vision.frames import CameraFrame, ColourPicture, GreyPicture, MaskedFrame, PixelMask


class PrivacyMask:
    """Keeps the shelf's region of a picture and makes the rest black.

    Parameters
    ----------
    keep : (height, width) bool
        For the large picture, true where it is kept.
    keep_grey : (lores height, lores width) bool
        For the small one.
    """

    def __init__(self, keep: PixelMask, keep_grey: PixelMask) -> None:
        self._black = np.ascontiguousarray(~keep)
        self._kept_grey = keep_grey.astype(np.uint8)

    def apply(self, frame: CameraFrame) -> MaskedFrame:
        """Return the frame as everybody else sees it.

        Raises
        ------
        ValueError
            For a picture of another size than the mask's.
        """
        return MaskedFrame(
            frame.sequence,
            frame.t_ns,
            self._masked_grey(frame.grey),
            lambda: self._masked(frame.colour()),
            frame.exposure_us,
        )

    def _masked_grey(self, grey: GreyPicture) -> GreyPicture:
        if grey.shape != self._kept_grey.shape:
            raise ValueError(f"a small picture of {grey.shape}: the mask is for {self._kept_grey.shape}")
        return grey * self._kept_grey

    def _masked(self, colour: ColourPicture) -> ColourPicture:
        if colour.shape[:2] != self._black.shape:
            raise ValueError(f"a picture of {colour.shape[:2]}: the mask is for {self._black.shape}")
        kept = colour.copy()
        kept[self._black] = 0
        return kept

"""What one picture is worth to a technician: light, overexposure and sharpness as numbers, and a word on each.

The running camera's health (frame_health.py) follows these over time and with hysteresis; here one look must do.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from edge_agent.vision.frames import GreyPicture, PixelMask

DARK_BELOW = 21.0
"""Grey level that the brightest tenth must reach (assumed, 2026-12)."""
WHITE_ABOVE = 0.4
"""Share of white pixels from which a picture is overexposed (assumed, 2026-12)."""
WHITE_LEVEL = 250
BLURRED_BELOW = 0.4
"""Sharpness of that at commissioning (assumed, 2026-12): goods change it by a tenth or two, a wiped lens by more."""
LEAST_CONTRAST = 4.0
"""Grey levels; what has less is called dark, not blurred."""


@dataclass(frozen=True, slots=True)
class PictureQuality:
    """Figures of the kept part of one small picture.

    Attributes
    ----------
    brightest_tenth : float
        Grey level that its brightest tenth reaches, 0 to 255.
    mean_grey : float
        Its mean, 0 to 255.
    white_share : float
        Share of pixels that carry no more information.
    sharpness : float
        Mean size of the Laplacian over the standard deviation of the grey levels.
    """

    mean_grey: float
    brightest_tenth: float
    white_share: float
    sharpness: float

    @property
    def dark(self) -> bool:
        """Return whether there is too little light."""
        return self.brightest_tenth < DARK_BELOW

    @property
    def overexposed(self) -> bool:
        """Return whether too much of it is white."""
        return self.white_share > WHITE_ABOVE

    def blurred(self, reference: "PictureQuality") -> bool:
        """Return whether it is much less sharp than another of the same view."""
        return not self.dark and self.sharpness < BLURRED_BELOW * reference.sharpness


def quality_of(grey: GreyPicture, kept: PixelMask) -> PictureQuality:
    """Return the figures of a masked small picture."""
    inside = cv2.erode(kept.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0).astype(bool)
    levels = grey[inside]
    if not levels.size:
        return PictureQuality(0.0, 0.0, 0.0, 0.0)
    detail = float(np.abs(cv2.Laplacian(grey, cv2.CV_16S)[inside]).mean())
    return PictureQuality(
        mean_grey=float(levels.mean()),
        brightest_tenth=float(np.quantile(levels, 0.9)),
        white_share=float((levels >= WHITE_LEVEL).mean()),
        sharpness=detail / max(float(levels.std()), LEAST_CONTRAST),
    )

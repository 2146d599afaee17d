"""Pictures laid over pictures: premultiplied layers, blurred as lens and motion blur them."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.model import FloatArray

Rgb = npt.NDArray[np.uint8]
"""(height, width, 3) red, green, blue."""
Rgba = npt.NDArray[np.uint8]
"""(height, width, 4), colours times alpha, and alpha."""
Colour = tuple[int, int, int]

FRACTION_BITS, FARTHEST = 4, 2.0**20
"""OpenCV draws polygons at sixteenths of a pixel, and overflows where they reach too far out of the picture."""


def pixels(picture: npt.NDArray[np.uint8] | npt.NDArray[Any] | cv2.typing.MatLike) -> npt.NDArray[np.uint8]:
    """Return what OpenCV made, as the bytes that it is; nothing is copied."""
    return np.asarray(picture, dtype=np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A piece of a picture that is laid over it, its upper left corner at ``left``, ``top`` px."""

    rgba: Rgba
    left: int
    top: int

    @classmethod
    def around(cls, points_px: FloatArray, pad_px: float, width_px: int, height_px: int) -> "Layer | None":
        """Return an empty layer that covers points, (n, 2), with a margin; None where all are out of the picture."""
        low = np.floor(points_px.min(axis=0) - pad_px).astype(int)
        high = np.ceil(points_px.max(axis=0) + pad_px).astype(int) + 1
        left, top = max(int(low[0]), 0), max(int(low[1]), 0)
        right, bottom = min(int(high[0]), width_px), min(int(high[1]), height_px)
        if right - left < 2 or bottom - top < 2:
            return None
        return cls(np.zeros((bottom - top, right - left, 4), np.uint8), left, top)

    def polygon(self, points_px: FloatArray, colour: Colour) -> None:
        """Fill a polygon, (n, 2) px of the picture."""
        cv2.fillPoly(self.rgba, [self._fixed(points_px)], (*colour, 255), cv2.LINE_AA, FRACTION_BITS)

    def stroke(self, points_px: FloatArray, colour: Colour, thickness_px: float) -> None:
        """Draw a line with round ends through points."""
        width = max(round(thickness_px), 1)
        cv2.polylines(self.rgba, [self._fixed(points_px)], False, (*colour, 255), width, cv2.LINE_AA, FRACTION_BITS)

    def disc(self, middle_px: FloatArray, radius_px: float, colour: Colour) -> None:
        """Fill a circle."""
        x, y = self._fixed(middle_px[None])[0]
        radius = max(round(radius_px * (1 << FRACTION_BITS)), 1)
        cv2.circle(self.rgba, (int(x), int(y)), radius, (*colour, 255), -1, cv2.LINE_AA, FRACTION_BITS)

    def blur(self, motion_px: FloatArray, defocus_px: float) -> "Layer":
        """Return the layer as a lens smears it that moves by ``motion_px``, (2,), during the exposure."""
        rgba = self.rgba
        length = float(np.hypot(*motion_px))
        if length >= 1.5:
            rgba = pixels(cv2.filter2D(rgba, -1, _motion_kernel(motion_px)))
        if defocus_px > 0.3:
            rgba = pixels(cv2.GaussianBlur(rgba, (0, 0), defocus_px))
        return Layer(rgba, self.left, self.top)

    def lay_over(self, picture: Rgb) -> None:
        """Lay the layer over a picture."""
        height, width = self.rgba.shape[:2]
        under = picture[self.top : self.top + height, self.left : self.left + width]
        behind = cv2.bitwise_not(cv2.cvtColor(self.rgba[:, :, 3], cv2.COLOR_GRAY2RGB))
        colours = cv2.cvtColor(self.rgba, cv2.COLOR_RGBA2RGB)
        under[:] = cv2.add(cv2.multiply(under, behind, scale=1 / 255), colours)

    def shade(self, picture: Rgb, shift_px: FloatArray, blur_px: float, share: float) -> None:
        """Throw the layer's soft shadow on a picture, shifted, taking ``share`` of the light at its darkest."""
        pad = int(2.5 * blur_px) + 1
        alpha = pixels(cv2.copyMakeBorder(self.rgba[:, :, 3], pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=(0.0,)))
        # A soft shadow needs few pixels.
        reduced = 1 / max(blur_px / 2, 1.0)
        small = cv2.resize(alpha, None, fx=reduced, fy=reduced, interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), blur_px * reduced)
        alpha = pixels(cv2.resize(small, (alpha.shape[1], alpha.shape[0]), interpolation=cv2.INTER_LINEAR))
        left, top = self.left - pad + round(shift_px[0]), self.top - pad + round(shift_px[1])
        cut_left, cut_top = max(-left, 0), max(-top, 0)
        left, top = left + cut_left, top + cut_top
        alpha = alpha[cut_top : cut_top + picture.shape[0] - top, cut_left : cut_left + picture.shape[1] - left]
        if alpha.size == 0:
            return
        under = picture[top : top + alpha.shape[0], left : left + alpha.shape[1]]
        light = cv2.cvtColor(cv2.convertScaleAbs(alpha, alpha=-share, beta=255.0), cv2.COLOR_GRAY2RGB)
        under[:] = cv2.multiply(under, light, scale=1 / 255)

    def _fixed(self, points_px: FloatArray) -> npt.NDArray[np.int32]:
        shifted = (points_px - np.array([self.left, self.top])) * (1 << FRACTION_BITS)
        fixed: npt.NDArray[np.int32] = np.minimum(np.maximum(np.rint(shifted), -FARTHEST), FARTHEST).astype(np.int32)
        return fixed


def warp_over(picture: Rgb, front: Rgba, to_px: FloatArray, gain: float) -> None:
    """Lay a flat picture (h, w, 4) over another by a homography of its pixels, ``gain`` times as bright."""
    layer = warped(front, to_px, gain, picture.shape[1], picture.shape[0])
    if layer is not None:
        layer.lay_over(picture)


def warped(front: Rgba, to_px: FloatArray, gain: float, width_px: int, height_px: int) -> Layer | None:
    """Return a flat picture as a layer, by a homography of its pixels; None where it is out of the picture."""
    height, width = front.shape[:2]
    corners = np.array([[0.0, 0.0, 1.0], [width, 0.0, 1.0], [width, height, 1.0], [0.0, height, 1.0]]) @ to_px.T
    layer = Layer.around(corners[:, :2] / corners[:, 2:], 1.0, width_px, height_px)
    if layer is None:
        return None
    shift = np.array([[1.0, 0.0, -layer.left], [0.0, 1.0, -layer.top], [0.0, 0.0, 1.0]])
    size = (layer.rgba.shape[1], layer.rgba.shape[0])
    seen = cv2.warpPerspective(front, shift @ to_px, size, flags=cv2.INTER_LINEAR)
    if gain != 1.0:
        seen = cv2.multiply(seen, np.array([gain, gain, gain, 1.0]))
    return Layer(pixels(seen), layer.left, layer.top)


def _motion_kernel(motion_px: FloatArray) -> npt.NDArray[np.float32]:
    half = int(np.ceil(np.abs(motion_px).max() / 2)) + 1
    kernel: npt.NDArray[np.float32] = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    ends = np.rint((np.stack([-motion_px, motion_px]) / 2 + half) * 16).astype(np.int32)
    cv2.line(kernel, (int(ends[0, 0]), int(ends[0, 1])), (int(ends[1, 0]), int(ends[1, 1])), (1.0,), 1, cv2.LINE_8, 4)
    kernel /= kernel.sum()
    return kernel

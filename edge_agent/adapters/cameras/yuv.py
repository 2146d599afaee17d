"""Camera buffers of luma and chroma as pictures: NV12, YUV420 and YUYV, with padding behind their rows.

Sizes as V4L2 and libcamera give them: `stride` is bytes from one luma row to the next. NV12 has a plane of luma and one
of interleaved chroma at half the height; YUV420 (I420) two chroma planes at half the width and half the stride; YUYV is
packed, two pixels in four bytes. Chroma is BT.601 (ITU-R BT.601-7), in full range as JPEG has it or in the limited one
of video, in which black is 16 and white 235.
"""

from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.vision.frames import ColourPicture, GreyPicture

Bytes = npt.NDArray[np.uint8]

_VIDEO_BLACK: Final = 16
_VIDEO_WHITE: Final = 235
_TO_FULL: Final = np.clip(
    np.rint((np.arange(256.0) - _VIDEO_BLACK) * 255 / (_VIDEO_WHITE - _VIDEO_BLACK)), 0, 255
).astype(np.uint8)
"""Limited-range luma → 0 black to 255 white, (256,)."""


@dataclass(frozen=True, slots=True)
class YuvLayout:
    """How a stream's buffer holds a picture."""

    pixels: Literal["NV12", "YUV420", "YUYV"]
    width: int
    height: int
    stride: int
    full_range: bool = True

    @property
    def bytes_needed(self) -> int:
        """Return how many bytes a whole picture takes."""
        return self.stride * self.height if self.pixels == "YUYV" else self.stride * self.height * 3 // 2

    def grey(self, buffer: Bytes, size: tuple[int, int] | None = None) -> GreyPicture:
        """Return the luma in memory of its own, (height, width).

        Parameters
        ----------
        buffer : (bytes,)
            The driver's, at least `bytes_needed` long.
        size : (width, height) or None
            Another size than the stream's: averaged over the pixels that each one covers.
        """
        if self.pixels == "YUYV":
            pairs = self._rows(buffer)[:, : 2 * self.width].reshape(self.height, self.width, 2)
            luma = np.asarray(cv2.extractChannel(pairs, 0), dtype=np.uint8)
        else:
            luma = self._rows(buffer)[:, : self.width]
        if size is not None and size != (self.width, self.height):
            small = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        else:
            small = np.array(luma)
        return small if self.full_range else np.asarray(cv2.LUT(small, _TO_FULL), dtype=np.uint8)

    def colour(self, buffer: Bytes) -> ColourPicture:
        """Return red, green, blue in memory of its own, (height, width, 3)."""
        if self.pixels == "YUYV":
            packed = np.ascontiguousarray(self._rows(buffer)[:, : 2 * self.width])
            pairs = packed.reshape(self.height, self.width, 2)
            if not self.full_range:
                return np.asarray(cv2.cvtColor(pairs, cv2.COLOR_YUV2RGB_YUYV), dtype=np.uint8)
            half = packed.reshape(self.height, self.width // 2, 4)
            return self._full(pairs[:, :, 0], half[:, :, 1], half[:, :, 3])
        luma = self._rows(buffer)[:, : self.width]
        blue, red = self._chroma(buffer)
        if self.full_range:
            return self._full(luma, blue, red)
        half_size = (self.height // 2, self.width)
        interleaved = np.stack([blue, red], axis=-1).reshape(half_size)
        return np.asarray(cv2.cvtColor(np.vstack([luma, interleaved]), cv2.COLOR_YUV2RGB_NV12), dtype=np.uint8)

    def _rows(self, buffer: Bytes) -> Bytes:
        return buffer[: self.stride * self.height].reshape(self.height, self.stride)

    def _chroma(self, buffer: Bytes) -> tuple[Bytes, Bytes]:
        rest = buffer[self.stride * self.height : self.bytes_needed]
        rows, columns = self.height // 2, self.width // 2
        if self.pixels == "NV12":
            pairs = rest.reshape(rows, self.stride)[:, : self.width].reshape(rows, columns, 2)
            return pairs[:, :, 0], pairs[:, :, 1]
        planes = rest.reshape(2, rows, self.stride // 2)[:, :, :columns]
        return planes[0], planes[1]

    def _full(self, luma: Bytes, blue: Bytes, red: Bytes) -> ColourPicture:
        size = (self.width, self.height)
        merged = cv2.merge(
            [
                np.ascontiguousarray(luma),
                cv2.resize(np.ascontiguousarray(red), size, interpolation=cv2.INTER_LINEAR),
                cv2.resize(np.ascontiguousarray(blue), size, interpolation=cv2.INTER_LINEAR),
            ]
        )
        return np.asarray(cv2.cvtColor(merged, cv2.COLOR_YCrCb2RGB), dtype=np.uint8)

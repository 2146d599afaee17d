"""A driver's buffer of luma and chroma becomes the picture that was before the lens."""

from typing import Any, Literal

import cv2
import numpy as np
import pytest

from edge_agent.adapters.cameras.yuv import YuvLayout

Pixels = Literal["NV12", "YUV420", "YUYV"]
WIDTH, HEIGHT = 64, 48
RED, GREEN, BLUE, WHITE, BLACK = (200, 30, 30), (30, 190, 40), (20, 40, 200), (255, 255, 255), (0, 0, 0)


def bars() -> Any:
    scene = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    for place, colour in enumerate((RED, GREEN, BLUE, WHITE)):
        scene[:, place * 16 : (place + 1) * 16] = colour
    scene[HEIGHT // 2 :] = scene[HEIGHT // 2 :] // 2
    return scene


def encode(scene: Any, layout: YuvLayout) -> Any:
    """Return a camera's buffer, by the formulas of BT.601 and JPEG, padded with rubbish."""
    red, green, blue = (scene[:, :, plane].astype(float) for plane in range(3))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    u, v = (blue - luma) / 1.772 + 128, (red - luma) / 1.402 + 128
    if not layout.full_range:
        luma, u, v = luma * 219 / 255 + 16, (u - 128) * 224 / 255 + 128, (v - 128) * 224 / 255 + 128
    luma, u, v = (np.rint(plane).clip(0, 255).astype(np.uint8) for plane in (luma, u, v))
    if layout.pixels == "YUYV":
        rows = np.full((HEIGHT, layout.stride), 77, dtype=np.uint8)
        rows[:, 0 : 2 * WIDTH : 2] = luma
        rows[:, 1 : 2 * WIDTH : 4] = u[:, ::2]
        rows[:, 3 : 2 * WIDTH : 4] = v[:, ::2]
        return np.append(rows.ravel(), np.zeros(9, dtype=np.uint8))
    above = np.full((HEIGHT, layout.stride), 77, dtype=np.uint8)
    above[:, :WIDTH] = luma
    if layout.pixels == "NV12":
        below = np.full((HEIGHT // 2, layout.stride), 77, dtype=np.uint8)
        below[:, 0:WIDTH:2], below[:, 1:WIDTH:2] = u[::2, ::2], v[::2, ::2]
    else:
        below = np.full((2, HEIGHT // 2, layout.stride // 2), 77, dtype=np.uint8)
        below[:, :, : WIDTH // 2] = u[::2, ::2], v[::2, ::2]
    return np.concatenate([above.ravel(), below.ravel(), np.zeros(9, dtype=np.uint8)])


@pytest.mark.parametrize("full_range", [True, False])
@pytest.mark.parametrize("padding", [0, 32])
@pytest.mark.parametrize("pixels", ["NV12", "YUV420", "YUYV"])
def test_colours_and_brightness_come_back(pixels: Pixels, padding: int, full_range: bool) -> None:
    layout = YuvLayout(pixels, WIDTH, HEIGHT, WIDTH * (2 if pixels == "YUYV" else 1) + padding, full_range)
    scene = bars()
    buffer = encode(scene, layout)
    colour, grey = layout.colour(buffer), layout.grey(buffer)
    # Chroma is interpolated over a bar's edge; inside a bar only rounding remains.
    inside = [slice(place * 16 + 4, place * 16 + 12) for place in range(4)]
    for columns in inside:
        for rows in (slice(4, 20), slice(28, 44)):
            assert np.abs(colour[rows, columns].astype(int) - scene[rows, columns]).max() <= 4
    assert np.abs(grey.astype(int) - cv2.cvtColor(scene, cv2.COLOR_RGB2GRAY)).max() <= 2


def test_a_smaller_grey_picture_averages_over_what_each_pixel_covers() -> None:
    layout = YuvLayout("NV12", WIDTH, HEIGHT, WIDTH)
    buffer = encode(bars(), layout)
    buffer[0] = 255  # one speck in the corner counts for its quarter only
    small = layout.grey(buffer, (WIDTH // 2, HEIGHT // 2))
    whole = layout.grey(buffer)
    assert small.shape == (HEIGHT // 2, WIDTH // 2)
    assert abs(int(small[0, 0]) - whole[:2, :2].mean()) <= 1

"""From light to pixels: lamps that flicker, an exposure that wanders, a sensor's noise."""

from bisect import bisect_right

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.model import FloatArray
from edge_agent.simulation.scene.compositing import pixels
from edge_agent.simulation.scene.look import FULL_WIDTH_PX, SceneLook

MAINS_HZ = 100.0
"""Lamps on 50 Hz mains are brightest twice a period."""
GAMMA = 2.2
BANDS = 48
"""Rows read at nearly the same instant are brightened alike: so many bands a picture."""
NOISE_UNIT = 16.0
"""Noise is kept as whole sixteenths of its standard deviation."""
HOUR_S = 3600.0
SMALL_NOISE_EXPONENT = 0.66
"""A picture reduced by the camera has less noise: by this power of the reduction; averaging of independent pixels
would give 1 (assumed, 2026-12)."""

Pixels = npt.NDArray[np.uint8]


class Sensor:
    """Makes pixels of light.

    Parameters
    ----------
    look : SceneLook
    seed : int
        Decides wandering, steps and noise.
    """

    def __init__(self, look: SceneLook, seed: int) -> None:
        self._look, self._seed = look, seed
        rng = np.random.default_rng(np.random.SeedSequence([seed, 47]))
        self._phases = rng.uniform(0, 2 * np.pi, 4)
        self._tile: npt.NDArray[np.int8] = np.zeros(0, np.int8)
        self._sigmas: dict[int, Pixels] = {}
        self._hours: dict[int, tuple[list[float], list[float]]] = {}

    def gain(self, t_s: float) -> float:
        """Return the exposure at an instant but for the flicker, 1 where it is as it should be."""
        wander = np.sin(2 * np.pi * t_s / 97.0 + self._phases[0]) + 0.6 * np.sin(
            2 * np.pi * t_s / 31.0 + self._phases[1]
        )
        return float((1.0 + self._look.drift * wander / 1.6) * self._steps(t_s))

    def expose(self, picture: Pixels, t_s: float, gain: float = 1.0) -> Pixels:
        """Return a picture, (height, width) or (height, width, 3), as exposed at an instant, without noise."""
        gain *= self.gain(t_s)
        cast = np.array(self._look.cast)
        if picture.ndim == 2:
            cast = np.array([cast @ [0.299, 0.587, 0.114]])
        if self._look.flicker == 0:
            return pixels(cv2.LUT(picture, _curves(gain * cast[None])[0]))
        exposed = np.empty_like(picture)
        edges = np.linspace(0, picture.shape[0], BANDS + 1).astype(int)
        read_s = t_s + (np.arange(BANDS) + 0.5) / BANDS * self._look.readout_s
        swing = np.sinc(MAINS_HZ * self._look.exposure_s) * self._look.flicker
        lamps = 1.0 + swing * np.cos(2 * np.pi * MAINS_HZ * read_s + self._phases[2])
        curves = _curves(gain * lamps[:, None] * cast)
        for top, bottom, curve in zip(edges[:-1], edges[1:], curves, strict=True):
            cv2.LUT(picture[top:bottom], curve, dst=exposed[top:bottom])
        return exposed

    def add_noise(self, picture: Pixels, t_s: float) -> Pixels:
        """Return a picture with the noise of its light and of its reading, another one each instant."""
        look = self._look
        if look.read_noise_e == 0 and look.full_well_e > 1e9:
            return picture
        sigma = self._sigma_of(picture.shape[1])
        count = picture.size
        if self._tile.size < 2 * count:
            rng = np.random.default_rng(np.random.SeedSequence([self._seed, 53]))
            normal = rng.standard_normal(max(2 * count, 1 << 20), dtype=np.float32)
            self._tile = np.clip(np.rint(normal * NOISE_UNIT), -127, 127).astype(np.int8)
        micros = round(t_s * 1e6) & 0xFFFFFFFFFFFF
        start = int(np.random.SeedSequence([self._seed, 59, micros]).generate_state(1)[0]) % count
        noise = self._tile[start : start + count].reshape(picture.shape)
        scaled = cv2.multiply(cv2.LUT(picture, sigma), noise, scale=1 / NOISE_UNIT**2, dtype=cv2.CV_16S)
        return pixels(cv2.add(picture, scaled, dtype=cv2.CV_8U))

    def _steps(self, t_s: float) -> float:
        """Return what lamps that went on or off have done to the light; every hour begins anew."""
        if self._look.steps_per_hour == 0:
            return 1.0
        hour = int(np.floor(t_s / HOUR_S))
        if hour not in self._hours:
            rng = np.random.default_rng(np.random.SeedSequence([self._seed, 61, hour + 1000]))
            instants_s = np.sort(rng.uniform(0, HOUR_S, int(rng.poisson(self._look.steps_per_hour)))) + hour * HOUR_S
            levels = 1.0 + rng.uniform(-self._look.step, self._look.step, len(instants_s))
            self._hours[hour] = (instants_s.tolist(), [1.0, *levels.tolist()])
        begins_s, levels_then = self._hours[hour]
        return levels_then[bisect_right(begins_s, t_s)]

    def _sigma_of(self, width_px: int) -> Pixels:
        """Return noise's standard deviation in sixteenths of a grey level, by grey level, (256,)."""
        if width_px not in self._sigmas:
            look = self._look
            reduced = min(width_px / FULL_WIDTH_PX, 1.0) ** SMALL_NOISE_EXPONENT
            electrons = look.full_well_e * (np.arange(256) / 255.0) ** GAMMA
            spread_e = np.sqrt(electrons + look.read_noise_e**2)
            bright = np.maximum(electrons, 0.004 * look.full_well_e) / look.full_well_e
            sigma = spread_e * 255 / GAMMA / look.full_well_e * bright ** (1 / GAMMA - 1)
            self._sigmas[width_px] = np.clip(np.rint(sigma * reduced * NOISE_UNIT), 0, 255).astype(np.uint8)
        return self._sigmas[width_px]


def _curves(gains: FloatArray) -> Pixels:
    """Return tables that brighten display values by gains of light: gains (n, channels), (n, 1, 256, channels)."""
    factors = (gains ** (1 / GAMMA)).astype(np.float32)
    levels = np.arange(256, dtype=np.float32)[None, None, :, None] * factors[:, None, None, :]
    curves: Pixels = np.minimum(levels + np.float32(0.5), np.float32(255)).astype(np.uint8)
    return curves

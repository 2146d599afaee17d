"""How a rendered shelf looks: its light, its people and its camera, apart from what happens there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

TroubleKind = Literal["blocked", "dark", "overexposed", "blurred", "frozen", "moved", "lying", "mirrored"]


Troubles = Mapping[TroubleKind, float]
"""What is wrong with the camera at an instant, and how much."""
FULL_WIDTH_PX = 1280
"""The picture's width that pixels of looks and troubles are meant for."""


@dataclass(frozen=True, slots=True)
class SceneTrouble:
    """What is wrong with the camera from one world time to another.

    ``lying`` shows every product in another one's picture; ``mirrored`` shows goods and hands at the other end of the
    shelf. ``strength`` scales the kinds that have a degree: how much is blocked (1 all of it), how blurred, how far
    moved (1 is about 14 px of a picture 1280 px wide).
    """

    kind: TroubleKind
    from_s: float
    until_s: float = float("inf")
    strength: float = 1.0

    def at(self, t_s: float) -> bool:
        """Return whether it lasts at world time ``t_s``."""
        return self.from_s <= t_s < self.until_s


@dataclass(frozen=True, slots=True)
class SceneLook:
    """A shelf's light, people and camera; the defaults are an ordinary shop (all assumed, 2026-12).

    Attributes
    ----------
    exposure_s : float
        Time of exposure: it smears moving hands and averages the lamps' flicker.
    flicker : float
        Share by which lamps on 50 Hz mains swing in brightness, a hundred times a second.
    readout_s : float
        The sensor reads its rows one after the other in this time, so that flicker shows as bands.
    drift : float
        Share by which the exposure wanders within minutes.
    steps_per_hour, step : float
        Lamps switched on or off or the sun coming out: how often, and by up to which share.
    full_well_e, read_noise_e : float
        Electrons of a white pixel, whose square root is its noise, and the noise of reading one.
    defocus_px : float
        Standard deviation of the lens's blur in a picture 1280 px wide.
    cast : (float, float, float)
        What the camera makes of grey: gains of red, green and blue.
    bodies_per_minute : float
        People who pass between camera and shelf.
    idle_hands_per_minute : float
        Hands that come over the goods and touch nothing.
    hands_hide : (float, float)
        Share of a carried item that fingers cover.
    markers : bool
        ArUco markers at the shelf's corners.
    outside_rgb : (int, int, int) | None
        Paints everything farther than ``outside_mm`` around the opening in one colour, people included: for tests that
        nothing from there is ever seen again.
    outside_mm : float
    """

    exposure_s: float = 1 / 120
    flicker: float = 0.08
    readout_s: float = 0.018
    drift: float = 0.05
    steps_per_hour: float = 6.0
    step: float = 0.25
    full_well_e: float = 4000.0
    read_noise_e: float = 12.0
    defocus_px: float = 0.7
    cast: tuple[float, float, float] = (1.03, 1.0, 0.94)
    bodies_per_minute: float = 0.5
    idle_hands_per_minute: float = 0.2
    hands_hide: tuple[float, float] = (0.1, 0.4)
    markers: bool = False
    outside_rgb: tuple[int, int, int] | None = None
    outside_mm: float = 60.0


STEADY = SceneLook(
    flicker=0.0,
    drift=0.0,
    steps_per_hour=0.0,
    read_noise_e=0.0,
    full_well_e=1e12,
    bodies_per_minute=0.0,
    idle_hands_per_minute=0.0,
)
"""Light that never changes, no noise, nobody but the acts' hands: what moves in such a picture moved on the shelf."""

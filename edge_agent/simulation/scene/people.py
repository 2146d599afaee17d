"""How people differ: skin over its whole range, sleeves of every cloth, hair, slender and broad hands."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from edge_agent.model import FloatArray
from edge_agent.simulation.scene.compositing import Colour

SKINS = ((246, 214, 190), (232, 190, 160), (214, 165, 128), (186, 132, 94), (144, 96, 66), (104, 68, 48), (70, 46, 35))
"""From the lightest to the darkest, between which skin is drawn (assumed, 2026-12)."""
HAIRS = ((36, 28, 24), (72, 50, 34), (120, 86, 52), (186, 152, 100), (150, 150, 150))
Cloth = Literal["plain", "striped", "dark", "white", "like the goods"]
CLOTHS: tuple[Cloth, ...] = ("plain", "striped", "dark", "white", "like the goods")


@dataclass(frozen=True, slots=True)
class Person:
    """One shopper's looks; lengths in mm."""

    skin: Colour
    hair: Colour
    cloth: Cloth
    sleeve: Colour
    stripe: Colour
    sleeve_share: float
    """How far down the arm the sleeve reaches: 1 is the wrist."""
    hand_mm: float
    """From the wrist to the fingertips."""
    breadth: float
    """Of hand and arm, over the ordinary."""
    left: bool
    """Which hand reaches."""


def draw_person(rng: np.random.Generator, goods: FloatArray) -> Person:
    """Return somebody; ``goods`` (n, 3) are colours of the products, for a sleeve that hides before them."""
    place = rng.uniform(0, len(SKINS) - 1)
    skin = _between(SKINS[int(place)], SKINS[min(int(place) + 1, len(SKINS) - 1)], place % 1)
    cloth = CLOTHS[int(rng.integers(len(CLOTHS)))]
    plain = tuple(int(each) for each in rng.integers(40, 215, 3))
    base = {
        "plain": plain,
        "striped": plain,
        "dark": tuple(int(each) for each in rng.integers(18, 42, 3)),
        "white": tuple(int(each) for each in rng.integers(218, 242, 3)),
        "like the goods": tuple(int(each) for each in goods[int(rng.integers(len(goods)))]),
    }[cloth]
    stripe = tuple(int(255 - 0.8 * each) for each in plain)
    return Person(
        skin=skin,
        hair=HAIRS[int(rng.integers(len(HAIRS)))],
        cloth=cloth,
        sleeve=(base[0], base[1], base[2]),
        stripe=(stripe[0], stripe[1], stripe[2]),
        sleeve_share=float(rng.uniform(0.9, 1.0) if rng.random() < 0.6 else rng.uniform(0.25, 0.9)),
        hand_mm=float(rng.uniform(160, 195)),
        breadth=float(rng.uniform(0.85, 1.2)),
        left=bool(rng.random() < 0.4),
    )


def shaded(colour: Colour, gain: float) -> Colour:
    """Return a colour brighter or darker."""
    red, green, blue = (min(max(int(gain * each), 0), 255) for each in colour)
    return red, green, blue


def _between(low: Colour, high: Colour, share: float) -> Colour:
    mixed = [int(a + share * (b - a)) for a, b in zip(low, high, strict=True)]
    return mixed[0], mixed[1], mixed[2]

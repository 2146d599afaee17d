"""A camera before the match's shelf: its scene rendered, masked, and looked at as the camera's process does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import msgspec
import numpy as np

from edge_agent.bytes_level.appearances import appearance_of
from edge_agent.bytes_level.product_pictures import chosen, products_in
from edge_agent.bytes_level.wire import START_NS
from edge_agent.config import CameraConfig, Site
from edge_agent.judging.suites import Shelf
from edge_agent.model import Message, MonotonicNs
from edge_agent.simulation.scene import Scene, SceneTrouble, packages_for
from edge_agent.simulation.world import ShelfWorld
from edge_agent.vision.eye import ShelfEye
from edge_agent.vision.frames import CameraFrame
from edge_agent.vision.geometry import ShelfView
from edge_agent.vision.mask import PrivacyMask

Trouble = Literal["blocked", "dark", "overexposed", "blurred", "frozen", "moved", "lying", "mirrored"]
TROUBLES: tuple[Trouble, ...] = get_args(Trouble)
LATENCY_S = 0.08
"""From the middle of an exposure until the frame was looked at, s: readout, transfer and vision (assumed, 2026-12)."""
TROUBLE_FROM_S = 20.0
"""A camera that goes wrong does so after this, s: it begins well, as it was commissioned."""


@dataclass(frozen=True, slots=True)
class CameraTerms:
    """What watches the shelf.

    Attributes
    ----------
    pictures : Path or None
        A folder of products, see `product_pictures`; None draws packages and leaves appearance out.
    trouble : str or None
        What goes wrong with it.
    """

    pictures: Path | None = None
    trouble: Trouble | None = None


def watched(site: Site) -> Site:
    """Return the site with a camera before its one shelf."""
    shelf_id = site.shelves[0].shelf_id
    camera = CameraConfig(shelf_id=shelf_id, driver="simulated", camera_id="camera0")
    return msgspec.structs.replace(site, agent=msgspec.structs.replace(site.agent, cameras=(camera,)))


class RenderedCamera:
    """One camera, from the scene to what the eye says.

    Parameters
    ----------
    site : Site
        As `watched` returns it.
    world : ShelfWorld
        All acts scheduled.
    shelf : Shelf
        As drawn: which SKUs look alike.
    seeds : sequence of int
        Decides products, people, light and noise.
    """

    def __init__(self, site: Site, world: ShelfWorld, shelf: Shelf, terms: CameraTerms, seeds: Sequence[int]) -> None:
        camera = site.agent.cameras[0]
        lanes = site.planogram.on_shelf(camera.shelf_id)
        skus = [lane.sku for lane in lanes]
        rng = np.random.default_rng(np.random.SeedSequence([*seeds, 79]))
        products = [] if terms.pictures is None else chosen(products_in(terms.pictures), shelf.looks, rng)
        pictures = {sku: product.iconic for sku, product in zip(skus, products, strict=False)}
        looks = {sku: int(look) for sku, look in zip(skus, shelf.looks, strict=True)}
        troubles = () if terms.trouble is None else (SceneTrouble(terms.trouble, TROUBLE_FROM_S),)
        packages = packages_for(site, camera.shelf_id, camera.opening_mm, pictures or None, looks)
        self._scene = Scene.of_world(
            world, packages, seed=int(rng.integers(2**31)), opening_mm=camera.opening_mm, troubles=troubles
        )
        width_mm = self._scene.shelf.width_mm
        size = camera.width_px, camera.height_px
        self._grey_size = camera.lores_width_px, camera.lores_height_px
        view = ShelfView(self._scene.pose.front_to_px, *size, width_mm, camera.opening_mm, "rendered")
        self._mask = PrivacyMask(view.kept(*size), view.kept(*self._grey_size))
        appearance = None
        if terms.pictures is not None:
            appearance = appearance_of(
                terms.pictures, {sku: each.name for sku, each in zip(skus, products, strict=True)}
            )
        self._eye = ShelfEye(view, lanes, camera, appearance)
        self._period_s = 1 / camera.rate_hz
        self._phase_s = float(rng.uniform(0, self._period_s))
        self._sequence = 0
        self.said: list[Message] = []

    def run(self, now_ns: int) -> list[Message]:
        """Let the camera see up to an instant; return what it says of it."""
        said: list[Message] = []
        while (t_s := self._phase_s + self._sequence * self._period_s) + LATENCY_S <= (now_ns - START_NS) * 1e-9:
            t_ns = MonotonicNs(START_NS + round(t_s * 1e9))
            grey = self._scene.grey(t_s, *self._grey_size)
            frame = CameraFrame(self._sequence, t_ns, grey, partial(self._scene.picture, t_s))
            said += self._eye.step(self._mask.apply(frame))
            self._sequence += 1
        self.said += said
        return said

"""What products look like: a picture cut out of its white ground, or a drawn package where there is none."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.config import Site
from edge_agent.simulation.errors import NoPictureError
from edge_agent.simulation.scene.drawn_packages import draw_foreign, draw_package

Rgba = npt.NDArray[np.uint8]
"""(height, width, 4), red, green and blue times alpha, and alpha."""

WHITE = 240
"""A product picture's ground is at least this bright in every colour (31 pictures of packages, 2026-12)."""
CAP_SHARE = 0.06
"""Share of a package's height that its cap takes (31 pictures of packages, 2026-12)."""
BAND_EDGES = (0.02, 0.07, 0.19, 0.4, 0.6, 0.8, 0.995)
"""A package's sides are coloured like its front in bands between these shares of its height, from the top."""
LANE_SHARE, WIDEST_MM = 0.8, 95.0
"""An item of which no size is told takes this share of its lane, and is at most so wide."""
HEADROOM_MM = 45.0
"""Between the highest package and the board above: hands need it."""


@dataclass(frozen=True, slots=True)
class Band:
    """A horizontal piece of a package: corners of its outline, px of the front, and its mean colour."""

    corners_px: tuple[tuple[float, float], ...]
    colour: tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Package:
    """One SKU's package: its front, upright, and its size."""

    front: Rgba
    size_mm: tuple[float, float, float]
    """Width, depth, height."""
    bands: tuple["Band", ...] = ()
    """Its outline and its sides' colours, from the bottom up."""


def packages_for(
    site: Site,
    shelf_id: str,
    opening_mm: float,
    pictures: Mapping[str, Path] | None = None,
    looks: Mapping[str, int] | None = None,
) -> dict[str | None, Package]:
    """Return the package of every SKU of the catalogue, and of a foreign object under None.

    Parameters
    ----------
    opening_mm : float
        Of the shelf; packages are lower.
    pictures : mapping sku → file, optional
        Pictures of single products before a white ground; the SKUs without one get a drawn package.
    looks : mapping sku → int, optional
        SKUs with the same number are variants of one product: their drawn packages differ in one stripe.

    Raises
    ------
    NoPictureError
        A file is no picture.
    """
    lanes = site.planogram.on_shelf(shelf_id)
    lane_mm = {lane.sku: lane.x_mm[1] - lane.x_mm[0] for lane in lanes}
    usual_mm = min(lane_mm.values(), default=75.0)
    tallest_mm = opening_mm - HEADROOM_MM
    packages: dict[str | None, Package] = {}
    for item in site.catalogue.items:
        file = (pictures or {}).get(item.sku)
        width_mm = item.size_mm[0] if item.size_mm else min(LANE_SHARE * lane_mm.get(item.sku, usual_mm), WIDEST_MM)
        if file is not None:
            front = cut_out(file)
        else:
            look = (looks or {}).get(item.sku)
            kind = zlib.crc32((item.sku if look is None else f"look {look}").encode())
            front = draw_package(kind, zlib.crc32(item.sku.encode()))
        height_mm = item.size_mm[2] if item.size_mm else min(width_mm * front.shape[0] / front.shape[1], tallest_mm)
        depth_mm = item.size_mm[1] if item.size_mm else min(width_mm, 70.0)
        size_mm = (width_mm, depth_mm, min(height_mm, tallest_mm))
        packages[item.sku] = Package(front, size_mm, bands_of(front))
    foreign = draw_foreign()
    packages[None] = Package(foreign, (60.0, 20.0, min(115.0, tallest_mm)), bands_of(foreign))
    return packages


def bands_of(front: Rgba) -> tuple[Band, ...]:
    """Return a package's bands, the lowest first."""
    height = front.shape[0]
    edges = [round(height * share) for share in BAND_EDGES]
    solid = front[:, :, 3] > 127
    bands = []
    for top, bottom in zip(edges[-2::-1], edges[:0:-1], strict=True):
        sides = [_extent(solid[row]) for row in (top, bottom - 1)]
        (left, right), (low_left, low_right) = sides
        corners = ((left, float(top)), (right, float(top)), (low_right, float(bottom)), (low_left, float(bottom)))
        part = front[top:bottom].reshape(-1, 4).sum(axis=0, dtype=np.float64)
        red, green, blue = (int(each) for each in part[:3] / max(part[3] / 255, 1.0))
        bands.append(Band(corners, (red, green, blue)))
    return tuple(bands)


def _extent(row: npt.NDArray[np.bool_]) -> tuple[float, float]:
    inside = np.flatnonzero(row)
    return (float(inside[0]), float(inside[-1] + 1)) if inside.size else (0.0, float(len(row)))


def pictures_from(folder: Path, skus: Sequence[str], seed: int) -> dict[str, Path]:
    """Return a picture of a folder for each SKU, drawn by ``seed`` without repetition while there are enough.

    Raises
    ------
    NoPictureError
        The folder holds no picture.
    """
    files = sorted(each for each in folder.glob("*") if each.suffix.lower() in {".jpg", ".jpeg", ".png"})
    if not files:
        raise NoPictureError(f"{folder}: no .jpg or .png in it; name a folder of product pictures")
    order = np.random.default_rng(seed).permutation(len(files))
    return {sku: files[order[place % len(files)]] for place, sku in enumerate(skus)}


def cut_out(file: Path) -> Rgba:
    """Return the product of a picture without its white ground.

    Raises
    ------
    NoPictureError
        The file is no picture, or shows nothing but white.
    """
    picture = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if picture is None:
        raise NoPictureError(f"{file}: not a picture that can be read; give a .jpg or .png")
    rgb = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    inside = _silhouette(rgb.min(axis=2) < WHITE)
    if not inside.any():
        raise NoPictureError(f"{file}: nothing but white in it; give a picture of the product")
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    cut = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    alpha = cv2.GaussianBlur(inside.astype(np.uint8) * 255, (3, 3), 0)[cut]
    return np.dstack([cv2.multiply(rgb[cut], cv2.merge([alpha] * 3), scale=1 / 255), alpha])


def _silhouette(printed: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return a package's outline, cap and body each convex: the white sides of white packages lie within it."""
    solid = cv2.morphologyEx(printed.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    rows = np.flatnonzero(solid.any(axis=1))
    if rows.size == 0:
        return np.zeros_like(printed)
    shoulder = int(rows[0] + CAP_SHARE * (rows[-1] - rows[0]))
    inside = np.zeros_like(solid)
    for part in (slice(0, shoulder + 1), slice(shoulder, None)):
        columns = np.argwhere(solid[part])[:, ::-1].astype(np.int32)
        if len(columns) > 2:
            hull = cv2.convexHull(columns) + np.array([0, part.start])
            cv2.fillConvexPoly(inside, hull.astype(np.int32), (1,))
    return inside > 0

"""Which real products stand on a drawn shelf, and their two kinds of pictures: one to be drawn, others to be enrolled.

A folder of products holds ``iconic/NAME_Iconic.jpg``, one clean picture each, and ``photos/GROUP/NAME/*.jpg``,
photographs taken in shops. The shelf is drawn with the former and its products are enrolled from the latter, so that
the eye never saw what it is shown.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from edge_agent.errors import CameraError
from edge_agent.judging.habits import IntArray

ICONIC = "_Iconic.jpg"


@dataclass(frozen=True, slots=True)
class Product:
    """One product with its pictures; products of one group (milks, juices) look alike."""

    name: str
    group: str
    iconic: Path
    photographs: tuple[Path, ...]


@cache
def products_in(folder: Path) -> tuple[Product, ...]:
    """Return the products of a folder, in the order of their names.

    Raises
    ------
    CameraError
        It holds none.
    """
    found = []
    for iconic in sorted((folder / "iconic").glob(f"*{ICONIC}")):
        name = iconic.name.removesuffix(ICONIC)
        homes = sorted((folder / "photos").glob(f"*/{name}"))
        photographs = tuple(sorted(homes[0].glob("*.jpg"))) if homes else ()
        if photographs:
            found.append(Product(name, homes[0].parent.name, iconic, photographs))
    if not found:
        raise CameraError(
            f"{folder}: no products in it; a folder of products holds iconic/NAME{ICONIC} and photos/GROUP/NAME/*.jpg"
        )
    return tuple(found)


def chosen(products: tuple[Product, ...], looks: IntArray, rng: np.random.Generator) -> list[Product]:
    """Return a product for each SKU of a shelf, each another; variants of one product are of one group if they can be.

    Parameters
    ----------
    looks : (skus,) int
        SKUs with the same number are variants of one product.

    Raises
    ------
    CameraError
        There are fewer products than SKUs.
    """
    if len(products) < len(looks):
        raise CameraError(f"{len(products)} products have pictures, the shelf sells {len(looks)}; add pictures")
    left = [products[place] for place in rng.permutation(len(products))]
    given: dict[int, Product] = {}
    # The largest families first: they need a group that has enough left.
    families = sorted(np.unique(looks).tolist(), key=lambda look: (-int(np.count_nonzero(looks == look)), look))
    for look in families:
        rows = np.flatnonzero(looks == look).tolist()
        groups = [each.group for each in left]
        fitting = [each for each in left if groups.count(each.group) >= len(rows)]
        group = fitting[0].group if fitting else left[0].group
        alike = [each for each in left if each.group == group]
        for row, product in zip(rows, [*alike, *(each for each in left if each not in alike)], strict=False):
            given[row] = product
            left.remove(product)
    return [given[row] for row in range(len(looks))]

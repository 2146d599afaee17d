"""Products enrolled once a process for all shelves that are drawn of them."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from edge_agent.bytes_level.product_pictures import products_in
from edge_agent.model import FloatArray
from edge_agent.product_photographs import read_photograph
from edge_agent.vision.appearance import AppearanceModel
from edge_agent.vision.appearance_enrolment import photograph, template_of
from edge_agent.vision.frames import ColourPicture
from edge_agent.vision.templates import SkuTemplate

PHOTOGRAPHS = 12
"""Taken of a product to enrol it, as a technician would; spread over all there are (2026-12)."""


class Renamed:
    """An appearance model of products that a shelf sells under SKUs of its own."""

    def __init__(self, model: AppearanceModel, product_of: Mapping[str, str]) -> None:
        self._model, self._product_of = model, product_of

    @property
    def calibration_id(self) -> str:
        """Return the name of what its nats were calibrated with."""
        return self._model.calibration_id

    def log_likelihood(self, picture: ColourPicture, sku_ids: Sequence[str]) -> FloatArray:
        """Return nats that a picture shows each SKU, and none of them last, (len(sku_ids) + 1,)."""
        return self._model.log_likelihood(picture, [self._product_of[sku] for sku in sku_ids])


def appearance_of(folder: Path, product_of: Mapping[str, str]) -> Renamed:
    """Return what knows a shelf's SKUs by the photographs of their products.

    Parameters
    ----------
    product_of : mapping sku → str
        The name of each SKU's product in the folder.
    """
    names = sorted(product_of.values())
    return Renamed(AppearanceModel.of_templates(_template(folder, name) for name in names), product_of)


@cache
def _template(folder: Path, name: str) -> SkuTemplate:
    product = next(each for each in products_in(folder) if each.name == name)
    step = max(len(product.photographs) / PHOTOGRAPHS, 1.0)
    chosen = [product.photographs[int(place * step)] for place in range(min(PHOTOGRAPHS, len(product.photographs)))]
    return template_of(name, [photograph(read_photograph(each)) for each in chosen])

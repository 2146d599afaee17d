"""Products enrolled once a process for all shelves that are drawn of them."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from edge_agent.bytes_level.product_pictures import products_in
from edge_agent.model import FloatArray
from edge_agent.vision.carried import AppearanceModel
from edge_agent.vision.frames import ColourPicture


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


def appearance_of(folder: Path, product_of: Mapping[str, str]) -> AppearanceModel:
    """Return what knows a shelf's SKUs by the photographs of their products."""
    return Renamed(_enrolled(folder, tuple(sorted(product_of.values()))), product_of)


@cache
def _template(folder: Path, name: str) -> object:
    raise NotImplementedError


@cache
def _enrolled(folder: Path, names: tuple[str, ...]) -> AppearanceModel:
    raise NotImplementedError

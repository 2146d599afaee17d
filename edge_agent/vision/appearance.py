"""What a picture shows, said as log-likelihoods over enrolled SKUs and none of them."""

from collections.abc import Iterable, Sequence

import numpy as np

from edge_agent.model import FloatArray
from edge_agent.vision.appearance_calibration import PHOTOGRAPHS, Calibration
from edge_agent.vision.appearance_features import features
from edge_agent.vision.appearance_scores import scores
from edge_agent.vision.frames import ColourPicture
from edge_agent.vision.templates import SkuTemplate


class AppearanceModel:
    """Knows what the enrolled SKUs look like.

    A picture need not be cut out exactly: what lies near its middle counts most, a hand in front of the product and a
    shelf behind it say little for any SKU. Turned and smaller products are known too, from about 80 px of height on.

    Parameters
    ----------
    templates : mapping of str
        By SKU.
    calibration : Calibration
    """

    def __init__(self, templates: dict[str, SkuTemplate], calibration: Calibration = PHOTOGRAPHS) -> None:
        self._templates = dict(templates)
        self._calibration = calibration

    @classmethod
    def of_templates(
        cls, templates: Iterable[SkuTemplate], calibration: Calibration = PHOTOGRAPHS
    ) -> "AppearanceModel":
        """Return a model of these templates, one a SKU."""
        return cls({each.sku: each for each in templates}, calibration)

    @property
    def calibration_id(self) -> str:
        """Return what its nats were calibrated with."""
        return self._calibration.calibration_id

    @property
    def sku_ids(self) -> tuple[str, ...]:
        """Return the enrolled SKUs in order."""
        return tuple(sorted(self._templates))

    @property
    def bytes_held(self) -> int:
        """Return the memory that the templates take."""
        held = (each.view.nbytes + each.xy_px.nbytes + each.descriptors.nbytes for each in self._templates.values())
        return sum(held)

    def log_likelihood(self, picture: ColourPicture, sku_ids: Sequence[str]) -> FloatArray:
        """Return nats that a picture shows each SKU, and none of them last, (len(sku_ids) + 1,), up to a constant.

        A SKU without a template gets the average likelihood of the answers that were weighed: nothing is known for or
        against it. Equal pictures give equal nats.

        Parameters
        ----------
        picture : (height, width, 3) uint8
            Red, green, blue, the product about its middle; black where the mask was.
        sku_ids : sequence of str
            The SKUs to weigh, each once.
        """
        known = [place for place, sku in enumerate(sku_ids) if sku in self._templates]
        weighed = self._calibration.log_likelihood(
            scores(features(picture), [self._templates[sku_ids[place]] for place in known])
        )
        nats = np.full(len(sku_ids) + 1, np.log(np.mean(np.exp(weighed))))
        nats[known] = weighed[:-1]
        nats[-1] = weighed[-1]
        return nats

"""The camera's witness: items, front and reaches in one word, and how far that word is believed.

What the camera says is a mixture of two cameras: an honest one, and one that speaks without having seen the act (moved
lanes, mixed-up templates, a picture of yesterday). Every part of the word comes as nats over what the latter would say,
so that the mixture is log(t e^w + 1 − t) with t the probability that this camera is honest (`camera_trust`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.identification.camera_front import words_on_lanes
from edge_agent.identification.camera_items import words_on_items
from edge_agent.identification.camera_reaches import words_on_reaches
from edge_agent.identification.camera_trust import CameraTrust
from edge_agent.identification.witnesses import Words, silence
from edge_agent.model import FloatArray, VisionObservation, WeightStep
from edge_agent.ports import HypothesisTable

NAME = "camera"


@dataclass(frozen=True, slots=True, eq=False)
class CameraWords(Words):
    """The testimony, and what it was before it was doubted: ``over_chance``, (hypotheses,) nats."""

    over_chance: FloatArray | None = None


class CameraWitness:
    """What the camera saw of an act.

    Parameters
    ----------
    lanes_mm : mapping shelf_id → lane_id → (left, right)
        Where the lanes are along their shelf.
    trust : CameraTrust, optional
        How far each shelf's camera is believed; as at the start if None.
    """

    name = NAME

    def __init__(
        self, lanes_mm: Mapping[str, Mapping[str, tuple[float, float]]], trust: CameraTrust | None = None
    ) -> None:
        self._lanes_mm = lanes_mm
        self._trust = trust or CameraTrust()

    def log_likelihood(
        self, hypotheses: HypothesisTable, act: WeightStep, observations: Sequence[VisionObservation]
    ) -> Words:
        """Score every hypothesis by what was seen at the act's shelf; which observations are of the act is given."""
        seen = [each for each in observations if each.shelf_id == act.shelf_id]
        parts = (
            words_on_items(hypotheses, seen),
            words_on_lanes(hypotheses, seen),
            words_on_reaches(hypotheses, seen, self._lanes_mm.get(act.shelf_id, {})),
        )
        said = [each for each in parts if each is not None]
        if not said:
            return silence(hypotheses)
        over_chance: FloatArray = np.sum(said, axis=0)
        calibrations = "+".join(sorted({each.calibration_id for each in seen if each.calibration_id}))
        honest = self._trust.honest(act.shelf_id)
        if honest == 0:  # heard, to see whether it was mended; told of nobody
            return CameraWords(np.zeros(len(hypotheses)), calibrations, silent=True, over_chance=over_chance)
        nats = np.logaddexp(np.log(honest) + over_chance, np.log1p(-honest))
        return CameraWords(nats, calibrations, over_chance=over_chance)

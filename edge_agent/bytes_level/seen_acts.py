"""What a camera's words tell the oracle: nats over its bills from the very observations that the engine got."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.bytes_level.wire import START_NS
from edge_agent.identification.camera_front import words_on_lanes
from edge_agent.identification.camera_items import words_on_items
from edge_agent.identification.camera_reaches import words_on_reaches
from edge_agent.judging.bills import Bills
from edge_agent.judging.habits import FloatArray
from edge_agent.model import BoolArray, IntArray, Message, VisionObservation
from edge_agent.simulation.truth import ActTruth

AROUND_S = 0.7
"""Hands come and leave so long around an act, s."""


@dataclass(frozen=True, slots=True, eq=False)
class BillTable:
    """The judge's bills as hypotheses: every item from the lane of its own SKU.

    See `ports.HypothesisTable`; a camera's words ask for no more than this of one.
    """

    skus: tuple[str, ...]
    sku_index: IntArray
    quantity: IntArray
    lane_ids: tuple[str, ...]
    lane_index: IntArray
    unknown: BoolArray
    channels: IntArray
    mean_g: FloatArray
    covariance_g2: FloatArray

    def __len__(self) -> int:
        """Return the number of bills."""
        return len(self.sku_index)

    @staticmethod
    def of(bills: Bills, sign: int, skus: Sequence[str], lane_ids: Sequence[str]) -> "BillTable":
        """Return the bills in one direction; ``skus`` and ``lane_ids`` in the order of their rows."""
        kinds = (bills.counts > 0).sum(axis=1).max()
        order = np.argsort(-bills.counts, axis=1, kind="stable")[:, :kinds]
        count = np.take_along_axis(bills.counts, order, axis=1)
        index = np.where(count > 0, order, -1).astype(np.int32)
        nothing = np.zeros((len(bills), 0))
        return BillTable(
            tuple(skus),
            index,
            (sign * count).astype(np.int32),
            tuple(lane_ids),
            index,
            np.zeros(len(bills), dtype=np.bool_),
            np.zeros(0, dtype=np.int32),
            nothing,
            nothing[:, :, None],
        )


def seen_during(said: Sequence[Message], truths: Sequence[ActTruth], place: int) -> list[VisionObservation]:
    """Return the observations of one act: around it and nearer to it than to its neighbours.

    A comparison of the front counts where no other act lies between its two pictures.
    """
    truth = truths[place]
    before_s = truths[place - 1].t_release_s if place else -np.inf
    after_s = truths[place + 1].t_start_s if place + 1 < len(truths) else np.inf
    begin_s = max(truth.t_start_s - AROUND_S, (before_s + truth.t_start_s) / 2)
    end_s = min(truth.t_release_s + AROUND_S, (truth.t_release_s + after_s) / 2)
    seen = []
    for each in said:
        if not isinstance(each, VisionObservation):
            continue
        from_s, until_s = ((t_ns - START_NS) * 1e-9 for t_ns in (each.t_start_ns, each.t_end_ns))
        if from_s > end_s or until_s < begin_s:
            continue
        if each.kind == "lanes" and (from_s < before_s or until_s > after_s):
            continue
        seen.append(each)
    return seen


def camera_nats(
    table: BillTable, seen: Sequence[VisionObservation], lanes_mm: Mapping[str, tuple[float, float]]
) -> FloatArray | None:
    """Return what was seen in nats over the bills, (bills,); None where nothing was."""
    parts = (
        words_on_items(table, seen),
        words_on_lanes(table, seen),
        words_on_reaches(table, seen, lanes_mm),
    )
    said = [each for each in parts if each is not None]
    nats: FloatArray | None = np.sum(said, axis=0) if said else None
    return nats

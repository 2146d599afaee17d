"""A shelf in a shop for the stories about identification: what stands where, what it weighs, how a load is felt."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from edge_agent.config import AgentConfig, BoardConfig, BrokerConfig, ChannelConfig, LimitsConfig, ShelfConfig, Site
from edge_agent.config.assortment import Catalogue, ItemConfig, LaneConfig, Planogram, gtin_check_digit
from edge_agent.identification import Identification, apply_event
from edge_agent.model import FloatArray, ItemEvent, MonotonicNs, Stock, VisionObservation, WeightStep
from edge_agent.vocabulary import Mode, StepCause

UID = "00000000000000aa"
WIDTH_MM, DEPTH_MM = 900.0, 400.0
WEIGHTS_G = {"gum": 60.0, "soup": 420.0, "oat": 1041.0, "soy": 1041.0, "nuts": 205.0, "rice": 511.0}
"""Lanes from left to right, 150 mm each; oat and soy drink weigh the same and stand side by side."""
Kind = Literal["lane_cells", "platform"]
HARDWARE: tuple[Kind, ...] = ("lane_cells", "platform")


def shelf(kind: Kind, plates: int, min_event_g: float) -> ShelfConfig:
    places = (
        [(WIDTH_MM / plates * (place + 0.5), 200.0) for place in range(plates)]
        if kind == "lane_cells"
        else [(30.0, 30.0), (870.0, 30.0), (30.0, 370.0), (870.0, 370.0)]
    )
    return ShelfConfig(
        shelf_id="shelf",
        kind=kind,
        width_mm=WIDTH_MM,
        depth_mm=DEPTH_MM,
        channels=tuple(ChannelConfig(board_uid=UID, index=i, x_mm=x, y_mm=y) for i, (x, y) in enumerate(places)),
        limits=LimitsConfig(cell_max_g=10_000, min_event_g=min_event_g),
    )


def site(
    kind: Kind,
    weights_g: Mapping[str, float] = WEIGHTS_G,
    *,
    opening: int = 8,
    spread: float = 0.005,
    plates: int = 6,
    min_event_g: float = 20.0,
) -> Site:
    """Return a shop of one shelf; its lanes divide the width evenly and are named after their SKU, in capitals."""
    lane_mm = WIDTH_MM / len(weights_g)
    lanes = tuple(
        LaneConfig(
            lane_id=sku.upper(),
            shelf_id="shelf",
            x_mm=(lane_mm * place, lane_mm * (place + 1)),
            sku=sku,
            capacity=12,
            opening_count=opening,
        )
        for place, sku in enumerate(weights_g)
    )
    items = tuple(
        ItemConfig(
            sku=sku,
            gtin=f"{i:012d}{gtin_check_digit(f'{i:012d}')}",
            name=sku,
            unit_weight_g=grams,
            unit_sigma_g=spread * grams,
        )
        for i, (sku, grams) in enumerate(weights_g.items())
    )
    agent = AgentConfig(
        schema_version=1,
        store_id="shop",
        agent_id="unit",
        state_dir="state",
        broker=BrokerConfig(host="broker"),
        boards=(BoardConfig(uid=UID, port="/dev/ttyUSB0"),),
        shelves=("shelf.toml",),
        planogram="planogram.toml",
        catalogue="catalogue.toml",
        calibration_dir="calibration",
    )
    return Site(
        agent=agent,
        shelves=(shelf(kind, plates, min_event_g),),
        planogram=Planogram(revision=3, lanes=lanes),
        catalogue=Catalogue(revision=5, items=items),
        calibrations=(),
    )


class Shopping:
    """A shelf with its agent's belief; loads are put where a shopper would, and the belief follows the events."""

    def __init__(self, kind: Kind, stock: Stock | None = None, opening: int = 8) -> None:
        self.site = site(kind, opening=opening)
        self.identification = Identification(self.site)
        self.stock: Stock = self.site.opening_stock() if stock is None else stock
        self.acts = 0

    def influence(self, x_mm: float, y_mm: float) -> FloatArray:
        """Return each channel's share of a load, from the levers of a rectangle, apart from the code under test."""
        cells = self.site.shelves[0].channels
        if self.site.shelves[0].kind == "lane_cells":
            return np.array([float(abs(cell.x_mm - x_mm) <= 75) for cell in cells])
        u, v = (x_mm - 30) / 840, (y_mm - 30) / 340
        return np.array([(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v])

    def step(
        self,
        *loads: tuple[str, float],
        cause: StepCause = StepCause.ACT,
        peak_g: float = 0.0,
        valid: list[bool] | None = None,
        sigma_g: float = 0.5,
    ) -> WeightStep:
        """Return the step of loads (lane, signed g), each 10 mm right of its lane's middle."""
        self.acts += 1
        middle_mm = {lane.lane_id: (lane.x_mm[0] + lane.x_mm[1]) / 2 for lane in self.site.planogram.lanes}
        channels = len(self.site.shelves[0].channels)
        delta_g = np.zeros(channels)
        for lane, grams in loads:
            delta_g += grams * self.influence(middle_mm[lane] + 10, 240)
        return WeightStep(
            act_id=f"act-{self.acts}",
            shelf_id="shelf",
            t_start_ns=MonotonicNs(self.acts * 1000),
            t_end_ns=MonotonicNs(self.acts * 1000 + 500),
            delta_g=delta_g,
            covariance_g2=np.eye(channels) * sigma_g**2,
            valid=np.ones(channels, dtype=np.bool_) if valid is None else np.array(valid),
            peak_g=peak_g,
            cause=cause,
        )

    def act(self, *loads: tuple[str, float], mode: Mode = Mode.SELLING) -> ItemEvent:
        event = self.resolve(self.step(*loads), mode)
        self.stock = apply_event(self.stock, event)
        self.identification.remember(event)
        return event

    def resolve(
        self, step: WeightStep, mode: Mode = Mode.SELLING, observations: Sequence[VisionObservation] = ()
    ) -> ItemEvent:
        event = self.identification.resolve(step, self.stock, mode, observations)
        assert event is not None
        return event


def bills(event: ItemEvent) -> list[dict[str, int]]:
    summed = []
    for each in event.alternatives:
        bill: dict[str, int] = {}
        for item in each.items:
            bill[item.sku] = bill.get(item.sku, 0) + item.quantity
        summed.append(bill)
    return summed

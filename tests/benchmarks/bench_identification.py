"""What one event's decision costs, with everything from prior to policy in it."""

import time
from statistics import median
from typing import Literal

import numpy as np
from bench_row import Row

from edge_agent.config import AgentConfig, BoardConfig, BrokerConfig, ChannelConfig, ShelfConfig, Site
from edge_agent.config.assortment import Catalogue, ItemConfig, LaneConfig, Planogram, gtin_check_digit
from edge_agent.identification import Identification
from edge_agent.model import FloatArray, MonotonicNs, WeightStep
from edge_agent.vocabulary import Mode

UID = "00000000000000aa"
ACTS = 200
Kind = Literal["lane_cells", "platform", "narrow_plates"]


def _site(kind: Kind, skus: int) -> Site:
    """Return a 900 mm shelf with one lane a SKU; weights 40-1,500 g, spread 1 % (a shop's range)."""
    lane_mm = 900 / skus
    plates = skus if kind == "lane_cells" else 2 * skus
    places = (
        [(30.0, 30.0), (870.0, 30.0), (30.0, 370.0), (870.0, 370.0)]
        if kind == "platform"
        else [((i + 0.5) * 900 / plates, 0.0) for i in range(plates)]
    )
    grams = np.geomspace(40, 1500, skus)
    names = [f"sku{i:02d}" for i in range(skus)]
    channels = tuple(
        ChannelConfig(board_uid=f"{place // 8:016x}", index=place % 8, x_mm=x, y_mm=y)
        for place, (x, y) in enumerate(places)
    )
    shelf = ShelfConfig(shelf_id="shelf", kind=kind, width_mm=900, depth_mm=400, channels=channels)
    lanes = tuple(
        LaneConfig(
            lane_id=name,
            shelf_id="shelf",
            x_mm=(i * lane_mm, (i + 1) * lane_mm),
            sku=name,
            capacity=10,
            opening_count=8,
        )
        for i, name in enumerate(names)
    )
    items = tuple(
        ItemConfig(
            sku=name,
            gtin=f"{i:012d}{gtin_check_digit(f'{i:012d}')}",
            name=name,
            unit_weight_g=float(grams[i]),
            unit_sigma_g=0.01 * float(grams[i]),
        )
        for i, name in enumerate(names)
    )
    agent = AgentConfig(
        schema_version=1,
        store_id="shop",
        agent_id="unit",
        state_dir="state",
        broker=BrokerConfig(host="broker"),
        boards=(BoardConfig(uid=UID, port="/dev/null"),),
        shelves=("shelf",),
        planogram="planogram",
        catalogue="catalogue",
        calibration_dir="calibration",
    )
    return Site(
        agent=agent,
        shelves=(shelf,),
        planogram=Planogram(revision=1, lanes=lanes),
        catalogue=Catalogue(revision=1, items=items),
        calibrations=(),
    )


def _takes(site: Site, seed: int) -> list[WeightStep]:
    """Return takes of one to three items from random lanes, with unit spread and 0.5 g of noise a channel."""
    rng = np.random.default_rng(seed)
    shelf = site.shelves[0]
    channels = len(shelf.channels)
    xs = np.array([channel.x_mm for channel in shelf.channels])
    takes = []
    for number in range(ACTS):
        lane = site.planogram.lanes[rng.integers(len(site.planogram.lanes))]
        item = site.catalogue.item(lane.sku)
        load_g = -rng.normal(item.unit_weight_g, item.unit_sigma_g, rng.integers(1, 4)).sum()
        delta_g = load_g * _share(shelf, xs, rng.uniform(*lane.x_mm)) + rng.normal(0, 0.5, channels)
        valid = np.ones(channels, dtype=np.bool_)
        instant = MonotonicNs(number)
        takes.append(WeightStep(f"{number}", "shelf", instant, instant, delta_g, 0.25 * np.eye(channels), valid, 0.0))
    return takes


def _share(shelf: ShelfConfig, xs: FloatArray, x_mm: float) -> FloatArray:
    """Return what part of a load every channel feels, (channels,); on narrow plates it is 60 mm wide."""
    if shelf.kind == "platform":
        u = (x_mm - 30) / 840
        corners: FloatArray = np.where(xs < 450, 1 - u, u) / 2
        return corners
    if shelf.kind == "lane_cells":
        own: FloatArray = (np.abs(xs - x_mm).argmin() == np.arange(len(xs))).astype(np.float64)
        return own
    edges = np.array(shelf.plate_edges_mm())
    edges[0], edges[-1] = -np.inf, np.inf
    under: FloatArray = np.diff(np.clip((edges - x_mm) / 60 + 0.5, 0, 1))
    return under


def _cost_ms(kind: Kind, skus: int) -> float:
    """Return the median CPU time of one decision over varied acts, ms."""
    site = _site(kind, skus)
    identification, stock, costs_s = Identification(site), site.opening_stock(), []
    for act in _takes(site, seed=1):
        started_s = time.process_time()
        identification.resolve(act, stock, Mode.SELLING)
        costs_s.append(time.process_time() - started_s)
    return 1e3 * median(costs_s)


def rows() -> list[Row]:
    """Return the cost of one event on both kinds of shelf, at 12 and at 60 SKUs."""
    cases: list[tuple[Kind, str, int, str]] = [
        ("lane_cells", "a plate a lane", 12, "≤ 2 ms"),
        ("platform", "a platform", 12, "≤ 2 ms"),
        ("narrow_plates", "narrow plates", 12, "≤ 2 ms"),
        ("lane_cells", "a plate a lane", 60, "≤ 20 ms"),
        ("platform", "a platform", 60, "≤ 20 ms"),
        ("narrow_plates", "narrow plates", 60, "≤ 20 ms"),
    ]
    return [
        Row(f"identification, {skus} SKUs on {words}", _cost_ms(kind, skus), "ms/event", goal=goal)
        for kind, words, skus, goal in cases
    ]

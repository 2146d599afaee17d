"""What would make a shelf easier to read: a swap of lanes, other hardware, a camera; each tried before it is named."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from edge_agent.advising.drawn_acts import Seeing
from edge_agent.advising.forecast import Forecast, forecast
from edge_agent.config import ChannelConfig, ShelfConfig, Site
from edge_agent.config.assortment import LaneConfig, Planogram

MOST_SWAPS = 24
"""Swaps that are tried: both products of the worst pair against the lanes farthest from the pair (2026-11)."""
SWAP_ACTS = 240
"""Acts of one try; the best is tried again with as many as the forecast had (2026-11)."""
CAMERA = Seeing(0.9)
WIDTH_TOLERANCE = 0.25
"""Lanes whose widths differ by more than this share do not take each other's goods (2026-11)."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change of plan and what is to be expected of it."""

    text: str
    forecast: Forecast


def proposals(
    site: Site,
    shelf: ShelfConfig,
    now: Forecast,
    *,
    seed: int,
    noise_g: float,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Proposal]:
    """Return changes that lessen what stays undecided, the best first; the forecasts share their shoppers.

    Parameters
    ----------
    now : Forecast
        Of the plan as it is; its number of acts is used for the proposals too.
    """
    found = [*_best_swap(site, shelf, now, seed, noise_g, progress)]
    if shelf.kind == "platform":
        progress("trying a cell per lane")
        lanes = site.planogram.on_shelf(shelf.shelf_id)
        changed = with_lane_cells(site, shelf)
        text = f"give each of the {len(lanes)} lanes a plate and a cell of its own"
        found.append(Proposal(text, forecast(changed, changed.shelves[0], acts=now.acts, seed=seed, noise_g=noise_g)))
    progress("trying a camera")
    seen = forecast(site, shelf, acts=now.acts, seed=seed, noise_g=noise_g, camera=CAMERA)
    found.append(Proposal(f"add a camera that names each item and is right {100 * CAMERA.top1:.0f} times of 100", seen))
    better = [each for each in found if each.forecast.undecided < now.undecided]
    return sorted(better, key=lambda each: each.forecast.undecided)


def with_swap(site: Site, first: LaneConfig, second: LaneConfig) -> Site:
    """Return the site with the goods of two lanes exchanged; counts go with the goods."""
    goods = {first.lane_id: second, second.lane_id: first}
    lanes = tuple(
        msgspec.structs.replace(
            lane,
            sku=goods[lane.lane_id].sku,
            capacity=goods[lane.lane_id].capacity,
            opening_count=goods[lane.lane_id].opening_count,
        )
        if lane.lane_id in goods
        else lane
        for lane in site.planogram.lanes
    )
    return msgspec.structs.replace(site, planogram=Planogram(site.planogram.revision, lanes))


def with_lane_cells(site: Site, shelf: ShelfConfig) -> Site:
    """Return the site with a shelf that has one cell in the middle of each lane, and no other shelf.

    A plate's border is halfway between two cells, so lanes of very different widths overlap their neighbours' plates.
    """
    board_uid = shelf.channels[0].board_uid
    lanes = site.planogram.on_shelf(shelf.shelf_id)
    channels = tuple(
        ChannelConfig(board_uid=board_uid, index=index, x_mm=sum(lane.x_mm) / 2) for index, lane in enumerate(lanes)
    )
    changed = msgspec.structs.replace(shelf, kind="lane_cells", channels=channels)
    planogram = Planogram(site.planogram.revision, lanes)
    return msgspec.structs.replace(site, shelves=(changed,), planogram=planogram, calibrations=())


def _best_swap(
    site: Site, shelf: ShelfConfig, now: Forecast, seed: int, noise_g: float, progress: Callable[[str], None]
) -> Iterator[Proposal]:
    if not now.neighbours:
        return
    worst = now.neighbours[0]
    tries = _swaps(site, shelf, {worst.sku, worst.other})
    if not tries:
        return
    acts = min(SWAP_ACTS, now.acts)
    base = forecast(site, shelf, acts=acts, seed=seed, noise_g=noise_g).undecided
    scored = []
    for number, (first, second) in enumerate(tries):
        progress(f"trying swaps: {number} of {len(tries)}")
        swapped = with_swap(site, first, second)
        scored.append((forecast(swapped, shelf, acts=acts, seed=seed, noise_g=noise_g).undecided, number))
    undecided, number = min(scored)
    if undecided >= base:
        return
    first, second = tries[number]
    best = forecast(with_swap(site, first, second), shelf, acts=now.acts, seed=seed, noise_g=noise_g)
    yield Proposal(f"swap lanes {first.lane_id} ({first.sku}) and {second.lane_id} ({second.sku})", best)


def _swaps(site: Site, shelf: ShelfConfig, pair: set[str]) -> list[tuple[LaneConfig, LaneConfig]]:
    lanes = site.planogram.on_shelf(shelf.shelf_id)
    movable = [lane for lane in lanes if lane.sku in pair]
    swaps = [
        (lane, other)
        for lane in movable
        for other in lanes
        if other.sku not in pair and abs(_width(lane) - _width(other)) <= WIDTH_TOLERANCE * _width(lane)
    ]
    return sorted(swaps, key=lambda each: -abs(each[0].x_mm[0] - each[1].x_mm[0]))[:MOST_SWAPS]


def _width(lane: LaneConfig) -> float:
    return lane.x_mm[1] - lane.x_mm[0]

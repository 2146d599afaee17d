"""What would make a shelf easier to read: a swap of lanes, other hardware, a camera; each tried before it is named.

What counts is how many acts a person has to review where no more errors than tolerated are billed. All plans are tried
on the same acts, so that their difference is the plan's; swaps are first sifted on acts of their own, so that the
figures shown are not those by which they were chosen.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

import msgspec

from edge_agent.advising.drawn_acts import Seeing
from edge_agent.advising.forecast import Draw, Forecast, Neighbours, forecast
from edge_agent.advising.thresholds import Standing, threshold_for
from edge_agent.config import ChannelConfig, ShelfConfig, Site
from edge_agent.config.assortment import LaneConfig, Planogram

Swap = tuple[LaneConfig, LaneConfig]

WORST_PAIRS, WORST_SHARE = 3, 0.2
"""Pairs of products that swaps try to part: so many at most, and those that leave undecided at least this share of what
the worst pair does (2026-11)."""
MOST_SWAPS = 24
"""Swaps that are sifted: products of the worst pairs against the lanes farthest from them (2026-11)."""
SIFT_ACTS = 240
"""Acts on which a swap is sifted (2026-11)."""
FINALISTS = 4
"""Swaps that are tried again on as many acts as the forecast had (2026-11)."""
CAMERA = Seeing(0.9)
WIDTH_TOLERANCE = 0.25
"""Lanes whose widths differ by more than this share do not take each other's goods (2026-11)."""
BOARD_INPUTS = 8
"""Cells that one board reads: the reference board has up to eight (docs/hardware.md)."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change of plan and what is to be expected of it.

    Attributes
    ----------
    name, text : str
        Short for a table, and in full for who is to do it.
    before, at_target : Standing
        Of the plan as it is, and of the change, each with the least ``min_confidence`` that keeps the tolerated error.
    """

    name: str
    text: str
    forecast: Forecast
    before: Standing
    at_target: Standing


def proposals(
    site: Site,
    shelf: ShelfConfig,
    now: Forecast,
    draw: Draw,
    *,
    target_wrong: float,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Proposal]:
    """Return changes that lower the reviews at the tolerated error, fewest reviews first.

    A fall within the scatter of the draw, as if the two plans had seen different shoppers, is not named.

    Parameters
    ----------
    now, draw : Forecast, Draw
        Of the plan as it is, and the acts on which it was made; the proposals see the same ones.
    target_wrong : float
        Share of all acts that may be billed wrongly.
    progress : callable, optional
        Told what is being tried.
    """
    before = threshold_for(now.confidences, target_wrong)
    found = []
    for name, text, changed, camera in _plans(site, shelf, now, draw, target_wrong, progress):
        on_shelf = next(each for each in changed.shelves if each.shelf_id == shelf.shelf_id)
        tried = forecast(changed, on_shelf, draw, camera=camera, progress=_telling(progress, name, draw))
        found.append(Proposal(name, text, tried, before, threshold_for(tried.confidences, target_wrong)))
    better = [each for each in found if _lower(each, draw.acts)]
    return sorted(better, key=lambda each: (each.at_target.reviewed, each.forecast.undecided))


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

    Its boards have `BOARD_INPUTS` inputs each. A plate ends halfway between two cells, so lanes of very different
    widths overlap their neighbours' plates.
    """
    lanes = site.planogram.on_shelf(shelf.shelf_id)
    channels = tuple(
        ChannelConfig(board_uid=f"{place // BOARD_INPUTS:016x}", index=place % BOARD_INPUTS, x_mm=sum(lane.x_mm) / 2)
        for place, lane in enumerate(lanes)
    )
    changed = msgspec.structs.replace(shelf, kind="lane_cells", channels=channels)
    planogram = Planogram(site.planogram.revision, lanes)
    return msgspec.structs.replace(site, shelves=(changed,), planogram=planogram, calibrations=())


def _plans(
    site: Site,
    shelf: ShelfConfig,
    now: Forecast,
    draw: Draw,
    target_wrong: float,
    progress: Callable[[str], None],
) -> Iterator[tuple[str, str, Site, Seeing | None]]:
    """Yield what is worth a full forecast: its name and text, the site as changed, and a camera."""
    for first, second in _sifted(site, shelf, now, draw, target_wrong, progress):
        text = f"swap lanes {first.lane_id} ({first.sku}) and {second.lane_id} ({second.sku})"
        yield f"swap {first.lane_id}, {second.lane_id}", text, with_swap(site, first, second), None
    if shelf.kind == "platform":
        changed = with_lane_cells(site, shelf)
        cells = len(changed.shelves[0].channels)
        boards = -(-cells // BOARD_INPUTS)
        whose = "the lane" if cells == 1 else f"each of the {cells} lanes"
        text = (
            f"give {whose} a plate and a cell of its own ({boards} board{'s' * (boards > 1)} of {BOARD_INPUTS} inputs)"
        )
        yield "a cell per lane", text, changed, None
    text = f"add a camera that names each item and is right {100 * CAMERA.top1:.0f} times of 100"
    yield "a camera", text, site, CAMERA


def _sifted(
    site: Site, shelf: ShelfConfig, now: Forecast, draw: Draw, target_wrong: float, progress: Callable[[str], None]
) -> list[Swap]:
    """Return the most promising swaps, by the reviews at the tolerated error on other acts than the forecast's."""
    tries = swaps(site, shelf, now.neighbours)
    sift = replace(draw, acts=min(SIFT_ACTS, draw.acts), first=draw.first + draw.acts)
    scored = []
    for number, (first, second) in enumerate(tries):
        progress(f"sifting swaps: {number} of {len(tries)}")
        tried = forecast(with_swap(site, first, second), shelf, sift)
        scored.append((threshold_for(tried.confidences, target_wrong).reviewed, tried.undecided, number))
    return [tries[number] for _, _, number in sorted(scored)[:FINALISTS]]


def swaps(site: Site, shelf: ShelfConfig, neighbours: tuple[Neighbours, ...]) -> list[Swap]:
    """Return swaps that could part the worst pairs, each once, the pairs by turns and the farthest lanes first."""
    lanes = site.planogram.on_shelf(shelf.shelf_id)
    worst = [
        each
        for each in neighbours[:WORST_PAIRS]
        if each.undecided_per_1000 >= WORST_SHARE * neighbours[0].undecided_per_1000
    ]
    by_pair = [_parting(lanes, {pair.sku, pair.other}) for pair in worst]
    by_turns = [swap for turn in zip_longest(*by_pair) for swap in turn if swap is not None]
    once = {frozenset((first.lane_id, second.lane_id)): (first, second) for first, second in reversed(by_turns)}
    return list(reversed(once.values()))[:MOST_SWAPS]


def _parting(lanes: tuple[LaneConfig, ...], pair: set[str]) -> list[Swap]:
    parting = [
        (lane, other) if lane.x_mm < other.x_mm else (other, lane)
        for lane in lanes
        for other in lanes
        if lane.sku in pair
        and other.sku not in pair
        and abs(_width(lane) - _width(other)) <= WIDTH_TOLERANCE * _width(lane)
    ]
    return sorted(parting, key=lambda swap: -abs(swap[0].x_mm[0] - swap[1].x_mm[0]))


def _lower(proposal: Proposal, acts: int) -> bool:
    before, after = acts * proposal.before.reviewed, acts * proposal.at_target.reviewed
    return before - after > math.sqrt(before + after)


def _telling(progress: Callable[[str], None], text: str, draw: Draw) -> Callable[[int], None]:
    return lambda done: progress(f"{text}: {done} of {draw.acts} acts")


def _width(lane: LaneConfig) -> float:
    return lane.x_mm[1] - lane.x_mm[0]

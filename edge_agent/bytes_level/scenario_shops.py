"""The example shop, changed where a case needs it otherwise."""

from collections.abc import Callable

import msgspec

from edge_agent.config import Site
from edge_agent.config.assortment import LaneConfig
from edge_agent.config.tree import ChannelConfig

LANE_SHELF = "ambient-lanes"
PLATES_A_LANE = 2


def half_full(site: Site) -> Site:
    """Return the shop with half of the goods that its lanes hold."""
    return _opening(site, lambda lane: max(lane.capacity // 2 - 1, 1))


def nearly_empty(site: Site) -> Site:
    """Return the shop with one item in each lane."""
    return _opening(site, lambda _: 1)


def packed(site: Site) -> Site:
    """Return the shop with all its lanes full."""
    return _opening(site, lambda lane: lane.capacity)


def narrow_plates(site: Site) -> Site:
    """Return the shop with two plates in each lane of its lane shelf, narrower than most of the goods there."""
    shelf = next(each for each in site.shelves if each.shelf_id == LANE_SHELF)
    uid = shelf.channels[0].board_uid
    pitch_mm = shelf.width_mm / (PLATES_A_LANE * len(shelf.channels))
    channels = tuple(
        ChannelConfig(uid, index, (index + 0.5) * pitch_mm, shelf.depth_mm / 2)
        for index in range(PLATES_A_LANE * len(shelf.channels))
    )
    narrow = msgspec.structs.replace(shelf, kind="narrow_plates", channels=channels)
    calibrations = []
    for each in site.calibrations:
        if each.board_uid == uid:
            known = each.channels[: len(shelf.channels)]
            more = tuple(
                msgspec.structs.replace(known[index % len(known)], index=index) for index in range(len(channels))
            )
            calibrations.append(msgspec.structs.replace(each, channels=more))
        else:
            calibrations.append(each)
    return msgspec.structs.replace(
        site,
        shelves=tuple(narrow if each is shelf else each for each in site.shelves),
        calibrations=tuple(calibrations),
    )


def _opening(site: Site, count: Callable[[LaneConfig], int]) -> Site:
    lanes = tuple(msgspec.structs.replace(lane, opening_count=count(lane)) for lane in site.planogram.lanes)
    return msgspec.structs.replace(site, planogram=msgspec.structs.replace(site.planogram, lanes=lanes))

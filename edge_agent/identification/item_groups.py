"""The building blocks of every explanation: a number of one SKU onto or off one spot, as the channels would feel it.

Moving n items of weight m (spread σ each, independent) at one unknown place of a spot with mean influence ḡ and
covariance Γ changes the channels by a load L = M·g with M = Σ mᵢ:

    E[L] = n·m·ḡ                Cov[L] = n·σ²·(ḡ ḡᵀ + Γ) + n²·m²·Γ

The n items of a group share their place: shoppers take and leave several of a kind side by side.
Something that the shelf does not sell is a load of zero mean and broad spread s at any place of the region, once for
each s of a geometric ladder: together a density over weight that falls slowly from grams to the region's limit.
"""

from dataclasses import dataclass

import numpy as np

from edge_agent.config import LimitsConfig
from edge_agent.config.assortment import ItemConfig, LaneConfig
from edge_agent.identification.observation_model import ObservationModel, Region
from edge_agent.model import BoolArray, FloatArray, IntArray

MAX_ITEMS_AT_ONCE = 40
"""Most items of one SKU moved in one act: a lane swept empty holds 6-30 in shops; bounds the table (2026-11)."""
MAX_MISPLACED_AT_ONCE = 2
"""Most items put into, or taken from, a lane that is not theirs in one act (2026-11)."""
UNKNOWN_SCALES = 6
"""Rungs of the ladder of spreads for things that the shelf does not sell: a factor of about 3 each (2026-11)."""


@dataclass(frozen=True, slots=True, eq=False)
class ItemGroups:
    """All groups of one region, as arrays over groups.

    The last row is "nothing": zero in every respect, the filler of explanations with fewer terms. The `UNKNOWN_SCALES`
    rows before it are things that the shelf does not sell.

    Attributes
    ----------
    sku, lane, spot : (groups,) int
        Rows in the shelf's SKUs and lanes and in the region's spots; −1 where there is none.
    quantity : (groups,) int
        Signed, positive onto the shelf; 0 for unknown things and for nothing.
    spot_share : (groups,)
        Share of the lane's items that stand at that spot.
    mean_g : (groups, channels)
    covariance_g2 : (groups, channels, channels)
    unknown : (groups,) bool
    row_of : (skus, spots, 2·max + 1) int
        Row of a (SKU, spot, quantity + max), −1 where that is no group.
    """

    sku: IntArray
    lane: IntArray
    spot: IntArray
    quantity: IntArray
    spot_share: FloatArray
    mean_g: FloatArray
    covariance_g2: FloatArray
    unknown: BoolArray
    row_of: IntArray

    @property
    def nothing(self) -> int:
        """Return the row of "nothing"."""
        return len(self.sku) - 1

    @property
    def first_unknown(self) -> int:
        """Return the first row of the things that the shelf does not sell."""
        return len(self.sku) - 1 - UNKNOWN_SCALES

    def row(self, sku: int, spot: int, quantity: int) -> int:
        """Return the row of a group, −1 where there is none."""
        middle = self.row_of.shape[2] // 2
        return int(self.row_of[sku, spot, quantity + middle]) if abs(quantity) <= middle else -1


def _names(
    region: Region, lanes: tuple[LaneConfig, ...], skus: tuple[str, ...]
) -> tuple[list[tuple[int, int, int]], int]:
    """Return (sku, spot, quantity) of every group and the largest quantity."""
    names = []
    largest = MAX_MISPLACED_AT_ONCE
    for spot_index, spot in enumerate(region.spots):
        lane = lanes[spot.lane_index]
        own = min(lane.capacity, MAX_ITEMS_AT_ONCE)
        largest = max(largest, own)
        for sku_index, sku in enumerate(skus):
            most = max(own, MAX_MISPLACED_AT_ONCE) if sku == lane.sku else MAX_MISPLACED_AT_ONCE
            names += [(sku_index, spot_index, sign * n) for n in range(1, most + 1) for sign in (-1, 1)]
    return names, largest


def unknown_spreads_g(limits: LimitsConfig, channels: int) -> FloatArray:
    """Return the ladder of spreads, g: from four times the least event to what the region's cells bear together."""
    return np.geomspace(
        4 * limits.min_event_g, max(limits.cell_max_g * channels, 8 * limits.min_event_g), UNKNOWN_SCALES
    )


def build_groups(model: ObservationModel, region: Region, items: tuple[ItemConfig, ...]) -> ItemGroups:
    """Return every group of a region for the given SKUs: planned lanes up to their capacity, strays up to two."""
    channels = len(region.channels)
    names, largest = _names(region, model.lanes, tuple(item.sku for item in items))
    sku, spot, quantity = np.array(names, dtype=np.int32).reshape(-1, 3).T
    row_of = np.full((len(items), len(region.spots), 2 * largest + 1), -1, dtype=np.int32)
    row_of[sku, spot, quantity + largest] = np.arange(len(names), dtype=np.int32)

    influence = np.array([each.influence for each in region.spots]).reshape(-1, channels)[spot]
    place = np.array([each.covariance for each in region.spots]).reshape(-1, channels, channels)[spot]
    for place_index, each in enumerate(region.spots):
        for item_index, item in enumerate(items):
            if item.size_mm is not None and item.sku == model.lanes[each.lane_index].sku:
                own = (spot == place_index) & (sku == item_index)
                place[own] = model.place_covariance(each.lane_index, item.size_mm[0])
    lane_of_spot = np.array([each.lane_index for each in region.spots], dtype=np.int32)
    share_of_spot = np.array([each.share for each in region.spots], dtype=np.float64)
    weight_g = np.array([item.unit_weight_g for item in items])[sku]
    sigma_g = np.array([item.unit_sigma_g for item in items])[sku]

    load_g = quantity * weight_g
    load_variance_g2 = np.abs(quantity) * sigma_g**2
    second_moment = influence[:, :, None] * influence[:, None, :] + place
    covariance = load_variance_g2[:, None, None] * second_moment + (load_g**2)[:, None, None] * place
    spreads = unknown_spreads_g(model.shelf.limits, channels)
    extra = UNKNOWN_SCALES + 1
    none = np.full(extra, -1, dtype=np.int32)
    return ItemGroups(
        sku=np.concatenate([sku, none]),
        lane=np.concatenate([lane_of_spot[spot], none]),
        spot=np.concatenate([spot, none]),
        quantity=np.concatenate([quantity, np.zeros(extra, dtype=np.int32)]),
        spot_share=np.concatenate([share_of_spot[spot], np.ones(extra)]),
        mean_g=np.concatenate([load_g[:, None] * influence, np.zeros((extra, channels))]),
        covariance_g2=np.concatenate(
            [covariance, spreads[:, None, None] ** 2 * region.everywhere, np.zeros((1, channels, channels))]
        ),
        unknown=np.concatenate([np.zeros(len(names), dtype=np.bool_), np.arange(extra) < UNKNOWN_SCALES]),
        row_of=row_of,
    )

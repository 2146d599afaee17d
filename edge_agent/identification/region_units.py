"""One item at one spot of a region, as the region's channels feel it: the units that every explanation adds up.

An item of weight m ± σ at an unknown place of a spot with mean influence ḡ and covariance Γ changes the channels by

    E[L] = m·ḡ                Cov[L] = σ²·(ḡ ḡᵀ + Γ) + m²·Γ

and each item stands at a place of its own, so that n of them have n times both. Something that the shelf does not sell
is a load of zero mean and broad spread s at any place of the region, once for each s of a geometric ladder: together a
density over weight that falls slowly from grams to the region's limit.
"""

from dataclasses import dataclass

import numpy as np

from edge_agent.config import LimitsConfig
from edge_agent.config.assortment import ItemConfig
from edge_agent.identification.observation_model import ObservationModel, Region
from edge_agent.model import BoolArray, FloatArray, IntArray

MAX_SEEN = 4
"""Sets of readable channels remembered: one while all work, one more for each way of their failing (2026-12)."""
UNKNOWN_SCALES = 6
"""Rungs of the ladder of spreads for things that the shelf does not sell: a factor of about 3 each (2026-11)."""


def unknown_spreads_g(limits: LimitsConfig, channels: int) -> FloatArray:
    """Return the ladder of spreads, g: from four times the least event to what the region's cells bear together."""
    return np.geomspace(
        4 * limits.min_event_g, max(limits.cell_max_g * channels, 8 * limits.min_event_g), UNKNOWN_SCALES
    )


@dataclass(frozen=True, slots=True, eq=False)
class SeenUnits:
    """The units on the channels that can be read: total, first moment along the shelf, and the channels themselves.

    Attributes
    ----------
    arms : (channels,)
        The first moment's levers.
    mean_g : (spots, skus + 1, channels)
    covariance_g2 : (spots, skus + 1, channels, channels)
        Of one item; SKU number ``skus`` is "none" and zero.
    first : (spots, skus + 1, 2)
        Mean of total and moment.
    second : (spots, skus + 1, 3)
        Variance of the total, covariance, variance of the moment.
    everywhere : (channels, channels)
        Of something heavy as one gram, anywhere in the region.
    middle, scatter : (channels,), (channels, channels)
        Mean and covariance of g over all spots; zero where there is none.
    """

    arms: FloatArray
    mean_g: FloatArray
    covariance_g2: FloatArray
    first: FloatArray
    second: FloatArray
    everywhere: FloatArray
    middle: FloatArray
    scatter: FloatArray

    @property
    def levers(self) -> FloatArray:
        """Return channels → (total, moment), (2, channels)."""
        return np.stack([np.ones_like(self.arms), self.arms])


class RegionUnits:
    """The units of one region.

    Parameters
    ----------
    model : ObservationModel
        The shelf.
    region : Region
        Channels and spots.
    items : tuple of ItemConfig
        The SKUs that may occur.
    """

    def __init__(self, model: ObservationModel, region: Region, items: tuple[ItemConfig, ...]) -> None:
        self.region = region
        channels, spots = len(region.channels), len(region.spots)
        self.lane: IntArray = np.array([spot.lane_index for spot in region.spots], dtype=np.int32)
        self.log_share = np.log(np.array([spot.share for spot in region.spots], dtype=np.float64))
        weight_g = np.array([item.unit_weight_g for item in items], dtype=np.float64)
        variance_g2 = np.array([item.unit_sigma_g for item in items], dtype=np.float64) ** 2
        influence = np.array([spot.influence for spot in region.spots]).reshape(spots, 1, channels)
        place = np.array([spot.covariance for spot in region.spots]).reshape(spots, 1, channels, channels)
        place = np.repeat(place, len(items), axis=1)
        for spot_index, spot in enumerate(region.spots):
            for item_index, item in enumerate(items):
                narrow = model.shelf.kind == "narrow_plates"
                if item.size_mm is not None and not narrow and item.sku == model.lanes[spot.lane_index].sku:
                    place[spot_index, item_index] = model.place_covariance(spot.lane_index, item.size_mm[0])
        self._middle, self._scatter = np.zeros(channels), np.zeros((channels, channels))
        if spots:
            self._middle = influence[:, 0].mean(axis=0)
            self._scatter = np.mean([spot.covariance for spot in region.spots], axis=0)
            self._scatter += influence[:, 0].T @ influence[:, 0] / spots - np.outer(self._middle, self._middle)
        second_moment = influence[..., :, None] * influence[..., None, :] + place
        covariance = variance_g2[:, None, None] * second_moment + weight_g[:, None, None] ** 2 * place
        self._mean_g = np.pad(weight_g[:, None] * influence, ((0, 0), (0, 1), (0, 0)))
        self._covariance_g2 = np.pad(covariance, ((0, 0), (0, 1), (0, 0), (0, 0)))
        xs = np.array([model.shelf.channels[channel].x_mm for channel in region.channels])
        self._arms = (xs - xs.mean()) / max(float(np.abs(xs - xs.mean()).max()), 1.0)
        self._seen: dict[bytes, SeenUnits] = {}
        own = np.array([[model.lanes[spot.lane_index].sku == item.sku for item in items] for spot in region.spots])
        own = own.reshape(spots, len(items))
        self.homed: BoolArray = np.append(own.any(axis=0), True)
        """(skus + 1,) Whether a lane of this region is planned for the SKU."""

    @property
    def cells(self) -> int:
        """Return how many numbers the tables hold."""
        return self._covariance_g2.size

    def on(self, seen: BoolArray) -> SeenUnits:
        """Return the units on the channels of the region that can be read, (channels,) bool."""
        key = seen.tobytes()
        if key not in self._seen:
            if len(self._seen) >= MAX_SEEN:
                self._seen.clear()
            at = np.flatnonzero(seen)
            mean, covariance = self._mean_g[:, :, at], self._covariance_g2[:, :, at[:, None], at]
            levers = np.stack([np.ones(len(at)), self._arms[at]])
            second = levers @ covariance @ levers.T
            self._seen[key] = SeenUnits(
                arms=self._arms[at],
                mean_g=mean,
                covariance_g2=covariance,
                first=mean @ levers.T,
                second=np.stack([second[..., 0, 0], second[..., 0, 1], second[..., 1, 1]], axis=-1),
                everywhere=self.region.everywhere[np.ix_(at, at)],
                middle=self._middle[at],
                scatter=self._scatter[np.ix_(at, at)],
            )
        return self._seen[key]

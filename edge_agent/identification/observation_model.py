"""One linear observation model for all shelf hardware: a load m at (x, y) adds m·g(x, y) to the channels.

g is the shelf's influence vector: the indicator of the plate under x for ``lane_cells``, bilinear in (x, y) for a
``platform`` on four corner cells. A lane does not fix where in it an item stands, so a lane is described by the
mean and the covariance of g over the places an item may have there:

- across the lane x is uniform over its width, or, for an item of known width in its own lane, over what the item
  leaves of it; along the lane y is uniform over what a pack of `PACK_DEPTH_MM` leaves of the shelf's depth (platform);
- a lane that lies over several plates is split into one spot per plate, each with its share of the lane's width;
- ``narrow_plates`` share an item by its footprint, so neighbours that changed together are looked at together.

With u = (x − x₀)/(x₁ − x₀) and v = (y − y₀)/(y₁ − y₀) a corner's influence is a(u)·b(v), a and b being linear; u and
v are independent, so E[g gᵀ] = E[a aᵀ]∘E[b bᵀ] exactly, the xy term included (∘ is the element-wise product).
"""

import itertools
from dataclasses import dataclass

import numpy as np

from edge_agent.config import ShelfConfig
from edge_agent.config.assortment import LaneConfig
from edge_agent.identification.place_search import overlaps
from edge_agent.identification.straddled_plates import FOOTPRINT_SHARE
from edge_agent.model import FloatArray, IntArray

MIN_SPOT_SHARE = 0.05
"""A plate under less than this share of a lane's width is no place for its items: planograms are drawn to a few mm,
lanes are 60 mm and wider (2026-11)."""

PACK_DEPTH_MM = 120.0
"""How deep a large pack is, mm: its middle comes no closer to the shelf's front and back edge than half of it. A pack
that hangs over the edge is not seen in shops (assumed, 2026-11)."""

MOST_PLATES = 20
"""Neighbouring narrow plates that an act may change and still be explained by goods; wider ones are reviewed: bounds
time and memory (2026-12)."""

GRID_MM = 0.5
"""Places along narrow plates that moments are taken over, mm apart (2026-11)."""

OVERHANG_MM = 10.0
"""How far an item may stand over its lane's border on either side, mm: dividers are low and bent (assumed, 2026-11)."""


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """Where an item of one lane may stand, as one region's channels feel it.

    Attributes
    ----------
    lane_index : int
        Row of the lane among the shelf's lanes, left to right.
    share : float
        Of the lane's items that stand here; a lane's spots sum to 1.
    influence : (channels,)
        Mean of g over the spot.
    covariance : (channels, channels)
        Of g over the spot; rows sum to 0 where the channels carry the whole load.
    """

    lane_index: int
    share: float
    influence: FloatArray
    covariance: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Channels that share loads with each other and with no others: a plate, or a whole platform.

    ``everywhere`` (channels, channels) is E[g gᵀ] of a thing set down anywhere in the region; ``share`` is the region's
    part of the shelf's width.
    """

    channels: IntArray
    spots: tuple[Spot, ...]
    everywhere: FloatArray
    share: float


def _uniform_moments(low: float, high: float, start: float, end: float) -> tuple[FloatArray, FloatArray]:
    """Return mean (2,) and second moment (2, 2) of (1 − u, u): place uniform in [low, high], cells at start and end."""
    span = end - start
    u = ((low + high) / 2 - start) / span
    u_variance = ((high - low) / span) ** 2 / 12
    mean = np.array([1 - u, u])
    slope = np.array([-1.0, 1.0])
    return mean, np.outer(mean, mean) + u_variance * np.outer(slope, slope)


class ObservationModel:
    """What each place on one shelf does to its channels.

    Parameters
    ----------
    shelf : ShelfConfig
        Kind of hardware and where the cells are.
    lanes : tuple of LaneConfig
        The shelf's lanes from left to right; may be empty.
    """

    def __init__(self, shelf: ShelfConfig, lanes: tuple[LaneConfig, ...]) -> None:
        self.shelf = shelf
        self.lanes = lanes
        self.channel_count = len(shelf.channels)
        self.regions: tuple[Region, ...] = ()
        """None for narrow plates: which of them share an act's loads, the act decides, see `window`."""
        if shelf.kind == "platform":
            self.regions = (self._platform_region(),)
        elif shelf.kind == "lane_cells":
            self.regions = self._plate_regions()

    def influence(self, x_mm: float, y_mm: float, width_mm: float | None = None) -> FloatArray:
        """Return g(x, y), (channels,): each channel's share of a load there; sums to 1.

        Its width counts on narrow plates alone; without one it is as wide as goods usually are.
        """
        if self.shelf.kind == "platform":
            mean, _ = self._platform_moments((x_mm, x_mm), (y_mm, y_mm))
            return mean
        edges = np.asarray(self.shelf.plate_edges_mm())
        if self.shelf.kind == "narrow_plates":
            edges[0], edges[-1] = -np.inf, np.inf
            return overlaps(np.array(x_mm), np.array(width_mm or self.usual_width_mm), edges)
        plate = int(np.clip(np.searchsorted(edges, x_mm, side="right") - 1, 0, self.channel_count - 1))
        indicator: FloatArray = np.eye(self.channel_count)[plate]
        return indicator

    def place_covariance(self, lane_index: int, item_width_mm: float) -> FloatArray:
        """Return the covariance of g for an item of known width in its own lane, in the order of its region's channels.

        A narrow lane keeps an item near its middle: the middle of the item cannot leave it, nor come closer to its
        border than half the item's width, but for `OVERHANG_MM`. On a plate the place makes no difference.
        """
        if self.shelf.kind == "lane_cells":
            return np.zeros((1, 1))
        left_mm, right_mm = self.lanes[lane_index].x_mm
        half_mm = (right_mm - left_mm) / 2
        play_mm = min(half_mm, max(half_mm - item_width_mm / 2, 0.0) + OVERHANG_MM)
        middle_mm = (left_mm + right_mm) / 2
        mean, moment = self._platform_moments((middle_mm - play_mm, middle_mm + play_mm), self.depth_range_mm())
        covariance: FloatArray = moment - np.outer(mean, mean)
        return covariance

    def push_covariance(self, load_g: FloatArray, push_mm: float) -> FloatArray:
        """Return how uncertain a standing load becomes, (channels, channels) g², by being pushed along both axes.

        First order: m²·s²·(∂g/∂x ∂g/∂xᵀ + ∂g/∂y ∂g/∂yᵀ) at the load's centre of mass. On a plate of its own cell the
        place makes no difference.

        Parameters
        ----------
        load_g : (channels,)
            The load as its channels feel it.
        push_mm : float
            Standard deviation s per axis.
        """
        mass_g = float(load_g.sum())
        if self.shelf.kind == "lane_cells" or mass_g <= 0:
            return np.zeros((self.channel_count, self.channel_count))
        x_mm = float(load_g @ [cell.x_mm for cell in self.shelf.channels]) / mass_g
        y_mm = float(load_g @ [cell.y_mm for cell in self.shelf.channels]) / mass_g
        along_x = (self.influence(x_mm + 1, y_mm) - self.influence(x_mm - 1, y_mm)) / 2
        along_y = (self.influence(x_mm, y_mm + 1) - self.influence(x_mm, y_mm - 1)) / 2
        covariance: FloatArray = (mass_g * push_mm) ** 2 * (np.outer(along_x, along_x) + np.outer(along_y, along_y))
        return covariance

    def _platform_moments(
        self, x_range_mm: tuple[float, float], y_range_mm: tuple[float, float]
    ) -> tuple[FloatArray, FloatArray]:
        """Return mean (4,) and second moment (4, 4) of g over a rectangle of places."""
        cells = self.shelf.channels
        xs = sorted({cell.x_mm for cell in cells})
        ys = sorted({cell.y_mm for cell in cells})
        along_x, along_x_moment = _uniform_moments(*x_range_mm, xs[0], xs[1])
        along_y, along_y_moment = _uniform_moments(*y_range_mm, ys[0], ys[1])
        right = np.array([int(cell.x_mm == xs[1]) for cell in cells])
        back = np.array([int(cell.y_mm == ys[1]) for cell in cells])
        mean = along_x[right] * along_y[back]
        moment = along_x_moment[np.ix_(right, right)] * along_y_moment[np.ix_(back, back)]
        return mean, moment

    def depth_range_mm(self) -> tuple[float, float]:
        """Return where along the shelf's depth an item's middle may be, mm; half the depth is left at least."""
        margin_mm = min(PACK_DEPTH_MM / 2, self.shelf.depth_mm / 4)
        return margin_mm, self.shelf.depth_mm - margin_mm

    def _platform_region(self) -> Region:
        spots = []
        for lane_index, lane in enumerate(self.lanes):
            mean, moment = self._platform_moments(lane.x_mm, self.depth_range_mm())
            spots.append(Spot(lane_index, 1.0, mean, moment - np.outer(mean, mean)))
        _, everywhere = self._platform_moments((0.0, self.shelf.width_mm), (0.0, self.shelf.depth_mm))
        return Region(np.arange(4, dtype=np.int32), tuple(spots), everywhere, 1.0)

    def window(self, plates: IntArray) -> Region:
        """Return neighbouring narrow plates, (plates,), as a region: what stands on them and on no others.

        More than `MOST_PLATES` have no spots: nothing that is sold explains them.
        """
        edges = np.asarray(self.shelf.plate_edges_mm())
        first, last = int(plates[0]), int(plates[-1])
        outer = edges.copy()
        outer[0], outer[-1] = -np.inf, np.inf

        def footprints(left_mm: float, right_mm: float, width_mm: float) -> tuple[float, FloatArray]:
            places_mm = np.arange(left_mm + GRID_MM / 2, right_mm, GRID_MM)
            low_mm = edges[first] + width_mm / 2 if first else -np.inf
            high_mm = edges[last + 1] - width_mm / 2 if last + 1 < self.channel_count else np.inf
            inside = places_mm[(places_mm >= low_mm) & (places_mm <= high_mm)]
            parts = overlaps(inside, np.full(len(inside), width_mm), outer)[:, plates]
            return len(inside) / max(len(places_mm), 1), parts

        spots = []
        for index, lane in enumerate(self.lanes if len(plates) <= MOST_PLATES else ()):
            share, parts = footprints(*lane.x_mm, FOOTPRINT_SHARE * (lane.x_mm[1] - lane.x_mm[0]))
            if share >= MIN_SPOT_SHARE:
                mean = parts.mean(axis=0)
                spots.append(Spot(index, share, mean, parts.T @ parts / len(parts) - np.outer(mean, mean)))
        share, parts = footprints(0.0, self.shelf.width_mm, self.usual_width_mm)
        everywhere = parts.T @ parts / max(len(parts), 1)
        if not share:  # A window narrower than an item: what stands there hangs over.
            everywhere = np.eye(len(plates)) / len(plates)
        return Region(plates, tuple(spots), everywhere, max(share, 1 / self.channel_count))

    @property
    def usual_width_mm(self) -> float:
        """Return how wide goods stand here, mm, where the catalogue does not tell."""
        widths = [FOOTPRINT_SHARE * (lane.x_mm[1] - lane.x_mm[0]) for lane in self.lanes]
        return float(np.mean(widths)) if widths else self.shelf.width_mm / self.channel_count

    def _plate_regions(self) -> tuple[Region, ...]:
        edges = self.shelf.plate_edges_mm()
        overlaps = np.array(
            [
                [max(0.0, min(right, lane.x_mm[1]) - max(left, lane.x_mm[0])) for lane in self.lanes]
                for left, right in itertools.pairwise(edges)
            ]
        ).reshape(self.channel_count, len(self.lanes))
        shares = overlaps / np.maximum(overlaps.sum(axis=0), 1e-9)
        shares[shares < MIN_SPOT_SHARE] = 0.0
        shares /= np.maximum(shares.sum(axis=0), 1e-9)
        regions = []
        for plate in range(self.channel_count):
            spots = tuple(
                Spot(int(lane), float(shares[plate, lane]), np.ones(1), np.zeros((1, 1)))
                for lane in np.flatnonzero(shares[plate])
            )
            width_share = (edges[plate + 1] - edges[plate]) / self.shelf.width_mm
            regions.append(Region(np.array([plate], dtype=np.int32), spots, np.ones((1, 1)), width_share))
        return tuple(regions)

"""The three kinds of shelf hardware at the ideal level: what each channel feels of a load, and its stated noise."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edge_agent.judging.acts import IdealAct
from edge_agent.judging.habits import FloatArray
from edge_agent.judging.suites import DEPTH_MM, LANES, WIDTH_MM

HardwareKind = Literal["lane_cells", "platform", "narrow_plates"]

EVENT_NOISE_G = 1.0
"""Standard deviation of one event's change of weight, of a whole platform or of one plate, g (design record on
fusion, 2026-11)."""
CELL_INSET_MM = 30.0
"""A platform's corner cells stand so far inside its edges, mm (drawings of shelf plates, 2026-11)."""
NARROW_PLATES = 24
"""Plates of 37.5 mm side by side, two to a lane (half a lane, assumed, 2026-11)."""
FOOTPRINT_MM = 60.0
"""Width of every item's uniform contact with narrow plates: 0.8 of its lane, so that it stands on two or three of them
(assumed, 2026-11)."""


@dataclass(frozen=True, slots=True, eq=False)
class Hardware:
    """Cells under one shelf.

    Attributes
    ----------
    x_mm, y_mm : (channels,)
        Where they stand.
    covariance_g2 : (channels, channels)
        Σ of one event's changes, known to every contestant.
    """

    kind: HardwareKind
    x_mm: FloatArray
    y_mm: FloatArray
    covariance_g2: FloatArray

    def shares(self, x_mm: float, y_mm: float, lane: int) -> FloatArray:
        """Return what part of a load each channel feels, (channels,).

        A lane's plate carries what stands in the lane, wherever its middle is; on the platform the corner cells share
        a load by the levers of a rectangle; narrow plates carry what of an item's footprint lies over them.
        """
        if self.kind == "narrow_plates":
            return overlaps(np.array(on_the_shelf(x_mm)), plate_edges_mm())
        if self.kind == "lane_cells":
            own: FloatArray = (np.arange(len(self.x_mm)) == lane).astype(np.float64)
            return own
        u = (x_mm - self.x_mm[0]) / (self.x_mm[1] - self.x_mm[0])
        v = (y_mm - self.y_mm[0]) / (self.y_mm[2] - self.y_mm[0])
        return np.array([(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v])

    def weigh(self, act: IdealAct, rng: np.random.Generator) -> FloatArray:
        """Return the change of every channel, (channels,) g, with noise of the stated covariance."""
        delta_g = np.zeros(len(self.x_mm))
        for item in act.items:
            delta_g += act.sign * item.mass_g * self.shares(item.x_mm, item.y_mm, item.lane)
        root = np.linalg.cholesky(self.covariance_g2)
        noisy: FloatArray = delta_g + root @ rng.standard_normal(len(delta_g))
        return noisy


def plate_edges_mm() -> FloatArray:
    """Return where the narrow plates begin and end, (plates + 1,) mm."""
    edges: FloatArray = np.linspace(0.0, WIDTH_MM, NARROW_PLATES + 1)
    return edges


def on_the_shelf(x_mm: float) -> float:
    """Return where an item stands whose footprint would hang over an end: as far inside as it would have been outside.

    Turned back rather than stopped at the edge, so that the places have a density everywhere.
    """
    half = FOOTPRINT_MM / 2
    x_mm = half + abs(x_mm - half)
    far = WIDTH_MM - half
    return far - abs(far - x_mm)


def overlaps(x_mm: FloatArray, edges_mm: FloatArray) -> FloatArray:
    """Return what part of a footprint lies over each plate, (..., plates) for middles (...) and edges (plates + 1,)."""
    before = np.clip((edges_mm - x_mm[..., None]) / FOOTPRINT_MM + 0.5, 0.0, 1.0)
    parts: FloatArray = np.diff(before, axis=-1)
    return parts


def _narrow_plates() -> Hardware:
    edges = plate_edges_mm()
    x_mm: FloatArray = (edges[1:] + edges[:-1]) / 2
    y_mm = np.full(NARROW_PLATES, DEPTH_MM / 2, dtype=np.float64)
    return Hardware("narrow_plates", x_mm, y_mm, np.eye(NARROW_PLATES) * EVENT_NOISE_G**2)


def _lane_cells() -> Hardware:
    lane_mm = WIDTH_MM / LANES
    x_mm: FloatArray = (np.arange(LANES, dtype=np.float64) + 0.5) * lane_mm
    return Hardware(
        "lane_cells", x_mm, np.full(LANES, DEPTH_MM / 2, dtype=np.float64), np.eye(LANES) * EVENT_NOISE_G**2
    )


def _platform() -> Hardware:
    left, right = CELL_INSET_MM, WIDTH_MM - CELL_INSET_MM
    front, back = CELL_INSET_MM, DEPTH_MM - CELL_INSET_MM
    x_mm, y_mm = np.array([left, right, left, right]), np.array([front, front, back, back])
    return Hardware("platform", x_mm, y_mm, np.eye(4) * EVENT_NOISE_G**2 / 4)


HARDWARE: Mapping[HardwareKind, Hardware] = {
    "lane_cells": _lane_cells(),
    "platform": _platform(),
    "narrow_plates": _narrow_plates(),
}

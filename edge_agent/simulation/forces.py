"""What pushes on a shelf over time: resting loads that come and go, and hands."""

import bisect
import threading
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from edge_agent.model import FloatArray

FOLD_AFTER_S = 10.0
"""A load that arrived this long ago is part of the base; no source lags behind another by more (2026-11)."""


class Force(Protocol):
    """Anything that pushes on a shelf between two instants; what stays afterwards is a `LoadRamp`."""

    @property
    def t_start_s(self) -> float:
        """World time at which it begins."""

    @property
    def t_end_s(self) -> float:
        """World time from which it changes no more."""

    def force_g(self, t_s: FloatArray) -> FloatArray:
        """Return the force at instants ``t_s`` (n,), (n, channels)."""


@dataclass(frozen=True, slots=True, eq=False)
class LoadRamp:
    """A load, (channels,) g, that comes onto the cells (or off them, negative) between two instants and stays."""

    t_start_s: float
    t_end_s: float
    load_g: FloatArray

    def force_g(self, t_s: FloatArray) -> FloatArray:
        """Return the force at instants ``t_s`` (n,), (n, channels)."""
        progress = np.clip((t_s - self.t_start_s) / (self.t_end_s - self.t_start_s), 0.0, 1.0)
        return np.asarray(progress[:, None] * self.load_g)


@dataclass(frozen=True, slots=True, eq=False)
class HandForce:
    """A hand at one place: its force through evenly spaced ``knots_g``, zero before and after.

    ``shares`` (channels,) divides it over the cells.
    """

    t_start_s: float
    t_end_s: float
    knots_g: FloatArray
    shares: FloatArray

    def force_g(self, t_s: FloatArray) -> FloatArray:
        """Return the force at instants ``t_s`` (n,), (n, channels)."""
        at = np.linspace(self.t_start_s, self.t_end_s, len(self.knots_g))
        return np.asarray(np.interp(t_s, at, self.knots_g, left=0.0, right=0.0)[:, None] * self.shares)


@dataclass(frozen=True, slots=True, eq=False)
class Vibration:
    """A tone that shakes a shelf with its goods: ``amplitude_g`` (channels,) on each cell, faded in and out."""

    t_start_s: float
    t_end_s: float
    frequency_hz: float
    amplitude_g: FloatArray
    fade_s: float = 1.0

    def force_g(self, t_s: FloatArray) -> FloatArray:
        """Return the force at instants ``t_s`` (n,), (n, channels)."""
        loud = np.clip(np.minimum(t_s - self.t_start_s, self.t_end_s - t_s) / self.fade_s, 0.0, 1.0)
        tone = loud * np.sin(2 * np.pi * self.frequency_hz * (t_s - self.t_start_s))
        return np.asarray(tone[:, None] * self.amplitude_g)


class ForceTimeline:
    """All forces on one shelf, (channels,), over time; safe to add to while sources read it."""

    def __init__(self, base_g: FloatArray) -> None:
        self._base_g = base_g.copy()
        self._waiting: list[Force] = []
        self._starts_s: list[float] = []
        self._lock = threading.Lock()

    def add(self, force: Force) -> None:
        """Schedule a force; it must not begin before instants that were already read."""
        with self._lock:
            place = bisect.bisect(self._starts_s, force.t_start_s)
            self._starts_s.insert(place, force.t_start_s)
            self._waiting.insert(place, force)

    def force_g(self, t_s: FloatArray) -> FloatArray:
        """Return the total force at rising instants ``t_s`` (n,), (n, channels)."""
        with self._lock:
            self._fold(t_s[0] - FOLD_AFTER_S)
            active = self._waiting[: bisect.bisect(self._starts_s, t_s[-1])]
            total_g = np.tile(self._base_g, (len(t_s), 1))
        for force in active:
            total_g += force.force_g(t_s)
        return total_g

    def _fold(self, before_s: float) -> None:
        while self._waiting and self._waiting[0].t_end_s < before_s:
            ended = self._waiting.pop(0)
            self._starts_s.pop(0)
            if isinstance(ended, LoadRamp):
                self._base_g = self._base_g + ended.load_g

"""A bench for the estimation tests: plates that ring, hands that press, cells with noise, boards with clocks.

Small and independent of edge_agent.simulation: a load trajectory per cell in grams, through a second-order plate,
plus white noise, rounded to counts.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from edge_agent.config import BoardCalibration, ChannelCalibration, ChannelConfig, LimitsConfig, ShelfConfig
from edge_agent.estimation import Estimation, Finding
from edge_agent.model import (
    AdcSamples,
    BoardUid,
    BoardUp,
    FloatArray,
    HealthTransition,
    IntArray,
    MonotonicNs,
    TimePassed,
    WeightStep,
)
from edge_agent.vocabulary import StepCause

A = "00000000000000aa"
B = "00000000000000bb"
COUNTS_PER_G = 420.0
ZERO = 51_000
START_NS = 1_000_000_000
PHYSICS_HZ = 640.0
"""Least rate at which plates are computed: a plate of 40 Hz stays stable and true."""


def lanes(count: int, *, boards: tuple[str, ...] = (A,), min_event_g: float = 5.0, shelf_id: str = "s1") -> ShelfConfig:
    """A shelf of lane cells; with two boards the lanes are dealt out evenly, left half to the first."""
    per_board = count // len(boards)
    return ShelfConfig(
        shelf_id=shelf_id,
        kind="lane_cells",
        width_mm=100 * count,
        depth_mm=400,
        channels=tuple(
            ChannelConfig(
                board_uid=boards[place // per_board], index=place % per_board, x_mm=100 * place + 50, y_mm=200
            )
            for place in range(count)
        ),
        limits=LimitsConfig(min_event_g=min_event_g),
    )


CORNERS = ((20.0, 20.0), (880.0, 20.0), (880.0, 380.0), (20.0, 380.0))


def platform(*, min_event_g: float = 5.0, shelf_id: str = "p1", cell_max_g: float = 5000.0) -> ShelfConfig:
    """A plate of 900 × 400 mm on four cells of board A, listed round the corners."""
    return ShelfConfig(
        shelf_id=shelf_id,
        kind="platform",
        width_mm=900,
        depth_mm=400,
        channels=tuple(ChannelConfig(board_uid=A, index=index, x_mm=x, y_mm=y) for index, (x, y) in enumerate(CORNERS)),
        limits=LimitsConfig(min_event_g=min_event_g, cell_max_g=cell_max_g),
    )


def corner_shares(x_mm: float, y_mm: float) -> FloatArray:
    """How a load at a place of the platform divides over its corners: bilinear."""
    across, along = (x_mm - 20) / 860, (y_mm - 20) / 360
    return np.array(
        [(1 - across) * (1 - along), across * (1 - along), across * along, (1 - across) * along], dtype=np.float64
    )


def calibration(uid: str = A, channels: int = 8, noise_g: float | None = None) -> BoardCalibration:
    return BoardCalibration(
        board_uid=uid,
        revision=1,
        channels=tuple(
            ChannelCalibration(index=index, zero_counts=ZERO, counts_per_g=COUNTS_PER_G, noise_g=noise_g)
            for index in range(channels)
        ),
    )


@dataclass
class Scene:
    """What lies on the cells of one board over time, g, and what hands do to them."""

    cells: int
    seconds: float
    rate_hz: float = 80.0
    seed: int = 7
    noise_g: float = 0.15
    start_s: float = 0.0
    ringing_hz: float = 18.0
    damping: float = 0.04
    loads_g: FloatArray = field(init=False)
    t_s: FloatArray = field(init=False)
    fine: int = field(init=False)
    edits: list[Callable[[IntArray], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        rows = round(self.seconds * self.rate_hz)
        self.fine = max(1, math.ceil(PHYSICS_HZ / self.rate_hz))
        self.t_s = np.arange(rows * self.fine) / (self.rate_hz * self.fine)
        self.loads_g = np.zeros((rows * self.fine, self.cells))

    def resting(self, mass_g: float) -> "Scene":
        self.loads_g += mass_g
        return self

    def change(self, at_s: float, shares: FloatArray, mass_g: float, *, press_g: float = 400.0) -> "Scene":
        """Take or put at ``at_s``: a hand presses for half a second around the moment the load changes."""
        self.loads_g += np.outer(np.clip((self.t_s - at_s) / 0.05, 0, 1), shares) * mass_g
        return self.press(at_s - 0.3, shares, press_g, 0.6)

    def lane(self, at_s: float, lane: int, mass_g: float, *, press_g: float = 400.0) -> "Scene":
        return self.change(at_s, np.eye(self.cells)[lane], mass_g, press_g=press_g)

    def press(self, at_s: float, shares: FloatArray, force_g: float, seconds: float) -> "Scene":
        """A hand: a half sine with tremor on it."""
        phase = np.clip((self.t_s - at_s) / seconds, 0, 1)
        tremor = 1 + 0.1 * np.sin(2 * np.pi * (9 * self.t_s + self.random.random()))
        self.loads_g += np.outer(np.sin(np.pi * phase) * tremor * force_g, shares)
        return self

    def ramp(self, from_s: float, to_s: float, shares: FloatArray, mass_g: float) -> "Scene":
        self.loads_g += np.outer(np.clip((self.t_s - from_s) / (to_s - from_s), 0, 1), shares) * mass_g
        return self

    def counts(self) -> tuple[np.ndarray, IntArray]:
        """Rows as the board reads them: instants in host ns and counts."""
        response = _through_plate(self.loads_g, self.rate_hz * self.fine, self.ringing_hz, self.damping)
        grams = response[:: self.fine] + self.random.normal(0, self.noise_g, (len(response) // self.fine, self.cells))
        t_ns = START_NS + np.round((self.start_s + self.t_s[:: self.fine]) * 1e9).astype(np.int64)
        counts = np.clip(np.round(ZERO + grams * COUNTS_PER_G), -(2**23), 2**23 - 1).astype(np.int32)
        for edit in self.edits:
            edit(counts)
        return t_ns, counts


def _through_plate(loads_g: FloatArray, rate_hz: float, ringing_hz: float, damping: float) -> FloatArray:
    """Second-order response of each plate by the semi-implicit Euler rule; 0 Hz is a rigid plate."""
    if not ringing_hz:
        return loads_g
    omega = 2 * np.pi * ringing_hz
    step = 1.0 / rate_hz
    position, speed = loads_g[0].copy(), np.zeros(loads_g.shape[1])
    response = np.empty_like(loads_g)
    for row, load in enumerate(loads_g):
        speed += step * (omega * omega * (load - position) - 2 * damping * omega * speed)
        position += step * speed
        response[row] = position
    return response


@dataclass
class Told:
    """Everything an estimation said."""

    findings: list[Finding]

    @property
    def finals(self) -> list[WeightStep]:
        return [each for each in self.findings if isinstance(each, WeightStep) and each.final]

    @property
    def provisionals(self) -> list[WeightStep]:
        return [each for each in self.findings if isinstance(each, WeightStep) and not each.final]

    @property
    def acts(self) -> list[WeightStep]:
        return [each for each in self.finals if each.cause is StepCause.ACT]

    @property
    def health(self) -> list[tuple[str, str, bool]]:
        return [(each.subject, each.code, each.raised) for each in self.findings if isinstance(each, HealthTransition)]


def board_up(uid: str = A, *, channels: int = 8, rate_hz: float = 80.0, t_s: float = 0.0, boot: int = 1) -> BoardUp:
    return BoardUp(MonotonicNs(START_NS + round(t_s * 1e9) - 1), BoardUid(uid), channels, rate_hz, 128, boot, "test")


def samples(t_ns: np.ndarray, counts: IntArray, uid: str = A, flags: np.ndarray | None = None) -> AdcSamples:
    if flags is None:
        flags = np.zeros(counts.shape, dtype=np.uint8)
    return AdcSamples(BoardUid(uid), 0, t_ns, counts, flags)


def play(estimation: Estimation, scenes: dict[str, Scene], *, rows: int = 1, announce: bool = True) -> Told:
    """Play scenes, one a board, interleaved in time order, ``rows`` at a time."""
    findings: list[Finding] = []
    blocks: list[tuple[int, AdcSamples]] = []
    for uid, scene in scenes.items():
        t_ns, counts = scene.counts()
        if announce:
            findings += estimation.step(board_up(uid, channels=scene.cells, rate_hz=scene.rate_hz, t_s=scene.start_s))
        for start in range(0, t_ns.size, rows):
            piece = slice(start, start + rows)
            blocks.append((int(t_ns[piece][-1]), samples(t_ns[piece], counts[piece], uid)))
    for _, block in sorted(blocks, key=lambda each: each[0]):
        findings += estimation.step(block)
    if blocks:
        findings += estimation.step(TimePassed(MonotonicNs(max(t for t, _ in blocks) + 200_000_000)))
    return Told(findings)

"""A drawn shelf as a shop that the simulation can stock and the engine can be configured for."""

from dataclasses import replace

import msgspec
import numpy as np

from edge_agent.config import BoardCalibration, BoardConfig, ChannelCalibration, LimitsConfig, Site
from edge_agent.config.tree import PolicyConfig
from edge_agent.judging.hardware import HARDWARE, Hardware, HardwareKind
from edge_agent.judging.suites import LANES, Shelf
from edge_agent.scoring_engine import site_of
from edge_agent.simulation.hardware import FULL_SCALE_COUNTS, BoardPhysics
from edge_agent.simulation.plate import RingingMode
from edge_agent.simulation.world import Air

BOARD_INPUTS = 6
"""Cells on one board of a shelf with a cell per lane."""
OPENING = {"lane_cells": 6, "platform": 4}
"""Items a lane at the start, fewer of the heavy ones: see `opening_count`."""
CAPACITY_G = {"lane_cells": 10_000.0, "platform": 20_000.0}
MIN_EVENT_G = {"lane_cells": 10.0, "platform": 20.0}
FULL_SHARE = 0.9
"""Share of the cells' capacity that the opening stock may take: an overloaded cell is blank, and what it bears is
nobody's to tell (2026-11)."""
LANE_CAPACITY = 12
GLITCHES = 0.005
"""Share of readings that are read wrong: between the quiet recordings' best and worst cell (2026-11)."""
AIR = Air(mean_c=21.0, swing_c=1.5, period_s=1200.0)
"""A shop's air in twenty minutes (assumed, 2026-11)."""


def shop_of(shelf: Shelf, hardware: Hardware, policy: PolicyConfig) -> Site:
    """Return the configuration of a shop whose only shelf is this one, with calibrated boards."""
    site = site_of(shelf, hardware, policy)
    kind = hardware.kind
    uids = [f"{0xAA + index // BOARD_INPUTS:016x}" for index in range(len(hardware.x_mm))]
    inputs = [index % BOARD_INPUTS for index in range(len(uids))]
    channels = tuple(
        msgspec.structs.replace(channel, board_uid=uid, index=at)
        for channel, uid, at in zip(site.shelves[0].channels, uids, inputs, strict=True)
    )
    limits = LimitsConfig(cell_max_g=CAPACITY_G[kind], min_event_g=MIN_EVENT_G[kind])
    boards = tuple(dict.fromkeys(uids))
    calibrations = tuple(
        BoardCalibration(
            board_uid=uid,
            revision=1,
            channels=tuple(
                ChannelCalibration(index=at, zero_counts=1000.0 * at, counts_per_g=FULL_SCALE_COUNTS / CAPACITY_G[kind])
                for own, at in zip(uids, inputs, strict=True)
                if own == uid
            ),
        )
        for uid in boards
    )
    lanes = tuple(
        msgspec.structs.replace(lane, capacity=LANE_CAPACITY, opening_count=opening_count(kind, weight_g))
        for lane, weight_g in zip(site.planogram.lanes, shelf.weight_g.tolist(), strict=True)
    )
    return msgspec.structs.replace(
        site,
        agent=msgspec.structs.replace(
            site.agent, boards=tuple(BoardConfig(uid=uid, port=f"/dev/{uid}") for uid in boards)
        ),
        shelves=(msgspec.structs.replace(site.shelves[0], channels=channels, limits=limits),),
        planogram=msgspec.structs.replace(site.planogram, lanes=lanes),
        calibrations=calibrations,
    )


def opening_count(kind: HardwareKind, weight_g: float) -> int:
    """Return how many items of a weight stand in a lane at the start: its share of the cells bears them."""
    bears_g = FULL_SHARE * CAPACITY_G[kind] * len(HARDWARE[kind].x_mm) / LANES
    return min(OPENING[kind], int(bears_g / weight_g))


def draw_physics(rng: np.random.Generator, glitch_rate: float = GLITCHES) -> BoardPhysics:
    """Return a shelf's mounting: half stiff, a third on flexible brackets, the rest with two modes.

    Frequencies and dampings as the design record on calibration states them (2026-11).
    """
    kind = rng.random()
    damping = float(rng.uniform(0.02, 0.06))
    modes: tuple[RingingMode, ...]
    if kind < 0.5:
        modes = (RingingMode(float(rng.uniform(37, 64)), damping),)
    elif kind < 0.8:
        modes = (RingingMode(float(rng.uniform(8, 25)), damping),)
    else:
        share = float(rng.uniform(0.5, 0.9))
        modes = (
            RingingMode(float(rng.uniform(8, 15)), damping, share),
            RingingMode(float(rng.uniform(18, 40)), float(rng.uniform(0.02, 0.06)), 1 - share),
        )
    return replace(BoardPhysics(), glitch_rate=glitch_rate, lane_modes=modes, platform_modes=modes)

"""A drawn shelf as a shop that the simulation can stock and the engine can be configured for."""

from dataclasses import replace

import msgspec
import numpy as np

from edge_agent.config import BoardCalibration, BoardConfig, ChannelCalibration, LimitsConfig, Site
from edge_agent.config.tree import PolicyConfig
from edge_agent.judging.hardware import FOOTPRINT_MM, HARDWARE, Hardware, HardwareKind
from edge_agent.judging.suites import LANES, Shelf
from edge_agent.scoring_engine import site_of
from edge_agent.simulation.cell import CellPhysics
from edge_agent.simulation.hands import Hands
from edge_agent.simulation.hardware import FULL_SCALE_COUNTS, BoardPhysics
from edge_agent.simulation.plate import RingingMode
from edge_agent.simulation.world import Air, ShelfWorld

BOARD_INPUTS = {"lane_cells": 6, "platform": 4, "narrow_plates": 8}
"""Cells on one board."""
OPENING = {"lane_cells": 6, "platform": 4, "narrow_plates": 6}
"""Items a lane at the start, fewer of the heavy ones: see `opening_count`."""
CAPACITY_G = {"lane_cells": 10_000.0, "platform": 20_000.0, "narrow_plates": 10_000.0}
EXAMPLE_CELL_G = 5_000.0
"""The smaller cells of the example shop, where the named cases play."""
MIN_EVENT_G = {"lane_cells": 10.0, "platform": 20.0, "narrow_plates": 10.0}
FULL_SHARE = 0.9
"""Share of the cells' capacity that the opening stock may take: an overloaded cell is blank, and what it bears is
nobody's to tell (2026-11)."""
LANE_CAPACITY = 12
GLITCHES, GLITCH_SPREAD, GLITCH_PAIRS = 0.0115, 1.5, 0.08
"""Share of readings that are read wrong, how boards differ in it, and how often the next one is wrong too. Nearly half
are too small to see, so that 0.4-0.95 % show; recorded are 0.54-0.81 %, of their runs up to 15 % longer (2026-12)."""
HYSTERESIS = 5e-4
"""As inexpensive cells' data sheets state it; the best ones of a lot have 0.4 of it (2026-12)."""
MAINS_SHARE = 1.5e-5
"""The mains' peak over capacity at most: 0.15 g of 10 kg, 0.3 g of 20 kg (assumed, 2026-12)."""
HANDS = Hands(slow_lift_share=0.15, slow_landing_share=0.5, long_press_share=0.5)
"""Half of what is put is set down by hand within 0.1-1 s (a pot of 3.4 kg: 0.4-0.7 s from a tenth to nine tenths),
half of the pushes are held for 0.6-6 s (there 2.7-3.8 s); that one lift in seven takes 0.3-1 s is assumed (2026-12)."""
AIR = Air(mean_c=21.0, swing_c=1.5, period_s=1200.0)
"""A shop's air in twenty minutes (assumed, 2026-11)."""


def shop_of(shelf: Shelf, hardware: Hardware, policy: PolicyConfig) -> Site:
    """Return the configuration of a shop whose only shelf is this one, with calibrated boards."""
    site = site_of(shelf, hardware, policy)
    kind = hardware.kind
    width = BOARD_INPUTS[kind]
    uids = [f"{0xAA + index // width:016x}" for index in range(len(hardware.x_mm))]
    inputs = [index % width for index in range(len(uids))]
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


def world_of(site: Site, seed: int) -> ShelfWorld:
    """Return a shop in physics, stocked as the judge's shelves are."""
    straddling = site.shelves[0].kind == "narrow_plates"
    return ShelfWorld(site, seed, air=AIR, hands=HANDS, footprint_mm=FOOTPRINT_MM if straddling else 0.0)


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
    return replace(
        BoardPhysics(),
        glitch_rate=glitch_rate,
        glitch_spread=GLITCH_SPREAD,
        glitch_pairs=GLITCH_PAIRS,
        mains_share=MAINS_SHARE,
        lane_modes=modes,
        platform_modes=modes,
        cells={each: CellPhysics(each, hysteresis=HYSTERESIS) for each in {*CAPACITY_G.values(), EXAMPLE_CELL_G}},
    )

"""A match at the level of bytes: shelves visited one after the other, what happened beside what was said."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from edge_agent.bytes_level.beside import Beside, stand_beside
from edge_agent.bytes_level.ideal import felt_habits
from edge_agent.bytes_level.line import START_NS, run
from edge_agent.bytes_level.occasions import occasions
from edge_agent.bytes_level.rendered_camera import CameraTerms, RenderedCamera, watched
from edge_agent.bytes_level.shop import draw_physics, shop_of, world_of
from edge_agent.bytes_level.shopper import visit
from edge_agent.config.tree import PolicyConfig
from edge_agent.judging.habits import Habits
from edge_agent.judging.hardware import HARDWARE, HardwareKind
from edge_agent.judging.suites import draw_shelf
from edge_agent.model import Decision, ItemEvent, Provisional
from edge_agent.processes import worker_pool
from edge_agent.simulation.scoreboard import Heard, Scored, score

ACTS_A_SHELF: dict[HardwareKind, int] = {"lane_cells": 25, "platform": 16, "narrow_plates": 25}
"""Acts before the next shelf: fewer than its goods allow."""
AFTER_S = 5.0


@dataclass(frozen=True, slots=True)
class BytesTerms:
    """What a match is played on."""

    suite: str
    hardware: HardwareKind
    acts: int
    seed: int
    habits: Habits
    policy: PolicyConfig
    camera: CameraTerms | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """One act with what was said of it, when an early word came, s after the release, and who else was asked.

    Acts that overlap are one here: see `occasions`. ``beside`` is None where nothing was moved, or in both directions.
    """

    scored: Scored
    early_s: float | None
    beside: Beside | None = None


@dataclass(frozen=True, slots=True)
class BytesPlayed:
    """A match played: every act in order, and the events that belong to none."""

    terms: BytesTerms
    told: tuple[Told, ...]
    invented: tuple[ItemEvent, ...]


def play_bytes(terms: BytesTerms, progress: Callable[[int], None] = lambda _: None, jobs: int = 1) -> BytesPlayed:
    """Play shelves until there are acts enough; what comes of it is the same however many processes share it."""
    each = ACTS_A_SHELF[terms.hardware]
    numbers = range(-(-terms.acts // each))
    shelves: list[tuple[tuple[Told, ...], tuple[ItemEvent, ...]]] = []
    if jobs == 1:
        for number in numbers:
            shelves.append(play_shelf(terms, number))
            progress(min((number + 1) * each, terms.acts))
    else:
        with worker_pool(jobs) as pool:
            for number, shelf in enumerate(pool.map(partial(play_shelf, terms), numbers)):
                shelves.append(shelf)
                progress(min((number + 1) * each, terms.acts))
    told = tuple(act for acts, _ in shelves for act in acts)
    return BytesPlayed(terms, told, tuple(event for _, events in shelves for event in events))


def play_shelf(terms: BytesTerms, number: int) -> tuple[tuple[Told, ...], tuple[ItemEvent, ...]]:
    """Return one shelf's acts as they were told, and what was invented there."""
    shelf = draw_shelf(terms.suite, terms.seed, number)
    site = shop_of(shelf, HARDWARE[terms.hardware], terms.policy)
    rng = np.random.default_rng(np.random.SeedSequence([terms.seed, number, 5]))
    world = world_of(site, int(rng.integers(2**31)))
    acts = min(ACTS_A_SHELF[terms.hardware], terms.acts - number * ACTS_A_SHELF[terms.hardware])
    physics = draw_physics(rng)
    truths = visit(world, terms.habits, rng, acts)
    cameras = []
    if terms.camera is not None:
        site = watched(site)
        cameras.append(RenderedCamera(site, world, shelf, terms.camera, (terms.seed, number)))
    heard: list[Heard] = []
    early_ns: dict[str, float] = {}
    until_s = max(truth.t_release_s for truth in truths) + AFTER_S
    for known_s, output in run(site, world, physics, until_s, cameras=cameras):
        if isinstance(output, Decision):
            heard.append(Heard(output.event, known_s))
        elif isinstance(output, Provisional):
            early_ns.setdefault(output.event.act_id, known_s)
    board = score(occasions(truths), heard, START_NS)
    seeds = (terms.seed, number)
    said = [message for camera in cameras for message in camera.said] if cameras else None
    beside = stand_beside(site, board.scored, START_NS, terms.policy, felt_habits(terms.habits), seeds, said)
    told = []
    for scored, others in zip(board.scored, beside, strict=True):
        first = [early_ns[each.event.act_id] for each in scored.heard if each.event.act_id in early_ns]
        told.append(Told(scored, min(first) - scored.truth.t_release_s if first else None, others))
    return tuple(told), tuple(each.event for each in board.invented)

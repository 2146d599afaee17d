"""What a named case is, and how its stage picks lanes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from edge_agent.bytes_level.course import Course
from edge_agent.config import Site
from edge_agent.simulation.hardware import BoardPhysics
from edge_agent.simulation.world import Air, ShelfWorld

FIRST_S = 6.0
APART_S = 5.0

Rng = np.random.Generator
Stage = Callable[[ShelfWorld, Rng], Course | None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One named case.

    Attributes
    ----------
    stage : callable
        Schedules the acts in a world, given a generator; returns what befalls boards and agent meanwhile, if anything.
    true_weights : mapping sku → factor
        Mean weights over the catalogue's.
    judged_from : int
        The first act that is judged; those before only set the stage.
    glitch_rate : float
    air : Air, optional
    together : bool
        Whether the acts overlap, so that only all of a shelf together can be told.
    never_billed : bool
        Whether no name is true of what moved: an event that is settled without a person is wrong, whatever it says, and
        a review is right.
    may_be_silent : bool
        Whether to say nothing of a foreign thing's weight is as good as a review.
    site, physics : callable, optional
        What is different from the example shop, and from its hardware.
    no_oracle : str
        Why the oracle has no model of the case; empty where it has.
    """

    words: str
    stage: Stage
    true_weights: Mapping[str, float] = field(default_factory=dict)
    judged_from: int = 0
    glitch_rate: float = 0.005
    air: Air | None = None
    together: bool = False
    never_billed: bool = False
    may_be_silent: bool = False
    site: Callable[[Site], Site] | None = None
    physics: Callable[[BoardPhysics], BoardPhysics] | None = None
    no_oracle: str = ""


def any_lane(world: ShelfWorld, rng: Rng, shelf_id: str | None = None) -> str:
    """Return a lane of a shelf, or of any."""
    lanes = lanes_of(world, shelf_id)
    return lanes[int(rng.integers(len(lanes)))]


def two_lanes(world: ShelfWorld, rng: Rng, shelf_id: str | None = None) -> tuple[str, str]:
    """Return two lanes of one shelf."""
    first = any_lane(world, rng, shelf_id)
    others = [lane for lane in lanes_of(world, world.goods.lane(first).shelf_id) if lane != first]
    return first, others[int(rng.integers(len(others)))]


def any_shelf(world: ShelfWorld, rng: Rng) -> str:
    """Return one of the shop's shelves."""
    return world.site.shelves[int(rng.integers(len(world.site.shelves)))].shelf_id


def lanes_of(world: ShelfWorld, shelf_id: str | None = None) -> list[str]:
    """Return the lanes of a shelf, or all."""
    return [lane.lane_id for lane in world.site.planogram.lanes if shelf_id in (None, lane.shelf_id)]


def row_of_takes(
    world: ShelfWorld, rng: Rng, count: int = 4, first_s: float = FIRST_S, shelf_id: str | None = None
) -> None:
    """Let single items be taken one after the other."""
    for number in range(count):
        world.take(any_lane(world, rng, shelf_id), first_s + APART_S * number)

"""A board's view of the world: forces through plate, ADC filter, cell and noise to counts."""

from dataclasses import dataclass

import numpy as np

from edge_agent.config import ShelfConfig
from edge_agent.model import FloatArray, IntArray
from edge_agent.simulation.adc import OVERSAMPLING, ConversionFilter, MainsTone, Noise, quantise, trailing_ones
from edge_agent.simulation.cell import Cells
from edge_agent.simulation.hardware import BoardPhysics, true_conversion
from edge_agent.simulation.plate import Plate
from edge_agent.simulation.world import ShelfWorld

LONGEST_STEP_S = 1.0
"""After a longer silence the plates are taken to have come to rest in between."""
SHORTEST_STEP_S = 1e-4
LONGEST_BLOCK_ROWS = 64
"""0.8 s at 80 Hz: creep and temperature move once a block, and the plates' recursion stays within double precision."""
FIRST_STEP_S = 1 / 80
"""The first conversion, and the first after a silence, lasts as long as the nominal ones."""
UNWIRED_CAPACITY_G = 5000.0
LEAST_HYSTERESIS = 0.4
"""The best cell's, over what the data sheet states: 0.02 % where that is 0.05 % (assumed, 2026-12)."""


@dataclass(frozen=True, slots=True)
class _Mount:
    """The part of a shelf that one board carries."""

    shelf: ShelfConfig
    columns: list[int]
    inputs: list[int]
    plate: Plate


class BoardSource:
    """Counts of one board, conversion by conversion; one thread reads it.

    Parameters
    ----------
    world : ShelfWorld
        Whose forces are felt.
    board_uid : str
        A board of the world's site; what its calibration there states, the hardware nearly is.
    physics : BoardPhysics, optional
        How good the hardware is.

    Raises
    ------
    ValueError
        No shelf of the site has a channel on this board.
    """

    def __init__(self, world: ShelfWorld, board_uid: str, physics: BoardPhysics | None = None) -> None:
        physics = physics or BoardPhysics()
        self._world = world
        rng = np.random.default_rng(np.random.SeedSequence([world.seed, int(board_uid, 16)]))
        self._mounts = [mount for shelf in world.site.shelves if (mount := _mount(shelf, board_uid, physics, rng))]
        inputs = [index for mount in self._mounts for index in mount.inputs]
        if not inputs:
            raise ValueError(f"board {board_uid}: no shelf has a channel on it")
        self.channel_count = max(inputs) + 1
        capacity_g = np.full(self.channel_count, UNWIRED_CAPACITY_G)
        for mount in self._mounts:
            capacity_g[mount.inputs] = mount.shelf.limits.cell_max_g
        calibration = world.site.calibration(board_uid)
        self._zero_counts, self._counts_per_g = true_conversion(calibration, capacity_g, physics, rng)
        kinds = tuple(physics.cell(float(each)) for each in capacity_g)
        nature = rng.uniform(-1, 1, size=(self.channel_count, 4))
        self._filter = ConversionFilter(self.channel_count)
        self._glitch_rng, noise_rng, own_rng = rng.spawn(3)
        self._cells = Cells(kinds, nature, own_rng.uniform(LEAST_HYSTERESIS, 1.0, size=self.channel_count))
        self._mains = MainsTone(capacity_g * physics.mains_share * own_rng.random(self.channel_count), own_rng)
        self._glitch_rate = physics.glitch_rate * float(physics.glitch_spread ** own_rng.uniform(-1, 1))
        self._glitch_pairs = physics.glitch_pairs
        self._last_struck = np.zeros((1, self.channel_count), dtype=np.bool_)
        self._noise = Noise(capacity_g * physics.white_share, capacity_g * physics.flicker_share, noise_rng)
        self._last_s: float | None = None

    def counts(self, sample_index: int, t_s: float) -> list[int]:
        """Return the conversion that ends at world time ``t_s``, one count a channel.

        ``sample_index`` is the board's own count and does not matter here: a board that restarts counts anew while the
        world goes on.
        """
        del sample_index
        return [int(count) for count in self.block(np.array([t_s]))[0]]

    def block(self, t_s: FloatArray) -> IntArray:
        """Return conversions that end at evenly spaced instants ``t_s`` (n,), (n, channels); later than all before."""
        parts = np.array_split(t_s, np.arange(LONGEST_BLOCK_ROWS, len(t_s), LONGEST_BLOCK_ROWS))
        return np.concatenate([self._short_block(part) for part in parts])

    def _short_block(self, t_s: FloatArray) -> IntArray:
        step_s = self._step_s(t_s)
        grain_s = step_s / OVERSAMPLING
        # Forces are taken in the middle of each grain: the plate's step is exact for a constant force.
        middles = np.arange(-OVERSAMPLING + 0.5, 0.0, 1.0) * grain_s
        borne_g = self._borne_g((t_s[:, None] + middles).ravel(), grain_s)
        converted_g = self._filter.convert(borne_g)
        mass_g = self._cells.sense(converted_g, step_s, self._world.air.at(float(t_s[-1])))
        mass_g += self._noise.draw(len(t_s), step_s) + self._mains.at(t_s)
        self._last_s = float(t_s[-1])
        return self._misread(quantise(mass_g, self._zero_counts, self._counts_per_g))

    def _step_s(self, t_s: FloatArray) -> float:
        if self._last_s is None:
            self._rest(float(t_s[0]), fresh=True)
        elif t_s[0] - self._last_s > LONGEST_STEP_S:
            self._rest(float(t_s[0]), fresh=False)
        spacing_s = t_s[1] - t_s[0] if len(t_s) > 1 else t_s[0] - (self._last_s or 0.0)
        return float(np.clip(spacing_s, SHORTEST_STEP_S, LONGEST_STEP_S))

    def _rest(self, t_s: float, *, fresh: bool) -> None:
        """Let the plates stand still under the force of an instant; the cells remember creep, unless ``fresh``."""
        force_g = np.zeros(self.channel_count)
        for mount in self._mounts:
            here_g = self._world.force_g(mount.shelf.shelf_id, np.array([t_s - FIRST_STEP_S]))[0, mount.columns]
            mount.plate.rest(here_g)
            force_g[mount.inputs] = here_g
        self._filter.rest(force_g)
        if fresh:
            self._cells.rest(force_g, self._world.air.at(t_s))
        elif self._last_s is not None:
            self._cells.sense(force_g[None, :], t_s - self._last_s, self._world.air.at(t_s))
        self._last_s = t_s - FIRST_STEP_S

    def _borne_g(self, t_s: FloatArray, grain_s: float) -> FloatArray:
        borne_g = np.zeros((len(t_s), self.channel_count))
        for mount in self._mounts:
            force_g = self._world.force_g(mount.shelf.shelf_id, t_s)[:, mount.columns]
            borne_g[:, mount.inputs] = mount.plate.respond(force_g, grain_s)
        return borne_g

    def _misread(self, counts: IntArray) -> IntArray:
        if self._glitch_rate == 0:
            return counts
        struck = self._glitch_rng.random(counts.shape) < self._glitch_rate
        if self._glitch_pairs > 0:
            before = np.concatenate([self._last_struck, struck[:-1]])
            self._last_struck = struck[-1:]
            struck = struck | (before & (self._glitch_rng.random(counts.shape) < self._glitch_pairs))
        return trailing_ones(counts, struck, self._glitch_rng.integers(1, 24, size=counts.shape, dtype=np.int32))


def _mount(shelf: ShelfConfig, board_uid: str, physics: BoardPhysics, rng: np.random.Generator) -> _Mount | None:
    columns = [column for column, channel in enumerate(shelf.channels) if channel.board_uid == board_uid]
    if not columns:
        return None
    detuning = rng.uniform(0.95, 1.05, size=len(columns))
    inputs = [shelf.channels[column].index for column in columns]
    return _Mount(shelf, columns, inputs, Plate(physics.modes(shelf), detuning))

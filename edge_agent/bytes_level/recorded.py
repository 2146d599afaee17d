"""What real load cells did, beside what physics makes of the same: noise, glitches, gaps, presses, landings.

The recordings are a coffee pot's plate on four 5 kg cells at ten readings a second (Cambridge, 2019), with 365 counts a
gram. They are no part of the project.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_agent.bytes_level.line import readings
from edge_agent.bytes_level.shop import draw_physics, shop_of, world_of
from edge_agent.config.tree import PolicyConfig
from edge_agent.errors import EdgeAgentError
from edge_agent.judging.hardware import HARDWARE
from edge_agent.judging.suites import draw_shelf
from edge_agent.model import FloatArray

QUIET, HANDLED = "2019-11-18_quiet_4ch.csv", "2019-11-22_pot_and_cup_4ch.csv"
SUM = "2019-12-18_quiet_17min_grams.csv"
"""Only the sum of the cells, but more instants."""
CELLS = 4
COUNTS_PER_G = 365.0
STRAY_SIGMAS = 8.0
"""A reading further from its neighbours' median is a glitch (2026-11)."""
NEIGHBOURS = 5
SLOWER = 8
LATE_PERIODS = 1.5
PRESS_G = 2000.0
"""A push is more than this, g: the pot itself weighs 3,400 (2026-11)."""
TOLERANCE = 1.2
PRESSED_S = (26.5, 38.0)
LANDED_S = ((5.0, 7.0), (20.0, 22.5))
LIFTED_S = ((10.5, 12.3), (42.0, 43.2))
"""When in `HANDLED` the pot was pressed upon twice, put down twice and lifted twice, s from its start."""
APART_S = 3.0
MADE_BOARDS, MADE_QUIET_S = 3, 400.0
"""Boards that nobody touches, and for how long: about as long as the recordings."""
MADE_MOVES, MADE_PRESSES = 16, 12
PRESSES_G = (8_500.0, 12_000.0)
"""As hard as the recorded ones: what is compared is how such a push runs (2026-11)."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of cells, hands or wire, from the least to the largest that was seen; empty where none was.

    ``of_hands``: one person's two acts were recorded, and shoppers are many.
    """

    name: str
    unit: str
    recorded: tuple[float, ...]
    physics: tuple[float, ...]
    of_hands: bool = False

    @property
    def met(self) -> bool:
        """Return whether the middle of physics is within what was recorded, a fifth beyond its ends.

        Of hands it is enough that all that was recorded is within physics.
        """
        if not self.physics or not self.recorded:
            return not self.physics and not self.recorded
        return self.amid or (self.of_hands and all(_within(each, self.physics) for each in self.recorded))

    @property
    def amid(self) -> bool:
        """Return whether the middle of physics is, not only its ends are about, where real ones were recorded."""
        return bool(self.physics and self.recorded) and _within(float(np.median(self.physics)), self.recorded)


def _within(value: float, values: Sequence[float]) -> bool:
    return bool(min(values) / TOLERANCE <= value <= max(values) * TOLERANCE)


def compare(directory: Path, seed: int) -> list[Figure]:
    """Return every figure of the recordings in a directory beside that of physics.

    Raises
    ------
    EdgeAgentError
        A recording is not there.
    """
    quiet_s, quiet_g = _log(directory / QUIET)
    handled_s, handled_g = _log(directory / HANDLED)
    sum_s, _ = _log(directory / SUM)
    boards = [_made_quiet(seed, number) for number in range(MADE_BOARDS)]
    logged = [quiet_s, handled_s, sum_s]
    real, ours = _handled(handled_s, handled_g), _made_handled(seed)
    return [
        Figure("noise of a cell", "g", _noise_g(quiet_g), _all(_noise_g(_slowed(made_g)) for _, made_g in boards)),
        Figure("glitches of a cell", "%", _glitches(quiet_g)[0], _all(_glitches(made_g)[0] for _, made_g in boards)),
        Figure(
            "glitches that come alone", "%", _glitches(quiet_g)[1], _all(_glitches(made_g)[1] for _, made_g in boards)
        ),
        Figure("readings that come late", "%", tuple(map(_late, logged)), _each(_late, boards)),
        Figure("the same, by time", "/s", tuple(map(_late_a_second, logged)), _each(_late_a_second, boards)),
        Figure("longest gap", "s", tuple(map(_longest_s, logged)), _each(_longest_s, boards)),
        *(Figure(name, unit, real[name], ours[name], of_hands=True) for name, unit in HANDLED_FIGURES),
    ]


HANDLED_FIGURES = (
    ("press: peak", "kg"),
    ("press: time above half", "s"),
    ("put down: 10 to 90 %", "s"),
    ("lifted: 90 to 10 %", "s"),
)


def _log(path: Path) -> tuple[FloatArray, FloatArray]:
    if not path.is_file():
        raise EdgeAgentError(f"{path}: no such recording; name the directory that holds it with --recordings")
    rows = np.genfromtxt(path, delimiter=",", skip_header=1)
    rising = np.concatenate(([True], rows[1:, 0] > np.maximum.accumulate(rows[:-1, 0])))  # its clock was set back once
    return rows[rising, 0] - rows[0, 0], rows[rising, 1 : 1 + CELLS] / COUNTS_PER_G


def _all(of_boards: Iterable[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(itertools.chain.from_iterable(of_boards))


def _each(figure: Callable[[FloatArray], float], boards: Sequence[tuple[FloatArray, FloatArray]]) -> tuple[float, ...]:
    return tuple(figure(made_s) for made_s, _ in boards)


def _made_quiet(seed: int, number: int) -> tuple[FloatArray, FloatArray]:
    """Return some minutes of nobody at a shelf with a cell a lane: the first board's cells."""
    site = shop_of(draw_shelf("store", seed, number), HARDWARE["lane_cells"], PolicyConfig())
    rng = np.random.default_rng(np.random.SeedSequence([seed, number, 8]))
    return readings(site, world_of(site, int(rng.integers(2**31))), draw_physics(rng), MADE_QUIET_S)


def _made_handled(seed: int) -> dict[str, tuple[float, ...]]:
    """Return the figures of items lifted, put down and pressed upon, on a platform."""
    site = shop_of(draw_shelf("distinct", seed, 0), HARDWARE["platform"], PolicyConfig())
    rng = np.random.default_rng(np.random.SeedSequence([seed, 9]))
    world = world_of(site, seed)
    lanes = [lane.lane_id for lane in site.planogram.lanes]
    heavy = max(lanes, key=lambda lane: site.catalogue.item(world.goods.lane(lane).sku).unit_weight_g)
    sku = world.goods.lane(heavy).sku
    lifted, landed, pressed = [], [], []
    begin_s = 2 * APART_S
    for _ in range(MADE_MOVES):
        lifted.append(world.take(heavy, begin_s))
        landed.append(world.put_back(sku, heavy, lifted[-1].t_release_s + APART_S))
        begin_s = landed[-1].t_release_s + APART_S
    for _ in range(MADE_PRESSES):
        pressed.append(world.press(heavy, begin_s, float(rng.uniform(*PRESSES_G))))
        begin_s = pressed[-1].t_release_s + APART_S
    t_s, mass_g = readings(site, world, draw_physics(rng), begin_s)
    t_s, total_g = _slowed(t_s), _slowed(_smooth(mass_g).sum(axis=1))
    spans = {
        kind: [(each.t_start_s - 1, each.t_release_s + 1) for each in acts]
        for kind, acts in (("lifted", lifted), ("landed", landed), ("pressed", pressed))
    }
    return _figures(t_s, total_g, spans["pressed"], spans["landed"], spans["lifted"])


def _handled(t_s: FloatArray, mass_g: FloatArray) -> dict[str, tuple[float, ...]]:
    return _figures(t_s, _smooth(mass_g).sum(axis=1), [PRESSED_S], LANDED_S, LIFTED_S)


def _figures(
    t_s: FloatArray,
    total_g: FloatArray,
    pressed_s: Sequence[tuple[float, float]],
    landed_s: Sequence[tuple[float, float]],
    lifted_s: Sequence[tuple[float, float]],
) -> dict[str, tuple[float, ...]]:
    presses = [press for span in pressed_s for press in _presses(t_s, total_g, span)]
    return {
        "press: peak": tuple(peak_g / 1000 for peak_g, _ in presses),
        "press: time above half": tuple(half_s for _, half_s in presses),
        "put down: 10 to 90 %": tuple(_ramp_s(t_s, total_g, span) for span in landed_s),
        "lifted: 90 to 10 %": tuple(_ramp_s(t_s, total_g, span) for span in lifted_s),
    }


def _slowed(values: FloatArray) -> FloatArray:
    """Return means of eight readings: ten a second of eighty."""
    whole = len(values) // SLOWER * SLOWER
    return np.asarray(values[:whole].reshape(-1, SLOWER, *values.shape[1:]).mean(axis=1))


def _smooth(mass_g: FloatArray) -> FloatArray:
    """Return each cell's medians of three: single glitches are gone, ramps are not."""
    middle = np.median(np.lib.stride_tricks.sliding_window_view(mass_g, 3, axis=0), axis=-1)
    return np.concatenate([mass_g[:1], middle, mass_g[-1:]])


def _noise_g(mass_g: FloatArray) -> tuple[float, ...]:
    """Return every cell's noise from reading to reading, robust against what is rare."""
    spread = np.median(np.abs(np.diff(mass_g, axis=0)), axis=0)
    return tuple((1.4826 * spread / np.sqrt(2)).tolist())


def _glitches(mass_g: FloatArray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return every cell's share of glitches, %, and what part of their runs are single ones, %."""
    around = np.pad(mass_g, ((NEIGHBOURS, NEIGHBOURS), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(around, 2 * NEIGHBOURS + 1, axis=0)
    off_g = np.abs(mass_g - np.median(windows, axis=-1))
    struck = off_g > STRAY_SIGMAS * 1.4826 * np.median(off_g, axis=0)
    lone = struck[1:-1] & ~struck[:-2] & ~struck[2:]
    runs = (struck[1:] & ~struck[:-1]).sum(axis=0)
    return tuple((100 * struck.mean(axis=0)).tolist()), tuple((100 * lone.sum(axis=0) / np.maximum(runs, 1)).tolist())


def _late(t_s: FloatArray) -> float:
    apart_s = np.diff(t_s)
    return float(100 * (apart_s > LATE_PERIODS * np.median(apart_s)).mean())


def _late_a_second(t_s: FloatArray) -> float:
    return _late(t_s) / 100 * (len(t_s) - 1) / float(t_s[-1] - t_s[0])


def _longest_s(t_s: FloatArray) -> float:
    return float(np.diff(t_s).max())


def _presses(t_s: FloatArray, total_g: FloatArray, span_s: tuple[float, float]) -> list[tuple[float, float]]:
    """Return (peak, g, and time above its half, s) of every push within a span that begins at rest."""
    inside = (t_s >= span_s[0]) & (t_s <= span_s[1])
    t_s, over_g = t_s[inside], total_g[inside]
    over_g = over_g - np.median(over_g[t_s < t_s[0] + 0.5])
    high = np.concatenate(([False], over_g > PRESS_G, [False]))
    begins, ends = np.flatnonzero(high[1:] & ~high[:-1]), np.flatnonzero(~high[1:] & high[:-1])
    pushes = []
    for begin, end in zip(begins, ends, strict=True):
        push_s, push_g = t_s[begin:end], over_g[begin:end]
        half = push_s[push_g > push_g.max() / 2]
        pushes.append((float(push_g.max()), float(half[-1] - half[0])))
    return pushes


def _ramp_s(t_s: FloatArray, total_g: FloatArray, span_s: tuple[float, float]) -> float:
    """Return the time from a tenth of a change to the last reading short of nine tenths of it."""
    inside = (t_s >= span_s[0]) & (t_s <= span_s[1])
    t_s, total_g = t_s[inside], total_g[inside]
    before_g, after_g = np.median(total_g[:3]), np.median(total_g[-3:])
    done = (total_g - before_g) / (after_g - before_g)
    begin = int(np.flatnonzero(done >= 0.1)[0])
    end = int(np.flatnonzero(done < 0.9)[-1]) + 1
    return float(t_s[min(end, len(t_s) - 1)] - t_s[begin])

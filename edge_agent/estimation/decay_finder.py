"""Looks for the end of a disturbance before the plate is still: nothing but free ringing on all boards of a shelf.

A rest by `rest_finder` needs a second without movement. Here it takes 0.3 s in which every watched column is a level,
free oscillation and white noise of the size that it had before the disturbance (`free_decay`): a hand would leave more
than that. Where the model does not hold (slosh, slow boards, noise that the new load brought) nothing is found, and the
slower rule decides.
"""

import math
from collections.abc import Sequence

import numpy as np

from edge_agent.config import ShelfConfig
from edge_agent.estimation.board_track import BoardTrack
from edge_agent.estimation.free_decay import LOWEST_HZ, fit_free_decay, straight_fit
from edge_agent.estimation.layout import ShelfPart, corner_signs
from edge_agent.estimation.rest_finder import LivePart, Rest, Rows, merged_rest, outside_the_scale, overloaded
from edge_agent.estimation.settings import EstimationSettings
from edge_agent.estimation.settling import Window
from edge_agent.model import BoolArray, FloatArray, IntArray

LEAST_ROWS = 24
"""Fewest rows that a level and one oscillation are fitted to (simulated, 2026-11)."""
LONGER = 4 / 3
"""So much longer must the window be for a second oscillation (simulated, 2026-11: premature otherwise) and where
nothing rings: ringing that fades shows that the plate was let go, stillness may be a hand's (rule)."""
EARLY = 0.75
"""So much shorter may the window of a provisional word be (rule, 2026-11)."""
LEAST_TURNS = 2.2
"""Turns that the slowest oscillation must make in the window: fewer are told from a hand's wander too seldom
(simulated, 2026-11: at 1.5 turns one release in a hundred was premature)."""
MOST_MISFIT = 1.6
"""Variance left over, in the quiet noise's: 99 % of χ² with 20 degrees of freedom is 1.9 and of 64 1.4 (rule,
2026-11)."""
MOST_BEND = 7.0
"""χ² of a slope and a curvature with two degrees of freedom: 97 % (rule; simulated, 2026-11: at 12 a hand that
sways passes more often)."""
MOST_VARIANCE_FACTOR = 0.25
"""A level that is known no better than half a reading's σ is one that the oscillation can imitate (simulated,
2026-11)."""
MOST_SIGMA_G = 0.45
"""Largest σ of a watched column's level, g: under more noise than that 0.3 s do not show a hand that fumbles with 15 g
(simulated, 2026-11: at 0.8 g one take in a hundred was cut in two)."""
MOST_BAD = 0.3
"""Share of rejected readings above which a window is not judged: the glitch gate takes the tops of hard ringing for
glitches, one in five (simulated, 2026-11)."""
GAP_PERIODS = 1.5
"""Longest time between rows of a window, periods (rule, 2026-11)."""


def find_free_decay(
    shelf: ShelfConfig,
    parts: Sequence[LivePart],
    not_before_ns: int,
    settings: EstimationSettings,
    *,
    early: bool = False,
) -> Rest | None:
    """Return the level around which the shelf rings freely, or None where it does not, or is not known to.

    Parameters
    ----------
    parts : sequence of (BoardTrack, ShelfPart)
        The boards that are alive; each must have been at rest before.
    not_before_ns : int
        The window begins no earlier: what came before was the disturbance.
    early : bool
        Be content with the shorter window of a provisional word.
    """
    reached_ns = min((track.last_t_ns or 0 for track, _ in parts), default=0)
    windows: list[Window] = []
    for track, part in parts:
        window = _free_window(shelf, track, part, not_before_ns, reached_ns, settings, early=early)
        if window is None:
            return None
        windows.append(window)
    rest = merged_rest(shelf, parts, windows, windows)
    return None if rest is None or rest.sigma_g > min(0.1 * shelf.limits.min_event_g, MOST_SIGMA_G) else rest


def _free_window(
    shelf: ShelfConfig,
    track: BoardTrack,
    part: ShelfPart,
    not_before_ns: int,
    reached_ns: int,
    settings: EstimationSettings,
    *,
    early: bool,
) -> Window | None:
    """Return one board's window if its watched columns ring freely in it."""
    if part.shelf_index not in track.rested:
        return None
    rows = max(LEAST_ROWS, round(settings.ring_s * 1e9 / track.period_ns))
    if rows * track.period_ns >= settings.rest_s * 1e9:
        return None  # a board so slow is as soon still
    t_ns, grams, bad = track.history.since(not_before_ns)
    common = int(np.searchsorted(t_ns, reached_ns, side="right"))
    lengths = ((1, round(rows * EARLY)),) if early else ((1, rows), (2, round(rows * LONGER)))
    for modes, length in lengths:
        first = common - length
        if first < 0 or t_ns[common - 1] - t_ns[first] > (length - 1 + GAP_PERIODS) * track.period_ns:
            return None
        piece = slice(first, common)
        window = _fit(shelf, track, part, (t_ns[piece], grams[piece], bad[piece]), modes)
        if window is not None:
            return window
    return None


def _fit(shelf: ShelfConfig, track: BoardTrack, part: ShelfPart, window_rows: Rows, modes: int) -> Window | None:
    t_ns, grams, bad = window_rows
    watched = track.watched(part)
    watched = watched[~(bad[:, watched].all(axis=0))]
    if not watched.size or (bad[:, watched].mean(axis=0) > MOST_BAD).any():
        return None
    rows = t_ns.size
    valid: BoolArray = bad.mean(axis=0) <= MOST_BAD
    sigma_g = track.noise.total_g
    mean_g = grams.mean(axis=0)
    variance_g2 = grams.var(axis=0, ddof=1) / rows
    least_angle = max(2.0 * math.pi * LEAST_TURNS / rows, 2.0 * math.pi * LOWEST_HZ * track.period_ns * 1e-9)
    misfit, bend = straight_fit(grams[:, watched] - mean_g[watched], sigma_g[watched])
    touched: BoolArray = np.logical_or.reduce(bad[:, watched], axis=0)
    order = np.argsort(-misfit)
    rings = False
    for place in order.tolist():  # the loudest first: it is the one that fails
        column = int(watched[place])
        if misfit[place] <= MOST_MISFIT and not touched[place]:
            if bend[place] > MOST_BEND:
                return None
            variance_g2[column] = sigma_g[column] ** 2 / rows * max(1.0, float(misfit[place]))
            continue
        series_bad = bad[:, column] if touched[place] else None
        fit = fit_free_decay(grams[:, column], series_bad, float(sigma_g[column]), least_angle, modes, MOST_MISFIT)
        if fit is None or fit.bend > MOST_BEND or fit.variance_factor > MOST_VARIANCE_FACTOR:
            return None
        rings = rings or bool(fit.decays_per_row)
        mean_g[column] = fit.level_g
        variance_g2[column] = fit.variance_factor * sigma_g[column] ** 2 * max(1.0, fit.misfit)
    if modes == 1 and not rings:
        return None
    if part.derived.size and watched.size == part.derived.size:
        _set_cells(shelf, part, mean_g)
    window = Window(int(t_ns[0]), int(t_ns[-1]), mean_g, variance_g2, sigma_g.copy(), valid)
    if overloaded(shelf, part, window).any():
        return None  # beyond its capacity a plate need not ring as the model says
    return None if outside_the_scale(shelf, track, part, window) else window


def _set_cells(shelf: ShelfConfig, part: ShelfPart, mean_g: FloatArray) -> None:
    """Make a platform's cells agree with the levels of its three modes; the twist keeps its plain mean."""
    signs = corner_signs(shelf)
    cells: IntArray = part.cells
    twist_g = float(signs[3] @ mean_g[cells])
    mean_g[cells] = signs.T @ np.append(mean_g[part.derived], twist_g) / 4.0

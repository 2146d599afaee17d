"""Looks for the end of a disturbance: all boards of a shelf at rest over one and the same stretch of time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge_agent.config import ShelfConfig
from edge_agent.estimation.board_track import BoardTrack
from edge_agent.estimation.layout import ShelfPart
from edge_agent.estimation.ringing import find_ringing, without_ringing
from edge_agent.estimation.settings import EstimationSettings
from edge_agent.estimation.settling import Window, is_rest, summarise
from edge_agent.estimation.shelf_level import ShelfLevel, merge_parts
from edge_agent.model import BoolArray, FloatArray, InstantArray

LivePart = tuple[BoardTrack, ShelfPart]
Rows = tuple[InstantArray, FloatArray, BoolArray]
"""Instants (n,), grams and bad marks (n, columns)."""

USUAL_SCATTER = 2.0
"""Scatter that is still usual, in the scatter of the last rest: F of two samples of ten, 95 % (rule)."""
QUIET_SIGMAS = 6.0
"""Range of ten batch means of white noise stays below 4.5 σ in 97 % of cases; a third on top for wander (rule)."""


@dataclass(frozen=True, slots=True, eq=False)
class Rest:
    """A stretch at rest: what the shelf weighed, from when to when, and each board's window (all its columns)."""

    level: ShelfLevel
    start_ns: int
    end_ns: int
    windows: tuple[Window, ...]
    standing: tuple[Window, ...]
    """As ``windows``, with the readings of overloaded plates: no weights, but what is left of them shows a change."""
    parts: tuple[LivePart, ...]
    sigma_g: float
    """The largest σ of a watched column's mean."""


def find_rest(
    shelf: ShelfConfig,
    parts: Sequence[LivePart],
    not_before_ns: int,
    rest_s: float,
    least_rows: int,
    settings: EstimationSettings,
    from_ns: int | None = None,
) -> Rest | None:
    """Return the shelf's rest over its newest ``rest_s`` seconds, or None while it moves or is too short.

    The newest instant is the newest that every board has reached: a board whose rows come late must not lend its load
    from before an act to the others' from after it.

    Parameters
    ----------
    parts : sequence of (BoardTrack, ShelfPart)
        The boards that are alive.
    not_before_ns : int
        The window begins no earlier: what came before was the disturbance.
    least_rows : int
        The window reaches back further than ``rest_s`` until it holds so many rows.
    from_ns : int, optional
        Begin exactly here instead: a rest that goes on.
    """
    windows: list[Window] = []
    standing: list[Window] = []
    reached_ns = min((track.last_t_ns or 0 for track, _ in parts), default=0)
    for track, part in parts:
        t_ns, grams, bad = track.history.since(not_before_ns if from_ns is None else from_ns)
        common = int(np.searchsorted(t_ns, reached_ns, side="right"))
        t_ns, grams, bad = t_ns[:common], grams[:common], bad[:common]
        start = 0 if from_ns is not None else _start(t_ns, rest_s, least_rows, track.period_ns)
        if start is None:
            return None
        window = _rest_window(shelf, track, part, (t_ns[start:], grams[start:], bad[start:]), settings)
        if window is None:
            return None
        standing.append(window)
        windows.append(_without_overloaded(shelf, part, window))
    return merged_rest(shelf, parts, windows, standing)


def merged_rest(
    shelf: ShelfConfig, parts: Sequence[LivePart], windows: Sequence[Window], standing: Sequence[Window]
) -> Rest | None:
    """Return the boards' windows as one rest of the shelf, or None where no column of it is known.

    Parameters
    ----------
    windows, standing : sequence of Window
        One a board, in the order of ``parts``; see `Rest`.
    """
    level = merge_parts(
        shelf,
        [(part, window, track.noise.wander_g) for (track, part), window in zip(parts, windows, strict=True)],
    )
    if not level.valid.any():
        return None
    return Rest(
        level=level,
        start_ns=max(window.start_ns for window in windows),
        end_ns=min(window.end_ns for window in windows),
        windows=tuple(windows),
        standing=tuple(standing),
        parts=tuple(parts),
        sigma_g=max(level_sigma(track, part, window) for (track, part), window in zip(parts, standing, strict=True)),
    )


def _start(t_ns: InstantArray, rest_s: float, least_rows: int, period_ns: int) -> int | None:
    """Return where the newest ``rest_s`` seconds begin, or None where they are not complete."""
    if t_ns.size < least_rows:
        return None
    start = min(int(np.searchsorted(t_ns, t_ns[-1] - round(rest_s * 1e9))), t_ns.size - least_rows)
    # The first row may lie up to a period inside the window; half of one more is jitter.
    return start if t_ns[-1] - t_ns[start] + 1.5 * period_ns >= rest_s * 1e9 else None


def _rest_window(
    shelf: ShelfConfig, track: BoardTrack, part: ShelfPart, rows: Rows, settings: EstimationSettings
) -> Window | None:
    """Judge one board's rows as they are and, where that is not good enough, without the plate's ringing."""
    t_ns, grams, bad = rows
    plain = _judge(shelf, track, part, rows, settings)
    if plain is not None and level_sigma(track, part, plain) <= 0.1 * shelf.limits.min_event_g:
        return plain
    watched = track.watched(part)
    watched = watched[~bad[:, watched].any(axis=0)]
    if not watched.size:
        return plain
    loudest = watched[grams[:, watched].std(axis=0).argmax()]
    ringing = find_ringing(grams[:, loudest], track.period_ns * 1e-9)
    if ringing is None:
        return plain
    still = _judge(shelf, track, part, (t_ns[2:], without_ringing(grams, *ringing), bad[2:]), settings)
    if plain is None or still is None:
        return plain or still
    return min(plain, still, key=lambda window: level_sigma(track, part, window))


def level_sigma(track: BoardTrack, part: ShelfPart, window: Window) -> float:
    """Return the largest σ of a watched column's mean, g; 0 where there is none."""
    watched = track.watched(part)
    variance_g2 = window.variance_g2[watched[window.valid[watched]]]
    return math.sqrt(float(variance_g2.max(initial=0.0)))


def outside_the_scale(shelf: ShelfConfig, track: BoardTrack, part: ShelfPart, window: Window) -> bool:
    """Return whether a window's level cannot be a weight: beyond the cells' capacity, or at another gain."""
    if shelf.kind == "platform" and overloaded(shelf, part, window).any():
        return True  # beyond its capacity a cell does not weigh; a scale goes blank there (EN 45501)
    return track.check_gain(window)


def overloaded(shelf: ShelfConfig, part: ShelfPart, window: Window) -> BoolArray:
    """Return which columns of a window are cells that bear more than their capacity, (columns,)."""
    over = np.zeros_like(window.valid)
    over[part.cells] = np.abs(window.mean_g[part.cells]) > shelf.limits.cell_max_g
    loaded: BoolArray = over & window.valid
    return loaded


def _without_overloaded(shelf: ShelfConfig, part: ShelfPart, window: Window) -> Window:
    """Return a window in which plates beyond their capacity carry no evidence.

    A plate of its own goes blank alone: its neighbours weigh on. What was put on it shows once it is relieved.
    """
    over = overloaded(shelf, part, window)
    return replace(window, valid=window.valid & ~over) if over.any() else window


def _judge(
    shelf: ShelfConfig, track: BoardTrack, part: ShelfPart, rows: Rows, settings: EstimationSettings
) -> Window | None:
    """Return the summary of one board's rows if its watched columns rest; a part of faulty cells alone always does."""
    grams = rows[1]
    summary = summarise(*rows)
    if summary is None:
        return None
    window, means = summary
    watched = track.watched(part)
    watched = watched[window.valid[watched]]
    if not watched.size:
        return window if (track.watch.faulty | track.absent)[part.cells].all() else None
    if outside_the_scale(shelf, track, part, window):
        return None
    # What was there before keeps the noise it had; only what was added may slosh. A hand on a full shelf must not hide
    # in the shelf's weight.
    load_g = np.abs(window.mean_g[watched] - (track.bank.level_g[watched] if part.shelf_index in track.rested else 0.0))
    share = np.full(watched.size, settings.rest_spread_share)
    if part.derived.size and watched.size == part.derived.size:  # total and two moments of one load
        load_g = np.full(watched.size, load_g[0])
        share[1:] = settings.moment_spread_share
    noise = track.noise
    rows_per_batch = grams.shape[0] / means.shape[0]
    wander_g2 = np.square(noise.wander_g[watched])
    quiet_g = QUIET_SIGMAS * np.sqrt(np.square(noise.white_g[watched]) / rows_per_batch + wander_g2)
    scatter_g = QUIET_SIGMAS * np.sqrt(np.square(noise.white_g[watched]) + wander_g2)
    tolerance_g = np.maximum(quiet_g, 0.25 * shelf.limits.min_event_g)
    usual_g = np.maximum(scatter_g, USUAL_SCATTER * noise.total_g[watched])
    spread_g = np.maximum(np.maximum(usual_g, 0.5 * shelf.limits.min_event_g), share * load_g)
    still = is_rest(means[:, watched], grams[:, watched], tolerance_g, spread_g, settings)
    return window if still.all() else None

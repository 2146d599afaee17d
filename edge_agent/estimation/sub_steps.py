"""Splits one disturbance into the single items of which it was made, where the shelf's weight paused between them.

While a shelf moves, its channels are averaged over 50 ms each. Afterwards these means are cut into stretches of like
level by dynamic programming (least squares with a penalty a stretch; Jackson et al. 2005), with up to 0.15 s in between
that belong to none: an item takes that long to leave. A stretch that differs from both its neighbours is a plateau. How
far a hand may have pressed on it is unknown, so its variance is that of its scatter and a hand's bias on top.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from edge_agent.config import ShelfConfig
from edge_agent.estimation.layout import corner_signs
from edge_agent.model import BoolArray, FloatArray, IntArray, MonotonicNs, SubStep

BIN_NS = 50_000_000
"""Time averaged into one mean, ns: a plate of 8 Hz turns in 125 ms, an item leaves in 60–200 ms (rule, 2026-11)."""
MOST_BINS = 400
"""Longest disturbance that is split, means: 20 s of it (rule, 2026-11)."""
LEAST_BINS = 4
"""Shortest plateau, means: 0.2 s (rule, 2026-11)."""
MOST_BETWEEN = 3
"""Longest passage between two plateaus, means (rule, 2026-11)."""
PENALTY = 4.0
"""Cost of a stretch and feature, in ln(means): neighbouring means of a hand's force are alike (simulated, 2026-11)."""
HAND_SCATTERS = 1.5
"""σ of a hand's bias on a plateau, in the plateau's own scatter (simulated, 2026-11: 0.7; tails are wide)."""
HAND_G = 15.0
"""Least σ of it, g, where the scatter is more than the quiet noise's: hands press with tens of grams (rule,
2026-11)."""
HAND_SHARE = 0.3
"""The same in what the shelf's total went beyond both rests: that was the hand alone (simulated, 2026-11)."""
FREE_G = 1.0
"""σ, g, of a hand's bias on a plateau that is as quiet as the cell (rule, 2026-11)."""
QUIET_FACTOR = 1.0
"""Scatter of means that is still the quiet noise's, in one reading's σ: twice what white noise leaves of four (rule,
2026-11)."""
APART_SIGMAS = 3.0
"""Plateaus closer than this, in σ of their difference, are one (rule, 2026-11)."""


@dataclass(slots=True)
class Trail:
    """What a shelf's channels weighed in the course of a disturbance, in means of `BIN_NS` or one row, if longer.

    Parameters
    ----------
    channels : int
    bin_ns : int
        At least the period of the slowest board.
    """

    channels: int
    bin_ns: int
    sums_g: dict[int, FloatArray] = field(default_factory=dict)
    counts: dict[int, FloatArray] = field(default_factory=dict)

    def add(self, t_ns: Sequence[int], places: IntArray, grams: FloatArray, bad: BoolArray) -> None:
        """Take in rows of some channels, grams and bad marks (rows, places)."""
        for row, instant_ns in enumerate(t_ns):
            place = instant_ns // self.bin_ns
            if place not in self.sums_g:
                if len(self.sums_g) > MOST_BINS:
                    return
                self.sums_g[place] = np.zeros(self.channels)
                self.counts[place] = np.zeros(self.channels)
            good = ~bad[row]
            self.sums_g[place][places] += np.where(good, grams[row], 0.0)
            self.counts[place][places] += good

    def levels(self, valid: BoolArray, before_ns: int) -> tuple[list[int], FloatArray] | None:
        """Return the middles of the complete means before an instant, and the means, (means, channels), g."""
        if len(self.sums_g) > MOST_BINS:
            return None
        places = [
            place
            for place in sorted(self.sums_g)
            if (place + 1) * self.bin_ns <= before_ns and (self.counts[place][valid] > 0).all()
        ]
        if not places:
            return None
        means = np.array([self.sums_g[place] / np.maximum(self.counts[place], 1.0) for place in places])
        return [place * self.bin_ns + self.bin_ns // 2 for place in places], means


@dataclass(frozen=True, slots=True, eq=False)
class Plateau:
    """A stretch of like level: from and to which mean, (channels,) level, g, and its covariance."""

    start: int
    end: int
    level_g: FloatArray
    covariance_g2: FloatArray


def split(
    shelf: ShelfConfig,
    trail: Trail,
    valid: BoolArray,
    before: tuple[FloatArray, FloatArray],
    after: tuple[FloatArray, FloatArray],
    rest_ns: int,
    quiet_g: FloatArray,
) -> tuple[SubStep, ...]:
    """Return the sub-steps of a disturbance, none unless there are two at least.

    Parameters
    ----------
    valid : (channels,) bool
        Channels known before and after.
    before, after : (level (channels,), covariance (channels, channels))
        The rests around the disturbance.
    rest_ns : int
        When the second of them began.
    quiet_g : (channels,)
        σ of one reading at rest.
    """
    found = trail.levels(valid, rest_ns)
    if found is None or found[1].shape[0] < LEAST_BINS:
        return ()
    t_ns, means = found
    features = _features(shelf, valid)
    stretches = _stretches((np.where(valid, means - before[0], 0.0)) @ features.T)
    total_g = np.where(valid, means - before[0], 0.0).sum(axis=1)
    change_g = float(np.where(valid, after[0] - before[0], 0.0).sum())
    beyond_g = max(float(total_g.max()) - max(change_g, 0.0), min(change_g, 0.0) - float(total_g.min()), 0.0)
    hand_g = math.hypot(HAND_G, HAND_SHARE * beyond_g)
    plateaus = [_plateau(means, start, end, quiet_g, hand_g) for start, end in stretches]
    kept = _apart(
        shelf,
        features,
        before,
        after,
        [each for each in plateaus if _plausible(shelf.kind == "platform", features, each, before, after)],
    )
    if not kept:
        return ()
    levels = [before[0], *(each.level_g for each in kept), after[0]]
    covariances = [before[1], *(each.covariance_g2 for each in kept), after[1]]
    ends_ns = [t_ns[each.start] for each in kept] + [rest_ns]

    def known(covariance_g2: FloatArray) -> FloatArray:
        return np.where(np.outer(valid, valid), covariance_g2, np.diag(np.diag(after[1])))

    return tuple(
        SubStep(
            t_ns=MonotonicNs(ends_ns[number]),
            delta_g=np.where(valid, levels[number + 1] - levels[number], 0.0),
            covariance_g2=known(covariances[number + 1] + covariances[number]),
            so_far_covariance_g2=known(covariances[number + 1] + covariances[0]),
        )
        for number in range(len(levels) - 1)
    )


def _features(shelf: ShelfConfig, valid: BoolArray) -> FloatArray:
    """Return the signed sums of channels that are looked at, (features, channels): a platform's modes, else lanes."""
    if shelf.kind == "platform" and valid.all():
        modes: FloatArray = corner_signs(shelf)[:3]
        return modes
    lanes: FloatArray = np.eye(valid.size)[valid]
    return lanes


def _stretches(series: FloatArray) -> list[tuple[int, int]]:
    """Cut series, (means, features), into stretches of like level: (from, to) of each."""
    count = series.shape[0]
    steps = np.abs(np.diff(series, axis=0)) if count > 1 else np.ones((1, series.shape[1]))
    scatter = 1.5 * np.median(steps, axis=0) + 0.05 * np.abs(series).max(axis=0) + 1.0
    scaled = series / scatter
    active = np.ptp(scaled, axis=0) > 3.0
    scaled = scaled[:, active] if active.any() else scaled[:, :1]
    features = scaled.shape[1]
    sums = np.vstack((np.zeros((1, features)), np.cumsum(scaled, axis=0)))
    squares = np.concatenate(([0.0], np.cumsum(np.square(scaled).sum(axis=1))))
    penalty = PENALTY * math.log(max(count, 3)) * features
    best = np.full(count + 1, np.inf)  # of the means before each place
    best[0] = 0.0
    came: list[tuple[int, int]] = [(0, 0)] * (count + 1)
    for end in range(1, count + 1):
        starts = np.arange(0, end - LEAST_BINS + 1)
        if starts.size:
            lengths = end - starts
            cost = squares[end] - squares[starts] - np.square(sums[end] - sums[starts]).sum(axis=1) / lengths
            whole = best[starts] + cost + penalty
            least = int(whole.argmin())
            best[end], came[end] = float(whole[least]), (int(starts[least]), end)
        skipped = best[end - 1] + 4.0 * features
        if skipped < best[end]:
            best[end], came[end] = float(skipped), (end - 1, end - 1)
    stretches: list[tuple[int, int]] = []
    end = count
    while end > 0:
        start, to = came[end]
        if to == end:
            stretches.append((start, end))
        end = start
    return stretches[::-1]


def _plateau(means: FloatArray, start: int, end: int, quiet_g: FloatArray, hand_g: float) -> Plateau:
    """Return a stretch's level and how well it is known."""
    edge = min(1, (end - start - LEAST_BINS) // 2)  # the passage's last mean is often taken in
    inside = means[start + edge : end - edge]
    scatter = inside.std(axis=0, ddof=1)
    pressed = scatter > QUIET_FACTOR * quiet_g
    bias_g = np.where(pressed, np.hypot(HAND_SCATTERS * scatter, hand_g), FREE_G)
    centred = inside - inside.mean(axis=0)
    spread = centred.T @ centred / (inside.shape[0] - 1)
    covariance = (
        np.diag(np.square(bias_g))
        if not pressed.any()
        else HAND_SCATTERS**2 * spread
        + np.diag(np.where(pressed, (hand_g / max(pressed.sum(), 1) ** 0.5) ** 2, FREE_G**2))
    )
    return Plateau(start, end, np.median(inside, axis=0), covariance)


def _apart(
    shelf: ShelfConfig,
    features: FloatArray,
    before: tuple[FloatArray, FloatArray],
    after: tuple[FloatArray, FloatArray],
    plateaus: list[Plateau],
) -> list[Plateau]:
    """Keep the plateaus that differ from the one kept before and from the rest after; of two alike the surer."""
    kept: list[Plateau] = []
    for each in plateaus:
        if not kept and not _differ(shelf, features, (each.level_g, each.covariance_g2), before):
            continue
        if kept and not _differ(
            shelf, features, (each.level_g, each.covariance_g2), (kept[-1].level_g, kept[-1].covariance_g2)
        ):
            if np.trace(each.covariance_g2) < np.trace(kept[-1].covariance_g2):
                kept[-1] = Plateau(kept[-1].start, each.end, each.level_g, each.covariance_g2)
            continue
        kept.append(each)
    while kept and not _differ(shelf, features, (kept[-1].level_g, kept[-1].covariance_g2), after):
        kept.pop()
    return kept


def _differ(
    shelf: ShelfConfig,
    features: FloatArray,
    one: tuple[FloatArray, FloatArray],
    other: tuple[FloatArray, FloatArray],
) -> bool:
    """Return whether two levels differ by an item in any feature."""
    change = np.abs(features @ np.nan_to_num(one[0] - other[0]))
    sigma = np.sqrt(np.einsum("fc,cd,fd->f", features, one[1] + other[1], features))
    return bool((change > np.maximum(APART_SIGMAS * sigma, shelf.limits.min_event_g)).any())


def _plausible(
    platform: bool,
    features: FloatArray,
    plateau: Plateau,
    before: tuple[FloatArray, FloatArray],
    after: tuple[FloatArray, FloatArray],
) -> bool:
    """Return whether a plateau's level lies between the rests, or is too quiet to be a hand's."""
    level, first, last = (np.nan_to_num(each) @ features.T for each in (plateau.level_g, before[0], after[0]))
    sigma = np.sqrt(np.einsum("fc,cd,fd->f", features, plateau.covariance_g2, features))
    if (np.diag(plateau.covariance_g2) <= 1.01 * FREE_G**2).all():
        return True
    low, high = np.minimum(first, last), np.maximum(first, last)
    inside = (level >= low - 2.0 * sigma) & (level <= high + 2.0 * sigma)
    return bool(inside[0]) if platform else bool(inside.all())  # a moment may go out and come back

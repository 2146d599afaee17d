"""Tell whether a window of readings is a rest, and at what level.

A window is cut into batches and judged by their means. It is a rest when

- they lie close together (within a tolerance set by the lightest item and the quiet noise), or
- they scatter, but like noise: their von Neumann ratio (mean squared successive difference over variance: 2 for white
  noise, near 0 for a trend, a swell or the top of a press; von Neumann 1941) is high, both halves agree in level and
  in scatter, and the scatter is within what the load may keep. A pot of coffee sloshes by 19 g for seconds; a leaning
  hand does not, and the ringing of a plate fades.

The mean's variance is taken from the batches, so noise that is not white widens it.
"""

from dataclasses import dataclass

import numpy as np

from edge_agent.estimation.settings import EstimationSettings
from edge_agent.model import BoolArray, FloatArray, InstantArray

BATCHES = 10
FEWEST_BATCHES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Readings that were judged together: per column the mean, its variance, g and g², and whether it was read."""

    start_ns: int
    end_ns: int
    mean_g: FloatArray
    variance_g2: FloatArray
    spread_g: FloatArray
    valid: BoolArray


def summarise(t_ns: InstantArray, grams: FloatArray, bad: BoolArray) -> tuple[Window, FloatArray] | None:
    """Return a window's summary and its batch means, (batches, columns), or None where rows are too few.

    A column counts as read when at most two fifths of its readings, and no whole batch of them, were rejected.
    """
    rows = t_ns.size
    batches = min(BATCHES, rows)
    if batches < FEWEST_BATCHES:
        return None
    edges = (np.arange(batches) * rows) // batches
    if bad.any():
        good = ~bad
        counts = np.add.reduceat(good, edges, axis=0, dtype=np.int64)
        total = counts.sum(axis=0)
        valid = (total >= 0.6 * rows) & (total >= FEWEST_BATCHES)
        sums = np.add.reduceat(np.where(good, grams, 0.0), edges, axis=0)
        mean = sums.sum(axis=0) / np.maximum(total, 1)
        means = np.where(counts > 0, sums / np.maximum(counts, 1), mean)
        spread = np.sqrt(np.where(good, np.square(grams - mean), 0.0).sum(axis=0) / np.maximum(total - 1, 1))
    else:
        sizes = np.diff(np.append(edges, rows))
        means = np.add.reduceat(grams, edges, axis=0) / sizes[:, np.newaxis]
        mean = grams.mean(axis=0)
        total = np.full(mean.size, rows)
        valid = np.ones(mean.size, dtype=np.bool_)
        spread = grams.std(axis=0, ddof=1)
    between = means.var(axis=0, ddof=1)
    # Student's t at 9 degrees of freedom has 1.29 times the variance of the normal: few batches must not boast.
    widen = (batches - 1) / max(batches - 3, 1)
    variance = np.maximum(between / batches, np.square(spread) / np.maximum(total, 1)) * widen
    return Window(int(t_ns[0]), int(t_ns[-1]), mean, variance, spread, valid), means


def is_rest(
    means: FloatArray,
    grams: FloatArray,
    tolerance_g: FloatArray,
    spread_limit_g: FloatArray,
    settings: EstimationSettings,
) -> BoolArray:
    """Return per column whether its batch means, (batches, columns), are those of a rest.

    Parameters
    ----------
    grams : (rows, columns)
        The readings behind them.
    tolerance_g : (columns,)
        Range of the batch means that needs no further question.
    spread_limit_g : (columns,)
        Largest standard deviation of the batch means of noise under load.
    """
    near: BoolArray = np.ptp(means, axis=0) <= tolerance_g
    if near.all():
        return near
    batches = means.shape[0]
    variance = means.var(axis=0, ddof=1)
    successive = np.square(np.diff(means, axis=0)).mean(axis=0)
    rough = successive >= settings.rest_roughness * variance
    half = batches // 2
    first, second = means[:half], means[batches - half :]
    within = (first.var(axis=0, ddof=1) + second.var(axis=0, ddof=1)) / 2
    # A difference of two means of `half` batches: 3 σ.
    agree = np.square(second.mean(axis=0) - first.mean(axis=0)) <= 9.0 * within * 2.0 / half
    calm = variance <= np.square(spread_limit_g)
    still: BoolArray = near | (rough & agree & calm & _steady(grams, spread_limit_g))
    return still


def _steady(grams: FloatArray, limit_g: FloatArray) -> BoolArray:
    """Return per column whether the scatter is within its limit and neither fades nor grows.

    Both halves' σ may differ by chance: the ratio of two sample σ of n readings scatters by about 1 / √n; four times
    that is allowed.
    """
    half = grams.shape[0] // 2
    first = grams[:half].std(axis=0, ddof=1)
    second = grams[-half:].std(axis=0, ddof=1)
    ratio = 1.0 + 4.0 / half**0.5
    alike = (first <= ratio * second) & (second <= ratio * first)
    steady: BoolArray = alike & (np.hypot(first, second) <= 2**0.5 * limit_g)
    return steady

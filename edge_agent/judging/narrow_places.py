"""What narrow plates say of a set of items when nobody knows where each stands: an integral over the places.

With shares sᵢ(x) of the plates under item i at x, masses mᵢ ~ N(wᵢ, σᵢ²) and places of density pᵢ,

    p(Δ | set) = ∫ ∏ pᵢ(xᵢ) · N(Δ; Σ wᵢ sᵢ(xᵢ), I + Σ σᵢ² sᵢ sᵢᵀ) dx

The masses are integrated out exactly. The places are not: the integrand has peaks of a tenth of a millimetre, ridges
where several items share plates, and kinks where a footprint crosses an edge. So peaks are sought from several starts
by Gauss-Newton steps, and the integral is a fixed quasi-random sum, drawn around the peaks and weighed by how it was
drawn (importance sampling from a mixture). Items of one SKU are kept in rising order, for all other orders are worth
the same. More points bring the sum to the integral whatever the search found.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.judging.habits import FloatArray, IntArray
from edge_agent.judging.hardware import EVENT_NOISE_G, overlaps
from edge_agent.judging.low_discrepancy import normal_points, uniform_points
from edge_agent.judging.standing import QUANTILES, Standing

STARTS = (0, 4, 8, 24, 48)
"""Starts of the search by number of items (2026-11)."""
STEPS = 5
LONGEST_STEP_MM = 20.0
SECANT_MM = (4.0, 2.0, 1.0, 0.5, 0.5)
"""Half of the distance that a slope is taken over, per step: wide ones see past the kinks."""
PEAKS = (0, 2, 4, 12, 24)
"""Different peaks that are drawn around, by number of items (2026-11)."""
APART = 1.0
"""Peaks nearer than this, in standard deviations, are one."""
RIDGE_MM = 4.0
"""Standard deviation of the draws where nothing but the scatter holds an item: kinks, which bend a ridge, are 15 and
22.5 mm apart (2026-11)."""
WIDENINGS = (1.0, 1.5, 4.0)
"""Draws are widened by these in turn, for ridges and kinks have longer tails than a Gaussian's (2026-11)."""
TEMPERED = 0.7
"""Power of a peak's estimated mass that decides how much of the mixture is around it."""
LEAST_NATS = -1e6
"""Stands for log 0 where no draw fell on the shelf."""
POINTS = 24
"""Draws around each peak."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Some neighbouring plates, and what is known of items that stand on them alone.

    Attributes
    ----------
    delta_g : (plates,)
        Positive for what was taken or put.
    edges_mm : (plates + 1,)
    low_mm, high_mm : float
        Where a footprint's middle can be.
    quantiles_mm : (skus, QUANTILES)
        Of where items of each SKU are sought first.
    """

    delta_g: FloatArray
    edges_mm: FloatArray
    low_mm: float
    high_mm: float
    quantiles_mm: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class ItemSets:
    """Sets of equally many items: SKU, weight and its standard deviation of every one, (sets, items)."""

    sku: IntArray
    weight_g: FloatArray
    sigma_g: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What the sum over draws came to, (sets,) each.

    Attributes
    ----------
    nats
        log p(Δ of the window, its items stand there | set), up to a constant of the window.
    draws
        How many equal draws the weighed ones are worth: few mean that the sum may have missed most of the integral.
    hope
        What the highest peak would hold if it were Gaussian, a rough upper estimate where draws are few, nats.
    """

    nats: FloatArray
    draws: FloatArray
    hope: FloatArray


def evidence(window: Window, sets: ItemSets, standing: Standing, points: int) -> Evidence:
    """Return how well every set explains the window, by so many draws around each peak."""
    number = sets.sku.shape[1]
    x = _in_order(sets, _peaks(window, sets, standing, _starts(window, sets)))
    nats = _integrand(window, sets, standing, x)
    _, precision = _slopes(window, sets, standing, x, SECANT_MM[-1])
    nats -= 0.5 * np.linalg.slogdet(precision)[1]
    hope = nats.max(axis=1) + number / 2 * np.log(2 * np.pi) + _orders(sets)
    precision = precision + np.eye(number) * (RIDGE_MM**-2 - standing.sigma_mm**-2)
    x, precision, share = _distinct(x, precision, nats, PEAKS[number])
    drawn, density = _draw(x, precision, share, points)
    flat = drawn.reshape(len(x), -1, number)
    nats = _integrand(window, sets, standing, flat)
    for place, same in enumerate(_alike(sets)):
        nats = np.where(same & (flat[..., place] > flat[..., place + 1]), -np.inf, nats)
    nats = nats.reshape(density.shape)
    top = np.maximum(nats.max(axis=(1, 2), keepdims=True), LEAST_NATS)
    weight = share[:, :, None] * np.exp(nats - top) / np.maximum(density, np.finfo(float).tiny)
    total = weight.sum(axis=(1, 2))
    worth = total**2 / np.maximum((weight**2).sum(axis=(1, 2)), np.finfo(float).tiny)
    with np.errstate(divide="ignore"):
        return Evidence(np.log(total / points) + top[:, 0, 0] + _orders(sets), worth, hope)


def _draw(x: FloatArray, precision: FloatArray, share: FloatArray, points: int) -> tuple[FloatArray, FloatArray]:
    """Return draws around every peak, (sets, peaks, points, items), and their density in the mixture of all peaks."""
    number = x.shape[-1]
    root = np.linalg.inv(np.linalg.cholesky(precision)).swapaxes(-1, -2)
    wide = np.resize(WIDENINGS, points)
    drawn = x[:, :, None] + np.einsum("hkij,pj->hkpi", root, wide[:, None] * normal_points(points, number))
    away = drawn[:, :, :, None] - x[:, None, None]
    scaled = np.einsum("hkpli,hlij,hkplj->hkpl", away, precision, away)
    height = np.exp(0.5 * np.linalg.slogdet(precision)[1]) * share
    mixed = sum(np.mean(wide == each) * np.exp(-0.5 * scaled / each**2) / each**number for each in WIDENINGS)
    density: FloatArray = (mixed * height[:, None, None]).sum(axis=-1) / (2 * np.pi) ** (number / 2)
    return drawn, density


def _alike(sets: ItemSets) -> list[npt.NDArray[np.bool_]]:
    """Return for every item but the last whether the next one is of the same SKU, (sets, 1) each."""
    return [sets.sku[:, place, None] == sets.sku[:, place + 1, None] for place in range(sets.sku.shape[1] - 1)]


def _orders(sets: ItemSets) -> FloatArray:
    """Return log of in how many orders the items of equal SKUs can stand, (sets,)."""
    run, nats = np.ones(len(sets.sku)), np.zeros(len(sets.sku))
    for same in _alike(sets):
        run = np.where(same[:, 0], run + 1, 1.0)
        nats += np.log(run)
    return nats


def _in_order(sets: ItemSets, x: FloatArray) -> FloatArray:
    """Return the places with those of equal SKUs in rising order: one of the integrand's equal peaks stands for all."""
    x, alike = x.copy(), _alike(sets)
    for last in range(len(alike), 0, -1):
        for place in range(last):
            low, high = x[..., place].copy(), x[..., place + 1].copy()
            swap = alike[place] & (low > high)
            x[..., place], x[..., place + 1] = np.where(swap, high, low), np.where(swap, low, high)
    return x


def _starts(window: Window, sets: ItemSets) -> FloatArray:
    """Return where to begin, (sets, starts, items): spread over each item's places, moved to the centre of mass."""
    number = sets.sku.shape[1]
    level = uniform_points(STARTS[number], number) * (QUANTILES - 1)
    left = np.minimum(level.astype(np.int64), QUANTILES - 2)
    table = window.quantiles_mm
    low, high = table[sets.sku[:, None], left], table[sets.sku[:, None], left + 1]
    x = low + (high - low) * (level - left)
    weight_g = sets.weight_g[:, None]
    middles = (window.edges_mm[1:] + window.edges_mm[:-1]) / 2
    centre_mm = window.delta_g @ middles / window.delta_g.sum()
    off_mm = centre_mm - (weight_g * x).sum(axis=-1, keepdims=True) / weight_g.sum(axis=-1, keepdims=True)
    moved = x + off_mm * weight_g * weight_g.sum(axis=-1, keepdims=True) / (weight_g**2).sum(axis=-1, keepdims=True)
    result: FloatArray = np.clip(moved, window.low_mm, window.high_mm)
    return result


def _peaks(window: Window, sets: ItemSets, standing: Standing, x: FloatArray) -> FloatArray:
    """Return the places after some Gauss-Newton steps, (sets, starts, items)."""
    for step in range(STEPS):
        gradient, precision = _slopes(window, sets, standing, x, SECANT_MM[step])
        way = np.linalg.solve(precision, gradient[..., None])[..., 0]
        x = np.clip(x + np.clip(way, -LONGEST_STEP_MM, LONGEST_STEP_MM), window.low_mm, window.high_mm)
    return x


def _slopes(
    window: Window, sets: ItemSets, standing: Standing, x: FloatArray, secant_mm: float
) -> tuple[FloatArray, FloatArray]:
    """Return gradient, (sets, starts, items), and Gauss-Newton precision of log p(Δ, places), slopes by secants."""
    shares = overlaps(x, window.edges_mm)
    ahead = overlaps(x + secant_mm, window.edges_mm) - overlaps(x - secant_mm, window.edges_mm)
    weight_g = sets.weight_g[:, None, :, None]
    slope = weight_g * ahead / (2 * secant_mm * EVENT_NOISE_G)  # of the readings, per mm and in units of the noise
    spread = sets.sigma_g[:, None, :, None] * shares / EVENT_NOISE_G
    miss = (window.delta_g - (weight_g * shares).sum(axis=-2)) / EVENT_NOISE_G
    # R⁻¹ = I − Bᵀ (I + B Bᵀ)⁻¹ B for R = I + Bᵀ B, B being the masses' spread.
    across = spread @ slope.swapaxes(-1, -2)
    inner = spread @ spread.swapaxes(-1, -2) + np.eye(x.shape[-1])
    side = np.concatenate([across, (spread @ miss[..., None])], axis=-1)
    taken = across.swapaxes(-1, -2) @ np.linalg.solve(inner, side)
    precision = slope @ slope.swapaxes(-1, -2) - taken[..., :-1] + np.eye(x.shape[-1]) / standing.sigma_mm**2
    gradient = (slope @ miss[..., None])[..., 0] - taken[..., -1] + standing.slope(sets.sku[:, None], x)
    return gradient, precision


def _integrand(window: Window, sets: ItemSets, standing: Standing, x: FloatArray) -> FloatArray:
    """Return log ∏ p(x) · N(Δ; …) at places (sets, places, items), the constant of the window left out."""
    shares = overlaps(x, window.edges_mm)
    miss = (window.delta_g - (sets.weight_g[:, None, :, None] * shares).sum(axis=-2)) / EVENT_NOISE_G
    spread = sets.sigma_g[:, None, :, None] * shares / EVENT_NOISE_G
    nats = standing.nats(sets.sku[:, None], x).sum(axis=-1) - 0.5 * (miss**2).sum(axis=-1)
    # The Cholesky factor of I + B Bᵀ and L⁻¹ B·miss, row by row: far quicker on many small matrices than LAPACK.
    number = x.shape[-1]
    inner = spread @ spread.swapaxes(-1, -2) + np.eye(number)
    seen = (spread @ miss[..., None])[..., 0]
    result: FloatArray = nats
    root: dict[tuple[int, int], FloatArray] = {}
    solved: list[FloatArray] = []
    for row in range(number):
        for column in range(row + 1):
            left = inner[..., row, column] - sum(
                (root[row, k] * root[column, k] for k in range(column)), start=np.zeros(1)
            )
            root[row, column] = np.sqrt(left) if row == column else left / root[column, column]
        known = sum((root[row, k] * solved[k] for k in range(row)), start=np.zeros(1))
        solved.append((seen[..., row] - known) / root[row, row])
        result = result + 0.5 * solved[-1] ** 2 - np.log(root[row, row])
    return result


def _distinct(
    x: FloatArray, precision: FloatArray, nats: FloatArray, peaks: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the highest peaks that are not one another, their precision, and how much is drawn around each."""
    left = nats.copy()
    sets = np.arange(len(x))
    chosen, scores = [], []
    for _ in range(peaks):
        best = left.argmax(axis=1)
        chosen.append(best)
        scores.append(left[sets, best])
        away = x - x[sets, best][:, None]
        apart = np.einsum("hki,hij,hkj->hk", away, precision[sets, best], away)
        left = np.where(apart < APART**2, -np.inf, left)
    pick = np.stack(chosen, axis=1)
    score = np.stack(scores, axis=1)
    height = np.exp(TEMPERED * np.maximum(score - score[:, :1], -700.0)) * np.isfinite(score)
    share: FloatArray = height / height.sum(axis=1, keepdims=True)
    rows = sets[:, None]
    return x[rows, pick], precision[rows, pick], share

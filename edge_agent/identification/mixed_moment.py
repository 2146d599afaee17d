"""What four corner cells say of how many places a load came from: the mixed moment.

With signed masses mᵢ at levers uᵢ across and vᵢ along (−1 over the cells of one side, 1 over the other's) the corners
read, up to a linear map, T = Σ mᵢ, U = Σ mᵢ uᵢ, V = Σ mᵢ vᵢ and W = Σ mᵢ uᵢ vᵢ. One object has W = U·V/T, whatever its
place; several have not. A Gaussian with W's prior moments cannot know that. So W is predicted from this very reading:
given T, the masses; given U and V, which are linear in the places, the levers, u apart from v; and then

    E[W] = Σ m̂ û v̂        Var[W] = Σᵢⱼ m̂ᵢ m̂ⱼ (ûᵢ ûⱼ Cᵥ + v̂ᵢ v̂ⱼ Cᵤ + Cᵤ ∘ Cᵥ)ᵢⱼ

the moments of a sum of products of independent Gaussians (Bohrnstedt and Goldberger 1969, JASA 64, 1439). Terms of n
items enter by the sums of their levers, S = Σ u and R = Σ v: Σ u v = S R / n + ε with Var ε = (n − 1)·Var u·Var v.
"""

import numpy as np

from edge_agent.identification.gaussian import MIN_VARIANCE_G2
from edge_agent.identification.region_units import RegionUnits
from edge_agent.model import FloatArray, IntArray

LEAST_SIGMAS = 10.0
"""A foreign thing is taken for one object in one place from so many sigmas of its weight on (2026-11)."""


class MixedMoment:
    """Replaces the mixed moment of a platform's explanations by what this reading foretells of it.

    Parameters
    ----------
    units : RegionUnits
        Of a region with four corner cells.
    x_mm, y_mm : (4,)
        Where they stand.
    """

    def __init__(self, units: RegionUnits, x_mm: FloatArray, y_mm: FloatArray) -> None:
        across, along = np.sign(x_mm - x_mm.mean()), np.sign(y_mm - y_mm.mean())
        self.map = np.stack([np.ones(4), across, along, across * along])
        """Corners → (T, U, V, W); its inverse is its transpose over 4."""
        every = units.on(np.ones(4, dtype=np.bool_))
        total = every.first[..., 0]
        heavy = np.where(total > 0, total, 1.0)
        self._mass = total
        levers = every.mean_g @ self.map[1:3].T / heavy[..., None]
        self._u, self._v = levers[..., 0], levers[..., 1]
        # Cov = σ²(ḡḡᵀ + Γ) + m²Γ along a lever: d = (that − σ² ḡ²) / (σ² + m²), with σ² the variance of the total.
        self._spread = every.second[..., 0]
        power = np.where(total > 0, self._spread + total**2, 1.0)
        along_lever = np.einsum("ri,skij,rj->skr", self.map[1:3], every.covariance_g2, self.map[1:3])
        place = (along_lever - self._spread[..., None] * levers**2) / power[..., None]
        self._du, self._dv = (np.maximum(place[..., each], 0.0) for each in (0, 1))

    def foretell(
        self,
        change_g: FloatArray,
        noise_g2: FloatArray,
        terms: tuple[IntArray, IntArray, IntArray],
        mean_g: FloatArray,
        covariance_g2: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        """Return mean and covariance of the corners' changes with W as foretold.

        Parameters
        ----------
        change_g, noise_g2 : (4,), (4, 4)
            The reading.
        terms : three arrays (explanations, terms) int
            SKU, spot and signed quantity.
        mean_g, covariance_g2 : (explanations, 4), (explanations, 4, 4)
            Moments of the prediction, without the measurement's own.
        """
        reading, noise = self.map @ change_g, self.map @ noise_g2 @ self.map.T
        mixed, variance = self._mixed(reading, noise, *terms)
        mean = mean_g @ self.map.T
        covariance = self.map @ covariance_g2 @ self.map.T
        mean[:, 3] = mixed
        covariance[:, 3, :] = 0.0
        covariance[:, :, 3] = 0.0
        covariance[:, 3, 3] = variance
        return mean @ self.map / 4, self.map.T @ covariance @ self.map / 16

    def one_object(
        self, change_g: FloatArray, noise_g2: FloatArray, covariance_g2: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return mean, (4,), and covariance, (n, 4, 4), of a load of unknown weight that stands in one place."""
        reading, noise = self.map @ change_g, self.map @ noise_g2 @ self.map.T
        if reading[0] ** 2 <= LEAST_SIGMAS**2 * max(noise[0, 0], MIN_VARIANCE_G2):
            return np.zeros(4), covariance_g2
        u, v = np.clip(reading[1:3] / reading[0], -1.5, 1.5)
        covariance = self.map @ covariance_g2 @ self.map.T
        covariance[:, 3, :] = 0.0
        covariance[:, :, 3] = 0.0
        covariance[:, 3, 3] = v**2 * noise[1, 1] + u**2 * noise[2, 2] + (u * v) ** 2 * noise[0, 0]
        mean = np.array([0.0, 0.0, 0.0, u * v * reading[0]]) @ self.map / 4
        return mean, self.map.T @ covariance @ self.map / 16

    def _mixed(
        self, reading: FloatArray, noise: FloatArray, sku: IntArray, spot: IntArray, quantity: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return W's mean and its variance without the reading's noise of W, (explanations,) each."""
        number = np.abs(quantity).astype(np.float64)
        several = np.maximum(number, 1.0)
        mass, spread = np.sign(quantity) * self._mass[spot, sku], self._spread[spot, sku]
        loose = number * spread
        known = loose.sum(axis=1) + max(noise[0, 0], MIN_VARIANCE_G2)
        mass = mass + spread * ((reading[0] - (number * mass).sum(axis=1)) / known)[:, None]

        def by_masses(lever: FloatArray) -> FloatArray:
            """Return the variance of Σ m·lever that the masses leave, given the total."""
            left: FloatArray = (loose * lever**2).sum(axis=1) - (loose * lever).sum(axis=1) ** 2 / known
            return left

        sums, variances = [], []
        for moment, lever, place in ((1, self._u, self._du), (2, self._v, self._dv)):
            middle, wide = number * lever[spot, sku], number * place[spot, sku]
            arm = mass * wide
            noise_g2 = max(noise[moment, moment], MIN_VARIANCE_G2)
            seen = (mass * arm).sum(axis=1) + by_masses(lever[spot, sku]) + noise_g2
            gain = arm / seen[:, None]
            sums.append(middle + gain * (reading[moment] - (mass * middle).sum(axis=1))[:, None])
            variances.append(-gain[:, :, None] * arm[:, None, :])
            diagonal = np.arange(wide.shape[1])
            variances[-1][:, diagonal, diagonal] += wide
        (s, r), (cs, cr) = sums, variances
        each = mass / several
        mixed = (each * s * r).sum(axis=1)
        kernel = s[:, :, None] * s[:, None, :] * cr + r[:, :, None] * r[:, None, :] * cs + cs * cr
        variance = np.einsum("hi,hij,hj->h", each, kernel, each)
        apart = self._du[spot, sku] * self._dv[spot, sku]
        variance += (mass**2 * np.maximum(number - 1, 0) * apart).sum(axis=1)
        variance += by_masses(s * r / several**2)
        return mixed, np.maximum(variance, 0.0)

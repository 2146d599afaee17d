"""The plate on its cells: a mass on springs that rings after every touch."""

from dataclasses import dataclass

import numpy as np

from edge_agent.model import FloatArray
from edge_agent.simulation.recursion import first_order


@dataclass(frozen=True, slots=True)
class RingingMode:
    """One resonance. ``share`` is how much of the static deflection moves in it; the modes' shares sum to 1."""

    frequency_hz: float
    damping_ratio: float
    share: float = 1.0


class Plate:
    """Second-order response of each channel to the force on it; one or more modes in parallel.

    d²x/dt² + 2ζω dx/dt + ω² x = ω² f in modal form: with the complex pole p = −ζω + iω√(1−ζ²) and dz/dt = p z + f,
    x = 2 Re(r z), r = ω² / (2i Im p). Exact for a force that is constant over a step, so no step is too long for it.

    Parameters
    ----------
    modes : tuple of RingingMode
        Underdamped (damping ratio below 1).
    detuning : (channels,)
        Factor on every mode's frequency: no two mounts are equally stiff.
    """

    def __init__(self, modes: tuple[RingingMode, ...], detuning: FloatArray) -> None:
        self._poles = []
        self._residues = []
        for mode in modes:
            omega = 2 * np.pi * mode.frequency_hz * detuning
            pole = omega * complex(-mode.damping_ratio, np.sqrt(1 - mode.damping_ratio**2))
            self._poles.append(pole)
            self._residues.append(mode.share * omega**2 / (2j * pole.imag))
        self._state = [np.zeros(len(detuning), dtype=np.complex128) for _ in modes]

    def rest(self, force_g: FloatArray) -> None:
        """Take up the state of a plate that has long stood still under ``force_g`` (channels,)."""
        self._state = [-force_g / pole for pole in self._poles]

    def respond(self, force_g: FloatArray, step_s: float) -> FloatArray:
        """Return what reaches the cells, g, (n, channels), at the end of each step of ``step_s`` under ``force_g``."""
        borne = np.zeros(force_g.shape)
        for mode, (pole, residue) in enumerate(zip(self._poles, self._residues, strict=True)):
            factor = np.exp(pole * step_s)
            ringing = first_order(factor, self._state[mode], (factor - 1) / pole * force_g)
            self._state[mode] = ringing[-1]
            borne += 2 * (residue * ringing).real
        return borne

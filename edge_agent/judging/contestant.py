"""Who plays against the oracle: what a contestant is told, and what it must answer."""

from dataclasses import dataclass
from typing import Protocol

from edge_agent.judging.bills import Bill
from edge_agent.judging.habits import FloatArray
from edge_agent.judging.hardware import Hardware
from edge_agent.judging.suites import Shelf


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What the sensors say of one act.

    Attributes
    ----------
    number : int
        Of the act in its suite.
    delta_g : (channels,)
        Change of every channel, positive onto the shelf; its noise is the hardware's ``covariance_g2``.
    words : tuple of (skus,) arrays
        A camera's log p(descriptor | SKU), empty without one.
    """

    number: int
    delta_g: FloatArray
    words: tuple[FloatArray, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a contestant makes of an act.

    Attributes
    ----------
    bill : Bill
        Its best guess, whether billed or proposed to a reviewer; empty for "something else".
    confidence : float
        Its probability; a contestant that has none may rank its answers by any number.
    reasons : tuple of str
        Why a person should look at it; empty where it would be billed automatically.
    """

    bill: Bill
    confidence: float
    reasons: tuple[str, ...] = ()

    @property
    def reviewed(self) -> bool:
        """Return whether a person decides."""
        return bool(self.reasons)


class Contestant(Protocol):
    """One way to tell acts from weights."""

    @property
    def name(self) -> str:
        """Return the name in the table."""

    @property
    def calibrated(self) -> bool:
        """Return whether its confidence claims to be a probability."""

    def meet(self, shelf: Shelf, hardware: Hardware) -> None:
        """Be told planogram, catalogue and hardware of the acts that follow."""

    def answer(self, evidence: Evidence) -> Answer:
        """Say what one act was."""

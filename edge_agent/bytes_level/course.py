"""What befalls a unit's boards and its agent while shoppers go on."""

import math
from dataclasses import dataclass
from typing import Literal

from edge_agent.vocabulary import Mode


@dataclass(frozen=True, slots=True)
class CellFault:
    """One input that is not itself from an instant on.

    ``stuck`` repeats the reading it had; ``noisy`` adds white noise of ``noise_g`` to every reading; ``silent``
    converts no more, and its board says so.
    """

    board_uid: str
    board_input: int
    from_s: float
    kind: Literal["stuck", "noisy", "silent"]
    noise_g: float = 0.0


@dataclass(frozen=True, slots=True)
class Gap:
    """A time for which a board drops its readings, and counts them; all else of it goes on."""

    board_uid: str
    from_s: float
    lasts_s: float


@dataclass(frozen=True, slots=True)
class Away:
    """A time without an agent. ``power_cut``: boards are dark too, and what was not committed is lost."""

    from_s: float
    until_s: float
    power_cut: bool


@dataclass(frozen=True, slots=True)
class Course:
    """All of it, in world time; nothing at all by default.

    Attributes
    ----------
    modes : tuple of (s, Mode)
        Commands by which staff change what the shelf is for, in order of time; it begins by selling.
    lost_boards : tuple of (board uid, s)
        Boards whose cable is pulled, and when.
    """

    modes: tuple[tuple[float, Mode], ...] = ()
    gaps: tuple[Gap, ...] = ()
    lost_boards: tuple[tuple[str, float], ...] = ()
    cell_faults: tuple[CellFault, ...] = ()
    away: Away | None = None

    def mode_at(self, t_s: float) -> Mode:
        """Return what the shelf is for at an instant."""
        return next((mode for from_s, mode in reversed(self.modes) if from_s <= t_s), Mode.SELLING)

    def unseen(self, t_s: float) -> bool:
        """Return whether nobody watches at an instant."""
        return self.away is not None and self.away.from_s <= t_s < self.away.until_s

    def faults_of(self, board_uid: str) -> tuple[CellFault, ...]:
        """Return what is wrong with a board's inputs."""
        return tuple(each for each in self.cell_faults if each.board_uid == board_uid)

    def lost_from_s(self, board_uid: str) -> float:
        """Return from when on a board is not heard."""
        return min((from_s for uid, from_s in self.lost_boards if uid == board_uid), default=math.inf)


UNDISTURBED = Course()

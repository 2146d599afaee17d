"""One line of the benchmark table: a figure beside a named peer, measured in the same run."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Row:
    """A measured figure; ``ratio`` says how much better than the peer (peer_value / value), None without a peer."""

    name: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    goal: str = ""

    @property
    def ratio(self) -> float | None:
        """Return peer_value / value: above 1 is better than the peer for costs."""
        return None if self.peer_value is None or not self.value else self.peer_value / self.value

    def as_json(self) -> dict[str, object]:
        """Return the row as build/bench.json keeps it."""
        return {**asdict(self), "ratio": self.ratio}


def paired_medians(
    ours: Callable[[], None], peers: Callable[[], None], *, rounds: int = 7, repeat: tuple[int, int] = (1, 1)
) -> tuple[float, float]:
    """Time two callables in turn, A B A B …, and return each one's median CPU seconds for a single call.

    ``repeat`` is how often each is called within one timing.
    """
    seconds: tuple[list[float], list[float]] = ([], [])
    ours()
    peers()
    for _ in range(rounds):
        for place, call in enumerate((ours, peers)):
            started = time.process_time()
            for _ in range(repeat[place]):
                call()
            seconds[place].append((time.process_time() - started) / repeat[place])
    return median(seconds[0]), median(seconds[1])

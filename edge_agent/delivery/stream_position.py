"""What the uplink reads from the outbox: rows to send, and where the stream stands."""

from dataclasses import dataclass
from typing import NamedTuple

from edge_agent.delivery.wire import LearnedWeight
from edge_agent.model import Stock


class UnconfirmedRow(NamedTuple):
    """An event that the ledger has not confirmed, as it goes out."""

    sequence: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Position:
    """Where the stream stands at one moment; belief and proposals are those after event ``last_sequence``."""

    stream_id: str
    watermark: int
    last_sequence: int
    stock: Stock
    proposals: tuple[LearnedWeight, ...]

    @property
    def depth(self) -> int:
        """Return how many events wait for the ledger."""
        return self.last_sequence - self.watermark

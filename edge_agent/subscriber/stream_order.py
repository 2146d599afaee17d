"""Order out of what a broker delivers: each stream's events once and by sequence, gaps named rather than hidden.

No clock and no socket inside: instants come in as seconds of any monotonic clock.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from edge_agent.delivery.wire import CloudEvent

GAP_WAIT_S: Final = 10.0
"""An agent sends an unconfirmed event again after 2, 4 and 8 s at most; later it is with the ledger alone (2026-11)."""
HELD_AT_MOST: Final = 2000
"""Events of one stream waiting behind a gap: twice what an agent sends beyond the watermark (2026-11)."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Events that will not come by the broker any more; the ledger has them."""

    source: str
    first: int
    last: int


@dataclass(slots=True)
class _Stream:
    next_sequence: int
    held: dict[int, CloudEvent] = field(default_factory=dict)
    gap_since_s: float | None = None


class StreamOrder:
    """Takes events as they arrive, gives them in order.

    Parameters
    ----------
    since : mapping source → sequence
        The last event that the subscriber has handled already; a stream that is not listed begins with the first
        event that arrives.
    """

    def __init__(self, since: Mapping[str, int] | None = None) -> None:
        self.duplicates = 0
        self._streams = {source: _Stream(sequence + 1) for source, sequence in (since or {}).items()}
        self._ready: deque[CloudEvent | Missed] = deque()

    def arrive(self, event: CloudEvent, now_s: float) -> bool:
        """Take an event; return whether it will be given out, or was seen before."""
        stream = self._streams.setdefault(event.source, _Stream(event.sequence_number))
        sequence = event.sequence_number
        if sequence < stream.next_sequence or sequence in stream.held:
            self.duplicates += 1
            return False
        stream.held[sequence] = event
        self._release(stream)
        if stream.held and stream.gap_since_s is None:
            stream.gap_since_s = now_s
        if len(stream.held) > HELD_AT_MOST:
            self._skip(event.source, stream)
        return True

    def pass_time(self, now_s: float) -> None:
        """Give up on gaps that were waited for long enough."""
        for source, stream in self._streams.items():
            if stream.gap_since_s is not None and now_s - stream.gap_since_s >= GAP_WAIT_S:
                self._skip(source, stream)
                if stream.held:
                    stream.gap_since_s = now_s

    def take(self) -> CloudEvent | Missed | None:
        """Return what comes next, or None while there is nothing."""
        return self._ready.popleft() if self._ready else None

    def _release(self, stream: _Stream) -> None:
        while (event := stream.held.pop(stream.next_sequence, None)) is not None:
            self._ready.append(event)
            stream.next_sequence += 1
        if not stream.held:
            stream.gap_since_s = None

    def _skip(self, source: str, stream: _Stream) -> None:
        first_held = min(stream.held)
        self._ready.append(Missed(source, stream.next_sequence, first_held - 1))
        stream.next_sequence = first_held
        stream.gap_since_s = None
        self._release(stream)

"""Which streams have stood at a gap for how long: said once each, not once a turn."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(slots=True)
class _Stream:
    watermark: int = 0
    newest: int = 0
    since_s: float | None = None
    said: bool = False


class GapWatch:
    """Compares what has arrived with what is confirmed; instants are seconds of any monotonic clock."""

    def __init__(self) -> None:
        self._streams: dict[str, _Stream] = {}

    def arrived(self, source: str, sequence: int) -> None:
        """Note an event of a stream."""
        stream = self._streams.setdefault(source, _Stream())
        stream.newest = max(stream.newest, sequence)

    def confirmed(self, source: str, watermark: int, now_s: float) -> None:
        """Note a stream's watermark: any progress starts the wait anew."""
        stream = self._streams.setdefault(source, _Stream())
        if watermark >= stream.newest:
            stream.since_s = None
        elif stream.since_s is None or watermark > stream.watermark:
            stream.since_s = now_s
            stream.said = False
        stream.watermark = watermark

    def long_standing(self, now_s: float, wait_s: float) -> Iterator[tuple[str, int, int]]:
        """Yield (source, watermark, newest) of each gap that has stood for ``wait_s`` and was not yielded before."""
        for source, stream in self._streams.items():
            if stream.since_s is not None and not stream.said and now_s - stream.since_s >= wait_s:
                stream.said = True
                yield source, stream.watermark, stream.newest

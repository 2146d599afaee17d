"""Run a recording through the pipeline: the same code, the same order, the same events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge_agent.errors import RecordingError
from edge_agent.model import Decision, HealthTransition, ItemEvent, Output, instant_ns
from edge_agent.pipeline import Pipeline
from edge_agent.recording.codec import encode
from edge_agent.recording.reader import RecordedEvent, RecordingReader


@dataclass(slots=True)
class Replay:
    """What a recording led to.

    Attributes
    ----------
    first_ns : int
        Instant of the first message: tables count from it.
    recorded : list of bytes
        The events as the recording agent decided them, canonical JSON; empty when the recording holds none.
    """

    first_ns: int = 0
    last_ns: int = 0
    message_count: int = 0
    events: list[ItemEvent] = field(default_factory=list)
    transitions: list[HealthTransition] = field(default_factory=list)
    recorded: list[bytes] = field(default_factory=list)
    truncated: bool = False

    @property
    def payloads(self) -> list[bytes]:
        """Return the replayed events in canonical JSON."""
        return [encode(event) for event in self.events]


def replay(path: Path, *, partial: bool = False, progress: Callable[[int], object] = id) -> Replay:
    """Replay a recording at full speed; ``progress`` hears the number of messages now and then."""
    reader = RecordingReader(path, partial=partial)
    pipeline = Pipeline(reader.start.site, reader.start.initial)
    result = Replay()
    for entry in reader:
        if isinstance(entry, RecordedEvent):
            result.recorded.append(entry.payload)
            continue
        result.first_ns = result.first_ns or instant_ns(entry)
        result.last_ns = max(result.last_ns, instant_ns(entry))
        result.message_count += 1
        try:
            outputs = pipeline.step(entry)
        except (ValueError, IndexError, ArithmeticError) as error:
            # What the link would never deliver: a block of another width than its board announced, a rate of 0 …
            raise RecordingError(
                f"{path}: message {result.message_count} contradicts the ones before: {error}"
            ) from error
        _keep(result, outputs)
        if result.message_count % 1000 == 0:
            progress(result.message_count)
    result.truncated = reader.truncated
    if not result.truncated:  # an agent that was cut off concluded nothing either
        _keep(result, pipeline.conclude())
    return result


def _keep(result: Replay, outputs: Sequence[Output]) -> None:
    for output in outputs:
        if isinstance(output, Decision):
            result.events.append(output.event)
        elif isinstance(output, HealthTransition):
            result.transitions.append(output)

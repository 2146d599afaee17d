"""Write a recording: the start state first, then every message as it is consumed, then the events it caused."""

import contextlib
from pathlib import Path
from types import TracebackType
from typing import Self

from mcap.writer import CompressionType, Writer

from edge_agent.config import Site
from edge_agent.errors import RecordingError
from edge_agent.model import (
    AdcSamples,
    AuxReading,
    BoardDown,
    BoardUp,
    Decision,
    InitialState,
    ItemEvent,
    LinkQuality,
    Message,
    Output,
    instant_ns,
)
from edge_agent.recording.codec import MESSAGE_TYPES, encode, json_schema
from edge_agent.version import software_version

FORMAT = "1"
START_RECORD = "edge-agent/start"
PROFILE = "shelf-edge-agent"


class RecordingWriter:
    """An MCAP file in the making; closing it writes the index.

    Parameters
    ----------
    path : Path
        Must not exist: a recording is evidence and is never overwritten.

    Raises
    ------
    RecordingError
        When the file exists or cannot be written.
    """

    def __init__(self, path: Path, site: Site, initial: InitialState) -> None:
        try:
            self._stream = path.open("xb")
        except FileExistsError as error:
            raise RecordingError(f"{path}: exists already; a recording is never overwritten, name another") from error
        except OSError as error:
            raise RecordingError(f"{path}: cannot be written: {error.strerror}") from error
        self.path = path
        self.message_count = 0
        self._writer = Writer(self._stream, compression=CompressionType.ZSTD)
        self._writer.start(profile=PROFILE, library=f"shelf-edge-agent {software_version()}")
        start = {"format": FORMAT, "software": software_version()}
        start |= {"site": encode(site).decode(), "initial": encode(initial).decode()}
        self._writer.add_metadata(START_RECORD, start)
        self._schemas: dict[str, int] = {}
        self._channels: dict[str, int] = {}

    def consumed(self, message: Message) -> None:
        """Append a message that the pipeline is about to consume."""
        self._append(_topic(message), type(message).__name__, instant_ns(message), encode(message))
        self.message_count += 1

    def produced(self, output: Output) -> None:
        """Append an event that the messages so far led to: what a replay must reproduce."""
        if isinstance(output, Decision):
            event = output.event
            self._append(f"/events/{event.shelf_id}", ItemEvent.__name__, event.t_end_ns, encode(event))

    def close(self) -> None:
        """Write the index and close; a file without it counts as truncated."""
        if self._stream.closed:
            return
        try:
            self._writer.finish()  # type: ignore[no-untyped-call]
            self._stream.close()
        except OSError as error:
            with contextlib.suppress(OSError):
                self._stream.close()
            raise RecordingError(f"{self.path}: recording stopped: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, topic: str, type_name: str, t_ns: int, payload: bytes) -> None:
        channel = self._channels.get(topic)
        if channel is None:
            schema = self._schemas.get(type_name)
            if schema is None:
                kind = MESSAGE_TYPES.get(type_name, ItemEvent)
                schema = self._writer.register_schema(type_name, "jsonschema", json_schema(kind))
                self._schemas[type_name] = schema
            channel = self._channels[topic] = self._writer.register_channel(topic, "json", schema)
        try:
            self._writer.add_message(channel, log_time=t_ns, publish_time=t_ns, data=payload)
        except OSError as error:
            raise RecordingError(f"{self.path}: recording stopped: {error.strerror}") from error


def _topic(message: Message) -> str:
    kind = type(message).__name__
    if isinstance(message, (AdcSamples, AuxReading, BoardUp, BoardDown, LinkQuality)):
        return f"/boards/{message.board_uid or 'unknown'}/{kind}"
    return f"/{kind}"

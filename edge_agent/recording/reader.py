"""Read a recording back in the order in which it was consumed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from mcap.records import Channel, Footer, Header, McapRecord, Metadata, Schema
from mcap.records import Message as McapMessage
from mcap.stream_reader import StreamReader

from edge_agent.config import Site
from edge_agent.errors import RecordingError
from edge_agent.model import InitialState, ItemEvent, Message
from edge_agent.recording.codec import MESSAGE_TYPES, decode_initial, decode_message, decode_site
from edge_agent.recording.writer import FORMAT, START_RECORD


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event as the recording agent decided it, in canonical JSON."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class RecordingStart:
    """What the recording agent knew before its first message."""

    site: Site
    initial: InitialState
    software: str


class RecordingReader:
    """A recording on disk.

    Parameters
    ----------
    path : Path
    partial : bool
        Accept a file that ends in the middle (power cut while recording) and yield what is whole.

    Raises
    ------
    RecordingError
        When the file is missing, no MCAP, not this agent's, of another format version, damaged or truncated. The last
        two show only while reading.
    """

    def __init__(self, path: Path, *, partial: bool = False) -> None:
        self.path = path
        self._partial = partial
        self.truncated = False
        self._records = self._read()
        self.start = self._read_start()

    def __iter__(self) -> Iterator[Message | RecordedEvent]:
        """Yield messages and recorded events in the order in which they were written; once."""
        schemas: dict[int, str] = {}
        channels: dict[int, str] = {}
        for record in self._records:
            if isinstance(record, Schema):
                schemas[record.id] = record.name
            elif isinstance(record, Channel):
                channels[record.id] = schemas.get(record.schema_id, "")
            elif isinstance(record, McapMessage):
                yield self._decode(channels.get(record.channel_id, ""), record)

    def _decode(self, type_name: str, record: McapMessage) -> Message | RecordedEvent:
        if type_name == ItemEvent.__name__:
            return RecordedEvent(bytes(record.data))
        if type_name not in MESSAGE_TYPES:
            raise RecordingError(f"{self.path}: holds messages of type {type_name!r} that this version does not know")
        try:
            return decode_message(type_name, bytes(record.data))
        except (msgspec.MsgspecError, ValueError) as error:
            raise RecordingError(f"{self.path}: a {type_name} message is damaged: {error}") from error

    def _read(self) -> Iterator[McapRecord]:
        count = 0
        complete = False
        try:
            with self.path.open("rb") as stream:
                for record in StreamReader(stream, validate_crcs=True).records:
                    complete = complete or isinstance(record, Footer)
                    count += isinstance(record, McapMessage)
                    yield record
        except OSError as error:
            raise RecordingError(f"{self.path}: cannot be read: {error.strerror}") from error
        except Exception as error:  # the library raises struct.error, zstd errors and its own for a cut or damaged file
            if count == 0 and not self._is_mcap():
                raise RecordingError(f"{self.path}: is no MCAP recording") from error
            if not self._partial:
                raise RecordingError(
                    f"{self.path}: ends or breaks in the middle, {count} messages are whole "
                    f"({type(error).__name__}); read those with --partial"
                ) from error
        if not complete:
            if not self._partial:
                raise RecordingError(f"{self.path}: ends in the middle, {count} messages are whole; use --partial")
            self.truncated = True

    def _is_mcap(self) -> bool:
        with self.path.open("rb") as stream:
            return stream.read(5) == b"\x89MCAP"

    def _read_start(self) -> RecordingStart:
        for record in self._records:
            if isinstance(record, Metadata) and record.name == START_RECORD:
                return self._decode_start(record.metadata)
            if not isinstance(record, Header):
                break
        if self.truncated:
            raise RecordingError(f"{self.path}: ends before its first message; nothing in it can be read")
        raise RecordingError(f"{self.path}: is an MCAP file of another program (no {START_RECORD} record)")

    def _decode_start(self, start: dict[str, str]) -> RecordingStart:
        version = start.get("format")
        if version != FORMAT:
            raise RecordingError(f"{self.path}: recording format {version}, this version reads {FORMAT}")
        try:
            site, initial = decode_site(start["site"].encode()), decode_initial(start["initial"].encode())
        except (KeyError, msgspec.MsgspecError, ValueError) as error:
            raise RecordingError(f"{self.path}: its start record is damaged: {error}") from error
        return RecordingStart(site, initial, start.get("software", "unknown"))

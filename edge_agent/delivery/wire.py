"""What travels over MQTT: every payload as a bounded type, and the one way to read one.

A subscriber needs nothing but msgspec for this. Reading is strict about size and types and lenient about fields it
does not know: v1 only ever grows. JSON has no NaN or infinity; a number that is missing is absent.
Signs: a quantity and a mass change are positive *onto* the shelf.
"""

from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from edge_agent.errors import EdgeAgentError
from edge_agent.vocabulary import EventKind, Mode, Severity, Verdict

MAX_EVENT_BYTES: Final = 16_384
"""An event above this is not sent: ten times the largest seen in simulation (1.6 kB), and well below what any broker
refuses by default (2026-11)."""
MAX_MESSAGE_BYTES: Final = 65_536
"""No payload of this contract is larger; a reader refuses before parsing."""
MAX_LEARNED: Final = 100
"""Proposals in one `info`: each is up to 0.5 kB (2026-11)."""
EVENT_TYPE: Final = "shelf.item.v1"
SEQUENCE_DIGITS: Final = 20
LAST_SEQUENCE: Final = 2**63 - 1
"""The largest a ledger's 64-bit column holds; twenty digits could name more."""

Name = Annotated[str, Meta(max_length=128)]
Instant = Annotated[str, Meta(pattern=r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z\Z")]
"""RFC 3339 in UTC with milliseconds, e.g. 2026-11-21T09:30:00.125Z."""
Text = Annotated[str, Meta(max_length=600)]
Count = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]
Sequence = Annotated[int, Meta(ge=0, le=LAST_SEQUENCE)]
Grams = Annotated[float, Meta(ge=-1e7, le=1e7)]
Millimetres = Annotated[float, Meta(ge=-1e6, le=1e6)]
Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Reasons = Annotated[tuple[Name, ...], Meta(max_length=32)]
Lanes = Annotated[dict[Name, Annotated[dict[Name, Count], Meta(max_length=200)]], Meta(max_length=2_000)]
"""lane → {sku: count}."""
Stream = Annotated[str, Meta(pattern=r"\A[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")]


class WireError(EdgeAgentError, ValueError):
    """A payload breaks the contract: too large, not JSON, a field missing, of the wrong type or out of range."""


class ItemLine(Struct, frozen=True, omit_defaults=True):
    """A number of one SKU onto (+) or off (−) one lane."""

    sku: Name
    quantity: Count
    gtin: Name | None = None
    lane: Name | None = None


class AlternativeLine(Struct, frozen=True):
    """One explanation of an act; no items at all is "something else"."""

    items: Annotated[tuple[ItemLine, ...], Meta(max_length=64)]
    probability: Probability


class DecisionLine(Struct, frozen=True, omit_defaults=True):
    """Who settles the event, and why."""

    verdict: Verdict
    reasons: Reasons = ()
    review_deadline: Instant | None = None


class RevisionSet(Struct, frozen=True):
    """Which versions the agent decided with."""

    planogram: Sequence
    catalogue: Sequence
    calibration: Annotated[dict[Name, Sequence], Meta(max_length=256)]
    software: Name


class ClockReport(Struct, frozen=True, omit_defaults=True):
    """How far the agent's UTC can be trusted; ``max_error_s`` is the kernel's bound while synchronised."""

    quality: Literal["synchronised", "unsynchronised", "unknown"]
    max_error_s: float | None = None


class ItemEventData(Struct, frozen=True, omit_defaults=True):
    """One act at a shelf, decided.

    ``confidence`` is the posterior of what would be billed; ``alternatives`` come most probable first, the chosen
    one included. ``act_id`` is unique within ``boot_id`` and links the provisional results to their final.
    """

    act_id: Name
    kind: EventKind
    mode: Mode
    items: Annotated[tuple[ItemLine, ...], Meta(max_length=64)]
    confidence: Probability
    alternatives: Annotated[tuple[AlternativeLine, ...], Meta(max_length=32)]
    grams: Grams
    sigma_g: Annotated[float, Meta(ge=0.0, le=1e7)]
    started: Instant
    ended: Instant
    decision: DecisionLine
    revisions: RevisionSet
    boot_id: Name
    clock: ClockReport
    lane: Name | None = None
    position_mm: Millimetres | None = None
    position_sigma_mm: Annotated[float, Meta(ge=0.0, le=1e6)] | None = None
    stock_before: Lanes = {}
    stock_after: Lanes = {}
    hands: Annotated[int, Meta(ge=0, le=1000)] | None = None
    witnesses: Reasons = ()
    witnesses_missing: Reasons = ()
    evidence: Annotated[tuple[Name, ...], Meta(max_length=32)] = ()
    historical: bool = False
    corrects: Name | None = None


class CloudEvent(Struct, frozen=True):
    """CloudEvents 1.0, structured JSON: one final event of an agent's ordered stream.

    ``id`` names the event for good. ``source`` and ``sequence`` are its place in a stream: contiguous from 1, in
    twenty digits. An event rescued from a damaged outbox keeps its id and gets a place in the new stream.
    """

    specversion: Literal["1.0"]
    id: Name
    source: Annotated[str, Meta(max_length=256)]
    type: Literal["shelf.item.v1"]
    subject: Name
    time: Instant
    recordedtime: Instant
    sequence: Annotated[str, Meta(pattern=r"\A[0-9]{20}\Z")]
    data: ItemEventData
    datacontenttype: Literal["application/json"] = "application/json"

    @property
    def sequence_number(self) -> int:
        """Return the place in the stream as a number."""
        return int(self.sequence)

    @property
    def stream(self) -> str:
        """Return the stream id: the last part of the source."""
        return self.source.rpartition("/")[2]


class Live(Struct, frozen=True):
    """An early word on an act in progress; its final event carries the same ``act_id``. Never billed."""

    source: Annotated[str, Meta(max_length=256)]
    subject: Name
    time: Instant
    data: ItemEventData


class Mark(Struct, frozen=True):
    """Everything that began before ``complete_through`` is decided and has a sequence up to ``last_sequence``.

    ``oldest_sequence`` is the first event the agent still holds (``last_sequence + 1`` when it holds none): a reader
    that misses anything below it must ask the ledger, not the agent.
    """

    stream: Stream
    oldest_sequence: Sequence
    last_sequence: Sequence
    complete_through: Instant
    time: Instant
    clock: ClockReport


class State(Struct, frozen=True, omit_defaults=True):
    """Whether the agent is there and whether its shelves may sell. A lower ``session`` than one seen is stale."""

    status: Literal["online", "stopped", "offline"]
    session: Sequence
    selling: Literal["yes", "degraded", "no"]
    time: Instant
    reasons: Reasons = ()


class LearnedWeight(Struct, frozen=True, omit_defaults=True):
    """A proposal: what a product's items weigh by the takes of one unit, where that contradicts the catalogue.

    ``sigma_g`` is the standard deviation of ``learned_g``, not the spread from item to item; ``since`` is the first act
    of the product under this catalogue.
    """

    sku: Name
    catalogue_g: Grams
    learned_g: Grams
    sigma_g: Grams
    events: Annotated[int, Meta(ge=1)]
    since: Instant
    gtin: Name | None = None


class Info(Struct, frozen=True):
    """What runs on the agent, where its stream stands, and which catalogue weights it contradicts."""

    stream: Stream
    oldest_sequence: Sequence
    last_sequence: Sequence
    revisions: RevisionSet
    shelves: Annotated[tuple[Name, ...], Meta(max_length=256)]
    boot_id: Name
    session: Sequence
    time: Instant
    learned: Annotated[tuple[LearnedWeight, ...], Meta(max_length=MAX_LEARNED)] = ()


class Health(Struct, frozen=True, omit_defaults=True):
    """Counters for the technician; ``outbox_age_s`` is the age of the oldest unconfirmed event."""

    stream: Stream
    last_sequence: Sequence
    watermark: Sequence
    outbox_depth: Sequence
    outbox_capacity: Sequence
    time: Instant
    outbox_age_s: float | None = None
    counters: Annotated[dict[Name, float], Meta(max_length=2_000)] = {}


class Alarm(Struct, frozen=True):
    """A fault that was raised or has cleared; all standing ones are raised again after a reconnect."""

    raised: bool
    subject: Name
    code: Name
    severity: Severity
    detail: Text
    remedy: Text
    since: Instant


class StockBelief(Struct, frozen=True):
    """What the agent believes stands on one shelf after event ``sequence`` of its stream."""

    shelf: Name
    stream: Stream
    sequence: Sequence
    lanes: Lanes
    time: Instant


class Ack(Struct, frozen=True, omit_defaults=True):
    """The ledger has recorded every event of the stream up to ``watermark``, durably.

    ``event_id`` is the event it has there (absent where that one is lost to it): an agent that holds another at that
    place runs on a restored or copied outbox, and this word is not about its events.
    """

    stream: Stream
    watermark: Sequence
    time: Instant
    event_id: Name | None = None


Payload = CloudEvent | Live | Mark | State | Info | Health | Alarm | StockBelief | Ack
_P = TypeVar("_P", CloudEvent, Live, Mark, State, Info, Health, Alarm, StockBelief, Ack)

_encoder = msgspec.json.Encoder()
_decoders: Final[dict[type[Struct], msgspec.json.Decoder[Struct]]] = {
    kind: msgspec.json.Decoder(kind) for kind in (CloudEvent, Live, Mark, State, Info, Health, Alarm, StockBelief, Ack)
}


def encode(payload: Payload) -> bytes:
    """Return the payload as UTF-8 JSON."""
    return _encoder.encode(payload)


def decode(payload: bytes, kind: type[_P]) -> _P:
    """Read a payload of one kind.

    Raises
    ------
    WireError
        Naming the field (as a JSON path) and what it must be; size is checked before a byte is parsed.
    """
    limit = MAX_EVENT_BYTES if kind is CloudEvent else MAX_MESSAGE_BYTES
    if len(payload) > limit:
        raise WireError(f"{kind.__name__}: {len(payload)} bytes; at most {limit} are read")
    try:
        decoded = _decoders[kind].decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"{kind.__name__}: {error}") from error
    contradiction = _contradiction(decoded)
    if contradiction is not None:
        raise WireError(f"{kind.__name__}: {contradiction}")
    return decoded  # type: ignore[return-value]  # the table maps each kind to its own decoder


def _contradiction(decoded: Struct) -> str | None:
    """Return what no single field's type can refuse, or None."""
    if isinstance(decoded, CloudEvent) and not 1 <= decoded.sequence_number <= LAST_SEQUENCE:
        return f"expected a sequence from 1 to {LAST_SEQUENCE} - at `$.sequence`"
    if isinstance(decoded, Mark | Info) and decoded.oldest_sequence > decoded.last_sequence + 1:
        return "expected at most last_sequence + 1 - at `$.oldest_sequence`"
    return None


def padded_sequence(sequence: int) -> str:
    """Return a sequence number as the envelope carries it: sorts as text like as number."""
    return f"{sequence:0{SEQUENCE_DIGITS}d}"

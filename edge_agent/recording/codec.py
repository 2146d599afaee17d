"""Messages and events as JSON: the same bytes for the same value, so that replays can be compared byte for byte.

JSON rather than a binary form because Foxglove plots it as it is (``counts[:][0]``), and chunks are compressed anyway.
"""

import typing
from collections.abc import Mapping
from dataclasses import replace

import msgspec
import numpy as np

from edge_agent.config import Site
from edge_agent.model import (
    LANE_CHANGES,
    AdcSamples,
    AuxReading,
    BoardDown,
    BoardUp,
    CameraCondition,
    CameraProgress,
    InitialState,
    ItemEvent,
    LinkQuality,
    Message,
    ModeChange,
    TimePassed,
    VisionObservation,
)

MESSAGE_TYPES: Mapping[str, type[Message]] = {
    kind.__name__: kind
    for kind in (
        BoardUp,
        AdcSamples,
        AuxReading,
        BoardDown,
        LinkQuality,
        ModeChange,
        TimePassed,
        VisionObservation,
        CameraProgress,
        CameraCondition,
    )
}


def _from_array(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")


def _to_array(kind: type, value: object) -> object:
    # The annotation npt.NDArray[dtype] is ndarray[shape, dtype[scalar]]; JSON's null stands for NaN.
    scalar = typing.get_args(typing.get_args(kind)[1])[0]
    return np.array(value, dtype=scalar)


_encoder = msgspec.json.Encoder(enc_hook=_from_array)
_decoders = {name: msgspec.json.Decoder(kind, dec_hook=_to_array) for name, kind in MESSAGE_TYPES.items()}
_initial_decoder = msgspec.json.Decoder(InitialState, dec_hook=_to_array)
_site_decoder = msgspec.json.Decoder(Site)


def encode(value: Message | ItemEvent | InitialState | Site) -> bytes:
    """Return canonical JSON: fields in their order, floats in their shortest exact form."""
    return _encoder.encode(value)


def decode_message(name: str, payload: bytes) -> Message:
    """Return the message of the type called ``name``; KeyError for an unknown one, msgspec's error for a bad one."""
    message = _decoders[name].decode(payload)
    if isinstance(message, VisionObservation) and not message.lane_ids:  # a list of no lists has no width
        message = replace(message, lane_log_likelihood=np.zeros((0, len(LANE_CHANGES))))
    if isinstance(message, AdcSamples):
        rows, channels = len(message.t_ns), message.counts.shape[-1] if message.counts.ndim == 2 else -1
        if message.counts.shape != (rows, channels) or message.flags.shape != (rows, channels):
            raise msgspec.ValidationError("AdcSamples: counts and flags need the shape (rows, channels)")
        if not rows:
            raise msgspec.ValidationError("AdcSamples: a block has at least one row")
    return message


def decode_initial(payload: bytes) -> InitialState:
    """Return the pipeline's state before the first message."""
    return _initial_decoder.decode(payload)


def decode_site(payload: bytes) -> Site:
    """Return the configuration that the recording was made under, validated as if it came from files."""
    return _site_decoder.decode(payload)


def json_schema(kind: type) -> bytes:
    """Return the JSON Schema that viewers use to show messages of this type."""
    _, components = msgspec.json.schema_components([kind], schema_hook=lambda _: {"type": "array"})
    return msgspec.json.encode({**components[kind.__name__], "$defs": components})

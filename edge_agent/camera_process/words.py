"""What the agent and a camera's process say to each other over two pipes, and how it is written.

Four bytes say how many follow, little-endian; then one byte for the type and the value as msgpack. MessagePack because
JSON has no infinity, and an observation without a place has an infinite sigma.
"""

import struct
import typing
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import msgspec
import numpy as np

from edge_agent.config import CameraConfig
from edge_agent.config.assortment import LaneConfig
from edge_agent.model import LANE_CHANGES, CameraCondition, CameraProgress, VisionObservation

MAX_BYTES: Final = 1 << 20
"""Of one word. The longest, an observation of 200 lanes, takes 30 kB (2026-12)."""


class Setup(msgspec.Struct, frozen=True):
    """The first word to a camera's process: what it shall watch. ``lanes`` are those of its shelf."""

    camera: CameraConfig
    lanes: tuple[LaneConfig, ...]
    shelf_width_mm: float
    state_dir: str


class ClipWanted(msgspec.Struct, frozen=True):
    """An act went to review: keep what the camera saw of it."""

    act_id: str
    shelf_id: str
    t_start_ns: int
    t_end_ns: int


class ClipKept(msgspec.Struct, frozen=True):
    """The answer to `ClipWanted`: the file's SHA-256 in hexadecimal, or None and why there is no clip.

    ``trouble`` says whether the reason is one for a technician (a full disk), not merely that nothing was in the ring.
    """

    act_id: str
    sha256: str | None
    reason: str = ""
    trouble: bool = False


class Heartbeat(msgspec.Struct, frozen=True):
    """The process is alive: said after the first frame, and twice a second whether or not frames come.

    ``frames`` were looked at since it began, ``lost`` were exposed meanwhile and looked at by nobody.
    """

    t_ns: int
    frames: int
    lost: int


class LastWords(msgspec.Struct, frozen=True):
    """Why the process ends by itself.

    ``code`` is ``camera_down``, ``camera_uncommissioned``, or ``ended`` for a video that has been seen to its end.
    """

    code: str
    text: str


Word = Setup | ClipWanted | ClipKept | Heartbeat | LastWords | VisionObservation | CameraProgress | CameraCondition

TYPES: Final[tuple[type[Word], ...]] = (
    Setup,
    ClipWanted,
    ClipKept,
    Heartbeat,
    LastWords,
    VisionObservation,
    CameraProgress,
    CameraCondition,
)
"""The byte for a type is its place here. Both ends are of one installation: no versions."""

_HEAD: Final = struct.Struct("<IB")


class WordError(ValueError):
    """Bytes on a pipe that are no word: something else wrote there."""


def _from_array(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise NotImplementedError(f"{type(value).__name__} cannot be said")


def _to_array(kind: type, value: object) -> object:
    scalar = typing.get_args(typing.get_args(kind)[1])[0]
    return np.array(value, dtype=scalar)


_encoder: Final = msgspec.msgpack.Encoder(enc_hook=_from_array)
_decoders: Final = tuple(msgspec.msgpack.Decoder(kind, dec_hook=_to_array) for kind in TYPES)


def spell(word: Word) -> bytes:
    """Return a word's bytes on the pipe."""
    body = _encoder.encode(word)
    return _HEAD.pack(len(body) + 1, TYPES.index(type(word))) + body


class Reader:
    """Finds words in what a pipe delivers, however it is cut."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, received: bytes) -> Iterator[Word]:
        """Yield the words that are complete.

        Raises
        ------
        WordError
            What was written is no word; nothing after it can be trusted.
        """
        self._rest += received
        while len(self._rest) >= _HEAD.size:
            length, kind = _HEAD.unpack_from(self._rest)
            if not 1 <= length <= MAX_BYTES or kind >= len(TYPES):
                raise WordError(f"no word begins with {bytes(self._rest[:16])!r}")
            end = _HEAD.size - 1 + length
            if len(self._rest) < end:
                return
            body = bytes(self._rest[_HEAD.size : end])
            del self._rest[:end]
            yield _read(kind, body)


def _read(kind: int, body: bytes) -> Word:
    try:
        word = _decoders[kind].decode(body)
        return _in_shape(word) if isinstance(word, VisionObservation) else word
    except (msgspec.MsgspecError, ValueError) as error:
        raise WordError(f"a damaged {TYPES[kind].__name__}: {error}") from error


def _in_shape(seen: VisionObservation) -> VisionObservation:
    """Return an observation whose arrays are as long as its names; an empty list has lost its second dimension."""
    lanes = seen.lane_log_likelihood.reshape(len(seen.lane_ids), len(LANE_CHANGES))
    if seen.log_likelihood.shape not in ((len(seen.sku_ids) + 1,), (0,)):
        raise WordError(f"an observation of {len(seen.sku_ids)} SKUs with {seen.log_likelihood.shape} nats")
    return replace(seen, lane_log_likelihood=lanes)

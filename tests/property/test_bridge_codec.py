"""Laws of the codec: any split, any noise, any corruption."""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from cobs import cobs
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.decoder import FrameDecoder, Rejected, RejectReason
from firmware_bridge.frames import Ack, Aux, Command, Frame, Hello, Samples, encode, max_rows

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import pure_python_decoder as plain

u8 = st.integers(0, 0xFF)
u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFFFFFF)


@st.composite
def samples(draw: st.DrawFn) -> Samples:
    channels = draw(st.integers(1, 64))
    rows = draw(st.integers(1, min(4, max_rows(channels))))
    cells = rows * channels
    counts = draw(st.lists(st.integers(-(1 << 23), (1 << 23) - 1), min_size=cells, max_size=cells))
    flags = draw(st.one_of(st.just([0] * cells), st.lists(st.integers(0, 15), min_size=cells, max_size=cells)))
    return Samples(
        draw(u16),
        draw(u32),
        draw(u32),
        draw(u16),
        np.array(counts, dtype=np.int32).reshape(rows, channels),
        np.array(flags, dtype=np.uint8).reshape(rows, channels),
    )


any_hellos = st.builds(
    Hello,
    board_uid=st.binary(min_size=8, max_size=8).map(bytes.hex),
    firmware_hash=u32,
    boot_counter=u16,
    reset_cause=u8,
    tick_rate_hz=st.integers(1, 0xFFFFFFFF),
    channels=st.integers(1, 64),
    gain=u8,
    rate_mhz=st.integers(1, 0xFFFFFFFF),
    protocol_minor=st.integers(1, 0xFF),
    firmware_version=st.tuples(u8, u8),
    inputs=u8,
    chip_signature=st.binary(min_size=3, max_size=3),
)
old_hellos = any_hellos.map(
    lambda hello: replace(hello, protocol_minor=0, firmware_version=None, inputs=None, chip_signature=b"")
)
hellos = any_hellos | old_hellos
old_auxes = st.builds(
    Aux,
    tick=u32,
    supply_mv=u16,
    digital_inputs=u8,
    temperatures_cdeg=st.lists(st.integers(-32768, 32767), max_size=16).map(tuple),
    skipped=st.lists(u16, max_size=64).map(tuple),
)
auxes = old_auxes | st.builds(replace, old_auxes, bad_frames=u16, receive_overruns=u16, desyncs=u16)
commands = st.builds(Command, u8, u8, st.binary(max_size=27))
acks = st.builds(Ack, u8, u8, st.binary(max_size=70))
frames: st.SearchStrategy[Frame] = st.one_of(samples(), hellos, auxes, commands, acks)


def outcome(result: Frame | Rejected) -> object:
    return result if isinstance(result, Rejected) else encode(result)


def cut(stream: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(a, len(stream)) for a in at), len(stream)]
    return [stream[a:b] for a, b in itertools.pairwise(edges)]


@given(frames)
@settings(max_examples=150, deadline=None)
def test_every_frame_survives_its_bytes(frame: Frame) -> None:
    (decoded,) = FrameDecoder().feed(encode(frame))
    assert not isinstance(decoded, Rejected)
    assert encode(decoded) == encode(frame)
    if not isinstance(frame, Samples):
        assert decoded == frame
    if isinstance(frame, Samples):
        assert isinstance(decoded, Samples)
        assert np.array_equal(decoded.counts, frame.counts)
        assert np.array_equal(decoded.flags, frame.flags)
        reference = plain.decode_samples(encode(frame)[:-1])
        assert reference is not None
        assert reference[4:] == (frame.counts.tolist(), frame.flags.tolist())


@given(
    st.lists(st.one_of(frames.map(encode), st.binary(max_size=600)), max_size=6).map(b"".join),
    st.lists(st.integers(0, 3000), max_size=12),
)
@settings(max_examples=150, deadline=None)
def test_any_split_of_any_stream_decodes_the_same(stream: bytes, at: list[int]) -> None:
    whole, pieces, bytewise = FrameDecoder(), FrameDecoder(), FrameDecoder()
    expected = [outcome(r) for r in whole.feed(stream)]
    assert [outcome(r) for chunk in cut(stream, at) for r in pieces.feed(chunk)] == expected
    assert [outcome(r) for octet in stream for r in bytewise.feed(bytes((octet,)))] == expected
    assert pieces.counters == bytewise.counters == whole.counters


@given(st.lists(frames, min_size=1, max_size=4), st.data())
@settings(max_examples=100, deadline=None)
def test_noise_between_delimited_frames_costs_no_frame(sent: list[Frame], data: st.DataObject) -> None:
    stream = b"\0"
    for frame in sent:
        stream += data.draw(st.binary(max_size=300)) + b"\0" + encode(frame)
    accepted = [encode(r) for r in FrameDecoder().feed(stream) if not isinstance(r, Rejected)]
    wanted = iter(accepted)
    assert all(any(encode(frame) == got for got in wanted) for frame in sent)


@given(frames, st.integers(0, 8 * 249), st.integers(1, 0xFFFF))
@settings(max_examples=300, deadline=None)
def test_no_burst_of_up_to_sixteen_bits_is_ever_accepted(frame: Frame, at_bit: int, burst: int) -> None:
    """A 16-bit CRC finds every error burst of its own length (Peterson and Brown 1961)."""
    body = cobs.decode(encode(frame)[:-1])
    # Within type and payload: the CRC's own two bytes are sent low byte first, which is no burst to it.
    at_bit %= 8 * (len(body) - 2) - 15
    hit = (int.from_bytes(body, "big") ^ (burst << (8 * len(body) - 16 - at_bit))).to_bytes(len(body), "big")
    (result,) = FrameDecoder().feed(cobs.encode(hit) + b"\0")
    assert isinstance(result, Rejected)
    assert result.reason is RejectReason.BAD_CRC

"""The codec against PROTOCOL.md: golden vectors, limits, and an independent decoder."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cobs import cobs
from golden_vectors import filled, frame_of

from firmware_bridge.decoder import FrameDecoder, Rejected, RejectReason
from firmware_bridge.errors import FrameError
from firmware_bridge.frames import (
    COUNTS_MAX,
    COUNTS_MIN,
    MAX_BODY,
    Ack,
    Aux,
    Command,
    Frame,
    Hello,
    Samples,
    cobs_frame,
    crc16,
    encode,
    max_rows,
    samples_size,
)

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))
import pure_python_decoder as plain  # noqa: E402

VECTORS: dict[str, Any] = json.loads((ROOT / "firmware_bridge" / "golden_vectors.json").read_text("utf-8"))


def same(left: Frame, right: Frame) -> bool:
    if isinstance(left, Samples) and isinstance(right, Samples):
        return (
            (left.sequence, left.first_index, left.last_tick, left.overflow)
            == (right.sequence, right.first_index, right.last_tick, right.overflow)
            and np.array_equal(left.counts, right.counts)
            and np.array_equal(left.flags, right.flags)
        )
    return left == right


def one_samples(counts: list[list[int]], flags: list[list[int]] | None = None) -> Samples:
    matrix = np.array(counts, dtype=np.int32)
    nibbles = np.zeros_like(matrix, dtype=np.uint8) if flags is None else np.array(flags, dtype=np.uint8)
    return Samples(1, 2, 3, 4, matrix, nibbles)


@pytest.mark.parametrize("vector", VECTORS["frames"], ids=lambda v: v["name"])
def test_golden_frame_is_written_and_read_exactly(vector: dict[str, Any]) -> None:
    wire = bytes.fromhex(vector["wire"])
    assert encode(frame_of(vector)).hex() == vector["wire"]
    (frame,) = FrameDecoder().feed(wire)
    assert not isinstance(frame, Rejected)
    assert same(frame, frame_of(vector))
    body = plain.decode_body(wire[:-1])
    assert body is not None
    assert body.hex() == vector["body"][:-4], "the independent decoder reads other bytes"


@pytest.mark.parametrize("vector", VECTORS["rejected"], ids=lambda v: v["name"])
def test_golden_rejection_is_named_and_counted(vector: dict[str, Any]) -> None:
    decoder = FrameDecoder()
    (rejected,) = decoder.feed(bytes.fromhex(vector["wire"]))
    assert isinstance(rejected, Rejected)
    assert rejected.reason.value == vector["reason"]
    assert decoder.counters.rejected[rejected.reason] == 1
    assert decoder.counters.frames == 0


@pytest.mark.parametrize("vector", VECTORS["streams"], ids=lambda v: v["name"])
def test_golden_stream_recovers_after_each_disturbance(vector: dict[str, Any]) -> None:
    names = {bytes.fromhex(frame["wire"]): frame["name"] for frame in VECTORS["frames"]}
    results = FrameDecoder().feed(bytes.fromhex(vector["wire"]))
    seen = [f"rejected:{r.reason.value}" if isinstance(r, Rejected) else names[encode(r)] for r in results]
    assert seen == vector["results"]


def test_the_file_holds_the_bytes_of_all_its_vectors() -> None:
    assert filled(VECTORS) == VECTORS


def test_crc_and_cobs_vectors_hold_for_both_implementations() -> None:
    for vector in VECTORS["crc"]:
        octets = bytes.fromhex(vector["octets"])
        assert crc16(octets) == plain.crc16(octets) == vector["crc"]
    for vector in VECTORS["cobs"]:
        decoded, encoded = bytes.fromhex(vector["decoded"]), bytes.fromhex(vector["encoded"])
        assert cobs.encode(decoded) == encoded
        assert bytes(plain.cobs_decode(encoded) or b"") == decoded


def test_protocol_page_shows_the_golden_bytes() -> None:
    page = (ROOT / "firmware_bridge" / "PROTOCOL.md").read_text("utf-8")
    for name in ("hello", "samples_two_rows", "clock_query", "clock_answer"):
        vector = next(v for v in VECTORS["frames"] if v["name"] == name)
        assert f"wire  {bytes.fromhex(vector['wire']).hex(' ')}\n" in page


def test_sixty_four_channels_fit_one_frame_and_no_frame_passes_the_limit() -> None:
    assert samples_size(1, 64) == 241
    for channels in range(1, 65):
        rows = max_rows(channels)
        assert samples_size(rows, channels) <= MAX_BODY < samples_size(rows + 1, channels)
        wire = encode(one_samples([[COUNTS_MIN] * channels] * rows))
        assert len(wire) == samples_size(rows, channels) + 2


def test_both_rails_and_the_values_beside_them_keep_their_sign() -> None:
    row = [COUNTS_MIN, COUNTS_MIN + 1, -65537, -65536, -256, -1, 0, 1, 255, 256, 65536, COUNTS_MAX - 1, COUNTS_MAX]
    (frame,) = FrameDecoder().feed(encode(one_samples([row])))
    assert isinstance(frame, Samples)
    assert frame.counts.tolist() == [row]
    assert frame.counts.dtype == np.int32


def test_decoded_values_outlive_the_buffer_and_flags_cannot_be_changed() -> None:
    decoder = FrameDecoder()
    (first,) = decoder.feed(encode(one_samples([[1, 2, 3]])))
    decoder.feed(encode(one_samples([[7, 8, 9]])))
    assert isinstance(first, Samples)
    assert first.counts.tolist() == [[1, 2, 3]]
    with pytest.raises(ValueError, match="read-only"):
        first.flags[0, 0] = 1


def test_a_board_of_another_major_version_is_named_with_its_uid() -> None:
    vector = next(v for v in VECTORS["rejected"] if v["name"] == "another_major")
    (rejected,) = FrameDecoder().feed(bytes.fromhex(vector["wire"]))
    assert isinstance(rejected, Rejected)
    assert rejected.protocol == (2, 3)
    assert rejected.board_uid == "28a50000000000a1"
    assert "2.3" in rejected.detail


@pytest.mark.parametrize("name", ["hello_1_1", "aux_1_1", "aux_1_1_empty", "clock_answer"])
@pytest.mark.parametrize("appended", [b"\x01", b"\x01\x02\x03", bytes(12)])
def test_a_newer_minor_version_may_append_fields(name: str, appended: bytes) -> None:
    vector = next(v for v in VECTORS["frames"] if v["name"] == name)
    body = bytearray(bytes.fromhex(vector["body"])[:-2])
    known = frame_of(vector)
    if isinstance(known, Hello):
        body[2] = 9
        known = replace(known, protocol_minor=9)
    elif isinstance(known, Ack):
        known = replace(known, payload=known.payload + appended)
    (frame,) = FrameDecoder().feed(cobs_frame(bytes(body) + appended))
    assert frame == known


def test_a_board_of_protocol_1_0_says_neither_version_nor_chip_nor_link_counters() -> None:
    hello, aux = (next(frame_of(v) for v in VECTORS["frames"] if v["name"] == name) for name in ("hello", "aux"))
    assert isinstance(hello, Hello)
    assert (hello.firmware_version, hello.inputs, hello.chip_signature) == (None, None, b"")
    assert isinstance(aux, Aux)
    assert (aux.bad_frames, aux.receive_overruns, aux.desyncs) == (None, None, None)


def test_memory_stays_bounded_on_endless_noise_without_delimiter() -> None:
    decoder = FrameDecoder()
    results = [result for _ in range(1000) for result in decoder.feed(b"\x55" * 4096)]
    assert [r.reason for r in results if isinstance(r, Rejected)] == [RejectReason.TOO_LONG]
    assert len(decoder._tail) <= 251
    assert decoder.counters.discarded_bytes == 1000 * 4096 - 252
    (hello,) = decoder.feed(b"\0" + bytes.fromhex(VECTORS["frames"][0]["wire"]))
    assert isinstance(hello, Hello)


@pytest.mark.parametrize(
    "frame",
    [
        one_samples([[COUNTS_MAX + 1]]),
        one_samples([[0]], [[16]]),
        one_samples([[0] * 64, [0] * 64]),
        Samples(0, 0, 0, 0, np.zeros((0, 4), np.int32), np.zeros((0, 4), np.uint8)),
        Samples(1 << 16, 0, 0, 0, np.zeros((1, 1), np.int32), np.zeros((1, 1), np.uint8)),
        Command(0, 1, bytes(28)),
        Ack(0, 0, bytes(246)),
        Aux(0, 0, 0, (0,) * 17),
        Aux(0, 0, 0, bad_frames=1),
        Hello("28A50000000000A1", 0, 0, 0, 1, 1, 128, 1, protocol_minor=0),
        Hello("28a5", 0, 0, 0, 1, 1, 128, 1, protocol_minor=0),
        Hello("not hexadecimal!", 0, 0, 0, 1, 1, 128, 1, protocol_minor=0),
        Hello("28a50000000000a1", 0, 0, 0, 1, 1, 128, 1),
        Hello("28a50000000000a1", 0, 0, 0, 1, 1, 128, 1, 1, 1, (1, 0), 4, b"\x1e\x95"),
    ],
)
def test_what_does_not_fit_the_protocol_is_refused_by_name(frame: Frame) -> None:
    with pytest.raises(FrameError):
        encode(frame)


def test_the_plain_decoder_agrees_on_every_golden_samples_frame() -> None:
    for vector in VECTORS["frames"]:
        decoded = plain.decode_samples(bytes.fromhex(vector["wire"])[:-1])
        if vector["type"] != "SAMPLES":
            assert decoded is None
            continue
        fields = vector["fields"]
        assert decoded == (
            fields["sequence"],
            fields["first_index"],
            fields["last_tick"],
            fields["overflow"],
            fields["counts"],
            fields["flags"],
        )

"""What a subscriber reads, and what it refuses to read."""

import json
import subprocess
import sys

import pytest
from delivery_stories import UNIT, cloud_event, item_event, noon

from edge_agent.delivery.clock_quality import clock_report, read_kernel
from edge_agent.delivery.envelope import Envelope, rfc3339
from edge_agent.delivery.identifiers import uuid7
from edge_agent.delivery.payload_codec import pack, unpack
from edge_agent.delivery.topics import Address, Topics, parse_topic
from edge_agent.delivery.wire import (
    MAX_EVENT_BYTES,
    MAX_MESSAGE_BYTES,
    Ack,
    CloudEvent,
    StockBelief,
    WireError,
    decode,
    encode,
)
from edge_agent.model import MonotonicNs

PAYLOAD = encode(cloud_event(17))
FIRST_VERSION_ROW = "0178f94b5fa04cc3938f2b90321066a681250243233dd3da5a001c0e15d2"


def test_a_take_reads_as_a_cloud_event() -> None:
    said = json.loads(PAYLOAD)
    assert said["specversion"] == "1.0"
    assert said["source"] == "shelf/corner-shop/unit-7/01a1fc1b-c348-76e1-8d1d-469459a22240"
    assert said["sequence"] == "00000000000000000017"
    assert said["subject"] == "drinks"
    # The act ended one second before noon; the envelope was written at noon.
    assert said["time"] == "2026-11-21T11:59:59.000Z"
    assert said["recordedtime"] == "2026-11-21T12:00:00.000Z"
    act = said["data"]
    assert act["started"] == "2026-11-21T11:59:57.000Z"
    assert act["items"] == [{"sku": "oat-milk", "quantity": -1, "gtin": "4006381333931", "lane": "b3"}]
    assert (act["grams"], act["sigma_g"], act["confidence"]) == (-1032.1, 0.8, 0.997)
    assert act["decision"] == {"verdict": "auto"}
    assert act["witnesses"] == ["weight", "position"]
    assert act["witnesses_missing"] == ["camera"]
    assert act["stock_before"] == {"b3": {"oat-milk": 8}}
    assert act["stock_after"] == {"b3": {"oat-milk": 7}}
    assert act["revisions"]["calibration"] == {"8f3a1c5e7b902d46": 4}
    assert act["clock"] == {"quality": "synchronised", "max_error_s": 0.004}


def test_what_was_written_reads_back_the_same() -> None:
    event = cloud_event(17)
    assert decode(encode(event), CloudEvent) == event
    assert decode(PAYLOAD, CloudEvent).sequence_number == 17
    assert decode(PAYLOAD, CloudEvent).stream == "01a1fc1b-c348-76e1-8d1d-469459a22240"


def test_a_field_of_a_later_minor_version_is_ignored() -> None:
    newer = json.loads(PAYLOAD)
    newer["data"]["temperature_c"] = 4.5
    newer["traceparent"] = "00-1"
    assert decode(json.dumps(newer).encode(), CloudEvent) == cloud_event(17)


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("specversion",), "2.0", "specversion"),
        (("type",), "shelf.item.v2", "type"),
        (("sequence",), "17", "sequence"),
        (("sequence",), 17, "sequence"),
        (("time",), None, "time"),
        (("time",), "yesterday", "time"),
        (("data", "ended"), "2026-11-21T12:00:00+01:00", "data.ended"),
        (("data", "kind"), "steal", "data.kind"),
        (("data", "confidence"), 1.5, "data.confidence"),
        (("data", "grams"), None, "data.grams"),
        (("data", "grams"), 1e12, "data.grams"),
        (("data", "sigma_g"), -1.0, "data.sigma_g"),
        (("data", "items"), [{"sku": "oat-milk", "quantity": 10**9}], "data.items"),
        (("data", "items"), [{"quantity": 1}], "data.items"),
        (("data", "items"), [{"sku": "x", "quantity": 1}] * 65, "data.items"),
        (("data", "decision", "verdict"), "maybe", "data.decision.verdict"),
        (("subject",), "s" * 129, "subject"),
    ],
)
def test_a_payload_that_breaks_the_contract_is_refused_by_its_field(
    path: tuple[str, ...], value: object, named: str
) -> None:
    said = json.loads(PAYLOAD)
    target = said
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    with pytest.raises(WireError, match=rf"CloudEvent: .*\$\.{named}".replace("$.", r"$.")):
        decode(json.dumps(said).encode(), CloudEvent)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{",
        PAYLOAD[:-1],
        PAYLOAD + b"x",
        PAYLOAD.replace(b"-1032.1", b"NaN"),
        PAYLOAD.replace(b"-1032.1", b"1e999"),
        PAYLOAD.replace(b'"drinks"', b'"\xc3("'),
        PAYLOAD[:-1] + b',"x":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_garbage_is_refused_and_crashes_nothing(payload: bytes) -> None:
    with pytest.raises(WireError, match="CloudEvent"):
        decode(payload, CloudEvent)


def test_size_is_checked_before_parsing() -> None:
    with pytest.raises(WireError, match=f"{MAX_EVENT_BYTES + 1} bytes; at most {MAX_EVENT_BYTES}"):
        decode(b"{" * (MAX_EVENT_BYTES + 1), CloudEvent)
    with pytest.raises(WireError, match=f"at most {MAX_MESSAGE_BYTES}"):
        decode(b"{" * (MAX_MESSAGE_BYTES + 1), StockBelief)


@pytest.mark.parametrize("watermark", [-1, 2**63, 1.5, "7"])
def test_an_impossible_watermark_is_refused(watermark: object) -> None:
    payload = json.dumps({"stream": cloud_event(1).stream, "watermark": watermark, "time": ""}).encode()
    with pytest.raises(WireError, match="watermark"):
        decode(payload, Ack)


def test_topics_name_store_agent_and_leaf() -> None:
    topics = Topics("corner-shop", "unit-7")
    assert topics.event == "shelf/v1/corner-shop/unit-7/event"
    assert topics.stock("drinks") == "shelf/v1/corner-shop/unit-7/stock/drinks"
    assert parse_topic(topics.stock("drinks")) == Address("corner-shop", "unit-7", "stock/drinks")
    for foreign in ("", "shelf/v1/corner-shop/unit-7", "shelf/v2/a/b/event", "shelf/v1/A/b/event", "shelf/v1/a/+/x"):
        assert parse_topic(foreign) is None, foreign


def test_uuid7_sorts_by_time_and_says_its_version() -> None:
    early, late = uuid7(1_795_262_400_000_000_000), uuid7(1_795_262_400_001_000_000)
    assert early < late
    assert early[14] == "7"
    assert early[19] in "89ab"
    assert len({uuid7(0) for _ in range(1000)}) == 1000


def test_instants_are_utc_by_the_offset_between_the_clocks() -> None:
    clock = noon()
    envelope = Envelope(UNIT, clock, "boot-1")
    assert envelope.utc(MonotonicNs(clock.now_ns - 1_500_000_000)) == "2026-11-21T11:59:58.500Z"
    clock.utc_offset_ns += 3_600_000_000_000  # the host learns the time: acts of this boot move with it
    assert envelope.utc(MonotonicNs(clock.now_ns)) == "2026-11-21T13:00:00.000Z"
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"


def test_the_clock_says_how_far_it_can_be_trusted() -> None:
    assert clock_report(lambda: (0x40, 16_000_000)).quality == "unsynchronised"
    assert clock_report(lambda: (0x1, 4_000)) == cloud_event(1).data.clock
    assert clock_report(lambda: None).quality == "unknown"
    kernel = read_kernel()
    assert kernel is not None
    assert kernel[1] >= 0


def test_events_rest_in_under_a_third_of_their_size_and_return_unchanged() -> None:
    stored = pack(PAYLOAD)
    assert unpack(stored) == PAYLOAD
    assert len(stored) < len(PAYLOAD) / 3
    assert unpack(pack(b"")) == b""
    assert unpack(pack(b"\x00")) == b"\x00"


def test_rows_written_by_the_first_version_stay_readable() -> None:
    # Deflated with dictionary 1 when it was introduced: an outbox in the field may hold such a row for days.
    row = bytes.fromhex(FIRST_VERSION_ROW)
    assert unpack(row) == b'{"specversion":"1.0","id":"x","data":{"kind":"put_back","grams":-12.5}}'


@pytest.mark.parametrize("damage", [b"", b"\x02abc", b"\x01\xff\xff\xff", pack(PAYLOAD)[:-5]])
def test_a_damaged_row_is_told_from_an_event(damage: bytes) -> None:
    with pytest.raises(ValueError, match="stored payload"):
        unpack(damage)


def test_a_subscriber_loads_none_of_the_agents_hardware_parts() -> None:
    code = (
        "import sys, edge_agent.delivery.wire, edge_agent.subscriber.event_stream, edge_agent.subscriber.service\n"
        "bad = {'numpy', 'serial', 'cobs', 'edge_agent.model'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {bad}' if bad else 0)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_alternatives_carry_what_a_reviewer_needs() -> None:
    said = json.loads(encode(cloud_event(1, event=item_event(alternatives=2))))
    assert said["data"]["alternatives"][0] == {
        "items": [{"sku": "oat-milk", "quantity": -1, "lane": "b3"}],
        "probability": 0.997,
    }

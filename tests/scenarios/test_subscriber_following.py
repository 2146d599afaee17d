"""A program follows the store's events over restarts of itself and of the broker."""

import socket
from pathlib import Path

import pytest
from delivery_rig import Agent, StoreLedger, at, listening
from delivery_stories import UNIT, cloud_event, until
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from real_mosquitto import RealMosquitto, free_port

from edge_agent.delivery.wire import CloudEvent, encode
from edge_agent.errors import BrokerError
from edge_agent.subscriber.event_stream import EventStream
from edge_agent.subscriber.stream_order import Missed


def read(stream: EventStream, count: int) -> list[int]:
    sequences = []
    for item in stream:
        assert isinstance(item, CloudEvent)
        sequences.append(item.sequence_number)
        if len(sequences) == count:
            break
    return sequences


def test_events_come_in_order_once_over_a_broken_connection(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    broker = at(mosquitto.port)
    with (
        EventStream(broker, UNIT.store_id, "labels") as stream,
        StoreLedger(tmp_path / "ledger.db", broker),
        Agent(tmp_path / "state", broker) as agent,
    ):
        until(lambda: stream.next(0.05) is None and stream.subscribed, "a session")
        agent.sells(5)
        assert read(stream, 5) == [1, 2, 3, 4, 5]
        assert stream._connection is not None
        wire = stream._connection._client.socket()
        assert isinstance(wire, socket.socket)
        wire.shutdown(socket.SHUT_RDWR)
        agent.sells(5)
        assert read(stream, 5) == [6, 7, 8, 9, 10]


def test_what_came_while_the_program_was_down_is_read_after_its_restart(mosquitto: RealMosquitto) -> None:
    with listening(mosquitto.port) as publisher:
        with EventStream(at(mosquitto.port), UNIT.store_id, "labels") as stream:
            until(lambda: stream.next(0.05) is None and stream.subscribed, "a session")
        publisher.publish(UNIT.topics.event, encode(cloud_event(2)))
        publisher.publish(UNIT.topics.event, b"garbage")
        publisher.publish(UNIT.topics.event.replace("unit-7", "unit-8"), encode(cloud_event(3)))
        source = cloud_event(1).source
        with EventStream(at(mosquitto.port), UNIT.store_id, "labels", since={source: 1}) as stream:
            assert read(stream, 1) == [2]
            assert stream.next(0.2) is None
            assert stream.invalid == 2


def test_a_gap_is_named(mosquitto: RealMosquitto) -> None:
    source = cloud_event(1).source
    with (
        EventStream(at(mosquitto.port), UNIT.store_id, "labels", since={source: 0}) as stream,
        listening(mosquitto.port) as publisher,
    ):
        until(lambda: stream.next(0.05) is None and stream.subscribed, "a session")
        publisher.publish(UNIT.topics.event, encode(cloud_event(3)))
        until(lambda: stream.next(0.05) is None and bool(stream._order._streams[source].held), "event 3 is held")
        stream._order.pass_time(float("inf"))
        assert stream.next(0.0) == Missed(source, 1, 2)
        assert read(stream, 1) == [3]


def held(stream: EventStream, *sequences: int) -> None:
    source = cloud_event(1).source
    until(
        lambda: stream.next(0.05) is None and stream._order._streams[source].held.keys() == set(sequences),
        f"{sequences} are held",
    )


def killed(stream: EventStream) -> None:
    """As the kernel leaves a program that was killed: nothing more is said to the broker."""
    assert stream._connection is not None
    stream._connection._drop_socket()
    stream._connection = None


def test_what_waited_behind_a_gap_comes_again_to_a_program_that_was_killed(mosquitto: RealMosquitto) -> None:
    source = cloud_event(1).source
    with listening(mosquitto.port) as publisher:
        with EventStream(at(mosquitto.port), UNIT.store_id, "labels", since={source: 0}) as stream:
            until(lambda: stream.next(0.05) is None and stream.subscribed, "a session")
            for sequence in (1, 3, 4):
                publisher.publish(UNIT.topics.event, encode(cloud_event(sequence)))
            assert read(stream, 1) == [1]
            held(stream, 3, 4)
            killed(stream)
        with EventStream(at(mosquitto.port), UNIT.store_id, "labels", since={source: 1}) as stream:
            held(stream, 3, 4)
            publisher.publish(UNIT.topics.event, encode(cloud_event(2)))
            assert read(stream, 3) == [2, 3, 4]
            assert stream.next(0.2) is None  # 4 was handled
            assert not stream._unacknowledged
            killed(stream)
        with EventStream(at(mosquitto.port), UNIT.store_id, "labels", since={source: 1}) as stream:
            assert stream.next(0.5) is None, "all were acknowledged"


def test_the_event_in_hand_comes_again_to_a_program_that_was_killed(mosquitto: RealMosquitto) -> None:
    source = cloud_event(1).source
    with listening(mosquitto.port) as publisher:
        with EventStream(at(mosquitto.port), UNIT.store_id, "labels", since={source: 0}) as stream:
            until(lambda: stream.next(0.05) is None and stream.subscribed, "a session")
            for sequence in (1, 2):
                publisher.publish(UNIT.topics.event, encode(cloud_event(sequence)))
            assert read(stream, 1) == [1]
            killed(stream)
        with EventStream(at(mosquitto.port), UNIT.store_id, "labels", since={source: 0}) as stream:
            assert read(stream, 2) == [1, 2]


def test_a_subscription_that_the_broker_denies_is_named(mosquitto: RealMosquitto) -> None:
    with EventStream(at(mosquitto.port), UNIT.store_id, "labels") as stream:
        until(lambda: stream.next(0.05) is None and stream.subscribed, "a session")
        assert stream._connection is not None
        denied = ReasonCode(PacketTypes.SUBACK, "Not authorized")
        stream._connection._on_subscribe(stream._connection._client, None, 1, [denied], None)
        with pytest.raises(
            BrokerError, match=r"denies reading shelf/v1/corner-shop/\+/event \(0x87\); allow .* access"
        ):
            stream.next(1.0)
        assert not stream.subscribed
        until(lambda: stream.next(0.05) is None and stream.subscribed, "asked again, it tries again")


def test_without_a_broker_it_waits_and_ends_when_told() -> None:
    with EventStream(at(free_port()), UNIT.store_id, "labels") as stream:
        assert stream.next(0.5) is None

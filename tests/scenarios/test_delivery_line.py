"""The whole way at a real broker: committed, published, recorded, confirmed, deleted."""

import json
import math
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from delivery_rig import Agent, Listener, Protocol, StoreLedger, at, listening
from delivery_stories import UNIT, decision, item_event, until
from real_mosquitto import RealMosquitto, free_port

from edge_agent.delivery.announcer import Message
from edge_agent.delivery.outbox import FILE_NAME, Outbox
from edge_agent.delivery.wire import Alarm, CloudEvent, Health, Info, Live, Mark, State, StockBelief, decode
from edge_agent.errors import OutboxError
from edge_agent.model import Baseline, Checkpoint, HealthTransition, MonotonicNs, Provisional
from edge_agent.model import Mark as PipelineMark
from edge_agent.subscriber.ledger import StockRow
from edge_agent.vocabulary import Mode, Severity

BOTH_PROTOCOLS = pytest.mark.parametrize("protocol", ["5", "3.1.1"])


@BOTH_PROTOCOLS
def test_a_take_reaches_the_ledger_and_leaves_the_outbox(
    mosquitto: RealMosquitto, tmp_path: Path, protocol: Protocol
) -> None:
    broker = at(mosquitto.port, protocol)
    with StoreLedger(tmp_path / "ledger.db", broker) as store, Agent(tmp_path / "state", broker) as agent:
        store.listens()
        agent.sells(30)
        agent.is_confirmed()
        assert store.recorded == list(range(1, 31))
        # 50 stood there before the first take; the agent's belief after event n opened the shelf.
        until(lambda: bool(store.notices_of("opened")), "the shelf's opening counts")
        assert StockRow("drinks", "b3", "oat-milk", 20, opened=True) in store.ledger.stock()
        assert store.service.duplicates == 0
    # Nothing is left to send after a restart, and the next event goes on where the stream was.
    with StoreLedger(tmp_path / "ledger.db", broker) as store, Agent(tmp_path / "state", broker) as agent:
        assert agent.outbox.depth() == 0
        agent.sells()
        agent.is_confirmed()
        assert store.recorded == [31]


@BOTH_PROTOCOLS
def test_a_client_that_is_not_ours_reads_everything(
    mosquitto: RealMosquitto, tmp_path: Path, protocol: Protocol
) -> None:
    with listening(mosquitto.port) as listener, Agent(tmp_path, at(mosquitto.port, protocol)) as agent:
        agent.connects()
        agent.uplink.publish(Provisional(item_event(act_id="drinks-1", t_end_s=time.monotonic())))
        until(lambda: bool(listener.on("live")), "a live result")
        agent.sells(3)
        agent.uplink.publish(PipelineMark(MonotonicNs(time.monotonic_ns()), MonotonicNs(time.monotonic_ns())))
        until(lambda: len(listener.on("event")) >= 3 and bool(listener.on("mark")), "events and a mark")
        until(lambda: bool(listener.on("stock/drinks")) and bool(listener.on("health")), "stock and health")

        live = decode(listener.on("live")[0], Live)
        events = [decode(payload, CloudEvent) for payload in listener.on("event")[:3]]
        assert live.data.act_id == events[0].data.act_id == "drinks-1"
        assert [event.sequence_number for event in events] == [1, 2, 3]
        mark = decode(listener.on("mark")[0], Mark)
        assert (mark.stream, mark.oldest_sequence, mark.last_sequence) == (agent.outbox.stream_id, 1, 3)
        belief = decode(listener.on("stock/drinks")[-1], StockBelief)
        assert belief.lanes == {"b1": {"espresso": 12}, "b2": {}, "b3": {"oat-milk": 50 - belief.sequence}}
        state = decode(listener.on("state")[0], State)
        assert (state.status, state.selling, state.session) == ("online", "yes", 1)
        info = decode(listener.on("info")[0], Info)
        assert (info.stream, info.shelves, info.revisions) == (agent.outbox.stream_id, ("drinks",), UNIT.revisions)
        health = decode(listener.on("health")[0], Health)
        assert (health.outbox_capacity, health.counters["frames"]) == (100_000, 3.0)


def test_state_info_and_stock_are_retained_and_the_rest_is_not(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    with listening(mosquitto.port) as before, Agent(tmp_path, at(mosquitto.port)) as agent:
        agent.sells(2)
        agent.uplink.publish(PipelineMark(MonotonicNs(1), MonotonicNs(1)))
        until(lambda: bool(before.on("mark")) and bool(before.on("stock/drinks")), "mark and stock")
        until(lambda: len(before.on("event")) >= 2, "events")
        with listening(mosquitto.port) as late:
            until(lambda: len({topic for topic, _, _ in late.messages}) >= 3, "retained messages")
            retained = {topic.split("/", 4)[4] for topic, _, retain in late.messages if retain}
    assert retained == {"state", "info", "stock/drinks"}


def test_mosquitto_sub_shows_a_take_as_json(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    reader = subprocess.Popen(
        ["mosquitto_sub", "-p", str(mosquitto.port), "-t", "shelf/v1/+/+/event", "-q", "1", "-C", "1", "-W", "10"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        with Agent(tmp_path, at(mosquitto.port)) as agent:
            agent.sells()
            # Without a ledger the event is sent again until somebody confirms: the reader need not be first.
            output, _ = reader.communicate(timeout=20)
    finally:
        reader.kill()
        reader.wait(5)
    said = json.loads(output)
    assert said["data"]["items"][0] == {"sku": "oat-milk", "quantity": -1, "gtin": "4006381333931", "lane": "b3"}


def test_stopping_says_stopped_and_a_vanished_agent_is_offline(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    def states(listener: Listener) -> list[tuple[str, int]]:
        said = [decode(payload, State) for payload in listener.on("state")]
        return [(state.status, state.session) for state in said]

    with listening(mosquitto.port) as listener:
        with Agent(tmp_path, at(mosquitto.port)) as agent:
            until(lambda: states(listener) == [("online", 1)], "online")
            connection = agent.uplink._connection
            assert connection is not None
            wire = connection._client.socket()
            assert isinstance(wire, socket.socket)
            wire.shutdown(socket.SHUT_RDWR)  # the cable, not a goodbye
            until(lambda: len(states(listener)) >= 3, "offline and online again")
            assert states(listener)[1:3] == [("offline", 1), ("online", 2)]
            started_s = time.monotonic()
            agent.uplink.stop()
            assert time.monotonic() - started_s < 1.0
        until(lambda: len(states(listener)) >= 4, "stopped")
        assert states(listener)[3] == ("stopped", 2)
        assert decode(listener.on("state")[3], State).selling == "no"


def fault(severity: Severity, *, raised: bool = True, subject: str = "channel:8f3a1c5e7b902d46/2") -> HealthTransition:
    return HealthTransition(
        MonotonicNs(time.monotonic_ns()), subject, "stuck", raised, severity, "lane b3 does not move", "check the plug"
    )


def test_faults_decide_whether_the_door_lets_shoppers_in(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    with listening(mosquitto.port) as listener, Agent(tmp_path, at(mosquitto.port)) as agent:

        def door() -> tuple[str, tuple[str, ...]]:
            said = decode(listener.on("state")[-1], State)
            return said.selling, said.reasons

        def becomes(selling: str, *reasons: str) -> None:
            until(lambda: door() == (selling, reasons), f"selling = {selling}")

        until(lambda: bool(listener.on("state")), "a state")
        becomes("yes")
        agent.uplink.publish(fault(Severity.INFO))
        agent.uplink.publish(fault(Severity.WARNING))
        becomes("degraded", "stuck:channel:8f3a1c5e7b902d46/2")
        agent.uplink.publish(fault(Severity.ERROR, subject="board:8f3a1c5e7b902d46"))
        becomes("no", "stuck:board:8f3a1c5e7b902d46", "stuck:channel:8f3a1c5e7b902d46/2")
        agent.uplink.publish(fault(Severity.ERROR, raised=False, subject="board:8f3a1c5e7b902d46"))
        agent.uplink.publish(fault(Severity.INFO, raised=False))
        becomes("yes")
        agent.uplink._announcer.mode(Mode.STAFF)
        becomes("no", "mode:staff")
        agent.uplink._announcer.mode(Mode.SELLING)
        becomes("yes")
        alarms = [decode(payload, Alarm) for payload in listener.on("alarm")]
        assert [(alarm.raised, alarm.severity) for alarm in alarms] == [
            (True, Severity.INFO),
            (True, Severity.WARNING),
            (True, Severity.ERROR),
            (False, Severity.ERROR),
            (False, Severity.INFO),
        ]
        assert (alarms[0].detail, alarms[0].remedy) == ("lane b3 does not move", "check the plug")


def test_a_standing_alarm_is_raised_again_after_a_reconnect(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    with Agent(tmp_path, at(mosquitto.port)) as agent:
        agent.connects()
        agent.uplink.publish(fault(Severity.WARNING))
        mosquitto.kill()
        agent.says("broker_unreachable")
        mosquitto.start()
        with listening(mosquitto.port) as listener:
            until(lambda: any(b'"stuck"' in payload for payload in listener.on("alarm")), "the alarm again", 30)
            assert not any(b"broker_unreachable" in payload for payload in listener.on("alarm"))


def test_slow_drift_is_stored_in_order_with_the_sales_around_it(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    drifted = Baseline("drinks", np.array([1.0, math.nan, 4999.5]), np.array([0.1, math.nan, 0.1]))
    with Agent(tmp_path, at(mosquitto.port)) as agent:
        agent.sells()
        agent.uplink.publish(Checkpoint((drifted,)))
    with Agent(tmp_path, at(free_port())) as agent:
        saved = agent.outbox.saved_state()
        assert saved is not None
        np.testing.assert_array_equal(saved.baselines[0].level_g, drifted.level_g)


def test_every_shelf_keeps_its_drift_while_another_sells(tmp_path: Path) -> None:
    def drifted(shelf_id: str) -> Baseline:
        return Baseline(shelf_id, np.array([1.0]), np.array([0.1]))

    with Agent(tmp_path, at(free_port())) as agent:
        for number in range(30):
            agent.uplink.publish(Checkpoint((drifted(f"shelf-{number}"),)))
            agent.sells()
        agent.uplink.publish(Checkpoint((Baseline("drinks", np.array([7.0]), np.array([0.1])),)))
        agent.sells()
        saved = agent.outbox.saved_state()
        assert saved is not None
        kept = {each.shelf_id: each.level_g[0] for each in saved.baselines}
        assert {f"shelf-{number}" for number in range(30)} <= kept.keys()
        assert kept["drinks"] == 100.0, "the sale after it knows better"


def test_drift_that_the_disk_refuses_is_an_alarm_until_it_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = Checkpoint((Baseline("drinks", np.array([7.0]), np.array([0.1])),))

    def refuse(*_: object) -> bool:
        raise OutboxError("outbox outbox.db: the disk is full; free space on it")

    with Agent(tmp_path, at(free_port())) as agent:
        with monkeypatch.context() as full:
            full.setattr(Outbox, "checkpoint", refuse)
            agent.uplink.publish(checkpoint)
        assert "the disk is full" in agent.says("outbox_refuses").detail
        agent.uplink.publish(checkpoint)
        agent.says("outbox_refuses", raised=False)


def test_a_rescued_outbox_raises_an_alarm(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(os.urandom(8192))
    with listening(mosquitto.port) as listener, Agent(tmp_path, at(mosquitto.port)) as agent:
        until(lambda: bool(listener.on("alarm")), "an alarm")
        alarm = decode(listener.on("alarm")[0], Alarm)
        assert (alarm.code, alarm.subject) == ("outbox_salvaged", "outbox")
        agent.sells()
        assert agent.outbox.last_sequence == 1


def test_committing_straight_through_publish_is_no_way_around_the_outbox(tmp_path: Path) -> None:
    with Agent(tmp_path, at(free_port())) as agent:
        agent.uplink.publish(decision(1))
        assert agent.outbox.last_sequence == 0


def test_a_fault_that_ended_while_disconnected_is_said_to_have_ended(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    with Agent(tmp_path, at(mosquitto.port)) as agent:
        with listening(mosquitto.port) as listener:
            agent.connects()
            agent.uplink.publish(fault(Severity.ERROR))
            until(lambda: bool(listener.on("alarm")), "the alarm is out")
        mosquitto.kill()
        agent.says("broker_unreachable")
        agent.uplink.publish(fault(Severity.ERROR, raised=False))
        agent.uplink.publish(fault(Severity.WARNING, subject="brief"))
        agent.uplink.publish(fault(Severity.WARNING, raised=False, subject="brief"))
        with listening_from_the_start(mosquitto) as listener:
            until(lambda: bool(listener.on("alarm")), "the end of the alarm", 30)
            agent.uplink.publish(fault(Severity.INFO, subject="last"))
            until(lambda: b"last" in listener.on("alarm")[-1], "a later one")
            said = [decode(payload, Alarm) for payload in listener.on("alarm")]
            assert [(each.subject, each.raised) for each in said] == [
                ("channel:8f3a1c5e7b902d46/2", False),
                ("last", True),
            ], "what nobody heard of needs no end"
        until(lambda: not agent.uplink._announcer._over, "the end was taken: it is not said for ever")


@contextmanager
def listening_from_the_start(broker: RealMosquitto) -> Iterator[Listener]:
    broker.start()
    with listening(broker.port) as listener:
        yield listener


def test_a_state_that_the_broker_refused_is_said_again(
    mosquitto: RealMosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.delivery.announcer.REFUSED_AGAIN_S", 0.1)
    with listening(mosquitto.port) as listener, Agent(tmp_path, at(mosquitto.port)) as agent:
        until(lambda: {"state", "info"} <= {topic.rpartition("/")[2] for topic, *_ in listener.messages}, "all said")
        announcer = agent.uplink._announcer
        states, infos = len(listener.on("state")), len(listener.on("info"))
        announcer.answered(Message(UNIT.topics.state, b"", 1, retain=True), 0x97, time.monotonic())
        until(lambda: len(listener.on("state")) == states + 1, "the state again")
        announcer.answered(Message(UNIT.topics.info, b"", 1, retain=True), 0x97, time.monotonic())
        until(lambda: len(listener.on("info")) == infos + 1, "the info again")
        agent.uplink.publish(fault(Severity.WARNING))
        until(lambda: len(listener.on("alarm")) == 1, "the alarm")
        announcer.answered(Message(UNIT.topics.alarm, b"", 1, retain=False), 0x97, time.monotonic())
        until(lambda: len(listener.on("alarm")) == 2, "the alarm again")


def test_health_counts_what_delivery_itself_ran_into(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    with listening(mosquitto.port) as listener, Agent(tmp_path, at(mosquitto.port)) as agent:
        agent.connects()
        listener.publish(UNIT.topics.ack, b"garbage")
        until(lambda: agent.uplink._faults == 1, "the garbage is counted")
        agent.uplink._announcer._health_at_s = 0.0
        until(lambda: b'"uplink_faults":1' in listener.on("health")[-1], "health says so")
        counters = decode(listener.on("health")[-1], Health).counters
        assert {"frames", "resends", "publishes_unheard", "live_dropped", "watermarks_refused"} <= counters.keys()

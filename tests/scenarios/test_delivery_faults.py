"""What breaks on the way to the ledger, and that no event is lost or doubled by it."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from delivery_rig import Agent, Listener, Protocol, StoreLedger, at, listening
from delivery_stories import NOON, STREAM, UNIT, cloud_event, decision, until
from real_mosquitto import RealMosquitto, free_port

from edge_agent.config import BrokerConfig
from edge_agent.delivery.connection import Connection
from edge_agent.delivery.outbox import Outbox
from edge_agent.delivery.uplink import MqttUplink
from edge_agent.delivery.window import SendWindow
from edge_agent.delivery.wire import Ack, Mark, StockBelief, decode, encode
from edge_agent.errors import LedgerError, OutboxError
from edge_agent.subscriber.ledger import Ledger, Recorded
from edge_agent.subscriber.ledger_engine import LedgerUnavailableError
from edge_agent.subscriber.service import LedgerService
from edge_agent.vocabulary import Severity

BOTH_PROTOCOLS = pytest.mark.parametrize("protocol", ["5", "3.1.1"])
TOPICS = UNIT.topics


def all_published(agent: Agent) -> None:
    """Wait until the broker has answered every publish: a PUBACK each."""
    window = agent.uplink._window
    last = agent.outbox.last_sequence
    until(lambda: window._cursor >= last and window.room == window._limit, "a PUBACK for every event")


# --- the broker ------------------------------------------------------------------------------------------------------


def test_a_broker_that_is_not_there_yet_stops_nobody_from_selling(tmp_path: Path) -> None:
    directory = tmp_path / "mosquitto"
    directory.mkdir()
    broker = RealMosquitto(directory)
    with (
        Agent(tmp_path / "state", at(broker.port)) as agent,
        StoreLedger(tmp_path / "ledger.db", at(broker.port)) as store,
    ):
        agent.sells(5)
        alarm = agent.says("broker_unreachable")
        assert alarm.severity is Severity.WARNING
        assert f"broker 127.0.0.1:{broker.port}: Connection refused" in alarm.detail
        assert "agent.toml" in alarm.remedy
        until(lambda: bool(store.notices_of("unreachable")), "the ledger says so too")
        assert agent.outbox.depth() == 5
        broker.start()
        try:
            agent.says("broker_unreachable", raised=False)
            agent.is_confirmed()
            assert store.recorded == [1, 2, 3, 4, 5]
        finally:
            broker.kill()
    assert len(store.notices_of("unreachable")) in {1, 2}, "once an outage, not once an attempt"


@BOTH_PROTOCOLS
def test_a_broker_killed_after_its_pubacks_loses_nothing(
    mosquitto: RealMosquitto, tmp_path: Path, protocol: Protocol
) -> None:
    broker = at(mosquitto.port, protocol)
    with StoreLedger(tmp_path / "ledger.db", broker) as store:
        store.listens()  # its session now queues what comes while it is away
    with Agent(tmp_path / "state", broker) as agent:
        agent.connects()
        agent.sells(50)
        all_published(agent)
        assert agent.outbox.depth() == 50, "a PUBACK deletes nothing"
        mosquitto.restart()  # the queue was in its memory
        with StoreLedger(tmp_path / "ledger.db", broker) as store:
            agent.is_confirmed()
            assert sorted(store.recorded) == list(range(1, 51))
            assert store.ledger.totals()["events"] == 50


def test_a_broker_that_freezes_is_left_and_found_again(
    mosquitto: RealMosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.delivery.window.STUCK_S", 0.5)
    with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)), Agent(tmp_path, at(mosquitto.port)) as agent:
        agent.connects()
        mosquitto.freeze()  # half-open: the connection stands, nobody answers
        agent.sells(3)
        assert "no answer to a publish" in agent.says("broker_unreachable").detail
        mosquitto.thaw()
        agent.is_confirmed()


@contextmanager
def silent_listener() -> Iterator[int]:
    """Accepts a connection and never says a word: a hung broker, or a TLS handshake that never ends."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        yield listener.getsockname()[1]


@pytest.mark.parametrize("tls", [False, True])
def test_an_attempt_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: bool) -> None:
    monkeypatch.setattr(Connection.__init__, "__kwdefaults__", {**_keyword_defaults(), "attempt_s": 0.3})
    with silent_listener() as port:
        broker = _with_tls(port) if tls else at(port)
        with Agent(tmp_path, broker) as agent:
            agent.sells()
            assert f"127.0.0.1:{port}: no answer in time" in agent.says("broker_unreachable").detail


def _keyword_defaults() -> dict[str, Any]:
    return dict(Connection.__init__.__kwdefaults__ or {})


def _with_tls(port: int) -> BrokerConfig:
    return msgspec.convert(
        {"host": "127.0.0.1", "port": port, "tls": {"ca_file": "/etc/ssl/certs/ca-certificates.crt"}}, BrokerConfig
    )


@pytest.mark.parametrize("tls", [False, True])
def test_stopping_while_connecting_takes_under_a_second(tmp_path: Path, tls: bool) -> None:
    with silent_listener() as port, Agent(tmp_path, _with_tls(port) if tls else at(port)) as agent:
        until(lambda: agent.uplink._connection is not None, "an attempt under way")
        started_s = time.monotonic()
        agent.uplink.stop()
        assert time.monotonic() - started_s < 1.0
        assert not agent.uplink._thread.is_alive()


def test_a_missing_certificate_or_password_is_named(tmp_path: Path) -> None:
    broker = msgspec.convert(
        {"host": "127.0.0.1", "port": free_port(), "tls": {"ca_file": "/nowhere/ca.pem"}}, BrokerConfig
    )
    with Agent(tmp_path / "a", broker) as agent:
        assert "No such file" in agent.says("broker_unreachable").detail
    broker = msgspec.convert(
        {"host": "127.0.0.1", "port": free_port(), "username": "u", "password_file": "/nowhere/secret"}, BrokerConfig
    )
    with Agent(tmp_path / "b", broker) as agent:
        assert "/nowhere/secret: No such file" in agent.says("broker_unreachable").detail


def test_a_name_that_cannot_be_looked_up_is_named(tmp_path: Path) -> None:
    with Agent(tmp_path, BrokerConfig(host="broker.invalid")) as agent:
        assert "broker.invalid:1883: the name cannot be looked up" in agent.says("broker_unreachable").detail


def test_a_broker_that_refuses_the_login_is_named(tmp_path: Path) -> None:
    directory = tmp_path / "mosquitto"
    directory.mkdir()
    broker = RealMosquitto(directory, extra="allow_anonymous false")
    broker.start()
    try:
        with Agent(tmp_path / "state", at(broker.port)) as agent:
            assert "the broker refuses: Not authorized" in agent.says("broker_unreachable").detail
            agent.sells()
            assert agent.outbox.depth() == 1
    finally:
        broker.kill()


def test_a_topic_that_the_access_list_denies_is_named_and_sent_once_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.delivery.window.REFUSAL_PAUSE_S", (0.2, 0.2))
    directory = tmp_path / "mosquitto"
    directory.mkdir()
    access_list = directory / "acl"
    everything_but_events = "".join(
        f"topic readwrite shelf/v1/+/+/{leaf}\n" for leaf in ("state", "info", "mark", "health", "alarm", "ack")
    )
    access_list.write_text(everything_but_events + "topic read shelf/#\ntopic readwrite shelf/v1/+/+/stock/#\n")
    access_list.chmod(0o600)
    broker = RealMosquitto(directory, extra=f"acl_file {access_list}")
    broker.start()
    try:
        with (
            StoreLedger(tmp_path / "ledger.db", at(broker.port)) as store,
            Agent(tmp_path / "state", at(broker.port)) as agent,
        ):
            store.listens()
            agent.sells(3)
            alarm = agent.says("broker_refuses")
            assert f"not authorised (0x87) when publishing to {TOPICS.event}" in alarm.detail
            assert "access list" in alarm.remedy
            assert agent.outbox.depth() == 3
            assert agent.outbox.quarantined == 0, "a wrong access list is no event's fault"
            access_list.write_text("topic readwrite #\n")
            broker.restart()
            agent.is_confirmed()
            assert store.recorded == [1, 2, 3]
    finally:
        broker.kill()


def test_an_event_larger_than_the_broker_takes_goes_as_a_review(tmp_path: Path) -> None:
    directory = tmp_path / "mosquitto"
    directory.mkdir()
    broker = RealMosquitto(directory, extra="max_packet_size 1000")
    broker.start()
    try:
        with (
            StoreLedger(tmp_path / "ledger.db", at(broker.port)) as store,
            Agent(tmp_path / "state", at(broker.port)) as agent,
        ):
            agent.connects()
            agent.sells(2)
            agent.is_confirmed()
            assert store.ledger.totals() == {"events": 2, "reviews": 2, "rejected": 0}
    finally:
        broker.kill()


def test_a_broker_without_room_for_any_event_is_named_once_and_wears_out_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.delivery.uplink.READ_AGAIN_S", 0.05)
    directory = tmp_path / "mosquitto"
    directory.mkdir()
    broker = RealMosquitto(directory, extra="max_packet_size 500")
    broker.start()
    try:
        with Agent(tmp_path / "state", at(broker.port)) as agent:
            agent.connects()
            agent.sells(2)
            alarm = agent.says("broker_limit")
            assert "takes packets of at most 500 bytes; event 1 has" in alarm.detail
            assert "max_packet_size" in alarm.remedy
            tries: list[bool] = []
            quarantine = Outbox.quarantine
            monkeypatch.setattr(Outbox, "quarantine", lambda *each: tries.append(quarantine(*each)))
            until(lambda: len(tries) >= 5, "it tries again")
            assert not any(tries), "nothing is written any more"
            assert agent.outbox.quarantined == 1
            assert [each.code for each in agent.transitions].count("broker_limit") == 1
            assert agent.outbox.depth() == 2
    finally:
        broker.kill()


def test_a_fault_inside_a_callback_costs_a_connection_not_the_thread(
    mosquitto: RealMosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = Connection._on_publish
    faults: list[int] = []

    def faulty(self: Connection, *arguments: Any) -> None:
        if len(faults) < 2:
            faults.append(1)
            raise RuntimeError("a defect")
        note(self, *arguments)

    monkeypatch.setattr(Connection, "_on_publish", faulty)
    with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)), Agent(tmp_path, at(mosquitto.port)) as agent:
        agent.sells(10)
        agent.is_confirmed()
        assert "RuntimeError: a defect" in agent.says("broker_unreachable").detail
        agent.says("broker_unreachable", raised=False)
        assert agent.uplink._thread.is_alive()


def test_a_defect_anywhere_in_the_uplink_costs_a_connection_not_the_thread(
    mosquitto: RealMosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, faults = SendWindow.due, [1, 1]

    def faulty(self: SendWindow, *arguments: Any) -> tuple[int, int]:
        if faults:
            raise ZeroDivisionError(f"a defect, {faults.pop()}")
        return take(self, *arguments)

    monkeypatch.setattr(SendWindow, "due", faulty)
    with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)), Agent(tmp_path, at(mosquitto.port)) as agent:
        agent.sells(10)
        agent.is_confirmed()
        assert "ZeroDivisionError" in agent.says("broker_unreachable").detail
        assert agent.uplink.alive_at_s > time.monotonic() - 5


def test_a_defect_while_saying_that_there_was_one_costs_no_thread_either(
    mosquitto: RealMosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.delivery.uplink.READ_AGAIN_S", 0.1)
    leave, faults = MqttUplink._disconnected, [1, 1]

    def faulty(self: MqttUplink, reason: str) -> None:
        if faults:
            faults.pop()
            raise ZeroDivisionError("a defect")
        leave(self, reason)

    monkeypatch.setattr(MqttUplink, "_disconnected", faulty)
    with Agent(tmp_path / "state", at(mosquitto.port)) as agent:
        agent.connects()
        mosquitto.restart()
        until(lambda: not faults, "both defects")
        with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)):
            agent.sells(3)
            agent.is_confirmed()
        assert agent.uplink._thread.is_alive()


def test_another_client_under_our_name_does_not_end_delivery(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)), Agent(tmp_path, at(mosquitto.port)) as agent:
        agent.connects()
        subprocess.run(
            ["mosquitto_pub", "-p", str(mosquitto.port), "-i", "shelf-corner-shop-unit-7", "-t", "x", "-m", "x"],
            check=True,
        )
        agent.says("broker_unreachable")
        agent.sells(2)
        agent.is_confirmed()


# --- the agent -------------------------------------------------------------------------------------------------------


def test_an_agent_killed_between_commit_and_publish_publishes_after_its_restart(
    mosquitto: RealMosquitto, tmp_path: Path
) -> None:
    killed = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        "from delivery_stories import decision, open_outbox\n"
        "outbox = open_outbox(Path(sys.argv[1]))\n"
        "for number in (1, 2, 3): outbox.commit(decision(number))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", killed, str(tmp_path / "state")], check=False)
    assert ended.returncode == -signal.SIGKILL
    with (
        StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)) as store,
        Agent(tmp_path / "state", at(mosquitto.port)) as agent,
    ):
        agent.sells()
        agent.is_confirmed()
        assert store.recorded == [1, 2, 3, 4]


def test_a_full_outbox_closes_the_door_until_the_ledger_is_back(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    with listening(mosquitto.port) as listener, Agent(tmp_path / "state", at(mosquitto.port), max_rows=5) as agent:
        agent.connects()
        agent.sells(5)
        with pytest.raises(OutboxError, match="full, 5 events"):
            agent.sells()
        until(lambda: b'"selling":"no"' in b"".join(listener.on("state")[-1:]), "the door is closed")
        assert "full, 5 events wait" in agent.says("outbox_refuses").detail
        with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)):
            agent.is_confirmed()
            agent.sells()
            until(lambda: b'"selling":"yes"' in b"".join(listener.on("state")[-1:]), "the door is open again")


def test_a_silent_ledger_is_noticed(mosquitto: RealMosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.delivery.uplink.SILENT_LEDGER_S", 0.3)
    with Agent(tmp_path / "state", at(mosquitto.port)) as agent:
        agent.sells()
        assert "edge-agent store ledger" in agent.says("ledger_silent").remedy
        with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)):
            agent.is_confirmed()
            agent.says("ledger_silent", raised=False)


def test_an_outbox_that_cannot_be_read_is_an_alarm_and_delivery_goes_on_when_it_can(
    mosquitto: RealMosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.delivery.uplink.READ_AGAIN_S", 0.1)
    read = Outbox.unconfirmed
    broken = threading.Event()
    broken.set()

    def unreadable(self: Outbox, after: int, limit: int) -> Any:
        if broken.is_set():
            raise OutboxError(f"outbox {self.path}: the disk answers with errors")
        return read(self, after, limit)

    monkeypatch.setattr(Outbox, "unconfirmed", unreadable)
    with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)), Agent(tmp_path, at(mosquitto.port)) as agent:
        agent.sells(2)
        assert agent.says("outbox_unreadable").severity is Severity.ERROR
        broken.clear()
        agent.is_confirmed()
        agent.says("outbox_unreadable", raised=False)


# --- acknowledgements -------------------------------------------------------------------------------------------------


def test_a_lost_acknowledgement_costs_a_duplicate_and_nothing_else(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    class Forgetful(LedgerService):
        lost = 0

        def _say_watermarks(self, connection: Connection) -> None:
            if self._to_say and self.lost < 1:
                self.lost += 1
                self._to_say.clear()
            super()._say_watermarks(connection)

    with (
        StoreLedger(tmp_path / "ledger.db", at(mosquitto.port), Forgetful) as store,
        Agent(tmp_path / "state", at(mosquitto.port)) as agent,
    ):
        store.listens()
        agent.sells()
        agent.is_confirmed()
        assert store.recorded == [1]
        assert store.service.duplicates == 1
        assert store.ledger.totals()["events"] == 1


def test_a_forged_falling_or_foreign_acknowledgement_deletes_nothing(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    with listening(mosquitto.port) as forger, Agent(tmp_path, at(mosquitto.port)) as agent:
        agent.sells(5)
        all_published(agent)
        stream = agent.outbox.stream_id

        def says(payload: bytes) -> None:
            forger.publish(TOPICS.ack, payload)

        says(encode(Ack(stream, 3, NOON)))
        until(lambda: agent.outbox.watermark == 3, "a true watermark is taken")
        for forged in (
            encode(Ack(stream, 1, NOON)),
            encode(Ack(stream, 2, NOON)),
            encode(Ack(STREAM, 5, NOON)),
            b"",
            b"\xff",
            b'{"stream":"' + stream.encode() + b'","watermark":-1,"time":""}',
            b"x" * 100_000,
        ):
            says(forged)
        says(encode(Ack(stream, 4, NOON)))
        until(lambda: agent.outbox.watermark == 4, "the next true one is taken")
        assert agent.outbox.refused_watermarks == 2
        assert [row.sequence for row in agent.outbox.unconfirmed(0, 10)] == [5]


# --- the ledger -------------------------------------------------------------------------------------------------------


def test_a_ledger_killed_before_its_commit_gets_the_events_again(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    class Dying(Ledger):
        def record(self, incoming: Any) -> Recorded:  # noqa: ARG002 - dies before it looks
            raise SystemExit  # received, not committed, not acknowledged

    store = StoreLedger(tmp_path / "ledger.db", at(mosquitto.port))
    store.service._ledger = Dying(str(tmp_path / "ledger.db"))
    with Agent(tmp_path / "state", at(mosquitto.port)) as agent:
        agent.sells(10)
        with pytest.raises(SystemExit):
            store.service.run()
        store.service._connection._drop_socket()  # type: ignore[union-attr]  # as the kernel does at a kill
        assert agent.outbox.depth() == 10
        with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)) as second:
            agent.is_confirmed()
            # Each once. In which order is the broker's: what comes while the session is taken up can overtake a resend.
            assert sorted(second.recorded) == list(range(1, 11))
    store.service._ledger.close()
    store.service._waker.close()
    store.ledger.close()


def test_a_ledger_killed_again_and_again_counts_every_event_once(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edge_agent.cli", "store", "ledger", "--store", UNIT.store_id]
    command += ["--broker", f"127.0.0.1:{mosquitto.port}", "--database", str(tmp_path / "ledger.db")]
    with Agent(tmp_path / "state", at(mosquitto.port)) as agent:
        for _ in range(3):
            store = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            assert store.stdout is not None
            try:
                agent.sells(40)
                for _ in range(10):
                    store.stdout.readline()
            finally:
                store.send_signal(signal.SIGKILL)
                store.stdout.close()
                store.wait(10)
        with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)) as last:
            agent.is_confirmed()
            until(lambda: last.ledger.stock() != (), "stock")
    ledger = Ledger(str(tmp_path / "ledger.db"))
    assert ledger.totals() == {"events": 120, "reviews": 0, "rejected": 0}
    (row,) = (row for row in ledger.stock() if row.sku == "oat-milk")
    assert (row.quantity, row.opened) == (50 - 120, True)
    assert ledger.gaps() == ()
    ledger.close()


def test_a_locked_ledger_acknowledges_nothing_and_goes_on_when_it_can(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    class Locked(Ledger):
        failures = 2

        def record(self, incoming: Any) -> Recorded:
            if self.failures:
                self.failures -= 1
                raise LedgerUnavailableError("ledger ledger.db: database is locked; another program holds it")
            return super().record(incoming)

    store = StoreLedger(tmp_path / "ledger.db", at(mosquitto.port))
    store.service._ledger = Locked(str(tmp_path / "ledger.db"))
    with store, Agent(tmp_path / "state", at(mosquitto.port)) as agent:
        agent.sells(3)
        agent.is_confirmed()
        assert store.recorded == [1, 2, 3]
        assert (
            "database is locked; another program holds it; nothing is acknowledged" in store.notices_of("database")[0]
        )
        store.service._ledger.close()


def test_an_event_that_the_database_cannot_store_holds_up_nothing(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    class Picky(Ledger):
        def record(self, incoming: Any) -> Recorded:
            if any(each.event.sequence_number == 2 for each in incoming):
                raise LedgerError("ledger x: invalid byte sequence")
            return super().record(incoming)

    store = StoreLedger(tmp_path / "ledger.db", at(mosquitto.port))
    store.service._ledger = Picky(str(tmp_path / "ledger.db"))
    with store, listening(mosquitto.port) as publisher:
        store.listens()
        for sequence in (1, 2, 3):
            publisher.publish(TOPICS.event, encode(cloud_event(sequence)))
        until(lambda: store.recorded == [1, 3], "the others are recorded")
        assert "invalid byte sequence" in store.notices_of("rejected")[0]
        store.service._ledger.close()


def acks(listener: Listener) -> list[int]:
    return [decode(payload, Ack).watermark for payload in listener.on("ack")]


def test_a_message_that_comes_five_times_counts_once(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)) as store, listening(mosquitto.port) as publisher:
        store.listens()
        for _ in range(5):
            publisher.publish(TOPICS.event, encode(cloud_event(1)))
        until(lambda: store.service.duplicates == 4, "duplicates noticed")
        assert store.recorded == [1]
        until(lambda: set(acks(publisher)) == {1}, "acknowledged")


def test_a_gap_holds_the_watermark_until_it_is_filled(
    mosquitto: RealMosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.subscriber.service.GAP_SAID_S", 0.2)
    with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)) as store, listening(mosquitto.port) as publisher:
        store.listens()
        for sequence in (1, 3, 4):
            publisher.publish(TOPICS.event, encode(cloud_event(sequence)))
        until(lambda: store.recorded == [1, 3, 4], "recorded")
        until(lambda: bool(acks(publisher)), "acknowledged")
        assert max(acks(publisher)) == 1
        until(lambda: bool(store.notices_of("waiting")), "somebody is told")
        assert f"events after 1 of {UNIT.source(STREAM)} are missing while event 4 is here" in store.notices[-1].text
        publisher.publish(TOPICS.event, encode(cloud_event(2)))
        until(lambda: acks(publisher)[-1] == 4, "the watermark passes")


def mark(oldest: int, last: int) -> bytes:
    return encode(Mark(STREAM, oldest, last, NOON, NOON, cloud_event(1).data.clock))


def test_a_new_ledger_beside_an_old_agent_says_what_it_will_never_have(
    mosquitto: RealMosquitto, tmp_path: Path
) -> None:
    with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)) as store, listening(mosquitto.port) as publisher:
        store.listens()
        publisher.publish(TOPICS.event, encode(cloud_event(501)))
        publisher.publish(TOPICS.mark, mark(501, 501))
        until(lambda: bool(store.notices_of("gap")), "a notice")
        assert f"events 1 to 500 of {UNIT.source(STREAM)} are lost to this ledger" in store.notices_of("gap")[0]
        until(lambda: acks(publisher)[-1:] == [501], "the agent is not left waiting")


def test_a_mark_repeats_an_acknowledgement_that_was_lost(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)) as store, listening(mosquitto.port) as publisher:
        store.listens()
        publisher.publish(TOPICS.event, encode(cloud_event(1)))
        until(lambda: acks(publisher) == [1], "acknowledged")
        publisher.publish(TOPICS.mark, mark(1, 1))
        until(lambda: acks(publisher) == [1, 1], "said again")


def test_garbage_and_impostors_are_kept_aside_and_change_nothing(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)) as store, listening(mosquitto.port) as rogue:
        store.listens()
        good = encode(cloud_event(1))
        belief = encode(StockBelief("drinks", STREAM, 0, {"b3": {"oat-milk": 9}}, NOON))
        for topic, payload in (
            (TOPICS.event, b""),
            (TOPICS.event, os.urandom(3000)),
            (TOPICS.event, b"[" * 20_000),
            (TOPICS.event, b"x" * 60_000),
            (TOPICS.event, good.replace(b"00000000000000000001", b"00000000000000000000")),
            (TOPICS.event.replace("unit-7", "unit-8"), good),  # another agent's stream on one's own topic
            (TOPICS.event, good.replace(b"shelf/corner-shop/unit-7", b"shelf/other-shop/unit-7")),
            (TOPICS.mark, b"{}"),
            (TOPICS.stock("snacks"), belief),
        ):
            rogue.publish(topic, payload)
        rogue.publish(TOPICS.event, good)
        until(lambda: store.recorded == [1], "the good one is recorded")
        assert store.service.rejected == 9
        assert store.ledger.totals() == {"events": 1, "reviews": 0, "rejected": 9}
        assert "is not agent unit-8's" in "\n".join(store.notices_of("rejected"))
        assert set(store.ledger.watermarks()) == {UNIT.source(STREAM)}
        assert not store.notices_of("opened")


def test_what_came_while_the_ledger_was_down_waits_in_its_session(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)) as store:
        store.listens()
    with listening(mosquitto.port) as publisher:
        publisher.publish(TOPICS.event, encode(cloud_event(1)))
    with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)) as store:
        until(lambda: store.recorded == [1], "recorded")


def test_a_backlog_drains_in_order(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    with Agent(tmp_path / "state", at(free_port())) as agent:
        for number in range(1, 2501):
            agent.outbox.commit(decision(number))
    with (
        StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)) as store,
        Agent(tmp_path / "state", at(mosquitto.port)) as agent,
    ):
        agent.is_confirmed(60)
        assert store.recorded == list(range(1, 2501))

"""One message that breaks the contract, or a shop's worth of beliefs, must not hold up the ledger of the store."""

from pathlib import Path
from typing import Any

import pytest
from delivery_rig import StoreLedger, at, listening
from delivery_stories import NOON, STREAM, UNIT, cloud_event, until
from real_mosquitto import RealMosquitto

from edge_agent.delivery.connection import Connection
from edge_agent.delivery.wire import ClockReport, Mark, StockBelief, encode
from edge_agent.subscriber.ledger import Incoming, Ledger, Recorded

TOPICS = UNIT.topics
SOURCE = UNIT.source(STREAM)


def test_a_sequence_beyond_64_bits_is_rejected_and_the_next_event_is_recorded(
    mosquitto: RealMosquitto, tmp_path: Path
) -> None:
    good = encode(cloud_event(1))
    with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)) as store, listening(mosquitto.port) as rogue:
        store.listens()
        for sequence in (b"9" * 20, b"%020d" % 2**63, b"0" * 20):
            rogue.publish(TOPICS.event, good.replace(b"00000000000000000001", sequence))
        rogue.publish(TOPICS.event, good)
        until(lambda: store.recorded == [1], "the good one is recorded")
        assert store.service.rejected == 3
        assert "expected a sequence from 1 to 9223372036854775807" in store.notices_of("rejected")[0]
    with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)) as store:
        store.listens()
        until(lambda: len(store.ledger.watermarks()) == 1, "it serves on")
        assert store.service.rejected == 0, "what was rejected does not come again"


def test_whatever_one_event_does_to_the_database_costs_that_event_only(
    mosquitto: RealMosquitto, tmp_path: Path
) -> None:
    class Choking(Ledger):
        def record(self, incoming: Any) -> Recorded:
            each: Incoming
            for each in incoming:
                if each.event.sequence_number == 2:
                    raise OverflowError("Python int too large to convert to SQLite INTEGER")
            return super().record(incoming)

        def oldest_held(self, agent_id: str, source: str, oldest_sequence: int) -> Any:  # noqa: ARG002
            raise ZeroDivisionError("a defect")

    store = StoreLedger(tmp_path / "ledger.db", at(mosquitto.port))
    store.service._ledger = Choking(str(tmp_path / "ledger.db"))
    with store, listening(mosquitto.port) as publisher:
        store.listens()
        publisher.publish(TOPICS.mark, encode(Mark(STREAM, 1, 0, NOON, NOON, ClockReport("unknown"))))
        for sequence in (1, 2, 3):
            publisher.publish(TOPICS.event, encode(cloud_event(sequence)))
        until(lambda: sorted(store.recorded) == [1, 3], "the others are recorded")
        said = store.notices_of("rejected")
        assert "ZeroDivisionError: a defect" in said[0]
        assert "OverflowError" in said[1]
    store.service._ledger.close()


def test_a_mark_that_contradicts_itself_moves_no_watermark(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)) as store, listening(mosquitto.port) as rogue:
        store.listens()
        rogue.publish(TOPICS.event, encode(cloud_event(1)))
        rogue.publish(TOPICS.mark, encode(Mark(STREAM, 2**63 - 1, 5, NOON, NOON, ClockReport("unknown"))))
        rogue.publish(TOPICS.event, encode(cloud_event(2)))
        until(lambda: store.recorded == [1, 2], "both events")
        assert store.ledger.watermarks() == {SOURCE: ("unit-7", 2)}
        assert store.ledger.gaps() == ()
        assert "expected at most last_sequence + 1 - at `$.oldest_sequence`" in store.notices_of("rejected")[0]


def test_a_shelf_that_is_open_costs_an_event_nothing(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    class Counting(Ledger):
        asked = 0

        def open_shelf_from_belief(self, source: str, belief: StockBelief) -> Any:
            self.asked += 1
            return super().open_shelf_from_belief(source, belief)

    store = StoreLedger(tmp_path / "ledger.db", at(mosquitto.port))
    store.service._ledger = counting = Counting(str(tmp_path / "ledger.db"))
    counting.open_shelf("drinks", {"b3": {"oat-milk": 50}}, "planogram")
    with store, listening(mosquitto.port) as agent:
        store.listens()
        for sequence in range(1, 21):
            belief = StockBelief("drinks", STREAM, sequence, {"b3": {"oat-milk": 50 - sequence}}, NOON)
            agent.publish(TOPICS.event, encode(cloud_event(sequence)))
            agent.publish(TOPICS.stock("drinks"), encode(belief), retain=True)
        until(lambda: len(store.recorded) == 20, "recorded")
        assert counting.asked == 1, "asked once, then remembered"
        assert not store.notices_of("opened")
    counting.close()


def test_a_flood_in_one_message_is_not_even_sent_to_the_ledger(
    mosquitto: RealMosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    note = Connection._on_message

    def weighing(self: Connection, client: Any, userdata: Any, message: Any) -> None:
        sizes.append(len(message.payload))
        note(self, client, userdata, message)

    monkeypatch.setattr(Connection, "_on_message", weighing)
    with StoreLedger(tmp_path / "ledger.db", at(mosquitto.port)) as store, listening(mosquitto.port) as rogue:
        store.listens()
        rogue.publish(TOPICS.event, b"x" * 5_000_000)
        rogue.publish(TOPICS.event, encode(cloud_event(1)))
        until(lambda: store.recorded == [1], "the good one is recorded")
        assert max(sizes) < 66_000

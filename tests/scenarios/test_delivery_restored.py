"""An outbox that was restored from a copy, or copied: every sale of every copy ends in the ledger once."""

import shutil
import sqlite3
from pathlib import Path

import pytest
from delivery_rig import Agent, StoreLedger, at, listening
from delivery_stories import NOON, UNIT, decision, item_event, open_outbox, sent_events
from real_mosquitto import RealMosquitto, free_port

from edge_agent.delivery.outbox import FILE_NAME
from edge_agent.delivery.wire import Ack, CloudEvent, decode, encode
from edge_agent.model import Mark as PipelineMark
from edge_agent.model import MonotonicNs
from edge_agent.subscriber.ledger import Incoming, Ledger


def acts(database: Path) -> list[str]:
    """Every act that counts, by its name."""
    with sqlite3.connect(database) as ledger:
        rows = ledger.execute("SELECT payload FROM events WHERE first_time ORDER BY rowid").fetchall()
    ledger.close()
    return sorted(decode(payload, CloudEvent).data.act_id for (payload,) in rows)


@pytest.mark.parametrize("sold_by_the_restored", [0, 1, 3, 4, 30])
def test_a_restored_outbox_begins_a_new_stream_and_loses_no_sale(
    mosquitto: RealMosquitto, tmp_path: Path, sold_by_the_restored: int
) -> None:
    state, database = tmp_path / "state", tmp_path / "ledger.db"
    with StoreLedger(database, at(mosquitto.port)):
        with Agent(state, at(mosquitto.port)) as agent:
            agent.sells(2)
            agent.is_confirmed()
        shutil.copy(state / FILE_NAME, tmp_path / "aside.db")
        with Agent(state, at(mosquitto.port)) as agent:
            agent.sells(3)
            agent.is_confirmed()
            old_stream = agent.outbox.stream_id
        shutil.copy(tmp_path / "aside.db", state / FILE_NAME)
        with Agent(state, at(free_port())) as agent:
            for number in range(sold_by_the_restored):
                agent.uplink.commit(decision(event=item_event(act_id=f"restored-{number}")))
        with Agent(state, at(mosquitto.port)) as agent:
            agent.uplink.publish(PipelineMark(MonotonicNs(1), MonotonicNs(1)))  # as the pipeline does on an idle shelf
            alarm = agent.says("outbox_restored")
            assert "restored from a copy, or two agents run on copies" in alarm.detail
            assert "count the shelf" in alarm.remedy
            agent.sells()
            agent.is_confirmed()
            assert agent.outbox.stream_id != old_stream
            stream = agent.outbox.stream_id
    expected = [f"drinks-{number}" for number in range(1, 6)]
    expected += [f"restored-{number}" for number in range(sold_by_the_restored)]
    found = acts(database)
    assert len(found) == len(expected) + 1, "each once, and the one sold after it was found out"
    assert set(expected) <= set(found)
    with Agent(state, at(mosquitto.port)) as agent:
        assert agent.outbox.stream_id == stream, "the new stream is for good"
        assert agent.said("outbox_restored") is None


def test_a_ledger_that_was_restarted_tells_the_copy_before_it_deletes_anything(
    mosquitto: RealMosquitto, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    with Agent(state, at(mosquitto.port)) as agent, listening(mosquitto.port) as ledger:
        agent.connects()
        agent.sells(5)
        stream = agent.outbox.stream_id
        held = [event.id for event in sent_events(agent.outbox)]
        ledger.publish(UNIT.topics.ack, encode(Ack(stream, 2, NOON, held[1])))
        # The ledger has 3 of another copy: what is held here from 3 on is not what it speaks of.
        ledger.publish(UNIT.topics.ack, encode(Ack(stream, 3, NOON, "of-another-copy")))
        agent.says("outbox_restored")
        moved = sent_events(agent.outbox)
        assert [event.id for event in moved] == held[2:]
        assert [event.sequence_number for event in moved] == [1, 2, 3]
        assert {event.stream for event in moved} == {agent.outbox.stream_id}
        assert all(event.data.historical for event in moved)
        ledger.publish(UNIT.topics.ack, encode(Ack(stream, 5, NOON)))
        agent.sells()
        assert agent.outbox.depth() == 4, "a late word on the old stream deletes nothing"


def test_two_claims_to_one_place_are_both_kept_and_the_stream_stops_there(tmp_path: Path) -> None:
    original, copy = open_outbox(tmp_path / "a"), open_outbox(tmp_path / "b")
    for number in (1, 2):
        original.commit(decision(number))
    original.close()
    copy.close()
    shutil.copy(tmp_path / "a" / FILE_NAME, tmp_path / "b" / FILE_NAME)
    original, copy = open_outbox(tmp_path / "a"), open_outbox(tmp_path / "b")
    original.commit(decision(3))
    for number in (13, 14):
        copy.commit(decision(number))
    ledger = Ledger(str(tmp_path / "ledger.db"))
    first = ledger.record([Incoming("unit-7", event) for event in sent_events(original)])
    source = sent_events(original)[0].source
    assert first.watermarks == {source: 3}
    theirs = [Incoming("unit-7", event) for event in sent_events(copy)]
    second = ledger.record(theirs)
    assert (second.new, second.duplicates, second.watermarks) == ((), 2, {source: 3})
    assert [each.event.data.act_id for each in second.conflicting] == ["drinks-13"]
    assert ledger.totals() == {"events": 3, "reviews": 0, "rejected": 1}
    again = ledger.record(theirs)
    assert (again.conflicting, ledger.totals()["rejected"]) == ((), 1), "named once, however often it comes"
    assert ledger.event_at(source, 3) == sent_events(original)[2].id
    assert copy.begin_again() == 4
    third = ledger.record([Incoming("unit-7", event) for event in sent_events(copy)])
    assert third.watermarks == {sent_events(copy)[0].source: 4}
    assert ledger.totals()["events"] == 5, "1 and 2 once, both third ones, and 14"
    original.close()
    copy.close()
    ledger.close()


def test_a_stream_moves_with_worn_rows_and_what_was_in_quarantine(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    for number in range(1, 600):
        outbox.commit(decision(number))
    outbox.quarantine(2, "broker_refused_0x99")
    outbox._database.execute("UPDATE event SET payload = ? WHERE sequence = 5", (b"\x01worn",))
    outbox.confirm(1)
    assert outbox.begin_again() == 598
    assert outbox.begin_again() == 598, "twice over: nothing collides"
    events = sent_events(outbox)
    assert [event.sequence_number for event in events] == list(range(1, 599))
    assert events[3].data.decision.reasons == ("stored_event_unreadable",)
    reasons = outbox._database.execute("SELECT reason FROM quarantine ORDER BY sequence").fetchall()
    assert reasons == [("broker_refused_0x99",), ("stored_event_unreadable",)]
    assert outbox.quarantine(2, "broker_refused_0x99")
    assert outbox._database.execute("SELECT count(*) FROM quarantine").fetchone() == (3,)
    outbox.close()
    again = open_outbox(tmp_path)
    assert (again.last_sequence, again.watermark, again.depth()) == (598, 0, 598)
    again.close()

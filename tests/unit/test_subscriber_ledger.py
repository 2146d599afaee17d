"""Every event once, a watermark that never lies, stock that follows, and databases that are not what they should be."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from delivery_stories import STREAM, UNIT, cloud_event, item_event
from sqlalchemy.dialects import postgresql

from edge_agent.delivery.wire import CloudEvent, StockBelief
from edge_agent.errors import LedgerError
from edge_agent.subscriber.ledger import Incoming, Ledger, StockRow
from edge_agent.subscriber.ledger_engine import LedgerUnavailableError
from edge_agent.subscriber.ledger_tables import STOCK
from edge_agent.vocabulary import Verdict

SOURCE = UNIT.source(STREAM)
OTHER_STREAM = "01a1fc1b-c348-76e1-8d1d-000000000002"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(str(tmp_path / "ledger.db"))


def incoming(*events: CloudEvent) -> list[Incoming]:
    return [Incoming("unit-7", event) for event in events]


def take(sequence: int, quantity: int = -1) -> CloudEvent:
    return cloud_event(sequence, event=item_event(act_id=f"drinks-{sequence}", quantity=quantity))


def opened(ledger: Ledger, count: int = 50) -> None:
    assert ledger.open_shelf("drinks", {"b3": {"oat-milk": count}, "b2": {"espresso": 4}}, "planogram")


def in_lane_b3(ledger: Ledger) -> int:
    (row,) = (row for row in ledger.stock() if row.lane == "b3")
    return row.quantity


def test_events_are_recorded_once_and_stock_follows(ledger: Ledger) -> None:
    opened(ledger)
    first = ledger.record(incoming(take(1), take(2, -2), take(3, +1)))
    assert [each.event.sequence_number for each in first.new] == [1, 2, 3]
    assert first.watermarks == {SOURCE: 3}
    again = ledger.record(incoming(take(2, -2), take(3, +1), take(4), take(4)))
    assert [each.event.sequence_number for each in again.new] == [4]
    assert (again.watermarks, again.duplicates) == ({SOURCE: 4}, 3)
    assert ledger.stock() == (
        StockRow("drinks", "b2", "espresso", 4, opened=True),
        StockRow("drinks", "b3", "oat-milk", 50 - 1 - 2 + 1 - 1, opened=True),
    )
    assert ledger.totals() == {"events": 4, "reviews": 0, "rejected": 0}
    ledger.close()


def test_the_watermark_waits_at_a_gap_and_passes_when_it_is_filled(ledger: Ledger) -> None:
    opened(ledger)
    assert ledger.record(incoming(take(1), take(3), take(4), take(6))).watermarks == {SOURCE: 1}
    assert in_lane_b3(ledger) == 46, "what is recorded counts, whatever is missing before it"
    assert ledger.record(incoming(take(2))).watermarks == {SOURCE: 4}
    assert ledger.record(incoming(take(5))).watermarks == {SOURCE: 6}
    assert in_lane_b3(ledger) == 44
    assert ledger.gaps() == ()
    ledger.close()


def test_everything_stands_after_the_ledger_was_killed(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "ledger.db"))
    opened(ledger)
    ledger.record(incoming(take(1), take(2)))
    del ledger  # no close: as a kill leaves it
    again = Ledger(str(tmp_path / "ledger.db"))
    assert again.watermarks() == {SOURCE: ("unit-7", 2)}
    assert again.record(incoming(take(2), take(3))).duplicates == 1
    assert in_lane_b3(again) == 47
    again.close()


def test_a_commit_is_set_up_to_survive_a_power_cut(ledger: Ledger) -> None:
    with ledger._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    ledger.close()


def test_streams_of_two_agents_do_not_disturb_each_other(ledger: Ledger) -> None:
    other = replace(UNIT, agent_id="unit-8")
    mixed = [
        *incoming(take(1), take(2)),
        Incoming("unit-8", cloud_event(1, unit=other, stream=OTHER_STREAM)),
        Incoming("unit-8", cloud_event(3, unit=other, stream=OTHER_STREAM)),
    ]
    recorded = ledger.record(mixed)
    assert recorded.watermarks == {SOURCE: 2, other.source(OTHER_STREAM): 1}
    assert ledger.watermarks()[other.source(OTHER_STREAM)] == ("unit-8", 1)
    ledger.close()


def test_an_event_rescued_into_a_new_stream_counts_once(ledger: Ledger) -> None:
    opened(ledger)
    ledger.record(incoming(take(1), take(2)))
    rescued = [
        cloud_event(1, event_id=take(2).id, stream=OTHER_STREAM),  # recorded before the agent's card was damaged
        cloud_event(2, event_id=take(3).id, stream=OTHER_STREAM),  # not recorded before
    ]
    recorded = ledger.record(incoming(*rescued))
    assert recorded.watermarks == {UNIT.source(OTHER_STREAM): 2}, "the new stream is confirmed all the same"
    assert in_lane_b3(ledger) == 47
    assert ledger.totals()["events"] == 3
    ledger.close()


def test_what_awaits_review_moves_no_stock(ledger: Ledger) -> None:
    opened(ledger)
    ledger.record(incoming(cloud_event(1, event=item_event(verdict=Verdict.REVIEW))))
    assert in_lane_b3(ledger) == 50
    assert ledger.totals() == {"events": 1, "reviews": 1, "rejected": 0}
    ledger.close()


def test_without_opening_counts_the_change_is_shown_as_a_change(ledger: Ledger) -> None:
    ledger.record(incoming(take(1), take(2)))
    assert ledger.stock() == (StockRow("drinks", "b3", "oat-milk", -2, opened=False),)
    assert ledger.open_shelf("drinks", {"b3": {"oat-milk": 50}}, "planogram")
    assert not ledger.open_shelf("drinks", {"b3": {"oat-milk": 50}}, "planogram"), "once"
    assert ledger.stock() == (StockRow("drinks", "b3", "oat-milk", 48, opened=True),)
    ledger.close()


def belief(sequence: int, count: int) -> StockBelief:
    return StockBelief("drinks", STREAM, sequence, {"b3": {"oat-milk": count}}, "2026-11-21T12:00:00.000Z")


def test_opening_counts_come_from_what_the_agent_believed_at_a_known_event(ledger: Ledger) -> None:
    ledger.record(incoming(take(1), take(2)))
    assert ledger.open_shelf_from_belief(SOURCE, belief(3, 47)) == "waits", "event 3 is not here yet"
    ledger.record(incoming(take(3), take(4)))
    assert ledger.open_shelf_from_belief(SOURCE, belief(3, 47)) == "taken"
    assert in_lane_b3(ledger) == 46, "47 after event 3, and event 4 took one more"
    assert ledger.open_shelf_from_belief(SOURCE, belief(4, 99)) == "open already", "a later belief is not authority"
    assert in_lane_b3(ledger) == 46
    ledger.close()


def test_a_new_ledger_learns_what_it_can_never_get_and_says_so(ledger: Ledger) -> None:
    # The agent deleted 1 to 1000 on an earlier ledger's word; 1001 is in its outbox.
    assert ledger.record(incoming(take(1001))).watermarks == {SOURCE: 0}
    watermark, gap = ledger.oldest_held("unit-7", SOURCE, 1001)
    assert watermark == 1001
    assert gap == (SOURCE, 1, 1000)
    assert ledger.gaps() == (gap,)
    assert ledger.oldest_held("unit-7", SOURCE, 1002) == (1001, None)
    assert ledger.record(incoming(take(1002))).watermarks == {SOURCE: 1002}
    # Once the lost range is on record, a belief after it can still open the shelf.
    assert ledger.open_shelf_from_belief(SOURCE, belief(1002, 30)) == "taken"
    assert in_lane_b3(ledger) == 30
    ledger.close()


def test_a_mark_before_any_event_makes_the_stream_known(ledger: Ledger) -> None:
    assert ledger.oldest_held("unit-7", SOURCE, 1) == (0, None)
    assert ledger.watermarks() == {SOURCE: ("unit-7", 0)}
    ledger.close()


def test_rejected_payloads_are_kept_but_not_without_end(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.subscriber.ledger.REJECTS_KEPT", 5)
    for number in range(9):
        ledger.reject("shelf/v1/x", b"x" * 100_000, f"reason {number}")
    assert ledger.totals()["rejected"] == 5
    ledger.close()


def test_two_ledgers_on_one_database_count_once(tmp_path: Path) -> None:
    one, two = Ledger(str(tmp_path / "ledger.db")), Ledger(str(tmp_path / "ledger.db"))
    opened(one)
    one.record(incoming(take(1), take(2)))
    assert two.record(incoming(take(1), take(2), take(3))).duplicates == 2
    assert in_lane_b3(one) == 47
    one.close()
    two.close()


# --- databases ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("database", "message"),
    [
        ("/nowhere/at/all/ledger.db", r"ledger /nowhere/at/all/ledger.db: .*; create its directory"),
        ("mysql://root:secret@db/x", r"ledger mysql://root:\*\*\*@db/x: use sqlite or postgresql"),
        ("nonsense://x", r"ledger nonsense://x: use sqlite or postgresql"),
        ("://", r"ledger '://': not a database URL; e.g. sqlite:///ledger.db"),
        ("", "ledger '': keeps nothing; name a file"),
        (":memory:", "keeps nothing; name a file"),
        ("sqlite://", "keeps nothing; name a file"),
        ("postgresql+psycopg://u:secret@127.0.0.1:1/x", r"\*\*\*@127.0.0.1:1/x: .*"),
    ],
)
def test_a_database_that_cannot_be_opened_is_named_without_its_password(database: str, message: str) -> None:
    with pytest.raises(LedgerError, match=message) as caught:
        Ledger(database)
    assert "secret" not in str(caught.value)
    assert caught.value.exit_status == 10


def test_a_file_that_is_no_ledger_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"no database" * 100)
    with pytest.raises(LedgerError, match=r"ledger\.db: file is not a database; name another file, or restore"):
        Ledger(str(tmp_path / "ledger.db"))


def test_a_ledger_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    Ledger(str(tmp_path / "ledger.db")).close()
    with sqlite3.connect(tmp_path / "ledger.db") as database:
        database.execute("UPDATE ledger SET schema_version = 2")
    database.close()
    with pytest.raises(LedgerError, match=r"made by another version \(schema \[2\], this program reads 1\)"):
        Ledger(str(tmp_path / "ledger.db"))


def test_a_locked_database_is_worth_another_attempt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.subscriber.ledger_engine.LOCK_WAIT_S", 0.05)
    ledger = Ledger(str(tmp_path / "ledger.db"))
    blocker = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerUnavailableError, match=r"locked; another program holds it"):
        ledger.record(incoming(take(1)))
    blocker.execute("ROLLBACK")
    blocker.close()
    assert ledger.record(incoming(take(1))).watermarks == {SOURCE: 1}
    ledger.close()


def test_the_upserts_are_sql_that_postgresql_knows() -> None:
    statement = postgresql.insert(STOCK)
    compiled = str(
        statement.on_conflict_do_update(
            index_elements=[STOCK.c.shelf, STOCK.c.lane, STOCK.c.sku],
            set_={"quantity": STOCK.c.quantity + statement.excluded.quantity},
        ).compile(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]
    )
    assert "ON CONFLICT (shelf, lane, sku) DO UPDATE SET quantity = (stock.quantity + excluded.quantity)" in compiled

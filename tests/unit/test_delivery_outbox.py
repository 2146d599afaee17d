"""What survives, what is refused, and what the agent is told when the disk is not what it should be."""

import json
import math
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from delivery_stories import UNIT, decision, item_event, noon, open_outbox, sent_events

from edge_agent.delivery.outbox import FILE_NAME, SWEEP_ROWS, Outbox
from edge_agent.delivery.payload_codec import unpack
from edge_agent.delivery.wire import MAX_EVENT_BYTES, CloudEvent, decode
from edge_agent.errors import OutboxError, StateInUseError
from edge_agent.model import Baseline, ItemEvent
from edge_agent.vocabulary import EventKind, Verdict


def pragma(path: Path, name: str) -> object:
    with sqlite3.connect(path) as database:
        value: object = database.execute(f"PRAGMA {name}").fetchone()[0]
    database.close()
    return value


def rows_on_disk(state_dir: Path) -> list[int]:
    database = sqlite3.connect(f"file:{state_dir / FILE_NAME}?mode=ro", uri=True)
    rows = [row[0] for row in database.execute("SELECT sequence FROM event ORDER BY sequence")]
    database.close()
    return rows


def test_events_come_out_in_order_from_one_with_their_contents(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    assert [outbox.commit(decision(number)) for number in range(1, 6)] == [1, 2, 3, 4, 5]
    events = sent_events(outbox)
    assert [event.sequence_number for event in events] == [1, 2, 3, 4, 5]
    assert [event.data.act_id for event in events] == [f"drinks-{number}" for number in range(1, 6)]
    assert {event.source for event in events} == {f"shelf/corner-shop/unit-7/{outbox.stream_id}"}
    assert len({event.id for event in events}) == 5
    assert [row.sequence for row in outbox.unconfirmed(2, 2)] == [3, 4]
    oldest = outbox.oldest()
    assert oldest is not None
    assert oldest.sequence_number == 1
    outbox.close()


def test_a_commit_is_set_up_to_survive_a_power_cut(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    # Read from the connection that commits: synchronous is a setting of the connection, 2 is FULL.
    assert outbox._database.execute("PRAGMA synchronous").fetchone() == (2,)
    assert outbox._database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert outbox._database.execute("PRAGMA page_size").fetchone() == (1024,)
    outbox.commit(decision())
    assert rows_on_disk(tmp_path) == [1], "visible to another reader: it is committed, not cached"
    outbox.close()
    assert pragma(tmp_path / FILE_NAME, "page_size") == 1024
    assert pragma(tmp_path / FILE_NAME, "journal_mode") == "wal"


def test_after_a_restart_sequence_stream_stock_and_resting_weights_go_on(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    assert outbox.saved_state() is None, "a new database knows nothing"
    stream = outbox.stream_id
    for number in (1, 2, 3):
        outbox.commit(decision(number))
    before = sent_events(outbox)
    outbox.close()

    again = open_outbox(tmp_path)
    assert again.stream_id == stream
    assert sent_events(again) == before, "what is sent again is what was sent"
    saved = again.saved_state()
    assert saved is not None
    assert saved.stock == {"b1": {"espresso": 12}, "b2": {}, "b3": {"oat-milk": 47}}
    (baseline,) = saved.baselines
    assert baseline.shelf_id == "drinks"
    np.testing.assert_array_equal(baseline.level_g, [100.0, math.nan, 4997.0])
    np.testing.assert_array_equal(baseline.sigma_g, [0.1, math.nan, 0.1])
    assert again.commit(decision(4)) == 4
    again.close()


def test_a_lane_that_left_the_planogram_leaves_the_belief(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    outbox.commit(decision(1))
    outbox.commit(replace(decision(2), stock={"b3": {"oat-milk": 48}}))
    outbox.close()
    again = open_outbox(tmp_path)
    saved = again.saved_state()
    assert saved is not None
    assert saved.stock == {"b3": {"oat-milk": 48}}
    again.close()


def test_drift_is_kept_without_an_event(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    drifted = Baseline("drinks", np.array([101.0, 1.0, 1.0]), np.array([0.1, 0.1, 0.1]))
    assert outbox.checkpoint([drifted], {"b3": {"oat-milk": 50}})
    outbox.commit(decision(1))
    saved = outbox.saved_state()
    assert saved is not None
    assert saved.baselines[0].level_g[0] == 100.0, "the event's own is newer"
    assert outbox.checkpoint([drifted])
    assert not outbox.checkpoint([drifted]), "nothing changed: nothing is written"
    outbox.close()
    again = open_outbox(tmp_path)
    saved = again.saved_state()
    assert saved is not None
    assert saved.baselines[0].level_g[0] == 101.0
    assert saved.stock["b3"] == {"oat-milk": 49}
    again.close()


@pytest.mark.parametrize("damage", [b"\x92\xc4\x03abc\xc4\x08abcdefgh", b"\x92\xc4\x00\xc4\x08abcdefgh", b"\xc1"])
def test_resting_weights_that_no_longer_read_are_taken_anew(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = open_outbox(tmp_path)
    outbox.commit(decision(1))
    outbox._database.execute("UPDATE state SET value = ? WHERE name = 'shelf/drinks'", (damage,))
    outbox.close()
    again = open_outbox(tmp_path)
    saved = again.saved_state()
    assert saved is not None
    assert saved.baselines == ()
    assert saved.stock["b3"] == {"oat-milk": 49}
    assert "begun anew shelf=drinks" in caplog.text
    again.close()


def test_rows_leave_on_the_watermark_and_never_on_a_forged_or_falling_one(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    for number in range(1, 6):
        outbox.commit(decision(number))
    assert outbox.confirm(3)
    assert (outbox.depth(), outbox.watermark) == (2, 3)
    assert [event.sequence_number for event in sent_events(outbox)] == [4, 5]
    assert not outbox.confirm(2), "falling"
    assert not outbox.confirm(6), "past the last event"
    assert outbox.confirm(3), "said again: no news, no harm"
    assert outbox.refused_watermarks == 2
    assert (outbox.depth(), outbox.watermark) == (2, 3)
    assert outbox.commit(decision(6)) == 6
    assert rows_on_disk(tmp_path) == [4, 5, 6], "the next commit takes the confirmed rows along"
    assert outbox.confirm(6)
    outbox.close()
    assert rows_on_disk(tmp_path) == []
    again = open_outbox(tmp_path)
    assert (again.depth(), again.last_sequence, again.watermark) == (0, 6, 6)
    assert again.commit(decision(7)) == 7, "an empty outbox still knows where the stream is"
    again.close()


def test_many_confirmed_rows_are_deleted_without_waiting_for_an_event(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    for number in range(1, SWEEP_ROWS + 2):
        outbox.commit(decision(number))
    outbox.confirm(SWEEP_ROWS)
    assert rows_on_disk(tmp_path) == [SWEEP_ROWS + 1]
    outbox.close()


def test_a_full_outbox_stops_the_sale_and_loses_nothing(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path, max_rows=3)
    for number in (1, 2, 3):
        outbox.commit(decision(number))
    with pytest.raises(OutboxError, match=r"outbox\.db: full, 3 events wait for the ledger; start the ledger"):
        outbox.commit(decision(4))
    saved = outbox.saved_state()
    assert saved is not None
    assert saved.stock["b3"] == {"oat-milk": 47}, "the refused act changed nothing"
    assert len(sent_events(outbox)) == 3
    outbox.confirm(1)
    assert outbox.commit(decision(4)) == 4
    outbox.close()


def test_a_second_agent_on_the_directory_is_told_so(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    with pytest.raises(StateInUseError, match=r"in use by another agent .*outbox\.lock.*state_dir of its own"):
        open_outbox(tmp_path)
    outbox.close()
    open_outbox(tmp_path).close()


def test_a_new_card_is_a_new_stream(tmp_path: Path) -> None:
    first, second = open_outbox(tmp_path / "a"), open_outbox(tmp_path / "b")
    assert first.stream_id != second.stream_id
    first.close()
    second.close()


def test_nobody_but_the_agent_reads_what_was_taken(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "outbox.lock").touch(mode=0o644)
    before = os.umask(0o022)
    try:
        outbox = open_outbox(tmp_path)
        outbox.commit(decision(1))
    finally:
        os.umask(before)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
    assert {"outbox.db", "outbox.db-wal", "outbox.lock", "outbox.reserve"} <= modes.keys()
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    outbox.close()


def test_a_directory_of_somebody_else_is_warned_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    tmp_path.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", refuse)
    open_outbox(tmp_path).close()
    assert f"others can read {tmp_path} and it cannot be changed: Operation not permitted; make it 700" in caplog.text


def test_sessions_only_rise(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    assert [outbox.next_session(), outbox.next_session()] == [1, 2]
    outbox.close()
    again = open_outbox(tmp_path)
    assert again.next_session() == 3
    again.close()


# --- events that cannot go out as they are ---------------------------------------------------------------------------


def quarantined(state_dir: Path) -> list[tuple[int, str]]:
    database = sqlite3.connect(f"file:{state_dir / FILE_NAME}?mode=ro", uri=True)
    rows = database.execute("SELECT sequence, reason FROM quarantine ORDER BY sequence").fetchall()
    database.close()
    return rows


def test_an_oversize_event_goes_to_review_and_holds_up_nothing(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    outbox.commit(decision(1))
    outbox.commit(decision(event=item_event(act_id="huge", alternatives=300)))
    outbox.commit(decision(3))
    first, stand_in, last = sent_events(outbox)
    assert (first.sequence_number, stand_in.sequence_number, last.sequence_number) == (1, 2, 3)
    assert stand_in.data.act_id == "huge"
    assert (stand_in.data.kind, stand_in.data.items) == (EventKind.UNKNOWN, ())
    assert stand_in.data.decision.verdict is Verdict.REVIEW
    assert stand_in.data.decision.reasons == ("event_too_large",)
    assert stand_in.data.grams == -1032.1
    assert outbox.quarantined == 1
    ((sequence, reason),) = quarantined(tmp_path)
    assert sequence == 2
    assert f"at most {MAX_EVENT_BYTES} are sent" in reason
    outbox.close()


@pytest.mark.parametrize(
    "broken",
    [
        item_event(grams=math.nan),
        item_event(grams=math.inf),
        item_event(sku="s" * 200),
        item_event(quantity=-(10**9)),
        replace(item_event(), confidence=1.2),
        replace(item_event(), shelf_id="s" * 200),
    ],
)
def test_an_event_that_no_ledger_would_read_goes_to_review(tmp_path: Path, broken: ItemEvent) -> None:
    outbox = open_outbox(tmp_path)
    assert outbox.commit(replace(decision(), event=broken)) == 1
    (row,) = outbox.unconfirmed(0, 10)
    said = decode(row.payload, CloudEvent)
    assert said.data.decision.reasons == ("event_breaks_contract",)
    assert said.data.items == ()
    assert len(quarantined(tmp_path)) == 1
    outbox.close()


def test_a_position_that_is_no_number_is_absent(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    outbox.commit(decision(event=replace(item_event(), position_mm=math.nan, position_sigma_mm=math.inf)))
    (said,) = sent_events(outbox)
    assert (said.data.position_mm, said.data.position_sigma_mm) == (None, None)
    assert said.data.decision.verdict is Verdict.AUTO, "weight alone still decides"
    outbox.close()


def test_an_event_that_the_broker_keeps_refusing_is_replaced_in_its_place(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    for number in (1, 2, 3):
        outbox.commit(decision(number))
    outbox.quarantine(2, "broker_refused_0x99")
    assert [event.sequence_number for event in sent_events(outbox)] == [1, 2, 3]
    assert sent_events(outbox)[1].data.decision.reasons == ("broker_refused_0x99",)
    assert not outbox.quarantine(2, "broker_limit_200_bytes"), "a stand-in does not get any smaller"
    outbox.confirm(3)
    outbox.quarantine(2, "too late")
    assert quarantined(tmp_path) == [(2, "broker_refused_0x99")]
    assert original(outbox, 2).data.act_id == "drinks-2"
    assert original(outbox, 2).data.items, "what it was before its first stand-in"
    outbox.close()


def original(outbox: Outbox, sequence: int) -> CloudEvent:
    (stored,) = outbox._database.execute("SELECT payload FROM quarantine WHERE sequence = ?", (sequence,)).fetchone()
    return msgspec.json.decode(unpack(stored), type=CloudEvent)


@pytest.mark.parametrize("alternatives", [300, 3000])
def test_the_original_of_an_oversize_event_is_kept_whole(tmp_path: Path, alternatives: int) -> None:
    outbox = open_outbox(tmp_path)
    outbox.commit(decision(event=item_event(act_id="huge", alternatives=alternatives)))
    outbox.quarantine(1, "broker_refused_0x99")
    (stored,) = outbox._database.execute("SELECT payload FROM quarantine").fetchone()
    kept = json.loads(unpack(stored))
    assert len(kept["data"]["alternatives"]) == alternatives
    assert kept["data"]["items"][0]["sku"] == "oat-milk"
    outbox.close()


# --- kills and broken disks ----------------------------------------------------------------------------------------

WORKER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from delivery_stories import decision, open_outbox
outbox = open_outbox(Path(sys.argv[1]), max_rows=100000)
start = outbox.last_sequence
for number in range(start + 1, start + 100000):
    print(outbox.commit(decision(number)), flush=True)
    if number % 7 == 0:
        outbox.confirm(outbox.last_sequence - 3)
"""


def test_killed_between_commit_and_publish_every_committed_event_is_there_once(tmp_path: Path) -> None:
    seeded = random.Random(20261121)
    said = 0
    for _ in range(8):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path), str(Path(__file__).parents[1])],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert worker.stdout is not None
        for _ in range(seeded.randint(1, 60)):
            said = int(worker.stdout.readline())
        worker.send_signal(signal.SIGKILL)
        rest = worker.stdout.read().split()
        said = int(rest[-1]) if rest else said
        worker.stdout.close()
        worker.wait(10)
        outbox = open_outbox(tmp_path, max_rows=100_000)
        # One more than said may be there: committed, and killed before saying so.
        assert outbox.last_sequence - said in {0, 1}
        said = outbox.last_sequence
        sequences = [event.sequence_number for event in sent_events(outbox)]
        assert sequences == list(range(outbox.watermark + 1, said + 1))
        saved = outbox.saved_state()
        assert saved is not None
        assert saved.stock["b3"] == {"oat-milk": 50 - said}, "belief and event are of one transaction"
        outbox.close()


def commit_until_refused(outbox: Outbox) -> None:
    for number in range(outbox.last_sequence + 1, 5000):
        assert outbox.commit(decision(number)) == number


def test_a_full_disk_is_named_and_nothing_is_half_written(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    outbox.commit(decision(1))
    pages = outbox._database.execute("PRAGMA page_count").fetchone()[0]
    outbox._database.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(OutboxError, match=r"outbox .*outbox\.db: the disk is full; free space"):
        commit_until_refused(outbox)
    committed = outbox.last_sequence
    assert 1 < committed < 50
    outbox._database.execute("PRAGMA max_page_count = 100000")  # space was freed: selling goes on
    assert outbox.commit(decision(committed + 1)) == committed + 1
    outbox.close()
    again = open_outbox(tmp_path)
    assert [event.sequence_number for event in sent_events(again)] == list(range(1, committed + 2))
    again.close()


def test_a_really_full_disk_is_named(tmp_path: Path) -> None:
    mounted = tmp_path / "card"
    mounted.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "small-disk", str(mounted)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        outbox = open_outbox(mounted, max_rows=100_000)
        with pytest.raises(OutboxError, match=rf"outbox {mounted}.*disk"):
            commit_until_refused(outbox)
        committed = outbox.last_sequence
        assert committed > 5
        assert [row.sequence for row in outbox.unconfirmed(0, 10_000)] == list(range(1, committed + 1))
        # The ledger takes them: what is deleted makes room again, on the space kept back for it.
        assert outbox.confirm(committed)
        assert outbox.next_session() == 1
        outbox.sweep()
        assert rows_on_disk(mounted) == []
        with pytest.raises(OutboxError, match=rf"outbox {mounted}.*disk"):
            commit_until_refused(outbox)
        committed = outbox.last_sequence
        outbox.close()
        subprocess.run(["mount", "-o", "remount,size=4m", mounted], check=True)
        again = open_outbox(mounted, max_rows=100_000)
        assert again.commit(decision(committed + 1)) == committed + 1
        again.close()
        subprocess.run(["mount", "-o", "remount,ro", mounted], check=True)
        with pytest.raises(OutboxError, match=r"Read-only file system; create it and give"):
            open_outbox(mounted)
    finally:
        subprocess.run(["umount", mounted], check=True)


def test_a_disk_that_turns_read_only_is_named(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    outbox.commit(decision(1))
    outbox._database.execute("PRAGMA query_only = ON")
    with pytest.raises(OutboxError, match=r"outbox\.db: it is read-only; remount the disk"):
        outbox.commit(decision(2))
    assert outbox.last_sequence == 1
    assert len(sent_events(outbox)) == 1
    outbox.close()


def test_a_state_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutboxError, match=r"state directory .*file/state: Not a directory; create it"):
        open_outbox(tmp_path / "file" / "state")
    (tmp_path / "dir" / FILE_NAME).mkdir(parents=True)
    with pytest.raises(OutboxError, match=r"outbox\.db: it cannot be opened; create the state directory"):
        open_outbox(tmp_path / "dir")
    (tmp_path / "dir" / FILE_NAME).rmdir()
    open_outbox(tmp_path / "dir").close()  # the failed start left nothing locked


def test_a_file_that_is_no_database_is_set_aside_and_selling_starts(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"not a database at all" * 200)
    outbox = open_outbox(tmp_path)
    assert outbox.saved_state() is None
    assert outbox.commit(decision(1)) == 1
    assert outbox.opening is not None
    assert (outbox.opening.code, outbox.opening.raised) == ("outbox_salvaged", True)
    assert "0 events were salvaged" in outbox.opening.detail
    (kept,) = tmp_path.glob("outbox.db.damaged-20261121T120000*Z")
    assert kept.read_bytes().startswith(b"not a database")
    outbox.close()


def test_what_a_damaged_database_still_holds_goes_on_in_a_new_stream(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    for number in range(1, 201):
        outbox.commit(decision(number))
    session = outbox.next_session()
    before = {event.id: event for event in sent_events(outbox)}
    old_stream = outbox.stream_id
    outbox.close()
    database = tmp_path / FILE_NAME
    content = bytearray(database.read_bytes())
    middle = len(content) // 2 // 1024 * 1024
    content[middle : middle + 4096] = b"\xa5" * 4096  # four pages of a worn card
    database.write_bytes(content)

    again = open_outbox(tmp_path)
    assert again.opening is not None
    assert again.stream_id != old_stream
    salvaged = sent_events(again)
    assert 150 < len(salvaged) < 200
    assert [event.sequence_number for event in salvaged] == list(range(1, len(salvaged) + 1))
    for event in salvaged:
        assert event.data.historical
        assert event.stream == again.stream_id
        original = before[event.id].data  # the same id: a ledger that has it already will not count it twice
        assert (event.data.act_id, event.data.items, event.data.ended) == (
            original.act_id,
            original.items,
            original.ended,
        )
    assert again.last_sequence == len(salvaged)
    assert again.next_session() > session
    again.close()


def test_one_thread_commits_while_another_reads_and_confirms(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    failures: list[BaseException] = []
    done = threading.Event()
    seen: list[int] = []

    def uplink() -> None:
        try:
            while not (done.is_set() and outbox.depth() == 0):
                rows = outbox.unconfirmed(0, 20)
                seen.extend(row.sequence for row in rows)
                if rows:
                    outbox.confirm(rows[-1].sequence)
                outbox.position()
        except BaseException as error:  # noqa: BLE001 - shown below
            failures.append(error)

    thread = threading.Thread(target=uplink)
    thread.start()
    for number in range(1, 301):
        outbox.commit(decision(number))
    done.set()
    thread.join(20)
    assert not thread.is_alive()
    assert failures == []
    assert seen == list(range(1, 301))
    outbox.close()


def test_the_position_belongs_together(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path, clock=noon(), unit=UNIT)
    outbox.commit(decision(1))
    outbox.commit(decision(2))
    outbox.confirm(1)
    position = outbox.position()
    assert (position.watermark, position.last_sequence, position.depth) == (1, 2, 1)
    assert position.stock["b3"] == {"oat-milk": 48}
    outbox.close()
    with pytest.raises(OutboxError, match=r"outbox\.db"):
        outbox.commit(decision(3))
    assert json.loads(encode_of(tmp_path))["sequence"] == "00000000000000000002"


def encode_of(state_dir: Path) -> bytes:
    outbox = open_outbox(state_dir)
    payload = outbox.unconfirmed(0, 1)[0].payload
    outbox.close()
    return payload

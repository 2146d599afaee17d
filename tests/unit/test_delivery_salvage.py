"""Worn cards: whatever page is hit, the agent starts, keeps what reads, and hides nothing."""

import ctypes
import random
import sqlite3
from pathlib import Path

import pytest
from delivery_stories import decision, open_outbox, sent_events

from edge_agent.config import (
    AgentConfig,
    BoardCalibration,
    BoardConfig,
    BrokerConfig,
    ChannelCalibration,
    ChannelConfig,
    ShelfConfig,
    Site,
)
from edge_agent.config.assortment import Catalogue, ItemConfig, LaneConfig, Planogram
from edge_agent.delivery.clock_quality import read_kernel
from edge_agent.delivery.outbox import FILE_NAME
from edge_agent.delivery.reserve import Reserve
from edge_agent.delivery.salvage import salvage
from edge_agent.delivery.saved_state import saved_state_of
from edge_agent.delivery.unit import Unit
from edge_agent.delivery.wire import RevisionSet
from edge_agent.errors import OutboxError

PAGE = 1024


@pytest.mark.parametrize("seed", range(12))
def test_any_damaged_pages_leave_a_working_agent(tmp_path: Path, seed: int) -> None:
    outbox = open_outbox(tmp_path)
    for number in range(1, 61):
        outbox.commit(decision(number))
    originals = {event.id: event.data.items for event in sent_events(outbox)}
    outbox.close()
    seeded = random.Random(seed)
    content = bytearray((tmp_path / FILE_NAME).read_bytes())
    for _ in range(seeded.randint(1, 3)):
        page = seeded.randrange(len(content) // PAGE) * PAGE
        content[page : page + PAGE] = seeded.randbytes(PAGE)
    (tmp_path / FILE_NAME).write_bytes(content)

    again = open_outbox(tmp_path)
    events = sent_events(again)
    if again.opening is None:  # the damage hit what nothing reads
        assert len(events) == 60
    assert [event.sequence_number for event in events] == list(range(1, len(events) + 1))
    for event in events:
        assert originals[event.id] == event.data.items, "what is salvaged is what was committed"
    assert again.commit(decision(61)) == len(events) + 1
    again.close()


def test_a_database_cut_off_by_a_power_cut_is_set_aside(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    for number in range(1, 61):
        outbox.commit(decision(number))
    outbox.close()
    database = tmp_path / FILE_NAME
    database.write_bytes(database.read_bytes()[: 5 * PAGE + 100])
    again = open_outbox(tmp_path)
    assert again.opening is not None
    assert again.commit(decision(61)) == again.last_sequence
    again.close()


def test_a_log_torn_in_its_last_frame_loses_only_what_was_not_committed(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "a")
    for number in range(1, 11):
        outbox.commit(decision(number))
    copy = tmp_path / "b"
    copy.mkdir()
    for suffix in ("", "-wal"):  # as the card is when the power goes: the log not yet folded in
        name = FILE_NAME + suffix
        (copy / name).write_bytes((tmp_path / "a" / name).read_bytes())
    outbox.close()
    log = copy / f"{FILE_NAME}-wal"
    log.write_bytes(log.read_bytes() + b"\x55" * 700)  # the next commit, half written
    again = open_outbox(copy)
    assert again.opening is None
    assert [event.sequence_number for event in sent_events(again)] == list(range(1, 11))
    again.close()


def test_rows_that_do_not_read_are_left_out(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    for number in (1, 2, 3):
        outbox.commit(decision(number))
    outbox.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("UPDATE event SET payload = X'01FFFF' WHERE sequence = 2")
        database.execute("UPDATE event SET payload = 'text' WHERE sequence = 3")
        database.execute("UPDATE state SET value = X'C1' WHERE name IN ('lane/b3', 'shelf/drinks')")
    database.close()
    rescued = salvage(tmp_path / FILE_NAME)
    assert [event.data.act_id for event in rescued.events] == ["drinks-1"]
    saved = saved_state_of(rescued.state)
    assert saved is not None
    assert (saved.stock, saved.baselines) == ({"b1": {"espresso": 12}, "b2": {}}, ())
    assert salvage(tmp_path).events == (), "not even a file: nothing, and no crash"


def test_a_bit_that_flipped_at_rest_costs_one_review_and_holds_up_nothing(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    for number in (1, 2, 3):
        outbox.commit(decision(number))
    outbox.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        (stored,) = database.execute("SELECT payload FROM event WHERE sequence = 2").fetchone()
        worn = bytearray(stored)
        worn[len(worn) // 2] ^= 0x10
        database.execute("UPDATE event SET payload = ? WHERE sequence = 2", (bytes(worn),))
    database.close()
    again = open_outbox(tmp_path)
    first, unreadable, last = sent_events(again)
    assert (first.data.act_id, last.data.act_id) == ("drinks-1", "drinks-3")
    assert unreadable.sequence_number == 2
    assert unreadable.data.decision.reasons == ("stored_event_unreadable",)
    assert unreadable.data.items == ()
    assert sent_events(again)[1] == unreadable, "the same every time it is sent"
    assert again.quarantined == 1
    again.close()


def test_a_damaged_file_that_cannot_be_renamed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"x" * 5000)

    def refuse(*_: object) -> Path:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OutboxError, match=r"damaged, and cannot be renamed: Operation not permitted"):
        open_outbox(tmp_path)


def test_space_is_kept_back_once_and_given_once(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve")
    assert reserve.ready()
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 256 * 1024, "really taken, not a hole"
    reserve.release()
    reserve.release()
    assert not (tmp_path / "reserve").exists()
    assert Reserve(tmp_path / "no" / "such").ready(), "not a full disk: the database will say what is wrong"


def test_without_adjtimex_the_clock_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        def __init__(self, *_: object, **__: object) -> None: ...

        def adjtimex(self, _timex: object) -> int:
            return -1

    monkeypatch.setattr(ctypes, "CDLL", Library)
    assert read_kernel() is None, "forbidden"
    monkeypatch.delattr(Library, "adjtimex")
    assert read_kernel() is None, "missing"


def test_a_unit_is_what_its_configuration_says() -> None:
    uid = "8f3a1c5e7b902d46"
    site = Site(
        agent=AgentConfig(
            schema_version=1,
            store_id="corner-shop",
            agent_id="unit-7",
            state_dir="state",
            broker=BrokerConfig(host="broker.shop"),
            boards=(BoardConfig(uid=uid, port="/dev/ttyUSB0"),),
            shelves=("drinks.toml",),
            planogram="planogram.toml",
            catalogue="catalogue.toml",
            calibration_dir="calibration",
        ),
        shelves=(
            ShelfConfig(
                shelf_id="drinks",
                kind="lane_cells",
                width_mm=600,
                depth_mm=400,
                channels=(
                    ChannelConfig(board_uid=uid, index=0, x_mm=150),
                    ChannelConfig(board_uid=uid, index=1, x_mm=450),
                ),
            ),
        ),
        planogram=Planogram(
            revision=3,
            lanes=(
                LaneConfig(lane_id="b2", shelf_id="drinks", x_mm=(300, 600), sku="oat-milk", capacity=9),
                LaneConfig(lane_id="b1", shelf_id="drinks", x_mm=(0, 300), sku="oat-milk", capacity=9),
            ),
        ),
        catalogue=Catalogue(
            revision=12,
            items=(
                ItemConfig(
                    sku="oat-milk", gtin="4006381333931", name="Oat milk", unit_weight_g=1032.0, unit_sigma_g=4.0
                ),
            ),
        ),
        calibrations=(
            BoardCalibration(
                board_uid=uid, revision=4, channels=(ChannelCalibration(index=0, zero_counts=0, counts_per_g=100),)
            ),
        ),
    )
    unit = Unit.of_site(site, "0.1.0")
    assert (unit.store_id, unit.agent_id) == ("corner-shop", "unit-7")
    assert unit.shelves == {"drinks": ("b1", "b2")}
    assert unit.gtins == {"oat-milk": "4006381333931"}
    assert unit.revisions == RevisionSet(3, 12, {uid: 4}, "0.1.0")

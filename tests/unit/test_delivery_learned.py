"""What was learned survives a restart, goes with its catalogue, and reaches the store in `info`."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from delivery_stories import NOON, UNIT, decision, item_event, noon, open_outbox

from edge_agent.delivery.announcer import Announcer
from edge_agent.delivery.learned_rows import WEIGHT
from edge_agent.delivery.outbox import FILE_NAME
from edge_agent.delivery.unit import Unit
from edge_agent.delivery.wire import Info, decode
from edge_agent.identification.threshold import with_act
from edge_agent.learned import NONE_SEEN, Learned, Proposal, UnitWeight
from edge_agent.model import Decision

SOUND = UnitWeight(1032.4, 12.0, 27.0, 130.0, 2.4, events=12, recent=((1031.0, 2.5), (1033.5, 2.5)))
CONTRADICTED = replace(SOUND, proposal=Proposal(1149.0, 1033.123456, 1.1, 5))
SEEN = with_act(NONE_SEEN, 0.998)


def taught(number: int, unit: UnitWeight = SOUND, *, t_end_s: float = 999.0) -> Decision:
    learned = Learned({"oat-milk": unit}, {"*": SEEN, "drinks": SEEN})
    event = item_event(act_id=f"drinks-{number}", t_end_s=t_end_s)
    return replace(decision(number, event=event), learned=learned)


def revised(catalogue: int = 12, planogram: int = 3) -> Unit:
    return replace(UNIT, revisions=msgspec.structs.replace(UNIT.revisions, catalogue=catalogue, planogram=planogram))


def rows_of(state_dir: Path) -> set[str]:
    with sqlite3.connect(state_dir / FILE_NAME) as database:
        names = {name for (name,) in database.execute("SELECT name FROM state")}
    database.close()
    return {name for name in names if name.startswith((WEIGHT, "confidence/"))}


def test_a_restart_finds_every_number_as_it_was(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    outbox.commit(taught(1, CONTRADICTED))
    outbox.close()
    again = open_outbox(tmp_path)
    assert again.take_learned() == Learned({"oat-milk": CONTRADICTED}, {"*": SEEN, "drinks": SEEN})
    again.close()


def test_what_was_learned_of_another_catalogue_is_dropped_and_the_log_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = open_outbox(tmp_path)
    outbox.commit(taught(1, CONTRADICTED))
    outbox.close()
    again = open_outbox(tmp_path, unit=revised(catalogue=13))
    assert again.position().proposals == ()
    assert again.take_learned() == Learned()
    assert "learned unit weights dropped" in caplog.text
    assert "of catalogue revision 12, in force is 13" in caplog.text
    assert "learned confidences dropped" in caplog.text
    again.close()
    assert rows_of(tmp_path) == set()


def test_another_planogram_leaves_weights_and_drops_confidences(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = open_outbox(tmp_path)
    outbox.commit(taught(1))
    outbox.close()
    again = open_outbox(tmp_path, unit=revised(planogram=4))
    assert again.take_learned() == Learned({"oat-milk": SOUND})
    assert "planogram revision 3, in force are 12 and 4" in caplog.text
    again.close()
    assert rows_of(tmp_path) == {"weight/oat-milk"}


@pytest.mark.parametrize("value", [b"", b"\xc1", msgspec.msgpack.encode([12, NOON, {"mean_g": float("nan")}])])
def test_a_row_that_does_not_read_is_dropped_and_the_rest_kept(
    tmp_path: Path, value: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = open_outbox(tmp_path)
    outbox.commit(taught(1))
    outbox.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("INSERT INTO state VALUES ('weight/soup', ?)", (value,))
    database.close()
    again = open_outbox(tmp_path)
    assert again.take_learned().units == {"oat-milk": SOUND}
    assert "reason=unreadable" in caplog.text
    again.close()


def test_a_damaged_outbox_takes_along_what_was_learned(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    for number in range(1, 200):
        outbox.commit(taught(number))
    outbox.close()
    path = tmp_path / FILE_NAME
    content = bytearray(path.read_bytes())
    content[-3000:-2000] = b"\xff" * 1000
    path.write_bytes(content)
    again = open_outbox(tmp_path)
    assert again.opening is not None
    assert again.take_learned().units == {"oat-milk": SOUND}
    again.close()


def test_the_store_reads_a_proposal_in_info_as_soon_as_it_is_made_and_once(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path, clock=noon())
    announcer = Announcer(outbox, dict)
    announcer.will(1)
    announcer.reconnected()

    def infos() -> list[Info]:
        found = []
        while (message := announcer.next_message(0.0)) is not None:
            if message.topic.endswith("/info"):
                assert message.retain
                found.append(decode(message.payload, Info))
        return found

    assert [info.learned for info in infos()] == [()]
    for number, unit in enumerate((SOUND, CONTRADICTED, CONTRADICTED), 1):
        made = taught(number, unit, t_end_s=900.0 + number)
        outbox.commit(made)
        announcer.decided(made)
        if number == 1:
            assert infos() == []
    (info,) = infos()
    (learned,) = info.learned
    assert (learned.sku, learned.gtin, learned.catalogue_g) == ("oat-milk", "4006381333931", 1149.0)
    assert (learned.learned_g, learned.sigma_g, learned.events) == (1033.12, 1.1, 5)
    assert learned.since == "2026-11-21T11:58:21.000Z", "the first act of it, not the latest"
    outbox.commit(taught(4, CONTRADICTED))
    assert infos() == []
    announcer.reconnected()
    assert [len(each.learned) for each in infos()] == [1]
    outbox.close()

"""Power fails in the middle of business, again and again: no gram that left the shelf is lost or told twice.

The short form runs with the suite; `make kill-soak` kills 100 times.
"""

import json
import random
import sqlite3
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from real_mosquitto import RealMosquitto

from edge_agent.config.files import load_site
from edge_agent.demo.child import Child
from edge_agent.demo.unit_files import UnitFiles, seed_directory, write_unit
from edge_agent.demo.virtual_shop import VirtualShop
from edge_agent.simulation.shopper import scripted_session
from edge_agent.simulation.truth import ActTruth

SEED = 11
ALIVE_S = (1.0, 8.0)
DOWN_S = (0.0, 1.5)
NOTICED_S = 0.5
"""An event's end may be stamped this much before or after an item's own instant."""
TOLERANCE_G = 20.0
"""Far below the lightest item (104 g), above what drift and ringing leave in a resting weight."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event as the ledger keeps it."""

    source: str
    sequence: int
    event_id: str
    shelf: str
    kind: str
    grams: float
    ended_s: float


@pytest.mark.timeout(3600)
def test_an_agent_killed_again_and_again_loses_and_doubles_nothing(
    mosquitto: RealMosquitto, tmp_path: Path, kills: int
) -> None:
    unit = write_unit(seed_directory(), tmp_path / "unit", broker_port=mosquitto.port, protocol="5")
    site = load_site(unit.agent_toml)
    database = tmp_path / "ledger.db"
    dice = random.Random(SEED)
    words = ["store", "ledger", "--broker", f"127.0.0.1:{mosquitto.port}", "--store", site.agent.store_id]
    ledger = Child([*words, "--database", str(database)], tmp_path / "ledger.log")
    utc_minus_monotonic_s = time.time() - time.monotonic()
    try:
        with VirtualShop(site, SEED, [board.port for board in site.agent.boards]) as shop:
            opening_g = {shelf.shelf_id: shop.world.goods.load_g(shelf.shelf_id).sum() for shelf in site.shelves}
            duration_s = kills * (sum(ALIVE_S) + sum(DOWN_S)) / 2
            acts = scripted_session(
                site, SEED, duration_s=duration_s + 6, first_act_s=shop.now_s + 4, pause_s=(0.8, 2.5)
            )
            truths = shop.perform(acts)
            killed = _kill_through(unit, shop, truths, kills, dice, tmp_path)
            _settle(unit, database, tmp_path)
            world_start_utc_s = shop.start_ns / 1e9 + utc_minus_monotonic_s
    finally:
        assert ledger.stop() == 0
    told = _on_record(database, world_start_utc_s)
    _assert_one_unbroken_stream(told, unit)
    reconciled = sum(each.kind == "reconciled" for each in told)
    print(f"\n{killed} kills, {len(truths)} acts, {len(told)} events on record, {reconciled} of them reconciled")
    for shelf_id in opening_g:
        _assert_every_gram_is_told([each for each in told if each.shelf == shelf_id], truths, shelf_id)


def _kill_through(
    unit: UnitFiles, shop: VirtualShop, truths: list[ActTruth], kills: int, dice: random.Random, at: Path
) -> int:
    # First a whole start, so that there is a committed weight to compare with.
    agent = _start(unit, at)
    assert agent.await_output("ready:", 30)
    for _ in range(kills):
        time.sleep(dice.uniform(*ALIVE_S))
        agent.require_running()
        agent.process.kill()
        agent.process.wait()
        time.sleep(dice.uniform(*DOWN_S))
        agent = _start(unit, at)
    while shop.now_s < truths[-1].t_release_s + 4:
        time.sleep(0.1)
        agent.require_running()
    agent.process.kill()
    agent.process.wait()
    return kills + 1


def _start(unit: UnitFiles, at: Path) -> Child:
    return Child(["run", "--config", str(unit.agent_toml), "--state-dir", str(unit.state_dir)], at / "agent.log")


def _settle(unit: UnitFiles, database: Path, at: Path) -> None:
    """Let a last agent find what is still unsaid and hand everything to the ledger; then stop it kindly."""
    agent = _start(unit, at)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        time.sleep(0.2)
        if time.monotonic() > deadline - 16 and _last_sequence(unit) == _recorded(database):
            break
    assert agent.stop() == 0


def _last_sequence(unit: UnitFiles) -> int:
    with sqlite3.connect(unit.state_dir / "outbox.db") as outbox:
        newest = outbox.execute("SELECT max(sequence) FROM event").fetchone()[0]
        watermark = outbox.execute("SELECT value FROM state WHERE name = 'watermark'").fetchone()
    return max(newest or 0, int(watermark[0]) if watermark else 0)


def _recorded(database: Path) -> int:
    with sqlite3.connect(database) as ledger:
        return int(ledger.execute("SELECT coalesce(max(sequence), 0) FROM events").fetchone()[0])


def _on_record(database: Path, world_start_utc_s: float) -> list[Told]:
    with sqlite3.connect(database) as ledger:
        rows = ledger.execute(
            "SELECT source, sequence, id, shelf, kind, payload FROM events ORDER BY sequence"
        ).fetchall()
    told = []
    for source, sequence, event_id, shelf, kind, payload in rows:
        data = json.loads(payload)["data"]
        ended_s = datetime.fromisoformat(data["ended"]).timestamp() - world_start_utc_s
        told.append(Told(source, sequence, event_id, shelf, kind, data["grams"], ended_s))
    return told


def _assert_one_unbroken_stream(told: list[Told], unit: UnitFiles) -> None:
    assert len({each.source for each in told}) == 1, "one outbox, one stream"
    assert [each.sequence for each in told] == list(range(1, len(told) + 1)), "a committed event is missing or doubled"
    assert len({each.event_id for each in told}) == len(told)
    assert len(told) == _last_sequence(unit), "the outbox committed more than the ledger has"


def _assert_every_gram_is_told(told: list[Told], truths: list[ActTruth], shelf_id: str) -> None:
    """Events of one shelf, added up, follow its true load: nothing lost, nothing doubled, nothing invented."""
    moves = [move for act in truths if act.shelf_id == shelf_id for move in act.moves]

    def moved_g(until_s: float) -> float:
        return sum(move.quantity * move.mass_g for move in moves if move.t_s <= until_s)

    told_g, told_until_s = 0.0, 0.0
    for each in told:
        told_g += each.grams
        instants = (each.ended_s - NOTICED_S, each.ended_s, each.ended_s + NOTICED_S)
        gap_g = min(abs(told_g - moved_g(instant)) for instant in instants)
        assert gap_g < TOLERANCE_G, (
            f"{shelf_id}: after {each} the events say {told_g:.0f} g, {gap_g:.0f} g off the truth"
        )
        # An item may have been taken from one lane and put into another while nobody looked: no grams, but a change.
        happened = [move for move in moves if told_until_s - NOTICED_S <= move.t_s <= each.ended_s + NOTICED_S]
        assert happened, f"{shelf_id}: {each} tells of nothing"
        told_until_s = each.ended_s
    assert abs(told_g - moved_g(float("inf"))) < TOLERANCE_G, (
        f"{shelf_id}: {told_g:.0f} g told, truth {moved_g(1e9):.0f} g"
    )

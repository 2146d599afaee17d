"""The camera's process dies again and again in the middle of business: the scale sells on, and each death is told.

The short form runs with the suite; `make camera-kill-soak` kills 50 times.
"""

import json
import os
import random
import re
import signal
import sqlite3
import time
from pathlib import Path

import pytest
from real_mosquitto import RealMosquitto
from watched_unit import Watched, add_camera

from edge_agent.config.files import load_site
from edge_agent.demo.child import Child
from edge_agent.demo.unit_files import seed_directory, write_unit
from edge_agent.demo.virtual_shop import VirtualShop
from edge_agent.simulation.acts import Story
from edge_agent.simulation.shopper import scripted_session

SEED = 5
ALIVE_S = (0.2, 3.0)
RETURNED_S = 90.0
"""Ends a test that has failed: a process comes back within the back-off's longest wait."""
STARTED = re.compile(r"camera=camera0 process started pid=(\d+)")
CLEARED = "alarm cleared subject=camera:camera0 code=camera_down"
RAISED = "alarm raised subject=camera:camera0 code=camera_down: camera0: its process was killed by SIGKILL"


@pytest.mark.timeout(3600)
def test_a_camera_killed_again_and_again_costs_no_event(
    mosquitto: RealMosquitto, tmp_path: Path, camera_kills: int
) -> None:
    unit = write_unit(seed_directory(), tmp_path / "unit", broker_port=mosquitto.port, protocol="5")
    shelf = load_site(unit.agent_toml).shelves[0]
    add_camera(unit, Watched(shelf.shelf_id, shelf.width_mm))
    site = load_site(unit.agent_toml)
    database, log = tmp_path / "ledger.db", tmp_path / "agent.log"
    words = ["store", "ledger", "--broker", f"127.0.0.1:{mosquitto.port}", "--store", site.agent.store_id]
    ledger = Child([*words, "--database", str(database)], tmp_path / "ledger.log")
    dice = random.Random(SEED)
    try:
        with VirtualShop(site, SEED, [board.port for board in site.agent.boards]) as shop:
            agent = Child(["run", "--config", str(unit.agent_toml), "--state-dir", str(unit.state_dir)], log)
            try:
                assert agent.await_output("ready:", 30)
                assert agent.await_output("process started pid=", 30)
                acts = scripted_session(site, SEED, act_count=4 + camera_kills, first_act_s=shop.now_s + 1)
                truths = shop.perform(acts)
                for killed in range(camera_kills):
                    time.sleep(dice.uniform(*ALIVE_S))
                    _kill_camera(log, agent, killed)
                while shop.now_s < truths[-1].t_release_s + 4:
                    time.sleep(0.1)
                    agent.require_running()
                _await_count(log, CLEARED, camera_kills, agent)
            finally:
                stopped = agent.stop()
            assert stopped == 0
            _await_record(database, unit.state_dir)
    finally:
        assert ledger.stop() == 0
    said = log.read_text()
    assert said.count(RAISED) == said.count(CLEARED) == camera_kills, "each death is told and each return"
    told = _told(database)
    moved = [act for act in truths if act.moves and act.story != Story.PRESS]
    print(f"\n{camera_kills} kills of the camera, {len(truths)} acts, {len(told)} events on record")
    moved_g = sum(move.quantity * move.mass_g for act in moved for move in act.moves)
    assert abs(sum(each["grams"] for each in told) - moved_g) < 10.0 * len(site.shelves), "a gram is missing"
    for pid in STARTED.findall(said):
        assert not Path(f"/proc/{pid}").exists(), "no process of a camera outlives its agent"


def _kill_camera(log: Path, agent: Child, killed: int) -> None:
    """Kill the process that runs now, once its pictures have been heard of."""
    _await_count(log, "process started pid=", killed + 1, agent)
    _await_count(log, CLEARED, killed, agent)
    os.kill(int(STARTED.findall(log.read_text())[-1]), signal.SIGKILL)
    _await_count(log, RAISED, killed + 1, agent)


def _await_count(log: Path, text: str, count: int, agent: Child) -> None:
    until_s = time.monotonic() + RETURNED_S
    while log.read_text().count(text) < count:
        agent.require_running()
        assert time.monotonic() < until_s, f"{text!r} not said {count} times; the log ends {log.read_text()[-1500:]}"
        time.sleep(0.02)


def _await_record(database: Path, state_dir: Path) -> None:
    with sqlite3.connect(state_dir / "outbox.db") as outbox:
        newest = outbox.execute("SELECT max(sequence) FROM event").fetchone()[0] or 0
    until_s = time.monotonic() + 20
    while time.monotonic() < until_s and len(_told(database)) < newest:
        time.sleep(0.1)


def _told(database: Path) -> list[dict[str, float]]:
    with sqlite3.connect(database) as ledger:
        rows = ledger.execute("SELECT payload FROM events ORDER BY sequence").fetchall()
    return [json.loads(payload)["data"] for (payload,) in rows]

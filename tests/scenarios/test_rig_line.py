"""The whole line on real parts: two chips running the firmware, the agent, mosquitto, the ledger, and a shopper."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from real_mosquitto import RealMosquitto
from rig_shop import RigShop

from edge_agent.config import BrokerConfig
from edge_agent.config.files import load_site
from edge_agent.demo.child import Child
from edge_agent.demo.listener import Listener
from edge_agent.demo.screen import Screen
from edge_agent.demo.unit_files import seed_directory, write_unit
from edge_agent.simulation.scoreboard import Heard, Outcome, score
from edge_agent.simulation.truth import ActTruth
from edge_agent.simulation.world import ShelfWorld

SEED = 7
STILL_S = 1.8
"""After the last release the plates are still: the loads are given to the rigs so far and stay as they are then."""
DEADLINE_S = 20.0
"""Only ends a test that has failed."""
PAUSE_S = 2.2


def shops(world: ShelfWorld, start_s: float) -> list[ActTruth]:
    """Take, put back and press, at the lane cells (A) and on the corner cells' plate (D)."""
    acts: tuple[Callable[[float], ActTruth], ...] = (
        lambda at_s: world.take("A2", at_s, quantity=2),
        lambda at_s: world.take("D5", at_s),
        lambda at_s: world.put_back("spaghetti-500", "A2", at_s),
        lambda at_s: world.press("A4", at_s, 4_000.0),
        lambda at_s: world.take("D6", at_s, quantity=2),
        lambda at_s: world.put_back("mature-cheddar-350", "D5", at_s),
        lambda at_s: world.take("A4", at_s),
    )
    truths: list[ActTruth] = []
    for act in acts:
        truths.append(act(start_s))
        start_s = truths[-1].t_release_s + PAUSE_S
    return truths


def test_a_shopper_at_two_shelves_on_simulated_chips_is_billed_right_to_the_ledger(
    mosquitto: RealMosquitto, tmp_path: Path
) -> None:
    unit = write_unit(seed_directory(), tmp_path / "unit", broker_port=mosquitto.port, protocol="5")
    site = load_site(unit.agent_toml)
    database = tmp_path / "ledger.db"
    at_broker = ["--broker", f"127.0.0.1:{mosquitto.port}", "--store", site.agent.store_id]
    selling = ["run", "--config", str(unit.agent_toml), "--state-dir", str(unit.state_dir)]
    heard: list[Heard] = []
    with RigShop(site, SEED) as shop:
        shop.feed(8.0)
        start_ns = round(shop.start_s * 1e9)
        ledger = Child(["store", "ledger", *at_broker, "--database", str(database)], tmp_path / "ledger.log")
        agent = Child(selling, tmp_path / "agent.log")
        listener = Listener(BrokerConfig(host="127.0.0.1", port=mosquitto.port), site, start_ns)
        try:
            assert agent.await_output("ready:", 30)
            truths = shops(shop.world, max(8.5, shop.now_s + 0.5))
            released_s = truths[-1].t_release_s
            shop.feed(released_s + STILL_S)
            # The last act makes an event, so that none of an earlier one is still to come when all have.
            while len(heard) < sum(bool(truth.moves) for truth in truths) and shop.now_s < released_s + DEADLINE_S:
                heard += listener.poll(0.05)
                agent.require_running()
                ledger.require_running()
            stopped = [agent.stop()]
            heard += listener.poll(0.5)
        finally:
            agent.stop()
            listener.close()
            ended = ledger.stop()
    board, screen = score(truths, heard, start_ns), Screen(site)
    print("", screen.head(), *(screen.row(each) for each in board.scored), screen.summary(board), sep="\n")
    assert (stopped, ended) == ([0], 0)
    assert [each.outcome for each in board.scored] == [
        Outcome.QUIET if not truth.moves else Outcome.RIGHT for truth in truths
    ]
    assert board.invented == ()
    with sqlite3.connect(database) as books:
        recorded = [row[0] for row in books.execute("SELECT sequence FROM events ORDER BY sequence")]
    assert recorded == list(range(1, len(heard) + 1)), "the ledger has what the subscriber heard, once"

"""A subscriber that is not ours reads the contract: mosquitto_sub sees a take and its put-back, and nothing twice."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from real_mosquitto import RealMosquitto

from edge_agent.config.files import load_site
from edge_agent.demo.child import Child
from edge_agent.demo.unit_files import seed_directory, write_unit
from edge_agent.demo.virtual_shop import VirtualShop
from edge_agent.simulation.acts import Movement, PlannedAct, Story

LANE, SKU = "A2", "spaghetti-500"


def test_mosquitto_sub_reads_a_take_and_a_put_back(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    unit = write_unit(seed_directory(), tmp_path / "unit", broker_port=mosquitto.port, protocol="5")
    site = load_site(unit.agent_toml)
    heard = tmp_path / "heard.txt"
    with heard.open("wb") as stream:
        subscriber = subprocess.Popen(
            [
                "mosquitto_sub",
                "-h",
                "127.0.0.1",
                "-p",
                str(mosquitto.port),
                "-V",
                "5",
                "-q",
                "1",
                "-t",
                "shelf/#",
                "-v",
            ],
            stdout=stream,
        )
    ledger_words = ["store", "ledger", "--broker", f"127.0.0.1:{mosquitto.port}", "--store", site.agent.store_id]
    ledger = Child([*ledger_words, "--database", str(tmp_path / "ledger.db")], tmp_path / "ledger.log")
    try:
        with VirtualShop(site, 5, [board.port for board in site.agent.boards]) as shop:
            words = ["run", "--config", str(unit.agent_toml), "--state-dir", str(unit.state_dir)]
            agent = Child(words, tmp_path / "agent.log")
            first_s = shop.now_s + 3
            shop.perform(
                [
                    PlannedAct(first_s, Story.TAKE_SEVERAL, (Movement(LANE, -2, SKU),)),
                    PlannedAct(first_s + 5, Story.PUT_BACK, (Movement(LANE, 1, SKU),)),
                ]
            )
            deadline = time.monotonic() + 25
            while len(_on("event", heard)) < 2 and time.monotonic() < deadline:
                agent.require_running()
                ledger.require_running()
                time.sleep(0.1)
            time.sleep(0.5)  # a doubled event would come now
            assert agent.stop() == 0
    finally:
        subscriber.terminate()
        subscriber.wait()
        assert ledger.stop() == 0
    take, put_back = _on("event", heard)
    print("\n" + heard.read_text())
    assert (take["data"]["kind"], take["data"]["items"][0]["sku"], take["data"]["items"][0]["quantity"]) == (
        "take", SKU, -2,
    )  # fmt: skip
    assert (put_back["data"]["kind"], put_back["data"]["items"][0]["quantity"]) == ("put_back", 1)
    assert [event["sequence"] for event in (take, put_back)] == [f"{number:020d}" for number in (1, 2)]
    for event in (take, put_back):
        assert event["specversion"] == "1.0"
        assert event["source"].startswith(f"shelf/{site.agent.store_id}/{site.agent.agent_id}/")
        assert event["subject"] == "ambient-lanes"
        assert event["data"]["decision"]["verdict"] == "auto"
        assert event["data"]["items"][0]["gtin"] == site.catalogue.item(SKU).gtin
    early = [message["data"]["act_id"] for message in _on("live", heard)]
    assert set(early) <= {take["data"]["act_id"], put_back["data"]["act_id"]}
    assert _on("ack", heard)[-1]["watermark"] == 2, "the ledger has both"
    assert _on("state", heard)[-1]["status"] == "stopped"
    assert _on("stock/ambient-lanes", heard)[-1]["lanes"][LANE][SKU] == 7


def _on(leaf: str, heard: Path) -> list[dict[str, Any]]:
    messages = (line.partition(" ") for line in heard.read_text().splitlines())
    return [json.loads(payload) for topic, _, payload in messages if topic.endswith(f"/{leaf}")]

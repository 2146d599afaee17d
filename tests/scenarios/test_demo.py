"""A newcomer's first minute, with either broker, and a recorded session decided again."""

import subprocess
import sys
from pathlib import Path

import pytest
from real_mosquitto import RealMosquitto

from edge_agent.cli import main
from edge_agent.config.files import load_site
from edge_agent.demo.child import Child
from edge_agent.demo.unit_files import seed_directory, write_unit
from edge_agent.demo.virtual_shop import VirtualShop
from edge_agent.recording.replay import replay
from edge_agent.simulation.shopper import scripted_session


@pytest.mark.parametrize(("broker", "acts"), [("mosquitto", 2), ("amqtt", 1)])
def test_the_demo_tells_a_short_story_right_and_leaves_nothing_running(broker: str, acts: int) -> None:
    command = [sys.executable, "-m", "edge_agent.cli", "demo", "--acts", f"{acts}", "--seed", "7", "--broker", broker]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert f"parts: {broker}" in shown.stdout
    assert f"{acts} acts: {acts} right" in shown.stdout
    assert "spaghetti-500" in shown.stdout
    assert "broker, boards, agent and ledger are stopped" in shown.stdout
    running = subprocess.run(["ps", "ax", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert "edge-agent-demo-" not in running


def test_a_session_recorded_live_is_decided_again_byte_for_byte(
    mosquitto: RealMosquitto, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unit = write_unit(seed_directory(), tmp_path / "unit", broker_port=mosquitto.port, protocol="5")
    site = load_site(unit.agent_toml)
    recording = tmp_path / "session.mcap"
    with VirtualShop(site, 9, [board.port for board in site.agent.boards]) as shop:
        words = ["run", "--config", str(unit.agent_toml), "--state-dir", str(unit.state_dir)]
        agent = Child([*words, "--record", str(recording)], tmp_path / "agent.log")
        assert agent.await_output("ready:", 30)
        acts = scripted_session(site, 9, act_count=3, first_act_s=shop.now_s + 1, pause_s=(1.5, 2.0))
        truths = shop.perform(acts)
        while shop.now_s < truths[-1].t_release_s + 2.5:
            agent.require_running()
            agent.await_output("never said", 0.2)
        assert agent.stop() == 0
    assert main(["lab", "replay", str(recording), "--verify"]) == 0
    assert "byte for byte" in capsys.readouterr().err
    assert len(replay(recording).events) == 3

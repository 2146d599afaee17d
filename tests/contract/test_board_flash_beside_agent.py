"""`edge-agent board flash` beside a running agent: whoever has the port keeps it, and neither harms the other."""

from __future__ import annotations

import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from agent_under_test import AgentUnderTest
from command_line import Running, edge_agent
from flashable_board import ATMEGA328P, FlashableModel, firmware_memory, hash_of, intel_hex
from rig_board import RigBoard
from rig_build import build_firmware
from rig_shop import RigShop

from edge_agent.config import Site
from edge_agent.config.files import load_site
from edge_agent.demo.unit_files import seed_directory, write_unit
from edge_agent.model import Decision, HealthTransition
from edge_agent.simulation.board_source import BoardSource
from edge_agent.simulation.world import ShelfWorld
from edge_agent.vocabulary import Verdict
from firmware_bridge.virtual_board import BoardModel, BoardSetup, VirtualBoard, VirtualRig

LANES_UID = "8c1f64a0e2070001"
NEW_MEMORY = firmware_memory((1, 1), inputs=6)
NEW = hash_of(NEW_MEMORY)
LANE = "A2"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    unit = write_unit(seed_directory(), tmp_path / "unit", broker_port=1, protocol="5")
    return load_site(unit.agent_toml)


def port_of(site: Site, uid: str) -> str:
    return next(board.port for board in site.agent.boards if board.uid == uid)


def test_an_agent_goes_on_selling_while_flashing_its_board_is_refused(site: Site, tmp_path: Path) -> None:
    words = f"board flash --port {port_of(site, LANES_UID)} --hex {build_firmware(6).with_suffix('.hex')} --again"
    with RigShop(site, seed=5) as shop:
        shop.feed(6.0)
        with AgentUnderTest(site) as agent:
            agent.await_ready()
            start = agent.mark()
            rig: RigBoard = shop.rigs[LANES_UID]
            there = rig.flash(0, 512)
            truth = shop.world.take(LANE, shop.now_s + 1.0)
            shop.feed(truth.t_release_s + 4.0)
            ended = edge_agent(words, tmp_path)
            event = agent.decision(after=start).event
            assert ended.status == 5, ended
            assert "another program holds the port" in ended.message
            assert "stop it first" in ended.message
            assert event.verdict is Verdict.AUTO
            assert [(item.sku, item.quantity) for item in event.items] == [("spaghetti-500", -1)]
            assert agent.of(HealthTransition, after=start) == [], "the agent noticed nothing"
            assert rig.flash(0, 512) == there


class GatedModel(FlashableModel):
    """A board whose bootloader waits in the middle of its work until the test lets it go on."""

    def __init__(self, setup: BoardSetup, source: BoardSource) -> None:
        super().__init__(setup, source)
        self.at_page_5, self.may_go_on = threading.Event(), threading.Event()

    def receive(self, octets: bytes) -> bytes:
        answers = super().receive(octets)
        if self.pages == 5 and not self.at_page_5.is_set():
            self.at_page_5.set()
            self.may_go_on.wait(4.0)  # avrdude waits for five seconds
        return answers


@dataclass(frozen=True, slots=True)
class Shop:
    """A shelf world and the host's instant of its time zero, s."""

    world: ShelfWorld
    began_s: float

    @property
    def now_s(self) -> float:
        """Return the world's time."""
        return time.monotonic() - self.began_s


@contextmanager
def plugged(site: Site) -> Iterator[tuple[Shop, GatedModel]]:
    """Both boards of the unit; the one of the lanes can be flashed."""
    world = ShelfWorld(site, seed=5)
    lanes, others = [], []
    for each in site.agent.boards:
        source = BoardSource(world, each.uid)
        setup = BoardSetup(each.uid, channels=source.channel_count, most_channels=6, chip_signature=ATMEGA328P)
        if each.uid == LANES_UID:
            setup = replace(setup, firmware_version=(1, 0), bootloader_s=4.0)
            lanes.append(VirtualBoard(GatedModel(setup, source), Path(each.port)))
        else:
            others.append(VirtualBoard(BoardModel(setup, source), Path(each.port)))
    (board,) = lanes
    model = board.model
    assert isinstance(model, GatedModel)
    bauds = {termios.B57600: 57_600, termios.B115200: 115_200}
    model.host_baud = lambda: bauds[termios.tcgetattr(board._slave)[5]]
    world_s = time.monotonic()
    for terminal in (board, *others):
        terminal.epoch_ns = round(world_s * 1e9)
    with VirtualRig([board, *others]):
        yield Shop(world, world_s), model


def test_an_agent_started_while_a_board_is_flashed_is_kept_out_and_sells_afterwards(site: Site, tmp_path: Path) -> None:
    image = tmp_path / "loadcell-6ch-115200.hex"
    image.write_text(intel_hex(NEW_MEMORY))
    words = f"board flash --port {port_of(site, LANES_UID)} --hex {image}"
    with plugged(site) as (shop, lanes), Running(words, tmp_path) as flashing:
        assert lanes.at_page_5.wait(30)
        with AgentUnderTest(site) as agent:
            kept_out = agent.health(lambda each: each.code == "board_down" and each.raised).output
            lanes.may_go_on.set()
            ended = flashing.ended()
            agent.health(lambda each: each.code == "board_down" and not each.raised and LANES_UID in each.subject)
            agent.await_ready()
            assert agent.of(Decision) == [], "what was while it was flashed is nobody's item"
            shop.world.take(LANE, shop.now_s + 1.0)
            event = agent.decision(after=0).event
    assert isinstance(kept_out, HealthTransition)
    assert LANES_UID in kept_out.subject
    assert "another program holds the port" in kept_out.detail
    assert lanes.setup.firmware_hash == NEW
    # An agent may be at the port before the command has asked the board anew.
    assert "written and verified" in ended.out + ended.err, ended
    assert [(item.sku, item.quantity) for item in event.items] == [("spaghetti-500", -1)]

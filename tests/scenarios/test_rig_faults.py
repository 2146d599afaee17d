"""Everything that happens to a board in a shop happens to the compiled firmware here, under a running agent.

Each fault is told by the right name within a second of board time, is over without a restart of the agent, makes no
event, and the next shopper is billed right. `make rig-faults` prints the table.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from agent_under_test import AgentUnderTest, Said
from rig_board import RigBoard
from rig_shop import RigShop

from edge_agent.config.files import load_site
from edge_agent.demo.unit_files import seed_directory, write_unit
from edge_agent.model import Decision, HealthTransition
from edge_agent.vocabulary import Verdict

LANES_UID = "8c1f64a0e2070001"
SICK = 2
"""The channel that the faults of converters befall: lane A3. The shopper takes from A2."""
TOLD_S = 1.0
"""Within so much board time a fault is told."""
HELD_S = 1.0
"""So long a fault that lasts is left alone after it was told."""

Act = Callable[[RigBoard], None]


def nothing(_rig: RigBoard) -> None:
    """A fault that is over by itself."""


def overrun(rig: RigBoard) -> None:
    """Have forty bytes come faster than any line can carry them."""
    rig.rush(40, 40.0)
    rig.inject(bytes(range(1, 41)), "to-board")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to the board, and what the agent must say of it."""

    name: str
    break_it: Act
    mend_it: Act
    code: str
    words: str
    also: frozenset[str] = frozenset()
    """Other alarms that may be raised on the way; of any not named here there must be none."""


FAULTS = (
    Fault("DOUT stuck high", lambda rig: rig.stick(SICK, "high"), lambda rig: rig.stick(SICK, "off"),
          "channel_silent", "no valid reading"),
    Fault("DOUT stuck low", lambda rig: rig.stick(SICK, "low"), lambda rig: rig.stick(SICK, "off"),
          "channel_line_low", "data line has stayed low"),
    Fault("saturation", lambda rig: rig.rail(SICK, "high"), lambda rig: rig.rail(SICK, "off"),
          "channel_saturated", "end of the converter's range"),
    Fault("noise burst", lambda rig: rig.burst(SICK, 60_000, 2_500), nothing,
          "channel_noisy", "noise of"),
    Fault("1 % byte corruption", lambda rig: rig.corrupt(0.01), lambda rig: rig.corrupt(0.0),
          "link_poor", "damaged frames"),
    Fault("1 % byte loss", lambda rig: rig.lose(0.01), lambda rig: rig.lose(0.0),
          "link_poor", "damaged frames"),
    Fault("watchdog hang", lambda rig: rig.hang(), nothing,
          "board_down", "watchdog: its firmware hung"),
    Fault("reset mid-frame", lambda rig: rig.reset("external", bytes_into_frame=11), nothing,
          "board_down", "its reset pin was pulled"),
    Fault("brown-out", lambda rig: rig.reset("brown-out"), nothing,
          "board_down", "brown-out: its supply fell too low"),
    Fault("wrong baud", lambda rig: rig.wrong_baud(2.0), lambda rig: rig.wrong_baud(None),
          "board_down", "not at 115200 baud",
          also=frozenset({"link_poor"})),  # so it looks until nothing but damage has come for half a second
    Fault("unplug and replug", lambda rig: rig.unplug(), lambda rig: rig.plug(),
          "board_down", "plug the cable in again"),
    Fault("RX overrun", overrun, nothing,
          "link_poor", "bytes lost by the board's receiver"),
)  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RigShop]:
    unit = write_unit(seed_directory(), tmp_path_factory.mktemp("shop") / "unit", broker_port=1, protocol="5")
    with RigShop(load_site(unit.agent_toml), seed=5) as open_shop:
        yield open_shop


@pytest.fixture(scope="module")
def agent(shop: RigShop) -> Iterator[AgentUnderTest]:
    shop.feed(6.0)
    with AgentUnderTest(shop.site) as running:
        running.await_ready()
        yield running


@pytest.mark.parametrize("fault", FAULTS, ids=[re.sub(r"\W+", "-", fault.name) for fault in FAULTS])
def test_a_fault_is_told_at_once_costs_nothing_and_is_forgotten(
    shop: RigShop, agent: AgentUnderTest, fault: Fault
) -> None:
    rig = shop.rigs[LANES_UID]
    start = agent.mark()
    broken_s = rig.board_time_s()
    fault.break_it(rig)
    try:
        told = agent.health(lambda each: each.code == fault.code and each.raised, after=start)
        took_s = board_instant_s(rig, told) - broken_s
        time.sleep(HELD_S)
    finally:
        mended_s = rig.board_time_s()
        fault.mend_it(rig)
    assert isinstance(told.output, HealthTransition)
    assert fault.words in told.output.detail
    over = agent.health(over_is(fault.code), after=start)
    recovered_s = max(0.0, board_instant_s(rig, over) - mended_s)
    agent.await_ready()
    shop.feed(shop.now_s + 0.5)

    assert agent.of(Decision, after=start) == [], "a fault is nobody's item"
    raised = {each.code for each in agent.of(HealthTransition, after=start) if each.raised}
    assert raised - fault.also == {fault.code}
    for code in raised:
        agent.health(over_is(code), after=start)
    item = next_shopper(shop, agent)
    print(
        f"\n| {fault.name:<19} | {told.output.subject:<27} | {told.output.code:<17} | {took_s * 1000:4.0f} ms |"
        f" {recovered_s:3.1f} s | {', '.join(sorted(raised - {fault.code})) or '-'} | {item} |"
    )
    assert took_s < TOLD_S, f"{fault.name} was told after {took_s:.2f} s"


def over_is(code: str) -> Callable[[HealthTransition], bool]:
    return lambda each: each.code == code and not each.raised


def board_instant_s(rig: RigBoard, said: Said) -> float:
    """Board time at which something was said: what it is now, less the time since; the rig is paced by the host's."""
    now_s = rig.board_time_s()
    return now_s - (time.monotonic() - said.at_s)


def next_shopper(shop: RigShop, agent: AgentUnderTest) -> str:
    """Have a shopper take a packet of spaghetti, or put it back; the agent must bill it right."""
    start = agent.mark()
    lane = shop.world.goods.lane("A2")
    begin_s = shop.now_s + 0.7
    takes = shop.taken == 0
    truth = shop.world.take("A2", begin_s) if takes else shop.world.put_back(lane.sku, "A2", begin_s)
    shop.taken += 1 if takes else -1
    shop.play(truth.t_release_s + 1.2)
    event = agent.decision(after=start).event
    shop.feed(shop.now_s + 0.5)
    assert event.verdict is Verdict.AUTO
    moved = [(item.sku, item.quantity) for item in event.items]
    assert moved == [("spaghetti-500", -1 if takes else 1)]
    assert len(agent.of(Decision, after=start)) == 1
    return f"{'take' if takes else 'put back'} billed right, {event.confidence:.4f}"

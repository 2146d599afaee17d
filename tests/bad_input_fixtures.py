"""A shop that sells, and a unit with a day behind it: what the stories of bad input begin with."""

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from bad_input_unit import RUN, events_in, lay_out, opened_shop
from command_line import Ended, Running
from real_mosquitto import free_port

from edge_agent.demo.virtual_shop import VirtualShop


@dataclass(frozen=True, slots=True)
class Yesterday:
    """A unit that sold while its broker was away, and was stopped: its event still waits for the ledger."""

    directory: Path
    state: Path
    broker_said: str
    stopped: Ended


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualShop]:
    """One shop for all agents that sell here, one after the other."""
    with opened_shop(lay_out(tmp_path_factory.mktemp("shop") / "unit", broker_port=free_port())) as shop:
        yield shop


@pytest.fixture(scope="module")
def unit(shop: VirtualShop) -> Path:
    """The directory of the unit whose ports lead to the shop; its broker is not there."""
    link = shop.boards[0].link_path
    assert link is not None
    return link.parents[1]


@pytest.fixture(scope="module")
def yesterday(shop: VirtualShop, unit: Path) -> Yesterday:
    with Running(RUN, unit) as agent:
        broker_said = agent.awaits("alarm raised", "broker_unreachable")
        agent.awaits("ready:")
        shop.world.take("A2", shop.now_s + 0.3)
        await_that(lambda: events_in(unit / "state") == [1], "the take in the outbox")
        stopped = agent.told(signal.SIGTERM)
    return Yesterday(unit, unit / "state", broker_said, stopped)


def await_that(condition: Callable[[], bool], what: str, within_s: float = 15.0) -> None:
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s, f"{what} did not come within {within_s} s"
        time.sleep(0.05)

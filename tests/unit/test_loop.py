"""The crank: what ends a sale and what does not."""

import threading
from collections.abc import Callable

import pytest

from edge_agent.clock import SystemClock
from edge_agent.config import Site
from edge_agent.config.files import load_site
from edge_agent.demo.unit_files import seed_directory
from edge_agent.errors import BoardError, OutboxError, RecordingError
from edge_agent.loop import turn
from edge_agent.model import BoardUid, BoardUp, Checkpoint, Decision, InitialState, Message, MonotonicNs, Output
from edge_agent.pipeline import Pipeline
from edge_agent.recording.dispensable import DispensableTap
from edge_agent.simulation.hardware import BoardPhysics
from edge_agent.simulation.offline import samples
from edge_agent.simulation.world import ShelfWorld
from edge_agent.start_roll import StartRoll


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(seed_directory() / "agent.toml")


class Shelf:
    """A source that delivers some messages and then stops the loop, or fails."""

    def __init__(self, messages: list[Message], stop: threading.Event, failure: BoardError | None = None) -> None:
        self._messages, self._stop, self._failure = messages, stop, failure
        self.stopped = False

    def start(self, deliver: Callable[[Message], None]) -> None:
        self._thread = threading.Thread(target=self._deliver, args=(deliver,), daemon=True)
        self._thread.start()

    def check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if not self._thread.is_alive():
            self._stop.set()

    def stop(self) -> None:
        self.stopped = True

    def _deliver(self, deliver: Callable[[Message], None]) -> None:
        for message in self._messages:
            deliver(message)


class Uplink:
    """Remembers what it was given; refuses commits if told to."""

    def __init__(self, refusal: OutboxError | None = None) -> None:
        self.decisions: list[Decision] = []
        self.published: list[Output] = []
        self._refusal = refusal

    def commit(self, decision: Decision) -> None:
        if self._refusal is not None:
            raise self._refusal
        self.decisions.append(decision)

    def publish(self, output: Output) -> None:
        self.published.append(output)


class FullDisk:
    """A recording that can write a few messages."""

    def __init__(self, room: int) -> None:
        self.room = room

    def consumed(self, message: Message) -> None:
        assert message is not None
        self.room -= 1
        if self.room < 0:
            raise RecordingError("session.mcap: recording stopped: No space left on device")

    def produced(self, output: Output) -> None:
        assert output is not None


def one_take(site: Site) -> list[Message]:
    world = ShelfWorld(site, 4)
    world.take("A2", 3.0)
    return list(samples(world, 6.0))


def turned(site: Site, shelf: Shelf, uplink: Uplink, stop: threading.Event, tap: DispensableTap | None = None) -> None:
    initial = InitialState(site.opening_stock())
    roll = StartRoll([board.uid for board in site.agent.boards])
    turn(Pipeline(site, initial), [shelf], uplink, tap, roll, stop, SystemClock())


def test_a_recording_whose_disk_is_full_ends_and_the_sale_goes_on(site: Site) -> None:
    stop, uplink = threading.Event(), Uplink()
    shelf = Shelf(one_take(site), stop)
    turned(site, shelf, uplink, stop, DispensableTap(FullDisk(room=20)))
    assert [decision.event.items[0].sku for decision in uplink.decisions] == ["spaghetti-500"]
    assert shelf.stopped


def test_a_clean_stop_keeps_the_resting_weights(site: Site) -> None:
    stop, uplink = threading.Event(), Uplink()
    turned(site, Shelf(one_take(site), stop), uplink, stop)
    assert isinstance(uplink.published[-1], Checkpoint)


def test_a_link_that_has_failed_ends_the_agent_by_name_instead_of_a_silent_shelf(site: Site) -> None:
    stop = threading.Event()
    up = BoardUp(MonotonicNs(1), BoardUid(site.agent.boards[0].uid), 6, 80.0, 128, 1, "cafe0001")
    shelf = Shelf([up], stop, BoardError("the link to the boards has failed: a defect"))
    with pytest.raises(BoardError, match="has failed"):
        turned(site, shelf, Uplink(), stop)
    assert shelf.stopped


def test_an_outbox_that_refuses_stops_the_sale(site: Site) -> None:
    stop = threading.Event()
    shelf = Shelf(one_take(site), stop)
    with pytest.raises(OutboxError, match="the disk is full"):
        turned(site, shelf, Uplink(OutboxError("outbox: the disk is full")), stop)
    assert shelf.stopped, "the ports are free for the restart"


def test_what_was_not_weighed_is_counted_by_channel_and_reason(site: Site) -> None:
    pipeline = Pipeline(site, InitialState(site.opening_stock()))
    world = ShelfWorld(site, 4)
    for message in samples(world, 8.0, physics=BoardPhysics(glitch_rate=0.01)):
        pipeline.step(message)
    counters = pipeline.counters()
    uid = site.agent.boards[0].uid
    assert any(name.startswith(f"channel:{uid}/") and count > 0 for name, count in counters.items())

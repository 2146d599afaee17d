"""What goes wrong while a unit sells: cables, boards, broker and disk; and every command stops when it is told to."""

import contextlib
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from bad_input_fixtures import Yesterday, await_that
from bad_input_table import note, note_running, note_stop
from bad_input_unit import (
    FOREIGN_BOARD,
    LANES_BOARD,
    PLATFORM_BOARD,
    RUN,
    events_in,
    grams_in,
    lay_out,
    ports_of,
    recorded_in,
    small_disk,
)
from command_line import Running, edge_agent
from real_mosquitto import RealMosquitto, free_port

from edge_agent.demo.virtual_shop import VirtualShop
from firmware_bridge.virtual_board import VirtualBoard

# --- a running shop ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """Broker, ledger, agent and somebody who watches, all running."""

    shop: VirtualShop
    broker: RealMosquitto
    directory: Path
    agent: Running
    ledger: Running
    watch: Running

    @property
    def state(self) -> Path:
        return self.directory / "state"

    @property
    def database(self) -> Path:
        return self.directory / "ledger.db"

    def sells(self, lane_id: str, sku: str) -> None:
        """One item is taken, and the watcher reads it: at worst as a change that nobody saw happen."""
        self.shop.world.take(lane_id, self.shop.now_s + 0.2)
        self.watch.awaits(f"1 × {sku}", "g")

    def sells_unseen(self, lane_id: str) -> None:
        """One item is taken from a shelf whose board is away."""
        self.shop.world.take(lane_id, self.shop.now_s + 0.2)

    def is_back(self, uid: str, missed_sku: str) -> None:
        """A board's alarm is over, and what nobody weighed meanwhile is told as such."""
        self.watch.awaits("over:", uid)
        self.watch.awaits("changed unseen −1 ×", missed_sku)


@pytest.fixture(scope="module")
def line(shop: VirtualShop, yesterday: Yesterday, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    broker_home = tmp_path_factory.mktemp("broker")
    broker = RealMosquitto(broker_home)
    broker.start()
    directory = lay_out(broker_home / "unit", broker_port=broker.port, state=yesterday.state)
    for own, shared in zip(ports_of(directory), ports_of(yesterday.directory), strict=True):
        own.symlink_to(shared)
    store = f"--broker 127.0.0.1:{broker.port} --store corner-shop-1"
    with contextlib.ExitStack() as ending:
        ending.callback(broker.kill)
        ledger = ending.enter_context(Running(f"store ledger {store} --database ledger.db", directory))
        watch = ending.enter_context(Running(f"watch {store}", directory))
        ledger.awaits("listening at")
        watch.awaits("watching")
        agent = ending.enter_context(Running(RUN, directory))
        agent.awaits("ready:")
        ledger.awaits("taken", "spaghetti-500")  # yesterday's event, whose agent and broker were away
        yield Line(shop, broker, directory, agent, ledger, watch)


def test_a_board_that_is_unplugged_is_missed_and_its_neighbour_sells_on(line: Line) -> None:
    board = line.shop.boards[0]
    board.unplug()
    said = line.agent.awaits("alarm raised", LANES_BOARD)
    note_running("a board is unplugged while selling", RUN, said)
    assert "plug the cable in again" in said
    line.watch.awaits(LANES_BOARD, "the device is gone")
    line.sells_unseen("A3")
    line.sells("D4", "greek-yoghurt-500")
    board.plug()
    line.is_back(LANES_BOARD, "dark-chocolate-100")
    line.sells("A5", "sea-salt-crisps-150")


def test_garbage_on_a_wire_is_an_alarm_until_it_ends(line: Line) -> None:
    board = line.shop.boards[1]
    with board.stopped() as model:
        model.faults.byte_corruption = 1.0
    note_running(
        "a wire begins to carry garbage", RUN, line.agent.awaits("alarm raised", PLATFORM_BOARD, "no valid frame")
    )
    line.watch.awaits("WARNING", PLATFORM_BOARD, "board_down")
    line.sells_unseen("D6")
    line.sells("A5", "sea-salt-crisps-150")
    with board.stopped() as model:
        model.faults.byte_corruption = 0.0
    line.is_back(PLATFORM_BOARD, "double-cream-300")
    line.sells("D4", "greek-yoghurt-500")


def test_a_board_swapped_while_selling_is_not_believed(line: Line) -> None:
    board = line.shop.boards[0]
    _swap(board, FOREIGN_BOARD)
    said = line.agent.awaits("alarm raised", "plug the right board in")
    note_running("a board is swapped for another while selling", RUN, said)
    assert FOREIGN_BOARD in said
    assert LANES_BOARD in said
    line.sells_unseen("A1")
    line.sells("D4", "greek-yoghurt-500")
    _swap(board, LANES_BOARD)
    line.is_back(LANES_BOARD, "coffee-beans-250")
    line.sells("A5", "sea-salt-crisps-150")


def _swap(board: VirtualBoard, uid: str) -> None:
    board.unplug()
    with board.stopped() as model:
        model.replace_board(uid)
    board.plug()


def test_a_second_agent_on_the_same_state_is_turned_away(line: Line) -> None:
    second = edge_agent(RUN, line.directory)
    note("a second agent on the same state directory", second)
    second.assert_refused(8, "state directory state", "in use by another agent", "end that one", "state_dir of its own")
    line.sells("D6", "double-cream-300")  # the first one noticed nothing


def test_an_unreachable_broker_stops_no_sale_and_every_command_says_so(line: Line, yesterday: Yesterday) -> None:
    note_running("the broker is away when the agent starts", RUN, yesterday.broker_said)
    for word in ("127.0.0.1", "[broker] in agent.toml", "events wait in the outbox"):
        assert word in yesterday.broker_said
    await_that(lambda: recorded_in(line.database)[-1:] == events_in(line.state)[-1:], "the last event on record")
    recorded = len(recorded_in(line.database))
    line.broker.kill()
    note_running("the broker dies", RUN, line.agent.awaits("alarm raised", "broker_unreachable"))
    note_running("the broker dies", line.ledger.words, line.ledger.awaits("trying again until it answers"))
    note_running("the broker dies", line.watch.words, line.watch.awaits("trying again"))
    refused = edge_agent(f"watch --broker 127.0.0.1:{line.broker.port}", line.directory)
    note("watching a broker that is away", refused)
    refused.assert_refused(6, f"127.0.0.1:{line.broker.port}", "check that it runs")
    line.shop.world.take("A5", line.shop.now_s)
    await_that(lambda: recorded + 1 in events_in(line.state), "the sale in the outbox")
    line.broker.start()
    line.ledger.awaits("taken", "sea-salt-crisps-150")
    assert recorded_in(line.database) == list(range(1, recorded + 2))


def test_the_line_stops_when_told_and_every_event_is_on_record(line: Line) -> None:
    for story, stopped in (
        ("Ctrl-C at the agent", line.agent.presses_ctrl_c()),
        ("Ctrl-C at the ledger", line.ledger.presses_ctrl_c()),
        ("Ctrl-C at watch", line.watch.presses_ctrl_c()),
    ):
        note_stop(story, stopped)
        stopped.assert_stopped()
    recorded = recorded_in(line.database)
    assert recorded == list(range(1, 13)), "yesterday's event and the eleven of today, each once"
    assert set(events_in(line.state)) <= set(recorded), "what is still in the outbox is on record"


# --- disks ------------------------------------------------------------------------------------------------------------


def test_a_full_disk_stops_the_sale_and_costs_no_event(shop: VirtualShop, unit: Path, tmp_path: Path) -> None:
    home = lay_out(tmp_path / "unit", broker_port=free_port())
    for own, shared in zip(ports_of(home), ports_of(unit), strict=True):
        own.symlink_to(shared)
    state = home / "state"
    state.mkdir()
    with small_disk(state) as disk:
        with Running(RUN, home) as agent:
            agent.awaits("ready:")
            taken = [shop.world.take("D5", shop.now_s + 0.2)]
            await_that(lambda: events_in(state) == [1], "the first take in the outbox")
            disk.fill(state, agent.process.pid)
            # The log's last pages may still have room for some events, never for all of these.
            lanes = ("D3", "A1", "D6", "A2", "D4", "A4", "D3", "A5", "D6", "A6", "D4", "A1")
            first_s = shop.now_s + 0.2
            taken += [shop.world.take(lane_id, first_s + 1.2 * place) for place, lane_id in enumerate(lanes)]
            refused = agent.ended(within_s=30)
        note("the disk is full when an item is taken", refused)
        refused.assert_refused(7, "state/outbox.db", "full", "space")
        committed = events_in(state)
        assert committed == list(range(1, len(committed) + 1)), "nothing is lost and nothing half written"
        assert len(committed) < len(taken)
        while shop.now_s < taken[-1].t_release_s:
            time.sleep(0.1)
        if disk.full_for_all:
            disk.fill(state, agent.process.pid)  # the agent that ended has folded its log and left some room
            again = edge_agent(RUN, home)
            note("the disk is full at the start", again)
            again.assert_refused(7, "state/outbox.db", "full", "space")
            assert events_in(state) == committed
        disk.free()
        taken_g = sum(truth.delta_g for truth in taken)
        with Running(RUN, home) as agent:
            agent.awaits("ready:")
            await_that(lambda: abs(grams_in(state) - taken_g) < 20, "every gram that was taken, told", 40.0)
            stopped = agent.presses_ctrl_c()
        note_stop("Ctrl-C at the agent, its broker away", stopped)
        stopped.assert_stopped()
        assert events_in(state)[: len(committed)] == committed


# --- told to stop -----------------------------------------------------------------------------------------------------


def test_an_agent_without_a_broker_stops_on_sigterm_and_keeps_its_outbox(yesterday: Yesterday) -> None:
    note_stop("SIGTERM to the agent, its broker away", yesterday.stopped)
    yesterday.stopped.assert_stopped()
    assert events_in(yesterday.state) == [1]


def test_ledger_and_watch_stop_on_sigterm(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    store = f"--broker 127.0.0.1:{mosquitto.port} --store corner-shop-1"
    with (
        Running(f"store ledger {store} --database ledger.db", tmp_path) as ledger,
        Running(f"watch {store}", tmp_path) as watch,
    ):
        ledger.awaits("listening at")
        watch.awaits("watching")
        for story, stopped in (
            ("SIGTERM to the ledger", ledger.told(signal.SIGTERM)),
            ("SIGTERM to watch", watch.told(signal.SIGTERM)),
        ):
            note_stop(story, stopped)
            stopped.assert_stopped()
    assert recorded_in(tmp_path / "ledger.db") == []


@pytest.mark.parametrize("story", ["Ctrl-C at the demo", "SIGTERM to the demo"])
def test_a_demo_that_is_stopped_takes_everything_with_it(story: str, tmp_path: Path) -> None:
    with Running("demo", tmp_path) as demo:
        demo.awaits("the agent said")
        time.sleep(1.0)  # its agent and ledger are at work
        stopped = demo.presses_ctrl_c() if "Ctrl-C" in story else demo.told(signal.SIGTERM)
    note_stop(story, stopped)
    stopped.assert_stopped()

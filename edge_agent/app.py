"""The composition root: the one place that picks adapters, and the order in which they start and end."""

import contextlib
import threading
from pathlib import Path

from edge_agent.adapters.serial_cells import SerialCells
from edge_agent.clock import SystemClock
from edge_agent.config import Site
from edge_agent.delivery.outbox import Outbox
from edge_agent.delivery.uplink import MqttUplink
from edge_agent.loop import turn
from edge_agent.model import InitialState
from edge_agent.pipeline import Pipeline
from edge_agent.ports import SessionTap, Uplink
from edge_agent.start_roll import StartRoll
from edge_agent.state_directory import StateDirectory


def run_agent(site: Site, stop: threading.Event, *, record: Path | None = None) -> None:
    """Sell: boards to events to the store's ledger, until ``stop`` is set.

    Raises
    ------
    EdgeAgentError
        By name, for what stops an agent: see errors.py. What was committed stays in the outbox.
    """
    clock = SystemClock()
    with contextlib.ExitStack() as ending:
        ending.enter_context(StateDirectory(Path(site.agent.state_dir)))
        outbox = Outbox.open(site, clock)
        ending.callback(outbox.close)
        saved = outbox.saved_state()
        initial = InitialState(saved.stock, saved.baselines) if saved else InitialState(site.opening_stock())
        uplink = MqttUplink(outbox, site, clock)
        uplink.start()
        ending.callback(uplink.stop)
        tap = ending.enter_context(_recording(record, site, initial)) if record else None
        _turn(site, initial, uplink, tap, stop)


def record_session(site: Site, stop: threading.Event, record: Path, uplink: Uplink) -> None:
    """Record what the boards say and what would be decided, without broker or outbox.

    Raises
    ------
    EdgeAgentError
        When the boards cannot be read or the recording not written.
    """
    initial = InitialState(site.opening_stock())
    with _recording(record, site, initial) as tap:
        _turn(site, initial, uplink, tap, stop)


def _turn(site: Site, initial: InitialState, uplink: Uplink, tap: SessionTap | None, stop: threading.Event) -> None:
    roll = StartRoll([board.uid for board in site.agent.boards])
    turn(Pipeline(site, initial), [SerialCells(site.agent.boards)], uplink, tap, roll, stop, SystemClock())


def _recording(path: Path, site: Site, initial: InitialState) -> "contextlib.AbstractContextManager[SessionTap]":
    from edge_agent.recording.writer import RecordingWriter  # noqa: PLC0415 - of the lab extra: loaded where used

    return RecordingWriter(path, site, initial)

"""The composition root: the one place that picks adapters, and the order in which they start and end."""

import contextlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from edge_agent.adapters.serial_cells import SerialCells
from edge_agent.camera_process.clip_store import forget_cameras
from edge_agent.camera_process.supervisor import CameraSupervisor
from edge_agent.clock import SystemClock
from edge_agent.config import Site
from edge_agent.delivery.outbox import Outbox
from edge_agent.delivery.unit import Unit
from edge_agent.delivery.uplink import MqttUplink
from edge_agent.evidenced_uplink import EvidencedUplink
from edge_agent.loop import turn
from edge_agent.model import HealthTransition, InitialState, Stock
from edge_agent.pipeline import Pipeline
from edge_agent.ports import MessageSource, SessionTap, Uplink
from edge_agent.recording.dispensable import DispensableTap
from edge_agent.start_roll import StartRoll
from edge_agent.version import software_version

log = logging.getLogger(__name__)


def run_agent(
    site: Site, stop: threading.Event, *, owned: Callable[[], object] = dict, record: Path | None = None
) -> None:
    """Sell: boards to events to the store's ledger, until ``stop`` is set.

    ``owned`` is called once the state directory belongs to this process.

    Raises
    ------
    EdgeAgentError
        By name, for what stops an agent: see errors.py. What was committed stays in the outbox.
    """
    clock = SystemClock()
    with contextlib.ExitStack() as ending:
        unit = Unit.of_site(site, software_version())
        outbox = Outbox(Path(site.agent.state_dir), unit, max_rows=site.agent.outbox_max_rows, clock=clock)
        ending.callback(outbox.close)
        owned()
        saved = outbox.saved_state()
        stock = stock_to_begin_with(site, saved.stock if saved else {})
        initial = InitialState(stock, saved.baselines if saved else (), learned=outbox.take_learned())
        outbox.checkpoint((), stock)  # before anything is announced: the store's stock begins with it
        pipeline = Pipeline(site, initial)
        forget_cameras(
            Path(site.agent.state_dir), [each.camera_id for each in site.agent.cameras if each.driver != "none"]
        )
        cameras = CameraSupervisor.of_site(site)
        uplink = MqttUplink(outbox, site.agent.broker, clock=clock, report=_log, counters=_counters(pipeline, cameras))
        uplink.start()
        ending.callback(uplink.stop)
        tap = DispensableTap(ending.enter_context(_recording(record, site, initial))) if record else None
        _turn(site, pipeline, EvidencedUplink(uplink, cameras) if cameras else uplink, tap, stop, cameras)


def stock_to_begin_with(site: Site, saved: Stock) -> Stock:
    """Return the belief that a run starts from: the agent's own counts, by the planogram of today.

    A lane that is new, or is planned for another SKU than when it was saved, starts from its opening count: somebody
    emptied and refilled it. A lane that is gone is forgotten.
    """
    opening = site.opening_stock()
    return {
        lane.lane_id: saved[lane.lane_id] if lane.sku in saved.get(lane.lane_id, {}) else opening[lane.lane_id]
        for lane in site.planogram.lanes
    }


def record_session(site: Site, stop: threading.Event, record: Path, uplink: Uplink) -> None:
    """Record what the boards say and what would be decided, without broker or outbox.

    Raises
    ------
    EdgeAgentError
        When the boards cannot be read or the recording not written.
    """
    initial = InitialState(site.opening_stock())
    with _recording(record, site, initial) as tap:
        _turn(site, Pipeline(site, initial), uplink, tap, stop, CameraSupervisor.of_site(site))


def _turn(
    site: Site,
    pipeline: Pipeline,
    uplink: Uplink,
    tap: SessionTap | None,
    stop: threading.Event,
    cameras: CameraSupervisor | None,
) -> None:
    roll = StartRoll([board.uid for board in site.agent.boards])
    sources: list[MessageSource] = [SerialCells(site.agent.boards)]
    if cameras is not None:
        sources.append(cameras)
    turn(pipeline, sources, uplink, tap, roll, stop, SystemClock())


def _counters(pipeline: Pipeline, cameras: CameraSupervisor | None) -> Callable[[], dict[str, float]]:
    return lambda: {**pipeline.counters(), **(cameras.counters() if cameras is not None else {})}


def _log(transition: HealthTransition) -> None:
    """Tell the journal what the store's alarms tell: without a broker nobody else hears it."""
    if transition.raised:
        level = logging.getLevelNamesMapping()[transition.severity.name]
        said = "; ".join(each for each in (transition.detail, transition.remedy) if each)
        log.log(level, "alarm raised subject=%s code=%s: %s", transition.subject, transition.code, said)
    else:
        log.info("alarm cleared subject=%s code=%s", transition.subject, transition.code)


def _recording(path: Path, site: Site, initial: InitialState) -> "contextlib.AbstractContextManager[SessionTap]":
    from edge_agent.recording.writer import RecordingWriter  # noqa: PLC0415 - of the lab extra: loaded where used

    return RecordingWriter(path, site, initial)

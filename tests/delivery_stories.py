"""Events, decisions and outboxes that the delivery and subscriber tests tell their stories with."""

import math
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import msgspec
import numpy as np

from edge_agent.clock import Clock, ManualClock
from edge_agent.delivery.envelope import Envelope
from edge_agent.delivery.outbox import Outbox
from edge_agent.delivery.unit import Unit
from edge_agent.delivery.wire import ClockReport, CloudEvent, RevisionSet, decode
from edge_agent.model import (
    Alternative,
    Baseline,
    Decision,
    ItemChange,
    ItemEvent,
    MonotonicNs,
    Revisions,
)
from edge_agent.vocabulary import EventKind, Mode, Verdict

NOON_NS = 1_795_262_400_000_000_000  # 2026-11-21T12:00:00Z
NOON = "2026-11-21T12:00:00.000Z"
STREAM = "01a1fc1b-c348-76e1-8d1d-469459a22240"
UNIT = Unit(
    store_id="corner-shop",
    agent_id="unit-7",
    shelves={"drinks": ("b1", "b2", "b3")},
    gtins={"oat-milk": "4006381333931"},
    revisions=RevisionSet(planogram=3, catalogue=12, calibration={"8f3a1c5e7b902d46": 4}, software="0.1.0"),
)


def noon() -> ManualClock:
    """A clock at noon UTC, 1000 s after boot."""
    return ManualClock(now_ns=1_000_000_000_000, utc_offset_ns=NOON_NS - 1_000_000_000_000)


def item_event(
    *,
    act_id: str = "drinks-1",
    quantity: int = -1,
    verdict: Verdict = Verdict.AUTO,
    lane: str = "b3",
    sku: str = "oat-milk",
    grams: float = -1032.1,
    alternatives: int = 2,
    t_end_s: float = 999.0,
) -> ItemEvent:
    items = (ItemChange(sku, quantity, lane),)
    return ItemEvent(
        act_id=act_id,
        shelf_id="drinks",
        kind=EventKind.TAKE if quantity < 0 else EventKind.PUT_BACK,
        mode=Mode.SELLING,
        verdict=verdict,
        reasons=() if verdict is Verdict.AUTO else ("ambiguous",),
        items=items,
        confidence=0.997,
        alternatives=tuple(Alternative(items, 0.997 / (place + 1)) for place in range(alternatives)),
        delta_g=grams,
        sigma_g=0.8,
        position_mm=412.0,
        position_sigma_mm=3.5,
        t_start_ns=MonotonicNs(round((t_end_s - 2) * 1e9)),
        t_end_ns=MonotonicNs(round(t_end_s * 1e9)),
        hands=None,
        witnesses=("weight", "position"),
        witnesses_missing=("camera",),
        stock_before={lane: {sku: 8}},
        stock_after={lane: {sku: 8 + quantity}},
        revisions=Revisions(3, 12, {"8f3a1c5e7b902d46": 4}, "0.1.0"),
    )


def decision(number: int = 1, *, event: ItemEvent | None = None) -> Decision:
    """The ``number``-th take of one oat milk; lane b3 opened with 50."""
    event = event or item_event(act_id=f"drinks-{number}")
    stock = {"b1": {"espresso": 12}, "b2": {}, "b3": {"oat-milk": 50 - number}}
    baseline = Baseline("drinks", np.array([100.0, math.nan, 5000.0 - number]), np.array([0.1, math.nan, 0.1]))
    return Decision(event, stock, (baseline,))


def open_outbox(state_dir: Path, *, max_rows: int = 1000, clock: Clock | None = None, unit: Unit = UNIT) -> Outbox:
    return Outbox(state_dir, unit, max_rows=max_rows, clock=clock or noon())


def sent_events(outbox: Outbox) -> list[CloudEvent]:
    """What the outbox would send now."""
    return [decode(row.payload, CloudEvent) for row in outbox.unconfirmed(0, 10_000)]


def cloud_event(
    sequence: int,
    *,
    event: ItemEvent | None = None,
    event_id: str | None = None,
    stream: str = STREAM,
    unit: Unit = UNIT,
) -> CloudEvent:
    """An event as it arrives at the ledger."""
    envelope = Envelope(unit, noon(), "boot-1")
    return envelope.cloud_event(
        event or item_event(act_id=f"drinks-{sequence}"),
        event_id=event_id or f"id-{stream[-4:]}-{sequence}",
        stream_id=stream,
        sequence=sequence,
        clock=ClockReport("synchronised", 0.004),
    )


def with_source(event: CloudEvent, source: str) -> CloudEvent:
    return msgspec.structs.replace(event, source=source)


def until(condition: Callable[[], bool], what: str, timeout_s: float = 15.0) -> None:
    """Wait for something that real parts do in their own time."""
    give_up_s = monotonic() + timeout_s
    while not condition():
        assert monotonic() < give_up_s, f"not within {timeout_s} s: {what}"
        sleep(0.01)

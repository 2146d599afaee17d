"""From the agent's event to the wire: monotonic instants become UTC here and nowhere else."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from edge_agent.clock import Clock
from edge_agent.delivery.unit import Unit
from edge_agent.delivery.wire import (
    EVENT_TYPE,
    AlternativeLine,
    ClockReport,
    CloudEvent,
    DecisionLine,
    ItemEventData,
    ItemLine,
    Live,
    RevisionSet,
    padded_sequence,
)
from edge_agent.model import Alternative, ItemChange, ItemEvent, MonotonicNs
from edge_agent.vocabulary import EventKind, Mode, Verdict

NAME_LENGTH: Final = 128


def rfc3339(utc_ns: int) -> str:
    """Return an instant (ns since 1970) as RFC 3339 in UTC with milliseconds."""
    whole = datetime.fromtimestamp(utc_ns // 1_000_000_000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{utc_ns % 1_000_000_000 // 1_000_000:03d}Z"


@dataclass(frozen=True, slots=True)
class Envelope:
    """Writes one unit's events as wire payloads; reads the clocks at the moment of writing."""

    unit: Unit
    clock: Clock
    boot_id: str

    def utc(self, t_ns: MonotonicNs) -> str:
        """Return a monotonic instant of this boot as RFC 3339, by the offset between the clocks now."""
        return rfc3339(self.clock.utc_ns() - self.clock.monotonic_ns() + t_ns)

    def now(self) -> str:
        """Return the present instant as RFC 3339."""
        return rfc3339(self.clock.utc_ns())

    def age_s(self, instant: str) -> float:
        """Return how long ago an instant that this class wrote was, by the clock of now."""
        return round(self.clock.utc_ns() / 1e9 - datetime.fromisoformat(instant).timestamp(), 1)

    def cloud_event(
        self,
        event: ItemEvent,
        *,
        event_id: str,
        stream_id: str,
        sequence: int,
        clock: ClockReport,
        evidence: tuple[str, ...] = (),
    ) -> CloudEvent:
        """Return the final event in its place of the stream, with the names of what is kept for its reviewer."""
        return CloudEvent(
            specversion="1.0",
            id=event_id,
            source=self.unit.source(stream_id),
            type=EVENT_TYPE,
            subject=event.shelf_id,
            time=self.utc(event.t_end_ns),
            recordedtime=self.now(),
            sequence=padded_sequence(sequence),
            data=self.item_event_data(event, clock, evidence),
        )

    def live(self, event: ItemEvent, *, stream_id: str, clock: ClockReport) -> Live:
        """Return an early word on an act."""
        return Live(self.unit.source(stream_id), event.shelf_id, self.now(), self.item_event_data(event, clock))

    def item_event_data(self, event: ItemEvent, clock: ClockReport, evidence: tuple[str, ...] = ()) -> ItemEventData:
        """Return what an event says, without its place in the stream."""
        return ItemEventData(
            act_id=event.act_id,
            kind=event.kind,
            mode=event.mode,
            items=self._lines(event.items),
            confidence=round(float(event.confidence), 6),
            alternatives=self._alternatives(event.alternatives),
            grams=_rounded(event.delta_g),
            sigma_g=_rounded(event.sigma_g),
            started=self.utc(event.t_start_ns),
            ended=self.utc(event.t_end_ns),
            decision=DecisionLine(event.verdict, tuple(event.reasons)),
            revisions=RevisionSet(
                planogram=event.revisions.planogram,
                catalogue=event.revisions.catalogue,
                calibration=dict(event.revisions.calibration),
                software=event.revisions.software,
            ),
            boot_id=self.boot_id,
            clock=clock,
            lane=_one_lane(event.items),
            position_mm=_known(event.position_mm),
            position_sigma_mm=_known(event.position_sigma_mm),
            stock_before=_plain(event.stock_before),
            stock_after=_plain(event.stock_after),
            hands=event.hands,
            witnesses=tuple(event.witnesses),
            witnesses_missing=tuple(event.witnesses_missing),
            evidence=evidence,
        )

    def unreadable(self, *, event_id: str, stream_id: str, sequence: int) -> CloudEvent:
        """Return what goes out in the place of an event whose stored bytes no longer read: a review, nothing billed."""
        now = self.now()
        data = ItemEventData(
            act_id=f"unreadable-{sequence}",
            kind=EventKind.UNKNOWN,
            mode=Mode.SELLING,
            items=(),
            confidence=0.0,
            alternatives=(),
            grams=0.0,
            sigma_g=0.0,
            started=now,
            ended=now,
            decision=DecisionLine(Verdict.REVIEW, ("stored_event_unreadable",)),
            revisions=self.unit.revisions,
            boot_id=self.boot_id,
            clock=ClockReport("unknown"),
            historical=True,
        )
        return CloudEvent(
            specversion="1.0",
            id=event_id,
            source=self.unit.source(stream_id),
            type=EVENT_TYPE,
            subject="unknown",
            time=now,
            recordedtime=now,
            sequence=padded_sequence(sequence),
            data=data,
        )

    def _lines(self, items: Iterable[ItemChange]) -> tuple[ItemLine, ...]:
        return tuple(ItemLine(item.sku, item.quantity, self.unit.gtins.get(item.sku), item.lane_id) for item in items)

    def _alternatives(self, alternatives: Iterable[Alternative]) -> tuple[AlternativeLine, ...]:
        return tuple(
            AlternativeLine(
                # The chosen items above name the GTINs; the others are looked up by SKU when a person reviews.
                tuple(ItemLine(item.sku, item.quantity, None, item.lane_id) for item in alternative.items),
                round(float(alternative.probability), 6),
            )
            for alternative in alternatives
        )


def stand_in(event: CloudEvent, reason: str) -> CloudEvent:
    """Return a review event that fits where ``event`` does not: same place, act, time and grams, nothing billed.

    The stream stays contiguous and a person sees that something happened; the original stays in quarantine.
    """
    data = event.data
    grams, sigma_g = (value if math.isfinite(value) else 0.0 for value in (data.grams, data.sigma_g))
    reduced = ItemEventData(
        act_id=data.act_id[:NAME_LENGTH],
        kind=EventKind.UNKNOWN,
        mode=data.mode,
        items=(),
        confidence=0.0,
        alternatives=(),
        grams=max(-1e7, min(1e7, grams)),
        sigma_g=max(0.0, min(1e7, sigma_g)),
        started=data.started,
        ended=data.ended,
        decision=DecisionLine(Verdict.REVIEW, (reason[:NAME_LENGTH],)),
        revisions=RevisionSet(data.revisions.planogram, data.revisions.catalogue, {}, data.revisions.software[:32]),
        boot_id=data.boot_id[:NAME_LENGTH],
        clock=data.clock,
        historical=data.historical,
    )
    return CloudEvent(
        specversion=event.specversion,
        id=event.id,
        source=event.source,
        type=event.type,
        subject=event.subject[:NAME_LENGTH],
        time=event.time,
        recordedtime=event.recordedtime,
        sequence=event.sequence,
        data=reduced,
    )


def is_stand_in(event: CloudEvent) -> bool:
    """Return whether an event is as small as it gets already: standing in for it again would change nothing."""
    reasons = event.data.decision.reasons
    return bool(reasons) and stand_in(event, reasons[0]) == event


def _rounded(value: float, digits: int = 3) -> float:
    return round(float(value), digits)


def _known(value: float | None) -> float | None:
    """Return a place in tenths of a millimetre, None where there is no number."""
    return None if value is None or not math.isfinite(value) else _rounded(value, 1)


def _one_lane(items: Iterable[ItemChange]) -> str | None:
    """Return the lane when all items share one."""
    lanes = {item.lane_id for item in items}
    return lanes.pop() if len(lanes) == 1 else None


def _plain(stock: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    return {lane: dict(counts) for lane, counts in stock.items()}

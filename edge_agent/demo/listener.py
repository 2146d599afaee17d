"""What a subscriber hears of one agent, stamped on arrival, in the types that the scoreboard judges."""

import time
from datetime import datetime

from edge_agent.config import BrokerConfig, Site
from edge_agent.delivery.connection import Connection
from edge_agent.delivery.happenings import Connected, Lost, Received
from edge_agent.delivery.topics import Topics
from edge_agent.delivery.waker import Waker
from edge_agent.delivery.wire import CloudEvent, ItemLine, RevisionSet, decode
from edge_agent.errors import BrokerError
from edge_agent.model import Alternative, ItemChange, ItemEvent, MonotonicNs, Revisions
from edge_agent.simulation.scoreboard import Heard


class Listener:
    """A subscriber to one agent's events.

    Parameters
    ----------
    world_start_ns : int
        Host monotonic instant of world time 0; arrivals are given in world time.
    """

    def __init__(self, broker: BrokerConfig, site: Site, world_start_ns: int) -> None:
        self._topics = Topics(site.agent.store_id, site.agent.agent_id)
        self._world_start_ns = world_start_ns
        self._utc_minus_monotonic_ns = time.time_ns() - time.monotonic_ns()
        self._seen: set[str] = set()
        self._waker = Waker()
        self._connection = Connection(broker, "shelf-demo-listener", self._waker)
        self.connected = False

    def poll(self, timeout_s: float) -> list[Heard]:
        """Return the events that came within ``timeout_s``, each once.

        Raises
        ------
        BrokerError
            The demonstration's own broker went away.
        """
        heard = []
        for happening in self._connection.poll(timeout_s):
            if isinstance(happening, Connected):
                self.connected = True
                self._connection.subscribe([(self._topics.event, 1)])
            elif isinstance(happening, Lost):
                raise BrokerError(f"the demonstration's broker went away: {happening.reason}")
            elif isinstance(happening, Received) and happening.topic == self._topics.event:
                # (amqtt sends retained messages of other topics too)
                event = decode(happening.payload, CloudEvent)
                if event.id not in self._seen:  # delivery is at least once; the id tells
                    self._seen.add(event.id)
                    known_s = (time.monotonic_ns() - self._world_start_ns) / 1e9
                    heard.append(Heard(self._item_event(event), known_s))
        return heard

    def close(self) -> None:
        """Leave the broker."""
        self._connection.close()
        self._waker.close()

    def _item_event(self, event: CloudEvent) -> ItemEvent:
        said = event.data
        return ItemEvent(
            act_id=said.act_id,
            shelf_id=event.subject,
            kind=said.kind,
            mode=said.mode,
            verdict=said.decision.verdict,
            reasons=said.decision.reasons,
            items=_changes(said.items),
            confidence=said.confidence,
            alternatives=tuple(Alternative(_changes(each.items), each.probability) for each in said.alternatives),
            delta_g=said.grams,
            sigma_g=said.sigma_g,
            position_mm=said.position_mm,
            position_sigma_mm=said.position_sigma_mm,
            t_start_ns=self._monotonic_ns(said.started),
            t_end_ns=self._monotonic_ns(said.ended),
            hands=said.hands,
            witnesses=said.witnesses,
            witnesses_missing=said.witnesses_missing,
            stock_before=said.stock_before,
            stock_after=said.stock_after,
            revisions=_revisions(said.revisions),
        )

    def _monotonic_ns(self, instant: str) -> MonotonicNs:
        utc_ns = round(datetime.fromisoformat(instant).timestamp() * 1e9)
        return MonotonicNs(utc_ns - self._utc_minus_monotonic_ns)


def _changes(lines: tuple[ItemLine, ...]) -> tuple[ItemChange, ...]:
    return tuple(ItemChange(line.sku, line.quantity, line.lane) for line in lines)


def _revisions(revisions: RevisionSet) -> Revisions:
    return Revisions(revisions.planogram, revisions.catalogue, revisions.calibration, revisions.software)

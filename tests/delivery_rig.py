"""A shelf unit's delivery and a store's ledger, each in threads of this process, at a real broker."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Literal, Self

from delivery_stories import UNIT, decision, open_outbox, until
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from edge_agent.clock import SystemClock
from edge_agent.config import BrokerConfig
from edge_agent.delivery.uplink import MqttUplink
from edge_agent.model import HealthTransition
from edge_agent.subscriber.ledger import Ledger, Recorded
from edge_agent.subscriber.service import LedgerService, Notice

Protocol = Literal["5", "3.1.1"]


def at(port: int, protocol: Protocol = "5") -> BrokerConfig:
    return BrokerConfig(host="127.0.0.1", port=port, protocol=protocol, keepalive_s=5)


class Agent:
    """Outbox and uplink of one shelf unit."""

    def __init__(self, state_dir: Path, broker: BrokerConfig, *, max_rows: int = 100_000) -> None:
        self.outbox = open_outbox(state_dir, max_rows=max_rows, clock=SystemClock())
        self.transitions: list[HealthTransition] = []
        self.uplink = MqttUplink(
            self.outbox,
            broker,
            random=Random(7),
            report=self.transitions.append,
            counters=lambda: {"frames": 3.0},
        )

    def __enter__(self) -> Self:
        self.uplink.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.uplink.stop(5.0)
        self.outbox.close()

    def sells(self, count: int = 1) -> None:
        """Commit the next ``count`` takes of one oat milk each."""
        for _ in range(count):
            self.uplink.commit(decision(self.outbox.last_sequence + 1))

    def is_confirmed(self, timeout_s: float = 20.0) -> None:
        until(lambda: self.outbox.depth() == 0, "every event confirmed by the ledger", timeout_s)

    def connects(self) -> None:
        until(lambda: self.uplink.connected, "agent connected")

    def said(self, code: str, *, raised: bool = True) -> HealthTransition | None:
        return next((each for each in self.transitions if (each.code, each.raised) == (code, raised)), None)

    def says(self, code: str, *, raised: bool = True) -> HealthTransition:
        until(lambda: self.said(code, raised=raised) is not None, f"{code} raised={raised}")
        found = self.said(code, raised=raised)
        assert found is not None
        return found


class StoreLedger:
    """The ledger service in a thread."""

    def __init__(
        self,
        database: Path,
        broker: BrokerConfig,
        service: Callable[..., LedgerService] = LedgerService,
    ) -> None:
        self.ledger = Ledger(str(database))
        self.recorded: list[int] = []
        self.notices: list[Notice] = []
        self.service = service(
            self.ledger,
            broker,
            UNIT.store_id,
            recorded=self._note,
            notice=self.notices.append,
            random=Random(8),
        )
        self._thread = threading.Thread(target=self.service.run, name="test-ledger")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.service.stop()
        self._thread.join(10)
        assert not self._thread.is_alive(), "the ledger service did not stop"
        self.ledger.close()

    def _note(self, recorded: Recorded) -> None:
        self.recorded += [each.event.sequence_number for each in recorded.new]

    def listens(self) -> None:
        until(lambda: any(notice.code == "connected" for notice in self.notices), "ledger connected")

    def notices_of(self, code: str) -> list[str]:
        return [notice.text for notice in self.notices if notice.code == code]


class Listener:
    """A client that is not ours: plain paho, MQTT 3.1.1."""

    def __init__(self, port: int) -> None:
        self.messages: list[tuple[str, bytes, bool]] = []
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._note
        self._client.connect("127.0.0.1", port)
        subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.subscribe("shelf/#", qos=1)
        self._client.loop_start()
        assert subscribed.wait(10)

    def _note(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self.messages.append((message.topic, bytes(message.payload), message.retain))

    def on(self, leaf: str) -> list[bytes]:
        return [payload for topic, payload, _ in self.messages if topic.endswith(f"/{leaf}")]

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def listening(port: int) -> Iterator[Listener]:
    listener = Listener(port)
    try:
        yield listener
    finally:
        listener.close()

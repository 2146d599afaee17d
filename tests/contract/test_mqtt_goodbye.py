"""Leaving a real broker in peace: the will of a client that said goodbye is never sent."""

import contextlib
import subprocess
import time

import pytest
from real_mosquitto import RealMosquitto

from edge_agent.config import BrokerConfig
from edge_agent.delivery.connection import Connection
from edge_agent.delivery.happenings import Connected, Will
from edge_agent.delivery.waker import Waker

MESSAGES = 300


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_answers_that_nobody_read_do_not_turn_a_goodbye_into_a_death(mosquitto: RealMosquitto, protocol: str) -> None:
    broker = BrokerConfig(host="127.0.0.1", port=mosquitto.port, protocol=protocol)  # type: ignore[arg-type]
    with contextlib.closing(Waker()) as waker:
        leave_with_bytes_unread(broker, waker, mosquitto)
    said = subprocess.run(
        ["mosquitto_sub", "-p", str(mosquitto.port), "-t", "state/leaving", "-W", "1"], capture_output=True, check=False
    )
    assert said.stdout == b"", "the broker thinks that the client died"


def leave_with_bytes_unread(broker: BrokerConfig, waker: Waker, mosquitto: RealMosquitto) -> None:
    leaving = connected(Connection(broker, "leaving", waker, will=Will("state/leaving", b"dead")))
    leaving.subscribe([("flood", 0)])
    other = connected(Connection(broker, "other", waker))
    leaving.poll(0.2)
    for _ in range(MESSAGES):
        other.publish("flood", b"x" * 200, qos=0)
    time.sleep(0.2)  # they lie in the leaving client's socket by now
    with mosquitto.busy(for_s=0.1):  # it reads the goodbye a moment later
        leaving.publish("state/leaving", b"", qos=1, retain=True)
        leaving.close()
    other.close()


def connected(connection: Connection) -> Connection:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if any(isinstance(each, Connected) for each in connection.poll(0.1)):
            return connection
    raise AssertionError("no connection within 5 s")

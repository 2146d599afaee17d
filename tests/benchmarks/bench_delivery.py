"""What an event costs the SD card, how fast the outbox and the ledger are, and how soon an event is confirmed."""

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

from bench_row import Row
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from plain_outbox import PlainOutbox

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from delivery_rig import at
from delivery_stories import UNIT, cloud_event, decision, open_outbox, until
from real_mosquitto import RealMosquitto

from edge_agent.clock import SystemClock
from edge_agent.delivery.uplink import MqttUplink
from edge_agent.delivery.wire import encode
from edge_agent.subscriber.ledger import Incoming, Ledger

EVENTS = 600
BACKLOG = 5000
PEER = "SQLite FULL, 4 kB pages, row state"
PAYLOAD = encode(cloud_event(1))


def written_bytes() -> tuple[int, int]:
    """Return what this process has passed to write() and what the kernel has counted towards the disk."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["wchar"]), int(fields["write_bytes"])


def per_event(act: Callable[[int], None]) -> tuple[float, float, float]:
    """Return (bytes written, bytes to disk, µs) of one event, over `EVENTS` of them."""
    for number in range(1, 101):
        act(number)
    before, started_s = written_bytes(), time.perf_counter()
    for number in range(101, 101 + EVENTS):
        act(number)
    elapsed_s, after = time.perf_counter() - started_s, written_bytes()
    return (after[0] - before[0]) / EVENTS, (after[1] - before[1]) / EVENTS, elapsed_s / EVENTS * 1e6


def outbox_rows(directory: Path) -> list[Row]:
    """A whole life of an event at rest: committed, acknowledged, confirmed, deleted."""
    outbox = open_outbox(directory / "ours", clock=SystemClock())
    plain = PlainOutbox(directory / "plain.db")

    def ours(number: int) -> None:
        outbox.confirm(outbox.commit(decision(number)))

    def peers(number: int) -> None:
        sequence = plain.commit(PAYLOAD, decision(number))
        plain.acknowledged(sequence)
        plain.confirmed(sequence)

    measured = [(per_event(ours), per_event(peers)) for _ in range(3)]
    our_median, peer_median = (
        [median(column) for column in zip(*side, strict=True)] for side in zip(*measured, strict=True)
    )
    outbox.close()
    plain.close()
    return [
        Row("outbox: bytes written an event", our_median[0], "bytes", PEER, peer_median[0], "≤ 5000"),
        Row("outbox: 4 kB disk pages written an event", our_median[1], "bytes", PEER, peer_median[1]),
        Row("outbox: an event's life, three fsyncs at the peer", our_median[2], "µs", PEER, peer_median[2]),
    ]


def ledger_row(directory: Path) -> Row:
    """Commits of 100 events each, as a busy store's backlog brings them."""
    ledger = Ledger(str(directory / "ledger.db"))
    batches = [
        [Incoming("unit-7", cloud_event(start + place)) for place in range(100)] for start in range(1, BACKLOG + 1, 100)
    ]
    started_s = time.perf_counter()
    for batch in batches:
        ledger.record(batch)
    elapsed_s = time.perf_counter() - started_s
    ledger.close()
    return Row("ledger: events recorded on SQLite", BACKLOG / elapsed_s, "events/s", goal="≥ 5000")


def plain_publish_ms(port: int) -> list[float]:
    """Return ms from publish to PUBACK of paho's own QoS 1, one at a time."""
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    times = []
    for _ in range(200):
        started_s = time.perf_counter()
        client.publish("bench/plain", PAYLOAD, qos=1).wait_for_publish(5)
        times.append((time.perf_counter() - started_s) * 1e3)
    client.disconnect()
    client.loop_stop()
    return times


def line_rows(directory: Path, broker: RealMosquitto) -> list[Row]:
    """Committed → published → recorded by a ledger in its own process → confirmed."""
    command = [sys.executable, "-m", "edge_agent.cli", "store", "ledger", "--broker", f"127.0.0.1:{broker.port}"]
    command += ["--store", UNIT.store_id, "--database", str(directory / "line.db")]
    outbox = open_outbox(directory / "line", max_rows=100_000, clock=SystemClock())
    uplink = MqttUplink(outbox, at(broker.port))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as store:
        assert store.stdout is not None
        try:
            while "listening" not in store.stdout.readline():
                pass
            threading.Thread(target=store.stdout.read, daemon=True).start()
            uplink.start()
            until(lambda: uplink.connected, "connected")
            times = []
            for number in range(1, 301):
                started_s = time.perf_counter()
                uplink.commit(decision(number))
                while outbox.depth():
                    time.sleep(0.0002)
                times.append((time.perf_counter() - started_s) * 1e3)
            started_s = time.perf_counter()
            for number in range(301, 301 + BACKLOG):
                uplink.commit(decision(number))
            until(lambda: outbox.depth() == 0, "all confirmed", 120)
            rate = BACKLOG / (time.perf_counter() - started_s)
        finally:
            uplink.stop()
            outbox.close()
            store.terminate()
    plain = plain_publish_ms(broker.port)
    peer = "paho QoS 1 to PUBACK, nothing durable"
    return [
        Row("event → ledger confirmed, p50", median(times[50:]), "ms", peer, median(plain), "≤ 20"),
        Row(
            "event → ledger confirmed, p99",
            quantiles(times[50:], n=100)[98],
            "ms",
            peer,
            quantiles(plain, n=100)[98],
            "≤ 100",
        ),
        Row("agent → mosquitto → ledger, sustained", rate, "events/s", goal="≥ 1000"),
    ]


def rows() -> list[Row]:
    """Measure on the disk that holds the temporary directory."""
    with tempfile.TemporaryDirectory(prefix="bench-delivery-") as name:
        directory = Path(name)
        broker = RealMosquitto(directory)
        broker.start()
        try:
            return [*outbox_rows(directory), ledger_row(directory), *line_rows(directory, broker)]
        finally:
            broker.kill()

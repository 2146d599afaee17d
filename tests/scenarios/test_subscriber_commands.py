"""`store ledger` and `store stock` as the person at the store meets them."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from delivery_rig import Agent, at, listening
from delivery_stories import UNIT, cloud_event, item_event
from real_mosquitto import RealMosquitto, free_port

from edge_agent.cli import main
from edge_agent.delivery.wire import encode
from edge_agent.subscriber.ledger import Incoming, Ledger
from edge_agent.vocabulary import Verdict

PLANOGRAM = """
revision = 3

[[lanes]]
lane_id = "b3"
shelf_id = "drinks"
x_mm = [0, 300]
sku = "oat-milk"
capacity = 60
opening_count = 40
"""


class RunningLedger:
    """The command in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")

    def line_with(self, text: str) -> str:
        for _ in range(50):
            line = self.line()
            if text in line:
                return line
        raise AssertionError(f"no line with {text!r}")

    def ends(self, number: signal.Signals) -> tuple[int, float]:
        """Return exit status and seconds after a signal."""
        started_s = time.monotonic()
        self._process.send_signal(number)
        return self._process.wait(10), time.monotonic() - started_s


@contextmanager
def ledger_command(port: int, database: object, *more: str) -> Iterator[RunningLedger]:
    command = [sys.executable, "-m", "edge_agent.cli", "store", "ledger", "--broker", f"127.0.0.1:{port}"]
    command += ["--store", UNIT.store_id, "--database", str(database), *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield RunningLedger(process)
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_ledger_prints_what_it_records_and_stops_cleanly(
    mosquitto: RealMosquitto, tmp_path: Path, number: signal.Signals
) -> None:
    with ledger_command(mosquitto.port, tmp_path / "ledger.db") as ledger:
        assert ledger.line() == f"— ledger {tmp_path}/ledger.db: 0 events on record"
        assert ledger.line() == f"— listening at 127.0.0.1:{mosquitto.port}"
        with Agent(tmp_path / "state", at(mosquitto.port)) as agent:
            agent.sells()
            line = ledger.line_with("#1 ")
            assert "unit-7" in line
            assert "taken: 1 × oat-milk (lane b3)" in line
            assert "99.7 %" in line
            assert "−1032.1 ± 0.8 g" in line
            agent.is_confirmed()
        status, seconds = ledger.ends(number)
        assert status == 0
        assert seconds < 2.0


def test_as_json_each_line_is_an_object(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    with ledger_command(mosquitto.port, f"sqlite:///{tmp_path}/ledger.db", "--json") as ledger:
        assert json.loads(ledger.line())["notice"] == "started"
        assert json.loads(ledger.line())["notice"] == "connected"
        with listening(mosquitto.port) as publisher:
            publisher.publish(UNIT.topics.event, encode(cloud_event(1)))
            publisher.publish(UNIT.topics.event, b"{}")
            said = [json.loads(ledger.line()) for _ in range(2)]  # of one batch or two: in either order
        (recorded,) = (line for line in said if "recorded" in line)
        assert (recorded["agent"], recorded["recorded"]["sequence"]) == ("unit-7", "00000000000000000001")
        (rejected,) = (line for line in said if "notice" in line)
        assert rejected["notice"] == "rejected"


def test_a_hostile_name_cannot_steer_the_terminal(mosquitto: RealMosquitto, tmp_path: Path) -> None:
    with ledger_command(mosquitto.port, tmp_path / "ledger.db") as ledger, listening(mosquitto.port) as publisher:
        ledger.line_with("listening")
        publisher.publish(UNIT.topics.event, encode(cloud_event(1, event=item_event(sku="\x1b[2Jgone"))))
        assert "\x1b" not in ledger.line_with("#1 ")


def test_an_unreachable_broker_is_said_once_and_tried_again(tmp_path: Path) -> None:
    directory = tmp_path / "mosquitto"
    directory.mkdir()
    broker = RealMosquitto(directory)
    with ledger_command(broker.port, tmp_path / "ledger.db") as ledger:
        ledger.line()
        expected = f"— broker 127.0.0.1:{broker.port}: Connection refused; trying again until it answers"
        assert ledger.line() == expected
        broker.start()
        try:
            assert ledger.line() == f"— listening at 127.0.0.1:{broker.port}"
        finally:
            broker.kill()
        assert "127.0.0.1" in ledger.line_with("trying again")
        assert ledger.ends(signal.SIGTERM)[0] == 0


def test_opening_counts_can_come_from_the_planogram(
    mosquitto: RealMosquitto, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "planogram.toml").write_text(PLANOGRAM)
    database = tmp_path / "ledger.db"
    with (
        ledger_command(mosquitto.port, database, "--planogram", str(tmp_path / "planogram.toml")) as ledger,
        Agent(tmp_path / "state", at(mosquitto.port)) as agent,
    ):
        agent.sells(2)
        ledger.line_with("#2 ")
        agent.is_confirmed()
    assert main(["store", "stock", "--database", str(database)]) == 0
    shown = capsys.readouterr().out
    assert "drinks  b3    oat-milk  38" in shown
    assert "2 events on record, 0 for review, 0 rejected" in shown


def broken(status: int, message: str, *words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", *words]) == status
    assert message in capsys.readouterr().err


def test_what_is_wrong_with_the_arguments_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = ("ledger", "--broker", f"127.0.0.1:{free_port()}", "--store", "corner-shop", "--database")
    good = str(tmp_path / "ledger.db")
    broken(10, "create its directory", *start, "/nowhere/at/all.db", capsys=capsys)
    broken(10, "use sqlite or postgresql", *start, "mysql://x/y", capsys=capsys)
    broken(3, "--planogram FILE", *start, good, "--planogram", "/nowhere.toml", capsys=capsys)
    (tmp_path / "bad.toml").write_text(PLANOGRAM.replace("capacity = 60", "capacity = 0"))
    broken(3, "capacity = 0: allowed 1-1000", *start, good, "--planogram", str(tmp_path / "bad.toml"), capsys=capsys)
    (tmp_path / "bad.toml").write_text("revision = ")
    broken(3, "bad.toml", *start, good, "--planogram", str(tmp_path / "bad.toml"), capsys=capsys)
    broken(3, "need --ca-file", *start, good, "--cert-file", "c.pem", capsys=capsys)
    broken(10, "no such file; `edge-agent store ledger` makes it", "stock", "--database", good, capsys=capsys)
    with pytest.raises(SystemExit) as ended:
        main(["store", "ledger", "--broker", "127.0.0.1", "--store", "Corner Shop", "--database", good])
    assert ended.value.code == 2
    assert "'Corner Shop': use 1-64 of a-z" in capsys.readouterr().err


def test_an_empty_ledger_says_so_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = str(tmp_path / "ledger.db")
    ledger = Ledger(database)
    main(["store", "stock", "--database", database])
    assert capsys.readouterr().out.startswith("No stock yet: no event is recorded and no shelf is opened.")
    source = Incoming("unit-7", cloud_event(2, event=item_event(verdict=Verdict.REVIEW)))
    ledger.record([source])
    main(["store", "stock", "--database", database])
    assert capsys.readouterr().out.startswith("No stock yet: no shelf is opened, and no recorded event moved an item")
    ledger.record([Incoming("unit-7", cloud_event(3))])
    ledger.oldest_held("unit-7", source.event.source, 2)
    main(["store", "stock", "--database", database])
    shown = capsys.readouterr().out
    assert "drinks  b3    oat-milk  −1" in shown
    assert "the shelf's opening count is not known yet" in shown
    assert f"lost to this ledger: events 1 to 1 of {source.event.source}; count the shelf" in shown
    main(["store", "stock", "--database", database, "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document["stock"] == [{"shelf": "drinks", "lane": "b3", "sku": "oat-milk", "quantity": -1, "opened": False}]
    assert (document["events"], document["reviews"], document["lost"][0]["last"]) == (2, 1, 1)
    ledger.close()

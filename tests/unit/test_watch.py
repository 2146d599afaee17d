import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec
import pytest
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from edge_agent.cli import main
from edge_agent.commands import watch
from edge_agent.commands.options import BrokerAddress, broker_address
from edge_agent.delivery.backoff import Backoff
from edge_agent.delivery.happenings import Received, SubscriptionRefused
from edge_agent.delivery.wire import (
    Alarm,
    AlternativeLine,
    ClockReport,
    CloudEvent,
    DecisionLine,
    ItemEventData,
    ItemLine,
    Live,
    Payload,
    RevisionSet,
    State,
    encode,
    padded_sequence,
)
from edge_agent.errors import BrokerError
from edge_agent.vocabulary import EventKind, Mode, Severity, Verdict

INSTANT = "2026-11-21T09:30:05.125Z"
LOCAL = datetime.fromisoformat(INSTANT).astimezone()
CLOCK = f"{LOCAL:%H:%M:%S}"
TOPIC = "shelf/v1/corner-shop/unit-7"
STREAM = "0192e4a0-0000-7000-8000-000000000001"

TAKEN = ItemEventData(
    act_id="act-1",
    kind=EventKind.TAKE,
    mode=Mode.SELLING,
    items=(ItemLine("oat-milk", -2, "4006381333931", "A1"),),
    confidence=0.9974,
    alternatives=(AlternativeLine((ItemLine("oat-milk", -2),), 0.9974),),
    grams=-2090.1,
    sigma_g=0.9,
    started=INSTANT,
    ended=INSTANT,
    decision=DecisionLine(Verdict.AUTO),
    revisions=RevisionSet(1, 1, {}, "0.1.0"),
    boot_id="boot",
    clock=ClockReport("synchronised"),
)
DOUBTFUL = msgspec.structs.replace(
    TAKEN,
    confidence=0.62,
    alternatives=(
        AlternativeLine((ItemLine("cola-can", -1, None, "A2"),), 0.62),
        AlternativeLine((ItemLine("lime-can", -1, None, "A3"),), 0.3),
        AlternativeLine((), 0.05),
    ),
    items=(ItemLine("cola-can", -1, None, "A2"),),
    decision=DecisionLine(Verdict.REVIEW, ("ambiguous",), INSTANT),
)


class Broker(Protocol):
    port: int

    def kill(self) -> None: ...

    def start(self) -> None: ...


def event(data: ItemEventData = TAKEN, sequence: int = 1) -> CloudEvent:
    return CloudEvent(
        specversion="1.0",
        id=f"event-{sequence}",
        source=f"shelf/corner-shop/unit-7/{STREAM}",
        type="shelf.item.v1",
        subject="drinks",
        time=INSTANT,
        recordedtime=INSTANT,
        sequence=padded_sequence(sequence),
        data=data,
    )


def shown(capsys: pytest.CaptureFixture[str], *said: tuple[str, Payload], as_json: bool = False) -> list[str]:
    """Return the lines that a person reads when these messages arrive, the date line left out."""
    reader = watch.Reader(as_json=as_json)
    for leaf, payload in said:
        reader.take(Received(f"{TOPIC}/{leaf}", encode(payload), 1, retain=False, mid=1))
    printed = capsys.readouterr()
    assert printed.err == ""
    lines: list[str] = printed.out.splitlines()
    if not as_json:
        assert lines.pop(0) == f"— {LOCAL:%A %Y-%m-%d} —"
    return lines


def test_a_take_reads_as_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = shown(capsys, ("event", event()))
    assert " ".join(line.split()) == (f"{CLOCK} unit-7/drinks taken 2 × oat-milk (lane A1) 99.7 % sure −2090.1 ± 0.9 g")


def test_a_review_shows_what_it_could_have_been(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [" ".join(line.split()) for line in shown(capsys, ("event", event(DOUBTFUL)))]
    assert lines[1:] == [
        f"REVIEW: ambiguous, to be settled by {CLOCK}",
        "62.0 % −1 × cola-can (lane A2)",
        "30.0 % −1 × lime-can (lane A3)",
        "5.0 % something else",
        "3.0 % anything else",
    ]


def test_an_event_sent_again_until_the_ledger_has_it_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, ("event", event()), ("event", event()), ("event", event(sequence=2)), ("event", event()))
    assert len(lines) == 2


def test_what_is_not_a_sale_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    restock = msgspec.structs.replace(TAKEN, kind=EventKind.RESTOCK, mode=Mode.STAFF, historical=True)
    exchange = msgspec.structs.replace(
        TAKEN, kind=EventKind.EXCHANGE, items=(ItemLine("cola-can", -1), ItemLine("lime-can", 1)), corrects="event-1"
    )
    lines = shown(capsys, ("event", event(restock, 2)), ("event", event(exchange, 3)))
    assert "restocked 2 × oat-milk (lane A1) [staff] [late]" in lines[0]
    assert "exchanged −1 × cola-can, +1 × lime-can" in lines[1]
    assert lines[2].strip() == "corrects event event-1"


def test_alarms_say_what_to_do_and_when_they_are_over(capsys: pytest.CaptureFixture[str]) -> None:
    raised = Alarm(
        raised=True,
        subject="channel:8f3a/1",
        code="stuck",
        severity=Severity.ERROR,
        detail="one value for 5 s",
        remedy="power the board off and on",
        since=INSTANT,
    )
    lines = shown(capsys, ("alarm", raised), ("alarm", msgspec.structs.replace(raised, raised=False)))
    assert lines == [
        f"{CLOCK}  unit-7: ERROR: channel:8f3a/1 stuck: one value for 5 s",
        "          try: power the board off and on",
        f"{CLOCK}  unit-7: over: channel:8f3a/1 stuck",
    ]


def test_the_will_of_a_connection_that_was_replaced_is_not_believed(capsys: pytest.CaptureFixture[str]) -> None:
    online = State("online", 3, "degraded", INSTANT, ("one cell is stuck",))
    stale = State("offline", 2, "no", INSTANT)
    assert shown(capsys, ("state", online), ("state", stale)) == [
        f"{CLOCK}  unit-7: online, selling: degraded (one cell is stuck)"
    ]


def test_an_early_word_is_marked_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = shown(capsys, ("live", Live(f"shelf/corner-shop/unit-7/{STREAM}", "drinks", INSTANT, TAKEN)))
    assert line.endswith("−2090.1 ± 0.9 g  (provisional)")


def test_a_script_reads_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = shown(capsys, ("event", event()), as_json=True)
    document = json.loads(line)
    assert (document["leaf"], document["agent"]) == ("event", "unit-7")
    assert document["payload"]["data"]["items"][0]["sku"] == "oat-milk"


def test_an_unreadable_time_is_shown_as_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    reader = watch.Reader(as_json=False)
    odd = msgspec.structs.replace(event(), time="2026-13-41T09:30:00Z")  # of the right form, but no such day
    reader.take(Received(f"{TOPIC}/event", encode(odd), 1, retain=False, mid=1))
    assert capsys.readouterr().out.startswith("2026-13-41T09:30:00Z unit-7/drinks")


def test_a_hostile_payload_neither_ends_the_watch_nor_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    reader = watch.Reader(as_json=False)
    evil = msgspec.structs.replace(TAKEN, items=(ItemLine("\x1b[2Jmilk", -1),))
    for topic, payload in (
        (f"{TOPIC}/event", b"{"),
        (f"{TOPIC}/event", b"x" * 100_000),
        ("elsewhere/x", b""),
        (f"{TOPIC}/mark", b"{}"),
        (f"{TOPIC}/event", encode(event(evil))),
    ):
        reader.take(Received(topic, payload, 1, retain=False, mid=1))
    printed = capsys.readouterr()
    assert "\x1b" not in printed.out + printed.err
    assert "�[2Jmilk" in printed.out
    assert printed.err.count(f"{TOPIC}/event: cannot be read: ") == 2
    assert reader.events == 1


# --- against a real broker ---


def repeat_until(done: Callable[[], bool], port: int, *said: tuple[str, Payload]) -> None:
    """Publish until the watcher has seen enough, as an agent does until the ledger has answered."""
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for _ in range(200):
        if done():
            break
        for leaf, payload in said:
            client.publish(f"{TOPIC}/{leaf}", encode(payload), qos=1)
        time.sleep(0.05)
    client.disconnect()
    client.loop_stop()


def test_events_at_a_real_broker_are_shown_until_enough(mosquitto: Broker, capsys: pytest.CaptureFixture[str]) -> None:
    ended = threading.Event()
    said = [("event", event(sequence=n)) for n in (1, 2)]
    agent = threading.Thread(target=repeat_until, args=(ended.is_set, mosquitto.port, *said))
    agent.start()
    try:
        status = main(["watch", "--broker", f"127.0.0.1:{mosquitto.port}", "--agent", "unit-7", "--count", "2"])
    finally:
        ended.set()
        agent.join()
    printed = capsys.readouterr()
    assert status == 0
    assert printed.out.count("taken 2 × oat-milk") == 2
    assert f"watching shelf/v1/+/unit-7/event at 127.0.0.1:{mosquitto.port}" in printed.err


def test_a_unit_knows_its_own_broker_and_store(
    mosquitto: Broker, unit_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = unit_files / "store.toml"
    store.write_text(store.read_text().replace("broker.shop", "127.0.0.1").replace("1884", f"{mosquitto.port}"))
    status = main(["watch", "--config", str(unit_files / "agent.toml"), "--live", "--seconds", "0.3"])
    assert status == 0
    assert "watching shelf/v1/corner-shop/+/event at 127.0.0.1" in capsys.readouterr().err


def test_a_broker_that_goes_and_comes_back_is_found_again(
    mosquitto: Broker, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Backoff, "next_s", lambda _self: 0.05)
    ended = threading.Event()

    def broker_restarts() -> None:
        repeat_until(lambda: "watching" in seen(), mosquitto.port)
        mosquitto.kill()
        mosquitto.start()
        repeat_until(ended.is_set, mosquitto.port, ("event", event()))

    printed: list[str] = []

    def seen() -> str:
        printed.append(capsys.readouterr().err)
        return "".join(printed)

    outage = threading.Thread(target=broker_restarts)
    outage.start()
    try:
        status = main(["watch", "--broker", f"127.0.0.1:{mosquitto.port}", "--count", "1"])
    finally:
        ended.set()
        outage.join()
    assert status == 0
    assert "trying again" in seen()


def test_ctrl_c_ends_it_with_success_and_no_escape_sequence_was_written(mosquitto: Broker) -> None:
    address = f"127.0.0.1:{mosquitto.port}"
    with subprocess.Popen(
        [sys.executable, "-m", "edge_agent.cli", "watch", "--broker", address],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    ) as watcher:
        assert watcher.stdout is not None
        assert watcher.stderr is not None
        stdout = watcher.stdout
        assert "Ctrl-C ends it" in watcher.stderr.readline()
        lines: list[str] = []
        listener = threading.Thread(target=lambda: lines.extend(iter(stdout.readline, "")))
        listener.start()
        repeat_until(lambda: "taken 2 × oat-milk" in "".join(lines), mosquitto.port, ("event", event()))
        watcher.send_signal(signal.SIGINT)
        status = watcher.wait(timeout=10)
        listener.join()
        err = watcher.stderr.read()
    assert status == 0
    assert "taken 2 × oat-milk" in "".join(lines)
    assert "Traceback" not in err
    assert "\x1b" not in "".join(lines) + err


@pytest.mark.parametrize(("address", "reason"), [("127.0.0.1:1", "Connection refused"), ("nowhere.invalid", "name")])
def test_an_unreachable_broker_is_named_with_its_address(
    capsys: pytest.CaptureFixture[str], address: str, reason: str
) -> None:
    assert main(["watch", "--broker", address]) == 6
    err = capsys.readouterr().err
    assert err.startswith(f"edge-agent: broker {address}")
    assert reason in err
    assert "check that it runs, the address, and the account" in err
    assert err.count("\n") == 1


def test_a_broker_that_refuses_the_account_is_named(
    mosquitto: Broker, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    missing = tmp_path / "password"
    address = f"127.0.0.1:{mosquitto.port}"
    assert main(["watch", "--broker", address, "--username", "eve", "--password-file", str(missing)]) == 6
    assert f"broker {address}: {missing}: No such file or directory" in capsys.readouterr().err


def test_a_refused_subscription_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BrokerError, match=r"broker b:1883: refuses the subscription \(0x87\); allow this account"):
        watch._refuse(SubscriptionRefused(0x87), BrokerAddress("b", 1883), ever_connected=True)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("option", "text", "expected"),
    [
        ("--broker", "a:b:c", "write HOST or HOST:PORT"),
        ("--broker", "shop:99999", "port '99999' is not within 1-65535"),
        ("--broker", "[::1", "write an IPv6 address as [ADDRESS]:PORT"),
        ("--broker", "-", "write HOST or HOST:PORT"),
        ("--store", "Corner Shop", "use 1-64 of a-z, 0-9"),
        ("--count", "0", "give a whole number from 1"),
        ("--protocol", "4", "invalid choice"),
    ],
)
def test_a_wrong_option_is_a_wrong_command_line(
    capsys: pytest.CaptureFixture[str], option: str, text: str, expected: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["watch", option, text])
    assert ended.value.code == 2
    assert expected in capsys.readouterr().err


def test_addresses_of_every_kind_are_understood() -> None:
    understood = [str(broker_address(text)) for text in ("shop", "10.0.0.5:8883", "::1", "[::1]:8883", "[fe80::1]")]
    assert understood == ["shop:1883", "10.0.0.5:8883", "[::1]:1883", "[::1]:8883", "[fe80::1]:1883"]


def test_a_client_certificate_needs_the_ca_that_the_broker_is_checked_against(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["watch", "--broker", "shop", "--cert-file", "unit.pem"]) == 3
    assert "--cert-file and --key-file need --ca-file" in capsys.readouterr().err

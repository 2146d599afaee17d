"""Follow the agents' events at the broker as a person would read them."""

import argparse
import json
import secrets
import signal
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from random import Random
from typing import Any, Final

import msgspec

from edge_agent.commands.options import (
    BrokerAddress,
    add_broker_options,
    add_config_option,
    add_json_option,
    broker_config,
    config_path,
    count,
    seconds,
    topic_level,
)
from edge_agent.config import BrokerConfig
from edge_agent.config.files import read_agent
from edge_agent.console.terminal import printable, say
from edge_agent.console.watch_lines import alarm_lines, day, event_lines, live_lines, state_lines
from edge_agent.delivery.backoff import Backoff
from edge_agent.delivery.connection import Connection
from edge_agent.delivery.happenings import Connected, Happening, Lost, Received, SubscriptionRefused
from edge_agent.delivery.topics import EVERY_AGENT, Topics, parse_topic
from edge_agent.delivery.waker import Waker
from edge_agent.delivery.wire import Alarm, CloudEvent, Live, State, WireError, decode
from edge_agent.errors import BrokerError

SUMMARY = "follow the agents' events at the broker as a person reads them"
EXAMPLE = "edge-agent watch --broker 10.0.0.5 --store corner-shop-1 --live"

POLL_S: Final = 0.25
REMEMBERED_EVENTS: Final = 10_000
"""Agents send an event again until the ledger has it; each is shown once (2026-11)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_broker_options(parser, required=False)
    add_config_option(parser)
    parser.add_argument("--store", type=topic_level, metavar="ID", help="only this store's agents")
    parser.add_argument("--agent", type=topic_level, metavar="ID", help="only this agent")
    parser.add_argument("--live", action="store_true", help="also show provisional results, before they are decided")
    parser.add_argument("--seconds", type=seconds, help="stop by itself after this long (default: at Ctrl-C)")
    parser.add_argument("--count", type=count, help="stop by itself after this many events")
    add_json_option(parser, "one JSON object a line")


def run(arguments: argparse.Namespace) -> int:
    """Follow until Ctrl-C, SIGTERM, ``--seconds`` or ``--count``; 0 then, 6 when the broker cannot be reached."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    broker, store_id = _where(arguments)
    topics = Topics(store_id, arguments.agent or EVERY_AGENT)
    filters = [(topics.event, 1), (topics.alarm, 1), (topics.state, 1)] + ([(topics.live, 0)] if arguments.live else [])
    reader = Reader(as_json=arguments.json)
    ends = time.monotonic() + arguments.seconds if arguments.seconds else None
    most = arguments.count

    def enough() -> bool:
        return (ends is not None and time.monotonic() >= ends) or (most is not None and reader.events >= most)

    try:
        follow(broker, filters, reader.take, enough)
    except KeyboardInterrupt:
        return 0
    return 0


def _where(arguments: argparse.Namespace) -> tuple[BrokerConfig, str]:
    """Return the broker and the store's level of the topics; on a unit its configuration knows both."""
    if arguments.broker is not None:
        return broker_config(arguments), arguments.store or EVERY_AGENT
    agent = read_agent(config_path(arguments))
    return agent.broker, arguments.store or agent.store_id


def follow(
    broker: BrokerConfig,
    filters: list[tuple[str, int]],
    take: Callable[[Received], None],
    enough: Callable[[], bool],
) -> None:
    """Receive until ``enough``; a connection that was once made is made again for as long as it takes.

    Raises
    ------
    BrokerError
        The broker cannot be reached at the start, or refuses the account or the subscription.
    """
    where = BrokerAddress(broker.host, broker.port)
    backoff = Backoff(Random())  # noqa: S311 - jitter, no secret
    waker = Waker()
    connection: Connection | None = None
    ever_connected = False
    attempt_at_s = 0.0
    try:
        while not enough():
            if connection is None:
                if time.monotonic() < attempt_at_s:
                    waker.sleep(min(POLL_S, attempt_at_s - time.monotonic()))
                    continue
                connection = Connection(broker, f"watch-{secrets.token_hex(6)}", waker)
            for happening in connection.poll(POLL_S):
                _refuse(happening, where, ever_connected=ever_connected)
                match happening:
                    case Connected():
                        ever_connected = True
                        backoff.reset()
                        connection.subscribe(filters)
                        say(f"watching {filters[0][0]} at {where}; Ctrl-C ends it", stream=sys.stderr)
                    case Received() if not enough():
                        take(happening)
                    case Lost(reason):
                        say(f"broker {where}: {reason}; trying again", stream=sys.stderr)
                        connection.close(0.0)
                        connection = None
                        attempt_at_s = time.monotonic() + backoff.next_s()
                        break
    finally:
        if connection is not None:
            connection.close()
        waker.close()


def _refuse(happening: Happening, where: BrokerAddress, *, ever_connected: bool) -> None:
    if isinstance(happening, Lost) and not ever_connected:
        fix = "check that it runs, the address, and the account (--broker, --username, --password-file, --ca-file)"
        raise BrokerError(f"broker {where}: {happening.reason}; {fix}")
    if isinstance(happening, SubscriptionRefused):
        code = f"0x{happening.reason_code:02x}"
        raise BrokerError(f"broker {where}: refuses the subscription ({code}); allow this account to read shelf/v1/#")


class Reader:
    """Prints each message once, and counts the events.

    Attributes
    ----------
    events : int
        Final events shown.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.events = 0
        self._as_json = as_json
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._sessions: dict[str, int] = {}
        self._day: str | None = None

    def take(self, message: Received) -> None:
        """Print one message; what cannot be read is named on stderr and skipped."""
        address = parse_topic(message.topic)
        if address is None:
            return
        try:
            match address.leaf:
                case "event":
                    self._event(address.agent_id, decode(message.payload, CloudEvent))
                case "live":
                    live = decode(message.payload, Live)
                    self._show("live", address.agent_id, live, live_lines(address.agent_id, live), live.time)
                case "alarm":
                    alarm = decode(message.payload, Alarm)
                    self._show("alarm", address.agent_id, alarm, alarm_lines(address.agent_id, alarm), alarm.since)
                case "state":
                    self._state(address.agent_id, decode(message.payload, State))
        except WireError as error:
            say(printable(f"{message.topic}: cannot be read: {error}"), stream=sys.stderr)

    def _event(self, agent_id: str, event: CloudEvent) -> None:
        place = (event.source, event.sequence)
        if place in self._seen:
            return
        self._seen[place] = None
        if len(self._seen) > REMEMBERED_EVENTS:
            self._seen.popitem(last=False)
        self._show("event", agent_id, event, event_lines(agent_id, event), event.time)
        self.events += 1

    def _state(self, agent_id: str, state: State) -> None:
        if state.session < self._sessions.get(agent_id, 0):
            return  # the will of a connection that has been replaced since
        self._sessions[agent_id] = state.session
        self._show("state", agent_id, state, state_lines(agent_id, state), state.time)

    def _show(self, leaf: str, agent_id: str, payload: Any, lines: list[str], instant: str) -> None:
        if self._as_json:
            document = {"leaf": leaf, "agent": agent_id, "payload": msgspec.to_builtins(payload)}
            say(json.dumps(document, ensure_ascii=False))
            return
        today = day(instant)
        if today is not None and today != self._day:
            self._day = today
            say(f"— {today} —")
        say(*(printable(line) for line in lines))

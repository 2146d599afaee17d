"""Options that several commands share, so that they read the same everywhere."""

import argparse
import ipaddress
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path

from edge_agent.config import BrokerConfig, TlsConfig
from edge_agent.config.table import TOPIC_LEVEL
from edge_agent.errors import ConfigError

CONFIG_VARIABLE = "EDGE_AGENT_CONFIG"
CONFIG_PLACES = (Path("/etc/edge-agent/agent.toml"), Path("config/agent.toml"))
MQTT_PORT = 1883
HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})\Z")


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where a broker listens."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return host:port, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def add_config_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--config FILE``."""
    places = ", ".join(str(place) for place in CONFIG_PLACES)
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"the unit's agent.toml (default: ${CONFIG_VARIABLE}, else the first of {places})",
    )


def add_json_option(parser: argparse.ArgumentParser, what: str) -> None:
    """Add ``--json``; ``what`` says what a script gets to read."""
    parser.add_argument("--json", action="store_true", help=f"print {what} for a script")


def config_path(arguments: argparse.Namespace) -> Path:
    """Return the agent.toml that was named, or the first one found where it belongs.

    Raises
    ------
    ConfigError
        None was named and none is there.
    """
    if arguments.config is not None:
        return Path(arguments.config)
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named)
    for place in CONFIG_PLACES:
        if place.exists():
            return place
    places = " nor ".join(str(place) for place in CONFIG_PLACES)
    raise ConfigError(f"no configuration: neither {places} exists; name one by --config or ${CONFIG_VARIABLE}")


def broker_address(text: str) -> BrokerAddress:
    """Read ``HOST``, ``HOST:PORT`` or ``[IPV6]:PORT``; the port defaults to 1883.

    Raises
    ------
    argparse.ArgumentTypeError
        It is none of them.
    """
    host, port = text, str(MQTT_PORT)
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or port
        if not bracket or (rest and not rest.startswith(":")) or not _is_ipv6(host):
            raise argparse.ArgumentTypeError(f"{text!r}: write an IPv6 address as [ADDRESS]:PORT")
    elif text.count(":") == 1:
        host, port = text.split(":")
    elif _is_ipv6(text):
        return BrokerAddress(text, MQTT_PORT)
    if not _is_ipv6(host) and HOST_NAME.match(host) is None:
        raise argparse.ArgumentTypeError(f"{text!r}: write HOST or HOST:PORT")
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r}: port {port!r} is not within 1-65535")
    return BrokerAddress(host, int(port))


def add_broker_options(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add ``--broker`` and what reaching it may need."""
    what = "the store's broker" if required else "the store's broker (default: the configuration's, with its account)"
    parser.add_argument("--broker", type=broker_address, required=required, metavar="HOST[:PORT]", help=what)
    parser.add_argument("--protocol", choices=("5", "3.1.1"), default="5", help="MQTT version (default %(default)s)")
    parser.add_argument("--username", metavar="NAME", help="account at the broker")
    parser.add_argument("--password-file", metavar="FILE", help="holds its password")
    parser.add_argument("--ca-file", metavar="FILE", help="connect by TLS, trusting this CA (PEM)")
    parser.add_argument("--cert-file", metavar="FILE", help="client certificate (PEM), with --key-file")
    parser.add_argument("--key-file", metavar="FILE", help="its key (PEM)")


def broker_config(arguments: argparse.Namespace) -> BrokerConfig:
    """Return how to reach the broker that the options of `add_broker_options` name.

    Raises
    ------
    ConfigError
        A certificate without the CA that the broker's own is checked against.
    """
    if (arguments.cert_file or arguments.key_file) and not arguments.ca_file:
        raise ConfigError("--cert-file and --key-file need --ca-file: the broker is never trusted unchecked")
    tls = TlsConfig(ca_file=arguments.ca_file, cert_file=arguments.cert_file, key_file=arguments.key_file)
    return BrokerConfig(
        host=arguments.broker.host,
        port=arguments.broker.port,
        protocol=arguments.protocol,
        username=arguments.username,
        password_file=arguments.password_file,
        tls=tls if arguments.ca_file else None,
    )


def topic_level(text: str) -> str:
    """Read a store's or an agent's id.

    Raises
    ------
    argparse.ArgumentTypeError
        It cannot be a level of a topic.
    """
    if TOPIC_LEVEL.match(text) is None:
        raise argparse.ArgumentTypeError(f"{text!r}: use 1-64 of a-z, 0-9, '_' and '-', as in agent.toml")
    return text


def count(text: str) -> int:
    """Read a number of things, at least one.

    Raises
    ------
    argparse.ArgumentTypeError
        It is none.
    """
    if not (text.isascii() and text.isdigit() and 0 < int(text[:12]) < 10**9):
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number from 1")
    return int(text)


def seed_number(text: str) -> int:
    """Read the seed of a simulation.

    Raises
    ------
    argparse.ArgumentTypeError
        It is no whole number from 0.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number from 0")
    return int(text)


def positive(text: str) -> float:
    """Read a finite number above 0.

    Raises
    ------
    argparse.ArgumentTypeError
        It is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r}: give a number above 0")
    return value


def seconds(text: str) -> float:
    """Read a positive number of seconds.

    Raises
    ------
    argparse.ArgumentTypeError
        It is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= 86_400:
        raise argparse.ArgumentTypeError(f"{text!r}: give seconds, above 0 up to 86400")
    return value


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True

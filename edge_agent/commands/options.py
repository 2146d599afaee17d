"""Options that several commands share, so that they read the same everywhere."""

import argparse
import ipaddress
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path

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

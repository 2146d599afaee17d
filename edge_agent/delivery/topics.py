"""The MQTT topics ``shelf/v1/{store}/{agent}/{leaf}``; every level is made of a-z, 0-9, '_' and '-'."""

import re
from dataclasses import dataclass
from typing import Final

ROOT: Final = "shelf/v1"
LEVEL: Final = re.compile(r"[a-z0-9_-]{1,64}\Z")
EVERY_AGENT: Final = "+"


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one agent; with ``agent_id`` "+" they are filters over all agents of the store."""

    store_id: str
    agent_id: str

    def _leaf(self, leaf: str) -> str:
        return f"{ROOT}/{self.store_id}/{self.agent_id}/{leaf}"

    @property
    def event(self) -> str:
        """Return where the agent's one ordered stream goes (QoS 1)."""
        return self._leaf("event")

    @property
    def live(self) -> str:
        """Return where provisional results go (QoS 0, never billed)."""
        return self._leaf("live")

    @property
    def mark(self) -> str:
        """Return where "nothing earlier is still undecided" goes (QoS 1)."""
        return self._leaf("mark")

    @property
    def state(self) -> str:
        """Return where online, stopped or offline stands (QoS 1, retained, will)."""
        return self._leaf("state")

    @property
    def info(self) -> str:
        """Return where versions and revisions stand (QoS 1, retained)."""
        return self._leaf("info")

    @property
    def health(self) -> str:
        """Return where counters go (QoS 0)."""
        return self._leaf("health")

    @property
    def alarm(self) -> str:
        """Return where faults are raised and cleared (QoS 1)."""
        return self._leaf("alarm")

    @property
    def ack(self) -> str:
        """Return where the ledger says how far it has recorded (QoS 1)."""
        return self._leaf("ack")

    def stock(self, shelf_id: str) -> str:
        """Return where the agent's belief about one shelf stands (QoS 1, retained)."""
        return self._leaf(f"stock/{shelf_id}")


@dataclass(frozen=True, slots=True)
class Address:
    """What a topic says of a message's origin."""

    store_id: str
    agent_id: str
    leaf: str


def parse_topic(topic: str) -> Address | None:
    """Return who sent a message and on which leaf, or None for a topic that is not ours."""
    parts = topic.split("/", 4)
    if len(parts) != 5 or "/".join(parts[:2]) != ROOT:
        return None
    store_id, agent_id, leaf = parts[2:]
    if LEVEL.match(store_id) is None or LEVEL.match(agent_id) is None:
        return None
    return Address(store_id, agent_id, leaf)


def stream_source(store_id: str, agent_id: str, stream_id: str) -> str:
    """Return the CloudEvents ``source`` of one agent's stream."""
    return f"shelf/{store_id}/{agent_id}/{stream_id}"

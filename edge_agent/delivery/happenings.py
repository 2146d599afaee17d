"""What an MQTT connection reports to its owner, and what its owner tells it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker accepted; what it is willing to take."""

    receive_maximum: int
    maximum_packet_bytes: int | None
    session_present: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is over, or never came to be."""

    reason: str


@dataclass(frozen=True, slots=True)
class Published:
    """The broker answered a QoS 1 publish; 0x10 means nobody received it, 0x80 and above that it was refused."""

    mid: int
    reason_code: int


@dataclass(frozen=True, slots=True)
class Received:
    """A message; ``mid`` is what `Connection.acknowledge` wants."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    mid: int


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The broker delivers what was asked for, from now on."""


@dataclass(frozen=True, slots=True)
class SubscriptionRefused:
    """The broker refused a subscription (0x87: not authorised)."""

    reason_code: int


Happening = Connected | Lost | Published | Received | Subscribed | SubscriptionRefused


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained, when this client vanishes."""

    topic: str
    payload: bytes

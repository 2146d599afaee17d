"""What every configuration table shares: frozen, unknown keys refused, ranges checked with the key in the message."""

import re
from collections.abc import Hashable, Sequence

import msgspec

TOPIC_LEVEL = re.compile(r"[a-z0-9_-]{1,64}\Z")
BOARD_UID = re.compile(r"[0-9a-f]{16}\Z")


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A TOML table: frozen, and a key that is not listed is an error."""


def require(condition: bool, message: str) -> None:
    """Raise ``ValueError`` with ``message`` unless ``condition`` holds; msgspec adds the path of the key."""
    if not condition:
        raise ValueError(message)


def require_level(value: str, key: str) -> None:
    """Refuse a name that could not be a level of an MQTT topic."""
    require(TOPIC_LEVEL.match(value) is not None, f"{key} = {value!r}: use 1-64 of a-z, 0-9, '_' and '-'")


def require_board_uid(value: str, key: str) -> None:
    """Refuse what is not a board's identity."""
    require(BOARD_UID.match(value) is not None, f"{key} = {value!r}: 16 lower-case hexadecimal digits")


def first_twice(values: Sequence[Hashable]) -> Hashable:
    """Return the first value that stands a second time, or None."""
    seen: set[Hashable] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None

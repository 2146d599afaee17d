"""UUID version 7 (RFC 9562, section 5.7): sorts by the millisecond it was made in."""

import secrets
import uuid


def uuid7(utc_ns: int) -> str:
    """Return a UUIDv7 made at ``utc_ns`` (ns since 1970), with 74 random bits."""
    milliseconds = (utc_ns // 1_000_000) & (2**48 - 1)
    value = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=value))

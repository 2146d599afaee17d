"""The words that the core and the wire share. Imports nothing, so that a subscriber can use them."""

from enum import StrEnum


class Mode(StrEnum):
    """What the shelf is for just now. Only ``SELLING`` bills; leaving any other mode re-baselines."""

    SELLING = "selling"
    STAFF = "staff"
    MAINTENANCE = "maintenance"
    CLOSED = "closed"
    WARMING_UP = "warming_up"


class StepCause(StrEnum):
    """Why a resting weight is reported as changed."""

    ACT = "act"
    """Seen to happen: quiet, disturbed, settled."""
    RECONCILED = "reconciled"
    """Found on return: the weight differs from the last committed one."""


class EventKind(StrEnum):
    """What happened at the shelf."""

    TAKE = "take"
    PUT_BACK = "put_back"
    EXCHANGE = "exchange"
    """Something was taken and something else put back in one act."""
    RESTOCK = "restock"
    REMOVE = "remove"
    COUNT = "count"
    RECONCILED = "reconciled"
    UNKNOWN = "unknown"
    CORRECTION = "correction"


class Verdict(StrEnum):
    """Who settles it: the evidence, or a person."""

    AUTO = "auto"
    REVIEW = "review"


class Severity(StrEnum):
    """How badly a fault hurts selling."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

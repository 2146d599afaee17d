"""What can stand in the way to the ledger, in words for the technician who has to mend it."""

from pathlib import Path
from typing import Final, NamedTuple

from edge_agent.config import BrokerConfig
from edge_agent.delivery.stream_position import UnconfirmedRow
from edge_agent.delivery.wire import MAX_EVENT_BYTES
from edge_agent.errors import OutboxError
from edge_agent.vocabulary import Severity

_REFUSALS: Final = {0x87: "not authorised", 0x97: "quota exceeded"}


class Trouble(NamedTuple):
    """A fault of delivery, as an alarm says it."""

    subject: str
    code: str
    severity: Severity
    detail: str
    remedy: str


def broker_unreachable(broker: BrokerConfig, reason: str) -> Trouble:
    """Say that there is no connection."""
    return Trouble(
        "broker",
        "broker_unreachable",
        Severity.WARNING,
        f"broker {broker.host}:{broker.port}: {reason}",
        "check [broker] in agent.toml (host, port, username and password_file, tls), the network and the broker; events"
        " wait in the outbox meanwhile",
    )


def broker_refuses(broker: BrokerConfig, reason_code: int, doing: str) -> Trouble:
    """Say that the broker denies a publish or a subscription."""
    meaning = _REFUSALS.get(reason_code, "refused")
    return Trouble(
        "broker",
        "broker_refuses",
        Severity.WARNING,
        f"broker {broker.host}:{broker.port}: {meaning} (0x{reason_code:02x}) when {doing}",
        "check the broker's access list for this agent's user, and its quotas",
    )


def broker_limit(broker: BrokerConfig, maximum_bytes: int, row: UnconfirmedRow) -> Trouble:
    """Say that an event cannot be made small enough for this broker."""
    return Trouble(
        "broker",
        "broker_limit",
        Severity.WARNING,
        f"broker {broker.host}:{broker.port} takes packets of at most {maximum_bytes} bytes; "
        f"event {row.sequence} has {len(row.payload)} in its shortest form, and all after it wait",
        f"raise the broker's packet limit (mosquitto: max_packet_size) above {MAX_EVENT_BYTES + 1024} bytes",
    )


def ledger_silent(silent_s: float, max_rows: int) -> Trouble:
    """Say that nothing is confirmed while something waits."""
    return Trouble(
        "ledger",
        "ledger_silent",
        Severity.WARNING,
        f"no event confirmed for over {silent_s:.0f} s; room for {max_rows} in all",
        "start `edge-agent store ledger`, or see whether it reaches the broker",
    )


def outbox_refuses(error: OutboxError) -> Trouble:
    """Say that the disk, or the outbox's bound, refused a commit or checkpoint."""
    return Trouble("outbox", "outbox_refuses", Severity.ERROR, str(error), "stop selling; see the detail")


def outbox_unreadable(error: OutboxError) -> Trouble:
    """Say that rows cannot be read to be sent."""
    return Trouble("outbox", "outbox_unreadable", Severity.ERROR, str(error), "restart the agent; see the detail")


def outbox_restored(path: Path, *, ledger_at: int, held: int, moved: int) -> Trouble:
    """Say that the stream went on without this outbox, which is a copy or was restored from one."""
    return Trouble(
        "outbox",
        "outbox_restored",
        Severity.WARNING,
        f"the ledger has other events of this stream, up to {ledger_at}; here it ended at {held}: "
        f"{path} was restored from a copy, or two agents run on copies; "
        f"{moved} events that wait were moved into a new stream",
        "let no two agents run on copies of one state_dir; count the shelf: its stock belief is that of the copy",
    )

"""Opening the outbox's database, whatever state the last stop left it in."""

import logging
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from edge_agent.clock import Clock
from edge_agent.delivery.database import is_damage, open_database
from edge_agent.delivery.envelope import rfc3339
from edge_agent.delivery.salvage import Salvage, salvage, set_aside
from edge_agent.errors import OutboxError
from edge_agent.model import HealthTransition
from edge_agent.vocabulary import Severity

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """An open database, and what was rescued from the damaged one before it, if that was so."""

    database: sqlite3.Connection
    rescued: Salvage | None = None
    transition: HealthTransition | None = None


def open_or_salvage(path: Path, clock: Clock) -> Opened:
    """Open the database; set a damaged one aside under a name of its own and rescue what reads.

    Raises
    ------
    sqlite3.Error
        It cannot be opened for another reason than damage.
    OutboxError
        The damaged file cannot be renamed.
    """
    try:
        return Opened(open_database(path))
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        damage = str(error)
    stamp = rfc3339(clock.utc_ns()).replace(":", "").replace("-", "")
    try:
        rescued = salvage(set_aside(path, stamp))
    except OSError as error:
        raise OutboxError(f"outbox {path}: damaged, and cannot be renamed: {error.strerror}") from error
    log.error("outbox salvaged path=%s kept_as=%s events=%d", path, rescued.kept_as, len(rescued.events))
    transition = HealthTransition(
        t_ns=clock.monotonic_ns(),
        subject="outbox",
        code="outbox_salvaged",
        raised=True,
        severity=Severity.WARNING,
        detail=f"{path} was damaged ({damage}); kept as {rescued.kept_as.name}; "
        f"{len(rescued.events)} events were salvaged into a new stream",
        remedy="compare the shelf with the ledger's stock, check the disk with `dmesg`, replace the card",
    )
    return Opened(open_database(path), rescued, transition)

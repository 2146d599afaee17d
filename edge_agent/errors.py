"""Every error the agent raises on purpose, and the exit status each command ends with.

::

    EdgeAgentError            1
    ├── CommandLineError      2   options that do not go together
    ├── ConfigError           3   a configuration file is missing, broken or contradicts another
    │   └── CalibrationError  4   a channel has no (or another board's) calibration
    ├── BoardError            5   a load-cell board is absent, wrong, silent or speaks another protocol
    ├── BrokerError           6   the broker cannot be reached or refuses
    ├── OutboxError           7   the outbox cannot be read or written: disk full, read-only, corrupt
    ├── StateInUseError       8   a second agent on the same state directory
    ├── RecordingError        9   a recording is truncated, foreign or of another version
    ├── LedgerError          10   the store's ledger cannot be opened or written
    ├── FirmwareError        11   a firmware image is missing, damaged, not for this board, or reads back wrong
    └── CameraError          12   a camera is absent, busy, stalled, unplugged or uncommissioned, or a picture is none

Status 0 is success, 2 also what argparse refuses, 130 an interrupt at a prompt and 143 SIGTERM where nothing is to be
shut down in order. SIGINT and SIGTERM end a running agent with 0: stopping is what was asked for.
"""


class EdgeAgentError(Exception):
    """A fault named for its reader: what is wrong, where (file, field or board), and what mends it."""

    exit_status = 1


class CommandLineError(EdgeAgentError, ValueError):
    """Options that do not go together: one would have been ignored."""

    exit_status = 2


class ConfigError(EdgeAgentError, ValueError):
    """A configuration file is missing, broken or contradicts another."""

    exit_status = 3


class CalibrationError(ConfigError):
    """A channel has no calibration, or one made for another board."""

    exit_status = 4


class BoardError(EdgeAgentError, OSError):
    """A load-cell board is absent, wrong, silent or speaks another protocol."""

    exit_status = 5


class BrokerError(EdgeAgentError, ConnectionError):
    """The broker cannot be reached or refuses this agent."""

    exit_status = 6


class OutboxError(EdgeAgentError, OSError):
    """The outbox cannot be read or written: disk full, read-only or corrupt."""

    exit_status = 7


class StateInUseError(EdgeAgentError):
    """Another agent already holds the state directory."""

    exit_status = 8


class RecordingError(EdgeAgentError, ValueError):
    """A recording is truncated, foreign or of another version."""

    exit_status = 9


class LedgerError(EdgeAgentError, OSError):
    """The store's ledger cannot be opened or written."""

    exit_status = 10


class FirmwareError(EdgeAgentError, ValueError):
    """A firmware image is missing, damaged, not for this board, or reads back wrong."""

    exit_status = 11


class CameraError(EdgeAgentError, OSError):
    """A camera is absent, busy, stalled, unplugged or not commissioned, or a picture is no picture."""

    exit_status = 12

"""A recording beside the sale: when its disk is full it ends, and the sale goes on."""

import logging

from edge_agent.errors import RecordingError
from edge_agent.model import Message, Output
from edge_agent.ports import SessionTap

log = logging.getLogger(__name__)


class DispensableTap:
    """Passes a session on to another tap until that fails once."""

    def __init__(self, tap: SessionTap) -> None:
        self._tap: SessionTap | None = tap

    def consumed(self, message: Message) -> None:
        """Pass a message on."""
        if self._tap is not None:
            try:
                self._tap.consumed(message)
            except RecordingError as error:
                self._drop(error)

    def produced(self, output: Output) -> None:
        """Pass an output on."""
        if self._tap is not None:
            try:
                self._tap.produced(output)
            except RecordingError as error:
                self._drop(error)

    def _drop(self, error: RecordingError) -> None:
        self._tap = None
        log.error("the recording has ended, selling goes on: %s", error)

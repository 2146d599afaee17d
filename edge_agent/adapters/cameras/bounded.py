"""Calls into a driver that may never come back."""

import threading
from collections.abc import Callable


def finishes_within(limit_s: float, action: Callable[[], object]) -> bool:
    """Do something in a thread of its own and return whether it came back in time.

    What hangs keeps its thread, a daemon that does not hold up the end of the process.

    Raises
    ------
    Exception
        What the action raised, if it did so in time.
    """
    raised: list[Exception] = []

    def act() -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - handed to the caller below
            raised.append(error)

    thread = threading.Thread(target=act, name="camera-driver-call", daemon=True)
    thread.start()
    thread.join(limit_s)
    if thread.is_alive():
        return False
    if raised:
        raise raised[0]
    return True

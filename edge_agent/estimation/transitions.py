"""What the estimation tells a technician about boards and shelves; channels have their own in `channel_health`.

All are warnings: other cells and shelves go on selling. That nothing can be weighed at all is the pipeline's to say.
"""

from edge_agent.model import HealthTransition, MonotonicNs
from edge_agent.vocabulary import Severity

BOARD_TEXTS = {
    "board_silent": (
        "connected, but no samples come",
        "check the board's USB cable and power; unplug it and plug it in again",
    ),
    "board_gain": (
        "all its readings changed by the same factor of two or four at once: the converters' gain or input is wrong",
        "unplug the board and plug it in again; if it stays, its supply or wiring is bad",
    ),
    "board_unannounced": (
        "samples came before the board said who it is; they cannot be weighed",
        "wait for its HELLO, or start the recording before the board is connected",
    ),
}


def board_health(t_ns: int, uid: str, code: str, *, raised: bool) -> HealthTransition:
    """Return a transition of a whole board."""
    detail, remedy = BOARD_TEXTS[code] if raised else ("back to normal", "")
    return HealthTransition(MonotonicNs(t_ns), f"board:{uid}", code, raised, Severity.WARNING, detail, remedy)


def board_settings(t_ns: int, uid: str, gain: int, calibrated_gain: int, *, raised: bool) -> HealthTransition:
    """Return a transition of a board whose converters are not set as they were calibrated: it is not weighed."""
    detail = f"its gain is set to {gain}, and it was calibrated at {calibrated_gain}" if raised else "back to normal"
    remedy = f"set it back by 'edge-agent board set --gain {calibrated_gain}', or calibrate it anew" if raised else ""
    subject = f"board:{uid}"
    return HealthTransition(MonotonicNs(t_ns), subject, "board_settings", raised, Severity.WARNING, detail, remedy)


def channel_missing(t_ns: int, uid: str, board_input: int, channel_count: int, *, raised: bool) -> HealthTransition:
    """Return a transition of an input that the shelf file names and the board does not have."""
    detail = f"the board has {channel_count} inputs, numbered from 0" if raised else "back to normal"
    remedy = "correct the channel's index in the shelf file, or connect the right board" if raised else ""
    subject = f"channel:{uid}/{board_input}"
    return HealthTransition(MonotonicNs(t_ns), subject, "channel_missing", raised, Severity.WARNING, detail, remedy)


def shelf_unsettled(t_ns: int, shelf_id: str, after_s: float, *, raised: bool) -> HealthTransition:
    """Return a transition of a shelf that does not come to rest."""
    detail = f"in motion for over {after_s:.0f} s" if raised else "at rest again"
    remedy = "look whether something leans on the shelf, touches its plate or makes it vibrate" if raised else ""
    subject = f"shelf:{shelf_id}"
    return HealthTransition(MonotonicNs(t_ns), subject, "unsettled", raised, Severity.WARNING, detail, remedy)

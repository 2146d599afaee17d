"""What was not weighed, and why: for health reports and for `board diagnose`."""

from collections.abc import Mapping

from edge_agent.estimation.board_track import BoardTrack
from edge_agent.estimation.fault_gate import REASONS


def rejections(tracks: Mapping[str, BoardTrack]) -> dict[str, dict[str, int]]:
    """Return per channel (``UID/input``) how many samples were rejected since its board came up, by reason."""
    found: dict[str, dict[str, int]] = {}
    for uid, track in list(tracks.items()):  # another thread may ask while a board comes or goes
        for cell, board_input in enumerate(track.layout.inputs.tolist()):
            counts = track.gate.rejected[:, cell].tolist()
            reasons = {reason: count for reason, count in zip(REASONS, counts, strict=True) if count}
            if reasons:
                found[f"{uid}/{board_input}"] = reasons
    return found


def row_faults(tracks: Mapping[str, BoardTrack]) -> dict[str, dict[str, int]]:
    """Return per board how many rows were lost on the link or dropped as not later than the last."""
    return {
        uid: {"lost": track.rows_lost, "out_of_order": track.rows_out_of_order}
        for uid, track in list(tracks.items())
        if track.rows_lost or track.rows_out_of_order
    }

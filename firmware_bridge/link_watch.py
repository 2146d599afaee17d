"""
Whether the wire between a board and its host can be trusted.

Damage is counted, not repaired: a broken frame is dropped whole, its rows are known to be lost, and one now and then is
what cables do. Several within a second are a fault that somebody should mend before it costs a sale.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from firmware_bridge.clocksync import NS_PER_S
from firmware_bridge.events import LinkQuality
from firmware_bridge.frames import Aux

WINDOW_NS: Final = NS_PER_S
RAISE_AT: Final = 3
"""Damages in a window that make a poor link: one bit in a million flips 0.1 frames a second at 115200 baud (rule,
2026-11). A gap is one damage however long, and none where damaged frames explain it."""
FORGIVEN_NS: Final = NS_PER_S
"""What is missing so soon after the host did not listen is the host's own loss: its kernel's buffer was full (rule,
2026-11)."""
CLEAR_NS: Final = 5 * NS_PER_S
"""Time without any damage after which the link is good again: rarer damage than this costs no sale (rule, 2026-11)."""
_COUNTER_WRAP: Final = 1 << 16
_WORDS: Final = {
    "frames": "damaged frames from the board",
    "rows": "rows lost on the way",
    "overflow": "rows that the board had no room to send",
    "heard": "damaged frames heard by the board",
    "overruns": "bytes lost by the board's receiver",
}


class LinkWatch:
    """
    Damages of one port in the last second.

    Parameters
    ----------
    port : str
    """

    def __init__(self, port: str) -> None:
        self._port = port
        self._recent: deque[tuple[int, str, int, int]] = deque()
        self._poor = False
        self._last_ns = 0
        self._forgiven_ns = 0
        self._damaged_before = False
        self.fresh = False
        """Whether something was counted since the last judgement."""
        self._told: tuple[int, int] | None = None

    def frame_damaged(self, now_ns: int) -> None:
        """Count a run of bytes that was no frame."""
        self._note(now_ns, "frames", 1)
        self._damaged_before = True

    def rows_came(self, now_ns: int, lost: int, overflow: int) -> None:
        """Take note of a good frame of samples: rows ``lost`` before it, ``overflow`` of them by the board itself."""
        explained, self._damaged_before = self._damaged_before, False
        if lost:
            self._note(now_ns, "rows", max(0, lost - overflow), damages=0 if explained else 1)
            self._note(now_ns, "overflow", overflow)

    def aux(self, aux: Aux, now_ns: int) -> None:
        """Compare the board's own counters with the last; a 1.0 board sends none."""
        if aux.bad_frames is None or aux.receive_overruns is None:
            return
        told, self._told = self._told, (aux.bad_frames, aux.receive_overruns)
        if told is None:
            return
        self._note(now_ns, "heard", (aux.bad_frames - told[0]) % _COUNTER_WRAP)
        self._note(now_ns, "overruns", (aux.receive_overruns - told[1]) % _COUNTER_WRAP)

    def away(self, now_ns: int) -> None:
        """Take note that the host did not listen: what is missing next, no wire has damaged."""
        self._forgiven_ns = now_ns + FORGIVEN_NS

    def judge(self, now_ns: int, board_uid: str | None) -> LinkQuality | None:
        """Say that the link became poor or good again; None while nothing changed."""
        self.fresh = False
        while self._recent and now_ns - self._recent[0][0] > WINDOW_NS:
            self._recent.popleft()
        if self._poor:
            if now_ns - self._last_ns < CLEAR_NS:
                return None
            self._poor = False
            return LinkQuality(now_ns, self._port, board_uid, False, f"{self._port}: no damage for 5 s")
        counts = dict.fromkeys(_WORDS, 0)
        for _, what, number, _ in self._recent:
            counts[what] += number
        # A byte lost by a receiver is never the cable's: the board or its firmware is overtaxed, so one is enough.
        if sum(damages for *_, damages in self._recent) < RAISE_AT and not counts["overruns"]:
            return None
        self._poor = True
        seen = ", ".join(f"{_WORDS[what]} × {number}" for what, number in counts.items() if number)
        return LinkQuality(now_ns, self._port, board_uid, True, f"{self._port}: in the last second {seen}")

    def forget(self) -> None:
        """Begin anew: the port was closed, or another board or boot answers."""
        self._recent.clear()
        self._poor = self.fresh = self._damaged_before = False
        self._told = None

    def _note(self, now_ns: int, what: str, number: int, *, damages: int | None = None) -> None:
        if number and now_ns >= self._forgiven_ns:
            self.fresh = True
            self._last_ns = now_ns
            self._recent.append((now_ns, what, number, number if damages is None else damages))

"""Which channels of a board can be trusted, and what to tell a technician about the others."""

import numpy as np

from edge_agent.estimation.electrical_noise import ElectricalWatch
from edge_agent.estimation.fault_gate import DESYNC, SATURATED, SILENT
from edge_agent.estimation.layout import BoardLayout
from edge_agent.estimation.noise import DIFFERENCE_TO_SIGMA
from edge_agent.estimation.settings import EstimationSettings
from edge_agent.model import BoolArray, FloatArray, HealthTransition, InstantArray, IntArray, MonotonicNs
from edge_agent.vocabulary import Severity

NOISY_EPOCHS = 15
"""Seconds of noise before it is a fault: longer than anyone rummages without a pause (2026-11, rule)."""
GLITCH_SAMPLES = 128
"""Rows over which the share of rejected ones is taken: at the limit of 15 %, right to 3 % (rule, 2026-11)."""
REFUSED_ROWS = 5
REFUSED_S = 0.4
"""Rows that came and could not be used, so many and for so long, are a fault at once: a board that says itself that an
input is dead need not be waited for like one that says nothing. Settling takes four rows, glitches two (rule,
2026-11)."""
OVERLOAD_ROWS = 3
"""Rows beyond the capacity in one epoch that are a load: the gate passes no glitch longer than two (rule, 2026-11)."""

TEXTS = {
    "channel_silent": (
        "no valid reading for {seconds:.1f} s",
        "check the cell's plug and the converter's wiring, on a new board also its RATE pin; then run 'board diagnose'",
    ),
    "channel_line_low": (
        "the converter's data line has stayed low for {seconds:.1f} s: it does not convert",
        "look for a short of its DT wire to ground, and check that the converter has its supply",
    ),
    "channel_saturated": (
        "at the end of the converter's range for {seconds:.1f} s",
        "a wire is off or broken, or the cell is bent: check the plug, then replace the cell",
    ),
    "channel_stuck": (
        "the reading has not changed by one count for {seconds:.0f} s; a live cell never stands still",
        "replug the converter; if it stays, replace it",
    ),
    "channel_noisy": (
        "noise of {noise_g:.1f} g, {glitches:.0%} of the readings rejected",
        "look for a loose plug, a cable beside a motor, or less than 4.5 V at the converter",
    ),
    "overload": (
        "{load_g:.0f} g on a cell made for {max_g:.0f} g",
        "take weight off; afterwards check the zero: an overloaded cell may be bent",
    ),
}


class ChannelWatch:
    """Watches one board's used inputs; judged once an epoch, on time and on the readings since.

    Attributes
    ----------
    faulty : (cells,) bool
        Channels that carry no evidence just now (everything but overload).
    """

    def __init__(self, layout: BoardLayout, period_ns: int, settings: EstimationSettings) -> None:
        cells = layout.cell_count
        self.layout = layout
        self.settings = settings
        self.period_ns = period_ns
        self.silence_ns = round(max(settings.silent_s * 1e9, settings.silent_periods * period_ns))
        self.faulty: BoolArray = np.zeros(cells, dtype=np.bool_)
        self.any_faulty = False
        self.electrical = ElectricalWatch(cells, period_ns)
        self._raised: dict[str, BoolArray] = {code: np.zeros(cells, dtype=np.bool_) for code in TEXTS}
        self._all_good_ns: int | None = None
        self._good_ns: InstantArray = np.full(cells, np.iinfo(np.int64).min)
        self._refused_rows: IntArray = np.zeros(cells, dtype=np.int32)
        self._any_refused = False
        self._unchanged_rows: IntArray = np.zeros(cells, dtype=np.int32)
        self._noisy_epochs: IntArray = np.zeros(cells, dtype=np.int32)
        self._rejected: IntArray | None = None
        self._glitches: IntArray = np.zeros(cells, dtype=np.int32)
        self._glitch_share: FloatArray = np.zeros(cells)
        self._samples = 0

    def see(self, t_ns: InstantArray, bad: BoolArray | None) -> None:
        """Note when each channel was last good."""
        if self._all_good_ns is None:  # silence counts from the first row
            self._all_good_ns = int(t_ns[0])
        if bad is None:
            self._all_good_ns = int(t_ns[-1])
            if self._any_refused:
                self._refused_rows[:] = 0
                self._any_refused = False
            return
        for row in range(t_ns.size):
            self._good_ns[~bad[row]] = t_ns[row]
            self._refused_rows = np.where(bad[row], self._refused_rows + 1, 0).astype(np.int32)
        self._any_refused = bool(self._refused_rows.any())

    def at_once(self, now_ns: int, rejected: IntArray) -> list[HealthTransition]:
        """Tell between two epochs what need not wait: an input that fell dead, wires that became noisy."""
        if not self._any_refused and not self.electrical.any_noisy(now_ns):  # nearly always, and for every row
            return []
        mute = self._mute(now_ns) if self._any_refused else self.faulty
        noisy = self.electrical.noisy(now_ns) & ~self._raised["channel_noisy"] & ~mute
        if not noisy.any() and not (mute & ~self.faulty).any():
            return []
        found = self._dead(mute, rejected - (0 if self._rejected is None else self._rejected))
        # What was raised stays so until the epoch: only it sees enough readings to take anything back.
        found = {code: now | self._raised[code] for code, now in found.items()}
        found["channel_noisy"] = self._raised["channel_noisy"] | noisy
        self.faulty = self.faulty | mute
        self.any_faulty = bool(self.faulty.any())
        seconds = np.asarray(self._silent_ns(now_ns), dtype=np.float64) * 1e-9
        words = {"seconds": seconds, "noise_g": self.electrical.sigma_g}
        return self._changes(now_ns, found, words)

    def _silent_ns(self, now_ns: int) -> IntArray:
        silent_ns: IntArray = now_ns - np.maximum(self._good_ns, self._all_good_ns or 0)
        return silent_ns

    def _mute(self, now_ns: int) -> BoolArray:
        silent_ns = self._silent_ns(now_ns)
        refused = (self._refused_rows >= REFUSED_ROWS) & (silent_ns > REFUSED_S * 1e9)
        return refused | (silent_ns > self.silence_ns)

    @staticmethod
    def _dead(mute: BoolArray, fresh: IntArray) -> dict[str, BoolArray]:
        """Say why inputs are mute, by what was rejected since the last epoch, (reasons, cells)."""
        saturated = mute & (fresh[SATURATED] > fresh[SILENT])
        # Both flags together are the board's word for a line that stays low (PROTOCOL.md).
        line_low = mute & ~saturated & (fresh[SILENT] > 0) & (2 * fresh[DESYNC] > fresh[SILENT])
        return {
            "channel_silent": mute & ~saturated & ~line_low,
            "channel_line_low": line_low,
            "channel_saturated": saturated,
        }

    def epoch(self, now_ns: int, grams: FloatArray, rejected: IntArray) -> list[HealthTransition]:
        """Judge all channels on an epoch's readings, (rows, columns); return what changed."""
        cells = self.layout.cell_count
        layout = self.layout
        rows = grams.shape[0]
        if self._rejected is None:
            self._rejected = np.zeros_like(rejected)
        fresh = rejected - self._rejected
        self._rejected = rejected.copy()
        mute = self._mute(now_ns)
        readings = grams[:, :cells]
        unchanged = (np.ptp(readings, axis=0) <= 1.01 * np.abs(layout.g_per_count)) & ~mute
        self._unchanged_rows = np.where(unchanged, self._unchanged_rows + rows, 0).astype(np.int32)
        stuck_ns = self._unchanged_rows * np.int64(self.period_ns)
        stuck = (self._unchanged_rows >= self.settings.stuck_rows) & (stuck_ns >= self.settings.stuck_s * 1e9)
        noise = DIFFERENCE_TO_SIGMA * np.abs(np.diff(readings, axis=0)).mean(axis=0)
        loud = noise > self.settings.noisy_share * layout.cell_max_g
        self._noisy_epochs = np.where(loud & ~mute, self._noisy_epochs + 1, 0).astype(np.int32)
        self._count_glitches(rows, fresh)
        self.electrical.calm(noise < 0.5 * self.settings.lasting_noise_share * layout.cell_max_g)
        noisy = (self._noisy_epochs >= NOISY_EPOCHS) | (self._glitch_share > self.settings.glitch_rate)
        noisy |= self.electrical.lasting
        told_noisy = noisy | self.electrical.noisy(now_ns)
        over = (np.abs(readings) > layout.cell_max_g).sum(axis=0) >= OVERLOAD_ROWS
        load = np.abs(readings).max(axis=0)
        found = self._dead(mute, fresh) | {
            "channel_stuck": stuck & ~mute,
            "channel_noisy": told_noisy & ~mute & ~stuck,
            "overload": over & ~mute,
        }
        self.faulty = mute | stuck | noisy
        self.any_faulty = bool(self.faulty.any())
        seconds = np.where(stuck, stuck_ns, self._silent_ns(now_ns)) * 1e-9
        words = {"seconds": seconds, "noise_g": np.maximum(noise, self.electrical.sigma_g), "load_g": load}
        return self._changes(now_ns, found, words)

    def forget(self, now_ns: int) -> list[HealthTransition]:
        """Take back everything raised: the board left, or starts anew."""
        return [
            self._transition(now_ns, cell, code, raised=False, words={}, cleared="the board was disconnected")
            for code, cells in self._raised.items()
            for cell in cells.nonzero()[0].tolist()
        ]

    def _changes(
        self, now_ns: int, found: dict[str, BoolArray], words: dict[str, FloatArray]
    ) -> list[HealthTransition]:
        """Tell what differs from what was told last; ``words`` are figures per cell for the texts."""
        words = words | {"glitches": self._glitch_share, "max_g": self.layout.cell_max_g}
        transitions: list[HealthTransition] = []
        for code, now in found.items():
            for cell in (now != self._raised[code]).nonzero()[0].tolist():
                figures = {name: float(values[cell]) for name, values in words.items()}
                transitions.append(self._transition(now_ns, cell, code, raised=bool(now[cell]), words=figures))
            self._raised[code] = now
        return transitions

    def _count_glitches(self, rows: int, fresh: IntArray) -> None:
        self._glitches = self._glitches + fresh[:SATURATED].sum(axis=0)
        self._samples += rows
        if self._samples >= GLITCH_SAMPLES:
            self._glitch_share = self._glitches / self._samples
            self._glitches = np.zeros_like(self._glitches)
            self._samples = 0

    def _transition(
        self,
        now_ns: int,
        cell: int,
        code: str,
        *,
        raised: bool,
        words: dict[str, float],
        cleared: str = "back to normal",
    ) -> HealthTransition:
        detail, remedy = TEXTS[code]
        return HealthTransition(
            t_ns=MonotonicNs(now_ns),
            subject=f"channel:{self.layout.board_uid}/{int(self.layout.inputs[cell])}",
            code=code,
            raised=raised,
            severity=Severity.WARNING,  # the rest of the shelf goes on selling, less sure of itself
            detail=detail.format(**words) if raised else cleared,
            remedy=remedy if raised else "",
        )

"""First stage: raw counts in, the same rows out with every unusable sample marked and named.

A glitch is a run of at most two samples that leaves and comes back; a step stays. So a sample that jumps is judged
against the median of five, two before and two after it: the median of a step is the step, of a glitch the level.
Rows wait for their two successors only while something in them has jumped.
"""

from dataclasses import dataclass

import numpy as np

from edge_agent.model import BoolArray, FlagArray, FloatArray, InstantArray, IntArray, SampleFlag

COUNTS_MAX = 2**23 - 1
COUNTS_MIN = -(2**23)
START_ROWS = 5
START_HELD_ROWS = START_ROWS + 2
"""Most rows held while waiting for a reference: two of five may be glitches (2026-11, rule)."""
TRAILING_ONES = 0xFF
"""Eight low bits of one: by chance in 0.4 % of samples, so a reason for a jump and never one by itself."""

REASONS = ("spike", "trailing_ones", "gain_ratio", "saturated", "settling", "desync", "late", "silent")
SPIKE, ONES, RATIO, SATURATED, SETTLING, DESYNC, LATE, SILENT = range(len(REASONS))
FLAG_REASONS = (
    (SampleFlag.SETTLING, SETTLING),
    (SampleFlag.DESYNC, DESYNC),
    (SampleFlag.LATE, LATE),
    (SampleFlag.SILENT, SILENT),
)


@dataclass(frozen=True, slots=True, eq=False)
class GatedRows:
    """Rows whose samples are all judged.

    Attributes
    ----------
    t_ns : (n,) int64
    counts : (n, channels) int32
        A rejected sample holds the channel's last good one.
    bad : (n, channels) bool or None
        Rejected samples; None where there are none, which is nearly always.
    """

    t_ns: InstantArray
    counts: IntArray
    bad: BoolArray | None


class FaultGate:
    """Judges one board's rows; remembers two good rows before and at most two suspicious ones.

    Parameters
    ----------
    jump_counts : (channels,)
        Difference between neighbours that is looked at twice, counts; `set_jump` follows the learned noise.
    spread_limit : float
        Distance from the median of five, in median absolute deviations, that makes a glitch.
    """

    def __init__(self, jump_counts: FloatArray, spread_limit: float) -> None:
        channels = jump_counts.size
        self.rejected: IntArray = np.zeros((len(REASONS), channels), dtype=np.int32)
        """(reasons, channels): how many samples were rejected, in the order of `REASONS`."""
        self._spread_limit = spread_limit
        self._jump: IntArray = np.empty(channels, dtype=np.int32)
        self.set_jump(jump_counts)
        self._started = False
        self._held_t: InstantArray = np.empty(0, dtype=np.int64)
        self._held: IntArray = np.empty((0, channels), dtype=np.int32)
        self._held_flags: FlagArray = np.empty((0, channels), dtype=np.uint8)
        self._context: IntArray = np.zeros((2, channels), dtype=np.int32)
        self._jumped: BoolArray = np.zeros(channels, dtype=np.bool_)
        self._any_jumped = False

    def set_jump(self, jump_counts: FloatArray) -> None:
        """Take the learned noise into account; below 16 counts nothing is a jump."""
        np.copyto(self._jump, np.clip(jump_counts, 16, 2**24), casting="unsafe")

    @property
    def waiting_since(self) -> int | None:
        """Return the instant of the oldest row not judged yet, ns."""
        return int(self._held_t[0]) if self._held_t.size else None

    def push(self, t_ns: InstantArray, counts: IntArray, flags: FlagArray) -> GatedRows | None:
        """Take rows in, give the judged ones out in order, or None while all of them wait.

        Parameters
        ----------
        t_ns, counts, flags
            As in `AdcSamples`, strictly later than all before.
        """
        if self._held_t.size:
            t_ns = np.concatenate((self._held_t, t_ns))
            counts = np.concatenate((self._held, counts))
            flags = np.concatenate((self._held_flags, flags))
        if not self._started and not self._start(t_ns, counts, flags):
            return self._give_up_unusable(t_ns, counts, flags)
        rows = np.concatenate((self._context, counts))
        difference = rows[2:] - rows[1:-1]
        np.abs(difference, out=difference)
        # count_nonzero and not any(): a third of the time, and this runs for every row (2026-11).
        calm = not (np.count_nonzero(difference > self._jump) or np.count_nonzero(flags) or self._any_jumped)
        if calm and not _railed(counts):
            self._context = rows[-2:]
            self._held_t, self._held, self._held_flags = t_ns[:0], counts[:0], flags[:0]
            return GatedRows(t_ns, counts, None)
        return self._judge(t_ns, counts, flags, rows)

    def _start(self, t_ns: InstantArray, counts: IntArray, flags: FlagArray) -> bool:
        """Wait for five usable rows: their median is the first reference, so a glitch at the start cannot be it.

        Where they come too thinly, those among `START_HELD_ROWS` have to do.
        """
        usable = (flags == 0) & (counts < COUNTS_MAX) & (counts > COUNTS_MIN)
        rows = usable.any(axis=1).nonzero()[0]
        if rows.size < START_ROWS and (not rows.size or t_ns.size - rows[0] < START_HELD_ROWS):
            return False
        for channel in range(counts.shape[1]):
            seen = counts[usable[:, channel], channel]
            if seen.size:
                self._context[:, channel] = np.sort(seen[:START_ROWS])[min(seen.size, START_ROWS) // 2]
        self._started = True
        return True

    def _give_up_unusable(self, t_ns: InstantArray, counts: IntArray, flags: FlagArray) -> GatedRows | None:
        """Before the start, hold a few rows; let go of the unusable ones that precede them, as rejected.

        So whoever watches the channels hears that a board has rows to show and nothing in them.
        """
        railed = (counts >= COUNTS_MAX) | (counts <= COUNTS_MIN)
        unusable = (railed | (flags != 0)).all(axis=1)
        first_usable = t_ns.size if unusable.all() else int((~unusable).argmax())
        given = first_usable if t_ns.size >= START_HELD_ROWS else 0
        self._held_t, self._held, self._held_flags = t_ns[given:], counts[given:], flags[given:]
        if not given:
            return None
        self._count_unusable(railed[:given], flags[:given])
        reference = np.broadcast_to(self._context[-1], counts[:given].shape)
        return GatedRows(t_ns[:given], reference, np.ones(reference.shape, dtype=np.bool_))

    def _judge(self, t_ns: InstantArray, counts: IntArray, flags: FlagArray, rows: IntArray) -> GatedRows | None:
        """Look at jumps, flags and rails; hold back what still needs its successors."""
        count = t_ns.size
        railed = (counts >= COUNTS_MAX) | (counts <= COUNTS_MIN)
        unusable = railed | (flags != 0)
        if unusable.any():
            for row in unusable.any(axis=1).nonzero()[0]:
                np.copyto(rows[row + 2], rows[row + 1], where=unusable[row])
        jumped = np.abs(rows[2:] - rows[1:-1]) > self._jump
        suspicious = jumped.copy()
        suspicious[1:] |= jumped[:-1]
        suspicious[0] |= self._jumped
        doubtful = suspicious.any(axis=1)
        ready = count
        for row in range(max(count - 2, 0), count):
            if doubtful[row]:
                ready = row
                break
        self._held_t, self._held, self._held_flags = t_ns[ready:], counts[ready:], flags[ready:]
        if ready == 0:
            return None
        bad = unusable[:ready].copy()
        for row in doubtful[:ready].nonzero()[0]:
            self._compare(rows, counts, bad, int(row), suspicious[row].nonzero()[0])
        self._count_unusable(railed[:ready], flags[:ready])
        self._context = rows[ready : ready + 2].copy()
        self._jumped = jumped[ready - 1]
        self._any_jumped = bool(self._jumped.any())
        return GatedRows(t_ns[:ready], rows[2 : ready + 2], bad if bad.any() else None)

    def _compare(self, rows: IntArray, counts: IntArray, bad: BoolArray, row: int, channels: IntArray) -> None:
        """Hold suspicious samples of one row against the median of five; replace the glitches by the last good."""
        five = rows[row : row + 5, channels]
        median = np.sort(five, axis=0)[2]
        spread = np.sort(np.abs(five - median), axis=0)[2]
        distance = np.abs(five[2] - median)
        glitch = distance > np.maximum(self._jump[channels], self._spread_limit * spread)
        if not glitch.any():
            return
        hit = channels[glitch]
        fresh = hit[~bad[row, hit]]
        bad[row, hit] = True
        reference = rows[row + 1, fresh].astype(np.float64)
        raw = counts[row, fresh]
        reason = np.full(fresh.size, SPIKE)
        ratio = raw / np.where(reference == 0, 1.0, reference)
        for factor in (2.0, 0.5, 4.0, 0.25):
            reason[np.abs(ratio / factor - 1) < 0.01] = RATIO
        reason[(raw & TRAILING_ONES) == TRAILING_ONES] = ONES
        np.add.at(self.rejected, (reason, fresh), 1)
        rows[row + 2, hit] = rows[row + 1, hit]

    def _count_unusable(self, railed: BoolArray, flags: FlagArray) -> None:
        self.rejected[SATURATED] += railed.sum(axis=0, dtype=np.int32)
        if flags.any():
            for bit, reason in FLAG_REASONS:
                self.rejected[reason] += ((flags & bit) != 0).sum(axis=0, dtype=np.int32)


def _railed(counts: IntArray) -> bool:
    return bool(np.count_nonzero(np.abs(counts) >= COUNTS_MAX))

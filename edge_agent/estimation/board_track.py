"""One board from raw rows to alarms: gate → grams → Kalman bank → GLR, all columns at once, on its own clock."""

from dataclasses import dataclass

import numpy as np

from edge_agent.estimation.channel_health import ChannelWatch
from edge_agent.estimation.electrical_noise import WINDOW_ROWS
from edge_agent.estimation.fault_gate import FaultGate, GatedRows
from edge_agent.estimation.glr import LONGEST, DyadicGlr
from edge_agent.estimation.history import History
from edge_agent.estimation.kalman_bank import KalmanBank
from edge_agent.estimation.kalman_scalar import KalmanFew
from edge_agent.estimation.layout import BoardLayout, ShelfPart
from edge_agent.estimation.noise import DIFFERENCE_TO_SIGMA, LearnedNoise
from edge_agent.estimation.settings import SAME_SIGMAS, EstimationSettings
from edge_agent.estimation.settling import Window
from edge_agent.model import AdcSamples, BoardUp, BoolArray, FloatArray, HealthTransition, InstantArray, IntArray

FEW_COLUMNS = 16
"""Up to this many columns plain floats are faster than numpy (2026-11: 0.5 µs a column, 13 µs a row)."""
PRIOR_NOISE_SHARE = 0.0002
"""Noise assumed before anything was learned, share of capacity: 1 g of 5 kg (Cambridge: 0.1–4 g)."""
GAIN_RATIOS = (2.0, 0.5, 4.0, 0.25)
"""HX711: gains 128, 64 and 32."""
GAIN_COUNTS = 2000.0
"""Readings nearer to zero tell no ratio, counts: 5 g of a 5 kg cell (rule)."""
EPOCH_S = 1.0
"""How often noise is learned and faults are looked for, s: the resolution at which faults are timed (rule, 2026-11)."""
EPOCH_ROWS = 16
"""Fewest rows between two such looks: σ from 16 rows is right to 18 % (rule, 1 / √2n, 2026-11)."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A column of a shelf left its level at ``t_ns``."""

    shelf_index: int
    t_ns: int


class BoardTrack:
    """State of one board since it was last identified.

    Parameters
    ----------
    layout : BoardLayout
    up : BoardUp
        Its rate sets all windows; a used input beyond its channel count carries no evidence.

    Attributes
    ----------
    rested : set of int
        Shelves, by index, that were ever seen at rest.
    wrong_gain : float or None
        Factor by which all readings are off, as of the last look at a moving shelf.
    rows_lost, rows_out_of_order : int
        Rows that the link reported lost, and rows dropped because they were not later than the last.
    """

    def __init__(self, layout: BoardLayout, up: BoardUp, settings: EstimationSettings) -> None:
        rate_hz, channel_count = up.rate_hz, up.channel_count
        self.layout = layout
        self.period_ns = round(1e9 / rate_hz)
        self.settings = settings
        self.look_rows = min(max(1, round(settings.look_s * rate_hz)), LONGEST)
        columns = layout.column_count
        prior = np.where(np.isnan(layout.noise_g), PRIOR_NOISE_SHARE * layout.cell_max_g, layout.noise_g)
        self.noise = LearnedNoise(layout.spread_cells(prior))
        self.gate = FaultGate(self._jump_counts(), settings.glitch_spread)
        self.watch = ChannelWatch(layout, self.period_ns, settings)
        kept = max(128, round(settings.rest_max_s * rate_hz * 1.4))
        self.history = History(kept, columns)
        time_constant = max(settings.tracker_time_constant_s, 4 * LONGEST / rate_hz)
        make = KalmanFew if columns <= FEW_COLUMNS else KalmanBank
        self.bank: KalmanBank | KalmanFew = make(np.square(self.noise.total_g), time_constant, 1.0 / rate_hz)
        self.glr = DyadicGlr(columns, settings.detection_threshold)
        self.tracked: BoolArray = np.zeros(columns, dtype=np.bool_)
        self.rested: set[int] = set()
        self.wrong_gain: float | None = None
        self.rows_out_of_order = 0
        self.rows_lost = 0
        self.absent: BoolArray = layout.inputs >= channel_count
        self._any_absent = bool(self.absent.any())
        self._inputs = np.minimum(layout.inputs, channel_count - 1)
        self._all_inputs = layout.cell_count == channel_count and bool(
            (layout.inputs == np.arange(channel_count)).all()
        )
        self._mixes: BoolArray = layout.mixing != 0
        self._alarms_on: BoolArray = np.ones(columns, dtype=np.bool_)
        self._scale: FloatArray = np.zeros(columns)
        self._weight: FloatArray | None = np.zeros(columns)
        self._state_ns: int | None = None
        self._epoch_ns: int | None = None
        self.set_faulty()

    @property
    def last_t_ns(self) -> int | None:
        """Return the instant of the newest judged row."""
        return self.history.last_t_ns

    def process(self, samples: AdcSamples) -> list[Alarm]:
        """Take in rows, at most `look_rows`; return the shelves they disturb, whose columns are frozen from then on."""
        self.rows_lost += samples.lost_rows
        alarms: list[Alarm] = []
        t_ns, counts, flags = samples.t_ns, samples.counts, samples.flags
        if not self._all_inputs:
            counts, flags = counts[:, self._inputs], flags[:, self._inputs]
        gated = self.gate.push(t_ns, counts, flags)
        if gated is None:
            return alarms
        for start in range(0, gated.t_ns.size, LONGEST):  # with what the gate held, it may be more than came in
            piece = slice(start, start + LONGEST)
            bad = None if gated.bad is None else gated.bad[piece]
            self._take(GatedRows(gated.t_ns[piece], gated.counts[piece], bad), alarms)
        return alarms

    def _take(self, gated: GatedRows, alarms: list[Alarm]) -> None:
        """Weigh judged rows and update the trackers."""
        layout, cells = self.layout, self.layout.cell_count
        grams = self.history.extend(gated.t_ns)
        weighed = grams[:, :cells]
        np.multiply(gated.counts, layout.g_per_count, out=weighed)
        weighed += layout.offset_g
        if layout.column_count > cells:
            np.matmul(weighed, layout.mixing, out=grams[:, cells:])
        bad: BoolArray | None = None
        self.watch.see(gated.t_ns, gated.bad)
        if gated.bad is not None or self.watch.any_faulty or self._any_absent:
            bad_cells = np.broadcast_to(self.watch.faulty | self.absent, weighed.shape)
            if gated.bad is not None:
                bad_cells = bad_cells | gated.bad
            bad = np.concatenate((bad_cells, (bad_cells[:, :, np.newaxis] & self._mixes).any(axis=1)), axis=1)
            self.history.mark_bad(bad)
        if gated.bad is not None and bad is not None and gated.t_ns.size > 1:  # not the same in all rows
            for row in range(gated.t_ns.size):
                self._track(gated.t_ns[row : row + 1], grams[row : row + 1], bad[row : row + 1], alarms)
        else:
            self._track(gated.t_ns, grams, bad, alarms)

    def _track(self, t_ns: InstantArray, grams: FloatArray, bad: BoolArray | None, alarms: list[Alarm]) -> None:
        """Detect first, then let the columns that rest follow: a block of rows is one measurement of its mean."""
        rows = t_ns.size
        first_ns = int(t_ns[0])
        middle_ns = first_ns if rows == 1 else first_ns + int((t_ns - first_ns).sum()) // rows
        if self._state_ns is not None:
            self.bank.predict((middle_ns - self._state_ns) * 1e-9)
        self._state_ns = middle_ns
        normalised = grams - self.bank.level_g
        if rows > 1:
            normalised -= ((t_ns - middle_ns) * 1e-9)[:, np.newaxis] * self.bank.drift_g_s
        normalised *= self._scale
        weight = self._weight
        if bad is not None:
            normalised[bad] = 0.0
            weight = (~bad[0] if weight is None else weight * ~bad[0]).astype(np.float64)
        over = self.glr.push(normalised)
        if over is not None:
            for shelf_index in np.unique(self.layout.shelf_of_column[over.any(axis=0)]).tolist():
                hit = over[:, self.layout.shelf_of_column == shelf_index].any(axis=1)
                alarms.append(Alarm(shelf_index, int(t_ns[hit.argmax()])))
                self.freeze(shelf_index)
            weight = self._weight if bad is None else (self.tracked & ~bad[0]).astype(np.float64)
        mean = grams[0] if rows == 1 else np.add.reduce(grams, axis=0) * (1.0 / rows)
        self.bank.update(mean, float(rows), weight)

    def freeze(self, shelf_index: int) -> None:
        """Stop tracking a shelf's columns: it moves."""
        columns = self.layout.shelf_of_column == shelf_index
        self.tracked[columns] = False
        self._refresh()

    def resume(self, part: ShelfPart, rest: Window, share: float, *, moved: bool) -> None:
        """Track a part's columns again from the level at which they came to rest.

        Unless the shelf ``moved``, a column that rests where its tracker left off keeps the tracker's better level.
        ``share`` bounds the drift assumed at first, g/s per g of capacity. A first rest replaces the prior noise.
        """
        columns = np.concatenate((part.cells, part.derived))
        columns = columns[rest.valid[columns]]
        white: FloatArray | None = None
        if part.shelf_index not in self.rested:
            self.rested.add(part.shelf_index)
            _, grams, bad = self.history.since(rest.start_ns)
            steps = np.diff(grams, axis=0)
            clean = ~(bad[1:] | bad[:-1])
            white = DIFFERENCE_TO_SIGMA * (np.abs(steps) * clean).sum(axis=0) / np.maximum(clean.sum(axis=0), 1)
            white = white[columns]
        self.noise.restart(columns, rest.spread_g[columns], white)
        self.gate.set_jump(self._jump_counts())
        self.glr.forget(columns)
        self.tracked[columns] = True
        if not moved:
            distance_g2 = np.square(rest.mean_g - self.bank.level_g)
            same = distance_g2 <= SAME_SIGMAS**2 * (rest.variance_g2 + self.bank.covariance[0])
            columns = columns[~same[columns]]
        drift = np.full(columns.size, share * float(self.layout.cell_max_g[part.cells].max()))
        self.bank.set_noise(np.square(self.noise.total_g))
        self.bank.reset(columns, rest.mean_g[columns], rest.variance_g2[columns], drift)
        self._refresh()

    def note_wander(self, part: ShelfPart, rest: Window, baseline_g: FloatArray) -> None:
        """Learn from a rest that was no event how far the level had wandered from the baseline, (cells,)."""
        cells, derived = part.cells, part.derived
        columns = np.concatenate((cells, derived))
        base = np.concatenate(
            (baseline_g, baseline_g @ self.layout.mixing[np.ix_(cells, derived - self.layout.cell_count)])
        )
        swing = np.abs(self.bank.level_g[columns] - base) - np.abs(rest.mean_g[columns] - base)
        seen = rest.valid[columns] & (swing > 0)
        self.noise.note_wander(columns[seen], swing[seen])

    def epoch(self, now_ns: int) -> list[HealthTransition] | None:
        """Once a second: learn the noise of what rests and look for faults; between epochs for those that cannot wait.

        None where nothing was judged.
        """
        if self._epoch_ns is None:
            self._epoch_ns = now_ns
        self._look_at_wires(now_ns)
        before = self.watch.faulty
        if now_ns - self._epoch_ns < max(EPOCH_S * 1e9, EPOCH_ROWS * self.period_ns):
            found = self.watch.at_once(now_ns, self.gate.rejected)
            if self.watch.faulty is not before:
                self.set_faulty()
            return found or None
        t_ns, grams, bad = self.history.since(self._epoch_ns)
        self._epoch_ns = now_ns + 1
        if t_ns.size < EPOCH_ROWS // 2:
            return []
        usable = self.tracked & (bad.mean(axis=0) < 0.5)
        self.noise.learn(grams, bad, self.bank.level_g, usable)
        self.bank.set_noise(np.square(self.noise.total_g))
        self.gate.set_jump(self._jump_counts())
        transitions = self.watch.epoch(now_ns, grams, self.gate.rejected)
        if (before != self.watch.faulty).any():
            self.set_faulty()
        self._refresh()
        return transitions

    def _look_at_wires(self, now_ns: int) -> None:
        """While anything moves, look whether it is the wires and not the plate."""
        if self._weight is None or not self.watch.electrical.due(now_ns):
            return
        _, grams, _ = self.history.last(WINDOW_ROWS)  # a rejected reading repeats the last one: no noise
        if grams.shape[0] == WINDOW_ROWS:
            limit_g = self.settings.noisy_share * self.layout.cell_max_g
            lasting_g = self.settings.lasting_noise_share * self.layout.cell_max_g
            self.watch.electrical.look(now_ns, grams[:, : self.layout.cell_count], limit_g, lasting_g)

    def set_faulty(self) -> None:
        """Follow a change of the channels that can be trusted: a platform with a dead cell is watched cell by cell."""
        faulty = self.watch.faulty | self.absent
        self._alarms_on[:] = True
        for part in self.layout.parts:
            if part.derived.size:
                whole = not faulty[part.cells].any()
                self._alarms_on[part.cells] = not whole
                self._alarms_on[part.derived] = whole
        dead = np.concatenate((faulty, (self._mixes & faulty[:, np.newaxis]).any(axis=0)))
        self.tracked[dead] = False
        self._refresh()

    def check_gain(self, window: Window) -> bool:
        """Return whether all cells of the board read a multiple of what they did: the converter's gain is wrong.

        One cell may double by chance, when a load is put on it; two or more that do so at once, to half a per cent and
        zero offset included, do not. Sets `wrong_gain`.
        """
        cells = self.layout.cell_count
        before = (self.bank.level_g[:cells] - self.layout.offset_g) / self.layout.g_per_count
        after = (window.mean_g[:cells] - self.layout.offset_g) / self.layout.g_per_count
        telling = window.valid[:cells] & (np.abs(before) > GAIN_COUNTS)
        known = len(self.rested) == len(self.layout.parts) and int(telling.sum()) > 1
        ratio = after[telling] / before[telling]
        factors = [each for each in GAIN_RATIOS if known and (np.abs(ratio / each - 1.0) < 0.005).all()]
        self.wrong_gain = factors[0] if factors else None
        return bool(factors)

    def watched(self, part: ShelfPart) -> IntArray:
        """Return the columns that tell whether a part moves: a whole platform's modes, else its cells."""
        whole = part.derived.size and not (self.watch.faulty | self.absent)[part.cells].any()
        return part.derived if whole else part.cells

    def _refresh(self) -> None:
        """Recompute what depends on which columns are tracked and how noisy they are."""
        variance = self.bank.noise_g2 + self.bank.covariance[0]
        self._scale = np.where(self.tracked & self._alarms_on, 1.0 / np.sqrt(variance), 0.0)
        self._weight = None if self.tracked.all() else self.tracked.astype(np.float64)

    def _jump_counts(self) -> FloatArray:
        cells = self.layout.cell_count
        return self.settings.glitch_sigmas * self.noise.white_g[:cells] / np.abs(self.layout.g_per_count)

"""One shelf's life: acquiring → quiet → disturbed → quiet …, and the `WeightStep` at every return to rest.

Over 300 lines because every way out of a disturbance moves the same few members: split, they would be passed around.
"""

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum

import numpy as np

from edge_agent.config import ShelfConfig
from edge_agent.estimation.beyond_capacity import BeyondCapacity
from edge_agent.estimation.decay_finder import find_free_decay
from edge_agent.estimation.disturbance import Disturbance
from edge_agent.estimation.hands_at_front import HOLD_NS, HandsAtFront
from edge_agent.estimation.rest_finder import LivePart, Rest, find_rest
from edge_agent.estimation.settings import INVALID_VARIANCE_G2, EstimationSettings
from edge_agent.estimation.shelf_level import twist_covariance
from edge_agent.estimation.significance import Change, is_significant
from edge_agent.estimation.sub_steps import split
from edge_agent.estimation.zero_tracking import EventBaseline
from edge_agent.model import Baseline, BoolArray, FloatArray, MonotonicNs, SubStep, WeightStep
from edge_agent.vocabulary import StepCause

GLANCE_ROWS = 6
"""Fewest rows behind a provisional step, as of a rest: halves of 3 (rule, 2026-11)."""
STAYING_SIGMAS = 5.0
"""A reading further than this from a rest, in the rest's own scatter, has left it (rule, 2026-11)."""


class Phase(Enum):
    """What a shelf is doing."""

    ACQUIRING = "acquiring"
    """Not watched until now: its first rest is compared with the last committed one."""
    QUIET = "quiet"
    DISTURBED = "disturbed"


class ShelfSegmenter:
    """Turns a shelf's alarms and rests into steps.

    Parameters
    ----------
    shelf : ShelfConfig
    given : Baseline or None
        The last committed resting weight, to be compared with the first rest.
    """

    def __init__(self, shelf: ShelfConfig, given: Baseline | None, settings: EstimationSettings) -> None:
        self.shelf = shelf
        self.settings = settings
        self.baseline = EventBaseline(shelf.shelf_id, len(shelf.channels), given)
        self.phase = Phase.ACQUIRING
        self.disturbance: Disturbance | None = None
        self._adopts = False
        self._last_id_ms = -1
        self._followed_ns = 0
        self._follow_from_ns = 0
        self._waits = False
        # A short look cannot tell slosh from the top of a press or a hand that holds on: it needs stillness.
        self._still_settings = replace(settings, rest_spread_share=0.0, moment_spread_share=0.0)
        self._twist_g2 = twist_covariance(shelf, settings)
        self._beyond = BeyondCapacity(shelf)
        self.hands = HandsAtFront()

    @property
    def undecided_since_ns(self) -> int | None:
        """Return since when something is not decided yet."""
        return None if self.disturbance is None else self.disturbance.onset_ns

    @property
    def restless_since_ns(self) -> int | None:
        """Return since when the shelf is read and finds no rest."""
        return None if self.disturbance is None else self.disturbance.restless_ns

    def acquire(self, t_ns: int, since_ns: int) -> None:
        """Start over from ``t_ns``: a board came (back), or the next rest shall be the baseline.

        What happened since ``since_ns``, when the shelf was last watched, is undecided until that rest.
        """
        before = self.disturbance
        self.phase = Phase.ACQUIRING
        self.disturbance = self._begin(min(since_ns, t_ns), t_ns, StepCause.RECONCILED)
        if before is not None:
            self.disturbance.onset_ns = min(before.onset_ns, self.disturbance.onset_ns)
            self.disturbance.restless_ns = before.restless_ns

    def adopt_next_rest(self) -> None:
        """Take the next rest as the baseline, without a step."""
        self._adopts = True

    def lose(self) -> None:
        """No board of this shelf is left: what happens now, or was happening, is found on return."""
        self.phase = Phase.ACQUIRING
        self.disturbance = None

    def disturb(self, t_ns: int, parts: Sequence[LivePart]) -> None:
        """Note that the shelf moves since ``t_ns``."""
        if self.phase is Phase.QUIET:
            self._catch_up(parts, t_ns)
            self.phase = Phase.DISTURBED
            self.disturbance = self._begin(t_ns, t_ns, StepCause.ACT)
            for track, part in parts:
                track.freeze(part.shelf_index)

    def look(self, parts: Sequence[LivePart]) -> list[WeightStep]:
        """Look whether the shelf came to rest; return a provisional or final step if that is worth one."""
        act = self.disturbance
        if act is None or not parts or any(track.last_t_ns is None for track, _ in parts):
            return []
        now_ns = min(track.last_t_ns or 0 for track, _ in parts)
        act.note_rows(parts, self.baseline.level_g)
        if self._may_ring(act, now_ns):
            act.ring_looked_ns = now_ns
            said = self._look_through_ringing(act, parts)
            if said or self.disturbance is None:
                return said
        return self._look_for_rest(act, parts, now_ns)

    def _look_for_rest(self, act: Disturbance, parts: Sequence[LivePart], now_ns: int) -> list[WeightStep]:
        rest_ns = round(self.settings.rest_s * 1e9)
        if now_ns - act.looked_ns < rest_ns // self.settings.rest_looks:
            return []
        act.looked_ns = now_ns
        if act.candidate is not None:
            return self._prolong(act, act.candidate, parts, now_ns)
        settings, rows = self.settings, self.settings.rest_rows
        rest = find_rest(self.shelf, parts, act.rest_after_ns, settings.rest_s, rows, self._still_settings)
        if rest is None:
            rest = find_rest(self.shelf, parts, act.rest_after_ns, settings.noisy_rest_s, rows, settings)
        if rest is None:
            return self._glance(act, parts)
        act.candidate, act.rested_ns = rest, rest.start_ns
        held = self._held(act, now_ns)
        return (
            self._conclude(act, rest) if not held and self._sure_enough(act, now_ns) else self._provisional(act, rest)
        )

    def _look_through_ringing(self, act: Disturbance, parts: Sequence[LivePart]) -> list[WeightStep]:
        """Decide, or say early, what a plate that rings freely weighs."""
        free = find_free_decay(self.shelf, parts, act.rest_after_ns, self.settings)
        if free is not None and not self._held(act, free.end_ns):
            return self._conclude(act, free)
        early = find_free_decay(self.shelf, parts, act.rest_after_ns, self.settings, early=True)
        return [] if early is None else self._provisional(act, early)

    def _may_ring(self, act: Disturbance, now_ns: int) -> bool:
        """Return whether it is time to look for a plate that rings with nobody's hand on it."""
        settings = self.settings
        if act.cause is not StepCause.ACT or settings.ring_s <= 0 or self._adopts:
            return False
        return now_ns - act.ring_looked_ns >= settings.ring_look_s * 1e9

    def follow_drift(self, parts: Sequence[LivePart], now_ns: int) -> None:
        """Let the baseline follow slow drift since it last did; a shelf that moves is left alone."""
        if self.phase is not Phase.QUIET or now_ns < self._follow_from_ns:
            return
        elapsed_s = max(now_ns - self._followed_ns, 0) * 1e-9
        limit_g = self._drift_limit_g(elapsed_s)
        if self._waits:
            self._waits = False
            self._catch_up(parts, now_ns)
            self.baseline.start_following(self._tracked(parts))
        else:
            self.baseline.follow(self._tracked(parts), limit_g)
        self._followed_ns = now_ns

    def _catch_up(self, parts: Sequence[LivePart], now_ns: int) -> None:
        """Carry the baseline over what it did not follow, by the drift that the trackers know of."""
        elapsed_s = max(now_ns - self._followed_ns, 0) * 1e-9
        drift, variance = np.full((2, len(self.shelf.channels)), np.nan)
        for track, part in parts:
            cells = ~(track.watch.faulty | track.absent)[part.cells] & (part.shelf_index in track.rested)
            drift[part.places[cells]] = track.bank.drift_g_s[part.cells[cells]]
            variance[part.places[cells]] = track.bank.covariance[2][part.cells[cells]]
        self.baseline.catch_up(drift, variance, elapsed_s, self._drift_limit_g(elapsed_s))
        self._followed_ns = now_ns

    def _drift_limit_g(self, elapsed_s: float) -> FloatArray:
        """Return the most that drift may move a channel in a time, (channels,), g."""
        share = self.settings.zero_tracking_share_per_s * elapsed_s
        return np.full(len(self.shelf.channels), share * self.shelf.limits.cell_max_g)

    def _begin(self, onset_ns: int, rest_after_ns: int, cause: StepCause) -> Disturbance:
        milliseconds = max(onset_ns // 1_000_000, self._last_id_ms + 1)
        self._last_id_ms = milliseconds
        return Disturbance(
            onset_ns=onset_ns,
            restless_ns=rest_after_ns,
            act_id=f"{self.shelf.shelf_id}-{milliseconds}",
            cause=cause,
            rest_after_ns=rest_after_ns,
        )

    def _sure_enough(self, act: Disturbance, now_ns: int) -> bool:
        """Tell whether a rest's level is known well enough, or will not be known better soon."""
        if act.candidate is not None and act.candidate.sigma_g <= 0.1 * self.shelf.limits.min_event_g:
            return True
        return now_ns - act.rested_ns >= self.settings.rest_max_s * 1e9

    def _prolong(self, act: Disturbance, candidate: Rest, parts: Sequence[LivePart], now_ns: int) -> list[WeightStep]:
        """Average a noisy rest further; when it ends before that, what it showed until then is the result.

        Slosh is best averaged from the start, ringing that fades best left out: the surer of the two counts.
        """
        longer = find_rest(
            self.shelf, parts, act.rest_after_ns, 0.0, self.settings.rest_rows, self.settings, candidate.start_ns
        )
        held = self._held(act, now_ns)
        if longer is None and (held or now_ns - act.rested_ns < self.settings.rest_max_s * 1e9) and _stays(candidate):
            return []
        if longer is None and (held or self._was_held(act, candidate, now_ns)):
            # The hand lay still on the goods: what it weighed is nobody's item.
            act.candidate, act.held, act.rest_after_ns = None, False, candidate.end_ns
            return []
        if longer is None:
            steps = self._conclude(act, candidate)
            self.disturb(candidate.end_ns, parts)
            return steps
        newest = find_rest(
            self.shelf, parts, candidate.start_ns, self.settings.rest_s, self.settings.rest_rows, self.settings
        )
        act.candidate = newest if newest is not None and newest.sigma_g < longer.sigma_g else longer
        return self._conclude(act, act.candidate) if not held and self._sure_enough(act, now_ns) else []

    def _held(self, act: Disturbance, now_ns: int) -> bool:
        """Return whether a camera sees the hand that what is still now may be under."""
        if act.cause is not StepCause.ACT:
            return False
        if act.candidate is None:
            return self.hands.hold(now_ns, now_ns)
        held = self.hands.hold(now_ns, act.rested_ns)
        act.held = act.held or held
        return held

    def _was_held(self, act: Disturbance, rest: Rest, now_ns: int) -> bool:
        """Return whether the hand that a rest may have been under was there until its end, though it is gone now."""
        recent = now_ns - act.rested_ns <= HOLD_NS
        return act.cause is StepCause.ACT and recent and self.hands.lay_still(act.rested_ns, rest.end_ns)

    def _glance(self, act: Disturbance, parts: Sequence[LivePart]) -> list[WeightStep]:
        """Say early what it looks like, where a board is fast enough for an early word."""
        if act.cause is not StepCause.ACT:
            return []
        rest = find_rest(
            self.shelf, parts, act.rest_after_ns, self.settings.glance_s, GLANCE_ROWS, self._still_settings
        )
        return [] if rest is None else self._provisional(act, rest)

    def _provisional(self, act: Disturbance, rest: Rest) -> list[WeightStep]:
        if act.cause is not StepCause.ACT:
            return []
        change, beyond = self._change(act, rest)
        if not is_significant(self.shelf, change, self.settings, returned=False):
            return []
        said = act.provisional_g
        if said is not None and abs(float((change.delta_g - said).sum())) <= self.shelf.limits.min_event_g:
            return []
        act.provisional_g = change.delta_g
        return [replace(self._step(act, rest, change, final=False), beyond_capacity=beyond)]

    def _conclude(self, act: Disturbance, rest: Rest) -> list[WeightStep]:
        """Compare a rest with the baseline, move that if the change is real, and watch again."""
        change, beyond = self._change(act, rest)
        returned = act.cause is StepCause.RECONCILED
        significant = is_significant(self.shelf, change, self.settings, returned=returned)
        unknown = rest.level.valid & ~self.baseline.known
        steps: list[WeightStep] = []
        committed = self._adopts or significant or (returned and self._within_zero_drift(change))
        parted = self._sub_steps(act, rest, change) if significant and not self._adopts else ()
        relieved = self._beyond.note(rest)
        if committed:
            self.baseline.commit(rest.level, rest.level.valid)
            if significant and not self._adopts:
                step = self._step(act, rest, change, final=True)
                steps.append(replace(step, sub_steps=parted, beyond_capacity=beyond))
            self._adopts = False
        else:
            self.baseline.commit(rest.level, unknown | (relieved & rest.level.valid))
            self.baseline.refine(rest.level)
        share = self.settings.zero_tracking_share_per_s
        for (track, part), window, standing in zip(rest.parts, rest.windows, rest.standing, strict=True):
            known = part.shelf_index in track.rested
            if not committed and known:
                track.note_wander(part, window, self.baseline.level_g[part.places])
            track.resume(part, standing, share, moved=committed or not known)
        self.phase = Phase.QUIET
        self.disturbance = None
        self.baseline.start_following(self._tracked(rest.parts))
        # A tracker set anew first finds its level: that is not drift, unless the baseline was set with it.
        self._waits = not (committed or unknown.any())
        self._follow_from_ns = rest.end_ns
        if self._waits:
            self._follow_from_ns += round(0.5 * self.settings.tracker_time_constant_s * 1e9)
        if returned or not self._waits:
            # Nobody followed while the shelf was away: drift counts from the return, not from before it.
            self._followed_ns = rest.end_ns
        return steps

    def _within_zero_drift(self, change: Change) -> bool:
        limit_g = self.settings.zero_drift_share * self.shelf.limits.cell_max_g
        return bool((np.abs(change.delta_g) <= limit_g).all())

    def _change(self, act: Disturbance, rest: Rest) -> tuple[Change, bool]:
        """Return what changed since the baseline, and whether a plate beyond its capacity is in it."""
        valid: BoolArray = rest.level.valid & self.baseline.known
        delta = np.where(valid, rest.level.level_g - self.baseline.level_g, 0.0)
        covariance = rest.level.covariance_g2 + self.baseline.covariance_g2
        lost = ~valid
        covariance[lost] = 0.0
        covariance[:, lost] = 0.0
        covariance[lost, lost] = INVALID_VARIANCE_G2
        change = Change(delta, covariance, valid, act.peak_g)
        known_g = np.where(self.baseline.known, self.baseline.level_g, np.nan)
        return self._beyond.added_to(change, rest, known_g)

    def _step(self, act: Disturbance, rest: Rest, change: Change, *, final: bool) -> WeightStep:
        press_g2 = (self.settings.press_share * act.peak_g) ** 2 / max(int(change.valid.sum()), 1)
        span_g2 = np.square(self.settings.span_share * np.where(change.valid, change.delta_g, 0.0))
        covariance = change.covariance_g2 + self._twist_g2
        covariance = covariance + np.diag(span_g2 + press_g2 * change.valid.astype(np.float64))
        # Readings of a rest that was held are its latest; it began when it did.
        rested_ns = min(rest.start_ns, act.rested_ns) if act.held else rest.start_ns
        return WeightStep(
            act_id=act.act_id,
            shelf_id=self.shelf.shelf_id,
            t_start_ns=MonotonicNs(act.onset_ns),
            t_end_ns=MonotonicNs(max(rested_ns, act.onset_ns)),
            delta_g=change.delta_g,
            covariance_g2=covariance,
            valid=change.valid,
            peak_g=act.peak_g,
            cause=act.cause,
            final=final,
            baseline=self.baseline.as_baseline() if final else None,
        )

    def _sub_steps(self, act: Disturbance, rest: Rest, change: Change) -> tuple[SubStep, ...]:
        """Return the single items of an act that was watched from its beginning, where they can be told apart."""
        if act.cause is not StepCause.ACT or act.trail is None:
            return ()
        quiet_g = np.zeros(len(self.shelf.channels))
        for track, part in rest.parts:
            quiet_g[part.places] = track.noise.total_g[part.cells]
        before = (self.baseline.level_g, self.baseline.covariance_g2)
        after = (rest.level.level_g, rest.level.covariance_g2)
        found = split(self.shelf, act.trail, change.valid, before, after, rest.start_ns, quiet_g)
        return tuple(
            replace(
                each,
                covariance_g2=each.covariance_g2 + self._twist_g2,
                so_far_covariance_g2=each.so_far_covariance_g2 + self._twist_g2,
            )
            for each in found
        )

    def _tracked(self, parts: Sequence[LivePart]) -> FloatArray:
        """Return the trackers' levels in shelf order, NaN where a channel is not tracked."""
        levels = np.full(len(self.shelf.channels), np.nan)
        for track, part in parts:
            tracked = track.tracked[part.cells]
            levels[part.places[tracked]] = track.bank.level_g[part.cells[tracked]]
        return levels


def _stays(rest: Rest) -> bool:
    """Return whether the newest readings, though too restless to extend a rest, have not left it either."""
    for (track, part), window in zip(rest.parts, rest.windows, strict=True):
        _, grams, bad = track.history.since(rest.end_ns + 1)
        watched = track.watched(part)
        watched = watched[window.valid[watched]]
        if not grams.shape[0]:
            continue
        departure = np.where(bad[:, watched], 0.0, np.abs(grams[:, watched] - window.mean_g[watched]))
        if (departure > STAYING_SIGMAS * window.spread_g[watched]).any():
            return False
    return True

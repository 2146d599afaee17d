"""The room's front: messages in, weight steps and health transitions out. Time is data; there is no clock here."""

from collections.abc import Sequence

from edge_agent.config import BoardCalibration, ShelfConfig
from edge_agent.estimation.board_track import BoardTrack
from edge_agent.estimation.counters import rejections, row_faults
from edge_agent.estimation.intake import Intake
from edge_agent.estimation.layout import BoardLayout, ShelfPart, lay_out
from edge_agent.estimation.rest_finder import LivePart
from edge_agent.estimation.segmentation import Phase, ShelfSegmenter
from edge_agent.estimation.settings import EstimationSettings
from edge_agent.estimation.transitions import board_health, board_settings, channel_missing, shelf_unsettled
from edge_agent.model import (
    AdcSamples,
    Baseline,
    BoardDown,
    BoardUp,
    BoolArray,
    CameraProgress,
    HealthTransition,
    Message,
    MonotonicNs,
    TimePassed,
    VisionObservation,
    WeightStep,
)

Finding = WeightStep | HealthTransition

SILENCE_CHECK_NS = 1_000_000_000
"""How often a board's rows stand in for `TimePassed`, ns."""


class Estimation:
    """From board samples to steps of the shelves' resting weights.

    A pure function of its ordered messages: the same messages give the same findings, byte for byte.

    Parameters
    ----------
    shelves : sequence of ShelfConfig
    calibrations : sequence of BoardCalibration
        One for every board that a shelf names.
    baselines : sequence of Baseline
        Resting weights as of the last committed event; the first rest is compared with them.
    settings : EstimationSettings

    Raises
    ------
    CalibrationError
        A shelf's channel has no calibration.
    """

    def __init__(
        self,
        shelves: Sequence[ShelfConfig],
        calibrations: Sequence[BoardCalibration],
        baselines: Sequence[Baseline] = (),
        settings: EstimationSettings = EstimationSettings(),  # noqa: B008 - frozen
    ) -> None:
        self._settings = settings
        self._layouts = lay_out(shelves, calibrations)
        given = {baseline.shelf_id: baseline for baseline in baselines}
        self._shelves = [ShelfSegmenter(shelf, _fitting(shelf, given), settings) for shelf in shelves]
        self._tracks: dict[str, BoardTrack] = {}
        self._silent: set[str] = set()
        self._intakes: dict[str, Intake] = {}
        self._checked_ns = 0
        self._now_ns = 0
        self._unsettled: set[str] = set()
        self._wrong_gain: set[str] = set()
        self._other_gain: dict[str, int] = {}
        """Boards that are set to another gain than they were calibrated at, and to which."""
        self._unannounced: set[str] = set()
        self._missing: set[tuple[str, int]] = set()
        self._parts: list[list[tuple[str, ShelfPart]]] = [[] for _ in shelves]
        for uid, layout in self._layouts.items():
            for part in layout.parts:
                self._parts[part.shelf_index].append((uid, part))
        self._unwatched_ns: dict[str, int] = {}
        """Boards that nobody reads, and since when what they carry is undecided."""
        known = {index for index, shelf in enumerate(self._shelves) if shelf.baseline.known.any()}
        self._to_reconcile = [
            uid for uid, layout in self._layouts.items() if known & {part.shelf_index for part in layout.parts}
        ]

    def step(self, message: Message) -> list[Finding]:
        """Take one message in; return what it led to, in order."""
        if isinstance(message, CameraProgress):
            self._hands_seen(message)
            return []
        if self._to_reconcile:  # how long nobody watched before the first message, nobody can tell
            self._unwatched_ns = dict.fromkeys(self._to_reconcile, _first_ns(message))
            self._to_reconcile = []
        if isinstance(message, AdcSamples):
            return self._samples(message)
        if isinstance(message, BoardUp):
            return self._board_up(message)
        if isinstance(message, BoardDown):
            return self._board_down(message)
        if isinstance(message, TimePassed):
            return self._time_passed(message.t_ns)
        return []

    def baselines(self) -> tuple[Baseline, ...]:
        """Return every shelf's event baseline, slow zero tracking included."""
        return tuple(shelf.baseline.as_baseline() for shelf in self._shelves)

    def resting_baselines(self) -> tuple[Baseline, ...]:
        """Return the baselines of the shelves that are at rest: the others may be about to change."""
        return tuple(shelf.baseline.as_baseline() for shelf in self._shelves if shelf.phase is Phase.QUIET)

    def undecided_since_ns(self) -> MonotonicNs | None:
        """Return since when something is not decided: a disturbance, a row still waiting, or what nobody watched.

        What a board missed stays undecided beyond its return, until its shelves were compared at rest.
        """
        instants = [shelf.undecided_since_ns for shelf in self._shelves]
        instants += [track.gate.waiting_since for track in self._tracks.values()]
        instants += [intake.waiting_since_ns for intake in self._intakes.values()]
        instants += [intake.heard_ns for intake in self._intakes.values() if intake.lags(self._now_ns)]
        instants += self._unwatched_ns.values()
        known = [instant for instant in instants if instant is not None]
        return MonotonicNs(min(known)) if known else None

    def rebaseline(self, shelf_id: str | None = None) -> None:
        """Take the next rest of a shelf (of all, by default) as its baseline, without a step."""
        for shelf, parts in zip(self._shelves, self._parts, strict=True):
            if shelf_id in (None, shelf.shelf.shelf_id):
                shelf.adopt_next_rest()
                live = self._live(parts)
                instants = [track.last_t_ns for track, _ in live if track.last_t_ns is not None]
                if instants:
                    self._acquire(shelf, max(instants) + 1, live, max(instants) + 1)

    def quiet(self) -> bool:
        """Return whether every shelf with a living board is at rest, and there is one."""
        living = [shelf for shelf, parts in zip(self._shelves, self._parts, strict=True) if self._live(parts)]
        return bool(living) and all(shelf.phase is Phase.QUIET for shelf in living)

    def rejections(self) -> dict[str, dict[str, int]]:
        """Return per channel (``UID/input``) how many samples were rejected, by reason; only what happened."""
        return rejections(self._tracks)

    def row_faults(self) -> dict[str, dict[str, int]]:
        """Return per board how many rows were lost on the link or dropped as not later than the last."""
        return row_faults(self._tracks)

    def _hands_seen(self, message: CameraProgress) -> None:
        """Let the shelf's rests wait while a hand is there."""
        for shelf in self._shelves:
            if shelf.shelf.shelf_id == message.shelf_id:
                shelf.hands.note(message.t_ns, message.hands)

    def _board_up(self, message: BoardUp) -> list[Finding]:
        """Begin anew with a board: whatever it read before belongs to another connection or boot."""
        layout = self._layouts.get(message.board_uid)
        if layout is None:
            return []
        uid = str(message.board_uid)
        self._note_loss(uid)  # a board may come up anew without having been reported down
        findings = self._forget(uid, message.t_ns)
        if message.gain != self._other_gain.get(uid, layout.gain):
            findings.append(self._set_otherwise(message, layout))
        if uid in self._other_gain:
            self._unwatched_ns.setdefault(uid, message.t_ns)
            return findings + self._after_loss(uid)
        self._tracks[uid] = BoardTrack(layout, message, self._settings)
        self._intakes[uid] = Intake(self._tracks[uid], message.t_ns, self._settings)
        if uid in self._unannounced:
            self._unannounced.discard(uid)
            findings.append(board_health(message.t_ns, uid, "board_unannounced", raised=False))
        for board_input in layout.inputs.tolist():
            missing = board_input >= message.channel_count
            if missing != ((uid, board_input) in self._missing):
                self._missing ^= {(uid, board_input)}
                findings.append(channel_missing(message.t_ns, uid, board_input, message.channel_count, raised=missing))
        self._reacquire(layout, message.t_ns, self._unwatched_ns.pop(uid, message.t_ns))
        return findings

    def _set_otherwise(self, message: BoardUp, layout: BoardLayout) -> HealthTransition:
        """Note that a board's gain is not, or again is, the calibrated one."""
        uid, wrong = str(message.board_uid), message.gain != layout.gain
        if wrong:
            self._other_gain[uid] = message.gain
        else:
            del self._other_gain[uid]
        return board_settings(message.t_ns, uid, message.gain, layout.gain, raised=wrong)

    def _board_down(self, message: BoardDown) -> list[Finding]:
        """Go on without a board: its channels are unknown, its shelves' others are not."""
        uid = message.board_uid
        if uid is None or uid not in self._tracks:
            return []
        self._note_loss(uid)
        findings = self._forget(uid, message.t_ns)
        return findings + self._after_loss(uid)

    def _note_loss(self, uid: str) -> None:
        """Note since when what a board carries is undecided: its last row, or what was open then."""
        intake = self._intakes.get(uid)
        if intake is None or uid in self._unwatched_ns:
            return
        shelves = [self._shelves[part.shelf_index] for part in self._layouts[uid].parts]
        open_ns = [intake.waiting_since_ns, intake.track.gate.waiting_since]
        open_ns += [shelf.undecided_since_ns for shelf in shelves]
        self._unwatched_ns[uid] = min([intake.heard_ns, *(each for each in open_ns if each is not None)])

    def _forget(self, uid: str, t_ns: MonotonicNs) -> list[Finding]:
        """Drop what was known of a board and take back what was raised: its absence has an alarm of its own."""
        track = self._tracks.pop(uid, None)
        self._intakes.pop(uid, None)
        findings: list[Finding] = [] if track is None else [*track.watch.forget(t_ns)]
        for code, raised in (("board_silent", self._silent), ("board_gain", self._wrong_gain)):
            if uid in raised:
                raised.discard(uid)
                findings.append(board_health(t_ns, uid, code, raised=False))
        return findings

    def _after_loss(self, uid: str) -> list[Finding]:
        findings: list[Finding] = []
        for part in self._layouts[uid].parts:
            shelf = self._shelves[part.shelf_index]
            live = self._live(self._parts[part.shelf_index])
            if live:
                findings += shelf.look(live)
            else:
                shelf.lose()
        return findings

    def _samples(self, message: AdcSamples) -> list[Finding]:
        uid = str(message.board_uid)
        intake = self._intakes.get(uid)
        if intake is None:
            return self._unweighable(uid, message)
        if not message.t_ns.size:
            return []
        findings: list[Finding] = []
        first_ns = int(message.t_ns[0])
        if first_ns - intake.heard_ns > intake.track.watch.silence_ns or uid in self._silent:
            findings += self._returned(uid, intake, first_ns)
        self._now_ns = max(self._now_ns, int(message.t_ns[-1]))
        if not intake.takes(message):
            findings += self._release(intake)
        if intake.heard_ns - self._checked_ns > SILENCE_CHECK_NS:  # the other boards' silence, while this one speaks
            self._checked_ns = intake.heard_ns
            findings += self._time_passed(intake.heard_ns)
        return findings

    def _unweighable(self, uid: str, message: AdcSamples) -> list[Finding]:
        """Say once that a board of ours sends rows without having said who it is."""
        if uid not in self._layouts or uid in self._unannounced or uid in self._other_gain or not message.t_ns.size:
            return []
        self._unannounced.add(uid)
        return [board_health(int(message.t_ns[0]), uid, "board_unannounced", raised=True)]

    def _release(self, intake: Intake) -> list[Finding]:
        """Compute what a board's intake holds."""
        findings: list[Finding] = []
        for block in intake.release():
            findings += self._compute(intake.track, block)
        track = intake.track
        intake.patient = track.gate.waiting_since is None and all(
            self._shelves[part.shelf_index].phase is Phase.QUIET for part in track.layout.parts
        )
        return findings

    def _hurry(self, shelf_index: int) -> None:
        """Let no board of a shelf that moves gather rows."""
        for uid, _ in self._parts[shelf_index]:
            if uid in self._intakes:
                self._intakes[uid].patient = False

    def _compute(self, track: BoardTrack, samples: AdcSamples) -> list[Finding]:
        findings: list[Finding] = []
        for alarm in track.process(samples):
            self._shelves[alarm.shelf_index].disturb(alarm.t_ns, self._live(self._parts[alarm.shelf_index]))
            self._hurry(alarm.shelf_index)
        now_ns = track.last_t_ns
        if now_ns is None:
            return findings
        for part in track.layout.parts:
            shelf = self._shelves[part.shelf_index]
            if shelf.phase is not Phase.QUIET:
                findings += shelf.look(self._live(self._parts[part.shelf_index]))
        if (track.wrong_gain is not None) != (track.layout.board_uid in self._wrong_gain):
            self._wrong_gain ^= {track.layout.board_uid}
            raised = track.wrong_gain is not None
            findings.append(board_health(now_ns, track.layout.board_uid, "board_gain", raised=raised))
        faulty = track.watch.faulty.copy()
        transitions = track.epoch(now_ns)
        if transitions is not None:
            findings += transitions
            self._after_epoch(track, now_ns, faulty & ~track.watch.faulty)
            findings += self._watch_settling(track, now_ns)
        return findings

    def _after_epoch(self, track: BoardTrack, now_ns: int, mended: BoolArray) -> None:
        for part in track.layout.parts:
            shelf = self._shelves[part.shelf_index]
            live = self._live(self._parts[part.shelf_index])
            shelf.follow_drift(live, now_ns)
            if mended[part.cells].any():  # what the channel missed is found like after a restart
                self._acquire(shelf, now_ns + 1, live, now_ns + 1)

    def _watch_settling(self, track: BoardTrack, now_ns: int) -> list[Finding]:
        findings: list[Finding] = []
        for part in track.layout.parts:
            shelf = self._shelves[part.shelf_index]
            since_ns = shelf.restless_since_ns
            long = since_ns is not None and now_ns - since_ns > self._unsettled_ns(track)
            shelf_id = shelf.shelf.shelf_id
            if long != (shelf_id in self._unsettled):
                self._unsettled ^= {shelf_id}
                findings.append(shelf_unsettled(now_ns, shelf_id, self._settings.unsettled_s, raised=long))
        return findings

    def _unsettled_ns(self, track: BoardTrack) -> float:
        return max(self._settings.unsettled_s * 1e9, 8.0 * self._settings.rest_rows * track.period_ns)

    def _time_passed(self, t_ns: int) -> list[Finding]:
        """Notice boards that fell silent, and compute what waited long enough."""
        self._now_ns = max(self._now_ns, t_ns)
        findings: list[Finding] = []
        for uid, intake in list(self._intakes.items()):
            since_ns = intake.waiting_since_ns
            if since_ns is not None and t_ns - since_ns >= self._settings.batch_s * 1e9:
                findings += self._release(intake)
            if uid not in self._silent and t_ns - intake.heard_ns > intake.track.watch.silence_ns:
                self._note_loss(uid)
                self._silent.add(uid)
                findings.append(board_health(t_ns, uid, "board_silent", raised=True))
                findings += self._after_loss(uid)
        return findings

    def _returned(self, uid: str, intake: Intake, t_ns: int) -> list[Finding]:
        """Compare the shelves of a board that speaks again with what they were before its silence."""
        findings: list[Finding] = []
        if uid in self._silent:
            self._silent.discard(uid)
            findings.append(board_health(t_ns, uid, "board_silent", raised=False))
        self._note_loss(uid)
        self._reacquire(intake.track.layout, t_ns, self._unwatched_ns.pop(uid))
        return findings

    def _reacquire(self, layout: BoardLayout, t_ns: int, since_ns: int) -> None:
        """Compare all shelves of a board anew, which nobody watched since ``since_ns``."""
        for part in layout.parts:
            live = self._live(self._parts[part.shelf_index])
            self._acquire(self._shelves[part.shelf_index], t_ns, live, since_ns)

    def _acquire(self, shelf: ShelfSegmenter, t_ns: int, live: list[LivePart], since_ns: int) -> None:
        for track, part in live:
            track.freeze(part.shelf_index)
        shelf.acquire(t_ns, since_ns)
        self._hurry(self._shelves.index(shelf))

    def _live(self, parts: list[tuple[str, ShelfPart]]) -> list[LivePart]:
        return [(self._tracks[uid], part) for uid, part in parts if uid in self._tracks and uid not in self._silent]


def _fitting(shelf: ShelfConfig, given: dict[str, Baseline]) -> Baseline | None:
    """Return the baseline for a shelf; one of another number of channels belongs to hardware that is gone."""
    baseline = given.get(shelf.shelf_id)
    return baseline if baseline is not None and baseline.level_g.size == len(shelf.channels) else None


def _first_ns(message: Message) -> int:
    """Return the instant at which a message begins."""
    if isinstance(message, AdcSamples):
        return int(message.t_ns[0]) if message.t_ns.size else 0
    return message.t_start_ns if isinstance(message, VisionObservation) else message.t_ns

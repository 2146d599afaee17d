"""What flows through the agent, one frozen type per stage.

::

    BoardUp, AdcSamples, AuxReading, BoardDown, LinkQuality, ModeChange, TimePassed,
    VisionObservation, CameraProgress, CameraCondition                                  (consumed)
        → WeightStep → ItemEvent                                                            (made of it)
        → Decision, Provisional, HealthTransition, Mark, Checkpoint                         (what leaves)

Signs: a mass change, like a quantity, is positive when it goes *onto* the shelf. A take is negative.
Instants are host monotonic nanoseconds; the wire module alone knows UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NewType

import numpy as np
import numpy.typing as npt

from edge_agent.learned import Learned
from edge_agent.vocabulary import EventKind, Mode, Severity, StepCause, Verdict

MonotonicNs = NewType("MonotonicNs", int)
BoardUid = NewType("BoardUid", str)
"""A load-cell board's identity: 16 lower-case hexadecimal digits, as its HELLO says it."""

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]
InstantArray = npt.NDArray[np.int64]
FlagArray = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]


class SampleFlag:
    """Bits of ``AdcSamples.flags``, set by the board for one sample of one channel."""

    SETTLING = 1
    DESYNC = 2
    LATE = 4
    SILENT = 8


# --- what the pipeline consumes ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BoardUp:
    """A board was identified on a port (first contact, replug or reset)."""

    t_ns: MonotonicNs
    board_uid: BoardUid
    channel_count: int
    rate_hz: float
    gain: int
    boot_counter: int
    firmware: str


@dataclass(frozen=True, slots=True, eq=False)
class AdcSamples:
    """Consecutive conversions of one board, at least one row.

    Attributes
    ----------
    t_ns : (n,) int64
        Host monotonic instant of each row, strictly rising.
    counts : (n, channels) int32
        Raw signed 24-bit readings.
    flags : (n, channels) uint8
        Bits of `SampleFlag`.
    first_index : int
        The board's index of the first row; a jump against the last block means lost rows.
    lost_rows : int
        Rows known to be lost right before this block.
    """

    board_uid: BoardUid
    first_index: int
    t_ns: InstantArray
    counts: IntArray
    flags: FlagArray
    lost_rows: int = 0


@dataclass(frozen=True, slots=True)
class AuxReading:
    """A board's slow readings, about one a second."""

    t_ns: MonotonicNs
    board_uid: BoardUid
    temperatures_c: tuple[float | None, ...]
    supply_mv: int
    digital_inputs: int
    skipped: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BoardDown:
    """A board was lost; ``reason`` is the link's word for it, ``detail`` names the port and the fix."""

    t_ns: MonotonicNs
    board_uid: BoardUid | None
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class LinkQuality:
    """The wire to a board damages frames, or does so no longer; ``detail`` names the port and what was counted."""

    t_ns: MonotonicNs
    board_uid: BoardUid
    poor: bool
    detail: str


@dataclass(frozen=True, slots=True)
class ModeChange:
    """Staff, a command or the start-up changed what the shelf is for."""

    t_ns: MonotonicNs
    mode: Mode


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing else came: lets silence be noticed without a clock inside the core."""

    t_ns: MonotonicNs


LANE_CHANGES = tuple(range(-4, 5))
"""Numbers of items that a camera's word on a lane tells apart; each end stands for "so many or more"."""


@dataclass(frozen=True, slots=True, eq=False)
class VisionObservation:
    """What the camera's process says of one moment at one shelf.

    Attributes
    ----------
    t_start_ns, t_end_ns : MonotonicNs
        Middle of the exposure of the first and the last frame that it rests on.
    x_mm, x_sigma_mm : float
        Where along the shelf, from its left edge; sigma infinite where it has no place.
    kind : str
        ``reach``: a hand was at its deepest there, one observation a dwell. ``carried``: what a hand carried, or what
        left or came, looked like. ``lanes``: the shelf's front before and after, nothing in the way of either.
    direction : int
        +1 onto the shelf, −1 off it, 0 unknown.
    track_id : int
        The hand, counted since the camera's process began; −1 for none.
    item_index : int or None
        Counts the items of one track, where they were seen apart; None where the word is of any one of them.
    sku_ids, log_likelihood : tuple of str, (len(sku_ids) + 1,)
        Nats over these SKUs followed by "none of them"; (0,) with no word on SKUs at all.
    lane_ids, lane_log_likelihood : tuple of str, (len(lane_ids), 9)
        Nats, per lane that could be seen before and after, for a change of its number of items by each of
        `LANE_CHANGES`.
    calibration_id : str
        Names what the nats were calibrated with.
    """

    observation_id: str
    shelf_id: str
    t_start_ns: MonotonicNs
    t_end_ns: MonotonicNs
    x_mm: float
    x_sigma_mm: float
    kind: str
    direction: int
    track_id: int
    item_index: int | None
    sku_ids: tuple[str, ...]
    log_likelihood: FloatArray
    calibration_id: str
    lane_ids: tuple[str, ...] = ()
    lane_log_likelihood: FloatArray = field(default_factory=lambda: np.zeros((0, len(LANE_CHANGES))))


@dataclass(frozen=True, slots=True)
class CameraProgress:
    """How far a camera's word goes: everything that it has to say of instants before ``t_ns`` was said.

    Said with every change of ``hands`` and twice a second at least.

    Attributes
    ----------
    hands : int
        How many cross the shelf's front just now.
    unsettled_since_ns : MonotonicNs or None
        Since when something is seen of which more will be said (a hand, or a front that is not yet compared).
    """

    t_ns: MonotonicNs
    camera_id: str
    shelf_id: str
    hands: int
    unsettled_since_ns: MonotonicNs | None = None


@dataclass(frozen=True, slots=True)
class CameraCondition:
    """Something is wrong with a camera (``raised``), or right again; ``detail`` says what was seen, and the fix.

    ``code`` is one of `CAMERA_CODES`.
    """

    t_ns: MonotonicNs
    camera_id: str
    shelf_id: str
    code: str
    raised: bool
    detail: str


CAMERA_CODES = (
    "camera_down",
    "camera_uncommissioned",
    "camera_blocked",
    "camera_dark",
    "camera_overexposed",
    "camera_blurred",
    "camera_frozen",
    "camera_moved",
    "camera_late",
    "camera_dropping",
    "camera_clips",
)
"""What can be wrong with a camera: its process or device is gone, its pictures are not to be believed, or its evidence
clips cannot be kept."""

Message = (
    BoardUp
    | AdcSamples
    | AuxReading
    | BoardDown
    | LinkQuality
    | ModeChange
    | TimePassed
    | VisionObservation
    | CameraProgress
    | CameraCondition
)


def instant_ns(message: Message) -> MonotonicNs:
    """Return when a message is of: its own instant, its last sample's or its observation's end."""
    if isinstance(message, AdcSamples):
        return MonotonicNs(int(message.t_ns[-1]))
    if isinstance(message, VisionObservation):
        return message.t_end_ns
    return message.t_ns


# --- estimation -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """Resting weight per channel of one shelf, as of the last committed event.

    ``level_g`` and ``sigma_g`` have shape (channels,); NaN where a channel was never seen at rest.
    """

    shelf_id: str
    level_g: FloatArray
    sigma_g: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class SubStep:
    """One item's share of a `WeightStep`, where the shelf's weight paused between two items.

    Attributes
    ----------
    t_ns : MonotonicNs
        When the pause after it, or the rest, began.
    delta_g : (channels,)
        Change per channel since the pause before, g, positive onto the shelf.
    covariance_g2 : (channels, channels)
        Of ``delta_g``; wide where a hand may have pressed during a pause. Neighbours share a pause, so what one has too
        much the next has too little.
    so_far_covariance_g2 : (channels, channels)
        Of the sum of all changes up to this one.
    """

    t_ns: MonotonicNs
    delta_g: FloatArray
    covariance_g2: FloatArray
    so_far_covariance_g2: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class WeightStep:
    """The change of a shelf's resting weight from before a disturbance to after it.

    Channels are in the order of the shelf's configuration, over all its boards.

    Attributes
    ----------
    act_id : str
        Names the act; its provisional and its final carry the same one. Unique within a boot.
    delta_g : (channels,)
        Change per channel, g, positive onto the shelf.
    covariance_g2 : (channels, channels)
        Of ``delta_g``. A channel without evidence has a huge variance, not a guess.
    valid : (channels,) bool
        Channels that could be read before and after.
    peak_g : float
        Largest departure of the shelf's total from its level before, while disturbed: a press shows here.
    final : bool
        False for a provisional result that may still change.
    baseline : Baseline or None
        The resting weight after a final step: what the next change is measured against.
    sub_steps : tuple of SubStep
        Empty, or two at least whose changes sum to ``delta_g``, in time order.
    beyond_capacity : bool
        Whether a plate that bore, or bears, more than its cell's capacity is among what changed: that is no weight.
    """

    act_id: str
    shelf_id: str
    t_start_ns: MonotonicNs
    t_end_ns: MonotonicNs
    delta_g: FloatArray
    covariance_g2: FloatArray
    valid: BoolArray
    peak_g: float
    cause: StepCause = StepCause.ACT
    final: bool = True
    baseline: Baseline | None = None
    sub_steps: tuple[SubStep, ...] = ()
    beyond_capacity: bool = False


# --- identification ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class ItemChange:
    """A number of one SKU onto (+) or off (−) one lane; ``lane_id`` is None where no lane is known."""

    sku: str
    quantity: int
    lane_id: str | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """One explanation of an act; no items at all is "something else"."""

    items: tuple[ItemChange, ...]
    probability: float


@dataclass(frozen=True, slots=True)
class Revisions:
    """Which versions of what the agent knew when it decided."""

    planogram: int
    catalogue: int
    calibration: Mapping[str, int]
    software: str


@dataclass(frozen=True, slots=True)
class ItemEvent:
    """An act, decided: billed automatically or sent to review with what it could have been.

    Attributes
    ----------
    items : tuple of ItemChange
        The most probable explanation; empty when that is "something else" (kind ``UNKNOWN``).
    confidence : float
        Posterior probability of what would be billed (SKUs and quantities, over all lanes), in [0, 1].
    alternatives : tuple of Alternative
        Most probable first, the chosen one included; what is missing to 1 is "something else".
    delta_g, sigma_g : float
        Change of the shelf's total and its standard deviation.
    position_mm, position_sigma_mm : float | None
        Where along the shelf, if any witness can tell.
    stock_before, stock_after : mapping lane_id → {sku: count}
        The agent's belief for the lanes that the event touches.
    """

    act_id: str
    shelf_id: str
    kind: EventKind
    mode: Mode
    verdict: Verdict
    reasons: tuple[str, ...]
    items: tuple[ItemChange, ...]
    confidence: float
    alternatives: tuple[Alternative, ...]
    delta_g: float
    sigma_g: float
    position_mm: float | None
    position_sigma_mm: float | None
    t_start_ns: MonotonicNs
    t_end_ns: MonotonicNs
    hands: int | None
    witnesses: tuple[str, ...]
    witnesses_missing: tuple[str, ...]
    stock_before: Mapping[str, Mapping[str, int]]
    stock_after: Mapping[str, Mapping[str, int]]
    revisions: Revisions


Stock = Mapping[str, Mapping[str, int]]
"""lane_id → {sku: count}: what the agent believes stands where. Strays are SKUs not planned for their lane."""


# --- what leaves the pipeline -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """A final event with everything that must be committed with it in one transaction."""

    event: ItemEvent
    stock: Stock
    baselines: tuple[Baseline, ...]
    learned: Learned = field(default_factory=Learned)
    """What this event changed of it."""
    evidence: tuple[str, ...] = ()
    """Names of what is kept for a reviewer, ``sha256:`` and the digits. Added on the way to the outbox: it is nothing
    that the pipeline decides, and no replay brings it back."""


@dataclass(frozen=True, slots=True)
class Provisional:
    """An early word on an act in progress; never billed, never stored."""

    event: ItemEvent


@dataclass(frozen=True, slots=True)
class HealthTransition:
    """Something became wrong (``raised``) or right again.

    ``subject`` names what: ``board:UID``, ``channel:UID/3``, ``shelf:ID``, ``sku:SKU``, ``camera:ID``, ``broker``,
    ``outbox``.
    """

    t_ns: MonotonicNs
    subject: str
    code: str
    raised: bool
    severity: Severity
    detail: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Nothing that began before ``complete_through_ns`` is still undecided."""

    t_ns: MonotonicNs
    complete_through_ns: MonotonicNs


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """The resting weights drifted: keep them, so that a restart compares against today's zero."""

    baselines: tuple[Baseline, ...]


Output = Decision | Provisional | HealthTransition | Mark | Checkpoint


@dataclass(frozen=True, slots=True, eq=False)
class InitialState:
    """What the pipeline knew before its first message: recorded with it, so that a replay starts alike."""

    stock: Stock = field(default_factory=dict)
    baselines: tuple[Baseline, ...] = ()
    mode: Mode = Mode.SELLING
    learned: Learned = field(default_factory=Learned)

"""What the pipeline needs from outside, as protocols; adapters fulfil them and app.py picks which."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edge_agent.model import Decision, ItemEvent, Message, Output, VisionObservation, WeightStep
from edge_agent.vision.frames import CameraFrame


class MessageSource(Protocol):
    """Something that puts stamped messages on the inbox from its own thread."""

    def start(self, deliver: Callable[[Message], None]) -> None:
        """Begin; ``deliver`` may block while the inbox is full. Raises the adapter's named error at once."""

    def check(self) -> None:
        """Raise the adapter's named error when it has failed and will deliver nothing more."""

    def stop(self) -> None:
        """End within a second and release the device."""


class FrameSource(Protocol):
    """A camera, a video or a scene, read by one thread that waits for it.

    One `start`, then `take` again and again, then one `stop`; after an error `stop` still ends in time.
    """

    def start(self) -> str:
        """Open the device; return what it really delivers, for the log: model, sizes, format, library versions.

        Raises
        ------
        CameraError
            Absent, busy, of an unsupported format, no such file; names the camera, the cause and the fix.
        """

    def take(self, timeout_s: float) -> CameraFrame | None:
        """Return the next frame, or None when none came in time or the video has ended.

        A driver that can stall is made to go again before it returns None.

        Raises
        ------
        CameraError
            It was unplugged, or does not go again.
        """

    @property
    def ended(self) -> bool:
        """Return whether nothing will come any more: the end of a video or a folder; never true of a camera."""

    def stop(self) -> None:
        """Release the device within two seconds; never raises, may be called twice."""


class Uplink(Protocol):
    """Where outputs go: committed first, sent after."""

    def commit(self, decision: Decision) -> None:
        """Make a decision durable, or raise `OutboxError`; returning means it survives a power cut."""

    def publish(self, output: Output) -> None:
        """Pass on what is no decision; never raises, never waits for the network. A checkpoint is one disk write."""


class EvidenceKeeper(Protocol):
    """Who keeps for a reviewer what the decision does not say."""

    def clip_of(self, event: ItemEvent) -> str | None:
        """Keep the camera's clip of an act and return its SHA-256 in hexadecimal, or None when there is none.

        Never raises and waits 0.15 s at most, so that the event can name the clip when it is committed.
        """


class SessionTap(Protocol):
    """Someone who listens along: a recording."""

    def consumed(self, message: Message) -> None:
        """Hear a message right before the pipeline consumes it."""

    def produced(self, output: Output) -> None:
        """Hear what came of it."""


class HypothesisTable(Protocol):
    """Explanations of one act, as arrays a witness can score at once.

    Attributes
    ----------
    mean_g : (hypotheses, channels)
        Predicted change per channel.
    covariance_g2 : (hypotheses, channels, channels)
        Of the prediction: unit-weight spread and where in its lane an item lies. Not the measurement's own.
    skus : tuple of str
        What ``sku_index`` points into.
    sku_index : (hypotheses, terms) int
        Per changed item group its SKU, −1 for none.
    quantity : (hypotheses, terms) int
        Per changed item group the signed number of items, 0 for none.
    lane_ids : tuple of str
        What ``lane_index`` points into.
    lane_index : (hypotheses, terms) int
        Per changed item group the lane that it came to or left, −1 for none.
    channels : (channels,) int
        Which of the shelf's channels the columns are: readable ones where something changed.
    unknown : (hypotheses,) bool
        Whether something that the shelf does not sell explains the act or a part of it.
    """

    @property
    def skus(self) -> tuple[str, ...]:
        """Return what ``sku_index`` points into."""

    @property
    def sku_index(self) -> npt.NDArray[np.int32]:
        """Return the SKU of every item group, (hypotheses, terms), −1 for none."""

    @property
    def quantity(self) -> npt.NDArray[np.int32]:
        """Return the signed number of items of every group, (hypotheses, terms)."""

    @property
    def lane_ids(self) -> tuple[str, ...]:
        """Return what ``lane_index`` points into."""

    @property
    def lane_index(self) -> npt.NDArray[np.int32]:
        """Return the lane of every item group, (hypotheses, terms), −1 for none."""

    @property
    def channels(self) -> npt.NDArray[np.int32]:
        """Return which of the shelf's channels the columns are, (channels,)."""

    @property
    def unknown(self) -> npt.NDArray[np.bool_]:
        """Return which hypotheses involve something that the shelf does not sell, (hypotheses,)."""

    @property
    def mean_g(self) -> npt.NDArray[np.float64]:
        """Return predicted changes, (hypotheses, channels)."""

    @property
    def covariance_g2(self) -> npt.NDArray[np.float64]:
        """Return the predictions' covariances, (hypotheses, channels, channels)."""

    def __len__(self) -> int:
        """Return the number of hypotheses."""


class Testimony(Protocol):
    """What one witness says of every hypothesis."""

    @property
    def log_likelihood(self) -> npt.NDArray[np.float64]:
        """Return nats per hypothesis, (hypotheses,)."""

    @property
    def silent(self) -> bool:
        """Return whether the witness had nothing to say (then all zeros)."""

    @property
    def calibration_id(self) -> str:
        """Return which calibration the witness used."""


class Witness(Protocol):
    """A sensor's voice in the decision: log-likelihoods over the hypotheses, nothing else."""

    @property
    def name(self) -> str:
        """Return the name under which events list this witness."""

    def log_likelihood(
        self, hypotheses: HypothesisTable, act: WeightStep, observations: Sequence[VisionObservation]
    ) -> Testimony:
        """Score every hypothesis against what this sensor saw of the act."""

"""The agent's configuration as one frozen tree; files.py reads it from disk.

Every key with a unit carries it in its name. Unknown keys are refused by the types themselves, ranges in
``__post_init__``: msgspec turns a ``ValueError`` raised there into one that names the key's path.
"""

import itertools
from typing import Literal

import msgspec

from edge_agent.config.assortment import Catalogue, Planogram
from edge_agent.config.camera import CameraConfig
from edge_agent.config.table import Table, first_twice, require, require_board_uid, require_level

DEFAULT_MIN_CONFIDENCE = 0.99
"""Where the deployer states neither a threshold nor a tolerated error (2026-11)."""


class TlsConfig(Table, frozen=True):
    """Paths of the PEM files that a TLS connection needs."""

    ca_file: str
    cert_file: str | None = None
    key_file: str | None = None


class BrokerConfig(Table, frozen=True):
    """How to reach the store's central broker."""

    host: str
    port: int = 1883
    protocol: Literal["5", "3.1.1"] = "5"
    username: str | None = None
    password_file: str | None = None
    keepalive_s: int = 20
    tls: TlsConfig | None = None

    def __post_init__(self) -> None:
        require(0 < self.port < 65536, f"port = {self.port}: allowed 1-65535")
        require(5 <= self.keepalive_s <= 600, f"keepalive_s = {self.keepalive_s}: allowed 5-600")


class BoardConfig(Table, frozen=True):
    """A load-cell board: who it is and where it is plugged in."""

    uid: str
    port: str
    baud: int = 115_200

    def __post_init__(self) -> None:
        require_board_uid(self.uid, "uid")
        require(1200 <= self.baud <= 4_000_000, f"baud = {self.baud}: allowed 1200-4000000")


class PolicyConfig(Table, frozen=True):
    """When the evidence decides, and when a person does.

    Either ``min_confidence`` or ``tolerated_error``; without both, `DEFAULT_MIN_CONFIDENCE`.
    """

    min_confidence: float | None = None
    """Posterior below which an event goes to review, fixed."""
    tolerated_error: float | None = None
    """Share of automatically billed events that may be wrong; the threshold follows (identification/threshold.py)."""
    tolerated_review: float | None = None
    """Share of a shelf's selling acts that may go to review before the agent says so."""
    misplaced_prior: float = 0.02
    """Share of items that stand in, or come back to, a lane that is not theirs (measured in shops, 2 %)."""
    unknown_prior: float = 0.002
    """Prior of "something that this shelf does not sell"."""
    max_alternatives: int = 5

    def __post_init__(self) -> None:
        fixed, error, review = self.min_confidence, self.tolerated_error, self.tolerated_review
        require(
            fixed is None or error is None,
            f"min_confidence = {fixed} and tolerated_error = {error}: give one of the two (agent.toml or store file)",
        )
        require(fixed is None or 0.5 <= fixed < 1, f"min_confidence = {fixed}: allowed 0.5 up to below 1")
        require(error is None or 1e-6 <= error <= 0.1, f"tolerated_error = {error}: allowed 0.000001-0.1")
        require(review is None or 1e-4 <= review < 1, f"tolerated_review = {review}: allowed 0.0001 up to below 1")
        require(0 < self.misplaced_prior < 0.5, f"misplaced_prior = {self.misplaced_prior}: allowed 0-0.5, exclusive")
        require(0 < self.unknown_prior < 0.5, f"unknown_prior = {self.unknown_prior}: allowed 0-0.5, exclusive")
        require(1 <= self.max_alternatives <= 20, f"max_alternatives = {self.max_alternatives}: allowed 1-20")

    @property
    def certain_from(self) -> float:
        """Return the threshold that needs no history: at 1 − tolerated_error no single bill is doubted more."""
        if self.tolerated_error is not None:
            return 1 - self.tolerated_error
        return DEFAULT_MIN_CONFIDENCE if self.min_confidence is None else self.min_confidence


class AgentConfig(Table, frozen=True):
    """agent.toml: one shelf unit."""

    schema_version: Literal[1]
    store_id: str
    agent_id: str
    state_dir: str
    broker: BrokerConfig
    boards: tuple[BoardConfig, ...]
    shelves: tuple[str, ...]
    planogram: str
    catalogue: str
    calibration_dir: str
    store: str | None = None
    policy: PolicyConfig = PolicyConfig()
    cameras: tuple[CameraConfig, ...] = ()
    outbox_max_rows: int = 400_000
    """Events kept while the ledger is away: 72 h at 5,500 an hour."""

    def __post_init__(self) -> None:
        require_level(self.store_id, "store_id")
        require_level(self.agent_id, "agent_id")
        require(len(self.boards) > 0, "boards: at least one is needed")
        require(len(self.shelves) > 0, "shelves: at least one file is needed")
        require(self.outbox_max_rows >= 1000, f"outbox_max_rows = {self.outbox_max_rows}: at least 1000")
        uids = [board.uid for board in self.boards]
        require(len(set(uids)) == len(uids), f"boards: uid {first_twice(uids)} stands twice")
        ports = [board.port for board in self.boards]
        require(len(set(ports)) == len(ports), f"boards: port {first_twice(ports)} stands twice")
        names = [camera.camera_id for camera in self.cameras]
        require(len(set(names)) == len(names), f"cameras: camera_id {first_twice(names)} stands twice")
        watched = [camera.shelf_id for camera in self.cameras if camera.driver != "none"]
        require(len(set(watched)) == len(watched), f"cameras: shelf {first_twice(watched)} is watched by two")

    def camera_on(self, shelf_id: str) -> CameraConfig | None:
        """Return the camera that watches a shelf, or None."""
        return next((each for each in self.cameras if each.shelf_id == shelf_id and each.driver != "none"), None)


class ChannelConfig(Table, frozen=True):
    """A load cell: which input of which board, and where under the shelf (mm from its front left corner)."""

    board_uid: str
    index: int
    x_mm: float
    y_mm: float = 0.0

    def __post_init__(self) -> None:
        require_board_uid(self.board_uid, "board_uid")
        require(0 <= self.index < 64, f"index = {self.index}: allowed 0-63")


class LimitsConfig(Table, frozen=True):
    """What the shelf can bear and what is too little to matter."""

    cell_max_g: float = 5000.0
    """Overload of one cell, g: its rated capacity."""
    min_event_g: float = 5.0
    """Resting-weight changes below this are nobody's item, g; at most half of the lightest item sold here."""

    def __post_init__(self) -> None:
        require(0 < self.cell_max_g <= 500_000, f"cell_max_g = {self.cell_max_g}: allowed above 0 up to 500000")
        require(0 < self.min_event_g <= 1000, f"min_event_g = {self.min_event_g}: allowed above 0 up to 1000")


class ShelfConfig(Table, frozen=True):
    """A shelf file: its hardware and where the cells are.

    ``lane_cells``: each channel carries a plate of its own; a plate reaches half-way to its neighbours.
    ``platform``: one plate on four corner cells. ``narrow_plates``: as ``lane_cells``, but narrower than the goods, so
    that an item stands on two or three plates and lanes need not follow their borders.
    """

    shelf_id: str
    kind: Literal["lane_cells", "platform", "narrow_plates"]
    width_mm: float
    depth_mm: float
    channels: tuple[ChannelConfig, ...]
    limits: LimitsConfig = LimitsConfig()

    def __post_init__(self) -> None:
        require_level(self.shelf_id, "shelf_id")
        require(50 <= self.width_mm <= 10_000, f"width_mm = {self.width_mm}: allowed 50-10000")
        require(50 <= self.depth_mm <= 2_000, f"depth_mm = {self.depth_mm}: allowed 50-2000")
        places = [(channel.board_uid, channel.index) for channel in self.channels]
        require(len(set(places)) == len(places), f"channels: board and index {first_twice(places)} stand twice")
        for channel in self.channels:
            inside = 0 <= channel.x_mm <= self.width_mm and 0 <= channel.y_mm <= self.depth_mm
            require(inside, f"channels: cell at ({channel.x_mm}, {channel.y_mm}) mm is outside the shelf")
        if self.kind == "platform":
            require(len(self.channels) == 4, f"channels: a platform has 4 corner cells, not {len(self.channels)}")
            corners = {(channel.x_mm, channel.y_mm) for channel in self.channels}
            rectangle = len({x for x, _ in corners}) == 2 and len({y for _, y in corners}) == 2 and len(corners) == 4
            require(rectangle, "channels: a platform's cells stand at the 4 corners of a rectangle")
        else:
            require(len(self.channels) > 0, "channels: at least one is needed")
            xs = [channel.x_mm for channel in self.channels]
            require(xs == sorted(set(xs)), "channels: lane cells are listed from left to right, each at its own x_mm")

    def plate_edges_mm(self) -> tuple[float, ...]:
        """Return the plates' borders along x, (channels + 1,), for all but a platform."""
        xs = [channel.x_mm for channel in self.channels]
        return (0.0, *((left + right) / 2 for left, right in itertools.pairwise(xs)), self.width_mm)


class ChannelCalibration(Table, frozen=True):
    """Counts → grams of one channel: mass_g = (counts − zero_counts) / counts_per_g."""

    index: int
    zero_counts: float
    counts_per_g: float
    """Negative where a load lowers the reading (cell wired the other way round)."""
    noise_g: float | None = None
    """Standard deviation of one quiet reading, g, as found at calibration; learned live where absent."""

    def __post_init__(self) -> None:
        require(0 <= self.index < 64, f"index = {self.index}: allowed 0-63")
        require(abs(self.zero_counts) <= 2**23, f"zero_counts = {self.zero_counts}: a 24-bit reading")
        require(0.01 <= abs(self.counts_per_g) <= 1e6, f"counts_per_g = {self.counts_per_g}: 0.01-1e6 in size")
        require(self.noise_g is None or self.noise_g > 0, f"noise_g = {self.noise_g}: above 0")


class BoardCalibration(Table, frozen=True):
    """calibration/<board uid>.toml: what a technician measured, bound to that board."""

    board_uid: str
    revision: int
    channels: tuple[ChannelCalibration, ...]
    gain: Literal[128, 64, 32] = 128
    calibrated_by: str = ""
    calibrated_at: str = ""

    def __post_init__(self) -> None:
        require_board_uid(self.board_uid, "board_uid")
        require(self.revision >= 1, f"revision = {self.revision}: at least 1")
        indices = [channel.index for channel in self.channels]
        require(len(set(indices)) == len(indices), f"channels: index {first_twice(indices)} stands twice")

    def channel(self, index: int) -> ChannelCalibration | None:
        """Return the calibration of one input, or None."""
        return next((channel for channel in self.channels if channel.index == index), None)


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """All that an agent knows before it reads its first sample: checked, and consistent with itself."""

    agent: AgentConfig
    shelves: tuple[ShelfConfig, ...]
    planogram: Planogram
    catalogue: Catalogue
    calibrations: tuple[BoardCalibration, ...]

    def calibration(self, board_uid: str) -> BoardCalibration | None:
        """Return the calibration bound to a board, or None."""
        return next((each for each in self.calibrations if each.board_uid == board_uid), None)

    def opening_stock(self) -> dict[str, dict[str, int]]:
        """Return lane_id → {sku: count} as the planogram states it."""
        return {lane.lane_id: {lane.sku: lane.opening_count} for lane in self.planogram.lanes}

"""A shelf's camera, as agent.toml describes it."""

from typing import Literal

from edge_agent.config.table import Table, require, require_level


class ClipsConfig(Table, frozen=True):
    """Evidence clips for reviewers: masked pictures of acts that go to review. Off unless asked for."""

    enabled: bool = False
    keep_h: float = 72.0
    """How long a clip is kept."""
    max_mb: float = 200.0
    """How much disk all clips of this camera may take; the oldest go first."""

    def __post_init__(self) -> None:
        require(0 < self.keep_h <= 720, f"keep_h = {self.keep_h}: allowed above 0 up to 720")
        require(1 <= self.max_mb <= 10_000, f"max_mb = {self.max_mb}: allowed 1-10000")


class CameraConfig(Table, frozen=True):
    """A camera that watches the front of one shelf; driver 'none' leaves the shelf to its cells alone.

    ``source``: for picamera2 the camera's number or its model; for v4l2 the device, best by its id under
    /dev/v4l/by-id; for file a video or a folder of pictures; for simulated a name of no account.
    """

    shelf_id: str
    driver: Literal["none", "picamera2", "v4l2", "file", "simulated"]
    camera_id: str = "camera0"
    source: str = "0"
    width_px: int = 1280
    height_px: int = 960
    lores_width_px: int = 320
    """Width of the small grey picture in which hands and changes are sought; its height follows."""
    rate_hz: float = 15.0
    opening_mm: float = 300.0
    """Height of the shelf's opening above its board: how far up the front is watched."""
    clips: ClipsConfig = ClipsConfig()

    def __post_init__(self) -> None:
        require_level(self.camera_id, "camera_id")
        require(160 <= self.width_px <= 4608, f"width_px = {self.width_px}: allowed 160-4608")
        require(120 <= self.height_px <= 2592, f"height_px = {self.height_px}: allowed 120-2592")
        require(
            160 <= self.lores_width_px <= min(self.width_px, 640),
            f"lores_width_px = {self.lores_width_px}: allowed 160-640, at most width_px",
        )
        require(1 <= self.rate_hz <= 60, f"rate_hz = {self.rate_hz}: allowed 1-60")
        require(50 <= self.opening_mm <= 2000, f"opening_mm = {self.opening_mm}: allowed 50-2000")

    @property
    def lores_height_px(self) -> int:
        """Return the small picture's height, even."""
        return round(self.lores_width_px * self.height_px / self.width_px / 2) * 2

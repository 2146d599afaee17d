"""One hand that is followed: a Kalman filter of where its tip is seen on the front.

State: x = [x_mm, z_mm, v_x, v_z], constant velocity with white-noise acceleration of spectral density q (Bar-Shalom, Li
and Kirubarajan 2001, section 6.3.2). Both axes share one covariance P of (place, speed), for they share F, Q and R::

    predict   F = [[1, dt], [0, 1]]     Q = q [[dt³/3, dt²/2], [dt²/2, dt]]
    update    S = P_00 + R    K = (P_00, P_01)ᵀ / S    P ← (I − K H) P (I − K H)ᵀ + K R Kᵀ
"""

from dataclasses import dataclass, field

from edge_agent.model import MonotonicNs
from edge_agent.vision.hands import Arm

TIP_SIGMA_MM = 14.0
"""Of one frame's tip: fingers open and close, the outline frays (assumed, 2026-12)."""
ACCELERATION_MM2_S3 = 4.0e6
"""q: a hand changes its speed by about half a metre a second within 0.06 s (assumed, 2026-12)."""
FIRST_SPEED_SIGMA_MM_S = 700.0
CONFIRM_FRAMES = 2
"""Frames in which a hand must be seen before it counts."""


@dataclass(slots=True)
class Hand:
    """A hand that is followed."""

    track_id: int
    x_mm: float
    z_mm: float
    born_ns: MonotonicNs
    seen_ns: MonotonicNs
    depth_mm: float
    crossing: bool
    speed_x_mm_s: float = 0.0
    speed_z_mm_s: float = 0.0
    p00: float = TIP_SIGMA_MM**2
    p01: float = 0.0
    p11: float = FIRST_SPEED_SIGMA_MM_S**2
    frames: int = 1
    enters_x_mm: float = 0.0
    enters_z_mm: float = 0.0
    """Where its arm comes in."""
    companions: dict[int, int] = field(default_factory=dict)
    """Frames in which it and another hand were both seen, by the other's number."""
    merged_since_ns: MonotonicNs | None = None
    merged: bool = False
    was_merged: bool = False
    deepest_mm: float = 0.0
    reaches: int = 0
    dwell: list[tuple[MonotonicNs, float, float, float]] = field(default_factory=list)
    """(t, x, z, depth) of the frames of the dwell that is on."""
    last_reach: tuple[float, float] | None = None
    """(x, depth) of the last one."""
    shallowest_mm: float = 0.0
    """Least depth since."""
    peak: tuple[MonotonicNs, float] | None = None
    """(t, x) of where it was deepest inside the opening."""

    @property
    def confirmed(self) -> bool:
        """Return whether it was seen often enough to count."""
        return self.frames >= CONFIRM_FRAMES

    def predict(self, dt_s: float) -> None:
        """Move on by ``dt_s`` seconds."""
        q = ACCELERATION_MM2_S3
        self.x_mm += dt_s * self.speed_x_mm_s
        self.z_mm += dt_s * self.speed_z_mm_s
        self.p00 += dt_s * (2 * self.p01 + dt_s * self.p11) + q * dt_s**3 / 3
        self.p01 += dt_s * self.p11 + q * dt_s**2 / 2
        self.p11 += q * dt_s

    def distance2(self, arm: Arm) -> float:
        """Return the normalised innovation squared of an arm's tip."""
        variance = self.p00 + TIP_SIGMA_MM**2
        return ((arm.x_mm - self.x_mm) ** 2 + (arm.z_mm - self.z_mm) ** 2) / variance

    def update(self, arm: Arm, t_ns: MonotonicNs, sigma_mm: float) -> None:
        """Take in where an arm's tip is seen."""
        noise = sigma_mm**2
        variance = self.p00 + noise
        place, speed = self.p00 / variance, self.p01 / variance
        dx, dz = arm.x_mm - self.x_mm, arm.z_mm - self.z_mm
        self.x_mm += place * dx
        self.z_mm += place * dz
        self.speed_x_mm_s += speed * dx
        self.speed_z_mm_s += speed * dz
        p00, p01 = self.p00, self.p01
        self.p11 += speed * speed * variance - 2 * speed * p01
        self.p01 = (1 - place) * p01 - (1 - place) * speed * p00 + place * speed * noise
        self.p00 = (1 - place) ** 2 * p00 + place**2 * noise
        self.seen_ns = t_ns
        self.depth_mm, self.crossing = arm.depth_mm, arm.crossing
        self.enters_x_mm, self.enters_z_mm = arm.enters_x_mm, arm.enters_z_mm

    def jump(self, arm: Arm) -> None:
        """Begin anew at a tip that is suddenly elsewhere: what the hand lifts became part of the arm's outline."""
        self.x_mm, self.z_mm = arm.x_mm, arm.z_mm
        self.speed_x_mm_s = self.speed_z_mm_s = 0.0
        self.p00, self.p01, self.p11 = TIP_SIGMA_MM**2, 0.0, FIRST_SPEED_SIGMA_MM_S**2

"""How what was seen is said: the messages of one camera, numbered so that the same frames say the same."""

import numpy as np

from edge_agent.config.camera import CameraConfig
from edge_agent.model import (
    LANE_CHANGES,
    CameraCondition,
    CameraProgress,
    FloatArray,
    MonotonicNs,
    VisionObservation,
)
from edge_agent.vision.frame_health import Finding

Said = VisionObservation | CameraProgress | CameraCondition


class Words:
    """Makes the messages of one camera.

    Parameters
    ----------
    camera : CameraConfig
    """

    def __init__(self, camera: CameraConfig) -> None:
        self._camera = camera
        self._sequence = 0
        self._number = 0

    def begin(self, sequence: int) -> None:
        """Let this frame number what is said from now on."""
        self._sequence, self._number = sequence, 0

    def condition(self, finding: Finding, t_ns: MonotonicNs) -> CameraCondition:
        """Return what is wrong with the camera, or right again."""
        camera = self._camera
        detail = f"camera {camera.camera_id}: {finding.detail}"
        return CameraCondition(t_ns, camera.camera_id, camera.shelf_id, finding.code, finding.raised, detail)

    def progress(self, t_ns: MonotonicNs, hands: int, unsettled_since_ns: MonotonicNs | None) -> CameraProgress:
        """Return how far the camera's word goes."""
        return CameraProgress(t_ns, self._camera.camera_id, self._camera.shelf_id, hands, unsettled_since_ns)

    def observation(
        self,
        kind: str,
        t_start_ns: MonotonicNs,
        t_end_ns: MonotonicNs,
        x_mm: float,
        x_sigma_mm: float,
        *,
        direction: int = 0,
        track_id: int = -1,
        item_index: int | None = None,
        sku_ids: tuple[str, ...] = (),
        log_likelihood: FloatArray | None = None,
        calibration_id: str = "",
        lane_ids: tuple[str, ...] = (),
        lane_log_likelihood: FloatArray | None = None,
    ) -> VisionObservation:
        """Return an observation; what is not named is not told."""
        self._number += 1
        return VisionObservation(
            observation_id=f"{self._camera.camera_id}-{self._sequence}-{self._number}",
            shelf_id=self._camera.shelf_id,
            t_start_ns=t_start_ns,
            t_end_ns=t_end_ns,
            x_mm=x_mm,
            x_sigma_mm=x_sigma_mm,
            kind=kind,
            direction=direction,
            track_id=track_id,
            item_index=item_index,
            sku_ids=sku_ids,
            log_likelihood=np.zeros(0) if log_likelihood is None else log_likelihood,
            calibration_id=calibration_id,
            lane_ids=lane_ids,
            lane_log_likelihood=np.zeros((0, len(LANE_CHANGES)))
            if lane_log_likelihood is None
            else lane_log_likelihood,
        )

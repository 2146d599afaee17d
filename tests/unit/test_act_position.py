"""Where along the shelf an act was: weight and camera measure one place, and what does not fit is left out."""

import numpy as np
import pytest
from identification_shop import HARDWARE, Kind, Shopping

from edge_agent.model import MonotonicNs, VisionObservation, WeightStep

LANE_MM = {"SOUP": 225.0, "OAT": 375.0}


def hand(
    step: WeightStep, x_mm: float, sigma_mm: float = 15.0, shelf_id: str = "shelf", late: int = 0
) -> VisionObservation:
    start = MonotonicNs(step.t_start_ns + late)
    return VisionObservation(
        observation_id=f"hand-{x_mm}",
        shelf_id=shelf_id,
        t_start_ns=start,
        t_end_ns=start,
        x_mm=x_mm,
        x_sigma_mm=sigma_mm,
        kind="hand",
        direction=1,
        track_id=1,
        item_index=None,
        sku_ids=(),
        log_likelihood=np.zeros(1),
        calibration_id="c",
    )


def told(shop: Shopping, step: WeightStep, *seen: VisionObservation) -> tuple[float, float]:
    event = shop.resolve(step, observations=list(seen))
    assert event.position_mm is not None
    assert event.position_sigma_mm is not None
    return event.position_mm, event.position_sigma_mm


@pytest.mark.parametrize("kind", HARDWARE)
def test_a_hand_that_was_followed_makes_the_place_surer_and_draws_it_near(kind: Kind) -> None:
    shop = Shopping(kind)
    step = shop.step(("SOUP", -420.0), sigma_g=8.0)
    alone_mm, alone_sigma_mm = told(shop, step)
    x_mm, sigma_mm = told(shop, step, hand(step, alone_mm + 10.0))
    assert sigma_mm == pytest.approx((alone_sigma_mm**-2 + 15.0**-2) ** -0.5)
    assert alone_mm < x_mm < alone_mm + 10.0


def test_a_hand_elsewhere_or_later_or_at_another_shelf_moves_nothing() -> None:
    shop = Shopping("platform")
    step = shop.step(("SOUP", -420.0))
    alone = told(shop, step)
    x_mm = alone[0] + 4.0
    for other in (hand(step, alone[0] + 300.0), hand(step, x_mm, late=5000), hand(step, x_mm, shelf_id="below")):
        assert told(shop, step, other) == alone


def test_where_weight_cannot_tell_the_camera_does() -> None:
    shop = Shopping("platform")
    step = shop.step(("OAT", -1041.0), valid=[True, True, True, False])
    assert shop.resolve(step).position_mm is None
    assert told(shop, step, hand(step, LANE_MM["OAT"])) == (LANE_MM["OAT"], 15.0)

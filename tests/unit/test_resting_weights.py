"""Which resting weights are written though nobody touched the shelf, so that a crash makes no event of them."""

import numpy as np

from edge_agent.model import Baseline, MonotonicNs
from edge_agent.resting_weights import PERIOD_NS, RestingWeights


def weight(level_g: float, shelf_id: str = "s1") -> Baseline:
    return Baseline(shelf_id, np.array([level_g]), np.array([0.1]))


def written(resting: RestingWeights, minutes: float, *baselines: Baseline) -> list[tuple[str, float]]:
    checkpoints = resting.due(MonotonicNs(round(minutes * 60e9)), baselines)
    return [(each.shelf_id, float(each.level_g[0])) for checkpoint in checkpoints for each in checkpoint.baselines]


def test_a_shelf_never_kept_is_written_at_once_and_again_until_an_event_carries_it() -> None:
    resting = RestingWeights([])
    assert written(resting, 0, weight(500)) == [("s1", 500)]
    assert written(resting, 1, weight(500)) == []
    assert written(resting, 5, weight(500)) == [("s1", 500)], "the first write may have been passed over"
    resting.committed(weight(500))
    assert written(resting, 10, weight(500)) == []


def test_drift_is_written_at_the_slow_pace_and_never_lost_to_one_failed_write() -> None:
    resting = RestingWeights([weight(500)])
    told = [written(resting, minute, weight(501)) for minute in range(16)]
    assert [minute for minute, each in enumerate(told) if each] == [5, 10, 15]
    assert PERIOD_NS == 300e9
    back = [written(resting, minute, weight(500)) for minute in range(16, 26)]
    assert [("s1", 500.0)] in back, "drift that went back is written too: what the disk holds is not sure"


def test_what_is_on_disk_is_not_written_again() -> None:
    resting = RestingWeights([weight(500)])
    assert [written(resting, minute, weight(500.3)) for minute in range(60)] == [[]] * 60


def test_a_weight_that_changed_without_an_event_is_written_as_soon_as_the_shelf_rests() -> None:
    resting = RestingWeights([weight(500), weight(300, "s2")])
    written(resting, 0, weight(500), weight(300, "s2"))
    resting.outdate("s1")
    assert written(resting, 0.1, weight(300, "s2")) == [], "the shelf still moves"
    assert resting.pressing, "it is not forgotten meanwhile"
    assert written(resting, 0.2, weight(900), weight(300, "s2")) == [("s1", 900)]
    assert written(resting, 0.3, weight(900), weight(300, "s2")) == []


def test_a_shelf_that_was_never_weighed_has_nothing_to_write() -> None:
    assert written(RestingWeights([]), 0, weight(float("nan"))) == []

"""The eye before a rendered shelf: one visit, seen from the first frame to the last word."""

import tracemalloc

import numpy as np
import pytest
from rendered_shelf import Watched, rendered, seconds, watch
from vision_table import change_nats, comparisons, hands_right

from edge_agent.model import CameraCondition, CameraProgress


@pytest.fixture(scope="module")
def seen() -> Watched:
    scene, until_s = rendered(3, "lane_cells", 3)
    return watch(scene, until_s)


def test_hands_before_a_rendered_shelf_are_counted(seen: Watched) -> None:
    right, clear, _, _ = hands_right(seen)
    assert clear > 40
    assert right >= 0.95 * clear


def test_the_lanes_that_changed_are_named_and_no_others(seen: Watched) -> None:
    rows = comparisons(seen)
    assert rows
    for row in rows:
        truth, nats = np.array(row["truth"]), change_nats(row)
        assert (nats[truth != 0] > 0).all()
        assert (nats[truth == 0] < 0).all()


def test_the_last_word_on_an_act_comes_within_a_second_of_the_hands_leaving(seen: Watched) -> None:
    for word in seen.words:
        end_s = seconds(word.t_end_ns)
        near = [t for t in seen.t_s if t <= end_s and seen.scene.hands_at(t)]
        assert end_s - max(near) < 1.0
    last = [each for each in seen.said if isinstance(each, CameraProgress)][-1]
    assert last.hands == 0
    assert last.unsettled_since_ns is None


def test_ordinary_light_and_noise_raise_no_condition(seen: Watched) -> None:
    assert [each for each in seen.said if isinstance(each, CameraCondition)] == []


def test_an_eye_takes_less_than_eight_megabytes() -> None:
    scene, _ = rendered(3, "lane_cells", 1)
    watch(scene, 0.5)  # what is loaded once is nobody's
    tracemalloc.start()
    eye_of = watch(scene, 8.0)
    scene_bytes = tracemalloc.take_snapshot().filter_traces(
        [tracemalloc.Filter(inclusive=True, filename_pattern="*/edge_agent/vision/*")]
    )
    tracemalloc.stop()
    assert eye_of.t_s
    assert sum(each.size for each in scene_bytes.statistics("filename")) < 8e6

"""What travels over the pipe to and from a camera's process."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.camera_process.outgoing import Outgoing
from edge_agent.camera_process.words import ClipWanted, Heartbeat, LastWords, Reader, Setup, Word, WordError, spell
from edge_agent.config import CameraConfig
from edge_agent.config.assortment import LaneConfig
from edge_agent.model import CameraCondition, CameraProgress, MonotonicNs, VisionObservation

LANE = LaneConfig(lane_id="A1", shelf_id="s1", x_mm=(0.0, 100.0), sku="milk", capacity=8)
CAMERA = CameraConfig(shelf_id="s1", driver="simulated")
PLAIN: list[Word] = [
    Setup(CAMERA, (LANE,), 1000.0, "/var/lib/edge-agent"),
    ClipWanted("s1-1", "s1", 1, 2),
    Heartbeat(1, 2, 3),
    LastWords("camera_down", "camera 0 not found"),
    CameraProgress(MonotonicNs(5), "camera0", "s1", 2, MonotonicNs(4)),
    CameraCondition(MonotonicNs(5), "camera0", "s1", "camera_dark", True, "dark"),
]


def observation(lanes: int) -> VisionObservation:
    nats = np.linspace(-3, 0, 9 * lanes).reshape(lanes, 9)
    names = tuple(f"A{lane}" for lane in range(lanes))
    return VisionObservation(
        "o1", "s1", MonotonicNs(1), MonotonicNs(2), math.nan, math.inf, "lanes", 0, -1, None,
        ("milk",), np.array([-0.1, -math.inf]), "c1", names, nats,
    )  # fmt: skip


@given(st.lists(st.integers(1, 40), max_size=60))
def test_words_arrive_however_the_pipe_cuts_them(cuts: list[int]) -> None:
    spelt = b"".join(map(spell, PLAIN))
    reader, heard = Reader(), []
    for cut in [*cuts, len(spelt)]:
        heard += list(reader.feed(spelt[:cut]))
        spelt = spelt[cut:]
    assert heard == PLAIN


@pytest.mark.parametrize("lanes", [0, 1, 3])
def test_an_observation_arrives_as_it_was_said_infinities_and_empty_arrays_included(lanes: int) -> None:
    said = observation(lanes)
    (heard,) = Reader().feed(spell(said))
    assert isinstance(heard, VisionObservation)
    assert heard.x_sigma_mm == math.inf
    assert math.isnan(heard.x_mm)
    assert heard.lane_log_likelihood.shape == (lanes, 9)
    np.testing.assert_array_equal(heard.lane_log_likelihood, said.lane_log_likelihood)
    np.testing.assert_array_equal(heard.log_likelihood, said.log_likelihood)


@pytest.mark.parametrize(
    "junk", [b"Traceback (most recent call last)", b"\x00\x00\x00\x00\x00", b"\x05\x00\x00\x00\x03junk"]
)
def test_what_is_no_word_is_refused(junk: bytes) -> None:
    with pytest.raises(WordError):
        list(Reader().feed(junk))


def test_when_nobody_takes_words_the_oldest_on_progress_gives_way_and_alarms_stay() -> None:
    outgoing = Outgoing(most=3)
    down = CameraCondition(MonotonicNs(1), "camera0", "s1", "camera_down", True, "down")
    outgoing.put(down)
    outgoing.put(observation(1))
    for t_ns in range(10, 20):
        outgoing.put(CameraProgress(MonotonicNs(t_ns), "camera0", "s1", 0))
    taken = [outgoing.take() for _ in range(3)]
    assert taken[0] == down
    assert isinstance(taken[1], VisionObservation)
    assert isinstance(taken[2], CameraProgress)
    assert taken[2].t_ns == 19
    assert outgoing.dropped == 9

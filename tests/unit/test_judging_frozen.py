"""The judge stays as it is: whoever changes what it draws or what its oracle says changes its version with it."""

import hashlib

import numpy as np
import pytest

from edge_agent.judging import VERSION
from edge_agent.judging.habits import HABITS
from edge_agent.judging.hardware import HARDWARE
from edge_agent.judging.match import CameraSkill, Terms, play
from edge_agent.judging.suites import SUITES

PINNED = {
    "distinct/lane_cells/blind": "66f33f2e72e0",
    "distinct/lane_cells/camera": "3460a5d7c5a4",
    "distinct/platform/blind": "9d31e456b9c3",
    "distinct/platform/camera": "2ee42b0a8eda",
    "variants/lane_cells/blind": "b606f79cbb8d",
    "variants/lane_cells/camera": "c2f024b65168",
    "variants/platform/blind": "b38e5c2c4426",
    "variants/platform/camera": "12be40bc3636",
    "store/lane_cells/blind": "f8a09d88da4e",
    "store/lane_cells/camera": "2f82d824038c",
    "store/platform/blind": "a90a3903218e",
    "store/platform/camera": "c5ad763f5509",
}


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("kind", [kind for kind in HARDWARE if kind != "narrow_plates"])
@pytest.mark.parametrize("camera", [None, CameraSkill(0.9, per_item=True)], ids=["blind", "camera"])
def test_the_frozen_judge_draws_and_answers_as_it_always_did(suite: str, kind: str, camera: CameraSkill | None) -> None:
    oracle = play(Terms(suite, kind, 50, 4, HABITS, 0.99, camera), []).players[0]  # type: ignore[arg-type]
    digest = hashlib.sha256(np.packbits(oracle.right).tobytes() + np.round(oracle.confidence, 5).tobytes())
    name = f"{suite}/{kind}/{'blind' if camera is None else 'camera'}"
    assert (VERSION, digest.hexdigest()[:12]) == ("judge-1", PINNED[name]), name


NARROW = {
    "distinct/blind": ("5ede21987a1e", 0.9867),
    "distinct/camera": ("5ede21987a1e", 0.9968),
    "variants/blind": ("afcb7669a66d", 0.9648),
    "variants/camera": ("1308652abcf2", 0.9746),
    "store/blind": ("6ec77ab3410f", 0.9508),
    "store/camera": ("6ec77ab3410f", 0.9678),
}
"""Digest of which bills are right, and the mean confidence."""


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("camera", [None, CameraSkill(0.9, per_item=True)], ids=["blind", "camera"])
def test_the_frozen_judge_reads_narrow_plates_as_it_always_did(suite: str, camera: CameraSkill | None) -> None:
    """The search for peaks may part by a bit of another machine's arithmetic, so the confidences have a tolerance."""
    oracle = play(Terms(suite, "narrow_plates", 50, 4, HABITS, 0.99, camera), []).players[0]
    name = f"{suite}/{'blind' if camera is None else 'camera'}"
    right, confidence = NARROW[name]
    assert (VERSION, hashlib.sha256(np.packbits(oracle.right).tobytes()).hexdigest()[:12]) == ("judge-1", right), name
    assert oracle.confidence.mean() == pytest.approx(confidence, abs=0.001), name
